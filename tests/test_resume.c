/* test_resume.c: a training that is stopped anywhere, or whose last checkpoint is damaged, goes on
 * to the same bytes as one that is not. */
#include "check.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "task2model.h"

enum { STEPS = 6, MAX_FILE = 1 << 16 };

static char folder[] = "/tmp/t2m-resume-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static size_t read_file(const char *path, char *out)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(out, 1, MAX_FILE - 1, f);
    fclose(f);
    out[n] = 0;
    return n;
}

static void assert_same_file(const char *a, const char *b)
{
    static char x[MAX_FILE], y[MAX_FILE];
    const size_t n = read_file(a, x);
    assert_int_equal(n, read_file(b, y));
    assert_memory_equal(x, y, n);
}

/* ---- a small training, stopped when it asks for the k-th time ---- */

static atomic_size_t asked;
static size_t stop_at; /* 0: never */

static int stop(void *ctx)
{
    (void)ctx;
    return atomic_fetch_add(&asked, 1) + 1 >= stop_at && stop_at;
}

static t2m_status train(size_t threads, const char *output, bool resume)
{
    const char *const name = "builtin:sinusoid";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_train_result result;
    t2m_family *family = NULL;
    t2m *lib = check_open(NULL, threads);
    assert_int_equal(t2m_family_open(lib, &family, &name, 1, NULL), T2M_OK);
    o.output = output;
    o.method = "maml";
    o.structure = "mlp:8";
    o.steps = STEPS;
    o.meta_batch = 8;
    o.validation_tasks = 5;
    o.stop = stop;
    o.resume = resume;
    o.force = !resume;
    atomic_store(&asked, 0);
    const t2m_status status = t2m_train(lib, NULL, family, &o, &result);
    if (status != T2M_OK && status != T2M_ECANCELLED)
        fail_msg("%s", t2m_errmsg(lib));
    assert_true(status != T2M_OK || resume || (result.outside > 0 && result.outside < 1));
    t2m_family_free(family);
    t2m_close(lib);
    return status;
}

static void stopped_anywhere(void **state)
{
    (void)state;
    stop_at = 0;
    assert_int_equal(train(1, in_folder("whole"), false), T2M_OK);
    const size_t total = asked;
    assert_true(total > STEPS * 5); /* blocks and validation tasks */
    for (size_t k = 1; k <= total; k++) {
        const size_t threads = 1 + k % 2;
        stop_at = k;
        unlink(in_folder("parts"));
        assert_int_equal(train(threads, in_folder("parts"), false), T2M_ECANCELLED);
        assert_int_not_equal(access(in_folder("parts"), F_OK), 0);
        stop_at = k % 3 == 0 ? 2 : 0; /* now and then a second time */
        if (train(threads, in_folder("parts"), true) == T2M_ECANCELLED) {
            stop_at = 0;
            assert_int_equal(train(threads, in_folder("parts"), true), T2M_OK);
        }
        assert_same_file(in_folder("whole"), in_folder("parts"));
    }
}

static void damage(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -5, SEEK_END), 0);
    fputs("no", f);
    assert_int_equal(fclose(f), 0);
}

static void damaged_checkpoint(void **state)
{
    (void)state;
    stop_at = 20;
    assert_int_equal(train(1, in_folder("parts"), false), T2M_ECANCELLED);
    stop_at = 10;
    assert_int_equal(train(1, in_folder("parts"), true), T2M_ECANCELLED); /* makes `previous` */
    for (int again = 0; again < 2; again++) { /* and stopped at once: `previous` must survive */
        damage(in_folder("parts.run/last"));
        stop_at = 1;
        assert_int_equal(train(1, in_folder("parts"), true), T2M_ECANCELLED);
    }
    stop_at = 0;
    assert_int_equal(train(1, in_folder("parts"), true), T2M_OK);
    assert_int_equal(train(1, in_folder("whole"), false), T2M_OK);
    assert_same_file(in_folder("whole"), in_folder("parts"));
}

static void manifest(void **state)
{
    static char text[MAX_FILE];
    static const char *const key[] = {"version", "arguments", "family",  "fingerprint",
                                      "cpu",     "isa",       "threads", "seed",
                                      "started", "finished",  "seconds", "steps"};
    (void)state;
    stop_at = 0;
    assert_int_equal(train(2, in_folder("whole"), false), T2M_OK);
    read_file(in_folder("whole.run/manifest.json"), text);
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "\"%s\": ", key[i]);
        if (!strstr(text, quoted))
            fail_msg("%s is missing in %s", key[i], text);
    }
    assert_non_null(strstr(text, "\"threads\": 2"));
    assert_non_null(strstr(text, "\"steps\": 6"));
    assert_non_null(strstr(text, "builtin:sinusoid"));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(stopped_anywhere),
                                       cmocka_unit_test(damaged_checkpoint),
                                       cmocka_unit_test(manifest)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
