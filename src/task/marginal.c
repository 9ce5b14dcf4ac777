/* marginal.c: columns as standard scores and ranks. */
#include "task/marginal.h"

#include <math.h>
#include <stdlib.h>

#include "task/scale.h"

static const float most = 5;          /* standard deviations: farther ones count as this far */
static const float uniform = 3.4641F; /* width of a uniform distribution of variance 1 */

int ascending_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Each value once, with its middle rank 0..1; in place. Gives their number. */
static size_t distinct(float *value, size_t n, float *rank)
{
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && value[end] == value[i])
            end++;
        rank[count] = ((float)i + (float)end) / (2 * (float)n);
        value[count++] = value[i];
        i = end;
    }
    return count;
}

static void put_knots(struct marginal *m, const float *value, const float *rank, size_t count)
{
    const size_t knots = count < MARGINAL_KNOTS ? count : MARGINAL_KNOTS;
    m->knots = (float)knots;
    for (size_t k = 0; k < knots; k++) {
        const size_t i = knots > 1 ? k * (count - 1) / (knots - 1) : 0;
        m->value[k] = value[i];
        m->rank[k] = uniform * (rank[i] - 0.5F);
    }
}

void marginal_find(struct marginal *m, const float *x, size_t n, size_t step, float *sorted)
{
    size_t seen = 0;
    double mean, sd;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i * step]))
            sorted[seen++] = x[i * step];
    column_moments(sorted, seen, 1, &mean, &sd);
    *m = (struct marginal){.mean = (float)mean, .scale = 1};
    if (sd > 1e-6 * (1e-30 + fabs((double)m->mean)) && isfinite((float)sd) && (float)sd > 0)
        m->scale = (float)sd;
    qsort(sorted, seen, sizeof *sorted, ascending_floats);
    float *rank = sorted + n;
    put_knots(m, sorted, rank, distinct(sorted, seen, rank));
}

static float rank_of(const struct marginal *m, float x)
{
    const size_t knots = (size_t)m->knots;
    if (knots == 0)
        return 0;
    if (!(x > m->value[0]))
        return m->rank[0];
    if (x > m->value[knots - 1])
        return m->rank[knots - 1];
    size_t below = 0, k = knots - 1; /* value[below] < x <= value[k] */
    while (k - below > 1) {
        const size_t middle = (below + k) / 2;
        if (x > m->value[middle])
            below = middle;
        else
            k = middle;
    }
    const double from = (double)m->value[k - 1]; /* a difference may be too large for a float */
    const float part = (float)(((double)x - from) / ((double)m->value[k] - from));
    return m->rank[k - 1] + part * (m->rank[k] - m->rank[k - 1]);
}

void marginal_apply(const struct marginal *m, float x, float view[MARGINAL_VIEWS])
{
    view[0] = view[1] = 0;
    if (!isfinite(x))
        return;
    const float score = (x - m->mean) / m->scale;
    view[0] = score > most ? most : score < -most ? -most : score;
    view[1] = rank_of(m, x);
}

void marginals_apply(const struct marginal *m, const float *x, size_t n, size_t columns,
                     float *views)
{
    for (size_t i = 0; i < n * columns; i++)
        marginal_apply(&m[i % columns], x[i], views + i * MARGINAL_VIEWS);
}
