/* tune.h: step 5, gradient steps on the support set, in graph, so learning goes through them. */
#pragma once
#include "nn/nn.h"

struct tuning {
    /* Loss on the support set as a function of the numbers that are tuned. */
    t2m_value (*loss)(t2m_graph *g, void *ctx, t2m_value x);
    void *ctx;
    int steps;
    t2m_value rate;   /* [] or the shape of what is tuned (Li et al. 2017, Meta-SGD) */
    bool first_order; /* gradients of the steps are taken as constants (Finn et al. 2017, 5.2) */
};
/* x after `steps` steps of x <- x - rate * gradient (Finn et al. 2017, equation 1). */
t2m_value tune_run(t2m_graph *g, const struct tuning *t, t2m_value x);
