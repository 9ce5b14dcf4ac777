/* test_tables.c: learners of tables: the order of rows, columns and classes does not matter; the
 * logistic head is the best one; synthetic tables are sound; training gives the same bits for any
 * number of threads. */
#include "check.h"

#include "base/text.h"
#include "mapping/tables.h"
#include "task/prior.h"
#include "task2model.h"

enum { ROWS = 24, QUERIES = 6, COLUMNS = 5, CLASSES = 3 };

/* ---- the logistic head ---- */

/* The largest slope of what it should make least, at what it gives. */
static double slope_left(t2m *lib, int64_t n, int64_t features)
{
    t2m_graph *g;
    enum { K = 3 };
    double *x = check_room((size_t)(n * features)), *label = check_room((size_t)n), most = 0;
    struct random r = random_stream(3, 1, (uint64_t)n);
    for (int64_t i = 0; i < n * features; i++)
        x[i] = random_normal(&r);
    for (int64_t i = 0; i < n; i++)
        label[i] = (double)random_below(&r, K);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "x", 2, (int64_t[]){n, features}),
                            t2m_input(g, "label", 1, &n)};
    const t2m_value member = t2m_one_hot(g, in[1], K);
    const t2m_value gram = t2m_matmul_t(g, in[0], false, in[0], true),
                    of_rows = nn_logistic_kernel(g, gram, member, 300).weight,
                    w = t2m_matmul_t(g, in[0], true, of_rows, false),
                    off = t2m_sub(g, t2m_softmax(g, t2m_matmul(g, in[0], w)), member);
    const t2m_value slope = t2m_add(g, t2m_matmul_t(g, in[0], true, off, false), w);
    double *const data[] = {x, label};
    double *out = check_run(lib, g, in, data, 2, slope, T2M_F64, false);
    for (int64_t i = 0; i < features * K; i++)
        most = fabs(out[i]) > most ? fabs(out[i]) : most;
    free(out);
    free(x);
    free(label);
    t2m_graph_free(g);
    return most;
}

static void the_logistic_head_is_the_best(void **state)
{
    assert_true(slope_left(*state, 40, 6) < 1e-6); /* both systems */
    assert_true(slope_left(*state, 9, 20) < 1e-6);
}

/* ---- products of stacks and matrices ---- */

static void a_stack_times_a_matrix_is_a_stack(void **state)
{
    t2m_graph *g;
    double x[24], w[20], expected = 0;
    for (int i = 0; i < 24; i++)
        x[i] = i % 7 - 3;
    for (int i = 0; i < 20; i++)
        w[i] = i % 5 - 2;
    assert_int_equal(t2m_graph_new(*state, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "x", 3, (int64_t[]){2, 3, 4}),
                            t2m_input(g, "w", 2, (int64_t[]){4, 5})};
    const t2m_value y = t2m_matmul(g, in[0], in[1]);
    assert_int_equal(t2m_rank(g, y), 3);
    assert_int_equal(t2m_dim(g, y, 1), 3);
    double *const data[] = {x, w}, *out = check_run(*state, g, in, data, 2, y, T2M_F64, false);
    for (int k = 0; k < 4; k++)
        expected += x[(1 * 3 + 2) * 4 + k] * w[k * 5 + 3];
    assert_true(fabs(out[(1 * 3 + 2) * 5 + 3] - expected) < 1e-12);
    free(out);
    t2m_graph_free(g);
}

/* ---- orders ---- */

struct orders {
    size_t row[ROWS], column[COLUMNS], class[CLASSES];
};

/* Logits [QUERIES, CLASSES] of a small task whose rows, columns and classes stand in these orders;
 * columns and classes of the answer are put back. */
static void foretell(t2m *lib, const struct structure *s, const float *phi, const struct layout *l,
                     const struct orders *o, float answer[QUERIES * CLASSES])
{
    const struct table_use use = {.shape = {ROWS, QUERIES, COLUMNS, CLASSES}, .steps = TABLE_STEPS};
    struct table_graph e;
    t2m_plan *plan;
    t2m_workspace *w;
    t2m_value in[TABLE_INPUTS];
    float x[ROWS * COLUMNS * 2], q[QUERIES * COLUMNS * 2], y[ROWS],
        member[ROWS * CLASSES] = {0}, place[CLASSES] = {0}, none[QUERIES] = {0},
                      out[QUERIES * CLASSES];
    for (size_t i = 0; i < ROWS + QUERIES; i++) {
        const size_t from = i < ROWS ? o->row[i] : i;
        for (size_t k = 0; k < 2 * COLUMNS; k++) {
            struct random r = random_stream(7, from, 2 * o->column[k / 2] + k % 2);
            (i < ROWS ? x : q)[(i < ROWS ? i : i - ROWS) * 2 * COLUMNS + k] =
                (float)random_normal(&r);
        }
        if (i < ROWS) {
            const size_t class = o->class[from % CLASSES];
            y[i] = (float)class;
            member[i * CLASSES + class] = 1;
        }
    }
    if (table_graph_make(lib, s, l, &use, &e) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    table_graph_inputs(&e, in);
    assert_int_equal(t2m_compile(e.g, in, TABLE_INPUTS, &e.output, 1, NULL, &plan), T2M_OK);
    assert_int_equal(t2m_workspace_new(plan, &w), T2M_OK);
    const void *const from[] = {phi, x, y, member, place, q, none};
    void *const to[] = {out};
    t2m_run(plan, w, from, to);
    for (size_t i = 0; i < QUERIES; i++)
        for (size_t k = 0; k < CLASSES; k++)
            answer[i * CLASSES + k] = out[i * CLASSES + o->class[k]];
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(e.g);
}

static void orders_do_not_matter(void **state)
{
    struct structure s;
    struct layout l = {0};
    struct orders plain, turned;
    float first[QUERIES * CLASSES], second[QUERIES * CLASSES];
    assert_int_equal(structure_parse(*state, "kernel:9,16,8", &s), T2M_OK);
    table_layout(&s, &l);
    float *phi = (float *)check_room(l.numel);
    struct random r = random_stream(5, 2, 0);
    layout_start(&l, &r, phi);
    for (size_t i = 0; i < ROWS; i++)
        plain.row[i] = i, turned.row[i] = (5 * i + 3) % ROWS;
    for (size_t i = 0; i < COLUMNS; i++)
        plain.column[i] = i, turned.column[i] = (2 * i + 1) % COLUMNS;
    for (size_t i = 0; i < CLASSES; i++)
        plain.class[i] = i, turned.class[i] = (i + 1) % CLASSES;
    foretell(*state, &s, phi, &l, &plain, first);
    foretell(*state, &s, phi, &l, &turned, second);
    double spread = 0;
    for (int i = 0; i < QUERIES * CLASSES; i++) {
        assert_true(fabsf(first[i] - second[i]) < 2e-3F);
        spread += fabs((double)first[i] - (double)first[0]);
    }
    assert_true(spread > 0.1); /* it says something */
    free(phi);
}

/* ---- columns ---- */

static void a_column_has_a_score_and_a_rank(void **state)
{
    const float x[] = {4, NAN, 1, 1, 9};
    float room[10], view[2], low[2], missing[2], far[2];
    struct marginal m;
    (void)state;
    marginal_find(&m, x, 5, 1, room);
    assert_true(m.knots == 3 && m.mean == 3.75F);
    marginal_apply(&m, 1, low);
    marginal_apply(&m, 9, view);
    marginal_apply(&m, NAN, missing);
    marginal_apply(&m, 1e30F, far);
    assert_true(low[1] == m.rank[0] && view[1] == m.rank[2] && low[0] < 0 && view[0] > 0);
    assert_true(missing[0] == 0 && missing[1] == 0);
    assert_true(far[0] == 5 && far[1] == m.rank[2]);
}

/* ---- synthetic tables ---- */

static void synthetic_tables_are_sound(void **state)
{
    enum { N = 60, D = 7 };
    static float x[N * D], y[N];
    double *room = check_room(prior_room(N, D, 4));
    size_t constant = 0;
    (void)state;
    for (uint64_t task = 0; task < 300; task++) {
        const size_t classes = task % 3 == 0 ? 0 : 2 + task % 3;
        struct random r = random_stream(1, 2, task);
        prior_draw(&r, N, D, classes, x, y, room);
        bool same = true;
        for (size_t i = 0; i < N; i++) {
            assert_true(isfinite(y[i]));
            assert_true(classes == 0 ||
                        (y[i] >= 0 && y[i] < (float)classes && y[i] == floorf(y[i])));
            same = same && y[i] == y[0];
        }
        for (size_t i = 0; i < N * D; i++)
            assert_true(isfinite(x[i]));
        constant += same;
    }
    assert_true(constant < 15);
    free(room);
}

/* ---- training ---- */

static uint64_t trained(size_t threads)
{
    t2m *lib = check_open(NULL, threads);
    const char *const path = "builtin:tables";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    o.structure = "kernel:9,4,4";
    o.steps = 2;
    o.meta_batch = 3;
    o.validation_tasks = 2;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    const uint64_t hash = hash_bytes(0, l->phi, l->numel * sizeof *l->phi);
    t2m_learner_free(l);
    t2m_family_free(f);
    t2m_close(lib);
    return hash;
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    assert_true(trained(1) == trained(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_logistic_head_is_the_best),
        cmocka_unit_test(a_stack_times_a_matrix_is_a_stack),
        cmocka_unit_test(orders_do_not_matter),
        cmocka_unit_test(a_column_has_a_score_and_a_rank),
        cmocka_unit_test(synthetic_tables_are_sound),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
