/* logistic.c: multinomial logistic regression as a graph value, so learning goes through it. */
#include "nn/nn.h"

#include <math.h>

/* Of the sum of the eigenvalues, added to the bound, which stays one: its inverse in float is then
 * good however large the kernel is. */
static const double sure = 1e-5;

/* Of logits f [n, classes] and the examples' weights a, own [n] being the diagonal of the inverse
 * of 1 + gram / 2: ridge regression on f + 2 a, the noise being that of the bound, with each left
 * out.
 */
static t2m_value leave_out(t2m_graph *g, t2m_value f, t2m_value a, t2m_value own)
{
    const int64_t column[] = {-1, 1};
    const t2m_value least = t2m_max(g, own, t2m_constant(g, 1e-6)), /* above 0 but for rounding */
        part = t2m_sub(g, t2m_recip(g, least), t2m_constant(g, 1));
    return t2m_sub(g, f, t2m_scale(g, 2, t2m_mul(g, a, t2m_reshape(g, part, 2, column))));
}

struct nn_logistic nn_logistic_kernel(t2m_graph *g, t2m_value gram, t2m_value member, int steps)
{
    const int64_t n = t2m_dim(g, member, 0), dim[] = {n, t2m_dim(g, member, 1)};
    const t2m_value eye = nn_identity(g, n),
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
    return (struct nn_logistic){a,
                                leave_out(g, t2m_matmul(g, gram, a), a, nn_diagonal(g, inverse))};
}

/* Logarithms of the classes' shares, of half a row more each [1, classes] (Krichevsky and Trofimov
 * 1981). */
static t2m_value log_shares(t2m_graph *g, t2m_value member)
{
    const int64_t n = t2m_dim(g, member, 0), classes = t2m_dim(g, member, 1);
    const t2m_value rows = t2m_add(g, t2m_sum(g, member, 0, 1), t2m_constant(g, 0.5));
    return t2m_log(g, t2m_scale(g, 1 / ((double)n + 0.5 * (double)classes), rows));
}

struct nn_calibration nn_calibrate(t2m_graph *g, t2m_value logits, t2m_value member)
{
    enum { FACTORS = 15, MIDDLE = FACTORS / 2 };
    const double likely = -0.2, width = 0.3; /* before: in logarithms, its mean and deviation */
    const t2m_value shares = log_shares(g, member), beyond = t2m_sub(g, logits, shares);
    t2m_value score[FACTORS], sum = t2m_constant(g, 0);
    for (int k = 0; k < FACTORS; k++) {
        const double log_factor = 0.1 * (k - MIDDLE);
        const t2m_value log_p = t2m_log_softmax(g, t2m_axpy(g, exp(log_factor), beyond, shares)),
                        right = t2m_sum_all(g, t2m_mul(g, log_p, member));
        score[k] = t2m_reshape(
            g, t2m_axpy(g, -0.5, t2m_constant(g, pow((log_factor - likely) / width, 2)), right), 1,
            (int64_t[]){1});
    }
    const t2m_value part = t2m_softmax(g, t2m_concat(g, 0, score, FACTORS));
    for (int k = 0; k < FACTORS; k++)
        sum = t2m_axpy(g, 0.1 * (k - MIDDLE), t2m_slice(g, part, 0, k, 1), sum);
    const t2m_value factor = t2m_exp(g, t2m_reshape(g, sum, 0, NULL));
    return (struct nn_calibration){factor, t2m_sub(g, shares, t2m_mul(g, factor, shares))};
}

struct nn_logistic nn_logistic_features(t2m_graph *g, t2m_value x, t2m_value member,
                                        t2m_value penalty, int steps)
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
    const t2m_value f = t2m_matmul(g, x, w), a = t2m_sub(g, member, t2m_softmax(g, f)),
                    leverage = t2m_sum(g, t2m_mul(g, t2m_matmul(g, x, inverse), x), 1, 1),
                    own = t2m_sub(g, t2m_constant(g, 1), t2m_scale(g, 0.5, leverage));
    return (struct nn_logistic){w, leave_out(g, f, a, own)};
}
