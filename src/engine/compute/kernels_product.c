/* kernels_product.c: one register tile for matrix products and convolutions. Every sum runs over
 * its terms in order in one accumulator, so a number of c has the same bits in any tile. */
#include "engine/compute/simd.h"

enum { PACK_ROWS = 48 }; /* from so many rows on, packing b costs less than its cache conflicts */

struct tile {
    const real *a[TILE_ROWS];
    const struct product *g;
    const real *b;
    real *c;
    size_t b_stride, last; /* numbers in the last vector */
};

INLINE vec load_b(const real *b, size_t v, size_t vectors, size_t last, bool part)
{
    return part && v + 1 == vectors ? load_part(b + v * LANES, last) : load(b + v * LANES);
}

INLINE void tile_finish(const struct tile *t, vec sum[TILE_ROWS][TILE_VECTORS], size_t rows,
                        size_t vectors, bool part)
{
    const bool accumulate = t->g->accumulate;
    const size_t c_stride = t->g->c_stride;
    real *c = t->c;
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++, c += c_stride)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            vec y = sum[r][v];
            if (accumulate)
                y = load_b(c, v, vectors, t->last, part) + y;
            if (part && v + 1 == vectors)
                store_part(c + v * LANES, y, t->last);
            else
                store(c + v * LANES, y);
        }
}

INLINE void tile_compute(const struct tile *t, size_t rows, size_t vectors, bool part)
{
    vec sum[TILE_ROWS][TILE_VECTORS] = {{{0}}};
    const struct product *g = t->g;
    const size_t inner = g->inner, b_stride = t->b_stride, last = t->last;
    const ptrdiff_t a_stride = g->a_stride;
    const real *b = t->b;
    for (size_t o = 0; o < g->outer; o++)
        for (size_t s = 0; s < g->steps; s++) {
            const ptrdiff_t start = (ptrdiff_t)o * g->a_outer + (ptrdiff_t)s * g->a_step;
            const real *a[TILE_ROWS];
#pragma GCC unroll 6
            for (size_t r = 0; r < rows; r++)
                a[r] = t->a[r] + start;
            ptrdiff_t i = 0;
            for (size_t p = 0; p < inner; p++, i += a_stride, b += b_stride) {
                vec row[TILE_VECTORS];
#pragma GCC unroll 4
                for (size_t v = 0; v < vectors; v++)
                    row[v] = load_b(b, v, vectors, last, part);
#pragma GCC unroll 6
                for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
                    for (size_t v = 0; v < vectors; v++)
                        sum[r][v] += a[r][i] * row[v];
            }
        }
    tile_finish(t, sum, rows, vectors, part);
}

#define EACH_ROWS(F, v, p) F(1, v, p) F(2, v, p) F(3, v, p) F(4, v, p) F(5, v, p) F(6, v, p)
#define EACH_TILE(F, p) EACH_ROWS(F, 1, p) EACH_ROWS(F, 2, p) EACH_ROWS(F, 3, p) EACH_ROWS(F, 4, p)
#define DEFINE_TILE(r, v, p)                                                                       \
    static void tile_##r##_##v##_##p(const struct tile *t)                                         \
    {                                                                                              \
        tile_compute(t, r <= TILE_ROWS ? r : 1, v <= TILE_VECTORS ? v : 1, p);                     \
    }
#define NAME_TILE(r, v, p) [p][v - 1][r - 1] = tile_##r##_##v##_##p,
EACH_TILE(DEFINE_TILE, 0)
EACH_TILE(DEFINE_TILE, 1)
static void (*const tile_table[2][4][6])(const struct tile *t) = {EACH_TILE(NAME_TILE, 0)
                                                                      EACH_TILE(NAME_TILE, 1)};

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

/* All rows of one panel of columns. Tiles of nearly equal height (9 = 5 + 4, not 6 + 3) keep the
 * multipliers busy. */
static void panel_run(const struct product *g, struct tile *t, size_t vectors)
{
    struct walk w = {.g = g};
    const bool part = t->last < LANES;
    size_t tiles = (g->rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t i = 0; tiles > 0; tiles--) {
        const size_t rows = (g->rows - i + tiles - 1) / tiles;
        for (size_t r = 0; r < rows; r++)
            t->a[r] = walk_next(&w);
        tile_table[part][vectors - 1][rows - 1](t);
        t->c += rows * g->c_stride;
        i += rows;
    }
}

/* A dense copy of some columns of b: each line of the cache then serves one panel only. */
static void panel_pack(const struct product *g, const real *b, size_t columns)
{
    real *to = g->panel;
    for (size_t q = g->outer * g->steps * g->inner; q > 0; q--, b += g->b_stride, to += columns)
        memcpy(to, b, sizeof(real) * columns);
}

void PRODUCT_RUN(const struct product *g)
{
    const size_t width = TILE_VECTORS * LANES;
    const bool far = g->columns > width || (uintptr_t)g->b % sizeof(vec) != 0;
    for (size_t j = 0; j < g->columns; j += width) {
        const size_t columns = min_size(width, g->columns - j),
                     vectors = (columns + LANES - 1) / LANES;
        struct tile t = {.g = g,
                         .b = g->b + j,
                         .c = g->c + j,
                         .b_stride = g->b_stride,
                         .last = columns - (vectors - 1) * LANES};
        if (g->rows >= PACK_ROWS && far) {
            panel_pack(g, t.b, columns);
            t.b = g->panel;
            t.b_stride = columns;
        }
        panel_run(g, &t, vectors);
    }
}
