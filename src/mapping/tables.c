/* tables.c: a task of rows and columns as one differentiable graph.
 *
 * A cell is its two views (score, rank). What a column does in each class, pooled over the rows,
 * and how well it tells the classes apart make the column's token; what a row has in all columns,
 * beside the rows of its class, makes the row's; a second round lets each see the other (an
 * exchangeable matrix, Hartford et al. 2018, equation 4, pooled by class). Values are put in a few
 * overlapping bins, which then stand for classes. The weights of a hidden unit on a column are read
 * off the column's token and added to a sum over the rows, weighed by their tokens: a step of
 * gradient descent has that form. So is how much a column counts in the distance to the rows, which
 * are the centres of the model's kernel. */
#include "mapping/tables.h"
#include "mapping/table_tune.h"

#include <math.h>
#include <stdio.h>

enum {
    WIDTH = TABLE_T,
    FACTS = TABLE_FACTS,
    VIEWS = MARGINAL_VIEWS,
    HEAD_STEPS = 16,
    TUNE_STEPS = 8
};
static const double tiny = 1e-3; /* of a variance */

struct ctx {
    t2m_graph *g;
    const struct structure *s;
    const struct layout *l;
    const struct table_shape *shape;
    struct table_graph *e;
    t2m_value share;                  /* [rows, classes]: member over the number of the class */
    t2m_value columns, rows, classes; /* tokens [.., WIDTH] */
};

/* ---- layers ---- */

static t2m_value take(const struct ctx *c, const char *name, const char *part)
{
    char full[48];
    snprintf(full, sizeof full, "%.30s.%.16s", name, part);
    return layout_take(c->g, c->l, c->e->phi, full);
}

/* x [.., in] -> [.., out] */
static t2m_value times(const struct ctx *c, const char *name, t2m_value x)
{
    return t2m_matmul(c->g, x, take(c, name, "weight"));
}

/* Each token by its own statistics, then ReLU; x [n, WIDTH]. */
static t2m_value token(const struct ctx *c, const char *name, t2m_value x)
{
    return t2m_relu(c->g, nn_layer_norm(c->g, x, take(c, name, "scale"), take(c, name, "bias")));
}

static t2m_value relu_sum(const struct ctx *c, const char *name, const t2m_value *x, size_t n)
{
    t2m_value sum = take(c, name, "bias");
    for (size_t i = 0; i < n; i++)
        sum = t2m_add(c->g, sum, x[i]);
    return t2m_relu(c->g, sum);
}

/* [a, b] -> [1, a, b] or [a, 1, b] */
static t2m_value with_axis(t2m_graph *g, t2m_value x, int at)
{
    const int64_t front[] = {1, t2m_dim(g, x, 0), t2m_dim(g, x, 1)},
                  middle[] = {t2m_dim(g, x, 0), 1, t2m_dim(g, x, 1)};
    return t2m_reshape(g, x, 3, at ? middle : front);
}

/* [rows, ..] -> [classes, ..]: the mean of each class */
static t2m_value class_means(const struct ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const int rank = t2m_rank(g, x);
    int64_t dim[3] = {t2m_dim(g, c->share, 1)};
    const int64_t flat[] = {t2m_dim(g, x, 0), -1};
    for (int i = 1; i < rank; i++)
        dim[i] = t2m_dim(g, x, i);
    const t2m_value mean = t2m_matmul_t(g, c->share, true, t2m_reshape(g, x, 2, flat), false);
    return t2m_reshape(g, mean, rank, dim);
}

/* ---- what is known of the classes and the columns ---- */

/* [classes, 2]: place, logarithm of the part of the rows */
static t2m_value class_facts(const struct ctx *c, t2m_value part)
{
    t2m_graph *g = c->g;
    const int64_t column[] = {-1, 1};
    const t2m_value both[] = {
        t2m_reshape(g, c->e->place, 2, column),
        t2m_reshape(g, t2m_log(g, t2m_add(g, part, t2m_constant(g, tiny))), 2, column)};
    return t2m_concat(g, 1, both, 2);
}

/* How much of a column's variance lies between the classes (the correlation ratio), as log odds,
 * for each view, and how much there is to know it from [columns, FACTS]. */
static t2m_value column_facts(const struct ctx *c, t2m_value part)
{
    t2m_graph *g = c->g;
    const t2m_value x = c->e->x_support, mean = t2m_mean(g, x, 0, 1);
    const int64_t classes = t2m_dim(g, part, 0), weight[] = {classes, 1, 1}, column[] = {1, 2};
    const t2m_value all =
        t2m_add(g, t2m_mean(g, t2m_square(g, t2m_sub(g, x, mean)), 0, 1), t2m_constant(g, tiny));
    const t2m_value off = t2m_square(g, t2m_sub(g, class_means(c, x), mean));
    const t2m_value between = t2m_sum(g, t2m_mul(g, off, t2m_reshape(g, part, 3, weight)), 0, 1);
    const t2m_value within = t2m_max(g, t2m_sub(g, all, between), t2m_scale(g, tiny, all));
    const t2m_value odds = t2m_log(g, t2m_div(g, t2m_axpy(g, tiny, all, between), within));
    const t2m_value sizes[] = {t2m_fill(g, log((double)c->shape->supports), 2, (int64_t[]){1, 1}),
                               t2m_fill(g, log((double)classes), 2, (int64_t[]){1, 1})};
    const t2m_value pair[] = {
        t2m_scale(g, 0.3, odds),
        t2m_expand(g, t2m_scale(g, 0.3, t2m_reshape(g, t2m_concat(g, 1, sizes, 2), 2, column)), 2,
                   (int64_t[]){c->shape->columns, 2})};
    return t2m_concat(g, 1, pair, 2);
}

/* ---- step 1: tokens, and t ---- */

/* One round for the columns: what each does in each class, and over all rows. x [rows, columns,
 * WIDTH] */
static void see_columns(struct ctx *c, const char *of_class, const char *of_column, t2m_value x,
                        t2m_value class, t2m_value before)
{
    t2m_graph *g = c->g;
    char name[3][48];
    for (int i = 0; i < 3; i++)
        snprintf(name[i], sizeof name[i], "%.30s.%s", i ? of_column : of_class,
                 i == 0   ? "cells"
                 : i == 1 ? "classes"
                          : "all");
    const t2m_value all = t2m_mean(g, x, 0, 1), in_class = class_means(c, x);
    const t2m_value off = t2m_sub(g, in_class, with_axis(g, all, 0));
    const t2m_value parts[] = {times(c, name[0], off), with_axis(g, class, 1)};
    const t2m_value pooled = t2m_mean(g, relu_sum(c, of_class, parts, 2), 0, 1);
    const t2m_value sum[] = {times(c, name[1], pooled), times(c, name[2], all)};
    c->columns = token(c, of_column, t2m_add(g, t2m_add(g, sum[0], sum[1]), before));
}

/* One round for the rows: each beside its class and all rows. x [rows, columns, WIDTH] */
static void see_rows(struct ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const t2m_value row = t2m_mean(g, x, 1, 1), all = t2m_mean(g, row, 0, 1);
    const t2m_value off = t2m_sub(g, class_means(c, row), all);
    const t2m_value own = t2m_matmul(g, c->e->member, off);
    const t2m_value sum = t2m_add(g, times(c, "rows.self", row), times(c, "rows.class", own));
    c->classes = off;
    c->rows =
        token(c, "rows",
              t2m_add(g, sum, times(c, "rows.all", t2m_reshape(g, all, 2, (int64_t[]){1, WIDTH}))));
}

static t2m_value task_facts(const struct ctx *c)
{
    t2m_graph *g = c->g;
    const struct table_shape *s = c->shape;
    const double fact[] = {log((double)s->supports), log((double)s->columns),
                           s->classes ? log((double)s->classes) : 0, s->classes == 0};
    t2m_value one[FACTS];
    for (int i = 0; i < FACTS; i++)
        one[i] = t2m_fill(g, fact[i] / 3, 2, (int64_t[]){1, 1});
    return t2m_concat(g, 1, one, FACTS);
}

static void represent(struct ctx *c)
{
    t2m_graph *g = c->g;
    struct table_graph *e = c->e;
    const t2m_value count = t2m_sum(g, e->member, 0, 1);
    const t2m_value some = t2m_max(g, count, t2m_constant(g, tiny));
    const t2m_value part = t2m_scale(g, 1 / (double)c->shape->supports, count);
    c->share = t2m_mul(g, e->member, t2m_recip(g, some));
    const t2m_value cell =
        t2m_relu(g, t2m_add(g, times(c, "cells", e->x_support), take(c, "cells", "bias")));
    const t2m_value x =
        t2m_relu(g, t2m_add(g, times(c, "cells2", cell), take(c, "cells2", "bias")));
    see_columns(c, "class1", "columns1", x, times(c, "class1.facts", class_facts(c, part)),
                times(c, "columns1.facts", column_facts(c, part)));
    const t2m_value with_column[] = {times(c, "cells3.cells", x),
                                     with_axis(g, times(c, "cells3.columns", c->columns), 0)};
    see_rows(c, relu_sum(c, "cells3", with_column, 2));
    const t2m_value with_row[] = {times(c, "cells4.cells", x),
                                  with_axis(g, times(c, "cells4.columns", c->columns), 0),
                                  with_axis(g, times(c, "cells4.rows", c->rows), 1)};
    see_columns(c, "class2", "columns2", relu_sum(c, "cells4", with_row, 3),
                times(c, "class2.classes", c->classes), times(c, "columns2.before", c->columns));
    const t2m_value of_columns = t2m_mean(g, c->columns, 0, 1),
                    of_rows = t2m_mean(g, c->rows, 0, 1);
    const int64_t row[] = {1, WIDTH};
    const t2m_value sum = t2m_add(g, times(c, "task.columns", t2m_reshape(g, of_columns, 2, row)),
                                  t2m_add(g, times(c, "task.rows", t2m_reshape(g, of_rows, 2, row)),
                                          times(c, "task.facts", task_facts(c))));
    e->t = token(c, "task", sum); /* [1, TABLE_T] */
    c->columns =
        token(c, "columns3",
              t2m_add(g, times(c, "columns3.self", c->columns), times(c, "columns3.task", e->t)));
}

/* ---- steps 3 and 4: hidden layers ---- */

/* A number for each unit: shared, and what t says. [1, units] */
static t2m_value for_task(const struct ctx *c, const char *name)
{
    return t2m_add(c->g, take(c, name, "shared"), times(c, name, c->e->t));
}

struct layer {
    t2m_value weight, bias, h; /* [in, out], [out], [rows, out] */
};

/* The layer of these weights whose units have, on the support set, the mean and the spread that t
 * says, so that no task drives them out of their range. */
static struct layer normalised(const struct ctx *c, const char *name, t2m_value x, t2m_value w)
{
    t2m_graph *g = c->g;
    char full[2][48];
    snprintf(full[0], sizeof full[0], "%.30s.gain", name);
    snprintf(full[1], sizeof full[1], "%.30s.shift", name);
    const t2m_value before = t2m_matmul(g, x, w);
    const int64_t units = t2m_dim(g, w, 1);
    t2m_value mean, var;
    nn_statistics(g, before, &mean, &var);
    const t2m_value gain = t2m_mul(g, t2m_exp(g, t2m_reshape(g, for_task(c, full[0]), 1, &units)),
                                   t2m_rsqrt(g, t2m_add(g, var, t2m_constant(g, tiny))));
    const t2m_value shift = t2m_reshape(g, for_task(c, full[1]), 1, &units);
    struct layer r = {t2m_mul(g, w, gain), t2m_sub(g, shift, t2m_mul(g, mean, gain)), {0}};
    r.h = t2m_tanh(g, t2m_madd(g, before, gain, r.bias));
    return r;
}

static struct layer first_layer(const struct ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const int64_t units = c->s->hidden[1], flat[] = {VIEWS * c->shape->columns, units};
    const t2m_value own = t2m_reshape(g, times(c, "unit1.columns", c->columns), 2, flat);
    const t2m_value share =
        t2m_reshape(g, t2m_sigmoid(g, times(c, "unit1.share", c->columns)), 2, flat);
    const t2m_value of_rows = times(c, "unit1.rows", c->rows);
    const t2m_value centred = t2m_sub(g, of_rows, t2m_mean(g, of_rows, 0, 1));
    const t2m_value sum =
        t2m_scale(g, 1 / (double)c->shape->supports, t2m_matmul_t(g, x, true, centred, false));
    return normalised(c, "unit1", x, t2m_madd(g, share, sum, own));
}

/* W0 + L diag(z) R, z from t. */
static struct layer next_layer(const struct ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const t2m_value left =
        t2m_mul(g, take(c, "unit2.left", "weight"), times(c, "unit2.code", c->e->t));
    const t2m_value change = t2m_matmul(g, left, take(c, "unit2.right", "weight"));
    return normalised(c, "unit2", x, t2m_add(g, take(c, "unit2", "shared"), change));
}

/* ---- the head ---- */

static t2m_value as_vector(t2m_graph *g, t2m_value x)
{
    const int64_t all = -1;
    return t2m_reshape(g, x, 1, &all);
}

/* How far from 0 the head's weights are thought to be, for each of its inputs [features]. */
static t2m_value prior_scale(const struct ctx *c)
{
    t2m_graph *g = c->g;
    if (c->s->kind == NN_LINEAR) { /* nothing is made from t */
        const t2m_value views =
            t2m_expand(g, take(c, "head", "views"), 2, (int64_t[]){c->shape->columns, VIEWS});
        return t2m_exp(g, as_vector(g, views));
    }
    const t2m_value task = times(c, "head.task", c->e->t); /* [1, VIEWS] */
    const t2m_value of_columns = t2m_add(g, t2m_add(g, times(c, "head.columns", c->columns), task),
                                         take(c, "head", "views"));
    const t2m_value all[] = {as_vector(g, of_columns), as_vector(g, for_task(c, "head1")),
                             as_vector(g, for_task(c, "head2"))};
    return t2m_exp(g, t2m_concat(g, 0, all, 3));
}

/* ---- the kernel, and step 5 ---- */

/* exp(x) / divisor, but no task's knobs begin farther away than a factor of exp(6). */
static t2m_value knob_of(t2m_graph *g, t2m_value x, double divisor)
{
    const double far = 6;
    const t2m_value near = t2m_scale(g, far, t2m_tanh(g, t2m_scale(g, 1 / far, x)));
    return t2m_exp(g, t2m_sub(g, near, t2m_constant(g, log(divisor))));
}

/* As it is made from the columns and t; of a metric, the columns together count about as much as
 * one. */
static void start_knobs(const struct ctx *c, t2m_value knob[TABLE_KNOBS])
{
    t2m_graph *g = c->g;
    const t2m_value of_columns = times(c, "metric", c->columns),
                    logs = t2m_add(g, of_columns, for_task(c, "metric.task"));
    knob[KNOB_METRIC] = knob_of(g, t2m_swap(g, logs), (double)c->shape->columns);
    knob[KNOB_AMPLITUDE] = knob_of(g, as_vector(g, for_task(c, "amplitude")), 1);
    knob[KNOB_PLAIN] = knob_of(g, as_vector(g, for_task(c, "plain")), 1);
    knob[KNOB_PENALTY] = knob_of(g, as_vector(g, for_task(c, "penalty")), 1);
}

static t2m_value targets_of(const struct ctx *c)
{
    t2m_graph *g = c->g;
    const int64_t column[] = {-1, 1};
    if (c->shape->classes == 0)
        return t2m_reshape(g, c->e->y_support, 2, column);
    return t2m_sub(g, c->e->member, t2m_mean(g, c->e->member, 0, 1));
}

/* features [rows, features] with the bias. */
static void tune_knobs(const struct ctx *c, t2m_value places, t2m_value features,
                       t2m_value knob[TABLE_KNOBS])
{
    t2m_graph *g = c->g;
    const struct table_tuning t = {.places = places,
                                   .plain = t2m_matmul_t(g, features, false, features, true),
                                   .targets = targets_of(c),
                                   .steps = TUNE_STEPS};
    table_tune(g, &t, knob);
}

/* ---- the model ---- */

struct made { /* parts of a model, in their order */
    t2m_value part[2 * NN_MAX_LAYERS + 5];
    size_t count;
};

static void put(const struct ctx *c, struct made *m, t2m_value x)
{
    m->part[m->count++] = as_vector(c->g, x);
}

/* Half-widths of the intervals, from how far left-out rows were off [2]. */
static t2m_value spread_of(const struct ctx *c, t2m_value off)
{
    t2m_graph *g = c->g;
    const t2m_value error =
        t2m_sqrt(g, t2m_add(g, t2m_mean_all(g, t2m_square(g, off)), t2m_constant(g, 1e-6)));
    const t2m_value sure = t2m_stop_gradient(g, error);
    t2m_value factor = take(c, "spread", "shared");
    if (c->s->kind != NN_LINEAR)
        factor = t2m_add(g, factor, as_vector(g, times(c, "spread", c->e->t)));
    c->e->prior.factor = t2m_exp(g, factor);
    return t2m_mul(g, sure, c->e->prior.factor);
}

/* The head on features x [rows, features], the bias among them, and a kernel [rows, rows] if there
 * is one: the rows' weights [rows, outputs]. */
static t2m_value solve_rows(const struct ctx *c, t2m_value x, t2m_value kernel, t2m_value penalty)
{
    t2m_graph *g = c->g;
    struct table_prior *prior = &c->e->prior;
    const t2m_value plain = t2m_matmul_t(g, x, false, x, true),
                    gram = kernel.id ? t2m_add(g, plain, kernel) : plain;
    if (c->shape->classes) {
        c->e->spread = prior->factor = t2m_fill(g, 0, 1, (int64_t[]){2});
        prior->log_penalty = t2m_constant(g, 0);
        const struct nn_logistic r = nn_logistic_kernel(g, gram, c->e->member, HEAD_STEPS);
        const t2m_value factor = nn_temperature(g, r.left_out, c->e->member);
        return t2m_mul(g, r.weight, t2m_stop_gradient(g, factor));
    }
    const t2m_value y = targets_of(c);
    prior->log_penalty = t2m_log(g, table_penalty(g, gram, penalty));
    const struct nn_ridge r = nn_ridge_kernel(g, gram, y, prior->log_penalty);
    c->e->spread = spread_of(c, t2m_sub(g, r.left_out, y));
    return r.weight;
}

static t2m_value with_bias(t2m_graph *g, t2m_value x)
{
    const t2m_value pair[] = {x,
                              t2m_fill(g, TABLE_BIAS_INPUT, 2, (int64_t[]){t2m_dim(g, x, 0), 1})};
    return t2m_concat(g, 1, pair, 2);
}

/* x: features in their prior's scale, with the bias. */
static void put_head(const struct ctx *c, struct made *m, t2m_value x, t2m_value of_rows,
                     bool kernel)
{
    t2m_graph *g = c->g;
    const int64_t features = t2m_dim(g, x, 1) - 1, column[] = {-1, 1};
    const t2m_value w = t2m_matmul_t(g, x, true, of_rows, false);
    put(c, m,
        t2m_mul(g, t2m_slice(g, w, 0, 0, features), t2m_reshape(g, c->e->prior.scale, 2, column)));
    if (kernel)
        put(c, m, of_rows);
    put(c, m, t2m_scale(g, TABLE_BIAS_INPUT, t2m_slice(g, w, 0, features, 1)));
}

/* ---- the loss ---- */

/* Of a bound that a part `p` of the distances should not pass (Koenker and Bassett 1978). */
static t2m_value pinball(t2m_graph *g, t2m_value distance, t2m_value bound, double p)
{
    const t2m_value over = t2m_sub(g, distance, bound);
    return t2m_mean_all(g, t2m_max(g, t2m_scale(g, p, over), t2m_scale(g, p - 1, over)));
}

/* [] of y, in squares of the unit of errors: their variance. */
static t2m_value variance_of_queries(const struct ctx *c)
{
    t2m_graph *g = c->g;
    const t2m_value y = c->e->y_query, away = t2m_sub(g, y, t2m_mean_all(g, y));
    return t2m_add(g, t2m_mean_all(g, t2m_square(g, away)), t2m_constant(g, tiny));
}

/* Cross-entropy, or the logarithm of the normalised error, so that no task outweighs the others. */
static t2m_value loss_of(const struct ctx *c, t2m_value output)
{
    t2m_graph *g = c->g;
    if (c->shape->classes)
        return nn_cross_entropy(g, output, c->e->y_query);
    const t2m_value off = t2m_sub(g, as_vector(g, output), c->e->y_query),
                    part = t2m_div(g, t2m_mean_all(g, t2m_square(g, off)), variance_of_queries(c));
    return t2m_scale(g, 0.5, t2m_log(g, t2m_add(g, part, t2m_constant(g, tiny))));
}

static t2m_value loss_of_intervals(const struct ctx *c)
{
    t2m_graph *g = c->g;
    struct table_graph *e = c->e;
    const t2m_value off = t2m_sub(g, as_vector(g, e->output), e->y_query),
                    distance = t2m_stop_gradient(g, t2m_abs(g, off)),
                    wide[] = {pinball(g, distance, t2m_slice(g, e->spread, 0, 0, 1), 0.8),
                              pinball(g, distance, t2m_slice(g, e->spread, 0, 1, 1), 0.95)};
    return t2m_mul(g, t2m_rsqrt(g, variance_of_queries(c)), t2m_add(g, wide[0], wide[1]));
}

/* ---- all of it ---- */

static t2m_value rows_of(const struct ctx *c, t2m_value x)
{
    return t2m_reshape(c->g, x, 2, (int64_t[]){-1, VIEWS * c->shape->columns});
}

static void make_inputs(struct ctx *c)
{
    const struct table_shape *s = c->shape;
    struct table_graph *e = c->e;
    const int64_t phi = (int64_t)c->l->numel, k = s->classes ? s->classes : TABLE_BINS;
    e->phi = t2m_input(c->g, "phi", 1, &phi);
    e->x_support =
        t2m_input(c->g, "x of the support set", 3, (int64_t[]){s->supports, s->columns, VIEWS});
    e->y_support = t2m_input(c->g, "y of the support set", 1, &s->supports);
    e->member = t2m_input(c->g, "member", 2, (int64_t[]){s->supports, k});
    e->place = t2m_input(c->g, "place", 1, &k);
    e->x_query =
        t2m_input(c->g, "x of the query set", 3, (int64_t[]){s->queries, s->columns, VIEWS});
    e->y_query = t2m_input(c->g, "y of the query set", 1, &s->queries);
}

void table_graph_inputs(const struct table_graph *e, t2m_value in[TABLE_INPUTS])
{
    const t2m_value all[TABLE_INPUTS] = {e->phi,   e->x_support, e->y_support, e->member,
                                         e->place, e->x_query,   e->y_query};
    for (int i = 0; i < TABLE_INPUTS; i++)
        in[i] = all[i];
}

struct structure table_model_structure(const struct structure *of_learner, size_t columns,
                                       size_t supports, size_t classes)
{
    struct structure s = *of_learner;
    s.height = 1;
    s.width = (int64_t)columns;
    s.channels = VIEWS;
    s.outputs = classes ? (int64_t)classes : 1;
    if (s.kind == NN_KERNEL)
        s.hidden[0] = (int64_t)supports;
    return s;
}

/* What the head of a kernel with two layers is solved on. */
struct body {
    struct layer one, two;
    t2m_value places, all, scale; /* all: [rows, features] without the kernel */
};

static void put_kernel(struct ctx *c, const struct body *b, const t2m_value knob[TABLE_KNOBS],
                       struct made *m)
{
    t2m_graph *g = c->g;
    c->e->prior.scale = t2m_mul(g, b->scale, t2m_sqrt(g, knob[KNOB_PLAIN]));
    const t2m_value features = with_bias(g, t2m_mul(g, b->all, c->e->prior.scale)),
                    kernel =
                        nn_kernel(g, b->places, b->places, knob[KNOB_METRIC], knob[KNOB_AMPLITUDE]),
                    in_order[] = {b->one.weight,       b->one.bias, b->two.weight,
                                  b->two.bias,         b->places,   knob[KNOB_METRIC],
                                  knob[KNOB_AMPLITUDE]};
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++)
        put(c, m, in_order[i]);
    put_head(c, m, features, solve_rows(c, features, kernel, knob[KNOB_PENALTY]), true);
}

/* The model as it is made from the columns and t, and the tuned one. */
static void make_kernel(struct ctx *c, const struct structure *s, struct made *generated,
                        struct made *tuned)
{
    t2m_graph *g = c->g;
    const t2m_value x = rows_of(c, c->e->x_support);
    t2m_value knob[TABLE_KNOBS];
    struct body b = {.places = structure_last_channel(g, s, c->e->x_support)};
    represent(c);
    b.one = first_layer(c, x);
    b.two = next_layer(c, b.one.h);
    const t2m_value h[] = {x, b.one.h, b.two.h};
    b.all = t2m_concat(g, 1, h, 3);
    b.scale = prior_scale(c);
    start_knobs(c, knob);
    put_kernel(c, &b, knob, generated);
    tune_knobs(c, b.places, with_bias(g, t2m_mul(g, b.all, b.scale)), knob);
    put_kernel(c, &b, knob, tuned);
}

/* The head alone. */
static void make_linear(struct ctx *c, struct made *m)
{
    t2m_graph *g = c->g;
    c->e->t = t2m_fill(g, 0, 2, (int64_t[]){1, TABLE_T});
    c->e->prior.scale = prior_scale(c);
    const t2m_value x = with_bias(g, t2m_mul(g, rows_of(c, c->e->x_support), c->e->prior.scale)),
                    penalty = t2m_exp(g, take(c, "penalty", "shared"));
    put_head(c, m, x, solve_rows(c, x, (t2m_value){0}, penalty), false);
}

/* What the model says of the queries [queries, outputs]. */
static t2m_value foretell(const struct ctx *c, const struct structure *s, const struct made *made)
{
    struct norm_use norm = {0};
    const t2m_value m = t2m_concat(c->g, 0, made->part, made->count);
    return structure_head(c->g, s, m, structure_features(c->g, s, m, c->e->x_query, &norm));
}

static void make(struct ctx *c)
{
    t2m_graph *g = c->g;
    struct table_graph *e = c->e;
    struct made m = {0}, generated = {0};
    const struct table_shape *shape = c->shape;
    const struct structure s = table_model_structure(
        c->s, (size_t)shape->columns, (size_t)shape->supports, (size_t)shape->classes);
    if (s.kind == NN_LINEAR)
        make_linear(c, &m);
    else
        make_kernel(c, &s, &generated, &m);
    e->m = t2m_concat(g, 0, m.part, m.count);
    e->t = as_vector(g, e->t);
    e->output = foretell(c, &s, &m);
    e->loss = loss_of(c, e->output);
    e->learn = generated.count > 0 ? loss_of(c, foretell(c, &s, &generated)) : e->loss;
    if (shape->classes == 0)
        e->learn = t2m_add(g, e->learn, loss_of_intervals(c));
}

t2m_status table_graph_make(t2m *lib, const struct structure *s, const struct layout *l,
                            const struct table_shape *shape, struct table_graph *e)
{
    struct ctx c = {.s = s, .l = l, .shape = shape, .e = e};
    *e = (struct table_graph){0};
    TRY(t2m_graph_new(lib, &e->g));
    c.g = e->g;
    make_inputs(&c);
    make(&c);
    const t2m_status status = t2m_graph_status(e->g);
    if (status != T2M_OK) {
        t2m_graph_free(e->g);
        e->g = NULL;
    }
    return status;
}
