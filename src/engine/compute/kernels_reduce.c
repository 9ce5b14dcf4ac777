/* kernels_reduce.c: sums and largest values. The order of additions is fixed by the shape: rows are
 * added one after the other; a row that is itself summed goes in chunks of REDUCE_CHUNK, each with
 * 16 running sums. So a sum taken in pieces has the same bits. */
#include "engine/compute/simd.h"

#include <math.h>

enum { PARTIAL = 16, COLUMNS = 64 /* of a block that stays in registers */ };

static real chunk_sum(const real *x, size_t n)
{
    enum { PARTS = PARTIAL / LANES };
    vec sum[PARTS] = {{0}};
    size_t i = 0;
    for (; i + PARTIAL <= n; i += PARTIAL)
        for (size_t p = 0; p < PARTS; p++)
            sum[p] += load(x + i + p * LANES);
    for (size_t p = 0; i < n; p++, i += LANES)
        sum[p] += n - i < LANES ? load_part(x + i, n - i) : load(x + i);
    for (size_t half = PARTS / 2; half > 0; half /= 2)
        for (size_t p = 0; p < half; p++)
            sum[p] += sum[p + half];
    return sum_lanes(sum[0]);
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
    for (; j + COLUMNS / 2 <= inner; j += COLUMNS / 2)
        add_columns(x + j, rows, inner, y + j, COLUMNS / 2);
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

typedef __typeof__((vec){0} > (vec){0}) choice; /* all bits or none, in each lane */

/* The larger lane by lane; NaN stays. */
INLINE vec larger(vec a, vec b)
{
    const choice wins = (b > a) | (b != b);
    return (vec)((wins & (choice)b) | (~wins & (choice)a));
}

INLINE vec lowest(void)
{
    return (vec){0} - (real)INFINITY;
}

INLINE void max_columns(const real *x, size_t rows, size_t inner, real *y, size_t vectors)
{
    vec best[COLUMNS / LANES];
    for (size_t v = 0; v < vectors; v++)
        best[v] = lowest();
    for (size_t r = 0; r < rows; r++, x += inner)
        for (size_t v = 0; v < vectors; v++)
            best[v] = larger(best[v], load(x + v * LANES));
    for (size_t v = 0; v < vectors; v++)
        store(y + v * LANES, best[v]);
}

static void max_rows(const real *x, size_t rows, size_t inner, real *y)
{
    enum { VECTORS = 4 };
    size_t j = 0;
    for (; j + VECTORS * LANES <= inner; j += VECTORS * LANES)
        max_columns(x + j, rows, inner, y + j, VECTORS);
    for (; j + LANES <= inner; j += LANES)
        max_columns(x + j, rows, inner, y + j, 1);
    if (j == inner)
        return;
    vec best = lowest();
    for (size_t r = 0; r < rows; r++)
        best = larger(best, load_part(x + r * inner + j, inner - j));
    store_part(y + j, best, inner - j);
}

static real max_row(const real *x, size_t n)
{
    vec best[2] = {lowest(), lowest()};
    real lane[LANES], most = -(real)INFINITY;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        best[0] = larger(best[0], load(x + i));
        best[1] = larger(best[1], load(x + i + LANES));
    }
    for (; i < n; i++) /* fewer than 2 LANES */
        most = x[i] > most || x[i] != x[i] ? x[i] : most;
    if (n < 2 * LANES)
        return most;
    store(lane, larger(best[0], best[1]));
    for (size_t j = 0; j < LANES; j++)
        most = lane[j] > most || lane[j] != lane[j] ? lane[j] : most;
    return most;
}

void REDUCE_MAX(const struct reduce_shape *s, const void *vx, void *vy)
{
    const real *x = vx;
    real *y = vy;
    for (size_t o = 0; o < s->outer; o++, x += s->reduce * s->inner, y += s->inner)
        if (s->inner == 1)
            *y = max_row(x, s->reduce);
        else
            max_rows(x, s->reduce, s->inner, y);
}
