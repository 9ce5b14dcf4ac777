/* test_regression.c: regression in closed form, of values and of classes, by features and by a
 * kernel: no slope is left at what is found, and what is said of a row without it is what a fit
 * without it says. */
#include "check.h"

#include "nn/nn.h"

enum { ROWS = 11, FEATURES = 6, OUTPUTS = 3, METRICS = NN_METRICS };

static void draw(uint64_t stream, double *x, size_t n)
{
    struct random r = random_stream(stream, 8, n);
    for (size_t i = 0; i < n; i++)
        x[i] = random_normal(&r);
}

/* a' a + identity [n, n] */
static void draw_positive(uint64_t stream, double *p, size_t n)
{
    double a[ROWS * ROWS];
    draw(stream, a, n * n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            p[i * n + k] = i == k;
            for (size_t j = 0; j < n; j++)
                p[i * n + k] += a[j * n + i] * a[j * n + k];
        }
}

/* row[a] . w[, b] */
static double product(const double *row, const double *w, size_t n, size_t outputs, size_t b)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += row[k] * w[k * outputs + b];
    return sum;
}

/* Row `out` and, of a square matrix, column `out` are left out; returns the rows that are left. */
static size_t without(const double *x, size_t rows, size_t columns, size_t out, bool square,
                      double *to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            if (i != out && !(square && k == out))
                *to++ = x[i * columns + k];
    return rows - 1;
}

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

/* ---- the kernel ---- */

static void the_kernel_is_a_sum_over_metrics(void **state)
{
    enum { N = 4, M = 5, C = 3 };
    double a[N * C], b[M * C], metric[METRICS * C], amplitude[METRICS] = {0.7, 2};
    t2m_graph *g;
    draw(1, a, N * C);
    draw(2, b, M * C);
    draw(3, metric, METRICS * C);
    for (size_t i = 0; i < METRICS * C; i++)
        metric[i] = fabs(metric[i]);
    assert_int_equal(t2m_graph_new(*state, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "a", 2, (int64_t[]){N, C}),
                            t2m_input(g, "b", 2, (int64_t[]){M, C}),
                            t2m_input(g, "metric", 2, (int64_t[]){METRICS, C}),
                            t2m_input(g, "amplitude", 1, (int64_t[]){METRICS})};
    double *const data[] = {a, b, metric, amplitude};
    double *out =
        check_run(*state, g, in, data, 4, nn_kernel(g, in[0], in[1], in[2], in[3]), T2M_F64, false);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < M; k++) {
            double want = 0;
            for (size_t q = 0; q < METRICS; q++) {
                double distance = 0;
                for (size_t c = 0; c < C; c++)
                    distance += metric[q * C + c] * fabs(a[i * C + c] - b[k * C + c]);
                want += amplitude[q] * exp(-distance);
            }
            near(out[i * M + k], want, 1e-12);
        }
    free(out);
    t2m_graph_free(g);
}

/* ---- values ---- */

struct fitted {
    double weight[ROWS * OUTPUTS], left_out[ROWS * OUTPUTS];
};

/* By features: x [rows, FEATURES], penalty [FEATURES, FEATURES]. By a kernel: x [rows, rows],
 * penalty [1], its logarithm. */
static void fit(t2m *lib, bool kernel, size_t rows, double *x, double *y, double *penalty,
                struct fitted *f)
{
    t2m_graph *g;
    const int64_t n = (int64_t)rows, features = kernel ? n : FEATURES;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {
        t2m_input(g, "x", 2, (int64_t[]){n, features}),
        t2m_input(g, "y", 2, (int64_t[]){n, OUTPUTS}),
        t2m_input(g, "penalty", kernel ? 0 : 2, (int64_t[]){FEATURES, FEATURES})};
    const struct nn_ridge r =
        (kernel ? nn_ridge_kernel : nn_ridge_features)(g, in[0], in[1], in[2]);
    double *const data[] = {x, y, penalty};
    double *weight = check_run(lib, g, in, data, 3, r.weight, T2M_F64, false),
           *left_out = check_run(lib, g, in, data, 3, r.left_out, T2M_F64, false);
    memcpy(f->weight, weight, (size_t)features * OUTPUTS * sizeof *weight);
    memcpy(f->left_out, left_out, rows * OUTPUTS * sizeof *left_out);
    free(weight);
    free(left_out);
    t2m_graph_free(g);
}

/* Each row as the fit to all others has it. */
static void check_left_out(t2m *lib, bool kernel, double *x, const double *y, double *penalty,
                           const struct fitted *all)
{
    const size_t columns = kernel ? ROWS : FEATURES;
    for (size_t out = 0; out < ROWS; out++) {
        double some[ROWS * ROWS], values[ROWS * OUTPUTS], row[ROWS];
        struct fitted rest;
        const size_t n = without(x, ROWS, columns, out, kernel, some);
        without(y, ROWS, OUTPUTS, out, false, values);
        fit(lib, kernel, n, some, values, penalty, &rest);
        for (size_t k = 0, at = 0; k < columns; k++)
            if (!kernel || k != out)
                row[at++] = x[out * columns + k];
        for (size_t k = 0; k < OUTPUTS; k++)
            near(all->left_out[out * OUTPUTS + k],
                 product(row, rest.weight, kernel ? n : FEATURES, OUTPUTS, k), 1e-9);
    }
}

static void ridge_by_features(void **state)
{
    double x[ROWS * FEATURES], y[ROWS * OUTPUTS], penalty[FEATURES * FEATURES];
    struct fitted f;
    draw(4, x, ROWS * FEATURES);
    draw(5, y, ROWS * OUTPUTS);
    draw_positive(6, penalty, FEATURES);
    fit(*state, false, ROWS, x, y, penalty, &f);
    for (size_t k = 0; k < FEATURES; k++)
        for (size_t o = 0; o < OUTPUTS; o++) {
            double slope = product(penalty + k * FEATURES, f.weight, FEATURES, OUTPUTS, o);
            for (size_t i = 0; i < ROWS; i++)
                slope += x[i * FEATURES + k] *
                         (product(x + i * FEATURES, f.weight, FEATURES, OUTPUTS, o) -
                          y[i * OUTPUTS + o]);
            near(slope, 0, 1e-9);
        }
    check_left_out(*state, false, x, y, penalty, &f);
}

static void ridge_by_a_kernel(void **state)
{
    double gram[ROWS * ROWS], y[ROWS * OUTPUTS], log_penalty = -0.4;
    struct fitted f;
    draw(7, y, ROWS * OUTPUTS);
    draw_positive(8, gram, ROWS);
    fit(*state, true, ROWS, gram, y, &log_penalty, &f);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t o = 0; o < OUTPUTS; o++)
            near(product(gram + i * ROWS, f.weight, ROWS, OUTPUTS, o) +
                     exp(log_penalty) * f.weight[i * OUTPUTS + o],
                 y[i * OUTPUTS + o], 1e-9);
    check_left_out(*state, true, gram, y, &log_penalty, &f);
}

/* ---- classes ---- */

/* member [rows, OUTPUTS], each row of sum 1. */
static void draw_shares(double *member)
{
    struct random r = random_stream(9, 8, 0);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t k = 0; k < OUTPUTS; k++)
            sum += member[i * OUTPUTS + k] = random_uniform(&r, 0, 1);
        for (size_t k = 0; k < OUTPUTS; k++)
            member[i * OUTPUTS + k] /= sum;
    }
}

static double softmax(const double *row, const double *w, size_t k)
{
    double sum = 0;
    for (size_t o = 0; o < OUTPUTS; o++)
        sum += exp(product(row, w, FEATURES, OUTPUTS, o));
    return exp(product(row, w, FEATURES, OUTPUTS, k)) / sum;
}

static void logistic_by_features(void **state)
{
    double x[ROWS * FEATURES], member[ROWS * OUTPUTS], penalty[FEATURES * FEATURES], size = 0;
    t2m_graph *g;
    draw(10, x, ROWS * FEATURES);
    draw_shares(member);
    draw_positive(11, penalty, FEATURES);
    assert_int_equal(t2m_graph_new(*state, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "x", 2, (int64_t[]){ROWS, FEATURES}),
                            t2m_input(g, "member", 2, (int64_t[]){ROWS, OUTPUTS}),
                            t2m_input(g, "penalty", 2, (int64_t[]){FEATURES, FEATURES})};
    double *const data[] = {x, member, penalty};
    double *w = check_run(*state, g, in, data, 3,
                          nn_logistic_features(g, in[0], in[1], in[2], 200).weight, T2M_F64, false);
    for (size_t k = 0; k < FEATURES; k++)
        for (size_t o = 0; o < OUTPUTS; o++) {
            double slope = product(penalty + k * FEATURES, w, FEATURES, OUTPUTS, o);
            for (size_t i = 0; i < ROWS; i++)
                slope += x[i * FEATURES + k] *
                         (softmax(x + i * FEATURES, w, o) - member[i * OUTPUTS + o]);
            near(slope, 0, 1e-7);
            size += fabs(w[k * OUTPUTS + o]);
        }
    assert_true(size > 0.1);
    free(w);
    t2m_graph_free(g);
}

enum { MANY = 80 };

/* Of logits for MANY examples, a quarter of them of the second class. */
static void calibrate(t2m *lib, double *logits, double *factor, double shift[2])
{
    double member[MANY * 2] = {0};
    t2m_graph *g;
    for (size_t i = 0; i < MANY; i++)
        member[i * 2 + (i % 4 == 0)] = 1;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "logits", 2, (int64_t[]){MANY, 2}),
                            t2m_input(g, "member", 2, (int64_t[]){MANY, 2})};
    const struct nn_calibration c = nn_calibrate(g, in[0], in[1]);
    double *const data[] = {logits, member},
                  *a = check_run(lib, g, in, data, 2, c.factor, T2M_F64, false),
                  *b = check_run(lib, g, in, data, 2, c.shift, T2M_F64, false);
    *factor = *a;
    memcpy(shift, b, 2 * sizeof *b);
    free(a);
    free(b);
    t2m_graph_free(g);
}

/* What is said without reason is taken back, towards the shares of the classes; what is right is
 * said more plainly. */
static void logits_are_calibrated(void **state)
{
    double idle[MANY * 2], right[MANY * 2], factor, shift[2];
    draw(12, idle, MANY * 2);
    for (size_t i = 0; i < MANY; i++) {
        idle[i * 2] *= 3;
        right[i * 2] = 0;
        right[i * 2 + 1] = log(1 / 3.0) + (i % 4 == 0 ? 1 : -1);
    }
    calibrate(*state, idle, &factor, shift);
    assert_true(factor > 0.45 && factor < 0.65);
    near(shift[0] - shift[1], (1 - factor) * log(60.5 / 20.5), 1e-9);
    calibrate(*state, right, &factor, shift);
    assert_true(factor > 1.5 && shift[0] < shift[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_is_a_sum_over_metrics),
        cmocka_unit_test(ridge_by_features),
        cmocka_unit_test(ridge_by_a_kernel),
        cmocka_unit_test(logistic_by_features),
        cmocka_unit_test(logits_are_calibrated),
    };
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
