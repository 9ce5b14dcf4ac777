/* heads.c: last layers in closed form. */
#include "generate/heads.h"

/* Minus the squared distances of h to the means [n, classes]. Without an example, the mean of its
 * class of `count` lies farther from it by count / (count - 1). */
static t2m_value distances_left_out(t2m_graph *g, t2m_value h, t2m_value member, t2m_value count,
                                    const struct head *head)
{
    const t2m_value one = t2m_constant(g, 1), rest = t2m_max(g, t2m_sub(g, count, one), one);
    const t2m_value farther = t2m_square(g, t2m_div(g, count, rest));
    const t2m_value logits = t2m_add(g, t2m_matmul(g, h, head->weight), head->bias);
    const t2m_value norm = t2m_sum(g, t2m_square(g, h), 1, 1);
    const t2m_value all = t2m_sub(g, logits, t2m_broadcast(g, norm, 1, t2m_dim(g, member, 1)));
    return t2m_madd(g, t2m_mul(g, member, t2m_sub(g, farther, one)), all, all);
}

struct head head_prototypes(t2m_graph *g, t2m_value h, t2m_value labels, int64_t classes)
{
    const t2m_value member = t2m_one_hot(g, labels, classes); /* [n, classes] */
    const t2m_value count = t2m_sum(g, member, 0, 1);
    const t2m_value sum = t2m_matmul_t(g, h, true, member, false); /* [features, classes] */
    const t2m_value mean = t2m_mul(g, sum, t2m_recip(g, count));
    struct head head = {
        t2m_scale(g, 2, mean), t2m_neg(g, t2m_sum(g, t2m_square(g, mean), 0, 1)), {0}, {0}};
    const t2m_value logits = distances_left_out(g, h, member, count, &head);
    head.surprise = t2m_neg(g, t2m_sum(g, t2m_mul(g, member, t2m_log_softmax(g, logits)), 1, 1));
    return head;
}

struct head head_ridge(t2m_graph *g, t2m_value h, t2m_value targets,
                       const struct nn_ridge_prior *prior)
{
    const struct nn_ridge r = nn_ridge_fit(g, h, targets, prior);
    return (struct head){r.weight, r.bias, r.left_out, r.surprise};
}
