/* masks.c: what is learned from labels of pixels. */
#include "nn/nn.h"

struct nn_masks nn_masks_of(t2m_graph *g, t2m_value labels, int64_t places, int64_t classes)
{
    const t2m_value zero = t2m_constant(g, 0), one = t2m_constant(g, 1);
    return (struct nn_masks){.places = places,
                             .classes = classes,
                             .valid = t2m_sub(g, one, t2m_less(g, labels, zero)),
                             .member = t2m_one_hot(g, t2m_sub(g, labels, one), classes)};
}

t2m_value nn_masks_present(t2m_graph *g, const struct nn_masks *m)
{
    return t2m_less(g, t2m_constant(g, 0), t2m_sum(g, m->member, 0, 1));
}

/* x [n * places, classes], summed over each picture: [n, classes] */
static t2m_value by_picture(t2m_graph *g, const struct nn_masks *m, t2m_value x)
{
    const int64_t split[] = {-1, m->places, m->classes};
    return t2m_sum(g, t2m_reshape(g, x, 3, split), 1, 1);
}

/* sum(x w) / sum(w), 0 where w is 0. */
static t2m_value weighted(t2m_graph *g, t2m_value x, t2m_value w, int axes)
{
    const t2m_value all = t2m_max(g, t2m_sum(g, w, 0, axes), t2m_constant(g, 1e-6));
    return t2m_div(g, t2m_sum(g, t2m_mul(g, x, w), 0, axes), all);
}

t2m_value nn_masks_loss(t2m_graph *g, const struct nn_masks *m, t2m_value logits, t2m_value weight)
{
    const t2m_value one = t2m_constant(g, 1), valid = t2m_broadcast(g, m->valid, 1, m->classes),
                    surprise = t2m_sub(g, t2m_softplus(g, logits), t2m_mul(g, logits, m->member)),
                    entropy = weighted(g, surprise, valid, 1); /* [classes] */
    const t2m_value p = t2m_mul(g, t2m_sigmoid(g, logits), valid),
                    both = by_picture(g, m, t2m_mul(g, p, m->member)),
                    truth = by_picture(g, m, m->member),
                    sum = t2m_add(g, by_picture(g, m, p), truth);
    const t2m_value dice = t2m_div(g, t2m_axpy(g, 2, both, one), t2m_add(g, sum, one)),
                    there = t2m_less(g, t2m_constant(g, 0), truth),
                    miss = weighted(g, t2m_sub(g, one, dice), there, 1);
    return weighted(g, t2m_add(g, entropy, miss), weight, 1);
}
