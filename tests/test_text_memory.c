/* test_text_memory.c: from texts to a learner, a model, its answers and its changes with each
 * allocation failing once: an error comes back and nothing leaks. */
#include "check_build.h"
#include "check_memory.h"
#include "check_text.h"

/* A path stays good while it is used. */
static void keep(char out[256], const char *name)
{
    snprintf(out, 256, "%s", check_path(name));
}

static char method_protonet[] = "protonet", method_ridge[] = "ridge";

/* ctx: the method */
static t2m_status learn(t2m *lib, void *ctx)
{
    char train[256];
    const char *const path = train;
    t2m_train_options o = check_training(ctx, 1);
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    keep(train, "train.jsonl");
    o.validation_tasks = 1;
    t2m_status status = t2m_family_open(lib, &f, &path, 1, NULL);
    if (status == T2M_OK)
        status = t2m_train(lib, &l, f, &o, NULL);
    if (status == T2M_OK)
        status = t2m_learner_save(l, check_path("learner"), true);
    t2m_learner_free(l);
    t2m_family_free(f);
    return status;
}

static t2m_status build(t2m *lib, void *ctx)
{
    (void)ctx;
    return check_build_from(lib, "shots.jsonl");
}

/* Of texts with several labels. */
static t2m_status build_several(t2m *lib, void *ctx)
{
    (void)ctx;
    return check_build_from(lib, "several.jsonl");
}

static t2m_status answer(t2m *lib, void *ctx)
{
    const t2m_line line = {"{\"text\": \"bagi\"}", 16, 1};
    t2m_model *m = NULL;
    float *x = NULL, y[4];
    size_t n = 0;
    (void)ctx;
    t2m_status status = t2m_model_open(lib, &m, check_path("model"));
    if (status == T2M_OK)
        status = t2m_model_read(m, check_path("shots.jsonl"), &x, &n);
    if (status == T2M_OK)
        status = t2m_model_prepare(m, n);
    if (status == T2M_OK)
        status = t2m_model_predict(m, x, 1, y);
    if (status == T2M_OK)
        status = t2m_model_line(m, &line, x);
    t2m_free(lib, x);
    t2m_model_free(m);
    return status;
}

static t2m_status change(t2m *lib, void *ctx)
{
    t2m_model *m = NULL, *more = NULL, *back = NULL;
    (void)ctx;
    t2m_status status = t2m_model_open(lib, &m, check_path("model"));
    if (status == T2M_OK)
        status = t2m_model_add(m, &more, check_path("more.jsonl"), "class 7");
    if (status == T2M_OK)
        status = t2m_model_remove(more, &back, "class 0");
    if (status == T2M_OK)
        status = t2m_model_save(back, check_path("back"), true);
    t2m_model_free(back);
    t2m_model_free(more);
    t2m_model_free(m);
    return status;
}

static void memory_runs_out(void **state)
{
    static const struct {
        t2m_status (*way)(t2m *lib, void *ctx);
        size_t step;
    } way[] = {{learn, 1}, {build, 1}, {answer, 1}, {change, 1}};
    t2m *lib = check_memory_open();
    (void)state;
    check_texts(lib, "train.jsonl", 100, 6, 4);
    check_texts(lib, "shots.jsonl", 0, 3, 2);
    check_texts(lib, "more.jsonl", 7, 1, 2);
    for (int ridge = 0; ridge < 2; ridge++)
        for (size_t i = 0; i < sizeof way / sizeof *way; i++)
            check_memory(lib, way[i].way, ridge ? method_ridge : method_protonet, way[i].step);
    check_write("several.jsonl", "{\"text\":\"a\",\"label\":[\"x\",\"y\"]}\n"
                                 "{\"text\":\"b\",\"label\":\"x\"}\n"
                                 "{\"text\":\"b\",\"label\":[]}\n");
    check_memory(lib, build_several, NULL, 1);
    check_memory_close(lib);
}

/* What is odd is kept too. */
static t2m_status warn(t2m *lib, void *ctx)
{
    char two[256];
    const char *const path = two;
    t2m_family *f = NULL;
    (void)ctx;
    keep(two, "two.jsonl");
    const t2m_status status = t2m_family_open(lib, &f, &path, 1, NULL);
    t2m_family_free(f);
    return status;
}

static void warnings(void **state)
{
    t2m *lib = check_memory_open();
    (void)state;
    check_write("two.jsonl",
                "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"a\",\"label\":\"y\"}\n"
                "{\"text\":\"b\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"y\"}\n");
    check_memory(lib, warn, NULL, 1);
    check_memory_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_runs_out),
                                       cmocka_unit_test(warnings)};
    return cmocka_run_group_tests(tests, check_files_setup, check_files_teardown);
}
