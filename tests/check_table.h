/* check_table.h: what the tests of models of tables share: a small learner, and models and
 * predictions from the text of a CSV file. */
#pragma once
#include "check_files.h"

#include "base/text.h"
#include "task2model.h"

/* Two steps of training on synthetic tables. */
static inline t2m_learner *check_learner(t2m *lib, const char *structure)
{
    const char *const path = "builtin:tables";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    o.structure = structure;
    o.steps = 2;
    o.meta_batch = o.validation_tasks = 1;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    t2m_family_free(f);
    return l;
}

static inline t2m_model *check_build(t2m *lib, const t2m_learner *l, const char *csv)
{
    t2m_task *t = NULL;
    t2m_model *m = NULL;
    check_write("build.csv", csv);
    if (t2m_task_open(l, &t, check_path("build.csv"), NULL) != T2M_OK ||
        t2m_build(l, &m, t, NULL, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_task_free(t);
    return m;
}

static inline size_t check_outputs(const t2m_model *m)
{
    t2m_model_info i;
    t2m_model_describe(m, &i);
    return i.outputs;
}

/* Answers [rows, outputs] for the rows of a CSV, to free. */
static inline float *check_predict(t2m *lib, t2m_model *m, const char *csv, size_t rows)
{
    float *x = NULL, *y = malloc(rows * check_outputs(m) * sizeof *y);
    size_t n = 0;
    assert_non_null(y);
    check_write("predict.csv", csv);
    if (t2m_model_read(m, check_path("predict.csv"), &x, &n) != T2M_OK ||
        t2m_model_prepare(m, rows) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    assert_int_equal(n, rows);
    assert_int_equal(t2m_model_predict(m, x, n, y), T2M_OK);
    t2m_free(lib, x);
    return y;
}
