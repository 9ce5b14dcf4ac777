/* test_mask_memory.c: from pictures with masks to a learner, a model and a mask with each
 * allocation failing once: an error comes back and nothing leaks. */
#include "check_build.h"
#include "check_masks.h"
#include "check_memory.h"

#include <sys/stat.h>

enum { SIDE = 16, PAIRS = 4 };

static t2m_status save_pair(t2m *lib, int number)
{
    unsigned char pixel[SIDE * SIDE * 3], id[SIDE * SIDE], *png = NULL;
    static const unsigned char colour[] = {0, 0, 0, 255, 255, 255};
    char name[32];
    size_t n = 0;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        id[i] = i % SIDE > (size_t)number + 3 && i / SIDE > 8;
        for (size_t k = 0; k < 3; k++)
            pixel[3 * i + k] = (unsigned char)(100 * id[i] + 37 * i * k % 50);
    }
    snprintf(name, sizeof name, "set/images/%d.png", number);
    t2m_status status = t2m_png_encode(lib, &png, &n, pixel, SIDE, SIDE, 3);
    if (status == T2M_OK)
        status = t2m_file_save(lib, check_path(name), png, n, true);
    t2m_free(lib, png);
    if (status != T2M_OK)
        return status;
    snprintf(name, sizeof name, "set/masks/%d.png", number);
    status = t2m_png_encode_palette(lib, &png, &n, id, SIDE, SIDE, colour, 2);
    if (status != T2M_OK)
        return status;
    status = t2m_file_save(lib, check_path(name), png, n, true);
    t2m_free(lib, png);
    return status;
}

static t2m_status save_pairs(t2m *lib, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < PAIRS; i++) {
        const t2m_status status = save_pair(lib, i);
        if (status != T2M_OK)
            return status;
    }
    return T2M_OK;
}

static t2m_status learn(t2m *lib, void *ctx)
{
    char set[256];
    const char *const path = set;
    const t2m_train_options o = check_mask_training(ctx, "fcn:2,2");
    t2m_family_options of = T2M_FAMILY_OPTIONS_INIT;
    t2m_eval_options oe = T2M_EVAL_OPTIONS_INIT;
    t2m_eval_result result;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    snprintf(set, sizeof set, "%s", check_path("set"));
    of.image_size = SIDE;
    oe.tasks = 2;
    t2m_status status = t2m_family_open(lib, &f, &path, 1, &of);
    if (status == T2M_OK)
        status = t2m_train(lib, &l, f, &o, NULL);
    if (status == T2M_OK)
        status = t2m_eval(l, f, &oe, &result);
    if (status == T2M_OK)
        status = t2m_learner_save(l, check_path("learner"), true);
    t2m_learner_free(l);
    t2m_family_free(f);
    return status;
}

static t2m_status build(t2m *lib, void *ctx)
{
    (void)ctx;
    return check_build_from(lib, "set");
}

static t2m_status segment(t2m *lib, void *ctx)
{
    t2m_model *m = NULL;
    t2m_segmentation s = {0};
    (void)ctx;
    t2m_status status = t2m_model_open(lib, &m, check_path("model"));
    if (status == T2M_OK)
        status = t2m_model_prepare(m, 1);
    if (status == T2M_OK)
        status = t2m_model_segment(m, check_path("set/images/0.png"), &s);
    t2m_free(lib, s.picture);
    t2m_free(lib, s.mask);
    t2m_model_free(m);
    return status;
}

static void memory_runs_out(void **state)
{
    static char method[] = "ridge";
    t2m *lib = check_memory_open();
    (void)state;
    mkdir(check_path("set"), 0777);
    mkdir(check_path("set/images"), 0777);
    mkdir(check_path("set/masks"), 0777);
    check_memory(lib, save_pairs, NULL, 1);
    check_memory(lib, learn, method, 5);
    check_memory(lib, build, NULL, 1);
    check_memory(lib, segment, NULL, 1);
    check_memory_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, check_files_setup, check_files_teardown);
}
