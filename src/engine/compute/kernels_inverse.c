/* kernels_inverse.c: the inverse of symmetric positive definite matrices by Gauss-Jordan steps in
 * place, a block of columns at a time (Golub and Van Loan, "Matrix Computations", section 3.2.9, in
 * blocks): nearly all of the work is products of matrices. Pivots are those of Cholesky, so none is
 * needed to be looked for. */
#include "engine/compute/simd.h"

#include <math.h>

enum { BLOCK = 32 };

struct inverse {
    size_t n;
    real *a;     /* [n, n] becomes its inverse */
    real *left;  /* [n, BLOCK] the block's columns, negated */
    real *right; /* [BLOCK, n] the block's rows */
    real *panel;
};

static size_t padded(size_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

size_t INVERSE_SPD_WORK(const struct solve_shape *s)
{
    return sizeof(real) * (padded(2 * s->n * BLOCK) + (size_t)PRODUCT_PANEL(BLOCK));
}

/* The block of this size at p, rows `stride` apart, in place; false if a pivot is not positive. */
static bool invert_block(real *p, size_t size, size_t stride)
{
    for (size_t k = 0; k < size; k++) {
        real *const row = p + k * stride;
        if (!(row[k] > 0 && row[k] < (real)INFINITY))
            return false;
        const real pivot = 1 / row[k];
        row[k] = 1;
        for (size_t j = 0; j < size; j++)
            row[j] *= pivot;
        for (size_t i = 0; i < size; i++) {
            real *const other = p + i * stride;
            const real factor = other[k];
            if (i == k)
                continue;
            other[k] = 0;
            for (size_t j = 0; j < size; j++)
                other[j] -= factor * row[j];
        }
    }
    return true;
}

/* c (+)= a b: a [rows, inner] with its rows a_step apart, b [inner, columns]. */
static void product(const struct inverse *v, const real *a, size_t a_step, size_t rows,
                    size_t inner, const real *b, real *c, bool accumulate)
{
    const struct product g = {.a = a,
                              .rows = rows,
                              .row_x = rows,
                              .row_y = 1,
                              .x_step = (ptrdiff_t)a_step,
                              .outer = 1,
                              .steps = 1,
                              .inner = inner,
                              .a_stride = 1,
                              .b = b,
                              .c = c,
                              .columns = v->n,
                              .b_stride = v->n,
                              .c_stride = v->n,
                              .accumulate = accumulate,
                              .panel = v->panel};
    if (rows > 0)
        PRODUCT_RUN(&g);
}

/* Columns first .. first + size - 1 of all rows and rows of all columns. */
static bool eliminate(const struct inverse *v, size_t first, size_t size)
{
    const size_t n = v->n, end = first + size;
    real *const rows = v->a + first * n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < size; k++)
            v->left[i * BLOCK + k] = -v->a[i * n + first + k];
    real block[BLOCK * BLOCK];
    for (size_t i = 0; i < size; i++)
        memcpy(block + i * BLOCK, rows + i * n + first, size * sizeof(real));
    if (!invert_block(block, size, BLOCK))
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < size; k++)
            v->a[i * n + first + k] = i == first + k;
    memcpy(v->right, rows, size * n * sizeof(real));
    product(v, block, BLOCK, size, size, v->right, rows, false);
    memcpy(v->right, rows, size * n * sizeof(real));
    product(v, v->left, BLOCK, first, size, v->right, v->a, true);
    product(v, v->left + end * BLOCK, BLOCK, n - end, size, v->right, v->a + end * n, true);
    return true;
}

/* The mean of a and its transpose. */
static void symmetrise(size_t n, const real *a, real *y)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            y[i * n + j] = y[j * n + i] = (real)0.5 * (a[i * n + j] + a[j * n + i]);
}

void INVERSE_SPD(const struct solve_shape *s, const void *va, void *vy, void *work)
{
    const real *a = va;
    struct inverse v = {.n = s->n, .a = vy, .left = work};
    v.right = v.left + s->n * BLOCK;
    v.panel = v.left + padded(2 * s->n * BLOCK);
    for (size_t b = 0; b < s->batch; b++, a += s->a_batch, v.a += s->n * s->n) {
        bool good = true;
        symmetrise(s->n, a, v.a);
        for (size_t k = 0; k < s->n && good; k += BLOCK)
            good = eliminate(&v, k, min_size(BLOCK, s->n - k));
        if (good)
            symmetrise(s->n, v.a, v.a);
        for (size_t i = 0; !good && i < s->n * s->n; i++)
            v.a[i] = NAN;
    }
}
