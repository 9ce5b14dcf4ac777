/* ridge.c: ridge regression in closed form, and what it would have said of each example without it.
 */
#include "nn/nn.h"

/* [n] divides each row of [n, outputs]. */
static t2m_value by_row(t2m_graph *g, t2m_value x, t2m_value divisor)
{
    return t2m_mul(g, x, t2m_broadcast(g, t2m_recip(g, divisor), 1, t2m_dim(g, x, 1)));
}

/* With a = K^-1 y and d the diagonal of K^-1: example i without it is a_i / d_i off, and was
 * expected to be off by the root of s / d_i, where the mean of a_i^2 / d_i is the likeliest s. */
static void leave_out(t2m_graph *g, t2m_value y, t2m_value a, t2m_value d, struct nn_ridge *r)
{
    const t2m_value square = t2m_mean(g, by_row(g, t2m_square(g, a), d), 1, 1);
    const t2m_value scale = t2m_add(g, t2m_mean_all(g, square), t2m_constant(g, 1e-12));
    const t2m_value log_variance = t2m_sub(g, t2m_log(g, scale), t2m_log(g, d));
    r->left_out = t2m_sub(g, y, by_row(g, a, d));
    r->surprise = t2m_scale(g, 0.5, t2m_add(g, log_variance, t2m_div(g, square, scale)));
}

/* a = (gram + penalty)^-1 y (Rasmussen and Williams 2006, equations 5.10 to 5.12). */
static t2m_value by_kernel(t2m_graph *g, t2m_value gram, t2m_value y, t2m_value penalty,
                           struct nn_ridge *r)
{
    const t2m_value k = t2m_madd(g, penalty, nn_identity(g, t2m_dim(g, y, 0)), gram);
    const t2m_value inverse = t2m_inverse_spd(g, k), a = t2m_matmul(g, inverse, y);
    leave_out(g, y, a, nn_diagonal(g, inverse), r);
    return a;
}

/* K = x x' + penalty; w = x' K^-1 y */
static t2m_value few_examples(t2m_graph *g, t2m_value x, t2m_value y, t2m_value penalty,
                              struct nn_ridge *r)
{
    const t2m_value gram = t2m_matmul_t(g, x, false, x, true);
    return t2m_matmul_t(g, x, true, by_kernel(g, gram, y, penalty, r), false);
}

/* w = A^-1 x' y with A = x' x + penalty [features, features]; the error of the fit [n, outputs],
 * and 1 - x_i' A^-1 x_i [n]: the error without an example is the first over the second (Allen 1974,
 * PRESS). */
struct fit {
    t2m_value weight, error, rest;
};

static struct fit by_features(t2m_graph *g, t2m_value x, t2m_value y, t2m_value penalty)
{
    const t2m_value turned = t2m_swap(g, x),
                    a = t2m_add(g, penalty, t2m_matmul_t(g, x, true, x, false)),
                    w = t2m_solve_spd(g, a, t2m_matmul_t(g, x, true, y, false)),
                    leverage = t2m_sum(g, t2m_mul(g, t2m_solve_spd(g, a, turned), turned), 0, 1);
    return (struct fit){w, t2m_sub(g, y, t2m_matmul(g, x, w)),
                        t2m_max(g, t2m_sub(g, t2m_constant(g, 1), leverage),
                                t2m_constant(g, 1e-6))}; /* 0 but for rounding */
}

/* The same as by a kernel K: penalty K^-1 y is the error of the fit, and the diagonal of penalty
 * K^-1 is what the error is divided by. */
static t2m_value many_examples(t2m_graph *g, t2m_value x, t2m_value y, t2m_value penalty,
                               struct nn_ridge *r)
{
    const t2m_value per = t2m_recip(g, penalty);
    const struct fit f =
        by_features(g, x, y, t2m_mul(g, penalty, nn_identity(g, t2m_dim(g, x, 1))));
    leave_out(g, y, t2m_mul(g, f.error, per), t2m_mul(g, f.rest, per), r);
    return f.weight;
}

t2m_value nn_with_one(t2m_graph *g, t2m_value x)
{
    const int64_t column[] = {t2m_dim(g, x, 0), 1};
    const t2m_value pair[] = {x, t2m_fill(g, 1, 2, column)};
    return t2m_concat(g, 1, pair, 2);
}

static t2m_value as_column(t2m_graph *g, t2m_value x)
{
    const int64_t dim[] = {-1, 1};
    return t2m_reshape(g, x, 2, dim);
}

/* The prior turns into a plain ridge regression: of what the mean leaves, on inputs in its scales.
 */
struct nn_ridge nn_ridge_fit(t2m_graph *g, t2m_value x, t2m_value targets,
                             const struct nn_ridge_prior *prior)
{
    const int64_t n = t2m_dim(g, x, 0), features = t2m_dim(g, x, 1),
                  outputs = t2m_dim(g, targets, 1);
    const t2m_value penalty = t2m_exp(g, prior->log_penalty);
    const t2m_value scale = prior->mean.id ? t2m_exp(g, prior->log_scale) : t2m_constant(g, 1);
    const t2m_value rows = nn_with_one(g, x);
    const t2m_value foretold =
        prior->mean.id ? t2m_matmul(g, rows, as_column(g, prior->mean)) : t2m_constant(g, 0);
    struct nn_ridge r;
    t2m_value w = (n <= features ? few_examples : many_examples)(
        g, t2m_mul(g, rows, scale), t2m_sub(g, targets, foretold), penalty, &r);
    if (prior->mean.id) {
        w = t2m_madd(g, as_column(g, scale), w, as_column(g, prior->mean));
        r.left_out = t2m_add(g, r.left_out, foretold);
    }
    r.weight = t2m_slice(g, w, 0, 0, features);
    r.bias = t2m_reshape(g, t2m_slice(g, w, 0, features, 1), 1, &outputs);
    return r;
}

struct nn_ridge nn_ridge_kernel(t2m_graph *g, t2m_value gram, t2m_value targets,
                                t2m_value log_penalty)
{
    struct nn_ridge r = {0};
    r.weight = by_kernel(g, gram, targets, t2m_exp(g, log_penalty), &r);
    return r;
}

struct nn_ridge nn_ridge_features(t2m_graph *g, t2m_value x, t2m_value targets, t2m_value penalty)
{
    const struct fit f = by_features(g, x, targets, penalty);
    return (struct nn_ridge){.weight = f.weight,
                             .left_out = t2m_sub(g, targets, by_row(g, f.error, f.rest))};
}
