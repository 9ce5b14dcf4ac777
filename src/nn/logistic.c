/* logistic.c: multinomial logistic regression as graph values, so learning goes through it. */
#include "nn/nn.h"

static const double bias_input = 4; /* against the penalty: a bias of 4 costs as a weight of 1 */

static t2m_value identity(t2m_graph *g, int64_t n)
{
    return t2m_one_hot(g, t2m_iota(g, n), n);
}

/* (x, bias_input) [n, features + 1] */
static t2m_value with_bias(t2m_graph *g, t2m_value x)
{
    const int64_t column[] = {t2m_dim(g, x, 0), 1};
    const t2m_value pair[] = {x, t2m_fill(g, bias_input, 2, column)};
    return t2m_concat(g, 1, pair, 2);
}

/* With few examples the weights are w = x' a, and a is found: its kernel x x' stands for x. */
struct nn_logistic nn_logistic_fit(t2m_graph *g, t2m_value x, t2m_value member, int steps)
{
    const int64_t n = t2m_dim(g, x, 0), features = t2m_dim(g, x, 1),
                  classes = t2m_dim(g, member, 1);
    const bool few = n <= features;
    const int64_t size = few ? n : features + 1, dim[] = {size, classes};
    const t2m_value rows = with_bias(g, x), gram = t2m_matmul_t(g, rows, !few, rows, few),
                    inverse = t2m_solve_spd(g, t2m_axpy(g, 0.5, gram, identity(g, size)),
                                            identity(g, size)),
                    design = few ? gram : rows;
    t2m_value before = t2m_fill(g, 0, 2, dim), w = before;
    for (int i = 0; i < steps; i++) {
        const t2m_value at = t2m_axpy(g, i / (i + 3.0), t2m_sub(g, w, before), w);
        const t2m_value off = t2m_sub(g, t2m_softmax(g, t2m_matmul(g, design, at)), member);
        const t2m_value slope = t2m_add(g, few ? off : t2m_matmul_t(g, rows, true, off, false), at);
        before = w;
        w = t2m_sub(g, at, t2m_matmul(g, inverse, slope));
    }
    if (few)
        w = t2m_matmul_t(g, rows, true, w, false);
    return (struct nn_logistic){
        t2m_slice(g, w, 0, 0, features),
        t2m_scale(g, bias_input, t2m_reshape(g, t2m_slice(g, w, 0, features, 1), 1, &classes))};
}
