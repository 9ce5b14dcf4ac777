/* test_reference.c: one whole training step of every method, and the second-order gradient of MAML
 * by hand through 5 steps, against values that PyTorch 2.8 computed once in double:
 *   build/peers/torch/bin/python bench/peers/reference.py tests/data/reference.safetensors
 * (make bench-peers installs that PyTorch). The file holds the inputs too: phi and the data. */
#include "check.h"

#include "files/safetensors.h"
#include "mapping/training.h"

enum { WAYS = 3, SHOTS = 2, QUERIES = 2, STEPS = 2, TASKS = 2 };
static const double rate = 0.05, meta_rate = 0.01;
static struct tensor_file *file;

static const struct tensor_entry *stored(const char *folder, const char *name)
{
    char full[96];
    snprintf(full, sizeof full, "%s/%s", folder, name);
    const struct tensor_entry *t = safetensors_find(file, full);
    if (!t)
        fail_msg("%s is not in the file", full);
    return t;
}

/* Task `number` of the stored data, in place of episode_draw. */
static void stored_task(const struct t2m_family *f, const struct protocol *p, uint64_t seed,
                        uint64_t number, struct episode *e)
{
    const char *const name[] = {"x_support", "y_support", "x_query", "y_query"};
    float *const to[] = {e->x_support, e->y_support, e->x_query, e->y_query};
    (void)p;
    (void)seed;
    for (int i = 0; i < 4; i++) {
        const struct tensor_entry *t =
            stored(f->kind == FAMILY_IMAGES ? "images" : "rows", name[i]);
        const size_t size = t->count / TASKS;
        memcpy(to[i], t->data + number * size, size * sizeof(float));
    }
}

static struct t2m_learner *learner(t2m *lib, const char *method, const char *structure, bool images,
                                   unsigned represent)
{
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    l->lib = lib;
    learner_method(l, method_find(method));
    l->kind = images ? FAMILY_IMAGES : FAMILY_REGRESSION;
    l->represent = represent;
    l->ways = images ? WAYS : 1;
    const struct structure like = {.height = images ? 16 : 1,
                                   .width = images ? 16 : 1,
                                   .channels = images ? 1 : 2,
                                   .outputs = (int64_t)l->ways};
    assert_int_equal(learner_structures(l, structure, &like), T2M_OK);
    l->shots = images ? SHOTS : SHOTS * WAYS;
    l->queries = images ? QUERIES : QUERIES * WAYS;
    l->steps = l->method->tuned == TUNE_NOTHING ? 0 : STEPS;
    l->rate = rate;
    assert_int_equal(learner_start(l, 0), T2M_OK);
    return l;
}

/* Largest difference of x from the stored tensor where the stored gradient is not nearly zero,
 * relative to the largest number there. */
static double difference(const char *what, const float *x, const struct tensor_entry *want,
                         const struct tensor_entry *gradient)
{
    double most = 0, largest = 0, steepest = 0;
    for (size_t i = 0; i < want->count; i++)
        largest = fmax(largest, fabs((double)want->data[i]));
    for (size_t i = 0; i < gradient->count; i++)
        steepest = fmax(steepest, fabs((double)gradient->data[i]));
    for (size_t i = 0; i < want->count; i++) {
        const bool flat = gradient != want && fabs((double)gradient->data[i]) < 1e-3 * steepest;
        if (!isfinite(x[i]))
            fail_msg("%s %zu is not finite", what, i);
        if (!flat)
            most = fmax(most, fabs((double)x[i] - (double)want->data[i]));
    }
    return most / largest;
}

static void check_step(t2m *lib, const char *folder, const char *structure, bool images,
                       unsigned represent)
{
    char method[16] = "";
    sscanf(folder, "%15[^/]", method);
    struct t2m_learner *l = learner(lib, method, structure, images, represent);
    struct t2m_family f = {
        .lib = lib, .kind = l->kind, .height = 16, .width = 16, .channels = 1, .features = 2};
    struct meta_step s;
    double loss, metric;
    const struct tensor_entry *phi = stored(folder, "phi"), *gradient = stored(folder, "gradient");
    if (phi->count != l->numel)
        fail_msg("%s: %zu numbers are stored, phi has %zu", folder, phi->count, l->numel);
    memcpy(l->phi, phi->data, phi->count * sizeof(float));
    assert_int_equal(meta_step_new(&s, l, &f, &(struct meta_use){.tasks = TASKS}), T2M_OK);
    s.draw = stored_task;
    assert_int_equal(meta_step_run(&s, 0, meta_rate, &loss, &metric), T2M_OK);
    const double want = (double)stored(folder, "loss")->data[0],
                 errors[] = {fabs(loss - want) / want,
                             difference(folder, s.gradient, gradient, gradient),
                             difference(folder, l->phi, stored(folder, "after"), gradient)};
    for (int i = 0; i < 3; i++)
        if (!(errors[i] < 1e-5))
            fail_msg("%s: loss, gradient, new phi differ by %g %g %g", folder, errors[0], errors[1],
                     errors[2]);
    meta_step_free(&s);
    t2m_learner_free(l);
}

static void every_method(void **state)
{
    t2m *lib = *state;
    char folder[48];
    for (size_t i = 0; i < method_count; i++) {
        if (strcmp(methods[i].name, "tables") == 0) /* test_tables.c */
            continue;
        const struct method *m = &methods[i];
        snprintf(folder, sizeof folder, "%s/images", m->name);
        check_step(lib, folder, "conv4:4", true, m->represent);
        snprintf(folder, sizeof folder, "%s/rows", m->name);
        if (m->head != HEAD_PROTOTYPES && m->decode != DECODE_ALL)
            check_step(lib, folder, "mlp:8,8", false, m->represent);
    }
    check_step(lib, "hyper/line/set", "linear", false, REPRESENT_SET | REPRESENT_STATISTICS);
    check_step(lib, "hyper/line/concat", "linear", false, REPRESENT_CONCAT);
}

/* The loss of MAML by hand: 1-8-8-1 with tanh; the same formulas as in reference.py. */
static t2m_value by_hand_loss(t2m_graph *g, t2m_value m, t2m_value x)
{
    const int64_t size[] = {1, 8, 8, 1};
    int64_t at = 0;
    t2m_value h = x;
    for (int i = 0; i < 3; i++) {
        const int64_t w[] = {size[i], size[i + 1]};
        const t2m_value weight = t2m_reshape(g, t2m_slice(g, m, 0, at, w[0] * w[1]), 2, w);
        at += w[0] * w[1];
        h = t2m_add(g, t2m_matmul(g, h, weight), t2m_slice(g, m, 0, at, w[1]));
        at += w[1];
        h = i < 2 ? t2m_tanh(g, h) : h;
    }
    return t2m_mean_all(g, t2m_square(g, t2m_sub(g, h, t2m_sin(g, x))));
}

static void by_hand(void **state)
{
    t2m *lib = *state;
    const struct tensor_entry *want = stored("by hand", "gradient");
    const int64_t numel = (int64_t)want->count, rows[] = {5, 1};
    double start[128], support[5], query[5];
    t2m_graph *g;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "m", 1, &numel), t2m_input(g, "xs", 2, rows),
                            t2m_input(g, "xq", 2, rows)};
    for (int i = 0; i < numel; i++)
        start[i] = 0.5 * sin(1.3 * i + 0.7);
    for (int i = 0; i < 5; i++) {
        support[i] = i - 2;
        query[i] = i - 1.5;
    }
    t2m_value fast = in[0];
    for (int k = 0; k < 5; k++)
        fast = t2m_axpy(g, -0.1, t2m_grad(g, by_hand_loss(g, fast, in[1]), fast), fast);
    const t2m_value y = t2m_grad(g, by_hand_loss(g, fast, in[2]), in[0]);
    double *const x[] = {start, support, query};
    for (int single = 0; single < 2; single++) {
        double *gradient = check_run(lib, g, in, x, 3, y, single ? T2M_F32 : T2M_F64, false);
        double largest = 0, most = 0;
        for (int i = 0; i < numel; i++) {
            largest = fmax(largest, fabs((double)want->data[i]));
            most = fmax(most, fabs(gradient[i] - (double)want->data[i]));
        }
        assert_true(most < 1e-5 * largest);
        free(gradient);
    }
    t2m_graph_free(g);
}

static int open_file(void **state)
{
    t2m *lib = check_open(NULL, 1);
    *state = lib;
    return safetensors_read(lib, TEST_DATA "/reference.safetensors", &file) == T2M_OK ? 0 : -1;
}

static int close_file(void **state)
{
    safetensors_free(file);
    t2m_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_method), cmocka_unit_test(by_hand)};
    return cmocka_run_group_tests(tests, open_file, close_file);
}
