/* canvas.h: a zero-padded copy of a group of images, on which every patch is a regular walk, so
 * that there are no border cases. Shared by the convolutions of kernels_conv.c and
 * kernels_winograd.c, and what these two say to each other. */
#pragma once
#include "engine/compute/simd.h"

struct canvas { /* [images, h, w, channels]; the picture starts at (top, left), `spread` apart */
    size_t h, w, channels;
    ptrdiff_t top, left;
    size_t spread;
};

struct picture {
    size_t h, w;
};

INLINE size_t canvas_reals(const struct canvas *c)
{
    return c->h * c->w * c->channels;
}

/* One line of a picture on its place, spread and cut to the canvas. */
INLINE void draw_line(const struct canvas *c, const real *x, size_t w, real *line)
{
    if (c->spread == 1 && c->left >= 0) {
        memcpy(line + (size_t)c->left * c->channels, x, sizeof(real) * w * c->channels);
        return;
    }
    for (size_t i = 0; i < w; i++) {
        const ptrdiff_t at = c->left + (ptrdiff_t)(i * c->spread);
        if (at >= 0 && at < (ptrdiff_t)c->w)
            memcpy(line + (size_t)at * c->channels, x + i * c->channels,
                   sizeof(real) * c->channels);
    }
}

INLINE void clear(const struct canvas *c, real *to, size_t count)
{
    memset(to, 0, sizeof(real) * count * canvas_reals(c));
}

/* Pictures over others of the same size; what is between and around them stays clear. */
INLINE void draw(const struct canvas *c, const real *x, struct picture p, real *to, size_t count)
{
    for (size_t n = 0; n < count; n++, to += canvas_reals(c))
        for (size_t y = 0; y < p.h; y++, x += p.w * c->channels) {
            const ptrdiff_t at = c->top + (ptrdiff_t)(y * c->spread);
            if (at >= 0 && at < (ptrdiff_t)c->h)
                draw_line(c, x, p.w, to + (size_t)at * c->w * c->channels);
        }
}

/* ---- 3 x 3 filters of stride 1 by fewer products (kernels_winograd.c) ---- */

/* The part of a convolution's result that is wanted */
struct share {
    size_t first, end;
};

INLINE struct share share_of(const struct conv_shape *s, size_t units)
{
    if (s->parts == 0)
        return (struct share){0, units};
    return (struct share){units * s->part / s->parts, units * (s->part + 1) / s->parts};
}

enum { WINOGRAD_PIXELS = 4 }; /* of the result in a tile, each way */

struct winograd {         /* one item of the batch */
    struct canvas canvas; /* of what is read: x, or gy for the gradient in x; holds whole tiles */
    struct picture from, to;
    size_t n, columns;  /* images; channels of the result */
    struct share share; /* of the rows of tiles of all images; or of the columns, in vectors */
    real *work;
};
#define WINOGRAD_FITS KERNEL(winograd_fits)
#define WINOGRAD_REALS KERNEL(winograd_reals)
#define WINOGRAD_ROWS KERNEL(winograd_rows)
#define WINOGRAD_PRODUCT KERNEL(winograd_product)
#define WINOGRAD_FILTER KERNEL(winograd_filter)
/* Whether it is faster than the plain product, for the gradient of the filter or the two others. */
bool WINOGRAD_FITS(const struct conv_shape *s, bool filter);
size_t WINOGRAD_REALS(const struct winograd *q); /* of work */
size_t WINOGRAD_ROWS(const struct winograd *q);  /* of tiles */
/* y [n, to, columns] = x [n, from, channels] with filter [3, 3, channels, columns], in its rows */
void WINOGRAD_PRODUCT(const struct winograd *q, const real *x, const real *filter, real *y);
/* gf [3, 3, channels, columns], in its columns, from x [n, from, channels] and gy [n, to, columns]
 */
void WINOGRAD_FILTER(const struct winograd *q, const real *x, const real *gy, real *gf);
