/* objective.c: steps 1, 3, 4 and 5 for one task as one differentiable graph. Everything that a
 * method does to a task is here, so that training, evaluation and building do the same. */
#include "mapping/objective.h"

#include "tune/tune.h"

/* Features of x by a body; norm by the statistics given, or those of x itself, which *seen (or
 * NULL) then gets. */
static t2m_value features_of(struct task_ctx *c, t2m_value body, t2m_value x, t2m_value given,
                             t2m_value *seen)
{
    struct norm_use norm = {given.id ? NORM_GIVEN : NORM_BATCH, given, {0}};
    const t2m_value h = structure_features(c->g, &c->s, body, x, &norm);
    if (seen)
        *seen = norm.seen;
    return h;
}

/* Output of model m for x; otherwise the same. */
static t2m_value output_of(struct task_ctx *c, t2m_value m, t2m_value x, t2m_value given,
                           t2m_value *seen)
{
    return structure_head(c->g, &c->s, m, features_of(c, m, x, given, seen));
}

static t2m_value join(struct task_ctx *c, t2m_value body, t2m_value weight, t2m_value bias)
{
    const int64_t all = -1;
    const t2m_value x[] = {body, t2m_reshape(c->g, weight, 1, &all),
                           t2m_reshape(c->g, bias, 1, &all)};
    return t2m_concat(c->g, 0, x, 3);
}

/* The full model vector: the body, with a head for the support features h where none is learned. */
static t2m_value with_head(struct task_ctx *c, t2m_value body, t2m_value h)
{
    if (task_head_is_learned(c))
        return body;
    const struct head head = task_head(c, h);
    return join(c, body, head.weight, head.bias);
}

static t2m_value complete(struct task_ctx *c, t2m_value body)
{
    if (task_head_is_learned(c))
        return body;
    return with_head(c, body, features_of(c, body, c->e->x_support, c->given, NULL));
}

/* ---- tuning ---- */

static bool is_refitted(const struct task_ctx *c)
{
    return c->l->method->head == HEAD_CLOSED;
}

/* What is tuned -> a body (with its head, where that is not made anew). */
static t2m_value body_of(struct task_ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    if (c->tuned == TUNE_CODE)
        return decode_model(g, &c->decoder, c->theta, x);
    if (c->tuned != TUNE_HEAD)
        return x;
    const t2m_value both[] = {t2m_slice(g, c->model, 0, 0, (int64_t)c->k->layout.body), x};
    return t2m_concat(g, 0, both, 2);
}

/* What is tuned -> a full model vector. */
static t2m_value model_of(struct task_ctx *c, t2m_value x)
{
    const t2m_value body = body_of(c, x);
    const bool is_body = is_refitted(c) || c->tuned == TUNE_CODE || c->tuned == TUNE_NOTHING;
    return is_body ? complete(c, body) : body;
}

/* How badly each support example is foretold by the head that is made of the others [n]. */
static t2m_value surprise_of(struct task_ctx *c, t2m_value x)
{
    const t2m_value h = features_of(c, body_of(c, x), c->e->x_support, c->given, NULL);
    return task_head(c, h).surprise;
}

/* On the support set; with a head that is made anew, on each example by the head of the others. */
static t2m_value score_of(t2m_graph *g, void *ctx, t2m_value x)
{
    struct task_ctx *c = ctx;
    if (is_refitted(c))
        return t2m_mean_all(g, surprise_of(c, x));
    return task_loss(c, output_of(c, model_of(c, x), c->e->x_support, c->given, NULL),
                     c->e->y_support);
}

struct stages { /* the models that tuning passes through */
    t2m_value *model, *surprise, *score, *step;
    size_t n;
};

static void add_stage(struct task_ctx *c, struct stages *s, t2m_value x)
{
    s->model[s->n] = model_of(c, x);
    if (is_refitted(c))
        s->surprise[s->n] = surprise_of(c, x);
    s->score[s->n++] = score_of(c->g, c, x);
}

/* Theta0 has to be better by a learned number of nats before it is preferred to what t says. */
static void add_shared(struct task_ctx *c, struct stages *s)
{
    t2m_graph *g = c->g;
    const double n = (double)t2m_dim(g, c->e->y_support, 0);
    add_stage(c, s, c->theta);
    t2m_value *score = &s->score[s->n - 1];
    *score = t2m_axpy(g, 1 / n, task_part(c, "choice.shared"), *score);
}

/* `steps` steps of `tuned` from x; each is a stage. Gives what was tuned. */
static t2m_value tune(struct task_ctx *c, enum tuned tuned, t2m_value x, t2m_value rate,
                      struct stages *s)
{
    const struct method *m = c->l->method;
    const struct tuning t = {.loss = score_of,
                             .ctx = c,
                             .steps = c->use->steps,
                             .rate = rate,
                             .first_order = m->meta != META_EXACT || !c->use->training,
                             .after = s->step};
    c->tuned = tuned;
    x = tune_run(c->g, &t, x);
    for (int i = c->use->choose ? 0 : t.steps - 1; i < t.steps; i++)
        add_stage(c, s, s->step[i]);
    return x;
}

static t2m_value rate_of(struct task_ctx *c, const char *name)
{
    return c->l->method->learned_rates ? task_part(c, name) : t2m_constant(c->g, c->l->rate);
}

/* The steps of the method, each a stage. */
static void take_steps(struct task_ctx *c, struct stages *s)
{
    const enum tuned tuned = c->l->tuned;
    if (c->l->method->tuned == TUNE_CODE_THEN_WEIGHTS) { /* and both, or one of them, wanted */
        t2m_value z = c->code;
        if (tuned != TUNE_WEIGHTS)
            z = tune(c, TUNE_CODE, z, rate_of(c, "rates.code"), s);
        c->tuned = TUNE_CODE;
        if (tuned != TUNE_CODE)
            tune(c, TUNE_WEIGHTS, is_refitted(c) ? body_of(c, z) : model_of(c, z),
                 rate_of(c, "rates.weights"), s);
    } else {
        const int64_t body = (int64_t)c->k->layout.body, all = t2m_dim(c->g, c->model, 0);
        const t2m_value head = t2m_slice(c->g, c->model, 0, body, all - body);
        const t2m_value start = tuned == TUNE_HEAD ? head : tuned == TUNE_CODE ? c->code : c->model;
        tune(c, tuned, start, rate_of(c, "rates"), s);
    }
}

/* ---- steps 1 and 3: t, and the code z from it ---- */

static t2m_value probe(struct task_ctx *c)
{
    const struct tuning t = {.loss = score_of, .ctx = c};
    c->tuned = TUNE_NOTHING;
    return decode_probe(c->g, &c->decoder, tune_gradient(c->g, &t, c->theta));
}

/* Sets e->t, code and body. */
static void infer(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    const struct method *m = c->l->method;
    const struct representation r = learner_representation(c->l, c->k);
    const int64_t size = (int64_t)decode_code_size(c->l->decode, c->decoder.numel), row[] = {1, -1},
                  all = -1;
    c->body = c->theta;
    if (m->represent) {
        struct represented task = {.x = c->e->x_support, .y = c->e->y_support};
        if (task_has_classes(c)) {
            task.x = features_of(c, c->theta, task.x, c->given, NULL);
            task.classes = c->s.outputs;
        }
        if (r.parts & REPRESENT_PROBE)
            task.probe = probe(c);
        c->e->t = represent_task(g, &r, &c->k->parts, c->e->phi, &task);
    }
    if (c->l->decode == DECODE_NOTHING || (c->l->decode == DECODE_ALL && task_has_classes(c)))
        return;
    c->code = t2m_fill(g, 0, 1, &size);
    if (m->represent) {
        const t2m_value t = c->l->decode == DECODE_ALL ? c->e->t : generator_squash(g, c->e->t);
        c->code =
            t2m_reshape(g, task_generator(c, code_generator, t2m_reshape(g, t, 2, row)), 1, &all);
    }
    c->body = decode_model(g, &c->decoder, c->theta, c->code);
}

/* ---- the two shapes of an episode ---- */

/* Features of the support and the query set: of one joint batch in training, else of each alone. */
static void both_features(struct task_ctx *c, struct norm_use *norm, t2m_value *support,
                          t2m_value *query)
{
    t2m_graph *g = c->g;
    const struct episode_graph *e = c->e;
    const int64_t places = structure_places(&c->s), n = places * t2m_dim(g, e->x_support, 0),
                  q = places * t2m_dim(g, e->x_query, 0);
    if (norm->norm == NORM_GIVEN) {
        *support = structure_features(g, &c->s, c->body, e->x_support, norm);
        *query = structure_features(g, &c->s, c->body, e->x_query, norm);
        return;
    }
    const t2m_value both[] = {e->x_support, e->x_query},
                    h = structure_features(g, &c->s, c->body, t2m_concat(g, 0, both, 2), norm);
    *support = t2m_slice(g, h, 0, 0, n);
    *query = t2m_slice(g, h, 0, n, q);
}

struct applied {
    t2m_value model, output, support_loss;
};

static struct applied apply(struct task_ctx *c, t2m_value model, t2m_value support, t2m_value query)
{
    const t2m_value own = structure_head(c->g, &c->s, model, support);
    return (struct applied){model, structure_head(c->g, &c->s, model, query),
                            task_loss(c, own, c->e->y_support)};
}

/* Generated and tuned, which differ where the head tells another bias from left-out examples; that
 * is no part of training. */
static void apply_both(struct task_ctx *c, t2m_value support, t2m_value query)
{
    struct episode_graph *e = c->e;
    const struct head head =
        task_head_is_learned(c) ? (struct head){.weight = {0}} : task_head(c, support);
    const t2m_value model = head.weight.id ? join(c, c->body, head.weight, head.bias) : c->body;
    const struct applied generated = apply(c, model, support, query);
    struct applied tuned = generated;
    if (head.tuned.id && !c->use->training)
        tuned = apply(c, join(c, c->body, head.weight, head.tuned), support, query);
    e->m_generated = generated.model;
    e->m_tuned = tuned.model;
    e->generated = generated.output;
    e->tuned = tuned.output;
    e->support_loss[0] = generated.support_loss;
    e->support_loss[1] = tuned.support_loss;
}

/* Without tuning. */
static void make_joint(struct task_ctx *c, struct stages *s)
{
    t2m_graph *g = c->g;
    struct episode_graph *e = c->e;
    const bool batch = c->use->training || c->use->transductive;
    struct norm_use norm = {batch ? NORM_BATCH : NORM_GIVEN, e->statistics, {0}};
    t2m_value support, query;
    c->given = batch ? (t2m_value){0} : e->statistics;
    infer(c);
    both_features(c, &norm, &support, &query);
    e->features = support;
    e->norm = norm.seen.id ? (batch ? norm.seen : e->statistics) : norm.seen;
    e->seen = norm.seen;
    apply_both(c, support, query);
    c->model = e->m_tuned;
    if (c->use->steps > 0 && !batch) { /* asked for beyond what the method does */
        tune(c, TUNE_WEIGHTS, c->model, t2m_constant(g, c->l->rate), s);
        e->m_tuned = s->model[s->n - 1];
        e->support_loss[1] = s->score[s->n - 1];
        e->tuned = output_of(c, e->m_tuned, e->x_query, c->given, NULL);
    }
    e->shared = e->generated;
    if (c->l->method->represent)
        e->shared = output_of(c, complete(c, c->theta), e->x_query, c->given, NULL);
}

/* Training takes the last step, which is one of three that may be chosen (loss_of_choice). */
static void choose_stage(struct task_ctx *c, struct stages *s)
{
    t2m_graph *g = c->g;
    struct episode_graph *e = c->e;
    const size_t last = c->use->steps > 0 ? s->n - 1 : 0;
    const int64_t one = 1;
    e->score[0] = s->score[1];
    e->score[1] = s->score[0];
    e->score[2] = s->score[last];
    const bool any = c->use->choose || c->use->training;
    e->surprise = any ? tune_choose(g, s->surprise, s->score, s->n) : s->surprise[last];
    if (c->use->choose)
        e->m_tuned = tune_choose(g, s->model, s->score, s->n);
    for (size_t i = 0; i < s->n; i++)
        s->step[i] = t2m_reshape(g, s->score[i], 1, &one);
    e->stages = t2m_concat(g, 0, s->step, s->n);
}

/* With tuning the support set is a batch of its own, and the query set is seen after it. */
static void make_tuned(struct task_ctx *c, struct stages *s)
{
    struct episode_graph *e = c->e;
    const bool joint =
        c->use->transductive || (c->use->training && c->l->method->norm == NORM_JOINT);
    const t2m_value batch = {0};
    t2m_value seen;
    infer(c);
    c->tuned = TUNE_NOTHING;
    e->m_generated = e->m_tuned = c->model = model_of(c, c->body);
    if (learner_chooses(c->l)) {
        add_stage(c, s, c->body);
        add_shared(c, s);
    }
    if (c->use->steps > 0) {
        take_steps(c, s);
        e->m_tuned = s->model[s->n - 1];
    }
    if (learner_chooses(c->l))
        choose_stage(c, s);
    const t2m_value before = output_of(c, e->m_generated, e->x_support, batch, &seen);
    e->support_loss[0] = task_loss(c, before, e->y_support);
    e->generated = output_of(c, e->m_generated, e->x_query, joint ? batch : seen, NULL);
    const t2m_value after = output_of(c, e->m_tuned, e->x_support, batch, &seen);
    e->support_loss[1] = task_loss(c, after, e->y_support);
    e->tuned = output_of(c, e->m_tuned, e->x_query, joint ? batch : seen, NULL);
    e->norm = seen;
    e->seen = (t2m_value){0};
    e->shared = e->generated;
    if (c->l->method->represent) {
        const t2m_value shared = complete(c, c->theta);
        output_of(c, shared, e->x_support, batch, &seen);
        e->shared = output_of(c, shared, e->x_query, joint ? batch : seen, NULL);
    }
}

/* Memory for `steps` steps of each kind, and the two stages before them. */
static t2m_status stages_new(t2m *lib, struct stages *s, int steps)
{
    const size_t most = 2 * (size_t)(steps > 0 ? steps : 0) + 2;
    *s = (struct stages){.model = mem_new(lib, 4 * most, sizeof(t2m_value))};
    if (!s->model)
        return T2M_ENOMEM;
    s->surprise = s->model + most;
    s->score = s->surprise + most;
    s->step = s->score + most;
    return T2M_OK;
}

/* Any of the three may be chosen: half of the loss is their mean, half that of a choice by chance,
 * where each has the weight that the likelihood of the support set gives it. */
static t2m_value loss_of_choice(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    struct episode_graph *e = c->e;
    const t2m_value output[] = {e->tuned, e->generated, e->shared},
                    score[] = {e->score[2], e->score[1], e->score[0]};
    t2m_value loss[3], weight[3];
    const double n = (double)t2m_dim(g, e->y_support, 0);
    const int64_t one = 1;
    for (int i = 0; i < 3; i++) {
        loss[i] = t2m_reshape(g, task_loss(c, output[i], e->y_query), 1, &one);
        weight[i] = t2m_reshape(g, t2m_scale(g, -n, score[i]), 1, &one);
    }
    const t2m_value all = t2m_concat(g, 0, loss, 3),
                    w = t2m_softmax(g, t2m_concat(g, 0, weight, 3));
    return t2m_scale(g, 0.5, t2m_add(g, t2m_mean_all(g, all), t2m_sum_all(g, t2m_mul(g, w, all))));
}

/* What is none of the classes is learned from the logits, not they from it. */
static t2m_value loss_of_none(struct task_ctx *c)
{
    t2m_graph *g = c->g;
    const int64_t classes = t2m_dim(g, c->e->tuned, 1), m = t2m_dim(g, c->e->m_tuned, 0);
    const struct nn_none x = {
        t2m_stop_gradient(g, c->e->tuned),
        t2m_stop_gradient(g, t2m_slice(g, c->e->m_tuned, 0, m - classes, classes)),
        task_part(c, "none")};
    return nn_none_loss(g, &x, c->e->y_query);
}

/* All of it for one candidate; e has the inputs, with the candidate's shares of them. */
static t2m_status make_candidate(const struct t2m_learner *l, const struct candidate *k,
                                 const struct episode_use *use, struct episode_graph *e)
{
    struct task_ctx c = {.l = l, .k = k, .use = use, .s = k->structure, .g = e->g, .e = e};
    struct stages stages;
    const size_t theta = learner_theta(l, k);
    TRY(stages_new(l->lib, &stages, use->steps));
    c.s.outputs = use->outputs;
    c.theta = t2m_slice(c.g, e->phi, 0, 0, (int64_t)theta);
    c.decoder = (struct decoder){l->decode, &k->layout, theta, &k->parts, e->phi};
    (l->tuned == TUNE_NOTHING ? make_joint : make_tuned)(&c, &stages);
    e->loss = task_loss(&c, e->tuned, e->y_query);
    if (learner_chooses(l))
        e->loss = loss_of_choice(&c);
    if (structure_has_none(&k->structure))
        e->loss = t2m_add(c.g, e->loss, loss_of_none(&c));
    if (l->method->meta == META_REPTILE)
        e->reptile =
            t2m_pad(c.g, t2m_sub(c.g, c.theta, e->m_tuned), 0, 0, (int64_t)(l->numel - theta));
    mem_free(l->lib, stages.model);
    return t2m_graph_status(e->g);
}

static void make_inputs(const struct t2m_learner *l, const struct episode_use *use,
                        struct episode_graph *e)
{
    t2m_graph *g = e->g;
    const struct structure *s = learner_structure(l);
    const int64_t phi = (int64_t)l->numel, norms = (int64_t)l->norms, n = (int64_t)use->supports,
                  q = (int64_t)use->queries, places = structure_places(s),
                  targets[] = {n * places, q * places};
    *e = (struct episode_graph){.g = g};
    e->phi = t2m_input(g, "phi", 1, &phi);
    e->statistics = t2m_input(g, "norm statistics", 1, &norms);
    e->x_support = structure_input(g, s, "x of the support set", n);
    e->y_support = t2m_input(g, "y of the support set", 1, &targets[0]);
    e->x_query = structure_input(g, s, "x of the query set", q);
    e->y_query = t2m_input(g, "y of the query set", 1, &targets[1]);
}

t2m_status episode_graph_make(const struct t2m_learner *l, const struct episode_use *use,
                              struct episode_graph *e)
{
    make_inputs(l, use, e);
    if (l->candidates == 1)
        return make_candidate(l, l->candidate, use, e);
    struct episode_graph one[MAX_CANDIDATES];
    for (size_t i = 0; i < l->candidates; i++) {
        const struct candidate *k = &l->candidate[i];
        one[i] = *e;
        one[i].phi = t2m_slice(e->g, e->phi, 0, (int64_t)k->at, (int64_t)k->parts.numel);
        one[i].statistics = t2m_slice(e->g, e->statistics, 0, (int64_t)k->statistics_at,
                                      (int64_t)k->layout.statistics);
        if (i + 1 == l->candidates || !use->left_out || !use->left_out[i]) /* the last makes t */
            TRY(make_candidate(l, k, use, &one[i]));
    }
    choose_structure(l, use, e, one);
    return t2m_graph_status(e->g);
}
