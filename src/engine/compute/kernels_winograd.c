/* kernels_winograd.c: convolutions with 3 x 3 filters and stride 1 by 16 products for each 2 x 2
 * pixels instead of 36 (Lavin and Gray 2016, section 4.1: y = A' [(G f G') * (B' x B)] A for a tile
 * x of 4 x 4). The three transforms are sums and halves, so little precision is lost. For each of
 * the 16 places in a tile, the tiles of a block are a matrix [tiles, channels] and the filter is a
 * matrix [channels, columns]; their product is taken by the register tile. The gradient of the
 * filter is G' [sum over tiles of (B' x B)' (A gy A')] G. Called by kernels_conv.c. */
#include "engine/compute/canvas.h"

enum {
    PLACES = 16,
    TILES = 40,        /* of a block at least; 64 channels of them are 160 KiB, a part of L2 */
    TILES_FILTER = 80, /* the same where they are the terms of a sum: longer sums */
    APART = 16,        /* reals more between matrices, or they would meet in the same lines of L1 */
    PANEL = TILE_VECTORS * LANES /* columns of a matrix that lie together */
};

/* ---- sizes ---- */

struct blocks {
    size_t tall, wide;    /* tiles of an image */
    size_t rows, images;  /* of tiles in a block; of images that it may touch */
    size_t in, out, both; /* reals from one matrix to the next: x, result, filter */
    real *canvas, *x, *y, *filter;
    size_t reals;
};

static size_t rounded(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Rows of tiles in a block: enough tiles, in whole register tiles if that can be had. */
static size_t rows_of(size_t wide, size_t tiles)
{
    const size_t least = (tiles + wide - 1) / wide;
    for (size_t rows = least; rows < least + TILE_ROWS; rows++)
        if (rows * wide % TILE_ROWS == 0)
            return rows;
    return least;
}

static struct blocks blocks_of(const struct winograd *q, size_t least)
{
    struct blocks b = {.tall = (q->to.h + 1) / 2, .wide = (q->to.w + 1) / 2};
    b.rows = min_size(rows_of(b.wide, least), q->n * b.tall);
    b.images = min_size(q->n, (b.rows + b.tall - 1) / b.tall);
    const size_t tiles = b.images * b.tall * b.wide, columns = rounded(q->columns, PANEL);
    b.rows = min_size(b.rows, b.images * b.tall);
    b.in = rounded(min_size(tiles, b.rows * b.wide) * q->canvas.channels, APART) + APART;
    b.out = min_size(tiles, b.rows * b.wide) * columns + APART;
    b.both = q->canvas.channels * columns + APART;
    b.canvas = q->work;
    b.x = b.canvas + rounded(b.images * canvas_reals(&q->canvas), APART);
    b.y = b.x + PLACES * b.in;
    b.filter = b.y + PLACES * b.out;
    b.reals =
        rounded(b.images * canvas_reals(&q->canvas), APART) + PLACES * (b.in + b.out + b.both);
    return b;
}

size_t WINOGRAD_REALS(const struct winograd *q)
{
    return blocks_of(q, TILES_FILTER).reals;
}

/* Tiles that reach over the border, and transforms, must not cost more than is saved. */
bool WINOGRAD_FITS(const struct conv_shape *s, bool filter)
{
    const size_t plain = 9 * s->oh * s->ow, here = PLACES * ((s->oh + 1) / 2) * ((s->ow + 1) / 2);
    return s->kh == 3 && s->kw == 3 && s->stride == 1 && s->pad <= 2 && s->n > 0 && s->in >= 16 &&
           s->out >= 16 && (filter ? 4 * plain >= 5 * here : 2 * plain >= 3 * here);
}

/* ---- transforms, a vector of channels at a time ---- */

/* B' x B: x four lines of four pixels, line and pixel the reals between them */
INLINE void picture_vector(const real *x, size_t line, size_t pixel, real *to, size_t apart,
                           size_t count)
{
    vec t[4][4];
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; r++, x += line) {
        const vec a = get(x, count), b = get(x + pixel, count), c = get(x + 2 * pixel, count),
                  d = get(x + 3 * pixel, count);
        t[r][0] = a - c;
        t[r][1] = b + c;
        t[r][2] = c - b;
        t[r][3] = b - d;
    }
#pragma GCC unroll 4
    for (size_t c = 0; c < 4; c++, to += apart) {
        put(to, t[0][c] - t[2][c], count);
        put(to + 4 * apart, t[1][c] + t[2][c], count);
        put(to + 8 * apart, t[2][c] - t[1][c], count);
        put(to + 12 * apart, t[1][c] - t[3][c], count);
    }
}

/* A' m A: the two by two pixels, `line` and `pixel` reals apart; those beyond the border not */
INLINE void result_vector(const real *m, size_t apart, real *y, const size_t step[2],
                          const bool inside[2], size_t count)
{
    vec t[2][4];
#pragma GCC unroll 4
    for (size_t c = 0; c < 4; c++, m += apart) {
        const vec p = get(m + 4 * apart, count), q = get(m + 8 * apart, count);
        t[0][c] = get(m, count) + p + q;
        t[1][c] = p - q - get(m + 12 * apart, count);
    }
#pragma GCC unroll 2
    for (size_t r = 0; r < 2; r++) {
        if (r > 0 && !inside[0])
            return;
        put(y + r * step[0], t[r][0] + t[r][1] + t[r][2], count);
        if (inside[1])
            put(y + r * step[0] + step[1], t[r][1] - t[r][2] - t[r][3], count);
    }
}

/* A gy A' */
INLINE void gradient_vector(const real *gy, const size_t step[2], const bool inside[2], real *to,
                            size_t apart, size_t count)
{
    vec t[4][2];
#pragma GCC unroll 2
    for (size_t c = 0; c < 2; c++) {
        const bool here = c == 0 || inside[1];
        const vec a = here ? get(gy + c * step[1], count) : (vec){0},
                  b = here && inside[0] ? get(gy + c * step[1] + step[0], count) : (vec){0};
        t[0][c] = a;
        t[1][c] = a + b;
        t[2][c] = a - b;
        t[3][c] = -b;
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; r++, to += 4 * apart) {
        put(to, t[r][0], count);
        put(to + apart, t[r][0] + t[r][1], count);
        put(to + 2 * apart, t[r][0] - t[r][1], count);
        put(to + 3 * apart, -t[r][1], count);
    }
}

/* G f G': f nine taps, `tap` reals apart */
INLINE void filter_vector(const real *f, size_t tap, real *to, size_t apart, size_t count)
{
    const real half = (real)0.5;
    vec t[4][3];
#pragma GCC unroll 3
    for (size_t c = 0; c < 3; c++, f += tap) {
        const vec a = get(f, count), b = half * get(f + 3 * tap, count),
                  d = get(f + 6 * tap, count), even = half * (a + d);
        t[0][c] = a;
        t[1][c] = even + b;
        t[2][c] = even - b;
        t[3][c] = d;
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; r++, to += 4 * apart) {
        const vec even = half * (t[r][0] + t[r][2]), odd = half * t[r][1];
        put(to, t[r][0], count);
        put(to + apart, even + odd, count);
        put(to + 2 * apart, even - odd, count);
        put(to + 3 * apart, t[r][2], count);
    }
}

/* G' m G: the nine taps */
INLINE void taps_vector(const real *m, size_t apart, real *f, size_t tap, size_t count)
{
    const real half = (real)0.5;
    vec t[3][4];
#pragma GCC unroll 4
    for (size_t c = 0; c < 4; c++, m += apart) {
        const vec p = half * get(m + 4 * apart, count), q = half * get(m + 8 * apart, count);
        t[0][c] = get(m, count) + (p + q);
        t[1][c] = p - q;
        t[2][c] = p + q + get(m + 12 * apart, count);
    }
#pragma GCC unroll 3
    for (size_t r = 0; r < 3; r++, f += 3 * tap) {
        const vec p = half * t[r][1], q = half * t[r][2];
        put(f, t[r][0] + (p + q), count);
        put(f + tap, p - q, count);
        put(f + 2 * tap, p + q + t[r][3], count);
    }
}

/* ---- all tiles of a block, all channels ---- */

/* Tile `column` of row `row` of the block. */
struct place {
    size_t image, y, x; /* in pixels of the result */
    bool inside[2];     /* its second line and column of pixels are in the image */
};

static struct place place_of(const struct winograd *q, const struct blocks *b, size_t tile)
{
    const size_t row = tile / b->wide;
    struct place p = {row / b->tall, 2 * (row % b->tall), 2 * (tile % b->wide), {0}};
    p.inside[0] = p.y + 1 < q->to.h;
    p.inside[1] = p.x + 1 < q->to.w;
    return p;
}

/* The canvas has the images from that of the block's first row on; `first` is that row in it. */
static void take_pictures(const struct winograd *q, const struct blocks *b, size_t first,
                          size_t tiles)
{
    const size_t channels = q->canvas.channels, line = q->canvas.w * channels;
    for (size_t tile = 0; tile < tiles; tile++) {
        const struct place p = place_of(q, b, first * b->wide + tile);
        const real *x =
            b->canvas + p.image * canvas_reals(&q->canvas) + p.y * line + p.x * channels;
        real *to = b->x + tile * channels;
        size_t i = 0;
        for (; i + LANES <= channels; i += LANES)
            picture_vector(x + i, line, channels, to + i, b->in, LANES);
        if (i < channels)
            picture_vector(x + i, line, channels, to + i, b->in, channels - i);
    }
}

static void give_results(const struct winograd *q, const struct blocks *b, size_t first,
                         size_t tiles, real *y)
{
    const size_t step[2] = {q->to.w * q->columns, q->columns};
    for (size_t tile = 0; tile < tiles; tile++) {
        const struct place p = place_of(q, b, first * b->wide + tile);
        real *to = y + ((p.image * q->to.h + p.y) * q->to.w + p.x) * q->columns;
        for (size_t i = 0; i < q->columns; i += LANES) {
            const real *m = b->y + i / PANEL * tiles * PANEL + tile * PANEL + i % PANEL;
            if (i + LANES <= q->columns)
                result_vector(m, b->out, to + i, step, p.inside, LANES);
            else
                result_vector(m, b->out, to + i, step, p.inside, q->columns - i);
        }
    }
}

static void take_gradients(const struct winograd *q, const struct blocks *b, size_t first,
                           size_t tiles, const real *gy)
{
    const size_t step[2] = {q->to.w * q->columns, q->columns};
    for (size_t tile = 0; tile < tiles; tile++) {
        const struct place p = place_of(q, b, first * b->wide + tile);
        const real *from = gy + ((p.image * q->to.h + p.y) * q->to.w + p.x) * q->columns;
        for (size_t i = 0; i < q->columns; i += LANES) {
            real *to = b->y + i / PANEL * tiles * PANEL + tile * PANEL + i % PANEL;
            if (i + LANES <= q->columns)
                gradient_vector(from + i, step, p.inside, to, b->out, LANES);
            else
                gradient_vector(from + i, step, p.inside, to, b->out, q->columns - i);
        }
    }
}

/* filter [3, 3, channels, columns] to 16 of [panels, channels, PANEL] */
static void take_filter(const struct winograd *q, const struct blocks *b, const real *filter)
{
    const size_t channels = q->canvas.channels, tap = channels * q->columns;
    for (size_t c = 0; c < channels; c++, filter += q->columns)
        for (size_t i = 0; i < q->columns; i += LANES) {
            real *to = b->filter + (i / PANEL * channels + c) * PANEL + i % PANEL;
            if (i + LANES <= q->columns)
                filter_vector(filter + i, tap, to, b->both, LANES);
            else
                filter_vector(filter + i, tap, to, b->both, q->columns - i);
        }
}

static void give_taps(const struct winograd *q, const struct blocks *b, real *gf)
{
    const size_t channels = q->canvas.channels, tap = channels * q->columns;
    for (size_t c = 0; c < channels; c++, gf += q->columns)
        for (size_t i = 0; i < q->columns; i += LANES) {
            const real *m = b->filter + (i / PANEL * channels + c) * PANEL + i % PANEL;
            if (i + LANES <= q->columns)
                taps_vector(m, b->both, gf + i, tap, LANES);
            else
                taps_vector(m, b->both, gf + i, tap, q->columns - i);
        }
}

/* ---- products ---- */

/* results [tiles, columns] = pictures [tiles, channels] filter [channels, columns], in 16 places */
static void multiply(const struct winograd *q, const struct blocks *b, size_t tiles)
{
    const size_t channels = q->canvas.channels;
    struct product g = {.rows = tiles,
                        .row_x = tiles,
                        .row_y = 1,
                        .x_step = (ptrdiff_t)channels,
                        .outer = 1,
                        .steps = 1,
                        .inner = channels,
                        .a_stride = 1,
                        .b_stride = PANEL,
                        .c_stride = PANEL};
    for (size_t i = 0; i < PLACES; i++)
        for (size_t j = 0; j < q->columns; j += PANEL) {
            g.a = b->x + i * b->in;
            g.b = b->filter + i * b->both + j * channels;
            g.c = b->y + i * b->out + j * tiles;
            g.columns = min_size(PANEL, q->columns - j);
            PRODUCT_RUN(&g);
        }
}

/* filter += pictures' gradients */
static void add_product(const struct winograd *q, const struct blocks *b, size_t tiles)
{
    const size_t channels = q->canvas.channels;
    struct product g = {.rows = channels,
                        .row_x = channels,
                        .row_y = 1,
                        .x_step = 1,
                        .outer = 1,
                        .steps = 1,
                        .inner = tiles,
                        .a_stride = (ptrdiff_t)channels,
                        .b_stride = PANEL,
                        .c_stride = PANEL,
                        .accumulate = true};
    for (size_t i = 0; i < PLACES; i++)
        for (size_t j = 0; j < q->columns; j += PANEL) {
            g.a = b->x + i * b->in;
            g.b = b->y + i * b->out + j * tiles;
            g.c = b->filter + i * b->both + j * channels;
            g.columns = min_size(PANEL, q->columns - j);
            PRODUCT_RUN(&g);
        }
}

/* Goes over the blocks; y is the result, or NULL: then its gradient gy is taken. */
static void run_blocks(const struct winograd *q, const struct blocks *b, const real *x, real *y,
                       const real *gy)
{
    const size_t all = q->n * b->tall, size = q->from.h * q->from.w * q->canvas.channels,
                 result = q->to.h * q->to.w * q->columns;
    size_t rows, drawn = SIZE_MAX;
    clear(&q->canvas, b->canvas, b->images);
    for (size_t row = 0; row < all; row += rows) {
        const size_t image = row / b->tall, first = row % b->tall,
                     count = min_size(b->images, q->n - image);
        rows = min_size(b->rows, count * b->tall - first);
        if (image != drawn)
            draw(&q->canvas, x + image * size, q->from, b->canvas, count);
        drawn = image;
        take_pictures(q, b, first, rows * b->wide);
        if (y) {
            multiply(q, b, rows * b->wide);
            give_results(q, b, first, rows * b->wide, y + image * result);
        } else {
            take_gradients(q, b, first, rows * b->wide, gy + image * result);
            add_product(q, b, rows * b->wide);
        }
    }
}

void WINOGRAD_PRODUCT(const struct winograd *q, const real *x, const real *filter, real *y)
{
    const struct blocks b = blocks_of(q, TILES);
    take_filter(q, &b, filter);
    run_blocks(q, &b, x, y, NULL);
}

void WINOGRAD_FILTER(const struct winograd *q, const real *x, const real *gy, real *gf)
{
    const struct blocks b = blocks_of(q, TILES_FILTER);
    memset(b.filter, 0, sizeof(real) * PLACES * b.both);
    run_blocks(q, &b, x, NULL, gy);
    give_taps(q, &b, gf);
}
