/* tune.c: the inner loop, and the choice among its results. */
#include "tune/tune.h"

/* An input in the place of x, and the gradient there: a graph looks through values as it grows, so
 * a gradient is made at an input and replayed. */
static t2m_value slope_at(t2m_graph *g, const struct tuning *t, t2m_value x, t2m_value *at)
{
    int64_t dim[T2M_MAX_RANK];
    for (int i = 0; i < t2m_rank(g, x); i++)
        dim[i] = t2m_dim(g, x, i);
    *at = t2m_input(g, "what is tuned", t2m_rank(g, x), dim);
    return t2m_grad(g, t->loss(g, t->ctx, *at), *at);
}

t2m_value tune_gradient(t2m_graph *g, const struct tuning *t, t2m_value x)
{
    t2m_value at, slope = slope_at(g, t, x, &at), out;
    t2m_replay(g, &at, &x, 1, &slope, &out, 1);
    return out;
}

t2m_value tune_run(t2m_graph *g, const struct tuning *t, t2m_value x)
{
    t2m_value at, slope = slope_at(g, t, x, &at);
    for (int i = 0; i < t->steps; i++) {
        t2m_value step;
        t2m_replay(g, &at, &x, 1, &slope, &step, 1);
        if (t->first_order)
            step = t2m_stop_gradient(g, step);
        x = t2m_madd(g, t2m_neg(g, t->rate), step, x);
        if (t->after)
            t->after[i] = x;
    }
    return x;
}

t2m_value tune_choose(t2m_graph *g, const t2m_value *x, const t2m_value *score, size_t n)
{
    t2m_value best = x[0], lowest = score[0];
    for (size_t i = 1; i < n; i++) {
        const t2m_value better = t2m_less(g, score[i], lowest);
        best = t2m_select(g, better, x[i], best);
        lowest = t2m_select(g, better, score[i], lowest);
    }
    return best;
}
