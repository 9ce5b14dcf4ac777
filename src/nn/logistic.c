/* logistic.c: multinomial logistic regression as a graph value, so learning goes through it. */
#include "nn/nn.h"

/* Of the sum of the eigenvalues, added to the bound, which stays one: its inverse in float is then
 * good however large the kernel is. */
static const double sure = 1e-5;

t2m_value nn_logistic_kernel(t2m_graph *g, t2m_value gram, t2m_value member, int steps)
{
    const int64_t n = t2m_dim(g, member, 0), dim[] = {n, t2m_dim(g, member, 1)};
    const t2m_value eye = t2m_one_hot(g, t2m_iota(g, n), n),
                    trace = t2m_stop_gradient(g, t2m_sum_all(g, t2m_mul(g, gram, eye))),
                    more = t2m_axpy(g, sure, trace, t2m_constant(g, 1)),
                    inverse = t2m_inverse_spd(g, t2m_axpy(g, 0.5, gram, t2m_mul(g, more, eye)));
    t2m_value before = t2m_fill(g, 0, 2, dim), a = before;
    for (int i = 0; i < steps; i++) {
        const t2m_value at = t2m_axpy(g, i / (i + 3.0), t2m_sub(g, a, before), a);
        const t2m_value off = t2m_sub(g, t2m_softmax(g, t2m_matmul(g, gram, at)), member);
        before = a;
        a = t2m_sub(g, at, t2m_matmul(g, inverse, t2m_add(g, off, at)));
    }
    return a;
}

t2m_value nn_logistic_features(t2m_graph *g, t2m_value x, t2m_value member, t2m_value penalty,
                               int steps)
{
    const int64_t features = t2m_dim(g, x, 1), dim[] = {features, t2m_dim(g, member, 1)};
    const t2m_value bound = t2m_axpy(g, 0.5, t2m_matmul_t(g, x, true, x, false), penalty),
                    inverse = t2m_inverse_spd(g, bound);
    t2m_value before = t2m_fill(g, 0, 2, dim), w = before;
    for (int i = 0; i < steps; i++) {
        const t2m_value at = t2m_axpy(g, i / (i + 3.0), t2m_sub(g, w, before), w);
        const t2m_value off = t2m_sub(g, t2m_softmax(g, t2m_matmul(g, x, at)), member);
        const t2m_value slope =
            t2m_add(g, t2m_matmul_t(g, x, true, off, false), t2m_matmul(g, penalty, at));
        before = w;
        w = t2m_sub(g, at, t2m_matmul(g, inverse, slope));
    }
    return w;
}
