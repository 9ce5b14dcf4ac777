/* new_structure.c: a structure of one's own on graph.h: a residual net, y = h + tanh(h w), trained
 * by plain gradient descent on XOR. */
#include <math.h>
#include <stdio.h>

#include "task2model/graph.h"

enum { WIDTH = 8, NUMEL = 3 * WIDTH + WIDTH * WIDTH + WIDTH, STEPS = 1500 };

static t2m_value take(t2m_graph *g, t2m_value m, int64_t at, int64_t rows, int64_t columns)
{
    const int64_t dim[] = {rows, columns};
    return t2m_reshape(g, t2m_slice(g, m, 0, at, rows * columns), 2, dim);
}

static t2m_value residual_net(t2m_graph *g, t2m_value m, t2m_value x)
{
    t2m_value h = t2m_tanh(g, t2m_matmul(g, x, take(g, m, 0, 3, WIDTH)));
    const t2m_value inner = t2m_matmul(g, h, take(g, m, 3 * WIDTH, WIDTH, WIDTH));
    h = t2m_add(g, h, t2m_tanh(g, inner)); /* the residual layer */
    return t2m_matmul(g, h, take(g, m, 3 * WIDTH + WIDTH * WIDTH, WIDTH, 1));
}

int main(void)
{
    t2m *lib;
    t2m_graph *g;
    t2m_plan *plan;
    t2m_workspace *w;
    const int64_t numel = NUMEL, inputs[] = {4, 3}, targets[] = {4, 1};
    /* the third column is 1: a bias */
    const float x[] = {-1, -1, 1, -1, 1, 1, 1, -1, 1, 1, 1, 1}, y[] = {-1, 1, 1, -1};
    float m[NUMEL], next[NUMEL], loss = 0;
    if (t2m_open(&lib, NULL, NULL) != T2M_OK || t2m_graph_new(lib, &g) != T2M_OK)
        return 1;
    const t2m_value in[] = {t2m_input(g, "m", 1, &numel), t2m_input(g, "x", 2, inputs),
                            t2m_input(g, "y", 2, targets)};
    const t2m_value error = t2m_sub(g, residual_net(g, in[0], in[1]), in[2]);
    const t2m_value mean = t2m_mean_all(g, t2m_square(g, error));
    const t2m_value out[] = {t2m_axpy(g, -0.1, t2m_grad(g, mean, in[0]), in[0]), mean};
    if (t2m_compile(g, in, 3, out, 2, NULL, &plan) != T2M_OK ||
        t2m_workspace_new(plan, &w) != T2M_OK) {
        fprintf(stderr, "%s\n", t2m_errmsg(lib));
        return 1;
    }
    for (int i = 0; i < NUMEL; i++)
        m[i] = (float)(0.5 * sin(7.7 * i + 1));
    for (int step = 0; step < STEPS; step++) {
        const void *const from[] = {m, x, y};
        void *const to[] = {next, &loss};
        t2m_run(plan, w, from, to);
        for (int i = 0; i < NUMEL; i++)
            m[i] = next[i];
        if (step % 300 == 0)
            printf("step %4d  loss %.5f\n", step, loss);
    }
    printf("step %4d  loss %.5f\n", STEPS, loss);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(g);
    t2m_close(lib);
    return loss < 0.01F ? 0 : 1;
}
