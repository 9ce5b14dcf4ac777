/* label.h: the PNG of a mask as one class id a pixel. The samples are taken as they are in the
 * file: nothing is scaled, blended or dithered, as that would change ids. */
#pragma once
#include "files/store.h"

enum { LABEL_IGNORE = 255, LABEL_COLOURS_MAX = 255 };

struct label_colour {
    uint32_t rgb; /* 0xRRGGBB */
    unsigned char id;
};

struct label_rules {
    const struct label_colour *colour; /* [colours], ascending in rgb, each once */
    size_t colours;
    unsigned char whole; /* not 0: the mask shows this class alone; any pixel that is not 0, or not
                            black, has it */
};

struct label { /* freed by mem_free(lib, ids) */
    size_t width, height;
    unsigned char *ids; /* [height, width] */
};

/* What is the id of a pixel:
 *  - grey of 1 to 8 bits: its value; of 16 bits: its value, refused over 255.
 *  - palette: the index. But if the rules have colours and those of the mask are all among them,
 *    and not of the background alone, the colour's; white is then to be ignored, unless listed.
 *  - colours, 8 bits: the colour's, by the rules; if they do not have them, white is to be ignored
 *    and black is background. Where the rules have no colours, red = green = blue = id.
 * Alpha does not matter. T2M_EDATA names the file, and row and column from 1, and what to do: a
 * JPEG, a colour that is not listed, a value over 255; limits and damage as in image.h. */
t2m_status label_decode(t2m *lib, const struct bytes *file, const char *name,
                        const struct label_rules *rules, struct label *out);
