/* objective.c: steps 1, 3, 4 and 5 for one task as one differentiable graph. Everything that a
 * method does to a task is here, so that training, evaluation and building do the same. */
#include "mapping/learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "generate/heads.h"
#include "tune/tune.h"

/* ---- phi ---- */

static void add_part(struct layout *l, const char *name, int rank, const int64_t *dim,
                     double spread, double start)
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

static const char *first_bias(const struct t2m_learner *l)
{
    return l->structure.layers > 0 ? "layer1.bias" : "head.bias";
}

static void decoder_parts(struct t2m_learner *l)
{
    const bool images = l->kind == FAMILY_IMAGES;
    const int64_t features = (int64_t)l->layout.features, width = DECODER_WIDTH,
                  in = images ? features
                              : (int64_t)represent_size(l->represent, l->shots,
                                                        structure_input_size(&l->structure)),
                  out = images ? features + 1 : (int64_t)l->layout.numel;
    if (!images)
        represent_layout(l->represent, structure_input_size(&l->structure), &l->parts);
    add_part(&l->parts, "decoder.weight1", 2, (const int64_t[]){in, width}, sqrt(6.0 / (double)in),
             0);
    add_part(&l->parts, "decoder.bias1", 1, &width, 0, 0);
    add_part(&l->parts, "decoder.weight2", 2, (const int64_t[]){width, out}, 0.01, 0);
    add_part(&l->parts, "decoder.skip", 2, (const int64_t[]){in, out}, 0.01, 0);
}

static void learner_layout(struct t2m_learner *l)
{
    const struct method *m = l->method;
    structure_layout(&l->structure, &l->layout);
    l->parts = l->layout;
    const bool head =
        m->head == HEAD_LEARNED && !(m->generate == GENERATE_HYPER && l->kind == FAMILY_IMAGES);
    if (!head) {
        l->parts.count -= 2;
        l->parts.numel = l->layout.body;
    }
    const int64_t weights = (int64_t)l->parts.numel;
    if (m->learned_rates)
        add_part(&l->parts, "rates", 1, &weights, 0, l->rate);
    if (m->head == HEAD_RIDGE) {
        add_part(&l->parts, "ridge.log_penalty", 0, NULL, 0, 0);
        add_part(&l->parts, "ridge.scale", 0, NULL, 0, l->kind == FAMILY_IMAGES ? 10 : 1);
    }
    if (m->tuned == TUNE_CONTEXT) {
        const int64_t width =
            l->structure.layers > 0 ? l->structure.hidden[0] : l->structure.outputs;
        add_part(&l->parts, "context.weight", 2, (const int64_t[]){CONTEXT_SIZE, width},
                 sqrt(3.0 / CONTEXT_SIZE), 0);
    }
    if (m->generate == GENERATE_HYPER)
        decoder_parts(l);
}

void learner_start_phi(const struct t2m_learner *l, uint64_t seed, uint64_t number, float *phi)
{
    struct random r = random_stream(seed, 2, number);
    layout_start(&l->parts, &r, phi);
}

void learner_start_statistics(const struct t2m_learner *l, float *statistics)
{
    for (size_t i = 0, at = 0; l->layout.statistics && i < (size_t)l->structure.layers; i++) {
        const size_t width = (size_t)l->structure.hidden[i];
        for (size_t k = 0; k < width; k++) {
            statistics[at + k] = 0;
            statistics[at + width + k] = 1;
        }
        at += 2 * width;
    }
}

t2m_status learner_start(struct t2m_learner *l, uint64_t seed)
{
    TRY(structure_check(l->lib, &l->structure));
    learner_layout(l);
    l->phi = mem_new(l->lib, l->parts.numel, sizeof *l->phi);
    l->statistics = mem_new(l->lib, l->layout.statistics, sizeof *l->statistics);
    if (!l->phi || !l->statistics)
        return T2M_ENOMEM;
    learner_start_phi(l, seed, 0, l->phi);
    learner_start_statistics(l, l->statistics);
    l->seed = seed;
    return T2M_OK;
}

t2m_value learner_part(const struct t2m_learner *l, t2m_graph *g, t2m_value phi, const char *name)
{
    for (size_t i = 0; i < l->parts.count; i++) {
        const struct parameter *p = &l->parts.parameter[i];
        if (strcmp(p->name, name) == 0)
            return t2m_reshape(g, t2m_slice(g, phi, 0, (int64_t)p->offset, (int64_t)p->count),
                               p->rank, p->dim);
    }
    return t2m_graph_fail(g, "the learner has no part '%s'", name);
}

/* ---- one task ---- */

struct task_ctx {
    const struct t2m_learner *l;
    const struct episode_use *use;
    struct structure s; /* with this task's outputs */
    t2m_graph *g;
    struct episode_graph *e;
    t2m_value theta; /* body, and the head if it is learned */
    t2m_value model; /* full model vector before tuning */
    t2m_value given; /* norm statistics in tuning; null: those of the support set */
};

static t2m_value part(struct task_ctx *c, const char *name)
{
    return learner_part(c->l, c->g, c->e->phi, name);
}

static t2m_value loss_of(const struct task_ctx *c, t2m_value output, t2m_value y)
{
    const int64_t n = t2m_dim(c->g, output, 0);
    return c->l->kind == FAMILY_IMAGES
               ? nn_cross_entropy(c->g, output, y)
               : nn_squared_error(c->g, t2m_reshape(c->g, output, 1, &n), y);
}

static t2m_value targets_of(const struct task_ctx *c)
{
    const int64_t column[] = {t2m_dim(c->g, c->e->y_support, 0), 1};
    return c->l->kind == FAMILY_IMAGES ? t2m_one_hot(c->g, c->e->y_support, c->s.outputs)
                                       : t2m_reshape(c->g, c->e->y_support, 2, column);
}

static t2m_value join_head(const struct task_ctx *c, t2m_value body, struct head h)
{
    const int64_t all = -1;
    const t2m_value x[] = {body, t2m_reshape(c->g, h.weight, 1, &all),
                           t2m_reshape(c->g, h.bias, 1, &all)};
    return t2m_concat(c->g, 0, x, 3);
}

/* The generated head of image tasks: for each class, from the mean of its features. */
static struct head head_generated(struct task_ctx *c, t2m_value h)
{
    t2m_graph *g = c->g;
    const t2m_value mean =
        t2m_scale(g, 0.5, head_prototypes(g, h, c->e->y_support, c->s.outputs).weight);
    const t2m_value t = t2m_swap(g, mean); /* [classes, features] */
    const t2m_value hidden =
        t2m_relu(g, nn_linear(g, t, part(c, "decoder.weight1"), part(c, "decoder.bias1")));
    const t2m_value w = t2m_add(g, t2m_matmul(g, hidden, part(c, "decoder.weight2")),
                                t2m_matmul(g, t, part(c, "decoder.skip")));
    const int64_t features = t2m_dim(g, h, 1), all = -1;
    c->e->t = t2m_reshape(g, t, 1, &all);
    return (struct head){t2m_swap(g, t2m_slice(g, w, 1, 0, features)),
                         t2m_reshape(g, t2m_slice(g, w, 1, features, 1), 1, &c->s.outputs)};
}

/* The full model vector for support features h: theta0, or with a head in closed form. */
static t2m_value with_head(struct task_ctx *c, t2m_value theta, t2m_value h)
{
    t2m_graph *g = c->g;
    if (c->l->method->generate == GENERATE_HYPER && c->l->kind == FAMILY_IMAGES)
        return join_head(c, theta, head_generated(c, h));
    if (c->l->method->head == HEAD_PROTOTYPES)
        return join_head(c, theta, head_prototypes(g, h, c->e->y_support, c->s.outputs));
    if (c->l->method->head == HEAD_RIDGE) {
        struct head r = head_ridge(g, h, targets_of(c), part(c, "ridge.log_penalty"));
        const t2m_value scale = part(c, "ridge.scale");
        r.weight = t2m_mul(g, r.weight, scale);
        r.bias = t2m_mul(g, r.bias, scale);
        return join_head(c, theta, r);
    }
    return theta;
}

/* Steps 1, 3 and 4 for tasks of rows: t, and the whole model from it. */
static t2m_value generate_rows(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    struct represent_parameters p = {{0}, {0}, {0}, {0}, {0}};
    if (c->l->represent == REPRESENT_SET)
        p = (struct represent_parameters){part(c, "encoder.weight1"), part(c, "encoder.bias1"),
                                          part(c, "encoder.weight2"), part(c, "encoder.bias2"),
                                          part(c, "encoder.log_penalty")};
    c->e->t = represent_task(g, c->l->represent, &p, c->e->x_support, c->e->y_support);
    const int64_t row[] = {1, -1}, all = -1;
    const t2m_value t = t2m_reshape(g, c->e->t, 2, row);
    const t2m_value hidden =
        t2m_relu(g, nn_linear(g, t, part(c, "decoder.weight1"), part(c, "decoder.bias1")));
    const t2m_value change = t2m_add(g, t2m_matmul(g, hidden, part(c, "decoder.weight2")),
                                     t2m_matmul(g, t, part(c, "decoder.skip")));
    return t2m_add(g, c->theta, t2m_reshape(g, change, 1, &all));
}

/* ---- tuning ---- */

/* The model vector for what is tuned: all weights, the head, or the context. */
static t2m_value assemble(struct task_ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const int64_t body = (int64_t)c->l->layout.body, numel = t2m_dim(g, c->model, 0);
    if (c->l->method->tuned == TUNE_HEAD) {
        const t2m_value both[] = {t2m_slice(g, c->model, 0, 0, body), x};
        return t2m_concat(g, 0, both, 2);
    }
    if (c->l->method->tuned != TUNE_CONTEXT)
        return x;
    const int64_t row[] = {1, CONTEXT_SIZE}, all = -1;
    const t2m_value shift = t2m_reshape(
        g, t2m_matmul(g, t2m_reshape(g, x, 2, row), part(c, "context.weight")), 1, &all);
    for (size_t i = 0; i < c->l->layout.count; i++) {
        const struct parameter *p = &c->l->layout.parameter[i];
        const int64_t at = (int64_t)p->offset, n = (int64_t)p->count;
        if (strcmp(p->name, first_bias(c->l)) != 0)
            continue;
        const t2m_value pieces[] = {t2m_slice(g, c->model, 0, 0, at),
                                    t2m_add(g, t2m_slice(g, c->model, 0, at, n), shift),
                                    t2m_slice(g, c->model, 0, at + n, numel - at - n)};
        return t2m_concat(g, 0, pieces, 3);
    }
    return c->model;
}

static t2m_value start_of_tuning(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    const int64_t body = (int64_t)c->l->layout.body, numel = t2m_dim(g, c->model, 0),
                  context = CONTEXT_SIZE;
    if (c->l->method->tuned == TUNE_HEAD)
        return t2m_slice(g, c->model, 0, body, numel - body);
    return c->l->method->tuned == TUNE_CONTEXT ? t2m_fill(g, 0, 1, &context) : c->model;
}

/* Output of model m for x; the statistics are given, or those of x itself, which *seen then gets.
 */
static t2m_value output_of(struct task_ctx *c, t2m_value m, t2m_value x, t2m_value given,
                           t2m_value *seen)
{
    struct norm_use norm = {given.id ? NORM_GIVEN : NORM_BATCH, given, {0}};
    const t2m_value h = structure_features(c->g, &c->s, m, x, &norm);
    if (seen)
        *seen = norm.seen;
    return structure_head(c->g, &c->s, m, h);
}

static t2m_value support_loss(t2m_graph *g, void *ctx, t2m_value x)
{
    struct task_ctx *c = ctx;
    (void)g;
    const t2m_value y = output_of(c, assemble(c, x), c->e->x_support, c->given, NULL);
    return loss_of(c, y, c->e->y_support);
}

static t2m_value tune(struct task_ctx *c)
{
    const struct method *m = c->l->method;
    const struct tuning t = {.loss = support_loss,
                             .ctx = c,
                             .steps = c->use->steps,
                             .rate = m->learned_rates ? part(c, "rates")
                                                      : t2m_constant(c->g, c->l->rate),
                             .first_order = m->meta != META_EXACT || !c->use->training};
    return assemble(c, tune_run(c->g, &t, start_of_tuning(c)));
}

/* ---- the two shapes of an episode ---- */

/* Features of the support and the query set: of one joint batch in training, else of each alone. */
static void both_features(struct task_ctx *c, struct norm_use *norm, t2m_value *support,
                          t2m_value *query)
{
    t2m_graph *g = c->g;
    const struct episode_graph *e = c->e;
    const int64_t n = t2m_dim(g, e->x_support, 0), q = t2m_dim(g, e->x_query, 0);
    if (norm->norm == NORM_GIVEN) {
        *support = structure_features(g, &c->s, c->theta, e->x_support, norm);
        *query = structure_features(g, &c->s, c->theta, e->x_query, norm);
        return;
    }
    const t2m_value both[] = {e->x_support, e->x_query},
                    h = structure_features(g, &c->s, c->theta, t2m_concat(g, 0, both, 2), norm);
    *support = t2m_slice(g, h, 0, 0, n);
    *query = t2m_slice(g, h, 0, n, q);
}

/* Without tuning. */
static void make_joint(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    struct episode_graph *e = c->e;
    const bool batch = c->use->training || c->use->transductive;
    struct norm_use norm = {batch ? NORM_BATCH : NORM_GIVEN, e->statistics, {0}};
    const bool rows = c->l->method->generate == GENERATE_HYPER && c->l->kind == FAMILY_REGRESSION;
    t2m_value support, query;
    if (rows)
        c->theta = generate_rows(c);
    both_features(c, &norm, &support, &query);
    e->m_generated = e->m_tuned = c->model = with_head(c, c->theta, support);
    e->generated = e->tuned = structure_head(g, &c->s, c->model, query);
    e->shared = e->generated;
    e->norm = norm.seen.id ? (batch ? norm.seen : e->statistics) : norm.seen;
    e->seen = norm.seen;
    e->support_loss[0] = e->support_loss[1] =
        loss_of(c, structure_head(g, &c->s, c->model, support), e->y_support);
    if (c->use->steps > 0 && !batch) { /* asked for beyond what the method does */
        c->given = norm.given;
        e->m_tuned = tune(c);
        e->tuned = output_of(c, e->m_tuned, e->x_query, norm.given, NULL);
        e->support_loss[1] = support_loss(g, c, e->m_tuned);
    }
    if (rows) {
        const t2m_value theta0 = t2m_slice(g, e->phi, 0, 0, (int64_t)c->l->layout.numel);
        e->shared = output_of(c, theta0, e->x_query, e->statistics, NULL);
    }
}

/* With tuning the support set is a batch of its own, and the query set is seen after it. */
static void make_tuned(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    struct episode_graph *e = c->e;
    struct norm_use norm = {NORM_BATCH, {0}, {0}};
    const bool joint =
        c->use->transductive || (c->use->training && c->l->method->norm == NORM_JOINT);
    const t2m_value batch = {0};
    t2m_value seen;
    c->model = c->theta;
    if (c->l->method->head != HEAD_LEARNED)
        c->model =
            with_head(c, c->theta, structure_features(g, &c->s, c->theta, e->x_support, &norm));
    e->m_generated = c->model;
    e->m_tuned = tune(c);
    const t2m_value before = output_of(c, e->m_generated, e->x_support, batch, &seen);
    e->support_loss[0] = loss_of(c, before, e->y_support);
    e->generated = output_of(c, e->m_generated, e->x_query, joint ? batch : seen, NULL);
    const t2m_value after = output_of(c, e->m_tuned, e->x_support, batch, &seen);
    e->support_loss[1] = loss_of(c, after, e->y_support);
    e->tuned = output_of(c, e->m_tuned, e->x_query, joint ? batch : seen, NULL);
    e->norm = seen;
    e->seen = (t2m_value){0};
    e->shared = e->generated;
}

static void make_inputs(struct task_ctx *c)
{
    const int64_t phi = (int64_t)c->l->parts.numel, statistics = (int64_t)c->l->layout.statistics,
                  n = (int64_t)c->use->supports, q = (int64_t)c->use->queries;
    c->e->phi = t2m_input(c->g, "phi", 1, &phi);
    c->e->statistics = t2m_input(c->g, "norm statistics", 1, &statistics);
    c->e->x_support = structure_input(c->g, &c->s, "x of the support set", n);
    c->e->y_support = t2m_input(c->g, "y of the support set", 1, &n);
    c->e->x_query = structure_input(c->g, &c->s, "x of the query set", q);
    c->e->y_query = t2m_input(c->g, "y of the query set", 1, &q);
}

void episode_graph_make(const struct t2m_learner *l, const struct episode_use *use,
                        struct episode_graph *e)
{
    struct task_ctx c = {.l = l, .use = use, .s = l->structure, .g = e->g, .e = e};
    const int64_t theta =
        (int64_t)(l->parts.count >= l->layout.count &&
                          strcmp(l->parts.parameter[l->layout.count - 1].name, "head.bias") == 0
                      ? l->layout.numel
                      : l->layout.body);
    c.s.outputs = use->outputs;
    e->t = (t2m_value){0};
    make_inputs(&c);
    c.theta = t2m_slice(c.g, e->phi, 0, 0, theta);
    if (l->method->tuned == TUNE_NOTHING)
        make_joint(&c);
    else
        make_tuned(&c);
    e->loss = loss_of(&c, e->tuned, e->y_query);
    e->reptile = (t2m_value){0};
    if (l->method->meta == META_REPTILE)
        e->reptile =
            t2m_pad(c.g, t2m_sub(c.g, c.theta, e->m_tuned), 0, 0, (int64_t)l->parts.numel - theta);
}
