/* test_damage.c: a learner, a model, a model of a table or of masks that is cut at any length, or
 * has any one bit flipped, is refused with a sentence that names the file. */
#include "check_masks.h"

#include <sys/mman.h>
#include <unistd.h>

#include "task2model.h"

static char folder[] = "/tmp/t2m-damage-XXXXXX", learner[64], model[64], of_table[64], csv[64],
            of_masks[64];

static t2m_status open_learner(t2m *lib, const char *path)
{
    t2m_learner *l = NULL;
    const t2m_status status = t2m_learner_open(lib, &l, path);
    t2m_learner_free(l);
    return status;
}

static t2m_status open_model(t2m *lib, const char *path)
{
    t2m_model *m = NULL;
    const t2m_status status = t2m_model_open(lib, &m, path);
    t2m_model_free(m);
    return status;
}

static void refused(t2m *lib, t2m_status (*open_it)(t2m *, const char *), const char *path,
                    const char *what, size_t at)
{
    const t2m_status status = open_it(lib, path);
    if (status != T2M_EMODEL)
        fail_msg("%s %zu: status %d, %s", what, at, status, t2m_errmsg(lib));
    assert_non_null(strstr(t2m_errmsg(lib), path)); /* it names the file */
}

/* A copy in memory, so that thousands of versions are quick. */
static void damage(const char *from, t2m_status (*open_it)(t2m *, const char *))
{
    static unsigned char data[1 << 16];
    char path[32];
    t2m *lib = check_open(NULL, 1);
    FILE *f = fopen(from, "rb");
    assert_non_null(f);
    const size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    const int fd = memfd_create("copy", 0);
    assert_int_equal(write(fd, data, n), n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(open_it(lib, path), T2M_OK);
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            const unsigned char bad = (unsigned char)(data[at] ^ 1 << bit);
            assert_int_equal(pwrite(fd, &bad, 1, (off_t)at), 1);
            refused(lib, open_it, path, "a bit flipped in byte", at);
            assert_int_equal(pwrite(fd, &data[at], 1, (off_t)at), 1);
        }
    assert_int_equal(open_it(lib, path), T2M_OK);
    for (size_t length = n; length-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        refused(lib, open_it, path, "cut to", length);
    }
    close(fd);
    t2m_close(lib);
}

static void damaged_learner(void **state)
{
    (void)state;
    damage(learner, open_learner);
}

static void damaged_model(void **state)
{
    (void)state;
    damage(model, open_model);
}

static void damaged_model_of_a_table(void **state)
{
    (void)state;
    damage(of_table, open_model);
}

static void damaged_model_of_masks(void **state)
{
    (void)state;
    damage(of_masks, open_model);
}

static bool build_of_masks(t2m *lib)
{
    const t2m_train_options o = check_mask_training("protonet", "unet:1,1");
    t2m_family *f = check_masks(lib, 16);
    t2m_learner *l = NULL;
    t2m_task *task = NULL;
    t2m_model *m = NULL;
    const bool good = t2m_train(lib, &l, f, &o, NULL) == T2M_OK &&
                      t2m_task_draw(l, &task, f, 2, 1, 0) == T2M_OK &&
                      t2m_build(l, &m, task, NULL, NULL) == T2M_OK &&
                      t2m_model_save(m, of_masks, false) == T2M_OK;
    t2m_model_free(m);
    t2m_task_free(task);
    t2m_learner_free(l);
    t2m_family_free(f);
    return good;
}

static bool build_of_table(t2m *lib)
{
    const char *const name = "builtin:tables";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    t2m_task *task = NULL;
    t2m_model *m = NULL;
    FILE *file = fopen(csv, "w");
    if (!file)
        return false;
    fputs("a,b,y\n1,,x\n2,1,y\n3,3,x\n", file);
    o.structure = "kernel:16,4,4";
    o.steps = 2;
    o.meta_batch = o.validation_tasks = 1;
    const bool good = fclose(file) == 0 && t2m_family_open(lib, &f, &name, 1, NULL) == T2M_OK &&
                      t2m_train(lib, &l, f, &o, NULL) == T2M_OK &&
                      t2m_task_open(l, &task, csv, NULL) == T2M_OK &&
                      t2m_build(l, &m, task, NULL, NULL) == T2M_OK &&
                      t2m_model_save(m, of_table, false) == T2M_OK;
    t2m_model_free(m);
    t2m_task_free(task);
    t2m_learner_free(l);
    t2m_family_free(f);
    return good;
}

static int make_files(void **state)
{
    const char *const name = "builtin:line";
    const float x[] = {-1, 0, 1, 2}, y[] = {-1, 1, 3, 5};
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    t2m_task *task = NULL;
    t2m_model *m = NULL;
    t2m *lib = check_open(NULL, 1);
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(learner, sizeof learner, "%s/l", folder);
    snprintf(model, sizeof model, "%s/m", folder);
    snprintf(of_table, sizeof of_table, "%s/t", folder);
    snprintf(csv, sizeof csv, "%s/t.csv", folder);
    snprintf(of_masks, sizeof of_masks, "%s/p", folder);
    o.structure = "linear";
    o.steps = o.validation_tasks = 1;
    const bool good = t2m_family_open(lib, &f, &name, 1, NULL) == T2M_OK &&
                      t2m_train(lib, &l, f, &o, NULL) == T2M_OK &&
                      t2m_learner_save(l, learner, false) == T2M_OK &&
                      t2m_task_new(l, &task, x, y, 4, NULL, 0) == T2M_OK &&
                      t2m_build(l, &m, task, NULL, NULL) == T2M_OK &&
                      t2m_model_save(m, model, false) == T2M_OK && build_of_table(lib) &&
                      build_of_masks(lib);
    t2m_model_free(m);
    t2m_task_free(task);
    t2m_learner_free(l);
    t2m_family_free(f);
    t2m_close(lib);
    return good ? 0 : -1;
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(learner) || unlink(model) || unlink(of_table) || unlink(csv) ||
           unlink(of_masks) || rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_learner), cmocka_unit_test(damaged_model),
        cmocka_unit_test(damaged_model_of_a_table), cmocka_unit_test(damaged_model_of_masks)};
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
