/* tables.c: a task of rows and columns as one differentiable graph.
 *
 * A cell is its two views (score, rank). Columns and rows have tokens (table_represent.c). Values
 * are put in a few overlapping bins, which then stand for classes. The weights of a hidden unit on
 * a column are read off the column's token and added to a sum over the rows, weighed by their
 * tokens: a step of gradient descent has that form. So is how much a column counts in the distance
 * to the rows, which are the centres of the model's kernel. */
#include <math.h>
#include <stdio.h>

#include "mapping/table_graph.h"
#include "mapping/table_tune.h"

enum { VIEWS = MARGINAL_VIEWS, HEAD_STEPS = 16 };

/* ---- layers ---- */

t2m_value table_take(const struct table_ctx *c, const char *name, const char *part)
{
    char full[48];
    snprintf(full, sizeof full, "%.30s.%.16s", name, part);
    return layout_take(c->g, c->l, c->e->phi, full);
}

t2m_value table_times(const struct table_ctx *c, const char *name, t2m_value x)
{
    return t2m_matmul(c->g, x, table_take(c, name, "weight"));
}

/* ---- steps 3 and 4: hidden layers ---- */

/* [rows, columns, VIEWS] -> [rows, VIEWS * columns] */
static t2m_value rows_of(const struct table_ctx *c, t2m_value x)
{
    return t2m_reshape(c->g, x, 2, (int64_t[]){-1, VIEWS * c->shape->columns});
}

/* A number for each unit: shared, and what t says. [1, units] */
static t2m_value for_task(const struct table_ctx *c, const char *name)
{
    return t2m_add(c->g, table_take(c, name, "shared"), table_times(c, name, c->e->t));
}

struct layer {
    t2m_value weight, bias, h; /* [in, out], [out], [rows, out] */
};

/* The layer of these weights whose units have, on the support set, the mean and the spread that t
 * says, so that no task drives them out of their range. */
static struct layer normalised(const struct table_ctx *c, const char *name, t2m_value x,
                               t2m_value w)
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

/* x: the task's own rows, by which the layer is normalised. */
static struct layer first_layer(const struct table_ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const int64_t units = c->s->hidden[1], flat[] = {VIEWS * c->shape->columns, units};
    const t2m_value own = t2m_reshape(g, table_times(c, "unit1.columns", c->columns), 2, flat);
    const t2m_value share =
        t2m_reshape(g, t2m_sigmoid(g, table_times(c, "unit1.share", c->columns)), 2, flat);
    const t2m_value of_rows = table_times(c, "unit1.rows", c->rows);
    const t2m_value centred = t2m_sub(g, of_rows, t2m_mean(g, of_rows, 0, 1));
    const t2m_value sum =
        t2m_scale(g, 1 / (double)c->shape->supports,
                  t2m_matmul_t(g, rows_of(c, c->e->seen.x), true, centred, false));
    return normalised(c, "unit1", x, t2m_madd(g, share, sum, own));
}

/* W0 + L diag(z) R, z from t. */
static struct layer next_layer(const struct table_ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const t2m_value left =
        t2m_mul(g, table_take(c, "unit2.left", "weight"), table_times(c, "unit2.code", c->e->t));
    const t2m_value change = t2m_matmul(g, left, table_take(c, "unit2.right", "weight"));
    return normalised(c, "unit2", x, t2m_add(g, table_take(c, "unit2", "shared"), change));
}

/* ---- the head ---- */

t2m_value table_vector(t2m_graph *g, t2m_value x)
{
    const int64_t all = -1;
    return t2m_reshape(g, x, 1, &all);
}

/* How far from 0 the head's weights are thought to be, for each of its inputs [features]. */
static t2m_value prior_scale(const struct table_ctx *c)
{
    t2m_graph *g = c->g;
    if (c->s->kind == NN_LINEAR) { /* nothing is made from t */
        const t2m_value views =
            t2m_expand(g, table_take(c, "head", "views"), 2, (int64_t[]){c->shape->columns, VIEWS});
        return t2m_exp(g, table_vector(g, views));
    }
    const t2m_value task = table_times(c, "head.task", c->e->t); /* [1, VIEWS] */
    const t2m_value of_columns =
        t2m_add(g, t2m_add(g, table_times(c, "head.columns", c->columns), task),
                table_take(c, "head", "views"));
    const t2m_value all[] = {table_vector(g, of_columns), table_vector(g, for_task(c, "head1")),
                             table_vector(g, for_task(c, "head2"))};
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
 * one. In the last metric all begin alike: what no column shows alone is then not given up before
 * it is looked for. */
static void start_knobs(const struct table_ctx *c, t2m_value knob[TABLE_KNOBS])
{
    t2m_graph *g = c->g;
    const int64_t columns = c->shape->columns, alike[] = {columns, 1};
    const t2m_value both[] = {table_times(c, "metric", c->columns), t2m_fill(g, 0, 2, alike)},
                    logs = t2m_add(g, t2m_concat(g, 1, both, 2), for_task(c, "metric.task"));
    knob[KNOB_METRIC] = knob_of(g, t2m_swap(g, logs), (double)columns);
    knob[KNOB_AMPLITUDE] = knob_of(g, table_vector(g, for_task(c, "amplitude")), 1);
    knob[KNOB_PLAIN] = knob_of(g, table_vector(g, for_task(c, "plain")), 1);
    knob[KNOB_PENALTY] = knob_of(g, table_vector(g, for_task(c, "penalty")), 1);
}

static t2m_value targets_of(const struct table_ctx *c)
{
    t2m_graph *g = c->g;
    const int64_t column[] = {-1, 1};
    if (c->shape->classes == 0)
        return t2m_reshape(g, c->e->y_support, 2, column);
    return t2m_sub(g, c->e->member, t2m_mean(g, c->e->member, 0, 1));
}

/* features [rows, features] with the bias. */
static void tune_knobs(const struct table_ctx *c, t2m_value places, t2m_value features,
                       t2m_value knob[TABLE_KNOBS])
{
    t2m_graph *g = c->g;
    const struct table_tuning t = {.places = places,
                                   .plain = t2m_matmul_t(g, features, false, features, true),
                                   .targets = targets_of(c),
                                   .steps = c->steps};
    table_tune(g, &t, knob);
}

/* ---- the model ---- */

struct made { /* parts of a model, in their order */
    t2m_value part[2 * NN_MAX_LAYERS + 5];
    size_t count;
};

static void put(const struct table_ctx *c, struct made *m, t2m_value x)
{
    m->part[m->count++] = table_vector(c->g, x);
}

/* Half-widths of the intervals, from how far left-out rows were off [2]. */
static t2m_value spread_of(const struct table_ctx *c, t2m_value off)
{
    t2m_graph *g = c->g;
    const t2m_value error = t2m_sqrt(
        g, t2m_add(g, t2m_mean_all(g, t2m_square(g, off)), t2m_constant(g, TABLE_LEAST_SQUARE)));
    const t2m_value sure = t2m_stop_gradient(g, error);
    t2m_value factor = table_take(c, "spread", "shared");
    if (c->s->kind != NN_LINEAR)
        factor = t2m_add(g, factor, table_vector(g, table_times(c, "spread", c->e->t)));
    c->e->prior.factor = t2m_exp(g, factor);
    return t2m_mul(g, sure, c->e->prior.factor);
}

struct solved {
    t2m_value of_rows, shift; /* the rows' weights [rows, outputs]; what is added to the outputs */
};

/* The head on features x [rows, features], the bias among them, and a kernel [rows, rows] if there
 * is one. */
static struct solved solve_rows(const struct table_ctx *c, t2m_value x, t2m_value kernel,
                                t2m_value penalty)
{
    t2m_graph *g = c->g;
    struct table_prior *prior = &c->e->prior;
    const t2m_value plain = t2m_matmul_t(g, x, false, x, true),
                    gram = kernel.id ? t2m_add(g, plain, kernel) : plain;
    if (c->shape->classes) {
        c->e->spread = prior->factor = t2m_fill(g, 0, 1, (int64_t[]){2});
        c->e->off = t2m_fill(g, 0, 1, (int64_t[]){1});
        prior->log_penalty = t2m_constant(g, 0);
        const struct nn_logistic r = nn_logistic_kernel(g, gram, c->e->member, HEAD_STEPS);
        const struct nn_calibration k = nn_calibrate(g, r.left_out, c->e->member);
        return (struct solved){t2m_mul(g, r.weight, t2m_stop_gradient(g, k.factor)),
                               t2m_stop_gradient(g, k.shift)};
    }
    const t2m_value y = targets_of(c);
    prior->log_penalty = t2m_log(g, table_penalty(g, gram, penalty));
    const struct nn_ridge r = nn_ridge_kernel(g, gram, y, prior->log_penalty);
    c->e->off = table_vector(g, t2m_sub(g, r.left_out, y));
    c->e->spread = spread_of(c, c->e->off);
    return (struct solved){r.weight, t2m_constant(g, 0)};
}

static t2m_value with_bias(t2m_graph *g, t2m_value x)
{
    const t2m_value pair[] = {x,
                              t2m_fill(g, TABLE_BIAS_INPUT, 2, (int64_t[]){t2m_dim(g, x, 0), 1})};
    return t2m_concat(g, 1, pair, 2);
}

/* x: features in their prior's scale, with the bias. */
static void put_head(const struct table_ctx *c, struct made *m, t2m_value x, const struct solved *s,
                     bool kernel)
{
    t2m_graph *g = c->g;
    const int64_t features = t2m_dim(g, x, 1) - 1, column[] = {-1, 1};
    const t2m_value w = t2m_matmul_t(g, x, true, s->of_rows, false);
    put(c, m,
        t2m_mul(g, t2m_slice(g, w, 0, 0, features), t2m_reshape(g, c->e->prior.scale, 2, column)));
    if (kernel)
        put(c, m, s->of_rows);
    put(c, m, t2m_axpy(g, TABLE_BIAS_INPUT, t2m_slice(g, w, 0, features, 1), s->shift));
}

/* ---- the loss ---- */

/* Of a bound that a part `p` of the distances should not pass (Koenker and Bassett 1978). */
static t2m_value pinball(t2m_graph *g, t2m_value distance, t2m_value bound, double p)
{
    const t2m_value over = t2m_sub(g, distance, bound);
    return t2m_mean_all(g, t2m_max(g, t2m_scale(g, p, over), t2m_scale(g, p - 1, over)));
}

/* [] of y, in squares of the unit of errors: their variance. */
static t2m_value variance_of_queries(const struct table_ctx *c)
{
    t2m_graph *g = c->g;
    const t2m_value y = c->e->y_query, away = t2m_sub(g, y, t2m_mean_all(g, y));
    return t2m_add(g, t2m_mean_all(g, t2m_square(g, away)), t2m_constant(g, tiny));
}

/* Cross-entropy, or the logarithm of the normalised error, so that no task outweighs the others. */
static t2m_value loss_of(const struct table_ctx *c, t2m_value output)
{
    t2m_graph *g = c->g;
    if (c->shape->classes)
        return nn_cross_entropy(g, output, c->e->y_query);
    const t2m_value off = t2m_sub(g, table_vector(g, output), c->e->y_query),
                    part = t2m_div(g, t2m_mean_all(g, t2m_square(g, off)), variance_of_queries(c));
    return t2m_scale(g, 0.5, t2m_log(g, t2m_add(g, part, t2m_constant(g, tiny))));
}

static t2m_value loss_of_intervals(const struct table_ctx *c)
{
    t2m_graph *g = c->g;
    struct table_graph *e = c->e;
    const t2m_value off = t2m_sub(g, table_vector(g, e->output), e->y_query),
                    distance = t2m_stop_gradient(g, t2m_abs(g, off)),
                    wide[] = {pinball(g, distance, t2m_slice(g, e->spread, 0, 0, 1), 0.8),
                              pinball(g, distance, t2m_slice(g, e->spread, 0, 1, 1), 0.95)};
    return t2m_mul(g, t2m_rsqrt(g, variance_of_queries(c)), t2m_add(g, wide[0], wide[1]));
}

/* ---- all of it ---- */

static void make_inputs(struct table_ctx *c, bool other_task)
{
    const struct table_shape *s = c->shape;
    struct table_graph *e = c->e;
    const int64_t phi = (int64_t)c->l->numel, k = s->classes ? s->classes : TABLE_BINS,
                  rows[] = {s->supports, s->columns, VIEWS},
                  queries[] = {s->queries, s->columns, VIEWS}, member[] = {s->supports, k};
    e->phi = t2m_input(c->g, "phi", 1, &phi);
    e->x_support = t2m_input(c->g, "x of the support set", 3, rows);
    e->y_support = t2m_input(c->g, "y of the support set", 1, &s->supports);
    e->member = t2m_input(c->g, "member", 2, member);
    e->place = t2m_input(c->g, "place", 1, &k);
    e->x_query = t2m_input(c->g, "x of the query set", 3, queries);
    e->y_query = t2m_input(c->g, "y of the query set", 1, &s->queries);
    e->seen = (struct table_seen){e->x_support, e->member, e->place};
    if (other_task)
        e->seen = (struct table_seen){t2m_input(c->g, "x of another task", 3, rows),
                                      t2m_input(c->g, "member of another task", 2, member),
                                      t2m_input(c->g, "place of another task", 1, &k)};
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

static void put_kernel(struct table_ctx *c, const struct body *b, const t2m_value knob[TABLE_KNOBS],
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
    const struct solved s = solve_rows(c, features, kernel, knob[KNOB_PENALTY]);
    put_head(c, m, features, &s, true);
}

/* The model as it is made from the columns and t, and the tuned one. */
static void make_kernel(struct table_ctx *c, const struct structure *s, struct made *generated,
                        struct made *tuned)
{
    t2m_graph *g = c->g;
    const t2m_value x = rows_of(c, c->e->x_support);
    t2m_value knob[TABLE_KNOBS];
    struct body b = {.places = structure_last_channel(g, s, c->e->x_support)};
    table_represent(c);
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
static void make_linear(struct table_ctx *c, struct made *m)
{
    t2m_graph *g = c->g;
    c->e->t = t2m_fill(g, 0, 2, (int64_t[]){1, TABLE_T});
    c->e->prior.scale = prior_scale(c);
    const t2m_value x = with_bias(g, t2m_mul(g, rows_of(c, c->e->x_support), c->e->prior.scale)),
                    penalty = t2m_exp(g, table_take(c, "penalty", "shared"));
    const struct solved s = solve_rows(c, x, (t2m_value){0}, penalty);
    put_head(c, m, x, &s, false);
}

/* What the model says of the queries [queries, outputs]. */
static t2m_value foretell(const struct table_ctx *c, const struct structure *s,
                          const struct made *made)
{
    struct norm_use norm = {0};
    const t2m_value m = t2m_concat(c->g, 0, made->part, made->count);
    return structure_head(c->g, s, m, structure_features(c->g, s, m, c->e->x_query, &norm));
}

static void make(struct table_ctx *c)
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
    e->t = table_vector(g, e->t);
    e->output = foretell(c, &s, &m);
    e->loss = loss_of(c, e->output);
    e->learn = generated.count > 0 ? loss_of(c, foretell(c, &s, &generated)) : e->loss;
    if (shape->classes == 0)
        e->learn = t2m_add(g, e->learn, loss_of_intervals(c));
}

t2m_status table_check_steps(t2m *lib, int steps)
{
    return steps <= TABLE_MOST_STEPS
               ? T2M_OK
               : refuse(lib, T2M_EUSAGE, "models of tables are tuned by %d steps at most, not %d",
                        TABLE_MOST_STEPS, steps);
}

t2m_status table_graph_make(t2m *lib, const struct structure *s, const struct layout *l,
                            const struct table_use *use, struct table_graph *e)
{
    struct table_ctx c = {.s = s, .l = l, .shape = &use->shape, .steps = use->steps, .e = e};
    *e = (struct table_graph){0};
    TRY(t2m_graph_new(lib, &e->g));
    c.g = e->g;
    make_inputs(&c, use->other_task);
    make(&c);
    const t2m_status status = t2m_graph_status(e->g);
    if (status != T2M_OK) {
        t2m_graph_free(e->g);
        e->g = NULL;
    }
    return status;
}
