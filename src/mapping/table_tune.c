/* table_tune.c: steps of tuning on the rows that are left out. */
#include "mapping/table_tune.h"

#include <math.h>

static const double rate = 0.7 /* of a step, in logarithms */,
                    hold = 0.7 /* of half the squared way from the beginning, beside all rows */,
                    keep = 0.8, keep_square = 0.95, floor_part = 0.1,
                    least_penalty = 1e-5; /* of the sum of the eigenvalues */

/* Adam's two moments of each knob. */
struct moments {
    t2m_value first[TABLE_KNOBS], second[TABLE_KNOBS];
};

static t2m_value scalar(t2m_graph *g, t2m_value x)
{
    return t2m_reshape(g, x, 0, NULL);
}

t2m_value table_penalty(t2m_graph *g, t2m_value gram, t2m_value knob)
{
    const int64_t n = t2m_dim(g, gram, 0);
    const t2m_value eye = nn_identity(g, n), trace = t2m_sum_all(g, t2m_mul(g, gram, eye));
    return t2m_axpy(g, least_penalty, t2m_stop_gradient(g, trace), scalar(g, knob));
}

/* plain * its factor + kernel + penalty on the diagonal. A gradient passes through one of the two
 * rows of a distance only: twice that is the whole, where the gradient is symmetric. */
static t2m_value system_of(t2m_graph *g, const struct table_tuning *t, const t2m_value *knob)
{
    const t2m_value plain = t2m_mul(g, scalar(g, knob[KNOB_PLAIN]), t->plain),
                    x = nn_kernel_scale(g, t->places, knob[KNOB_METRIC]),
                    kernel = nn_kernel_scaled(g, x, t2m_stop_gradient(g, x), knob[KNOB_AMPLITUDE]),
                    eye = nn_identity(g, t2m_dim(g, x, 1)), gram = t2m_add(g, plain, kernel);
    return t2m_madd(g, table_penalty(g, gram, knob[KNOB_PENALTY]), eye, gram);
}

/* With b = system^-1, a = b y and d the diagonal of b, row i left out is a_i / d_i off; of the mean
 * square of that, the gradient with respect to the system: -b (p y' + diag q) b, p with respect to
 * a, q to d. */
static t2m_value slope_of(t2m_graph *g, const struct table_tuning *t, t2m_value system)
{
    const int64_t n = t2m_dim(g, system, 0), column[] = {n, 1};
    const t2m_value b = t2m_inverse_spd(g, system), a = t2m_matmul(g, b, t->targets),
                    d = t2m_reshape(g, nn_diagonal(g, b), 2, column), off = t2m_div(g, a, d),
                    p = t2m_scale(g, 4 / (double)n, t2m_div(g, off, d)),
                    q = t2m_neg(g, t2m_reshape(g, t2m_sum(g, t2m_mul(g, p, off), 1, 1), 2, column)),
                    one = t2m_matmul_t(g, t2m_matmul(g, b, p), false, a, true),
                    symmetric = t2m_scale(g, 0.5, t2m_add(g, one, t2m_swap(g, one)));
    return t2m_neg(g, t2m_add(g, symmetric, t2m_matmul(g, b, t2m_mul(g, b, q))));
}

/* Slopes with respect to the logarithms of the knobs. */
static void slopes(t2m_graph *g, const struct table_tuning *t, const t2m_value *knob,
                   const t2m_value *begin, t2m_value out[TABLE_KNOBS])
{
    const t2m_value system = system_of(g, t, knob);
    t2m_vjp(g, system, slope_of(g, t, system), knob, TABLE_KNOBS, out);
    for (int k = 0; k < TABLE_KNOBS; k++) {
        const t2m_value moved = t2m_log(g, t2m_div(g, knob[k], begin[k])),
                        own = t2m_mul(g, out[k], knob[k]);
        out[k] = t2m_axpy(g, hold / (double)t2m_dim(g, system, 0), moved,
                          t2m_scale(g, k == KNOB_METRIC ? 2 : 1, own));
    }
}

/* A step's direction; a knob with a much smaller slope than its like moves less. */
static t2m_value direction(t2m_graph *g, struct moments *m, int k, int step, t2m_value slope)
{
    m->first[k] = step ? t2m_axpy(g, keep, m->first[k], t2m_scale(g, 1 - keep, slope))
                       : t2m_scale(g, 1 - keep, slope);
    const t2m_value square = t2m_scale(g, 1 - keep_square, t2m_square(g, slope));
    m->second[k] = step ? t2m_axpy(g, keep_square, m->second[k], square) : square;
    const double of_first = 1 / (1 - pow(keep, step + 1)),
                 of_second = 1 / (1 - pow(keep_square, step + 1));
    const t2m_value sure = t2m_constant(g, 1e-30),
                    each = t2m_sqrt(g, t2m_axpy(g, of_second, m->second[k], sure)),
                    like = t2m_sqrt(g, t2m_axpy(g, of_second, t2m_mean_all(g, m->second[k]), sure));
    return t2m_div(g, t2m_scale(g, of_first, m->first[k]), t2m_axpy(g, floor_part, like, each));
}

void table_tune(t2m_graph *g, const struct table_tuning *t, t2m_value knob[TABLE_KNOBS])
{
    struct moments m;
    t2m_value begin[TABLE_KNOBS], slope[TABLE_KNOBS];
    for (int k = 0; k < TABLE_KNOBS; k++)
        begin[k] = knob[k];
    for (int step = 0; step < t->steps; step++) {
        slopes(g, t, knob, begin, slope);
        for (int k = 0; k < TABLE_KNOBS; k++) {
            const t2m_value way = direction(g, &m, k, step, slope[k]);
            knob[k] = t2m_mul(g, knob[k], t2m_exp(g, t2m_scale(g, -rate, way)));
        }
    }
    for (int k = 0; k < TABLE_KNOBS; k++)
        knob[k] = t2m_stop_gradient(g, knob[k]);
}
