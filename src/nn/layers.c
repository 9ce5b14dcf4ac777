/* layers.c: layers and losses, each a few lines of graph. */
#include "nn/nn.h"

#include <math.h>

t2m_value nn_linear(t2m_graph *g, t2m_value x, t2m_value w, t2m_value b)
{
    return t2m_add(g, t2m_matmul(g, x, w), b);
}

/* The variance about a fixed centre, less the square of the mean's distance from it: that is 0, and
 * so is its gradient, but with it gradients of any order are those of the variance, and none needs
 * another sum over x. */
void nn_statistics(t2m_graph *g, t2m_value x, t2m_value *mean, t2m_value *var)
{
    const int axes = t2m_rank(g, x) - 1;
    *mean = t2m_mean(g, x, 0, axes);
    const t2m_value centre = t2m_stop_gradient(g, *mean);
    const t2m_value about = t2m_mean(g, t2m_square(g, t2m_sub(g, x, centre)), 0, axes);
    *var = t2m_sub(g, about, t2m_square(g, t2m_sub(g, *mean, centre)));
}

t2m_value nn_normalise(t2m_graph *g, t2m_value x, t2m_value mean, t2m_value var, t2m_value gamma,
                       t2m_value beta)
{
    const t2m_value scale =
        t2m_mul(g, gamma, t2m_rsqrt(g, t2m_add(g, var, t2m_constant(g, NN_EPSILON))));
    return t2m_madd(g, t2m_sub(g, x, mean), scale, beta);
}

t2m_value nn_standard_rows(t2m_graph *g, t2m_value x, double epsilon)
{
    const int64_t n = t2m_dim(g, x, -1);
    const t2m_value centred = t2m_sub(g, x, t2m_broadcast(g, t2m_mean(g, x, 1, 1), 1, n));
    const t2m_value var = t2m_mean(g, t2m_square(g, centred), 1, 1);
    const t2m_value scale = t2m_rsqrt(g, t2m_add(g, var, t2m_constant(g, epsilon)));
    return t2m_mul(g, centred, t2m_broadcast(g, scale, 1, n));
}

t2m_value nn_to_length(t2m_graph *g, t2m_value x, t2m_value length)
{
    const double tiny = 1e-9; /* keeps the slope of the root finite */
    const int axis = t2m_rank(g, x) - 1;
    const t2m_value squares = t2m_sum(g, t2m_square(g, x), axis, 1),
                    by = t2m_mul(g, t2m_rsqrt(g, t2m_add(g, squares, t2m_constant(g, tiny))),
                                 length);
    return t2m_mul(g, x, t2m_broadcast(g, by, axis, t2m_dim(g, x, axis)));
}

static t2m_value reshape_like(t2m_graph *g, t2m_value x, t2m_value like)
{
    int64_t dim[T2M_MAX_RANK];
    for (int i = 0; i < t2m_rank(g, like); i++)
        dim[i] = t2m_dim(g, like, i);
    return t2m_reshape(g, x, t2m_rank(g, like), dim);
}

t2m_value nn_layer_norm(t2m_graph *g, t2m_value x, t2m_value gamma, t2m_value beta)
{
    const int64_t rows[] = {t2m_dim(g, x, 0), -1};
    const t2m_value y = nn_standard_rows(g, t2m_reshape(g, x, 2, rows), NN_EPSILON);
    return t2m_madd(g, reshape_like(g, y, x), gamma, beta);
}

/* The mean of x [n, pixels, channels] over the pixels and each group's channels, [n, 1, channels].
 */
static t2m_value group_mean(t2m_graph *g, t2m_value x, int64_t groups)
{
    const int64_t n = t2m_dim(g, x, 0), channels = t2m_dim(g, x, 2),
                  split[] = {n, groups, channels / groups}, back[] = {n, 1, channels};
    const t2m_value mean = t2m_mean(g, t2m_reshape(g, t2m_mean(g, x, 1, 1), 3, split), 2, 1);
    return t2m_reshape(g, t2m_broadcast(g, mean, 2, channels / groups), 3, back);
}

/* The variance as in nn_statistics. */
t2m_value nn_group_norm(t2m_graph *g, t2m_value x, int64_t groups, t2m_value gamma, t2m_value beta)
{
    const int64_t n = t2m_dim(g, x, 0), channels = t2m_dim(g, x, 3), flat[] = {n, -1, channels};
    if (groups < 1 || channels % groups)
        return t2m_graph_fail(g, "group_norm: %lld channels do not make %lld equal groups",
                              (long long)channels, (long long)groups);
    const t2m_value rows = t2m_reshape(g, x, 3, flat), mean = group_mean(g, rows, groups),
                    centre = t2m_stop_gradient(g, mean),
                    about = group_mean(g, t2m_square(g, t2m_sub(g, rows, centre)), groups),
                    var = t2m_sub(g, about, t2m_square(g, t2m_sub(g, mean, centre)));
    return reshape_like(g, nn_normalise(g, rows, mean, var, gamma, beta), x);
}

t2m_value nn_attention(t2m_graph *g, const struct nn_attention *a)
{
    const double scale = 1 / sqrt((double)t2m_dim(g, a->q, -1));
    t2m_value logits = t2m_scale(g, scale, t2m_matmul_t(g, a->q, false, a->k, true));
    if (a->bias.id)
        logits = t2m_add(g, logits, a->bias);
    return t2m_matmul(g, t2m_softmax(g, logits), a->v);
}

/* ---- losses ---- */

t2m_value nn_squared_error(t2m_graph *g, t2m_value y, t2m_value target)
{
    return t2m_mean_all(g, t2m_square(g, t2m_sub(g, y, target)));
}

t2m_value nn_cross_entropy(t2m_graph *g, t2m_value logits, t2m_value labels)
{
    const t2m_value truth = t2m_one_hot(g, labels, t2m_dim(g, logits, -1));
    const t2m_value picked = t2m_mul(g, t2m_log_softmax(g, logits), truth);
    const int64_t n = t2m_dim(g, logits, 0);
    return t2m_scale(g, n > 0 ? -1.0 / (double)n : 0, t2m_sum_all(g, picked));
}

t2m_value nn_binary_cross_entropy(t2m_graph *g, t2m_value logits, t2m_value targets)
{
    return t2m_mean_all(g, t2m_sub(g, t2m_softplus(g, logits), t2m_mul(g, logits, targets)));
}

t2m_value nn_gaussian_likelihood(t2m_graph *g, t2m_value mean, t2m_value log_sd, t2m_value target)
{
    const double half_log_two_pi = 0.91893853320467274178;
    const t2m_value z = t2m_mul(g, t2m_sub(g, target, mean), t2m_exp(g, t2m_neg(g, log_sd)));
    const t2m_value nll = t2m_axpy(g, 0.5, t2m_square(g, z), log_sd);
    return t2m_mean_all(g, t2m_add(g, nll, t2m_constant(g, half_log_two_pi)));
}

t2m_value nn_identity(t2m_graph *g, int64_t n)
{
    return t2m_one_hot(g, t2m_iota(g, n), n);
}

t2m_value nn_diagonal(t2m_graph *g, t2m_value square)
{
    return t2m_sum(g, t2m_mul(g, square, nn_identity(g, t2m_dim(g, square, 0))), 1, 1);
}

t2m_value nn_kernel_scaled(t2m_graph *g, t2m_value x, t2m_value y, t2m_value amplitude)
{
    const int64_t per_pair[] = {NN_METRICS, 1, 1};
    const t2m_value near = t2m_exp(g, t2m_neg(g, t2m_distance(g, x, y)));
    return t2m_sum(g, t2m_mul(g, near, t2m_reshape(g, amplitude, 3, per_pair)), 0, 1);
}

t2m_value nn_kernel_scale(t2m_graph *g, t2m_value rows, t2m_value metric)
{
    const int64_t n = t2m_dim(g, rows, 0), columns = t2m_dim(g, rows, 1),
                  per_row[] = {NN_METRICS, 1, columns}, all[] = {1, n, columns};
    return t2m_mul(g, t2m_reshape(g, rows, 3, all), t2m_reshape(g, metric, 3, per_row));
}

t2m_value nn_kernel(t2m_graph *g, t2m_value a, t2m_value b, t2m_value metric, t2m_value amplitude)
{
    return nn_kernel_scaled(g, nn_kernel_scale(g, a, metric), nn_kernel_scale(g, b, metric),
                            amplitude);
}
