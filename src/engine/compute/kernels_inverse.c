/* kernels_inverse.c: the inverse of symmetric positive definite matrices, w' w with w the inverse
 * of the factor of Cholesky, a = l l' (Golub and Van Loan, "Matrix Computations", section 4.2.6),
 * in blocks of rows and columns: nearly all of the work is products of matrices. */
#include "engine/compute/simd.h"

#include <math.h>

enum { BLOCK = 32 };

struct inverse {
    size_t n;
    real *a;     /* [n, n], its lower triangle becomes l, then the inverse */
    real *w;     /* [n, n] the inverse of l, zeros above the diagonal */
    real *left;  /* [n, BLOCK] a block's columns of l, negated */
    real *panel; /* of products */
};

size_t INVERSE_SPD_WORK(const struct solve_shape *s)
{
    const size_t depth = min_size(max_size(s->n, BLOCK), PRODUCT_DEPTH);
    return sizeof(real) *
           (padded(s->n * s->n) + padded(s->n * BLOCK) + (size_t)PRODUCT_PANEL(depth));
}

/* c [rows, columns] (+)= a b, or a b' */
struct factors {
    const real *a, *b;
    size_t a_step, a_stride, b_stride; /* a[i, q] is at a + i a_step + q a_stride */
    bool b_transposed;
    size_t rows, inner, columns;
};

static void product(const struct inverse *v, const struct factors *f, real *c, size_t c_stride,
                    bool accumulate)
{
    const struct product g = {.a = f->a,
                              .rows = f->rows,
                              .row_x = f->rows,
                              .row_y = 1,
                              .x_step = (ptrdiff_t)f->a_step,
                              .outer = 1,
                              .steps = 1,
                              .inner = f->inner,
                              .a_stride = (ptrdiff_t)f->a_stride,
                              .b = f->b,
                              .b_transposed = f->b_transposed,
                              .c = c,
                              .columns = f->columns,
                              .b_stride = f->b_stride,
                              .c_stride = c_stride,
                              .accumulate = accumulate,
                              .panel = v->panel};
    if (f->rows > 0 && f->columns > 0 && f->inner > 0)
        PRODUCT_RUN(&g);
}

/* l of the block at a, and its inverse at w; rows of both are n apart. False if a pivot is not
 * positive. */
static bool factor_block(size_t n, size_t size, real *a, real *w)
{
    for (size_t k = 0; k < size; k++) {
        real *const row = a + k * n;
        for (size_t j = 0; j < k; j++) {
            double sum = (double)row[j];
            for (size_t q = 0; q < j; q++)
                sum -= (double)row[q] * (double)a[j * n + q];
            row[j] = (real)(sum * (double)w[j * n + j]);
        }
        double pivot = (double)row[k];
        for (size_t q = 0; q < k; q++)
            pivot -= (double)row[q] * (double)row[q];
        if (!(pivot > 0 && pivot < INFINITY))
            return false;
        w[k * n + k] = (real)(1 / sqrt(pivot));
        for (size_t j = 0; j < k; j++) {
            double sum = 0;
            for (size_t q = j; q < k; q++)
                sum -= (double)row[q] * (double)w[q * n + j];
            w[k * n + j] = (real)(sum * (double)w[k * n + k]);
        }
    }
    return true;
}

/* Columns first .. first + size - 1 of l, and what they leave of the rest of a. */
static bool eliminate(const struct inverse *v, size_t first, size_t size)
{
    const size_t n = v->n, end = first + size;
    if (!factor_block(n, size, v->a + first * n + first, v->w + first * n + first))
        return false;
    const struct factors f = {.a = v->a + end * n + first,
                              .a_step = n,
                              .a_stride = 1,
                              .b = v->w + first * n + first,
                              .b_stride = n,
                              .b_transposed = true,
                              .rows = n - end,
                              .inner = size,
                              .columns = size};
    product(v, &f, v->left, BLOCK, false);
    for (size_t i = end; i < n; i++)
        for (size_t k = 0; k < size; k++) {
            const real l = v->left[(i - end) * BLOCK + k];
            v->a[i * n + first + k] = l;
            v->left[(i - end) * BLOCK + k] = -l;
        }
    for (size_t i = end; i < n; i += BLOCK) {
        const size_t rows = min_size(BLOCK, n - i);
        const struct factors rest = {.a = v->left + (i - end) * BLOCK,
                                     .a_step = BLOCK,
                                     .a_stride = 1,
                                     .b = v->a + end * n + first,
                                     .b_stride = n,
                                     .b_transposed = true,
                                     .rows = rows,
                                     .inner = size,
                                     .columns = i + rows - end};
        product(v, &rest, v->a + i * n + end, n, true);
    }
    return true;
}

/* Rows first .. of w, left of their block: -w_block (l w). */
static void invert_rows(const struct inverse *v, size_t first, size_t size)
{
    const size_t n = v->n;
    real *const sum = v->a + first * n; /* l is not needed any more, once it has been used */
    real block[BLOCK * BLOCK];
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < size; k++)
            block[i * BLOCK + k] = k <= i ? -v->w[(first + i) * n + first + k] : 0;
    for (size_t i = 0; i < size; i++)
        memcpy(v->left + i * n, sum + i * n, first * sizeof(real));
    const struct factors f = {.a = v->left,
                              .a_step = n,
                              .a_stride = 1,
                              .b = v->w,
                              .b_stride = n,
                              .rows = size,
                              .inner = first,
                              .columns = first},
                         g = {.a = block,
                              .a_step = BLOCK,
                              .a_stride = 1,
                              .b = sum,
                              .b_stride = n,
                              .rows = size,
                              .inner = size,
                              .columns = first};
    product(v, &f, sum, n, false);
    product(v, &g, v->w + first * n, n, false);
}

/* Rows first .. of w' w, to the diagonal, and their mirror image. */
static void multiply_rows(const struct inverse *v, size_t first, size_t size)
{
    const size_t n = v->n, end = first + size;
    const struct factors f = {.a = v->w + first * n + first,
                              .a_step = 1,
                              .a_stride = n,
                              .b = v->w + first * n,
                              .b_stride = n,
                              .rows = size,
                              .inner = n - first,
                              .columns = end};
    product(v, &f, v->a + first * n, n, false);
    for (size_t i = first; i < end; i++)
        for (size_t j = 0; j < i; j++)
            v->a[j * n + i] = v->a[i * n + j];
}

void INVERSE_SPD(const struct solve_shape *s, const void *va, void *vy, void *work)
{
    const real *a = va;
    const size_t n = s->n;
    struct inverse v = {.n = n, .a = vy, .w = work};
    v.left = v.w + padded(n * n);
    v.panel = v.left + padded(n * BLOCK);
    for (size_t b = 0; b < s->batch; b++, a += s->a_batch, v.a += n * n) {
        bool good = true;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                v.a[i * n + j] = (real)0.5 * (a[i * n + j] + a[j * n + i]);
        memset(v.w, 0, n * n * sizeof(real));
        for (size_t k = 0; k < n && good; k += BLOCK)
            good = eliminate(&v, k, min_size(BLOCK, n - k));
        for (size_t k = BLOCK; k < n && good; k += BLOCK)
            invert_rows(&v, k, min_size(BLOCK, n - k));
        for (size_t k = 0; k < n && good; k += BLOCK)
            multiply_rows(&v, k, min_size(BLOCK, n - k));
        for (size_t i = 0; !good && i < n * n; i++)
            v.a[i] = NAN;
    }
}
