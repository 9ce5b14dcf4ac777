/* convolution.c: a convolution and its norm, as one layer of the structures for pictures. The norms
 * of a structure keep their statistics in the order of its layers, mean before variance. Called by
 * structures.c and resnet.c. */
#include "nn/nn.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

void layout_norm(struct layout *l, const char *name, int64_t channels)
{
    char full[48];
    snprintf(full, sizeof full, "%s.scale", name);
    layout_add(l, full, 1, &channels, 0, 1);
    l->parameter[l->count - 1].norm = true;
    snprintf(full, sizeof full, "%s.bias", name);
    layout_add(l, full, 1, &channels, 0, 0);
    l->statistics += 2 * (size_t)channels;
}

void layout_convolution(struct layout *l, const char *name, const int64_t filter[4], size_t places)
{
    char full[48];
    snprintf(full, sizeof full, "%s.filter", name);
    layout_add(l, full, 4, filter, sqrt(6.0 / (double)(filter[0] * filter[1] * filter[2])), 0);
    l->parameter[l->count - 1].places = places;
    layout_norm(l, name, filter[3]);
}

static t2m_value take(const struct convolutions *c, const char *name, const char *part)
{
    char full[48];
    snprintf(full, sizeof full, "%s.%s", name, part);
    return layout_take(c->g, &c->layout, c->m, full);
}

/* Those of h [n, .., channels], or the next of the given ones. */
static void statistics(struct convolutions *c, t2m_value h, t2m_value *mean, t2m_value *var)
{
    const int64_t channels = t2m_dim(c->g, h, -1);
    if (c->norm->norm == NORM_BATCH) {
        nn_statistics(c->g, h, mean, var);
    } else {
        *mean = t2m_slice(c->g, c->norm->given, 0, c->at, channels);
        *var = t2m_slice(c->g, c->norm->given, 0, c->at + channels, channels);
    }
    assert(c->n + 2 <= sizeof c->seen / sizeof *c->seen);
    c->seen[c->n++] = *mean;
    c->seen[c->n++] = *var;
    c->at += 2 * channels;
}

t2m_value norm_alone(struct convolutions *c, const char *name, t2m_value x)
{
    t2m_value mean, var;
    statistics(c, x, &mean, &var);
    return nn_normalise(c->g, x, mean, var, take(c, name, "scale"), take(c, name, "bias"));
}

t2m_value convolution_norm(struct convolutions *c, const char *name, t2m_value x, bool pool)
{
    t2m_graph *g = c->g;
    const t2m_value filter = take(c, name, "filter"), scale = take(c, name, "scale");
    t2m_value mean, var, h = t2m_conv2d(g, x, filter, 1, (int)t2m_dim(g, filter, 0) / 2);
    statistics(c, h, &mean, &var);
    if (pool) /* first, so a quarter of the numbers is left */
        h = t2m_max_pool_toward(g, h, scale, 2, 2);
    return nn_normalise(g, h, mean, var, scale, take(c, name, "bias"));
}

void convolutions_end(struct convolutions *c)
{
    c->norm->seen = t2m_concat(c->g, 0, c->seen, c->n);
}
