/* text.c: the structure `text:WORDS,SLOTS,WIDTH`, a bag of hashed features with a learned metric.
 */
#include "nn/nn.h"

#include <math.h>

/* Columns of "text.rarity": by kind and rarity, the logarithm of a feature's weight, and how much
 * of its word's own weight and vector it is trusted with. */
enum { WEIGHT, TRUST, RARITY_COLUMNS };

/* Steps of Adam are of one size for all numbers: the few that stand for whole kinds of features,
 * and have far to go, are kept divided by this. */
static const double quick = 10;
static const double spread = 0.02; /* of vectors at the start: they change next to nothing */

/* WORDS the vocabulary has; SLOTS of the sketch; WIDTH of the vectors. */
static int64_t words(const struct structure *s)
{
    return s->hidden[0];
}

/* Rare features count more (Sparck Jones 1972), words more than pairs and parts; what was seen k
 * times is trusted k / (k + 5). */
static void start_rarity(float *m)
{
    static const double kind[NN_TEXT_KINDS] = {0, -0.7, -1, -1.5, -1.5, -1.5, -1};
    const double all = exp2(NN_TEXT_BUCKETS + 2); /* texts of a usual training */
    for (size_t k = 0; k < NN_TEXT_RARITIES; k++, m += RARITY_COLUMNS) {
        const double seen = exp2((double)(k % NN_TEXT_BUCKETS)) - 1;
        m[WEIGHT] = (float)((kind[k / NN_TEXT_BUCKETS] + log(log(all / (1 + seen)))) / quick);
        m[TRUST] = (float)(seen / (seen + 5));
    }
}

void text_layout(const struct structure *s, struct layout *l)
{
    const int64_t n = words(s), rarity[] = {NN_TEXT_RARITIES, RARITY_COLUMNS}, word[] = {n, 1},
                  vector[] = {n, s->hidden[2]}, one = 1;
    layout_add(l, "text.rarity", 2, rarity, 0, 0);
    l->parameter[l->count - 1].fill = start_rarity;
    layout_add(l, "text.word", 2, word, 0, 0);
    layout_add(l, "text.vector", 2, vector, spread, 0);
    l->parameter[l->count - 1].coarse = true;
    layout_add(l, "text.scale", 1, &one, 0, log(3.3) / quick); /* of a usual training */
    layout_add(l, "none", 1, &one, 0, 5 / quick);
    l->features = (size_t)(s->hidden[1] + s->hidden[2]);
}

struct columns { /* of an input, each [n features, 1] or, of index, [n features] */
    t2m_value word, slot, count, rarity;
};

static struct columns columns_of(t2m_graph *g, t2m_value x)
{
    const int64_t rows[] = {-1, NN_TEXT_CHANNELS}, flat = -1;
    const t2m_value all = t2m_reshape(g, x, 2, rows);
    t2m_value column[NN_TEXT_CHANNELS];
    for (int i = 0; i < NN_TEXT_CHANNELS; i++)
        column[i] = t2m_reshape(g, t2m_slice(g, all, 1, i, 1), 1, &flat);
    return (struct columns){column[0], column[1], column[2], column[3]};
}

/* Each text is a vector of length exp(scale): a sketch of its weighed features (Weinberger et al.
 * 2009, "Feature hashing for large scale multitask learning", equation 1), whose products are
 * nearly those of the features themselves, then a sum of learned vectors of those that the
 * vocabulary has, so that like words are near each other. */
t2m_value text_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                        struct norm_use *norm)
{
    (void)norm;
    struct layout l;
    structure_layout(s, &l);
    const int64_t n = t2m_dim(g, x, 0), features = s->width, column[] = {n, features, 1},
                  row[] = {n, 1, features}, vectors[] = {n, features, s->hidden[2]},
                  index[] = {n, features}, flat[] = {n, -1}, all = -1;
    const struct columns c = columns_of(g, x);
    const t2m_value one = t2m_constant(g, 1),
                    rarity = t2m_gather(g, layout_take(g, &l, m, "text.rarity"), c.rarity),
                    trust = t2m_reshape(g, t2m_slice(g, rarity, 1, TRUST, 1), 1, &all),
                    own = t2m_reshape(g, t2m_gather(g, layout_take(g, &l, m, "text.word"), c.word),
                                      1, &all),
                    log_weight =
                        t2m_madd(g, t2m_constant(g, quick),
                                 t2m_reshape(g, t2m_slice(g, rarity, 1, WEIGHT, 1), 1, &all),
                                 t2m_mul(g, trust, own)),
                    raw = t2m_reshape(g, t2m_mul(g, c.count, t2m_exp(g, log_weight)), 2, index),
                    weight = t2m_reshape(g, nn_to_length(g, raw, one), 1, &all);
    /* the sign of a feature stands before its slot, which is counted from 1; 0: none */
    const t2m_value size = t2m_abs(g, c.slot), zero = t2m_constant(g, 0),
                    sign = t2m_select(g, t2m_less(g, c.slot, zero), t2m_neg(g, one), one);
    const t2m_value sketch =
        t2m_scatter_add(g, t2m_reshape(g, t2m_mul(g, weight, sign), 3, column),
                        t2m_reshape(g, t2m_sub(g, size, one), 2, index), s->hidden[1]);
    const t2m_value vector =
        t2m_reshape(g, t2m_gather(g, layout_take(g, &l, m, "text.vector"), c.word), 3, vectors);
    const t2m_value pulled =
        t2m_matmul(g, t2m_reshape(g, t2m_mul(g, weight, trust), 3, row), vector);
    const t2m_value both[] = {t2m_reshape(g, sketch, 2, flat), t2m_reshape(g, pulled, 2, flat)};
    const t2m_value scale = t2m_exp(g, t2m_scale(g, quick, layout_take(g, &l, m, "text.scale")));
    return nn_to_length(g, t2m_concat(g, 1, both, 2), scale);
}

/* ---- vectors ---- */

void metric_layout(const struct structure *s, struct layout *l)
{
    const int64_t in = s->height * s->width * s->channels, projection[] = {in, s->hidden[0]},
                  one = 1;
    layout_add(l, "metric.projection", 2, projection, 0.3 / sqrt((double)in), 0);
    layout_add(l, "metric.scale", 1, &one, 0, log(3.3) / quick);
    layout_add(l, "none", 1, &one, 0, 5 / quick);
    l->features = (size_t)(in + s->hidden[0]);
}

t2m_value metric_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                          struct norm_use *norm)
{
    (void)norm;
    struct layout l;
    structure_layout(s, &l);
    const int64_t rows[] = {t2m_dim(g, x, 0), -1};
    const t2m_value flat = t2m_reshape(g, x, 2, rows),
                    both[] = {flat,
                              t2m_matmul(g, flat, layout_take(g, &l, m, "metric.projection"))},
                    scale = t2m_exp(g, t2m_scale(g, quick, layout_take(g, &l, m, "metric.scale")));
    return nn_to_length(g, t2m_concat(g, 1, both, 2), scale);
}

/* ---- none of the classes ---- */

bool structure_has_none(const struct structure *s)
{
    return s->kind == NN_TEXT || s->kind == NN_METRIC;
}

/* log(sum(exp(x)) / count) [n] of x [n, classes]: any column of x - log softmax is the sum's
 * logarithm. */
static t2m_value mean_evidence(t2m_graph *g, t2m_value x, double count)
{
    const t2m_value column = t2m_slice(g, t2m_sub(g, x, t2m_log_softmax(g, x)), 1, 0, 1);
    const int64_t all = -1;
    return t2m_sub(g, t2m_reshape(g, column, 1, &all), t2m_constant(g, log(count)));
}

static t2m_value products(t2m_graph *g, const struct nn_none *x)
{
    return t2m_sub(g, x->logits, t2m_broadcast(g, x->bias, 0, t2m_dim(g, x->logits, 0)));
}

static t2m_value odds(t2m_graph *g, const struct nn_none *x, t2m_value evidence)
{
    return t2m_axpy(g, -1, evidence, t2m_scale(g, quick, x->none));
}

t2m_value nn_none(t2m_graph *g, const struct nn_none *x)
{
    return odds(g, x, mean_evidence(g, products(g, x), (double)t2m_dim(g, x->logits, 1)));
}

t2m_value nn_none_loss(t2m_graph *g, const struct nn_none *x, t2m_value labels)
{
    const int64_t classes = t2m_dim(g, x->logits, 1);
    const t2m_value away = t2m_scale(g, -1e4, t2m_one_hot(g, labels, classes)),
                    others =
                        mean_evidence(g, t2m_add(g, products(g, x), away), (double)classes - 1),
                    known = t2m_softplus(g, nn_none(g, x)),
                    unknown = t2m_softplus(g, t2m_neg(g, odds(g, x, others)));
    return t2m_scale(g, 0.5, t2m_add(g, t2m_mean_all(g, known), t2m_mean_all(g, unknown)));
}
