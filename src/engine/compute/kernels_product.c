/* kernels_product.c: one register tile for matrix products and convolutions. Every sum runs over
 * its terms in order in one accumulator, and deep sums are cut at fixed places, so a number of c
 * has the same bits in any tile. */
#include "engine/compute/simd.h"

enum {
    MOST_ROWS = 12,
    PACK_ROWS = 48
}; /* from so many rows on, packing b costs less than its cache conflicts */

struct tile {
    const real *a[TILE_ROWS_ONE];
    const struct product *g;
    const real *b;
    real *c;
    size_t b_stride, last; /* numbers in the last vector */
};

/* How the last vector of a row is taken: whole, a part of one, or at most half of one, by a vector
 * of half the size: where the processor takes long vectors in two turns, that is one turn. */
enum ending { WHOLE, PART, HALF, ENDINGS };

INLINE vec load_b(const real *b, size_t v, size_t vectors, size_t last, enum ending e)
{
    return e == PART && v + 1 == vectors ? load_part(b + v * LANES, last) : load(b + v * LANES);
}

INLINE void tile_finish(const struct tile *t, vec sum[TILE_ROWS_ONE][TILE_VECTORS], size_t rows,
                        size_t vectors, enum ending e)
{
    const bool accumulate = t->g->accumulate;
    const size_t c_stride = t->g->c_stride;
    real *c = t->c;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++, c += c_stride)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            vec y = sum[r][v];
            if (accumulate)
                y = load_b(c, v, vectors, t->last, e) + y;
            if (e == PART && v + 1 == vectors)
                store_part(c + v * LANES, y, t->last);
            else
                store(c + v * LANES, y);
        }
}

/* The halves at the ends of the rows */
INLINE void tile_finish_halves(const struct tile *t, const half_vec sum[TILE_ROWS_ONE], size_t rows,
                               size_t vectors)
{
    real *c = t->c + vectors * LANES;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++, c += t->g->c_stride)
        store_half(c, t->g->accumulate ? load_half(c, t->last) + sum[r] : sum[r], t->last);
}

INLINE void tile_compute(const struct tile *t, size_t rows, size_t columns, enum ending e)
{
    vec sum[TILE_ROWS_ONE][TILE_VECTORS] = {{{0}}};
    half_vec sum_half[TILE_ROWS_ONE] = {{0}};
    const struct product *g = t->g;
    const size_t inner = g->inner, b_stride = t->b_stride, last = t->last,
                 vectors = e == HALF ? columns - 1 : columns;
    const ptrdiff_t a_stride = g->a_stride;
    const real *b = t->b;
    for (size_t o = 0; o < g->outer; o++)
        for (size_t s = 0; s < g->steps; s++) {
            const ptrdiff_t start = (ptrdiff_t)o * g->a_outer + (ptrdiff_t)s * g->a_step;
            const real *a[TILE_ROWS_ONE];
#pragma GCC unroll 12
            for (size_t r = 0; r < rows; r++)
                a[r] = t->a[r] + start;
            ptrdiff_t i = 0;
            for (size_t p = 0; p < inner; p++, i += a_stride, b += b_stride) {
                vec row[TILE_VECTORS];
                half_vec row_half = {0};
#pragma GCC unroll 4
                for (size_t v = 0; v < vectors; v++)
                    row[v] = load_b(b, v, vectors, last, e);
                if (e == HALF)
                    row_half = load_half(b + vectors * LANES, last);
#pragma GCC unroll 12
                for (size_t r = 0; r < rows; r++) {
                    const vec factor = a[r][i] - (vec){0};
#pragma GCC unroll 4
                    for (size_t v = 0; v < vectors; v++)
                        sum[r][v] += factor * row[v];
                    if (e == HALF) /* a number goes to all lanes by a load; two are dear */
                        sum_half[r] +=
                            row_half * (vectors > 1 ? lower_half(factor) : a[r][i] - (half_vec){0});
                }
            }
        }
    tile_finish(t, sum, rows, vectors, e);
    if (e == HALF)
        tile_finish_halves(t, sum_half, rows, vectors);
}

/* Fewer columns leave registers for more rows: it takes 8 sums to keep two multipliers of 4 cycles
 * busy. */
#define ROWS_OF(vectors)                                                                           \
    ((vectors) == 1 ? TILE_ROWS_ONE : (vectors) < TILE_VECTORS ? TILE_ROWS_NARROW : TILE_ROWS)
#define EACH_ROWS(F, v, p)                                                                         \
    F(1, v, p)                                                                                     \
    F(2, v, p)                                                                                     \
    F(3, v, p)                                                                                     \
    F(4, v, p)                                                                                     \
    F(5, v, p) F(6, v, p) F(7, v, p) F(8, v, p) F(9, v, p) F(10, v, p) F(11, v, p) F(12, v, p)
#define EACH_TILE(F, p) EACH_ROWS(F, 1, p) EACH_ROWS(F, 2, p) EACH_ROWS(F, 3, p) EACH_ROWS(F, 4, p)
#define DEFINE_TILE(r, v, p)                                                                       \
    static void tile_##r##_##v##_##p(const struct tile *t)                                         \
    {                                                                                              \
        enum { FITS = v <= TILE_VECTORS && r <= ROWS_OF(v) && (p != HALF || HALF_LANES > 0) };     \
        tile_compute(t, FITS ? r : 1, FITS ? v : 1, FITS ? p : WHOLE); /* else never called */     \
    }
#define NAME_TILE(r, v, p) [p][v - 1][r - 1] = tile_##r##_##v##_##p,
EACH_TILE(DEFINE_TILE, WHOLE)
EACH_TILE(DEFINE_TILE, PART)
EACH_TILE(DEFINE_TILE, HALF)
static void (*const tile_table[ENDINGS][4][MOST_ROWS])(const struct tile *t) = {
    EACH_TILE(NAME_TILE, WHOLE) EACH_TILE(NAME_TILE, PART) EACH_TILE(NAME_TILE, HALF)};

struct walk { /* over the rows of a */
    const struct product *g;
    size_t x, y, z;
};

INLINE const real *walk_next(struct walk *w)
{
    const struct product *g = w->g;
    const real *a = g->a + (ptrdiff_t)w->x * g->x_step + (ptrdiff_t)w->y * g->y_step +
                    (ptrdiff_t)w->z * g->z_step;
    if (++w->x == g->row_x) {
        w->x = 0;
        if (++w->y == g->row_y) {
            w->y = 0;
            w->z++;
        }
    }
    return a;
}

static size_t parts_of(size_t n, size_t part)
{
    return (n + part - 1) / part;
}

/* All rows of one panel of columns. Tiles of nearly equal height (9 = 5 + 4, not 6 + 3) keep the
 * multipliers busy. */
static void panel_run(const struct product *g, struct tile *t, size_t vectors)
{
    struct walk w = {.g = g};
    const bool even = g->rows <= g->row_x;
    const enum ending e = t->last <= HALF_LANES ? HALF : t->last < LANES ? PART : WHOLE;
    size_t tiles = parts_of(g->rows, ROWS_OF(vectors));
    for (size_t i = 0; tiles > 0; tiles--) {
        const size_t rows = parts_of(g->rows - i, tiles);
        for (size_t r = 0; r < rows; r++)
            t->a[r] = even ? g->a + (ptrdiff_t)(i + r) * g->x_step : walk_next(&w);
        tile_table[e][vectors - 1][rows - 1](t);
        t->c += rows * g->c_stride;
        i += rows;
    }
}

/* A dense copy of columns j .. j + columns - 1 of b, `width` apart: each line of the cache then
 * serves one panel only. */
static void panel_pack(const struct product *g, size_t j, size_t columns, size_t width)
{
    const size_t depth = g->outer * g->steps * g->inner;
    if (g->b_transposed) {
        const struct matrix m = {columns, depth, g->b_stride};
        TRANSPOSE(&m, g->b + j * g->b_stride, g->panel, width);
        return;
    }
    const real *b = g->b + j;
    real *to = g->panel;
    for (size_t q = depth; q > 0; q--, b += g->b_stride, to += width)
        memcpy(to, b, sizeof(real) * columns);
}

/* All columns, in panels of nearly equal width. */
static void columns_run(const struct product *g)
{
    const bool far = g->columns > TILE_VECTORS * LANES || (uintptr_t)g->b % sizeof(vec) != 0,
               packs = g->b_transposed || (g->rows >= PACK_ROWS && far);
    const size_t all = parts_of(g->columns, LANES);
    size_t panels = parts_of(all, TILE_VECTORS);
    for (size_t v = 0; panels > 0; panels--) {
        const size_t vectors = parts_of(all - v, panels), j = v * LANES, width = vectors * LANES,
                     columns = min_size(width, g->columns - j);
        struct tile t = {.g = g,
                         .b = packs ? g->panel : g->b + j,
                         .c = g->c + j,
                         .b_stride = packs ? width : g->b_stride,
                         .last = columns - (vectors - 1) * LANES};
        if (packs)
            panel_pack(g, j, columns, width);
        panel_run(g, &t, vectors);
        v += vectors;
    }
}

/* Cuts a deep sum: between steps where several fit, else within each. */
void PRODUCT_RUN(const struct product *whole)
{
    if (whole->outer != 1 || whole->steps * whole->inner <= PRODUCT_DEPTH) {
        columns_run(whole);
        return;
    }
    struct product g = *whole;
    const size_t steps = max_size(1, PRODUCT_DEPTH / whole->inner),
                 inner = parts_of(whole->inner, parts_of(whole->inner, PRODUCT_DEPTH));
    for (size_t s = 0; s < whole->steps; s += steps)
        for (size_t p = 0; p < whole->inner; p += inner) {
            const size_t q = s * whole->inner + p;
            g.steps = min_size(steps, whole->steps - s);
            g.inner = min_size(inner, whole->inner - p);
            g.a = whole->a + (ptrdiff_t)s * whole->a_step + (ptrdiff_t)p * whole->a_stride;
            g.b = whole->b + q * (whole->b_transposed ? 1 : whole->b_stride);
            columns_run(&g);
            g.accumulate = true;
        }
}

/* ---- transposition ---- */

#if KERNELS_REAL == 32
typedef real quad __attribute__((vector_size(16)));
typedef quad quad_at __attribute__((aligned(sizeof(real)), may_alias));

/* The four columns of four rows a, b, c, d, in each quad of the vectors. */
#define TURN_QUADS(type, SHUFFLE)                                                                  \
    const type low = SHUFFLE(a, b, 0, BESIDE, 1, BESIDE + 1),                                      \
               high = SHUFFLE(a, b, 2, BESIDE + 2, 3, BESIDE + 3),                                 \
               low2 = SHUFFLE(c, d, 0, BESIDE, 1, BESIDE + 1),                                     \
               high2 = SHUFFLE(c, d, 2, BESIDE + 2, 3, BESIDE + 3);                                \
    *(type##_at *)y = SHUFFLE(low, low2, 0, 1, BESIDE, BESIDE + 1);                                \
    *(type##_at *)(y + y_stride) = SHUFFLE(low, low2, 2, 3, BESIDE + 2, BESIDE + 3);               \
    *(type##_at *)(y + 2 * y_stride) = SHUFFLE(high, high2, 0, 1, BESIDE, BESIDE + 1);             \
    *(type##_at *)(y + 3 * y_stride) = SHUFFLE(high, high2, 2, 3, BESIDE + 2, BESIDE + 3);

#define IN_ONE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

INLINE void turn_four(const real *x, size_t stride, real *y, size_t y_stride)
{
    enum { BESIDE = 4 };
    const quad a = *(const quad_at *)x, b = *(const quad_at *)(x + stride),
               c = *(const quad_at *)(x + 2 * stride), d = *(const quad_at *)(x + 3 * stride);
    TURN_QUADS(quad, IN_ONE)
}

#if defined __AVX2__
#define QUAD_AT(g, i, j, k, l) (g) + (i), (g) + (j), (g) + (k), (g) + (l)
#define JOIN_QUADS(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7)
#if defined __AVX512F__
#define IN_ALL(a, b, ...)                                                                          \
    __builtin_shufflevector(a, b, QUAD_AT(0, __VA_ARGS__), QUAD_AT(4, __VA_ARGS__),                \
                            QUAD_AT(8, __VA_ARGS__), QUAD_AT(12, __VA_ARGS__))
typedef real octet __attribute__((vector_size(32)));
#else
#define IN_ALL(a, b, ...)                                                                          \
    __builtin_shufflevector(a, b, QUAD_AT(0, __VA_ARGS__), QUAD_AT(4, __VA_ARGS__))
#endif

/* Four columns of the rows 0, 4, 8, ... side by side */
INLINE vec load_quads(const real *x, size_t stride)
{
    const quad a = *(const quad_at *)x, b = *(const quad_at *)(x + 4 * stride);
#if defined __AVX512F__
    const quad c = *(const quad_at *)(x + 8 * stride), d = *(const quad_at *)(x + 12 * stride);
    const octet low = JOIN_QUADS(a, b), high = JOIN_QUADS(c, d);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    return JOIN_QUADS(a, b);
#endif
}

/* LANES rows of four columns */
INLINE void turn_lanes(const real *x, size_t stride, real *y, size_t y_stride)
{
    enum { BESIDE = LANES };
    const vec a = load_quads(x, stride), b = load_quads(x + stride, stride),
              c = load_quads(x + 2 * stride, stride), d = load_quads(x + 3 * stride, stride);
    TURN_QUADS(vec, IN_ALL)
}
#endif

/* Turns the first rows, those that fill quads; returns how many these are. */
static size_t turn_quads(const struct matrix *m, const real *x, real *y, size_t y_stride)
{
    const size_t columns = m->columns / 4 * 4;
    size_t i = 0;
#if defined __AVX2__
    for (; i + LANES <= m->rows; i += LANES)
        for (size_t j = 0; j < columns; j += 4)
            turn_lanes(x + i * m->stride + j, m->stride, y + j * y_stride + i, y_stride);
#endif
    for (; i + 4 <= m->rows; i += 4)
        for (size_t j = 0; j < columns; j += 4)
            turn_four(x + i * m->stride + j, m->stride, y + j * y_stride + i, y_stride);
    return i;
}
#else
static size_t turn_quads(const struct matrix *m, const real *x, real *y, size_t y_stride)
{
    (void)m, (void)x, (void)y, (void)y_stride;
    return 0;
}
#endif

void TRANSPOSE(const struct matrix *m, const real *x, real *y, size_t y_stride)
{
    const size_t turned = turn_quads(m, x, y, y_stride), columns = m->columns / 4 * 4;
    for (size_t j = columns; j < m->columns; j++)
        for (size_t i = 0; i < turned; i++)
            y[j * y_stride + i] = x[i * m->stride + j];
    for (size_t i = turned; i < m->rows; i++)
        for (size_t j = 0; j < m->columns; j++)
            y[j * y_stride + i] = x[i * m->stride + j];
}
