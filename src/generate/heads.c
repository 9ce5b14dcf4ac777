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
    struct head head = {.weight = t2m_scale(g, 2, mean),
                        .bias = t2m_neg(g, t2m_sum(g, t2m_square(g, mean), 0, 1))};
    const t2m_value logits = distances_left_out(g, h, member, count, &head);
    head.surprise = t2m_neg(g, t2m_sum(g, t2m_mul(g, member, t2m_log_softmax(g, logits)), 1, 1));
    return head;
}

struct head head_ridge(t2m_graph *g, t2m_value h, t2m_value targets,
                       const struct nn_ridge_prior *prior)
{
    const struct nn_ridge r = nn_ridge_fit(g, h, targets, prior);
    return (struct head){
        .weight = r.weight, .bias = r.bias, .left_out = r.left_out, .surprise = r.surprise};
}

enum { FEW = 3 /* examples of a class, in the mean: enough that each can be left out in turn */ };

static t2m_value as_list(t2m_graph *g, t2m_value x)
{
    const int64_t one = 1;
    return t2m_reshape(g, x, 1, &one);
}

static struct head scaled(t2m_graph *g, const struct head *h, t2m_value factor, t2m_value shift)
{
    return (struct head){.weight = t2m_mul(g, h->weight, factor),
                         .bias = t2m_madd(g, factor, h->bias, shift),
                         .left_out = t2m_madd(g, factor, h->left_out, shift),
                         .surprise = h->surprise};
}

struct head head_ridge_classes(t2m_graph *g, t2m_value h, t2m_value member,
                               const t2m_value learned[2])
{
    const struct nn_ridge_prior prior = {.log_penalty = learned[0]};
    struct head head = head_ridge(g, h, member, &prior);
    t2m_value factor = learned[1], shift = t2m_constant(g, 0);
    head = scaled(g, &head, factor, shift);
    if (t2m_dim(g, h, 0) >= FEW * t2m_dim(g, member, 1)) {
        const struct nn_calibration by = nn_calibrate(g, head.left_out, member);
        head = scaled(g, &head, by.factor, by.shift);
        factor = t2m_mul(g, factor, by.factor);
        shift = by.shift;
    }
    const t2m_value later[] = {as_list(g, learned[0]), as_list(g, factor),
                               as_list(g, t2m_mean_all(g, shift))};
    head.later = t2m_concat(g, 0, later, 3);
    return head;
}

struct head head_ridge_later(t2m_graph *g, t2m_value h, t2m_value others, t2m_value later)
{
    const int64_t n = t2m_dim(g, h, 0), features = t2m_dim(g, h, 1), most = 8,
                  copies = n < most ? n : most, all[] = {-1, features}, scalar = 0,
                  rest = copies * t2m_dim(g, others, 0), yes[] = {n, 1}, no[] = {rest, 1};
    const t2m_value rows[] = {h, t2m_reshape(g, t2m_broadcast(g, others, 0, copies), 2, all)},
                    target[] = {t2m_fill(g, 1, 2, yes), t2m_fill(g, 0, 2, no)},
                    factor = t2m_reshape(g, t2m_slice(g, later, 0, 1, 1), 0, &scalar),
                    shift = t2m_reshape(g, t2m_slice(g, later, 0, 2, 1), 0, &scalar);
    const struct nn_ridge_prior prior = {
        .log_penalty = t2m_reshape(g, t2m_slice(g, later, 0, 0, 1), 0, &scalar)};
    const struct head head =
        head_ridge(g, t2m_concat(g, 0, rows, 2), t2m_concat(g, 0, target, 2), &prior);
    return scaled(g, &head, factor, shift);
}
