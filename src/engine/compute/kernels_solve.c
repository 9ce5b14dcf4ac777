/* kernels_solve.c: symmetric positive definite systems by Cholesky, a = r' r with r upper
 * triangular, row by row (Golub and Van Loan, "Matrix Computations", section 4.2.5). Rows and
 * unknowns are padded to whole vectors that always lie at the same places, so that a vector read
 * was written as one; columns of b are worked on as rows. */
#include "engine/compute/simd.h"

#include <math.h>

struct system {
    size_t n, stride;
    real *upper;   /* r, then r without its diagonal and what is below */
    real *lower;   /* its transpose */
    real *inverse; /* 1 / diagonal of r, zeros after it */
    real *x;       /* [m, stride] */
};

size_t SOLVE_SPD_WORK(const struct solve_shape *s)
{
    return sizeof(real) * padded(s->n) * (2 * s->n + 1 + s->m);
}

static struct system divide(const struct solve_shape *s, void *work)
{
    const size_t stride = padded(s->n), size = s->n * stride;
    struct system d = {.n = s->n, .stride = stride, .upper = work};
    d.lower = d.upper + size;
    d.inverse = d.lower + size;
    d.x = d.inverse + stride;
    return d;
}

static void symmetrise(const struct system *d, const real *a)
{
    const size_t n = d->n;
    memset(d->upper, 0, sizeof(real) * n * d->stride);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            d->upper[i * d->stride + j] = (real)0.5 * (a[i * n + j] + a[j * n + i]);
}

/* y -= factor x, whole vectors from the one of number `from` to before `end` */
INLINE void subtract(size_t from, size_t end, real factor, const real *x, real *y)
{
    for (size_t i = from / LANES * LANES; i < end; i += LANES)
        store(y + i, load(y + i) - factor * load(x + i));
}

/* False if a pivot is not positive. What is below the diagonal is of no meaning. */
static bool factor(const struct system *d)
{
    const size_t stride = d->stride;
    for (size_t k = 0; k < d->n; k++) {
        real *row = d->upper + k * stride;
        if (!(row[k] > 0 && row[k] < (real)INFINITY))
            return false;
        d->inverse[k] = 1 / (real)sqrt((double)row[k]);
        for (size_t j = k / LANES * LANES; j < stride; j += LANES)
            store(row + j, load(row + j) * d->inverse[k]);
        for (size_t i = k + 1; i < d->n; i++)
            subtract(i, stride, row[i], row, d->upper + i * stride);
    }
    return true;
}

/* The triangles without diagonal, zeros elsewhere: vectors across it then need no care. */
static void split(const struct system *d)
{
    const size_t stride = d->stride;
    for (size_t k = 0; k < d->n; k++)
        memset(d->upper + k * stride, 0, sizeof(real) * (k + 1));
    memset(d->lower, 0, sizeof(real) * d->n * stride);
    TRANSPOSE(&(struct matrix){d->n, d->n, stride}, d->upper, d->lower, stride);
}

/* r' z = b, r x = z in place */
static void substitute(const struct system *d, size_t m)
{
    const size_t n = d->n, stride = d->stride;
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; j < m; j++) {
            real *z = d->x + j * stride;
            subtract(k, stride, z[k] * d->inverse[k], d->upper + k * stride, z);
        }
    for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < stride; i += LANES)
            store(d->x + j * stride + i, load(d->x + j * stride + i) * load(d->inverse + i));
    for (size_t k = n; k-- > 0;)
        for (size_t j = 0; j < m; j++) {
            real *x = d->x + j * stride;
            subtract(0, k, x[k] * d->inverse[k], d->lower + k * stride, x);
        }
}

static void solve(const struct system *d, size_t m, const real *b, real *x)
{
    const size_t n = d->n, stride = d->stride;
    memset(d->x, 0, sizeof(real) * m * stride);
    TRANSPOSE(&(struct matrix){n, m, m}, b, d->x, stride);
    substitute(d, m);
    TRANSPOSE(&(struct matrix){m, n, stride}, d->x, x, m);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            x[i * m + j] *= d->inverse[i];
}

void SOLVE_SPD(const struct solve_shape *s, const void *va, const void *vb, void *vx, void *work)
{
    const struct system d = divide(s, work);
    real *x = vx;
    bool good = false;
    if (s->n * s->m == 0)
        return;
    memset(d.inverse, 0, sizeof(real) * d.stride);
    for (size_t b = 0; b < s->batch; b++, x += s->n * s->m) {
        if (b == 0 || s->a_batch != 0) {
            symmetrise(&d, (const real *)va + b * s->a_batch);
            good = factor(&d);
            if (good)
                split(&d);
        }
        if (good)
            solve(&d, s->m, (const real *)vb + b * s->b_batch, x);
        for (size_t i = 0; !good && i < s->n * s->m; i++)
            x[i] = NAN;
    }
}
