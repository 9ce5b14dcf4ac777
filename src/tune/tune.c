/* tune.c: the inner loop. */
#include "tune/tune.h"

t2m_value tune_run(t2m_graph *g, const struct tuning *t, t2m_value x)
{
    int64_t dim[T2M_MAX_RANK];
    for (int i = 0; i < t2m_rank(g, x); i++)
        dim[i] = t2m_dim(g, x, i);
    const t2m_value at = t2m_input(g, "what is tuned", t2m_rank(g, x), dim),
                    slope = t2m_grad(g, t->loss(g, t->ctx, at), at);
    for (int i = 0; i < t->steps; i++) {
        t2m_value step;
        t2m_replay(g, &at, &x, 1, &slope, &step, 1);
        if (t->first_order)
            step = t2m_stop_gradient(g, step);
        x = t2m_madd(g, t2m_neg(g, t->rate), step, x);
    }
    return x;
}
