/* kernels_winograd.c: convolutions with 3 x 3 filters and stride 1 by 36 products for each 4 x 4
 * pixels instead of 144 (Lavin and Gray 2016, section 4.1: y = A' [(G f G') * (B' x B)] A for a
 * tile x of 6 x 6). The three transforms evaluate polynomials in the points 0, +-5/8, +-3/2 and
 * infinity, which lose far less precision than small whole numbers (Barabasz et al. 2020). For each
 * of the 36 places in a tile, the tiles of a block are a matrix [tiles, channels] and the filter is
 * a matrix [channels, columns]; their product is taken by the register tile. The gradient of the
 * filter is G' [sum over tiles of (B' x B)' (A gy A')] G. Called by kernels_conv.c. */
#include "engine/compute/canvas.h"

enum {
    TAPS = 3,
    PIXELS = WINOGRAD_PIXELS,
    SIDE = PIXELS + TAPS - 1, /* of a tile; and how many points there are */
    PLACES = SIDE * SIDE,
    TILES = 24,        /* of a block at least; 64 channels of them are 216 KiB, a part of L2 */
    TILES_FILTER = 48, /* the same where they are the terms of a sum: longer sums */
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

static size_t tiles_of(size_t pixels)
{
    return (pixels + PIXELS - 1) / PIXELS;
}

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
    struct blocks b = {.tall = tiles_of(q->to.h), .wide = tiles_of(q->to.w)};
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

size_t WINOGRAD_ROWS(const struct winograd *q)
{
    return q->n * tiles_of(q->to.h);
}

/* Taps of a line or column of the result that lie in the picture */
static size_t taps_inside(size_t pixels, size_t pad)
{
    return TAPS * pixels - pad * (pad + 1);
}

/* Tiles that reach over the border, and transforms, must not cost more than is saved; small
 * pictures can leave out the taps in the padding otherwise. */
bool WINOGRAD_FITS(const struct conv_shape *s, bool filter)
{
    if (s->kh != TAPS || s->kw != TAPS || s->stride != 1 || s->pad > 2 || s->n == 0 || s->in < 16 ||
        s->out < 16)
        return false;
    const size_t all = TAPS * TAPS * s->oh * s->ow,
                 inside = taps_inside(s->oh, s->pad) * taps_inside(s->ow, s->pad),
                 plain = !filter && 4 * inside <= 3 * all ? inside : all,
                 here = PLACES * tiles_of(s->oh) * tiles_of(s->ow),
                 channels = min_size(s->in, s->out);
    return 4 * plain * channels > 5 * here * (channels + 8);
}

/* ---- transforms of a line: the points are 0, P, -P, Q, -Q, infinity ---- */

#define P ((real)0.625)
#define Q ((real)1.5)
#define P2 (P * P)
#define Q2 (Q * Q)
/* What the values of the filter are divided by, in the points 0, +-P, +-Q */
#define G0 (1 / (P2 * Q2))
#define GP (1 / (2 * P2 * (P2 - Q2)))
#define GQ (1 / (2 * Q2 * (Q2 - P2)))

/* to = B' x */
INLINE void picture_line(const vec x[SIDE], vec to[SIDE])
{
    const vec even_p = x[4] - Q2 * x[2], odd_p = P * (x[3] - Q2 * x[1]), even_q = x[4] - P2 * x[2],
              odd_q = Q * (x[3] - P2 * x[1]);
    to[0] = x[4] - (P2 + Q2) * x[2] + P2 * Q2 * x[0];
    to[1] = even_p + odd_p;
    to[2] = even_p - odd_p;
    to[3] = even_q + odd_q;
    to[4] = even_q - odd_q;
    to[5] = x[5] - (P2 + Q2) * x[3] + P2 * Q2 * x[1];
}

/* y = A' m */
INLINE void result_line(const vec m[SIDE], vec y[PIXELS])
{
    const vec even_p = m[1] + m[2], odd_p = m[1] - m[2], even_q = m[3] + m[4], odd_q = m[3] - m[4];
    y[0] = m[0] + even_p + even_q;
    y[1] = P * odd_p + Q * odd_q;
    y[2] = P2 * even_p + Q2 * even_q;
    y[3] = m[5] + P * P2 * odd_p + Q * Q2 * odd_q;
}

/* to = A gy */
INLINE void gradient_line(const vec gy[PIXELS], vec to[SIDE])
{
    const vec even_p = gy[0] + P2 * gy[2], odd_p = P * (gy[1] + P2 * gy[3]),
              even_q = gy[0] + Q2 * gy[2], odd_q = Q * (gy[1] + Q2 * gy[3]);
    to[0] = gy[0];
    to[1] = even_p + odd_p;
    to[2] = even_p - odd_p;
    to[3] = even_q + odd_q;
    to[4] = even_q - odd_q;
    to[5] = gy[3];
}

/* to = G f */
INLINE void filter_line(const vec f[TAPS], vec to[SIDE])
{
    const vec even_p = GP * (f[0] + P2 * f[2]), odd_p = GP * P * f[1],
              even_q = GQ * (f[0] + Q2 * f[2]), odd_q = GQ * Q * f[1];
    to[0] = G0 * f[0];
    to[1] = even_p + odd_p;
    to[2] = even_p - odd_p;
    to[3] = even_q + odd_q;
    to[4] = even_q - odd_q;
    to[5] = f[2];
}

/* f = G' m */
INLINE void taps_line(const vec m[SIDE], vec f[TAPS])
{
    const vec even_p = GP * (m[1] + m[2]), odd_p = GP * P * (m[1] - m[2]),
              even_q = GQ * (m[3] + m[4]), odd_q = GQ * Q * (m[3] - m[4]);
    f[0] = G0 * m[0] + even_p + even_q;
    f[1] = odd_p + odd_q;
    f[2] = m[5] + P2 * even_p + Q2 * even_q;
}

/* ---- transforms of a tile, a vector of channels at a time ---- */

/* A square of vectors, `line` and `pixel` reals apart; of `lines` x `pixels` of them, the rest 0 or
 * left alone. */
struct square {
    size_t line, pixel, lines, pixels;
};

/* y = L x L' for the transform L of a line, from squares of n x n to such of m x m; most squares
 * are whole, and of whole vectors: their sizes are known here. */
#define DEFINE_TRANSFORM(name, n, m, transform)                                                    \
    INLINE void name##_of(const real *x, struct square from, real *y, struct square to,            \
                          size_t count)                                                            \
    {                                                                                              \
        vec half[m][n], in[n], out[m];                                                             \
        UNROLL for (size_t c = 0; c < (n); c++)                                                    \
        {                                                                                          \
            UNROLL for (size_t r = 0; r < (n); r++) in[r] =                                        \
                r < from.lines && c < from.pixels ? get(x + r * from.line + c * from.pixel, count) \
                                                  : (vec){0};                                      \
            transform(in, out);                                                                    \
            UNROLL for (size_t r = 0; r < (m); r++) half[r][c] = out[r];                           \
        }                                                                                          \
        UNROLL for (size_t r = 0; r < (m); r++)                                                    \
        {                                                                                          \
            transform(half[r], out);                                                               \
            UNROLL for (size_t c = 0; c < (m); c++) if (r < to.lines && c < to.pixels)             \
                put(y + r * to.line + c * to.pixel, out[c], count);                                \
        }                                                                                          \
    }                                                                                              \
    static void name(const real *x, const struct square *from, real *y, const struct square *to,   \
                     size_t count)                                                                 \
    {                                                                                              \
        if (count == LANES && from->lines == (n) && from->pixels == (n) && to->lines == (m) &&     \
            to->pixels == (m))                                                                     \
            name##_of(x, (struct square){from->line, from->pixel, n, n}, y,                        \
                      (struct square){to->line, to->pixel, m, m}, LANES);                          \
        else                                                                                       \
            name##_of(x, *from, y, *to, count);                                                    \
    }
#define UNROLL _Pragma("GCC unroll 6")
DEFINE_TRANSFORM(take_picture, SIDE, SIDE, picture_line)
DEFINE_TRANSFORM(give_result, SIDE, PIXELS, result_line)
DEFINE_TRANSFORM(take_gradient, PIXELS, SIDE, gradient_line)
DEFINE_TRANSFORM(take_taps, TAPS, SIDE, filter_line)
DEFINE_TRANSFORM(give_taps, SIDE, TAPS, taps_line)

/* The places of a tile: matrices `apart` reals from each other */
INLINE struct square places(size_t apart)
{
    return (struct square){SIDE * apart, apart, SIDE, SIDE};
}

/* ---- all tiles of a block, all channels ---- */

/* Where a tile lies in its image, and its pixels that are in it */
struct place {
    size_t image, pixel; /* its first, in the image */
    struct square in;
};

/* Tile `tile` of the block, in images of `size` with `channels`, of which `side` pixels are looked
 * at. */
static struct place place_of(const struct blocks *b, size_t tile, struct picture size,
                             size_t channels, size_t side)
{
    const size_t row = tile / b->wide, y = PIXELS * (row % b->tall), x = PIXELS * (tile % b->wide);
    return (struct place){
        row / b->tall,
        y * size.w + x,
        {size.w * channels, channels, min_size(side, size.h - y), min_size(side, size.w - x)}};
}

/* The canvas has the images from that of the block's first row on; `first` is that row in it. */
static void take_pictures(const struct winograd *q, const struct blocks *b, size_t first,
                          size_t tiles)
{
    const size_t channels = q->canvas.channels;
    const struct picture size = {q->canvas.h, q->canvas.w};
    const struct square to = places(b->in);
    for (size_t tile = 0; tile < tiles; tile++) {
        const struct place p = place_of(b, first * b->wide + tile, size, channels, SIDE);
        const real *x = b->canvas + p.image * canvas_reals(&q->canvas) + p.pixel * channels;
        for (size_t i = 0; i < channels; i += LANES)
            take_picture(x + i, &p.in, b->x + tile * channels + i, &to,
                         min_size(LANES, channels - i));
    }
}

/* Where column i of a tile's result is in the matrix of a place */
static real *result_at(const struct blocks *b, size_t tiles, size_t tile, size_t i)
{
    return b->y + i / PANEL * tiles * PANEL + tile * PANEL + i % PANEL;
}

static void give_results(const struct winograd *q, const struct blocks *b, size_t first,
                         size_t tiles, real *y)
{
    const struct square from = places(b->out);
    for (size_t tile = 0; tile < tiles; tile++) {
        const struct place p = place_of(b, first * b->wide + tile, q->to, q->columns, PIXELS);
        real *to = y + (p.image * q->to.h * q->to.w + p.pixel) * q->columns;
        for (size_t i = 0; i < q->columns; i += LANES)
            give_result(result_at(b, tiles, tile, i), &from, to + i, &p.in,
                        min_size(LANES, q->columns - i));
    }
}

static struct share columns_of(const struct winograd *q)
{
    return (struct share){q->share.first * LANES, min_size(q->share.end * LANES, q->columns)};
}

static void take_gradients(const struct winograd *q, const struct blocks *b, size_t first,
                           size_t tiles, const real *gy)
{
    const struct share columns = columns_of(q);
    const struct square to = places(b->out);
    for (size_t tile = 0; tile < tiles; tile++) {
        const struct place p = place_of(b, first * b->wide + tile, q->to, q->columns, PIXELS);
        const real *from = gy + (p.image * q->to.h * q->to.w + p.pixel) * q->columns;
        for (size_t i = columns.first; i < columns.end; i += LANES)
            take_gradient(from + i, &p.in, result_at(b, tiles, tile, i), &to,
                          min_size(LANES, q->columns - i));
    }
}

/* Column i of channel c of the filter [3, 3, channels, columns], and of the matrix of a place
 * [panels, channels, PANEL] */
struct taps {
    size_t plain, place, count;
};

static struct taps taps_at(const struct winograd *q, size_t c, size_t i)
{
    return (struct taps){c * q->columns + i,
                         (i / PANEL * q->canvas.channels + c) * PANEL + i % PANEL,
                         min_size(LANES, q->columns - i)};
}

static struct square plain_taps(const struct winograd *q)
{
    const size_t tap = q->canvas.channels * q->columns;
    return (struct square){TAPS * tap, tap, TAPS, TAPS};
}

static void take_filter(const struct winograd *q, const struct blocks *b, const real *filter)
{
    const struct square from = plain_taps(q), to = places(b->both);
    for (size_t c = 0; c < q->canvas.channels; c++)
        for (size_t i = 0; i < q->columns; i += LANES) {
            const struct taps at = taps_at(q, c, i);
            take_taps(filter + at.plain, &from, b->filter + at.place, &to, at.count);
        }
}

static void give_filter(const struct winograd *q, const struct blocks *b, real *gf)
{
    const struct share columns = columns_of(q);
    const struct square from = places(b->both), to = plain_taps(q);
    for (size_t c = 0; c < q->canvas.channels; c++)
        for (size_t i = columns.first; i < columns.end; i += LANES) {
            const struct taps at = taps_at(q, c, i);
            give_taps(b->filter + at.place, &from, gf + at.plain, &to, at.count);
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
    const struct share columns = columns_of(q);
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
        for (size_t j = columns.first; j < columns.end; j += g.columns) {
            g.columns = min_size(PANEL - j % PANEL, columns.end - j);
            g.a = b->x + i * b->in;
            g.b = result_at(b, tiles, 0, j) + i * b->out;
            g.c = b->filter + i * b->both + taps_at(q, 0, j).place;
            PRODUCT_RUN(&g);
        }
}

/* The first of nearly equal parts of n, of at most `most` */
static size_t even_part(size_t n, size_t most)
{
    const size_t parts = (n + most - 1) / most;
    return (n + parts - 1) / parts;
}

/* Goes over the blocks of some rows of tiles; y is the result, or NULL: then its gradient gy is
 * taken. */
static void run_blocks(const struct winograd *q, const struct blocks *b, struct share rows,
                       const real *x, real *y, const real *gy)
{
    const size_t size = q->from.h * q->from.w * q->canvas.channels,
                 result = q->to.h * q->to.w * q->columns;
    size_t count, drawn = SIZE_MAX;
    clear(&q->canvas, b->canvas, b->images);
    for (size_t row = rows.first; row < rows.end; row += count) {
        const size_t image = row / b->tall, first = row % b->tall,
                     images = min_size(b->images, q->n - image);
        count = even_part(rows.end - row, b->rows);
        count = min_size(count, images * b->tall - first);
        if (image != drawn)
            draw(&q->canvas, x + image * size, q->from, b->canvas, images);
        drawn = image;
        take_pictures(q, b, first, count * b->wide);
        if (y) {
            multiply(q, b, count * b->wide);
            give_results(q, b, first, count * b->wide, y + image * result);
        } else {
            take_gradients(q, b, first, count * b->wide, gy + image * result);
            add_product(q, b, count * b->wide);
        }
    }
}

void WINOGRAD_PRODUCT(const struct winograd *q, const real *x, const real *filter, real *y)
{
    const struct blocks b = blocks_of(q, TILES);
    take_filter(q, &b, filter);
    run_blocks(q, &b, q->share, x, y, NULL);
}

void WINOGRAD_FILTER(const struct winograd *q, const real *x, const real *gy, real *gf)
{
    const struct blocks b = blocks_of(q, TILES_FILTER);
    memset(b.filter, 0, sizeof(real) * PLACES * b.both);
    run_blocks(q, &b, (struct share){0, WINOGRAD_ROWS(q)}, x, NULL, gy);
    give_filter(q, &b, gf);
}
