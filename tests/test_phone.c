/* test_phone.c: from photographs as phones take them, large, upright and lying, in folders of
 * classes, to a model, by a small learner of colour pictures. */
#include "check.h"

#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "task2model.h"

enum { CLASSES = 6, EACH = 6, LONG = 4032, SHORT = 3024 };
static char folder[] = "/tmp/t2m-phone-XXXXXX";

/* A class is a colour and how many stripes there are; a photograph has them somewhere, in some
 * light. */
struct photograph {
    int width, height, kind;
    uint64_t number;
};

static void photograph(const char *path, const struct photograph *of)
{
    const int width = of->width, height = of->height, kind = of->kind;
    struct random r = random_stream(9, (uint64_t)kind, of->number);
    const double shift = random_uniform(&r, 0, 6), light = random_uniform(&r, 0.8, 1.1);
    unsigned char *pixels = malloc((size_t)width * (size_t)height * 3), *at = pixels;
    double *stripe = malloc((size_t)width * sizeof *stripe);
    assert_true(pixels && stripe);
    for (int x = 0; x < width; x++)
        stripe[x] = 50 * sin(6.28 * (2 + 3 * (kind / 3)) * x / width + shift);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int k = 0; k < 3; k++)
                *at++ = (unsigned char)(light * (kind % 3 == k ? 150 : 70) + stripe[x] * (k != 1));
    unsigned char *jpeg = NULL;
    unsigned long size = 0;
    tjhandle handle = tjInitCompress();
    assert_int_equal(tjCompress2(handle, pixels, width, 0, height, TJPF_RGB, &jpeg, &size,
                                 TJSAMP_420, 85, TJFLAG_FASTDCT),
                     0);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(jpeg, 1, size, f), size);
    fclose(f);
    tjFree(jpeg);
    tjDestroy(handle);
    free(stripe);
    free(pixels);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Photographs of one class, whose longer side has so many pixels. */
static void class_folder(const char *name, int kind, int count, int longer)
{
    char path[128];
    const int shorter = longer * SHORT / LONG;
    mkdir(in_folder(name), 0700);
    snprintf(path, sizeof path, "%s/kind %d", name, kind);
    mkdir(in_folder(path), 0700);
    for (int i = 0; i < count; i++) {
        const struct photograph of = {i % 2 ? shorter : longer, i % 2 ? longer : shorter, kind,
                                      (uint64_t)(i + longer)};
        snprintf(path, sizeof path, "%s/kind %d/IMG_%04d.JPG", name, kind, i);
        photograph(in_folder(path), &of);
    }
}

static t2m_learner *learn(t2m *lib)
{
    char path[256];
    const char *const paths[] = {path};
    t2m_family_options of = T2M_FAMILY_OPTIONS_INIT;
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_family_info info;
    t2m_learner *l = NULL;
    snprintf(path, sizeof path, "%s/family", folder);
    for (int kind = 0; kind < CLASSES - 2; kind++)
        class_folder("family", kind, EACH, 400);
    of.image_size = 32;
    if (t2m_family_open(lib, &f, paths, 1, &of) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_family_describe(f, &info);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.examples, (CLASSES - 2) * EACH);
    o.method = "ridge";
    o.structure = "resnet:4,8";
    o.ways = 3;
    o.shots = 2;
    o.queries = 3;
    o.steps = 30;
    o.meta_batch = 1;
    o.validation_tasks = 2;
    o.augment = 1;
    if (t2m_train(lib, &l, f, &o, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_family_free(f);
    return l;
}

/* The last two classes were not there in training. */
static void from_photographs_to_a_model(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = learn(lib);
    t2m_task *task = NULL;
    t2m_model *m = NULL, *again = NULL;
    for (int kind = CLASSES - 2; kind < CLASSES; kind++)
        class_folder("shots", kind, 2, LONG);
    if (t2m_task_open(l, &task, in_folder("shots"), NULL) != T2M_OK ||
        t2m_build(l, &m, task, NULL, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    assert_string_equal(t2m_model_class(m, 0), "kind 4");
    assert_int_equal(t2m_model_save(m, in_folder("model"), false), T2M_OK);
    assert_int_equal(t2m_model_open(lib, &again, in_folder("model")), T2M_OK);
    assert_int_equal(t2m_model_prepare(again, 1), T2M_OK);
    for (int kind = 0; kind < 2; kind++)
        for (int upright = 0; upright < 2; upright++) {
            float *x = NULL, y[2];
            size_t n = 0;
            photograph(in_folder("new.jpeg"),
                       &(struct photograph){upright ? SHORT : LONG, upright ? LONG : SHORT,
                                            CLASSES - 2 + kind, 77});
            if (t2m_model_read(again, in_folder("new.jpeg"), &x, &n) != T2M_OK)
                fail_msg("%s", t2m_errmsg(lib));
            assert_int_equal(n, 1);
            assert_int_equal(t2m_model_predict(again, x, 1, y), T2M_OK);
            assert_true(y[kind] > 0.5F && fabsf(y[0] + y[1] - 1) < 1e-5F);
            t2m_free(lib, x);
        }
    t2m_model_free(again);
    t2m_model_free(m);
    t2m_task_free(task);
    t2m_learner_free(l);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? check_setup(state) : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return check_teardown(state) + system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(from_photographs_to_a_model)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
