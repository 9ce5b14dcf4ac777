/* image_reading.h: the inside of image.c: what the readers of PNG and JPEG share. A mask (label.c)
 * is read with the same limits, but keeps the samples of its PNG as they are. */
#pragma once
#include <png.h>

#include "files/image.h"

/* T2M_EDATA "'name': why". */
t2m_status image_bad(t2m *lib, const char *name, const char *why);
/* T2M_EDATA with the sizes, if a side or the number of pixels is beyond the limits of image.h. */
t2m_status image_check_size(t2m *lib, const char *name, size_t width, size_t height);
/* By the first bytes. */
bool image_is_png(const struct bytes *file);
bool image_is_jpeg(const struct bytes *file);

struct raster { /* a PNG as rows of samples; freed by mem_free(lib, samples) */
    size_t width, height, channels;
    size_t bytes;           /* 1 or 2 of a sample; of two the high one comes first */
    unsigned char *samples; /* [height, width, channels, bytes] */
    size_t colours;         /* of the palette, if samples are numbers of it; else 0 */
    unsigned char colour[256][3];
};

/* `prepare` asks libpng for what it shall change on the way; it may leave by libpng's error jump.
 * Of an animated PNG the first picture is read. */
t2m_status raster_read(t2m *lib, const struct bytes *file, const char *name,
                       void (*prepare)(png_structp png, png_infop info), struct raster *out);

t2m_status image_read_png(t2m *lib, const struct bytes *file, const char *name, struct image *out);
/* Inks (CMYK, YCCK) become colours; turned as its EXIF orientation says. */
t2m_status image_read_jpeg(t2m *lib, const struct bytes *file, const char *name, struct image *out);
