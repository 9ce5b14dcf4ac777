/* test_training.c: learners and models: every method trains on a small family; the same bytes for
 * any number of threads and after an interruption; the model vector is exact; answers do not depend
 * on neighbours; norm settings. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "mapping/learner.h"

static char folder[] = "/tmp/t2m-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[160];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* A family of pictures without files: each class is a pattern of stripes plus noise. */
static t2m_family *stripes(t2m *lib, size_t classes, size_t count)
{
    const size_t side = 16;
    t2m_family *f = mem_new(lib, 1, sizeof *f);
    *f = (t2m_family){.lib = lib,
                      .kind = FAMILY_IMAGES,
                      .name = mem_text(lib, "stripes"),
                      .height = side,
                      .width = side,
                      .channels = 1,
                      .classes = classes,
                      .domains = 1,
                      .fingerprint = 9};
    f->class = mem_new(lib, classes, sizeof *f->class);
    for (size_t c = 0; c < classes; c++) {
        struct random r = random_stream(3, c, 0);
        const double a = random_uniform(&r, -1, 1), b = random_uniform(&r, -1, 1);
        f->class[c] = (struct example_class){.name = mem_text(lib, "stripe"),
                                             .count = count,
                                             .pixels = mem_new(lib, count * side, side)};
        for (size_t i = 0; i < count * side * side; i++) {
            const double x = (double)(i % side), y = (double)(i / side % side);
            const double v = 0.5 + 0.4 * sin(a * x + b * y) + random_uniform(&r, -0.1, 0.1);
            f->class[c].pixels[i] = (unsigned char)(255 * v);
        }
    }
    return f;
}

static t2m_family *curves(t2m *lib)
{
    t2m_family *f = NULL;
    const char *const path = "builtin:sinusoid";
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    return f;
}

enum { ROWS, CONV4, RESNET, STRUCTURES }; /* what models are: 0 for rows, else for pictures */

static t2m_train_options small(const char *method, int images)
{
    static const char *const structure[] = {"mlp:8", "conv4:4", "resnet:3,4"};
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    o.method = method;
    o.structure = structure[images];
    o.ways = 3;
    o.shots = images ? 2 : 6;
    o.queries = 2;
    o.steps = 6;
    o.meta_batch = 5;
    o.seed = 4;
    o.validation_tasks = 4;
    return o;
}

/* ---- every method, both kinds of data ---- */

static void check_method(t2m *lib, const char *method, int images)
{
    t2m_family *f = images ? stripes(lib, 6, 8) : curves(lib);
    t2m_train_options o = small(method, images);
    t2m_learner *l = NULL;
    t2m_eval_result r;
    t2m_eval_options e = T2M_EVAL_OPTIONS_INIT;
    e.tasks = 8;
    const t2m_status status = t2m_train(lib, &l, f, &o, NULL);
    if (!images && strncmp(method, "proto", 5) == 0) {
        assert_int_equal(status, T2M_EUSAGE);
        assert_non_null(strstr(t2m_errmsg(lib), "needs classes"));
    } else {
        if (status != T2M_OK)
            fail_msg("%s: %s", method, t2m_errmsg(lib));
        assert_int_equal(t2m_eval(l, f, &e, &r), T2M_OK);
        for (int i = 0; i < T2M_EVAL_ROWS; i++)
            assert_true(!r.row[i].present || isfinite(r.row[i].mean));
        assert_true(r.row[ROW_TUNED].present);
    }
    t2m_learner_free(l);
    t2m_family_free(f);
}

static void every_method(void **state)
{
    const char *name, *doc;
    t2m *lib = check_open(NULL, 2);
    (void)state;
    for (size_t i = 0; t2m_method_describe(i, &name, &doc); i++) {
        if (strcmp(name, "tables") == 0) /* test_tables.c */
            continue;
        for (int images = ROWS; images < STRUCTURES; images++)
            check_method(lib, name, images);
    }
    t2m_close(lib);
}

/* ---- the same bytes ---- */

static int stop_after_three(void *ctx, const t2m_progress *p)
{
    (void)ctx;
    return p->step == 3;
}

static void read_file(const char *path, char **data, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    *data = malloc(1 << 20);
    *n = fread(*data, 1, 1 << 20, f);
    fclose(f);
}

static void same_bytes(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;
    read_file(a, &x, &n);
    read_file(b, &y, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static void check_same(const char *method, bool images)
{
    char first[128] = "";
    for (size_t threads = 1; threads <= 4; threads *= 2) {
        t2m *lib = check_open(NULL, threads);
        t2m_family *f = images ? stripes(lib, 6, 8) : curves(lib);
        t2m_train_options o = small(method, images);
        char name[64];
        snprintf(name, sizeof name, "%s-%d-%zu", method, images, threads);
        o.output = in_folder(name);
        assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_OK);
        if (first[0])
            same_bytes(first, o.output);
        else
            snprintf(first, sizeof first, "%s", o.output);
        t2m_family_free(f);
        t2m_close(lib);
    }
    t2m *lib = check_open(NULL, 2); /* stopped after step 3 and resumed */
    t2m_family *f = images ? stripes(lib, 6, 8) : curves(lib);
    t2m_train_options o = small(method, images);
    char name[64];
    snprintf(name, sizeof name, "%s-%d-resumed", method, images);
    o.output = in_folder(name);
    o.progress = stop_after_three;
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_ECANCELLED);
    o.progress = NULL;
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_EUSAGE); /* exists */
    o.resume = true;
    o.seed++;
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_EUSAGE); /* other arguments */
    o.seed--;
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_OK);
    same_bytes(first, o.output);
    t2m_family_free(f);
    t2m_close(lib);
}

static void same_bits(void **state)
{
    (void)state;
    check_same("maml", true);
    check_same("protonet", true);
    check_same("maml", false);
    check_same("hyper", false);
}

/* ---- models ---- */

static t2m_model *build_model(t2m *lib, const char *method, int images, t2m_task **task)
{
    t2m_family *f = images ? stripes(lib, 6, 8) : curves(lib);
    t2m_train_options o = small(method, images);
    t2m_learner *l = NULL;
    t2m_model *m = NULL;
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    assert_int_equal(t2m_task_draw(l, task, f, 3, 6, 1), T2M_OK);
    if (t2m_build(l, &m, *task, NULL, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_learner_free(l);
    t2m_family_free(f);
    return m;
}

/* Model -> vector in a file -> model: the same bytes. Half way between a model and itself is
 * itself; it is at distance 0, and not from another. */
static void vectors(void **state)
{
    (void)state;
    for (int images = ROWS; images < STRUCTURES; images++) {
        t2m *lib = check_open(NULL, 1);
        t2m_task *task = NULL;
        t2m_model *m = build_model(lib, images ? "protonet" : "t2m", images, &task), *back = NULL,
                  *half = NULL;
        char paths[3][128];
        float *v = NULL, *read = NULL;
        size_t n = 0, count = 0;
        double far = -1;
        for (int i = 0; i < 3; i++)
            snprintf(paths[i], sizeof paths[i], "%s/vector%d-%d", folder, images, i);
        assert_int_equal(t2m_model_vector(m, &v, &n), T2M_OK);
        assert_int_equal(t2m_vectors_save(lib, paths[0], v, 1, n, false), T2M_OK);
        assert_int_equal(t2m_vectors_save(lib, paths[0], v, 1, n, false), T2M_EUSAGE);
        assert_int_equal(t2m_vectors_open(lib, &read, &count, paths[0]), T2M_OK);
        assert_int_equal(count, n);
        assert_int_equal(t2m_model_from_vector(m, &back, read, count), T2M_OK);
        assert_int_equal(t2m_model_save(m, paths[1], false), T2M_OK);
        assert_int_equal(t2m_model_save(back, paths[2], false), T2M_OK);
        same_bytes(paths[1], paths[2]);
        assert_int_equal(t2m_model_distance(m, back, &far), T2M_OK);
        assert_true(far == 0);
        read[n - 1] += 1;
        t2m_model_free(back);
        assert_int_equal(t2m_model_from_vector(m, &back, read, count), T2M_OK);
        assert_int_equal(t2m_model_distance(m, back, &far), T2M_OK);
        assert_true(fabs(far - 1 / sqrt((double)(n - 14))) < 1e-6);
        assert_int_equal(t2m_model_between(m, back, 0.5, &half), T2M_OK);
        double to_m, to_back;
        assert_int_equal(t2m_model_distance(half, m, &to_m), T2M_OK);
        assert_int_equal(t2m_model_distance(half, back, &to_back), T2M_OK);
        assert_true(fabs(to_m - far / 2) < 1e-6 && fabs(to_back - far / 2) < 1e-6);
        t2m_free(lib, v);
        t2m_free(lib, read);
        t2m_model_free(half);
        t2m_model_free(back);
        t2m_model_free(m);
        t2m_task_free(task);
        t2m_close(lib);
    }
}

/* model -> m -> model: the same bytes in a file; and file -> model -> file. */
static void exact_codec(void **state)
{
    static const struct {
        const char *method;
        int images;
    } which[] = {{"maml", CONV4}, {"protonet", CONV4}, {"ridge", ROWS},
                 {"hyper", ROWS}, {"ridge", RESNET},   {"t2m", RESNET}};
    t2m *lib = check_open(NULL, 1);
    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        t2m_task *task = NULL;
        t2m_model *m = build_model(lib, which[i].method, which[i].images, &task), *again = NULL,
                  *read = NULL;
        float *vector = NULL;
        size_t n;
        assert_int_equal(t2m_model_vector(m, &vector, &n), T2M_OK);
        assert_int_equal(t2m_model_from_vector(m, &again, vector, n), T2M_OK);
        assert_int_equal(t2m_model_save(m, in_folder("a"), true), T2M_OK);
        assert_int_equal(t2m_model_save(again, in_folder("b"), true), T2M_OK);
        same_bytes(in_folder("a"), in_folder("b"));
        assert_int_equal(t2m_model_open(lib, &read, in_folder("a")), T2M_OK);
        assert_int_equal(t2m_model_save(read, in_folder("c"), true), T2M_OK);
        same_bytes(in_folder("a"), in_folder("c"));
        vector[0] = 77;
        assert_int_equal(t2m_model_from_vector(m, &again, vector, n), T2M_EUSAGE);
        t2m_free(lib, vector);
        t2m_model_free(m);
        t2m_model_free(read);
        t2m_model_free(again);
        t2m_task_free(task);
    }
    t2m_close(lib);
}

static size_t allocations;

static void *count_allocate(void *ctx, size_t size)
{
    (void)ctx;
    allocations++;
    return malloc(size);
}

static void *count_resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    allocations++;
    return realloc(old, size);
}

static void count_release(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

/* Together and one by one: the same bits; and nothing is allocated after prepare. */
static void predictions_alone(void **state)
{
    static const t2m_allocator counting = {count_allocate, count_resize, count_release, NULL};
    t2m *lib = NULL;
    t2m_options o = T2M_OPTIONS_INIT;
    (void)state;
    o.alloc = &counting;
    assert_int_equal(t2m_open(&lib, &o, NULL), T2M_OK);
    for (int images = 0; images < 2; images++) {
        t2m_task *task = NULL;
        t2m_model *m = build_model(lib, images ? "maml" : "ridge", images, &task);
        t2m_model_info info;
        t2m_model_describe(m, &info);
        float together[64], one[8];
        const size_t n = 6;
        assert_int_equal(t2m_model_prepare(m, n), T2M_OK);
        const size_t before = allocations;
        assert_int_equal(t2m_model_predict(m, t2m_task_x(task), n, together), T2M_OK);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(t2m_model_predict(m, t2m_task_x(task) + i * info.inputs, 1, one),
                             T2M_OK);
            assert_memory_equal(one, together + i * info.outputs, info.outputs * sizeof *one);
        }
        assert_int_equal(allocations, before);
        assert_int_equal(t2m_model_predict(m, t2m_task_x(task), n + 1, together), T2M_EUSAGE);
        t2m_model_free(m);
        t2m_task_free(task);
    }
    t2m_close(lib);
}

/* A regression on the line family by hyper comes close to the posterior mean. */
static void line_learns(void **state)
{
    t2m *lib = check_open(NULL, 1);
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    t2m_eval_result r;
    t2m_eval_options e = T2M_EVAL_OPTIONS_INIT;
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    const char *const path = "builtin:line";
    (void)state;
    o.method = "hyper";
    o.structure = "linear";
    o.steps = 1500;
    o.meta_rate = 3e-3;
    e.tasks = 300;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    assert_int_equal(t2m_eval(l, f, &e, &r), T2M_OK);
    assert_true(r.row[ROW_TUNED].mean < 0.04);
    assert_true(r.row[ROW_WRONG].mean > 10 * r.row[ROW_TUNED].mean);
    t2m_learner_free(l);
    t2m_family_free(f);
    t2m_close(lib);
}

/* Bent pictures: other numbers, but the same for the same seed; none for rows. */
static void augmentation(void **state)
{
    const struct protocol plain = {.ways = 3, .shots = 2, .queries = 1};
    struct protocol bent = plain;
    t2m *lib = check_open(NULL, 1);
    t2m_family *f = stripes(lib, 6, 8), *rows = curves(lib);
    t2m_train_options o = small("protonet", true);
    struct episode e[3];
    (void)state;
    bent.augment = 1;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(episodes_new(lib, &e[i], f, &plain, 1), T2M_OK);
        episode_draw(f, i ? &bent : &plain, 5, 7, &e[i]);
    }
    const size_t size = e[0].supports * episode_input_size(f) * sizeof(float);
    assert_memory_equal(e[1].x_support, e[2].x_support, size);
    assert_memory_equal(e[0].y_support, e[1].y_support, e[0].supports * sizeof(float));
    assert_memory_not_equal(e[0].x_support, e[1].x_support, size);
    for (size_t i = 0; i < size / sizeof(float); i++)
        assert_true(e[1].x_support[i] >= 0 && e[1].x_support[i] <= 1);
    for (int i = 0; i < 3; i++)
        episodes_free(lib, &e[i]);
    o.augment = 1;
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_OK);
    o.augment = 5;
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_EUSAGE);
    o = small("ridge", false);
    o.augment = 1;
    assert_int_equal(t2m_train(lib, NULL, rows, &o, NULL), T2M_EUSAGE);
    t2m_family_free(rows);
    t2m_family_free(f);
    t2m_close(lib);
}

/* Training from another learner begins where that one is; another structure is refused. */
static void from_a_learner(void **state)
{
    t2m *lib = check_open(NULL, 1);
    t2m_family *f = stripes(lib, 6, 8);
    t2m_train_options o = small("protonet", true);
    t2m_learner *first = NULL, *second = NULL;
    (void)state;
    assert_int_equal(t2m_train(lib, &first, f, &o, NULL), T2M_OK);
    o.from = first;
    o.method = "ridge"; /* the body is the same, the ridge's own parts start anew */
    o.steps = 1;
    o.meta_rate = 1e-12;
    assert_int_equal(t2m_train(lib, &second, f, &o, NULL), T2M_OK);
    for (size_t i = 0; i < first->candidate[0].layout.body; i++)
        assert_true(fabsf(first->phi[i] - second->phi[i]) < 1e-6F);
    o.structure = "conv4:5";
    assert_int_equal(t2m_train(lib, NULL, f, &o, NULL), T2M_EUSAGE);
    assert_non_null(strstr(t2m_errmsg(lib), "conv4:4"));
    t2m_learner_free(second);
    t2m_learner_free(first);
    t2m_family_free(f);
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),           cmocka_unit_test(every_method),
        cmocka_unit_test(same_bits),         cmocka_unit_test(exact_codec),
        cmocka_unit_test(predictions_alone), cmocka_unit_test(line_learns),
        cmocka_unit_test(augmentation),      cmocka_unit_test(from_a_learner),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
