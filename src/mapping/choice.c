/* choice.c: step 4, which of several structures the model of a task gets. What each says of
 * examples that were left out is weighed together with what the task vector says. */
#include <assert.h>
#include <string.h>

#include "mapping/learner.h"
#include "tune/tune.h"

struct choosing {
    const struct t2m_learner *l;
    const struct episode_graph *one; /* [candidates] */
    t2m_graph *g;
    size_t which[MAX_CANDIDATES], n;    /* those that may be chosen, the smallest first */
    t2m_value surprise[MAX_CANDIDATES]; /* [supports] nats, each example left out */
    t2m_value word[MAX_CANDIDATES];     /* [] what t says against it, nats */
    t2m_value trust;                    /* [] in the support set */
};

/* How far the sum of [n] differences may be off by chance: one standard error. */
static t2m_value standard_error(t2m_graph *g, t2m_value a, t2m_value b)
{
    const t2m_value d = t2m_sub(g, a, b);
    const double n = (double)t2m_dim(g, d, 0), per = n > 1 ? n / (n - 1) : 0;
    const t2m_value away = t2m_square(g, t2m_sub(g, d, t2m_mean_all(g, d)));
    return t2m_sqrt(g, t2m_scale(g, per, t2m_sum_all(g, away)));
}

/* worse[i]: structure i is worse than the best by more than so many standard errors. bad[i]
 * [examples]: how badly it does on each; word[i] []: what else is held against it; trust [] in the
 * examples. */
static void compare(const struct choosing *c, const t2m_value *bad, const t2m_value *word,
                    t2m_value trust, double errors, t2m_value *worse)
{
    t2m_graph *g = c->g;
    t2m_value total[MAX_CANDIDATES], best = bad[0], least = {0};
    for (size_t i = 0; i < c->n; i++) {
        total[i] = t2m_madd(g, trust, t2m_sum_all(g, bad[i]), word[i]);
        const t2m_value better = i > 0 ? t2m_less(g, total[i], least) : t2m_constant(g, 1);
        best = i > 0 ? t2m_select(g, better, bad[i], best) : best;
        least = i > 0 ? t2m_select(g, better, total[i], least) : total[i];
    }
    for (size_t i = 0; i < c->n; i++)
        worse[i] =
            t2m_less(g, t2m_scale(g, errors, t2m_mul(g, trust, standard_error(g, bad[i], best))),
                     t2m_sub(g, total[i], least));
}

/* Sets what t says against each structure, and how far the support set is trusted. */
static void weigh(struct choosing *c, const struct episode_graph *e)
{
    t2m_graph *g = c->g;
    const struct t2m_learner *l = c->l;
    const int64_t row[] = {1, -1}, at = (int64_t)(l->numel - l->chooser.numel);
    const t2m_value phi = t2m_slice(g, e->phi, 0, at, (int64_t)l->chooser.numel);
    const t2m_value t = generator_squash(g, t2m_stop_gradient(g, e->t));
    const t2m_value word =
        generator_run(g, &l->chooser, phi, choice_generator, t2m_reshape(g, t, 2, row));
    c->trust = layout_take(g, &l->chooser, phi, "choice.trust");
    for (size_t i = 0; i < c->n; i++) {
        c->word[i] = t2m_sum_all(g, t2m_slice(g, word, 1, (int64_t)c->which[i], 1));
        c->surprise[i] = t2m_stop_gradient(g, c->one[c->which[i]].surprise);
    }
}

/* Logits of the weights [n]: a larger structure than the smallest has to be better by one standard
 * error. */
static t2m_value logits(const struct choosing *c)
{
    t2m_graph *g = c->g;
    t2m_value x[MAX_CANDIDATES];
    const int64_t one = 1;
    for (size_t i = 0; i < c->n; i++) {
        const t2m_value error = standard_error(g, c->surprise[i], c->surprise[0]);
        const t2m_value nats = t2m_add(g, t2m_sum_all(g, c->surprise[i]), error);
        x[i] = t2m_reshape(g, t2m_neg(g, t2m_madd(g, c->trust, nats, c->word[i])), 1, &one);
    }
    return t2m_concat(g, 0, x, c->n);
}

/* The value of the smallest that is not worse; vectors of another length are filled up with 0. */
static t2m_value pick(const struct choosing *c, const t2m_value *worse, const t2m_value *x)
{
    t2m_graph *g = c->g;
    int64_t longest = 0;
    for (size_t i = 0; i < c->n; i++)
        if (t2m_rank(g, x[i]) == 1 && t2m_dim(g, x[i], 0) > longest)
            longest = t2m_dim(g, x[i], 0);
    t2m_value picked = {0};
    for (size_t i = c->n; i-- > 0;) {
        t2m_value v = x[i];
        if (t2m_rank(g, v) == 1)
            v = t2m_pad(g, v, 0, 0, longest - t2m_dim(g, v, 0));
        picked = picked.id ? t2m_select(g, worse[i], picked, v) : v;
    }
    return picked;
}

/* How badly a structure does on each query example [queries]. */
static t2m_value query_errors(const struct choosing *c, const struct episode_graph *one)
{
    t2m_graph *g = c->g;
    const int64_t outputs = t2m_dim(g, one->tuned, 1);
    if (!kind_has_classes(c->l->kind))
        return t2m_square(g, t2m_sub(g, t2m_sum(g, one->tuned, 1, 1), one->y_query));
    const t2m_value truth = t2m_one_hot(g, one->y_query, outputs);
    return t2m_neg(g, t2m_sum(g, t2m_mul(g, truth, t2m_log_softmax(g, one->tuned)), 1, 1));
}

/* 0..1 for each structure: how likely the support set is under it beside the best. */
static void fitness(const struct choosing *c, t2m_value *out)
{
    t2m_graph *g = c->g;
    t2m_value nats[MAX_CANDIDATES], least = {0};
    for (size_t i = 0; i < c->n; i++) {
        nats[i] = t2m_sum_all(g, c->surprise[i]);
        least = i > 0 ? t2m_select(g, t2m_less(g, nats[i], least), nats[i], least) : nats[i];
    }
    for (size_t i = 0; i < c->n; i++)
        out[i] = t2m_exp(g, t2m_sub(g, least, nats[i]));
}

/* The chooser learns to foretell which is the smallest structure that does as well on the query set
 * as any, within one and a quarter standard errors: with more, curves are taken for lines, with
 * less, lines for curves. A structure learns from the tasks that it may be fit for: a line would
 * only be spoilt by what no line can do. */
static t2m_value loss(const struct choosing *c)
{
    t2m_graph *g = c->g;
    t2m_value sum = t2m_constant(g, 0), error[MAX_CANDIDATES], none[MAX_CANDIDATES],
              worse[MAX_CANDIDATES], number[MAX_CANDIDATES], fit[MAX_CANDIDATES];
    const int64_t one = 1, row[] = {1, (int64_t)c->n};
    fitness(c, fit);
    for (size_t i = 0; i < c->n; i++) {
        const struct episode_graph *e = &c->one[c->which[i]];
        sum = t2m_madd(g, fit[i], e->loss, sum);
        error[i] = t2m_stop_gradient(g, query_errors(c, e));
        none[i] = t2m_constant(g, 0);
        number[i] = t2m_constant(g, (double)i);
    }
    compare(c, error, none, t2m_constant(g, 1), 1.25, worse);
    const t2m_value winner = t2m_reshape(g, pick(c, worse, number), 1, &one);
    return t2m_axpy(g, 1 / (double)c->n, sum,
                    nn_cross_entropy(g, t2m_reshape(g, logits(c), 2, row), winner));
}

enum { RESULTS = 10 };
static void results(struct episode_graph *e, t2m_value *at[RESULTS])
{
    t2m_value *const all[RESULTS] = {
        &e->shared,   &e->generated, &e->tuned, &e->m_generated,     &e->m_tuned,
        &e->surprise, &e->stages,    &e->norm,  &e->support_loss[0], &e->support_loss[1]};
    memcpy(at, all, sizeof all);
}

void choose_structure(const struct t2m_learner *l, const struct episode_use *use,
                      struct episode_graph *e, struct episode_graph *one)
{
    struct choosing c = {.l = l, .one = one, .g = e->g};
    t2m_graph *g = e->g;
    t2m_value worse[MAX_CANDIDATES], x[MAX_CANDIDATES] = {{0}};
    for (size_t i = 0; i < l->candidates; i++)
        if (!use->left_out || !use->left_out[i])
            c.which[c.n++] = i;
    assert(c.n > 0);
    e->t = one[l->candidates - 1].t;
    weigh(&c, e);
    compare(&c, c.surprise, c.word, c.trust, 1, worse);
    if (use->training)
        e->loss = loss(&c);
    t2m_value *to[RESULTS], *from[MAX_CANDIDATES][RESULTS];
    results(e, to);
    for (size_t i = 0; i < c.n; i++)
        results(&one[c.which[i]], from[i]);
    for (size_t k = 0; k < RESULTS; k++) {
        for (size_t i = 0; i < c.n; i++)
            x[i] = *from[i][k];
        if (x[0].id)
            *to[k] = pick(&c, worse, x);
    }
    for (size_t i = 0; i < c.n; i++)
        x[i] = t2m_constant(g, (double)c.which[i]);
    e->structure = pick(&c, worse, x);
    const t2m_value share = t2m_softmax(g, logits(&c));
    for (size_t i = 0, at = 0; i < l->candidates; i++) {
        const bool there = at < c.n && c.which[at] == i;
        const int64_t single = 1;
        x[i] = there ? t2m_slice(g, share, 0, (int64_t)at++, 1) : t2m_fill(g, 0, 1, &single);
    }
    e->weights = t2m_concat(g, 0, x, l->candidates);
}
