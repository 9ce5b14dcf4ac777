/* heads.c: last layers in closed form. */
#include "generate/heads.h"

struct head head_prototypes(t2m_graph *g, t2m_value h, t2m_value labels, int64_t classes)
{
    const t2m_value member = t2m_one_hot(g, labels, classes); /* [n, classes] */
    const t2m_value count = t2m_sum(g, member, 0, 1);
    const t2m_value sum = t2m_matmul_t(g, h, true, member, false); /* [features, classes] */
    const t2m_value mean = t2m_mul(g, sum, t2m_recip(g, count));
    return (struct head){t2m_scale(g, 2, mean), t2m_neg(g, t2m_sum(g, t2m_square(g, mean), 0, 1))};
}

/* 1 on the diagonal of [n, n] */
static t2m_value identity(t2m_graph *g, int64_t n)
{
    return t2m_one_hot(g, t2m_iota(g, n), n);
}

struct head head_ridge(t2m_graph *g, t2m_value h, t2m_value targets, t2m_value log_penalty)
{
    const int64_t n = t2m_dim(g, h, 0), features = t2m_dim(g, h, 1),
                  outputs = t2m_dim(g, targets, 1), column[] = {n, 1};
    const t2m_value pair[] = {h, t2m_fill(g, 1, 2, column)}, penalty = t2m_exp(g, log_penalty);
    const t2m_value x = t2m_concat(g, 1, pair, 2); /* [n, features + 1] */
    t2m_value w;
    if (n <= features) {
        const t2m_value a =
            t2m_madd(g, penalty, identity(g, n), t2m_matmul_t(g, x, false, x, true));
        w = t2m_matmul_t(g, x, true, t2m_solve_spd(g, a, targets), false);
    } else {
        const t2m_value a =
            t2m_madd(g, penalty, identity(g, features + 1), t2m_matmul_t(g, x, true, x, false));
        w = t2m_solve_spd(g, a, t2m_matmul_t(g, x, true, targets, false));
    }
    return (struct head){t2m_slice(g, w, 0, 0, features),
                         t2m_reshape(g, t2m_slice(g, w, 0, features, 1), 1, &outputs)};
}
