/* overlay.c: see overlay.h. */
#include "overlay.h"

#include <string.h>

/* The bits of the number, lowest first, go to red, green and blue in turn, into their highest bits
 * first (Everingham et al., VOC development kit, VOClabelcolormap). */
static void voc_colour(unsigned number, unsigned char colour[3])
{
    memset(colour, 0, 3);
    for (int bit = 7; number; bit--)
        for (int k = 0; k < 3; k++, number >>= 1)
            colour[k] |= (unsigned char)((number & 1) << bit);
}

static void fill(bool alone, const unsigned char of_one[3], unsigned char colour[][3])
{
    for (unsigned i = 0; i < OVERLAY_COLOURS; i++)
        if (alone && i > 0)
            memcpy(colour[i], of_one, 3);
        else
            voc_colour(i, colour[i]);
}

void overlay_palette(bool alone, unsigned char colour[OVERLAY_COLOURS][3])
{
    fill(alone, (const unsigned char[3]){255, 255, 255}, colour);
}

void overlay_ink(bool alone, unsigned char colour[OVERLAY_COLOURS][3])
{
    fill(alone, (const unsigned char[3]){255, 0, 0}, colour);
}

/* Whether a neighbour, up, down, left or right, is of another class. */
static bool is_border(const t2m_segmentation *s, size_t row, size_t column)
{
    const unsigned char *at = s->mask + row * s->width + column;
    return (row > 0 && at[-(ptrdiff_t)s->width] != *at) ||
           (row + 1 < s->height && at[s->width] != *at) || (column > 0 && at[-1] != *at) ||
           (column + 1 < s->width && at[1] != *at);
}

void overlay_draw(const t2m_segmentation *s, unsigned char (*colour)[3], unsigned char *out)
{
    for (size_t i = 0; i < s->height * s->width; i++) {
        const unsigned char id = s->mask[i], *from = s->picture + i * s->channels;
        const bool border = id && is_border(s, i / s->width, i % s->width);
        for (size_t k = 0; k < 3; k++) {
            const unsigned light = from[s->channels == 3 ? k : 0];
            *out++ = (unsigned char)(!id      ? light
                                     : border ? colour[id][k]
                                              : (light + colour[id][k] + 1) / 2);
        }
    }
}
