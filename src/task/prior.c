/* prior.c: synthetic tables. Columns of numbers lie one after the other, each [rows], with mean 0
 * and variance 1 until they are shown. */
#include "task/prior.h"

#include <math.h>
#include <string.h>

enum { MORE_NODES = 8, MOST_COLUMNS = 256, HIDDEN = 12, MAX_CLASSES = 16 };

struct drawing {
    struct random *r;
    size_t rows, columns, classes, nodes;
    double *node;  /* [nodes, rows] */
    double *shown; /* [columns, rows] */
    double *score; /* [scores, rows]: the target before noise; a score for each class, or one */
    double *order; /* [rows] room */
    size_t scores;
    size_t use[MOST_COLUMNS]; /* columns that matter, [used] */
    size_t used;
};

size_t prior_room(size_t rows, size_t columns, size_t classes)
{
    return rows * (2 * columns + MORE_NODES + 3 + (classes > 1 ? classes : 1));
}

/* ---- helpers ---- */

static double uniform(struct drawing *d, double low, double high)
{
    return random_uniform(d->r, low, high);
}

static bool chance(struct drawing *d, double p)
{
    return random_uniform(d->r, 0, 1) < p;
}

static size_t below(struct drawing *d, size_t n)
{
    return random_below(d->r, n);
}

static double log_uniform(struct drawing *d, double low, double high)
{
    return exp(random_uniform(d->r, log(low), log(high)));
}

static void standardise(double *x, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    const double sd = sqrt(squares / (double)n) + 1e-9;
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - mean) / sd;
}

static double activate(size_t kind, double x)
{
    switch (kind) {
    case 0:
        return tanh(x);
    case 1:
        return x > 0 ? x : 0;
    case 2:
        return sin(2 * x);
    case 3:
        return fabs(x);
    case 4:
        return x * x;
    case 5:
        return x > 0;
    case 6:
        return exp(-x * x);
    default:
        return x;
    }
}
enum { ACTIVATIONS = 8 };

/* ---- the graph of causes ---- */

static void fill_root(struct drawing *d, double *x)
{
    const size_t kind = below(d, 5), clusters = 2 + below(d, 4);
    double centre[6];
    for (size_t k = 0; k < clusters; k++)
        centre[k] = 2 * random_normal(d->r);
    for (size_t i = 0; i < d->rows; i++) {
        const double z = random_normal(d->r);
        const double value[] = {z, uniform(d, -1, 1), centre[below(d, clusters)] + 0.5 * z,
                                z * z * z, z};
        x[i] = value[kind];
    }
    standardise(x, d->rows);
}

/* From one to four of the nodes before, or all of them. */
static void fill_node(struct drawing *d, size_t at, double noise)
{
    double *x = d->node + at * d->rows;
    const size_t parents = chance(d, 0.2) ? at : 1 + below(d, at < 4 ? at : 4);
    const size_t kind = below(d, ACTIVATIONS);
    const double shift = random_normal(d->r);
    memset(x, 0, d->rows * sizeof *x);
    for (size_t k = 0; k < parents; k++) {
        const double *from = d->node + (parents == at ? k : below(d, at)) * d->rows,
                     weight = random_normal(d->r) / sqrt((double)parents);
        for (size_t i = 0; i < d->rows; i++)
            x[i] += 1.5 * weight * from[i];
    }
    for (size_t i = 0; i < d->rows; i++)
        x[i] = activate(kind, x[i] + 0.7 * shift);
    standardise(x, d->rows);
    for (size_t i = 0; i < d->rows; i++)
        x[i] += noise * random_normal(d->r);
    standardise(x, d->rows);
}

static void make_nodes(struct drawing *d)
{
    const size_t roots = chance(d, 0.35) ? d->nodes : 1 + below(d, d->nodes);
    const double noise = log_uniform(d, 0.03, 2);
    for (size_t k = 0; k < d->nodes; k++) {
        if (k < roots)
            fill_root(d, d->node + k * d->rows);
        else
            fill_node(d, k, noise);
    }
}

/* ---- how nodes are shown ---- */

/* Levels of x, cut at random places; numbered in order, or at random like codes. */
static void cut_levels(struct drawing *d, double *x, size_t levels)
{
    double cut[10] = {0}, code[10] = {0};
    const bool mixed = levels > 2 && chance(d, 0.4);
    for (size_t k = 0; k < levels; k++) {
        cut[k] = random_normal(d->r);
        code[k] = mixed ? random_normal(d->r) : (double)k;
    }
    for (size_t k = 1; k < levels; k++) /* in order; the last is not used */
        for (size_t i = k; i > 0 && cut[i] < cut[i - 1]; i--) {
            const double swap = cut[i];
            cut[i] = cut[i - 1];
            cut[i - 1] = swap;
        }
    if (levels == 2)
        cut[0] *= 0.7;
    for (size_t i = 0; i < d->rows; i++) {
        size_t level = 0;
        while (level + 1 < levels && x[i] > cut[level])
            level++;
        x[i] = code[level];
    }
}

static void warp(struct drawing *d, double *x)
{
    const double strength = uniform(d, 0.3, 1.5);
    const size_t kind = below(d, 3);
    for (size_t i = 0; i < d->rows; i++)
        x[i] = kind == 0 ? exp(strength * x[i]) : kind == 1 ? x[i] * fabs(x[i]) : tanh(2 * x[i]);
}

static void show_columns(struct drawing *d)
{
    size_t from[MOST_COLUMNS + MORE_NODES];
    const double levels = chance(d, 0.3) ? 0.9 : chance(d, 0.5) ? 0.3 : 0.05;
    const bool binary = chance(d, 0.3);
    for (size_t k = 0; k < d->nodes; k++)
        from[k] = k;
    random_choose(d->r, from, d->nodes, d->columns);
    for (size_t k = 0; k < d->columns; k++) {
        double *x = d->shown + k * d->rows;
        memcpy(x, d->node + from[k] * d->rows, d->rows * sizeof *x);
        if (chance(d, levels))
            cut_levels(d, x, binary ? 2 : 2 + below(d, 7));
        else if (chance(d, 0.3))
            warp(d, x);
        standardise(x, d->rows);
    }
}

/* ---- targets ---- */

static const double *used_column(struct drawing *d)
{
    return d->shown + d->use[below(d, d->used)] * d->rows;
}

static void from_graph(struct drawing *d, double *y)
{
    const size_t at = d->nodes; /* there is room for one more */
    fill_node(d, at, 0);
    memcpy(y, d->node + at * d->rows, d->rows * sizeof *y);
}

static void from_network(struct drawing *d, double *y)
{
    const size_t hidden = 2 + below(d, HIDDEN - 1), kind = below(d, ACTIVATIONS);
    for (size_t h = 0; h < hidden; h++) {
        double weight[MOST_COLUMNS];
        const double shift = random_normal(d->r), out = random_normal(d->r);
        for (size_t k = 0; k < d->used; k++)
            weight[k] = 1.5 * random_normal(d->r) / sqrt((double)d->used);
        for (size_t i = 0; i < d->rows; i++) {
            double sum = shift;
            for (size_t k = 0; k < d->used; k++)
                sum += weight[k] * d->shown[d->use[k] * d->rows + i];
            y[i] += out * activate(kind, sum);
        }
    }
}

static void from_trees(struct drawing *d, double *y)
{
    const size_t trees = chance(d, 0.4) ? 1 : 1 + below(d, 12), levels = 1 + below(d, 5);
    for (size_t tree = 0; tree < trees; tree++) {
        const double *split[31];
        double at[31], leaf[32];
        for (size_t k = 0; k < 31; k++) {
            split[k] = used_column(d);
            at[k] = split[k][below(d, d->rows)];
        }
        for (size_t k = 0; k < 32; k++)
            leaf[k] = random_normal(d->r);
        for (size_t i = 0; i < d->rows; i++) {
            size_t k = 0;
            for (size_t level = 0; level < levels; level++)
                k = 2 * k + 1 + (split[k][i] > at[k]);
            y[i] += leaf[k + 1 - ((size_t)1 << levels)];
        }
    }
}

static void from_linear(struct drawing *d, double *y)
{
    const size_t products = chance(d, 0.5) ? 0 : 1 + below(d, d->used + 1);
    for (size_t k = 0; k < d->used + products; k++) {
        const double weight = random_normal(d->r), *a = d->shown + d->use[k % d->used] * d->rows,
                     *b = k < d->used ? NULL : used_column(d);
        for (size_t i = 0; i < d->rows; i++)
            y[i] += weight * a[i] * (b ? b[i] : 1);
    }
}

static void from_clusters(struct drawing *d, double *y)
{
    const size_t centres = 2 + below(d, 9);
    double value[16];
    size_t row[16];
    for (size_t k = 0; k < centres; k++) {
        value[k] = random_normal(d->r);
        row[k] = below(d, d->rows);
    }
    for (size_t i = 0; i < d->rows; i++) {
        double least = 1e30;
        for (size_t k = 0; k < centres; k++) {
            double distance = 0;
            for (size_t j = 0; j < d->used; j++) {
                const double *x = d->shown + d->use[j] * d->rows;
                distance += (x[i] - x[row[k]]) * (x[i] - x[row[k]]);
            }
            if (distance < least) {
                least = distance;
                y[i] = value[k];
            }
        }
    }
}

static void from_rules(struct drawing *d, double *y)
{
    const size_t rules = 1 + below(d, 4);
    for (size_t rule = 0; rule < rules; rule++) {
        const size_t parts = 1 + below(d, d->used < 5 ? d->used : 5), kind = below(d, 3),
                     enough = 1 + below(d, parts);
        const double *x[5], weight = random_normal(d->r);
        double at[5];
        bool turned[5];
        for (size_t k = 0; k < parts; k++) {
            x[k] = used_column(d);
            at[k] = x[k][below(d, d->rows)];
            turned[k] = chance(d, 0.5);
        }
        for (size_t i = 0; i < d->rows; i++) {
            size_t count = 0;
            for (size_t k = 0; k < parts; k++)
                count += (x[k][i] > at[k]) != turned[k];
            y[i] += weight * (kind == 0   ? (double)(count >= enough)
                              : kind == 1 ? (double)(count % 2)
                                          : (double)(count == parts));
        }
    }
}

static void (*const targets[])(struct drawing *d, double *y) = {
    from_graph, from_network, from_trees, from_linear, from_clusters, from_rules};
enum { TARGETS = sizeof targets / sizeof *targets };

/* ---- classes ---- */

/* Classes by cutting one score at random ranks; numbered at random. */
static void cut_classes(struct drawing *d, float *y)
{
    size_t number[MAX_CLASSES];
    double edge[MAX_CLASSES], sum = 0;
    const double even = chance(d, 0.4) ? 8 : 1; /* larger: more equal classes */
    memcpy(d->order, d->score, d->rows * sizeof *d->order);
    for (size_t k = 0; k < d->classes; k++) {
        double size = 0.05;
        for (int i = 0; i < (int)even; i++)
            size -= log(1 - uniform(d, 0, 1)) / even;
        edge[k] = sum += size;
        number[k] = k;
    }
    random_choose(d->r, number, d->classes, d->classes);
    const size_t step = 1 + d->rows / 64, seen = (d->rows - 1) / step + 1; /* a sample */
    for (size_t i = 0; i < d->rows; i++) {
        size_t less = 0;
        for (size_t k = 0; k < d->rows; k += step)
            less += d->order[k] < d->score[i];
        const double rank = (double)less / (double)seen;
        size_t k = 0;
        while (k + 1 < d->classes && rank > edge[k] / sum)
            k++;
        y[i] = (float)number[k];
    }
}

static void largest_class(struct drawing *d, float *y)
{
    double bias[MAX_CLASSES];
    const double unequal = chance(d, 0.5) ? 0 : 0.7;
    for (size_t k = 0; k < d->classes; k++)
        bias[k] = unequal * random_normal(d->r);
    for (size_t i = 0; i < d->rows; i++) {
        size_t best = 0;
        for (size_t k = 1; k < d->classes; k++)
            if (d->score[k * d->rows + i] + bias[k] > d->score[best * d->rows + i] + bias[best])
                best = k;
        y[i] = (float)best;
    }
}

/* ---- all of it ---- */

static void draw_target(struct drawing *d)
{
    const size_t kind = below(d, TARGETS);
    const double noise = chance(d, 0.45) ? 0 : log_uniform(d, 0.03, 1.5);
    d->used = 0;
    const double keep = chance(d, 0.3) ? 1 : log_uniform(d, 0.1, 1);
    for (size_t k = 0; k < d->columns; k++)
        if (chance(d, keep))
            d->use[d->used++] = k;
    if (d->used == 0)
        d->use[d->used++] = below(d, d->columns);
    d->scores = d->classes > 2 && chance(d, 0.6) ? d->classes : 1;
    for (size_t k = 0; k < d->scores; k++) {
        double *y = d->score + k * d->rows;
        memset(y, 0, d->rows * sizeof *y);
        targets[kind](d, y);
        standardise(y, d->rows);
        for (size_t i = 0; i < d->rows; i++)
            y[i] += noise * random_normal(d->r);
    }
}

static void put(struct drawing *d, float *x, float *y)
{
    const double wrong = chance(d, 0.15) ? uniform(d, 0, 0.2) : 0;
    const double strength = chance(d, 0.3) ? uniform(d, 0.3, 1) : 0;
    for (size_t i = 0; i < d->rows * d->columns; i++)
        x[i] = (float)d->shown[i % d->columns * d->rows + i / d->columns];
    if (d->classes == 0) {
        standardise(d->score, d->rows);
        for (size_t i = 0; i < d->rows; i++)
            y[i] = (float)(strength > 0 ? exp(strength * d->score[i]) : d->score[i]);
        return;
    }
    (d->scores > 1 ? largest_class : cut_classes)(d, y);
    for (size_t i = 0; i < d->rows; i++)
        if (chance(d, wrong))
            y[i] = (float)below(d, d->classes);
}

void prior_draw(struct random *r, size_t rows, size_t columns, size_t classes, float *x, float *y,
                double *room)
{
    struct drawing d = {.r = r, .rows = rows, .columns = columns, .classes = classes};
    d.nodes = columns + below(&d, MORE_NODES);
    d.node = room;
    d.shown = d.node + (columns + MORE_NODES) * rows;
    d.order = d.shown + columns * rows;
    d.score = d.order + rows;
    make_nodes(&d);
    show_columns(&d);
    draw_target(&d);
    put(&d, x, y);
}
