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
    t2m_value *after; /* [steps] out: x after each step; NULL: not wanted */
};
/* x after `steps` steps of x <- x - rate * gradient (Finn et al. 2017, equation 1). */
t2m_value tune_run(t2m_graph *g, const struct tuning *t, t2m_value x);
/* The gradient of the loss at x, a value of any kind. */
t2m_value tune_gradient(t2m_graph *g, const struct tuning *t, t2m_value x);
/* The one of x[n], all of one shape [..], whose score[n], of shape [], is lowest; the first of
 * equals.
 */
t2m_value tune_choose(t2m_graph *g, const t2m_value *x, const t2m_value *score, size_t n);
