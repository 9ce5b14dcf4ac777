/* kernels_matmul.c: products of matrices, stored or transposed, one or many. A product of few
 * columns (of one: matrix times vector) is taken as its transpose, so that vectors run along its
 * many rows. Either way a number of c is the same sum in the same order. */
#include "engine/compute/simd.h"

enum {
    GROUP = 64 * 1024, /* reals of a taken at a time: they stay in L2 while panels of b go by */
    TURN = 2048 * TILE_VECTORS * LANES, /* a larger transposed a is turned by a copy; each panel of
                                           b reads a once, so wide panels bear a larger one */
    FLAT_COLUMNS = 512, /* of the transpose of a product of few columns, at a time */
    FLAT_ROWS = LANES / 2 - 1
};

static size_t chunk_rows(const struct matmul_shape *s)
{
    const size_t rows = max_size(1, GROUP / max_size(1, s->k * TILE_ROWS)) * TILE_ROWS;
    return min_size(s->m, rows);
}

static bool turns_a(const struct matmul_shape *s)
{
    return s->a_transposed && s->m * s->k > TURN;
}

/* A column alone gains always; a few gain if vectors would stay half empty. */
static bool is_flat(const struct matmul_shape *s)
{
    return s->m >= LANES / 2 && (s->n == 1 || s->n <= FLAT_ROWS);
}

/* k = 1: c = a b', row by row */
static void outer(const struct matmul_shape *s, const real *a, const real *b, real *c)
{
    for (size_t i = 0; i < s->m; i++, c += s->n) {
        size_t j = 0;
        for (; j + LANES <= s->n; j += LANES)
            store(c + j, a[i] * load(b + j));
        if (j < s->n)
            store_part(c + j, a[i] * load_part(b + j, s->n - j), s->n - j);
    }
}

/* Row after row of one matrix a, when all share b: one product of many rows. */
static struct matmul_shape merged(struct matmul_shape s)
{
    if (s.b_batch == 0 && !s.a_transposed && s.a_batch == s.m * s.k) {
        s.m *= s.batch;
        s.batch = 1;
    }
    return s;
}

size_t MATMUL_WORK(const struct matmul_shape *shape)
{
    const struct matmul_shape all = merged(*shape), *s = &all;
    const size_t panel = PRODUCT_PANEL(min_size(s->k, PRODUCT_DEPTH));
    return sizeof(real) * (panel + (is_flat(s)   ? s->n * FLAT_COLUMNS
                                    : turns_a(s) ? chunk_rows(s) * s->k
                                                 : 0));
}

static void tall(const struct matmul_shape *s, const real *a, const real *b, real *c, real *panel)
{
    const bool turn = turns_a(s);
    const size_t chunk = chunk_rows(s);
    real *turned = panel + PRODUCT_PANEL(min_size(s->k, PRODUCT_DEPTH));
    struct product g = {.row_x = s->m,
                        .row_y = 1,
                        .x_step = s->a_transposed && !turn ? 1 : (ptrdiff_t)s->k,
                        .outer = 1,
                        .steps = 1,
                        .inner = s->k,
                        .a_stride = s->a_transposed && !turn ? (ptrdiff_t)s->m : 1,
                        .b = b,
                        .b_transposed = s->b_transposed,
                        .columns = s->n,
                        .b_stride = s->b_transposed ? s->k : s->n,
                        .c_stride = s->n,
                        .panel = panel};
    for (size_t i = 0; i < s->m; i += chunk) {
        g.rows = min_size(chunk, s->m - i);
        g.a = a + i * (s->a_transposed ? 1 : s->k);
        if (turn) {
            TRANSPOSE(&(struct matrix){s->k, g.rows, s->m}, g.a, turned, s->k);
            g.a = turned;
        }
        g.c = c + i * s->n;
        PRODUCT_RUN(&g);
    }
}

/* c' [n, m] = op(b)' op(a)', in blocks of columns, each turned into its place */
static void flat(const struct matmul_shape *s, const real *a, const real *b, real *c, real *panel)
{
    real *turned = panel + PRODUCT_PANEL(min_size(s->k, PRODUCT_DEPTH));
    struct product g = {.a = b,
                        .rows = s->n,
                        .row_x = s->n,
                        .row_y = 1,
                        .x_step = s->b_transposed ? (ptrdiff_t)s->k : 1,
                        .outer = 1,
                        .steps = 1,
                        .inner = s->k,
                        .a_stride = s->b_transposed ? 1 : (ptrdiff_t)s->n,
                        .b_transposed = !s->a_transposed,
                        .b_stride = s->a_transposed ? s->m : s->k,
                        .panel = panel};
    for (size_t i = 0; i < s->m; i += FLAT_COLUMNS) {
        g.columns = min_size(FLAT_COLUMNS, s->m - i);
        g.b = a + i * (s->a_transposed ? 1 : s->k);
        g.c = s->n == 1 ? c + i : turned;
        g.c_stride = g.columns;
        PRODUCT_RUN(&g);
        if (s->n > 1)
            TRANSPOSE(&(struct matrix){s->n, g.columns, g.columns}, turned, c + i * s->n, s->n);
    }
}

void MATMUL(const struct matmul_shape *shape, const void *va, const void *vb, void *vc, void *work)
{
    const struct matmul_shape s = merged(*shape);
    const real *a = va, *b = vb;
    real *c = vc;
    if (s.k == 0 || s.m * s.n == 0) {
        memset(c, 0, sizeof(real) * s.batch * s.m * s.n);
        return;
    }
    for (size_t i = 0; i < s.batch; i++, a += s.a_batch, b += s.b_batch, c += s.m * s.n)
        if (s.k == 1 && s.n >= LANES)
            outer(&s, a, b, c);
        else if (is_flat(&s))
            flat(&s, a, b, c, work);
        else
            tall(&s, a, b, c, work);
}
