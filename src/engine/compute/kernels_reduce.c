/* kernels_reduce.c: sums and largest values. The order of additions is fixed by the shape: rows are
 * added one after the other; a row that is itself summed goes in chunks of REDUCE_CHUNK, each with
 * 16 running sums. So a sum taken in pieces has the same bits. */
#include "engine/compute/simd.h"

#include <math.h>

enum { PARTIAL = 16, COLUMNS = 64 /* of a block that stays in registers */ };

static real chunk_sum(const real *x, size_t n)
{
    real sum[PARTIAL] = {0};
    size_t i = 0;
    for (; i + PARTIAL <= n; i += PARTIAL)
        for (size_t j = 0; j < PARTIAL; j++)
            sum[j] += x[i + j];
    for (size_t j = 0; i + j < n; j++)
        sum[j] += x[i + j];
    for (size_t half = PARTIAL / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            sum[j] += sum[j + half];
    return sum[0];
}

static void add_row(const real *x, size_t n, real *y)
{
    for (size_t i = 0; i < n; i += REDUCE_CHUNK)
        *y += chunk_sum(x + i, min_size(REDUCE_CHUNK, n - i));
}

INLINE void add_columns(const real *x, size_t rows, size_t inner, real *y, size_t count)
{
    real sum[COLUMNS];
    memcpy(sum, y, count * sizeof(real));
    for (size_t r = 0; r < rows; r++, x += inner)
        for (size_t j = 0; j < count; j++)
            sum[j] += x[j];
    memcpy(y, sum, count * sizeof(real));
}

static void add_rows(const real *x, size_t rows, size_t inner, real *y)
{
    size_t j = 0;
    for (; j + COLUMNS <= inner; j += COLUMNS)
        add_columns(x + j, rows, inner, y + j, COLUMNS);
    for (; j + LANES <= inner; j += LANES)
        add_columns(x + j, rows, inner, y + j, LANES);
    if (j < inner)
        add_columns(x + j, rows, inner, y + j, inner - j);
}

void REDUCE_ADD(const struct reduce_shape *s, const void *vx, void *vy)
{
    const real *x = vx;
    real *y = vy;
    for (size_t o = 0; o < s->outer; o++, x += s->reduce * s->inner, y += s->inner)
        if (s->inner == 1)
            add_row(x, s->reduce, y);
        else
            add_rows(x, s->reduce, s->inner, y);
}

void REDUCE_SUM(const struct reduce_shape *s, const void *x, void *y)
{
    memset(y, 0, s->outer * s->inner * sizeof(real));
    REDUCE_ADD(s, x, y);
}

void REDUCE_MAX(const struct reduce_shape *s, const void *vx, void *vy)
{
    const real *x = vx;
    real *y = vy;
    for (size_t o = 0; o < s->outer; o++, y += s->inner) {
        for (size_t j = 0; j < s->inner; j++)
            y[j] = -INFINITY;
        for (size_t r = 0; r < s->reduce; r++, x += s->inner)
            for (size_t j = 0; j < s->inner; j++)
                y[j] = x[j] > y[j] || x[j] != x[j] ? x[j] : y[j]; /* NaN stays */
    }
}
