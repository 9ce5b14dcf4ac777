/* choice.c: step 4, which of several structures the model of a task gets. What each says of examples
 * that were left out is weighed together with what the task vector says. */
#include <string.h>

#include "mapping/learner.h"
#include "tune/tune.h"

struct choosing {
    const struct t2m_learner *l;
    const struct episode_graph *one; /* [candidates] */
    t2m_graph *g;
    size_t which[MAX_CANDIDATES], n;     /* those that may be chosen, the smallest first */
    t2m_value evidence[MAX_CANDIDATES];  /* [] nats */
    t2m_value trust;                     /* [] in what is left out */
};

static t2m_value surprise(const struct choosing *c, size_t i)
{
    return t2m_stop_gradient(c->g, c->one[c->which[i]].surprise);
}

/* By how many nats `a` foretells the support set better than `b` by chance, one standard error. */
static t2m_value standard_error(const struct choosing *c, t2m_value a, t2m_value b)
{
    t2m_graph *g = c->g;
    const t2m_value d = t2m_sub(g, a, b);
    const double n = (double)t2m_dim(g, d, 0);
    const t2m_value away = t2m_square(g, t2m_sub(g, d, t2m_mean_all(g, d)));
    const double per = n > 1 ? n / (n - 1) : 0;
    return t2m_mul(g, c->trust, t2m_sqrt(g, t2m_scale(g, per, t2m_sum_all(g, away))));
}

/* Sets evidence: a generator's word from t, less the surprise of the support set. */
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
        const t2m_value said =
            t2m_sum_all(g, t2m_slice(g, word, 1, (int64_t)c->which[i], 1));
        c->evidence[i] =
            t2m_sub(g, said, t2m_mul(g, c->trust, t2m_sum_all(g, surprise(c, i))));
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
        x[i] = c->evidence[i];
        if (i > 0)
            x[i] = t2m_sub(g, x[i], standard_error(c, surprise(c, i), surprise(c, 0)));
        x[i] = t2m_reshape(g, x[i], 1, &one);
    }
    return t2m_concat(g, 0, x, c->n);
}

/* worse[i]: candidate i is worse than the best by more than one standard error. */
static void compare(const struct choosing *c, t2m_value *worse)
{
    t2m_graph *g = c->g;
    t2m_value best = surprise(c, 0), most = c->evidence[0];
    for (size_t i = 1; i < c->n; i++) {
        const t2m_value better = t2m_less(g, most, c->evidence[i]);
        best = t2m_select(g, better, surprise(c, i), best);
        most = t2m_select(g, better, c->evidence[i], most);
    }
    for (size_t i = 0; i < c->n; i++)
        worse[i] = t2m_less(g, standard_error(c, surprise(c, i), best),
                            t2m_sub(g, most, c->evidence[i]));
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

/* The chooser learns to foretell which structure will do best on the query set; the structures learn
 * as each would alone. */
static t2m_value loss(const struct choosing *c)
{
    t2m_graph *g = c->g;
    t2m_value sum = t2m_constant(g, 0), lowest = {0}, winner = t2m_constant(g, 0);
    const int64_t one = 1;
    for (size_t i = 0; i < c->n; i++) {
        const t2m_value mine = t2m_stop_gradient(g, c->one[c->which[i]].expected);
        sum = t2m_add(g, sum, c->one[c->which[i]].loss);
        const t2m_value better = i > 0 ? t2m_less(g, mine, lowest) : t2m_constant(g, 1);
        winner = i > 0 ? t2m_select(g, better, t2m_constant(g, (double)i), winner) : winner;
        lowest = i > 0 ? t2m_select(g, better, mine, lowest) : mine;
    }
    const int64_t row[] = {1, (int64_t)c->n};
    return t2m_axpy(g, 1 / (double)c->n, sum,
                    nn_cross_entropy(g, t2m_reshape(g, logits(c), 2, row),
                                     t2m_reshape(g, winner, 1, &one)));
}

enum { RESULTS = 10 };
static void results(struct episode_graph *e, t2m_value *at[RESULTS])
{
    t2m_value *const all[RESULTS] = {&e->shared,   &e->generated, &e->tuned,  &e->m_generated,
                                     &e->m_tuned,  &e->surprise,  &e->stages, &e->norm,
                                     &e->support_loss[0], &e->support_loss[1]};
    memcpy(at, all, sizeof all);
}

void choose_structure(const struct t2m_learner *l, const struct episode_use *use,
                      struct episode_graph *e, struct episode_graph *one)
{
    struct choosing c = {.l = l, .one = one, .g = e->g};
    t2m_graph *g = e->g;
    t2m_value worse[MAX_CANDIDATES], x[MAX_CANDIDATES];
    for (size_t i = 0; i < l->candidates; i++)
        if (!use->left_out || !use->left_out[i])
            c.which[c.n++] = i;
    e->t = one[l->candidates - 1].t;
    weigh(&c, e);
    compare(&c, worse);
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
