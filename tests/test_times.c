/* test_times.c: the times of all plans of a handle: what is counted, and memory that runs out. */
#include "check_few.h"

static const int64_t square[] = {16, 16};

/* Runs exp(x x) so many times in a workspace of its own. */
static t2m_status run_product(t2m *lib, int runs)
{
    static float x[256], y[256];
    t2m_graph *g;
    t2m_plan *plan = NULL;
    t2m_workspace *w = NULL;
    t2m_status status = t2m_graph_new(lib, &g);
    if (status != T2M_OK)
        return status;
    const t2m_value in = t2m_input(g, "x", 2, square), out = t2m_exp(g, t2m_matmul(g, in, in));
    status = t2m_compile(g, &in, 1, &out, 1, NULL, &plan);
    if (status == T2M_OK)
        status = t2m_workspace_new(plan, &w);
    const void *from = x;
    void *to = y;
    for (int i = 0; i < runs && status == T2M_OK; i++)
        t2m_run(plan, w, &from, &to);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(g);
    return status;
}

static void all_runs_are_counted(void **state)
{
    t2m_options o = T2M_OPTIONS_INIT;
    t2m *lib;
    char op[32], first[32];
    double share, seconds;
    unsigned long runs;
    (void)state;
    o.profile = true;
    o.threads = 1;
    assert_int_equal(t2m_open(&lib, &o, NULL), T2M_OK);
    assert_int_equal(run_product(lib, 3), T2M_OK);
    assert_int_equal(run_product(lib, 4), T2M_OK);
    char *text = t2m_profile_print(lib);
    assert_non_null(text);
    const char *line = strstr(text, "matmul");
    assert_non_null(line);
    assert_null(strstr(line + 1, "matmul"));
    while (line > text && line[-1] != '\n')
        line--;
    assert_int_equal(
        sscanf(line, "%lf %lf %lu %*f %*f %*f %31s %31s", &share, &seconds, &runs, op, first), 5);
    assert_int_equal(runs, 7);
    assert_string_equal(first, "[16,");
    t2m_free(lib, text);
    t2m_close(lib);
}

static void not_measured_unless_asked(void **state)
{
    (void)state;
    t2m *lib = check_open(NULL, 1);
    assert_int_equal(run_product(lib, 1), T2M_OK);
    assert_null(t2m_profile_print(lib));
    t2m_close(lib);
}

static void memory_runs_out(void **state)
{
    t2m_options o = T2M_OPTIONS_INIT;
    bool done = false;
    (void)state;
    o.profile = true;
    o.threads = 2;
    o.alloc = &few;
    for (size_t n = 0; !done; n++) {
        t2m *lib = NULL;
        left = n;
        t2m_status status = t2m_open(&lib, &o, NULL);
        if (status == T2M_OK)
            status = run_product(lib, 1);
        assert_true(status == T2M_OK || status == T2M_ENOMEM);
        char *text = status == T2M_OK ? t2m_profile_print(lib) : NULL;
        done = text != NULL;
        if (done)
            t2m_free(lib, text);
        t2m_close(lib);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_runs_are_counted),
                                       cmocka_unit_test(not_measured_unless_asked),
                                       cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
