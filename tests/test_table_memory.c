/* test_table_memory.c: a table to a model, to its file and to an answer with each allocation
 * failing once: an error comes back and nothing leaks. */
#include "check_memory.h"
#include "check_table.h"

static const char *const mixed = "size,colour,sold\n"
                                 "1,red,yes\n2,blue,no\n3,green,no\n1.5,red,yes\n2.5,,no\n"
                                 "0.5,red,yes\n3.5,green,no\n1.2,red,yes\n2.2,blue,no\n";

static t2m_status build_and_save(const t2m_learner *l, const char *csv, const char *model)
{
    t2m_task *t = NULL;
    t2m_model *m = NULL;
    t2m_status status = t2m_task_open(l, &t, csv, NULL);
    if (status == T2M_OK)
        status = t2m_build(l, &m, t, NULL, NULL);
    if (status == T2M_OK)
        status = t2m_model_save(m, model, true);
    t2m_model_free(m);
    t2m_task_free(t);
    return status;
}

static t2m_status open_and_predict(t2m *lib, const char *model, const char *csv)
{
    t2m_model *m = NULL, *again = NULL;
    float *x = NULL, *v = NULL, y[3];
    size_t n = 0;
    t2m_status status = t2m_model_open(lib, &m, model);
    if (status == T2M_OK)
        status = t2m_model_read(m, csv, &x, &n);
    if (status == T2M_OK)
        status = t2m_model_prepare(m, n);
    if (status == T2M_OK)
        status = t2m_model_predict(m, x, 1, y);
    if (status == T2M_OK)
        status = t2m_model_vector(m, &v, &n);
    if (status == T2M_OK)
        status = t2m_model_from_vector(m, &again, v, n);
    t2m_free(lib, x);
    t2m_free(lib, v);
    t2m_model_free(m);
    t2m_model_free(again);
    return status;
}

static t2m_status whole_way(t2m *lib, void *learner)
{
    char csv[96], model[96];
    snprintf(csv, sizeof csv, "%s", check_path("memory.csv"));
    snprintf(model, sizeof model, "%s", check_path("memory"));
    const t2m_status status = build_and_save(learner, csv, model);
    return status == T2M_OK ? open_and_predict(lib, model, csv) : status;
}

static void failing(const char *structure, const char *csv, size_t step)
{
    t2m *lib = check_memory_open();
    check_write("memory.csv", csv);
    t2m_learner *l = check_learner(lib, structure);
    check_memory(lib, whole_way, l, step);
    t2m_learner_free(l);
    check_memory_close(lib);
}

static void memory_runs_out(void **state)
{
    static char rows[258 * 16]; /* more than a kernel has centres */
    size_t at = (size_t)snprintf(rows, sizeof rows, "a,y\n");
    (void)state;
    for (int i = 0; i < 258; i++)
        at += (size_t)snprintf(rows + at, sizeof rows - at, "%d,%s\n", i, i % 3 ? "few" : "many");
    failing("kernel:16,4,4", mixed, 1);
    failing("kernel:16,4,4", "a,b\n1,2.5\n2,3.5\n3,7\n4,6\n", 1);
    failing("linear", rows, 1);
    failing("kernel:16,4,4", rows, 29);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, check_files_setup, check_files_teardown);
}
