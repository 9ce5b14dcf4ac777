/* test_mapping.c: what the methods with a task vector stand on: scores of examples left out beside
 * fits that never saw them, t whatever the order of the examples and the numbering of the classes,
 * codes and bodies, the choice among the steps of tuning. */
#include "check.h"

#include "generate/heads.h"
#include "mapping/learner.h"
#include "tune/tune.h"

enum { N = 7, CLASSES = 3 };

static void draw(double *x, size_t n, uint64_t seed)
{
    struct random r = random_stream(seed, 0, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = random_normal(&r);
}

static double value_of(t2m *lib, t2m_graph *g, const t2m_value *in, double *const *x, size_t n,
                       t2m_value y)
{
    double *out = check_run(lib, g, in, x, n, y, T2M_F64, false);
    const double first = out[0];
    free(out);
    return first;
}

/* ---- left-out scores ---- */

/* The ridge regression of all rows but one says this of that row. */
static double refit(t2m *lib, const double *x, const double *y, int features, int without)
{
    t2m_graph *g;
    double rest[N * 16], values[N], one[16];
    int n = 0;
    for (int i = 0; i < N; i++)
        if (i != without) {
            memcpy(rest + n * features, x + i * features, (size_t)features * sizeof *x);
            values[n++] = y[i];
        }
    memcpy(one, x + without * features, (size_t)features * sizeof *x);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const int64_t rows[] = {N - 1, features}, column[] = {N - 1, 1}, row[] = {1, features};
    const t2m_value in[] = {t2m_input(g, "x", 2, rows), t2m_input(g, "y", 2, column),
                            t2m_input(g, "one", 2, row)};
    const struct nn_ridge r =
        nn_ridge_fit(g, in[0], in[1], &(struct nn_ridge_prior){.log_penalty = t2m_constant(g, -1)});
    double *const from[] = {rest, values, one};
    const double out = value_of(lib, g, in, from, 3, nn_linear(g, in[2], r.weight, r.bias));
    t2m_graph_free(g);
    return out;
}

/* Fewer examples than features, and more: the two ways to solve. */
static void ridge_left_out(void **state)
{
    t2m *lib = *state;
    for (int features = 2; features <= 12; features += 10) {
        double x[N * 16], y[N];
        t2m_graph *g;
        draw(x, (size_t)(N * features), 1);
        draw(y, N, 2);
        assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
        const int64_t rows[] = {N, features}, column[] = {N, 1};
        const t2m_value in[] = {t2m_input(g, "x", 2, rows), t2m_input(g, "y", 2, column)};
        const struct nn_ridge r = nn_ridge_fit(
            g, in[0], in[1], &(struct nn_ridge_prior){.log_penalty = t2m_constant(g, -1)});
        double *const from[] = {x, y};
        double *out = check_run(lib, g, in, from, 2, r.left_out, T2M_F64, false);
        for (int i = 0; i < N; i++)
            assert_true(fabs(out[i] - refit(lib, x, y, features, i)) < 1e-9);
        free(out);
        t2m_graph_free(g);
    }
}

/* The surprise is that of the left-out errors under the noise that makes them likeliest: no other
 * scale of the noise gives a lower one. Checked through its formula on errors and their spreads. */
static void ridge_surprise(void **state)
{
    t2m *lib = *state;
    double surprise[2];
    for (int features = 2; features <= 12; features += 10) {
        double x[N * 16], y[N], scaled[N];
        t2m_graph *g;
        draw(x, (size_t)(N * features), 3);
        draw(y, N, 4);
        for (int i = 0; i < N; i++)
            scaled[i] = 3 * y[i];
        assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
        const int64_t rows[] = {N, features}, column[] = {N, 1};
        const t2m_value in[] = {t2m_input(g, "x", 2, rows), t2m_input(g, "y", 2, column)};
        const struct nn_ridge r = nn_ridge_fit(
            g, in[0], in[1], &(struct nn_ridge_prior){.log_penalty = t2m_constant(g, -1)});
        double *const from[] = {x, y}, *const larger[] = {x, scaled};
        const t2m_value mean = t2m_mean_all(g, r.surprise);
        surprise[0] = value_of(lib, g, in, from, 2, mean);
        surprise[1] = value_of(lib, g, in, larger, 2, mean);
        /* numbers three times as large are as well foretold: their density is that much thinner */
        assert_true(fabs(surprise[1] - surprise[0] - log(3)) < 1e-9);
        t2m_graph_free(g);
    }
}

static void prototypes_left_out(void **state)
{
    t2m *lib = *state;
    enum { FEATURES = 4 };
    double h[N * FEATURES], y[N] = {0, 1, 2, 0, 1, 1, 0}, want = 0;
    t2m_graph *g;
    draw(h, N * FEATURES, 5);
    for (int i = 0; i < N; i++) {
        double logit[CLASSES], sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            double mean[FEATURES] = {0}, count = 0;
            for (int k = 0; k < N; k++)
                if (y[k] == c && (k != i || c == 2)) { /* class 2 has one example: it stays in */
                    count++;
                    for (int f = 0; f < FEATURES; f++)
                        mean[f] += h[k * FEATURES + f];
                }
            logit[c] = 0;
            for (int f = 0; f < FEATURES; f++)
                logit[c] -= pow(h[i * FEATURES + f] - mean[f] / count, 2);
            sum += exp(logit[c]);
        }
        want -= (logit[(int)y[i]] - log(sum)) / N;
    }
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const int64_t rows[] = {N, FEATURES}, n = N;
    const t2m_value in[] = {t2m_input(g, "h", 2, rows), t2m_input(g, "y", 1, &n)};
    double *const from[] = {h, y};
    const struct head head = head_prototypes(g, in[0], in[1], CLASSES);
    assert_true(fabs(value_of(lib, g, in, from, 2, t2m_mean_all(g, head.surprise)) - want) < 1e-9);
    t2m_graph_free(g);
}

/* ---- t ---- */

static double *represent(t2m *lib, bool classes, double *x, double *y, size_t *size)
{
    enum { FEATURES = 3 };
    const struct representation r = {
        .parts = REPRESENT_SET | REPRESENT_STATISTICS, .classes = classes, .features = FEATURES};
    struct layout l = {0};
    t2m_graph *g;
    represent_layout(&r, &l);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const int64_t rows[] = {N, FEATURES}, n = N, numel = (int64_t)l.numel;
    const t2m_value in[] = {t2m_input(g, "phi", 1, &numel), t2m_input(g, "x", 2, rows),
                            t2m_input(g, "y", 1, &n)};
    const struct represented task = {.x = in[1], .y = in[2], .classes = classes ? CLASSES : 0};
    const t2m_value t = represent_task(g, &r, &l, in[0], &task);
    double *phi = check_room(l.numel);
    draw(phi, l.numel, 6);
    double *const from[] = {phi, x, y};
    *size = represent_size(&r);
    assert_int_equal(check_numel(g, t), *size);
    double *out = check_run(lib, g, in, from, 3, t, T2M_F64, false);
    free(phi);
    t2m_graph_free(g);
    return out;
}

static void t_has_no_order(void **state)
{
    const int order[N] = {4, 2, 6, 0, 1, 5, 3}, other_number[CLASSES] = {2, 0, 1};
    for (int classes = 0; classes < 2; classes++) {
        double x[N * 3], y[N] = {0, 1, 2, 0, 1, 1, 0}, moved[N * 3], renamed[N];
        size_t n;
        draw(x, N * 3, 7);
        if (!classes)
            draw(y, N, 8);
        for (int i = 0; i < N; i++) {
            memcpy(moved + 3 * i, x + 3 * order[i], 3 * sizeof *x);
            renamed[i] = classes ? other_number[(int)y[order[i]]] : y[order[i]];
        }
        double *a = represent(*state, classes, x, y, &n),
               *b = represent(*state, classes, moved, renamed, &n);
        for (size_t i = 0; i < n; i++)
            assert_true(fabs(a[i] - b[i]) < 1e-9 * (1 + fabs(a[i])));
        y[0] += classes ? 1 : 0.5; /* but t does depend on the task */
        double *c = represent(*state, classes, x, y, &n), most = 0;
        for (size_t i = 0; i < n; i++)
            most = fmax(most, fabs(a[i] - c[i]));
        assert_true(most > 1e-3);
        free(a);
        free(b);
        free(c);
    }
}

static void parts_of_t(void **state)
{
    unsigned parts;
    char text[32];
    (void)state;
    assert_true(represent_parse("probe,set", &parts));
    assert_int_equal(parts, REPRESENT_SET | REPRESENT_PROBE);
    represent_text(parts, text);
    assert_string_equal(text, "set,probe");
    assert_true(represent_parse("concat", &parts));
    assert_false(represent_parse("concat,set", &parts));
    assert_false(represent_parse("", &parts));
    assert_false(represent_parse("set,", &parts));
    assert_false(represent_parse("sets", &parts));
}

/* ---- codes ---- */

/* z = 0 is theta0; and the last numbers of the probe of d f / d theta0 are d f / d z there. */
static void bases(void **state)
{
    t2m *lib = *state;
    struct structure s;
    struct layout model, parts = {0};
    t2m_graph *g;
    assert_int_equal(structure_parse(lib, "mlp:3,4", &s), T2M_OK);
    s.channels = 2;
    s.outputs = 1;
    structure_layout(&s, &model);
    decode_layout(DECODE_BASES, &model, model.body, &parts);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const int64_t numel = (int64_t)parts.numel, body = (int64_t)model.body, code = BASES_SIZE;
    const t2m_value in[] = {t2m_input(g, "phi", 1, &numel), t2m_input(g, "theta0", 1, &body),
                            t2m_input(g, "z", 1, &code)};
    const struct decoder d = {DECODE_BASES, &model, model.body, &parts, in[0]};
    double *phi = check_room(parts.numel), *theta = check_room(model.body), z[BASES_SIZE] = {0};
    double *const from[] = {phi, theta, z};
    draw(phi, parts.numel, 9);
    draw(theta, model.body, 10);
    const t2m_value made = decode_model(g, &d, in[1], in[2]);
    double *out = check_run(lib, g, in, from, 3, made, T2M_F64, false);
    for (int64_t i = 0; i < body; i++)
        assert_true(out[i] == theta[i]);
    free(out);
    const t2m_value cube = t2m_sum_all(g, t2m_mul(g, made, t2m_square(g, made)));
    double *slope = check_run(lib, g, in, from, 3, t2m_grad(g, cube, in[2]), T2M_F64, false);
    const t2m_value of_theta = t2m_scale(g, 3, t2m_square(g, in[1]));
    double *probe = check_run(lib, g, in, from, 2, decode_probe(g, &d, of_theta), T2M_F64, false);
    const size_t size = decode_probe_size(DECODE_BASES, &model, model.body);
    for (int i = 0; i < BASES_SIZE; i++)
        assert_true(fabs(probe[size - BASES_SIZE + (size_t)i] - slope[i]) <
                    1e-9 * (1 + fabs(slope[i])));
    free(slope);
    free(probe);
    free(phi);
    free(theta);
    t2m_graph_free(g);
}

/* ---- the choice ---- */

static void lowest_score(void **state)
{
    t2m *lib = *state;
    t2m_graph *g;
    const int64_t two = 2;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    t2m_value in[6];
    for (int i = 0; i < 3; i++) {
        in[i] = t2m_input(g, "x", 1, &two);
        in[3 + i] = t2m_input(g, "score", 0, NULL);
    }
    const t2m_value chosen = tune_choose(g, in, in + 3, 3);
    double x[3][2] = {{1, 10}, {2, 20}, {3, 30}}, score[3];
    double *const from[] = {x[0], x[1], x[2], &score[0], &score[1], &score[2]};
    const double scores[][3] = {{1, 2, 3}, {2, 1, 3}, {3, 2, 1}, {1, 1, 1}, {2, NAN, 1}};
    const int want[] = {0, 1, 2, 0, 2};
    for (int i = 0; i < 5; i++) {
        memcpy(score, scores[i], sizeof score);
        double *out = check_run(lib, g, in, from, 6, chosen, T2M_F64, false);
        assert_true(out[0] == x[want[i]][0] && out[1] == x[want[i]][1]);
        free(out);
    }
    t2m_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ridge_left_out),      cmocka_unit_test(ridge_surprise),
        cmocka_unit_test(prototypes_left_out), cmocka_unit_test(t_has_no_order),
        cmocka_unit_test(parts_of_t),          cmocka_unit_test(bases),
        cmocka_unit_test(lowest_score)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
