/* maml_by_hand.c: MAML as in the paper (Finn et al. 2017), written on graph.h: tune on the support
 * set, differentiate the query loss through the tuning, step. Tasks: sin(x + phase). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "task2model/graph.h"

enum { TASKS = 16, POINTS = 10, WIDTH = 24, NUMEL = 3 * WIDTH + 1, STEPS = 400 };

/* A net with one hidden layer: m holds w1 [1, WIDTH], b1 [WIDTH], w2 [WIDTH, 1], b2 [1]. */
static t2m_value loss(t2m_graph *g, t2m_value m, t2m_value x, t2m_value y)
{
    const int64_t row[] = {1, WIDTH}, column[] = {WIDTH, 1};
    t2m_value h = t2m_matmul(g, x, t2m_reshape(g, t2m_slice(g, m, 0, 0, WIDTH), 2, row));
    h = t2m_tanh(g, t2m_add(g, h, t2m_slice(g, m, 0, WIDTH, WIDTH)));
    h = t2m_matmul(g, h, t2m_reshape(g, t2m_slice(g, m, 0, 2 * WIDTH, WIDTH), 2, column));
    h = t2m_add(g, h, t2m_slice(g, m, 0, 3 * WIDTH, 1));
    return t2m_mean_all(g, t2m_square(g, t2m_sub(g, h, y)));
}

int main(void)
{
    t2m *lib;
    t2m_graph *g;
    t2m_plan *plan;
    t2m_workspace *w;
    const int64_t numel = NUMEL, one[] = {POINTS, 1}, all[] = {TASKS, POINTS, 1};
    static float m[NUMEL], next[NUMEL], x[2][TASKS * POINTS], y[2][TASKS * POINTS], value;
    if (t2m_open(&lib, NULL, NULL) != T2M_OK || t2m_graph_new(lib, &g) != T2M_OK)
        return 1;

    /* one task */
    t2m_value task[5] = {t2m_input(g, "m", 1, &numel)}, many[5], query, total;
    for (int i = 1; i < 5; i++)
        task[i] = t2m_input(g, "points", 2, one);
    t2m_value fast = task[0];
    for (int k = 0; k < 2; k++)
        fast = t2m_axpy(g, -0.1, t2m_grad(g, loss(g, fast, task[1], task[2]), fast), fast);
    query = loss(g, fast, task[3], task[4]);

    /* many tasks at once, and a step on the start m that they share */
    many[0] = task[0];
    for (int i = 1; i < 5; i++)
        many[i] = t2m_input(g, "tasks", 3, all);
    t2m_vmap(g, TASKS, task, many, 5, &query, &total, 1);
    total = t2m_mean_all(g, total);
    const t2m_value out[] = {t2m_axpy(g, -0.05, t2m_grad(g, total, many[0]), many[0]), total};
    if (t2m_compile(g, many, 5, out, 2, NULL, &plan) != T2M_OK ||
        t2m_workspace_new(plan, &w) != T2M_OK) {
        fprintf(stderr, "%s\n", t2m_errmsg(lib));
        return 1;
    }

    for (int i = 0; i < NUMEL; i++)
        m[i] = (float)(0.7 * sin(12.9 * i));
    for (int step = 0; step <= STEPS; step++) {
        for (int i = 0; i < 2 * TASKS * POINTS; i++) {
            const int set = i / (TASKS * POINTS), at = i % (TASKS * POINTS);
            x[set][at] = (float)(6.0 * rand() / RAND_MAX - 3);
            y[set][at] = sinf(x[set][at] + (float)(at / POINTS) * 0.4F);
        }
        const void *const in[] = {m, x[0], y[0], x[1], y[1]};
        void *const to[] = {next, &value};
        t2m_run(plan, w, in, to);
        for (int i = 0; i < NUMEL; i++)
            m[i] = next[i];
        if (step % 100 == 0)
            printf("step %3d  loss after two steps of tuning %.4f\n", step, value);
    }
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(g);
    t2m_close(lib);
    return value < 0.3F ? 0 : 1;
}
