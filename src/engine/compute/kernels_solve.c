/* kernels_solve.c: symmetric positive definite systems by Cholesky, a = r' r with r upper
 * triangular, row by row (Golub and Van Loan, "Matrix Computations", section 4.2.5). */
#include "engine/compute/simd.h"

#include <math.h>

size_t SOLVE_SPD_WORK(const struct solve_shape *s)
{
    return sizeof(real) * s->n * s->n;
}

static void symmetrise(const real *a, size_t n, real *r)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            r[i * n + j] = (real)0.5 * (a[i * n + j] + a[j * n + i]);
}

static void subtract_row(size_t n, real factor, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] -= factor * x[i];
}

/* False if a pivot is not positive. */
static bool factor(size_t n, real *r)
{
    for (size_t k = 0; k < n; k++) {
        real *row = r + k * n;
        if (!(row[k] > 0) || row[k] > (real)1e30)
            return false;
        const real scale = 1 / (real)sqrt((double)row[k]);
        for (size_t j = k; j < n; j++)
            row[j] *= scale;
        for (size_t i = k + 1; i < n; i++)
            subtract_row(n - i, row[i], row + i, r + i * n + i);
    }
    return true;
}

static void scale_row(size_t n, real scale, real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= scale;
}

static void substitute(size_t n, size_t m, const real *r, real *x)
{
    for (size_t k = 0; k < n; k++) {
        scale_row(m, 1 / r[k * n + k], x + k * m);
        for (size_t i = k + 1; i < n; i++)
            subtract_row(m, r[k * n + i], x + k * m, x + i * m);
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t i = k + 1; i < n; i++)
            subtract_row(m, r[k * n + i], x + i * m, x + k * m);
        scale_row(m, 1 / r[k * n + k], x + k * m);
    }
}

void SOLVE_SPD(const struct solve_shape *s, const void *va, const void *vb, void *vx, void *work)
{
    real *x = vx, *r = work;
    bool good = false;
    for (size_t b = 0; b < s->batch; b++, x += s->n * s->m) {
        const real *a = (const real *)va + b * s->a_batch,
                   *from = (const real *)vb + b * s->b_batch;
        if (b == 0 || s->a_batch != 0) {
            symmetrise(a, s->n, r);
            good = factor(s->n, r);
        }
        memcpy(x, from, s->n * s->m * sizeof(real));
        if (good)
            substitute(s->n, s->m, r, x);
        for (size_t i = 0; !good && i < s->n * s->m; i++)
            x[i] = NAN;
    }
}
