/* test_maml.c: MAML written by hand on the public graph.h: the exact second-order gradient through
 * several steps of tuning, against central differences in double and against stored values. */
#include "check.h"

enum {
    POINTS = 5,
    HIDDEN = 8,
    NUMEL = 1 * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN + 1
};

struct net {
    t2m_graph *g;
    t2m_value m, x_support, y_support, x_query, y_query;
};

static t2m_value slice(t2m_graph *g, t2m_value m, int64_t *at, int64_t rows, int64_t columns)
{
    const int64_t dim[] = {rows, columns};
    const t2m_value piece = t2m_slice(g, m, 0, *at, rows * columns);
    *at += rows * columns;
    return t2m_reshape(g, piece, 2, dim);
}

/* 1-8-8-1 with tanh */
static t2m_value loss(t2m_graph *g, t2m_value m, t2m_value x, t2m_value y)
{
    int64_t at = 0;
    t2m_value h = x;
    const int64_t size[] = {1, HIDDEN, HIDDEN, 1};
    for (int i = 0; i < 3; i++) {
        const t2m_value w = slice(g, m, &at, size[i], size[i + 1]);
        h = t2m_add(g, t2m_matmul(g, h, w), slice(g, m, &at, 1, size[i + 1]));
        h = i < 2 ? t2m_tanh(g, h) : h;
    }
    return t2m_mean_all(g, t2m_square(g, t2m_sub(g, h, y)));
}

static t2m_value tuned_loss(const struct net *n, int steps)
{
    t2m_value fast = n->m;
    for (int k = 0; k < steps; k++) {
        const t2m_value step = t2m_grad(n->g, loss(n->g, fast, n->x_support, n->y_support), fast);
        fast = t2m_axpy(n->g, -0.1, step, fast);
    }
    return loss(n->g, fast, n->x_query, n->y_query);
}

static void make(struct net *n, t2m *lib)
{
    const int64_t numel = NUMEL, rows[] = {POINTS, 1};
    assert_int_equal(t2m_graph_new(lib, &n->g), T2M_OK);
    n->m = t2m_input(n->g, "m", 1, &numel);
    n->x_support = t2m_input(n->g, "xs", 2, rows);
    n->y_support = t2m_input(n->g, "ys", 2, rows);
    n->x_query = t2m_input(n->g, "xq", 2, rows);
    n->y_query = t2m_input(n->g, "yq", 2, rows);
}

static void fill(double *m, double *xs, double *ys, double *xq, double *yq)
{
    for (int i = 0; i < NUMEL; i++)
        m[i] = 0.5 * sin(1.3 * i + 0.7);
    for (int i = 0; i < POINTS; i++) {
        xs[i] = -2 + i;
        ys[i] = sin(xs[i]);
        xq[i] = -1.5 + i;
        yq[i] = sin(xq[i]);
    }
}

/* The gradient of 5 steps agrees with central differences to 1e-8. */
static void differences(void **state)
{
    t2m *lib = check_open(NULL, 1);
    struct net n;
    double m[NUMEL], xs[POINTS], ys[POINTS], xq[POINTS], yq[POINTS];
    (void)state;
    make(&n, lib);
    fill(m, xs, ys, xq, yq);
    const t2m_value in[] = {n.m, n.x_support, n.y_support, n.x_query, n.y_query},
                    y = tuned_loss(&n, 5);
    double *const x[] = {m, xs, ys, xq, yq};
    double *gradient = check_run(lib, n.g, in, x, 5, t2m_grad(n.g, y, n.m), T2M_F64, false);
    for (int i = 0; i < NUMEL; i++) {
        const double keep = m[i], h = 1e-3, step[] = {-2 * h, -h, h, 2 * h};
        double f[4];
        for (int k = 0; k < 4; k++) {
            m[i] = keep + step[k];
            double *v = check_run(lib, n.g, in, x, 5, y, T2M_F64, false);
            f[k] = *v;
            free(v);
        }
        m[i] = keep;
        const double slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
        assert_true(fabs(slope - gradient[i]) < 1e-8);
    }
    free(gradient);
    t2m_graph_free(n.g);
    t2m_close(lib);
}

/* The tasks of a vmap give the sum of the gradients of each alone; and with float numbers too. */
static void tasks_together(void **state)
{
    t2m *lib = check_open(NULL, 1);
    struct net n;
    enum { TASKS = 3 };
    double m[NUMEL], xs[TASKS * POINTS], ys[TASKS * POINTS], xq[TASKS * POINTS], yq[TASKS * POINTS];
    const int64_t rows[] = {TASKS, POINTS, 1};
    (void)state;
    make(&n, lib);
    fill(m, xs, ys, xq, yq);
    for (int i = 0; i < TASKS * POINTS; i++) {
        xs[i] = sin(i);
        ys[i] = cos(2 * i);
        xq[i] = cos(i);
        yq[i] = sin(3 * i);
    }
    const t2m_value one[] = {n.m, n.x_support, n.y_support, n.x_query, n.y_query},
                    y = tuned_loss(&n, 2);
    t2m_value many[5] = {n.m}, losses;
    for (int i = 1; i < 5; i++)
        many[i] = t2m_input(n.g, "tasks", 3, rows);
    t2m_vmap(n.g, TASKS, one, many, 5, &y, &losses, 1);
    const t2m_value together = t2m_grad(n.g, t2m_sum_all(n.g, losses), n.m),
                    alone = t2m_grad(n.g, y, n.m);
    double *const x[] = {m, xs, ys, xq, yq};
    double *all = check_run(lib, n.g, many, x, 5, together, T2M_F64, false);
    double *single = check_run(lib, n.g, many, x, 5, together, T2M_F32, false);
    double *plain = check_run(lib, n.g, many, x, 5, together, T2M_F32, true), sum[NUMEL] = {0};
    for (int t = 0; t < TASKS; t++) {
        double *const part[] = {m, xs + t * POINTS, ys + t * POINTS, xq + t * POINTS,
                                yq + t * POINTS};
        double *v = check_run(lib, n.g, one, part, 5, alone, T2M_F64, false);
        for (int i = 0; i < NUMEL; i++)
            sum[i] += v[i];
        free(v);
    }
    for (int i = 0; i < NUMEL; i++) {
        assert_true(fabs(sum[i] - all[i]) < 1e-12);
        assert_true(fabs(single[i] - all[i]) < 1e-4);
    }
    assert_memory_equal(single, plain,
                        NUMEL * sizeof *plain); /* planned = unplanned, bit for bit */
    free(all);
    free(single);
    free(plain);
    t2m_graph_free(n.g);
    t2m_close(lib);
}

/* The first mistake poisons the graph; compile says what and where. */
static void mistakes(void **state)
{
    t2m *lib = check_open(NULL, 1);
    t2m_graph *g;
    t2m_plan *plan = NULL;
    const int64_t a[] = {2, 3}, b[] = {4, 5};
    (void)state;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    t2m_scope(g, "my layer");
    const t2m_value x = t2m_input(g, "x", 2, a), y = t2m_matmul(g, x, t2m_input(g, "w", 2, b));
    t2m_scope(g, NULL);
    assert_int_equal(y.id, 0);
    assert_int_equal(t2m_exp(g, x).id, 0);
    assert_int_equal(t2m_compile(g, &x, 1, &y, 1, NULL, &plan), T2M_EUSAGE);
    assert_non_null(strstr(t2m_errmsg(lib), "my layer"));
    assert_non_null(strstr(t2m_errmsg(lib), "[2, 3] x [4, 5]"));
    t2m_graph_free(g);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value p = t2m_input(g, "p", 2, a), q = t2m_input(g, "forgotten", 2, a);
    const t2m_value sum = t2m_add(g, p, q);
    assert_int_equal(t2m_compile(g, &p, 1, &sum, 1, NULL, &plan), T2M_EUSAGE);
    assert_non_null(strstr(t2m_errmsg(lib), "forgotten"));
    t2m_graph_free(g);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK); /* a gradient that would miss a part */
    const t2m_value v = t2m_input(g, "v", 2, a), piece = t2m_slice(g, v, 1, 0, 2),
                    square = t2m_sum_all(g, t2m_square(g, t2m_slice(g, piece, 1, 0, 1)));
    assert_int_equal(t2m_grad(g, square, piece).id, 0);
    assert_int_equal(t2m_compile(g, &v, 1, &square, 1, NULL, &plan), T2M_EUSAGE);
    assert_non_null(strstr(t2m_errmsg(lib), "t2m_replay"));
    t2m_graph_free(g);
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(differences),
                                       cmocka_unit_test(tasks_together),
                                       cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
