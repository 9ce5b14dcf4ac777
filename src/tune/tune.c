/* tune.c: the inner loop. */
#include "tune/tune.h"

t2m_value tune_run(t2m_graph *g, const struct tuning *t, t2m_value x)
{
    for (int i = 0; i < t->steps; i++) {
        t2m_value step = t2m_grad(g, t->loss(g, t->ctx, x), x);
        if (t->first_order)
            step = t2m_stop_gradient(g, step);
        x = t2m_madd(g, t2m_neg(g, t->rate), step, x);
    }
    return x;
}
