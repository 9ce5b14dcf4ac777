/* test_choice.c: learners with several structures: their names, the rule by which one is chosen,
 * budgets, files, threads. */
#include "check.h"

#include <unistd.h>

#include "mapping/doors.h"
#include "model/model.h"
#include "task2model.h"

enum { N = 6 };
static const struct structure of_rows = {.height = 1, .width = 1, .channels = 1, .outputs = 1};

static struct t2m_learner *empty(t2m *lib, const char *method)
{
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    l->lib = lib;
    learner_method(l, method_find(method));
    l->kind = FAMILY_REGRESSION;
    l->ways = 1;
    l->shots = l->queries = N;
    return l;
}

/* ---- names ---- */

static void names(void **state)
{
    t2m *lib = *state;
    static const char *const good[][2] = {{"linear", "linear"},
                                          {"mlp:40,40+linear+mlp:16", "linear+mlp:16+mlp:40,40"},
                                          {"mlp", "mlp:40,40"}},
                             *const bad[][2] = {{"linear+linear", "twice"},
                                                {"mlp+mlp:40,40", "twice"},
                                                {"linear+", "unknown structure"},
                                                {"+linear", "unknown structure"},
                                                {"", "unknown structure"},
                                                {"linear+conv4", "conv4 needs images"},
                                                {"mlp:1+mlp:2+mlp:3+mlp:4+mlp:5+mlp:6+mlp:7+mlp:8+"
                                                 "mlp:9",
                                                 "at most 8"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[STRUCTURES_TEXT];
        struct t2m_learner *l = empty(lib, "t2m");
        assert_int_equal(learner_structures(l, good[i][0], &of_rows), T2M_OK);
        learner_structures_text(l, text);
        assert_string_equal(text, good[i][1]);
        t2m_learner_free(l);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct t2m_learner *l = empty(lib, "t2m");
        assert_int_equal(learner_structures(l, bad[i][0], &of_rows), T2M_EUSAGE);
        assert_non_null(strstr(t2m_errmsg(lib), bad[i][1]));
        t2m_learner_free(l);
    }
}

/* ---- the rule ---- */

/* Structure and weights for these surprises; the generator is at 0, so t says nothing. */
static void choice(t2m *lib, double surprise[3][N], const bool *left_out, double *chosen,
                   double weights[3])
{
    struct t2m_learner *l = empty(lib, "t2m");
    t2m_graph *g;
    const int64_t n = N, query[] = {N, 1};
    assert_int_equal(learner_structures(l, "linear+mlp:4+mlp:8", &of_rows), T2M_OK);
    assert_int_equal(learner_start(l, 0), T2M_OK);
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const int64_t numel = (int64_t)l->numel, t = (int64_t)learner_t_size(l);
    t2m_value in[4] = {t2m_input(g, "phi", 1, &numel)};
    struct episode_graph e = {.g = g, .phi = in[0]}, one[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        one[i] = e;
        in[i + 1] = one[i].surprise = t2m_input(g, "surprise", 1, &n);
        one[i].t = t2m_fill(g, 1, 1, &t);
        one[i].shared = one[i].generated = one[i].tuned = t2m_fill(g, i, 2, query);
        one[i].m_generated = one[i].m_tuned = t2m_fill(g, i, 1, &(int64_t){i + 2});
        one[i].support_loss[0] = one[i].support_loss[1] = t2m_constant(g, 0);
        one[i].stages = t2m_fill(g, 0, 1, &n);
    }
    const struct episode_use use = {
        .supports = N, .queries = N, .outputs = 1, .left_out = left_out};
    choose_structure(l, &use, &e, one);
    double *phi = check_room(l->numel);
    memset(phi, 0, l->numel * sizeof *phi);
    phi[l->numel - 1] = 1; /* trust */
    double *const from[] = {phi, surprise[0], surprise[1], surprise[2]};
    double *number = check_run(lib, g, in, from, 4, e.structure, T2M_F64, false),
           *w = check_run(lib, g, in, from, 4, e.weights, T2M_F64, false),
           *m = check_run(lib, g, in, from, 4, e.m_tuned, T2M_F64, false);
    assert_true(m[1] == number[0]); /* the model is that of the structure */
    *chosen = number[0];
    memcpy(weights, w, 3 * sizeof *w);
    free(number);
    free(w);
    free(m);
    free(phi);
    t2m_graph_free(g);
    t2m_learner_free(l);
}

/* The smallest that is within one standard error of the best. */
static void smallest_within_one_error(void **state)
{
    static const struct {
        double surprise[3][N];
        bool left_out[3];
        int want;
    } cases[] = {
        /* all alike: the smallest */
        {{{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}}, {0}, 0},
        /* the second is better each time, the third no more */
        {{{1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}}, {0}, 1},
        /* better by 1 in the sum, which is less than its standard error, sqrt(6 / 5 * 41.8) */
        {{{1, 1, 1, 1, 1, 1}, {-4, 6, 1, 1, 1, 0}, {9, 9, 9, 9, 9, 9}}, {0}, 0},
        /* the third is the best, the second nearly as good, the first is not */
        {{{3, 3, 3, 3, 3, 3}, {0, .4, 0, .4, 0, .1}, {.1, .1, .1, .1, .1, .1}}, {0}, 1},
        /* left out: the next best */
        {{{3, 3, 3, 3, 3, 3}, {0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}}, {0, 1, 0}, 2},
        {{{3, 3, 3, 3, 3, 3}, {0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}}, {0, 1, 1}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double chosen, weights[3], surprise[3][N], sum = 0;
        memcpy(surprise, cases[i].surprise, sizeof surprise);
        choice(*state, surprise, cases[i].left_out, &chosen, weights);
        if ((int)chosen != cases[i].want)
            fail_msg("case %zu: structure %g is chosen, not %d", i, chosen, cases[i].want);
        for (int k = 0; k < 3; k++) {
            sum += weights[k];
            assert_true(cases[i].left_out[k] ? weights[k] == 0 : weights[k] > 0);
        }
        assert_true(fabs(sum - 1) < 1e-12);
    }
}

/* ---- whole learners ---- */

static t2m_learner *trained(t2m *lib, const char *structure)
{
    const char *const path = "builtin:sine-line";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    o.method = "t2m";
    o.structure = structure;
    o.steps = 12;
    o.inner_steps = 2;
    o.meta_batch = 5;
    o.validation_tasks = 4;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    if (t2m_train(lib, &l, f, &o, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_family_free(f);
    return l;
}

static t2m_task *line(const t2m_learner *l)
{
    float x[10], y[10];
    t2m_task *t = NULL;
    for (int i = 0; i < 10; i++) {
        x[i] = (float)i - 5;
        y[i] = 0.5F * x[i] + (i % 2 ? 0.1F : -0.1F);
    }
    assert_int_equal(t2m_task_new(l, &t, x, y, 10, NULL, 0), T2M_OK);
    return t;
}

static void budgets(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = trained(lib, "mlp:16+linear+mlp:40,40");
    t2m_task *task = line(l);
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    t2m_build_report all, some;
    t2m_model *m = NULL;
    assert_int_equal(t2m_build(l, &m, task, &o, &all), T2M_OK);
    assert_int_equal(all.structures, 3);
    assert_true(all.stages == 6 && all.chosen_stage < 6);
    for (size_t i = 1; i < 3; i++)
        assert_true(all.structure[i].bytes > all.structure[i - 1].bytes &&
                    all.structure[i].macs > all.structure[i - 1].macs);
    assert_int_equal(all.structure[2].macs, 40 + 40 * 40 + 40);
    t2m_model_free(m);
    for (int by_macs = 0; by_macs < 2; by_macs++) {
        o.max_bytes = by_macs ? 0 : all.structure[0].bytes;
        o.max_macs = by_macs ? all.structure[0].macs : 0;
        assert_int_equal(t2m_build(l, &m, task, &o, &some), T2M_OK);
        assert_int_equal(some.chosen, 0);
        assert_true(some.structure[1].left_out && some.structure[2].left_out);
        assert_true(fabs(some.structure[0].weight - 1) < 1e-6);
        size_t bytes = 0;
        assert_int_equal(t2m_model_bytes(m, &bytes), T2M_OK);
        assert_int_equal(bytes, all.structure[0].bytes);
        t2m_model_free(m);
    }
    o.max_bytes = all.structure[0].bytes - 1;
    m = NULL;
    assert_int_equal(t2m_build(l, &m, task, &o, NULL), T2M_EUSAGE);
    assert_null(m);
    assert_non_null(strstr(t2m_errmsg(lib), "linear"));
    t2m_task_free(task);
    t2m_learner_free(l);
}

/* The same numbers for any number of threads, and from a file. */
static void same_numbers(void **state)
{
    t2m *lib = *state, *four = check_open(NULL, 4);
    char path[] = "/tmp/t2m-choice-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    t2m_learner *a = trained(lib, "linear+mlp:16"), *b = trained(four, "linear+mlp:16"), *c = NULL;
    assert_int_equal(a->numel, b->numel);
    for (size_t i = 0; i < a->numel; i++)
        assert_true(a->phi[i] == b->phi[i]);
    assert_int_equal(t2m_learner_save(a, path, true), T2M_OK);
    assert_int_equal(t2m_learner_open(lib, &c, path), T2M_OK);
    assert_int_equal(c->candidates, 2);
    assert_int_equal(c->numel, a->numel);
    for (size_t i = 0; i < a->numel; i++)
        assert_true(a->phi[i] == c->phi[i]);
    t2m_learner_free(a);
    t2m_learner_free(b);
    t2m_learner_free(c);
    t2m_close(four);
    close(file);
    unlink(path);
}

static void methods_without_a_choice(void **state)
{
    t2m *lib = *state;
    const char *const path = "builtin:line";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    o.steps = 1;
    o.structure = "linear+mlp";
    for (size_t i = 0; i < method_count; i++) {
        o.method = methods[i].name;
        if (methods[i].head == HEAD_PROTOTYPES || methods[i].head == HEAD_CLOSED)
            continue;
        assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_EUSAGE);
        assert_non_null(strstr(t2m_errmsg(lib), "nothing to choose a structure by"));
    }
    o.structure = "linear"; /* a model that is all head */
    o.method = "t2m";
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    t2m_learner_free(l);
    t2m_family_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names),
                                       cmocka_unit_test(smallest_within_one_error),
                                       cmocka_unit_test(budgets), cmocka_unit_test(same_numbers),
                                       cmocka_unit_test(methods_without_a_choice)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
