/* check_gradient.c: a new function made of ops, and its first and second derivative checked against
 * central differences in double. The function: the GELU by its tanh formula (Hendrycks 2016). */
#include <math.h>
#include <stdio.h>

#include "task2model/graph.h"

static t2m_value gelu(t2m_graph *g, t2m_value x)
{
    const t2m_value cubic = t2m_axpy(g, 0.044715, t2m_mul(g, x, t2m_square(g, x)), x);
    const t2m_value t = t2m_tanh(g, t2m_scale(g, 0.7978845608028654, cubic));
    return t2m_scale(g, 0.5, t2m_mul(g, x, t2m_add(g, t2m_constant(g, 1), t)));
}

static double run(const t2m_plan *plan, t2m_workspace *w, double x, double out[3])
{
    const void *const in[] = {&x};
    void *const to[] = {&out[0], &out[1], &out[2]};
    t2m_run(plan, w, in, to);
    return out[0];
}

int main(void)
{
    t2m *lib;
    t2m_graph *g;
    t2m_plan *plan;
    t2m_workspace *w;
    t2m_plan_options options = T2M_PLAN_OPTIONS_INIT;
    double worst = 0;
    options.precision = T2M_F64;
    if (t2m_open(&lib, NULL, NULL) != T2M_OK || t2m_graph_new(lib, &g) != T2M_OK)
        return 1;
    const t2m_value x = t2m_input(g, "x", 0, NULL), y = gelu(g, x), dy = t2m_grad(g, y, x);
    const t2m_value out[] = {y, dy, t2m_grad(g, dy, x)};
    if (t2m_compile(g, &x, 1, out, 3, &options, &plan) != T2M_OK ||
        t2m_workspace_new(plan, &w) != T2M_OK) {
        fprintf(stderr, "%s\n", t2m_errmsg(lib));
        return 1;
    }
    for (double at = -3; at <= 3; at += 0.25) {
        double here[3], up[3], down[3];
        const double h = 1e-5;
        run(plan, w, at, here);
        run(plan, w, at + h, up);
        run(plan, w, at - h, down);
        worst = fmax(worst, fabs((up[0] - down[0]) / (2 * h) - here[1]));
        worst = fmax(worst, fabs((up[1] - down[1]) / (2 * h) - here[2]));
    }
    printf("largest difference of first and second derivative: %.1e\n", worst);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(g);
    t2m_close(lib);
    return worst < 1e-8 ? 0 : 1;
}
