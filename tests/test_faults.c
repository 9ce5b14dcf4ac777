/* test_faults.c: the whole way from files to a prediction, with the k-th allocation or the k-th
 * system call failing, once and for ever, for every k: an error comes back, nothing leaks, no file
 * is half written, none is left behind. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "task2model.h"

static char folder[] = "/tmp/t2m-faults-XXXXXX", learner[64], model[64], rows[64], broken[64];

/* ---- hooks that fail ---- */

enum hook { ALLOCATE, OPEN, READ, WRITE, SYNC, CLOSE, RENAME, CALLS };
static size_t made[CALLS], fail_at[CALLS], live, opened;
static bool for_ever; /* or once */

static bool fails(enum hook c)
{
    made[c]++;
    return made[c] == fail_at[c] || (for_ever && fail_at[c] && made[c] > fail_at[c]);
}

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *p = fails(ALLOCATE) ? NULL : malloc(size);
    live += p != NULL;
    return p;
}

static void *resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    void *p = fails(ALLOCATE) ? NULL : realloc(old, size);
    live += p && !old;
    return p;
}

static void release(void *ctx, void *p)
{
    (void)ctx;
    live -= p != NULL;
    free(p);
}

static int refuse_call(int error)
{
    errno = error;
    return -1;
}

static int open_file(void *ctx, const char *path, int flags, unsigned mode)
{
    (void)ctx;
    const int fd = fails(OPEN) ? refuse_call(EACCES) : open(path, flags, mode);
    opened += fd >= 0;
    return fd;
}

static int64_t read_some(void *ctx, int fd, void *p, size_t n)
{
    (void)ctx;
    return fails(READ) ? refuse_call(EIO) : read(fd, p, n > 1000 ? 1000 : n);
}

static int64_t write_some(void *ctx, int fd, const void *p, size_t n)
{
    (void)ctx;
    return fails(WRITE) ? refuse_call(ENOSPC) : write(fd, p, n > 1000 ? 1000 : n);
}

static int sync_file(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    return fails(SYNC) ? refuse_call(EIO) : 0;
}

static int close_file(void *ctx, int fd)
{
    (void)ctx;
    opened--;
    return close(fd) || fails(CLOSE) ? refuse_call(EIO) : 0;
}

static int rename_file(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return fails(RENAME) ? refuse_call(EACCES) : rename(from, to);
}

static int unlink_file(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path);
}

static const t2m_allocator memory = {allocate, resize, release, NULL};
static const t2m_io files = {open_file,  read_some,   write_some,  sync_file,
                             close_file, rename_file, unlink_file, NULL};

/* ---- the whole way ---- */

static t2m_status train(t2m *lib, const char *family, bool images)
{
    t2m_family_options fo = T2M_FAMILY_OPTIONS_INIT;
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    fo.image_size = images ? 16 : 0;
    o.structure = images ? "conv4:2" : "linear";
    o.ways = 2;
    o.shots = images ? 1 : 4;
    o.queries = 2;
    o.steps = o.meta_batch = o.validation_tasks = 1;
    o.output = learner;
    o.force = true;
    t2m_status status = t2m_family_open(lib, &f, &family, 1, &fo);
    if (status == T2M_OK)
        status = t2m_train(lib, NULL, f, &o, NULL);
    t2m_family_free(f);
    return status;
}

static t2m_status build(t2m *lib, const char *shots)
{
    t2m_learner *l = NULL;
    t2m_task *task = NULL;
    t2m_model *m = NULL;
    t2m_status status = t2m_learner_open(lib, &l, learner);
    if (status == T2M_OK)
        status = t2m_task_open(l, &task, shots, NULL);
    if (status == T2M_OK)
        status = t2m_build(l, &m, task, NULL, NULL);
    if (status == T2M_OK)
        status = t2m_model_save(m, model, true);
    t2m_model_free(m);
    t2m_task_free(task);
    t2m_learner_free(l);
    return status;
}

static t2m_status predict(t2m *lib, const char *inputs)
{
    t2m_model *m = NULL;
    float *x = NULL, y[64];
    size_t n = 0;
    t2m_status status = t2m_model_open(lib, &m, model);
    if (status == T2M_OK)
        status = t2m_model_read(m, inputs, &x, &n);
    if (status == T2M_OK)
        status = t2m_model_prepare(m, n);
    if (status == T2M_OK)
        status = t2m_model_predict(m, x, n < 8 ? n : 8, y);
    t2m_free(lib, x);
    t2m_model_free(m);
    return status;
}

static t2m_status whole_way(bool images)
{
    const char *data = images ? "data/omniglot/unseen/new" : rows,
               *one = images ? "data/omniglot/unseen/new/character01/0466_02.png" : rows;
    t2m_options o = T2M_OPTIONS_INIT;
    t2m *lib = NULL;
    o.threads = 1;
    o.alloc = &memory;
    o.io = &files;
    t2m_status status = t2m_open(&lib, &o, NULL);
    if (status != T2M_OK)
        return status;
    status = train(lib, data, images);
    if (status == T2M_OK)
        status = build(lib, data);
    if (status == T2M_OK)
        status = predict(lib, one);
    if (status != T2M_OK)
        assert_true(strlen(t2m_errmsg(lib)) > 0);
    t2m_close(lib);
    return status;
}

/* ---- what must hold after each failure ---- */

static void no_temporaries(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strstr(e->d_name, ".tmp"))
            fail_msg("%s/%s was left behind", path, e->d_name);
    if (d)
        closedir(d);
}

/* A learner that is there is whole. */
static void whole_or_absent(void)
{
    t2m *lib = check_open(NULL, 1);
    t2m_learner *l = NULL;
    if (access(learner, F_OK) == 0 && t2m_learner_open(lib, &l, learner) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_learner_free(l);
    t2m_close(lib);
}

/* Fails call k of its kind for k = 1, 2, ..; returns how often the way had an error. */
static size_t sweep(enum hook c, bool images)
{
    size_t errors = 0, total;
    memset(made, 0, sizeof made);
    memset(fail_at, 0, sizeof fail_at);
    assert_int_equal(whole_way(images), T2M_OK);
    total = made[c];
    for (size_t k = 1; k <= 2 * total; k++) {
        memset(made, 0, sizeof made);
        for_ever = k > total;
        fail_at[c] = for_ever ? k - total : k;
        const t2m_status status = whole_way(images);
        if (live || opened)
            fail_msg("call %d, failure %zu of %zu: %zu allocations and %zu files left", (int)c, k,
                     total, live, opened);
        if (c == ALLOCATE && status != T2M_ENOMEM)
            fail_msg("allocation %zu of %zu failed, and the way ended with %d", k, total, status);
        errors += status != T2M_OK;
        no_temporaries(folder);
        no_temporaries(broken);
        whole_or_absent();
    }
    fail_at[c] = 0;
    return errors;
}

static void memory_runs_out(void **state)
{
    (void)state;
    assert_true(sweep(ALLOCATE, false) > 0);
    assert_true(sweep(ALLOCATE, true) > 0);
}

static void system_fails(void **state)
{
    (void)state;
    for (int images = 0; images < 2; images++) {
        assert_true(sweep(OPEN, images) > 0);
        assert_true(sweep(READ, images) > 0);
        assert_true(sweep(WRITE, images) > 0);
        assert_true(sweep(SYNC, images) > 0);
        assert_true(sweep(RENAME, images) > 0);
        sweep(CLOSE, images);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(learner, sizeof learner, "%s/l", folder);
    snprintf(broken, sizeof broken, "%s/l.run", folder);
    snprintf(model, sizeof model, "%s/m", folder);
    snprintf(rows, sizeof rows, "%s/rows.csv", folder);
    FILE *f = fopen(rows, "w");
    fprintf(f, "x,target\n");
    for (int i = 0; i < 9; i++)
        fprintf(f, "%d,%d\n", i, 2 * i + 1);
    return fclose(f);
}

static int remove_folder(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_runs_out),
                                       cmocka_unit_test(system_fails)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
