/* kernels_matmul.c: products of matrices, stored or transposed, one or many. */
#include "engine/compute/simd.h"

enum {
    GROUP = 32 * 1024, /* reals of a taken at a time: they stay in L2 while panels of b go by */
    TURN = 8 * 1024    /* a transposed beyond L1 is turned by a copy */
};

/* y [columns, rows] = x [rows, columns], rows of x `stride` apart */
static void transpose(const real *x, size_t stride, real *y, size_t rows, size_t columns)
{
    enum { BLOCK = 8 };
    for (size_t i = 0; i < rows; i += BLOCK)
        for (size_t j = 0; j < columns; j++)
            for (size_t k = i; k < min_size(rows, i + BLOCK); k++)
                y[j * rows + k] = x[k * stride + j];
}

static size_t chunk_rows(const struct matmul_shape *s)
{
    const size_t rows = max_size(1, GROUP / max_size(1, s->k * TILE_ROWS)) * TILE_ROWS;
    return min_size(s->m, rows);
}

static bool turns_a(const struct matmul_shape *s)
{
    return s->a_transposed && s->m * s->k > TURN;
}

size_t MATMUL_WORK(const struct matmul_shape *s)
{
    const size_t turned_a = turns_a(s) ? chunk_rows(s) * s->k : 0,
                 turned_b = s->b_transposed ? s->k * s->n : 0;
    return sizeof(real) * (PRODUCT_PANEL(s->k) + turned_a + turned_b);
}

static void one(const struct matmul_shape *s, const real *a, const real *b, real *c, real *turned_a,
                real *panel)
{
    const bool turn = turns_a(s);
    const size_t chunk = chunk_rows(s);
    struct product g = {.row_x = s->m,
                        .row_y = 1,
                        .x_step = s->a_transposed && !turn ? 1 : (ptrdiff_t)s->k,
                        .outer = 1,
                        .steps = 1,
                        .inner = s->k,
                        .a_stride = s->a_transposed && !turn ? (ptrdiff_t)s->m : 1,
                        .b = b,
                        .columns = s->n,
                        .b_stride = s->n,
                        .c_stride = s->n,
                        .panel = panel};
    for (size_t i = 0; i < s->m; i += chunk) {
        g.rows = min_size(chunk, s->m - i);
        g.a = a + i * (s->a_transposed ? 1 : s->k);
        if (turn) {
            transpose(g.a, s->m, turned_a, s->k, g.rows);
            g.a = turned_a;
        }
        g.c = c + i * s->n;
        PRODUCT_RUN(&g);
    }
}

void MATMUL(const struct matmul_shape *s, const void *va, const void *vb, void *vc, void *work)
{
    const real *a = va, *b = vb;
    real *c = vc, *panel = work, *turned_b = panel + PRODUCT_PANEL(s->k),
         *turned_a = turned_b + (s->b_transposed ? s->k * s->n : 0);
    const size_t numel = s->m * s->n;
    if (s->k == 0 || numel == 0) {
        memset(c, 0, sizeof(real) * s->batch * numel);
        return;
    }
    for (size_t i = 0; i < s->batch; i++) {
        const real *bi = b + i * s->b_batch;
        if (s->b_transposed && (i == 0 || s->b_batch != 0))
            transpose(bi, s->k, turned_b, s->n, s->k);
        one(s, a + i * s->a_batch, s->b_transposed ? turned_b : bi, c + i * numel, turned_a, panel);
    }
}
