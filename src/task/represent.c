/* represent.c: the encoders. */
#include "task/represent.h"

#include <math.h>
#include <stdio.h>

size_t represent_size(enum represent kind, size_t n, size_t features)
{
    return kind == REPRESENT_CONCAT ? n * (features + 1) : ENCODER_WIDTH + features + 1;
}

static void add(struct layout *l, const char *name, int rank, const int64_t *dim, double spread,
                double start)
{
    struct parameter *p = &l->parameter[l->count++];
    *p = (struct parameter){
        .rank = rank, .offset = l->numel, .count = 1, .spread = spread, .start = start};
    snprintf(p->name, sizeof p->name, "%s", name);
    for (int i = 0; i < rank; i++) {
        p->dim[i] = dim[i];
        p->count *= (size_t)dim[i];
    }
    l->numel += p->count;
}

void represent_layout(enum represent kind, size_t features, struct layout *l)
{
    const int64_t in = (int64_t)features + 1, width = ENCODER_WIDTH;
    if (kind == REPRESENT_CONCAT)
        return;
    add(l, "encoder.weight1", 2, (const int64_t[]){in, width}, sqrt(6.0 / (double)in), 0);
    add(l, "encoder.bias1", 1, &width, 0.5, 0);
    add(l, "encoder.weight2", 2, (const int64_t[]){width, width}, sqrt(6.0 / (double)width), 0);
    add(l, "encoder.bias2", 1, &width, 0, 0);
    add(l, "encoder.log_penalty", 0, NULL, 0, 0);
}

/* The ridge regression of y on (x, 1): [features + 1] */
static t2m_value landmark(t2m_graph *g, t2m_value x, t2m_value y, t2m_value log_penalty)
{
    const int64_t n = t2m_dim(g, x, 0), size = t2m_dim(g, x, 1) + 1, column[] = {n, 1};
    const t2m_value pair[] = {x, t2m_fill(g, 1, 2, column)};
    const t2m_value z = t2m_concat(g, 1, pair, 2), eye = t2m_one_hot(g, t2m_iota(g, size), size);
    const t2m_value a =
        t2m_madd(g, t2m_exp(g, log_penalty), eye, t2m_matmul_t(g, z, true, z, false));
    const t2m_value b = t2m_matmul_t(g, z, true, t2m_reshape(g, y, 2, column), false);
    return t2m_reshape(g, t2m_solve_spd(g, a, b), 1, &size);
}

t2m_value represent_task(t2m_graph *g, enum represent kind, const struct represent_parameters *p,
                         t2m_value x, t2m_value y)
{
    const int64_t n = t2m_dim(g, x, 0), column[] = {n, 1}, all = -1;
    const t2m_value pair[] = {x, t2m_reshape(g, y, 2, column)}, rows = t2m_concat(g, 1, pair, 2);
    if (kind == REPRESENT_CONCAT)
        return t2m_reshape(g, rows, 1, &all);
    t2m_value h = t2m_relu(g, nn_linear(g, rows, p->weight1, p->bias1));
    h = t2m_relu(g, nn_linear(g, h, p->weight2, p->bias2));
    const t2m_value t[] = {t2m_mean(g, h, 0, 1), landmark(g, x, y, p->log_penalty)};
    return t2m_concat(g, 0, t, 2);
}
