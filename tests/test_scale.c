/* test_scale.c: rows in units of their own task (--scale-by-task): a task in other units gives the
 * same model in those units. */
#include "check.h"

#include <unistd.h>

#include "mapping/learner.h"
#include "task/scale.h"
#include "task2model.h"

enum { N = 10 };

static void a_constant_column_has_the_unit_1(void **state)
{
    const float x[] = {1, 7, 3, 7, 5, 7}, y[] = {2, 2, 2};
    struct task_scale s[3];
    (void)state;
    task_scale_find(x, y, 3, 2, s);
    assert_true(fabs(s[0].shift - 3) < 1e-12 && fabs(s[0].unit - sqrt(8.0 / 3)) < 1e-12);
    assert_true(s[1].shift == 7 && s[1].unit == 1);
    assert_true(s[2].shift == 2 && s[2].unit == 1);
    task_scale_find(x, y, 0, 2, s); /* of nothing */
    assert_true(s[0].shift == 0 && s[0].unit == 1);
}

static t2m_learner *trained(t2m *lib, bool by_task)
{
    const char *const path = "builtin:line";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    o.method = "t2m";
    o.structure = "linear+mlp:8";
    o.steps = 10;
    o.meta_batch = 4;
    o.validation_tasks = 4;
    o.scale_by_task = by_task;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    t2m_family_free(f);
    return l;
}

/* What the model of the task says at five places, all in these units. */
static void foretell(t2m *lib, const t2m_learner *l, double x_unit, double y_unit, double y_shift,
                     double out[5])
{
    static const double noise[N] = {.3, -.2, .1, .4, -.5, .2, 0, -.1, .3, -.4};
    float x[N], y[N], query[5], said[5];
    t2m_task *task = NULL;
    t2m_model *m = NULL;
    for (int i = 0; i < N; i++) {
        x[i] = (float)(x_unit * i);
        y[i] = (float)(y_shift + y_unit * (0.7 * i + noise[i]));
    }
    for (int i = 0; i < 5; i++)
        query[i] = (float)(x_unit * (3 * i - 1));
    assert_int_equal(t2m_task_new(l, &task, x, y, N, NULL, 0), T2M_OK);
    assert_int_equal(t2m_build(l, &m, task, NULL, NULL), T2M_OK);
    assert_int_equal(t2m_model_prepare(m, 5), T2M_OK);
    assert_int_equal(t2m_model_predict(m, query, 5, said), T2M_OK);
    for (int i = 0; i < 5; i++)
        out[i] = ((double)said[i] - y_shift) / y_unit;
    t2m_column column;
    assert_true(t2m_task_column(l, task, 1, &column)); /* the target, in the data's units */
    assert_true(fabs(column.mean - (y_shift + y_unit * 3.16)) < 1e-4 * fabs(y_unit));
    assert_false(t2m_task_column(l, task, 2, &column));
    t2m_model_free(m);
    t2m_task_free(task);
    (void)lib;
}

static void other_units(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = trained(lib, true);
    double here[5], there[5];
    foretell(lib, l, 1, 1, 0, here);
    foretell(lib, l, 1000, 50, -200, there);
    for (int i = 0; i < 5; i++)
        assert_true(fabs(here[i] - there[i]) < 1e-3);
    t2m_learner_free(l);
    l = trained(lib, false); /* and not so without */
    foretell(lib, l, 1, 1, 0, here);
    foretell(lib, l, 1000, 50, -200, there);
    assert_true(fabs(here[4] - there[4]) > 1e-2);
    t2m_learner_free(l);
}

/* The file keeps it; errors are in the family's units, whatever the tasks'. */
static void kept_and_measured(void **state)
{
    t2m *lib = *state;
    char path[] = "/tmp/t2m-scale-XXXXXX";
    const char *const family = "builtin:line";
    const int file = mkstemp(path);
    t2m_learner *l = trained(lib, true), *again = NULL;
    t2m_family *f = NULL;
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    t2m_eval_result a, b;
    assert_true(file >= 0);
    assert_int_equal(t2m_learner_save(l, path, true), T2M_OK);
    assert_int_equal(t2m_learner_open(lib, &again, path), T2M_OK);
    assert_true(again->by_task);
    o.tasks = 20;
    assert_int_equal(t2m_family_open(lib, &f, &family, 1, NULL), T2M_OK);
    assert_int_equal(t2m_eval(l, f, &o, &a), T2M_OK);
    assert_int_equal(t2m_eval(again, f, &o, &b), T2M_OK);
    assert_true(a.row[4].mean == b.row[4].mean);
    assert_true(a.row[4].mean < 0.5); /* lines with noise 0.3: far below the variance, about 9 */
    t2m_family_free(f);
    t2m_learner_free(again);
    t2m_learner_free(l);
    close(file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_constant_column_has_the_unit_1),
                                       cmocka_unit_test(other_units),
                                       cmocka_unit_test(kept_and_measured)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
