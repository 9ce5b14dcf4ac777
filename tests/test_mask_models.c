/* test_mask_models.c: learners and models of pictures with masks: what is learned through tuning,
 * files, vectors, masks at the pictures' size, trainings that are stopped or have more threads. */
#include "check_masks.h"
#include "check_slope.h"
#include "check_stop.h"

enum { SIDE = 16, PLACES = SIDE * SIDE, INPUT = 3 * PLACES };

/* ---- the whole of an episode ---- */

static t2m_learner *learn(t2m *lib, const t2m_family *f, const char *method, const char *structure)
{
    const t2m_train_options o = check_mask_training(method, structure);
    t2m_learner *l = NULL;
    if (t2m_train(lib, &l, f, &o, NULL) != T2M_OK)
        fail_msg("%s %s: %s", method, structure, t2m_errmsg(lib));
    return l;
}

static double *doubles(const float *x, size_t n)
{
    double *out = check_room(n);
    for (size_t i = 0; i < n; i++)
        out[i] = (double)x[i];
    return out;
}

/* The loss after tuning along a direction of all that is learned: slope[0] by the gradient that
 * training takes, slope[1] by differences. */
static void slopes_of_method(t2m *lib, const char *method, double slope[2])
{
    t2m_family *f = check_masks(lib, SIDE);
    t2m_learner *l = learn(lib, f, method, "unet:2,4");
    const struct protocol p = {.ways = 2, .shots = 2, .queries = 2};
    const struct episode_use use = {
        .supports = 2, .queries = 2, .outputs = 2, .training = true, .steps = l->steps};
    struct episode_graph e = {0};
    struct episode drawn;
    assert_int_equal(episodes_new(lib, &drawn, f, &p, 1), T2M_OK);
    episode_draw(f, &p, 1, 2, &drawn);
    assert_int_equal(t2m_graph_new(lib, &e.g), T2M_OK);
    assert_int_equal(episode_graph_make(l, &use, &e), T2M_OK);
    const t2m_value in[] = {e.phi, e.statistics, e.x_support, e.y_support, e.x_query, e.y_query};
    double *x[] = {doubles(l->phi, l->numel),           check_room(1),
                   doubles(drawn.x_support, 2 * INPUT), doubles(drawn.y_support, 2 * PLACES),
                   doubles(drawn.x_query, 2 * INPUT),   doubles(drawn.y_query, 2 * PLACES)};
    const struct slope s = {e.g, in, x, 6, e.loss, t2m_grad(e.g, e.loss, e.phi)};
    both_slopes(lib, &s, slope);
    for (int i = 0; i < 6; i++)
        free(x[i]);
    t2m_graph_free(e.g);
    episodes_free(lib, &drawn);
    t2m_learner_free(l);
    t2m_family_free(f);
}

static void exact_and_first_order(void **state)
{
    static const struct {
        const char *method;
        bool exact;
    } row[] = {{"maml", true},     {"fomaml", false},   {"anil", true}, {"metasgd", true},
               {"protonet", true}, {"protomaml", true}, {"ridge", true}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double slope[2];
        slopes_of_method(*state, row[i].method, slope);
        const double off = fabs(slope[0] - slope[1]) / fabs(slope[1]);
        if (!(row[i].exact ? off < 1e-5 : off > 1e-4 && isfinite(slope[0])))
            fail_msg("%s: %g by the gradient, %g by differences", row[i].method, slope[0],
                     slope[1]);
    }
}

static void methods_not_for_masks(void **state)
{
    static const char *const method[] = {"reptile", "cavia", "cnp", "hyper", "leo", "t2m"};
    t2m_family *f = check_masks(*state, SIDE);
    for (size_t i = 0; i < sizeof method / sizeof *method; i++) {
        const t2m_train_options o = check_mask_training(method[i], "unet:2,4");
        assert_int_equal(t2m_train(*state, NULL, f, &o, NULL), T2M_EUSAGE);
        check_says(*state, "is not for pictures with masks");
    }
    const t2m_train_options o = check_mask_training("ridge", "conv4:4");
    assert_int_equal(t2m_train(*state, NULL, f, &o, NULL), T2M_EUSAGE);
    check_says(*state, "unet:WIDTH");
    t2m_family_free(f);
}

/* Where models have a head for a fixed number of classes, tasks have as many: one by default. */
static void fixed_heads(void **state)
{
    t2m_family *f = check_masks(*state, SIDE);
    t2m_train_options o = check_mask_training("maml", "fcn:2,4");
    for (size_t ways = 0; ways < 3; ways++) {
        t2m_learner *l = NULL;
        t2m_learner_info info;
        t2m_eval_options oe = T2M_EVAL_OPTIONS_INIT;
        t2m_eval_result result;
        o.ways = ways;
        oe.tasks = 2;
        assert_int_equal(t2m_train(*state, &l, f, &o, NULL), T2M_OK);
        t2m_learner_describe(l, &info);
        assert_true(info.ways == (ways ? ways : 1) && info.ways_fixed);
        assert_int_equal(t2m_eval(l, f, &oe, &result), T2M_OK);
        assert_int_equal(result.ways, info.ways);
        assert_true(result.control.present && result.control.dice >= result.control.mean);
        oe.ways = info.ways + 1;
        assert_int_equal(t2m_eval(l, f, &oe, &result), T2M_EUSAGE);
        t2m_learner_free(l);
    }
    t2m_family_free(f);
}

/* ---- models ---- */

static t2m_model *build(t2m_learner *l, const t2m_family *f, uint64_t seed)
{
    t2m_task *task = NULL;
    t2m_model *m = NULL;
    if (t2m_task_draw(l, &task, f, 2, 2, seed) != T2M_OK ||
        t2m_build(l, &m, task, NULL, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(l->lib));
    t2m_task_free(task);
    return m;
}

static size_t read_all(const char *path, unsigned char *out, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(out, 1, room, f);
    assert_true(n < room);
    fclose(f);
    return n;
}

static void assert_same_files(const char *a, const char *b)
{
    static unsigned char x[1 << 18], y[1 << 18];
    const size_t n = read_all(a, x, sizeof x);
    assert_int_equal(n, read_all(b, y, sizeof y));
    assert_memory_equal(x, y, n);
}

/* Two pictures together and each alone. */
static void assert_alone(t2m_model *m, const float *x)
{
    float together[2 * PLACES * 2], alone[PLACES * 2];
    assert_int_equal(t2m_model_prepare(m, 2), T2M_OK);
    assert_int_equal(t2m_model_predict(m, x, 2, together), T2M_OK);
    assert_int_equal(t2m_model_prepare(m, 1), T2M_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(t2m_model_predict(m, x + i * INPUT, 1, alone), T2M_OK);
        assert_memory_equal(alone, together + i * PLACES * 2, sizeof alone);
    }
    for (size_t i = 0; i < PLACES; i++)
        assert_true(alone[2 * i] >= 0 && alone[2 * i + 1] >= 0 &&
                    alone[2 * i] + alone[2 * i + 1] <= 1 + 1e-6F);
}

static void files_and_vectors(void **state)
{
    static const char *const structure[] = {"unet:2,4", "fcn:2,4"};
    static float x[2 * INPUT];
    t2m_family *f = check_masks(*state, SIDE);
    image_numbers(f->pixels, 2 * INPUT, x);
    for (size_t i = 0; i < 2; i++) {
        float *v[2], y[2][PLACES * 2];
        size_t n[2], bytes = 0;
        t2m_model *from_file = NULL, *from_vector = NULL;
        t2m_learner *l = learn(*state, f, "ridge", structure[i]);
        t2m_model *m = build(l, f, i);
        assert_int_equal(t2m_model_save(m, check_path("m"), true), T2M_OK);
        assert_int_equal(t2m_model_open(*state, &from_file, check_path("m")), T2M_OK);
        assert_int_equal(t2m_model_vector(m, &v[0], &n[0]), T2M_OK);
        assert_int_equal(t2m_model_from_vector(from_file, &from_vector, v[0], n[0]), T2M_OK);
        assert_int_equal(t2m_model_vector(from_vector, &v[1], &n[1]), T2M_OK);
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(v[0], v[1], n[0] * sizeof **v);
        assert_int_equal(t2m_model_save(from_vector, check_path("m2"), true), T2M_OK);
        assert_same_files(check_path("m"), check_path("m2"));
        assert_int_equal(t2m_model_bytes(m, &bytes), T2M_OK);
        static unsigned char file[1 << 18];
        assert_int_equal(bytes, read_all(check_path("m"), file, sizeof file));
        for (size_t c = 0; c < t2m_model_classes(m); c++)
            assert_int_equal(t2m_model_class_id(from_file, c), t2m_model_class_id(m, c));
        t2m_model *const same[] = {m, from_vector};
        for (int k = 0; k < 2; k++) {
            assert_int_equal(t2m_model_prepare(same[k], 1), T2M_OK);
            assert_int_equal(t2m_model_predict(same[k], x, 1, y[k]), T2M_OK);
        }
        assert_memory_equal(y[0], y[1], sizeof y[0]);
        assert_alone(m, x);
        for (int k = 0; k < 2; k++)
            t2m_free(*state, v[k]);
        t2m_model_free(m);
        t2m_model_free(from_file);
        t2m_model_free(from_vector);
        t2m_learner_free(l);
    }
    t2m_family_free(f);
}

/* At the model's own size a mask is the likeliest of each pixel; at another it has that size. */
static void segments(void **state)
{
    unsigned char pixel[37 * 53 * 3], *png = NULL;
    t2m_family *f = check_masks(*state, SIDE);
    t2m_learner *l = learn(*state, f, "protonet", "unet:2,4");
    t2m_model *m = build(l, f, 1);
    t2m_segmentation s = {0};
    float y[PLACES * 2], x[INPUT];
    size_t n = 0;
    for (size_t i = 0; i < sizeof pixel; i++)
        pixel[i] = (unsigned char)(i * 7919 % 256);
    assert_int_equal(t2m_png_encode(*state, &png, &n, pixel, SIDE, SIDE, 3), T2M_OK);
    assert_int_equal(t2m_file_save(*state, check_path("a.png"), png, n, true), T2M_OK);
    t2m_free(*state, png);
    assert_int_equal(t2m_model_segment(m, check_path("a.png"), &s), T2M_EUSAGE);
    check_says(*state, "prepared for 0");
    assert_int_equal(t2m_model_prepare(m, 1), T2M_OK);
    assert_int_equal(t2m_model_segment(m, check_path("a.png"), &s), T2M_OK);
    assert_memory_equal(s.picture, pixel, INPUT);
    for (size_t i = 0; i < INPUT; i++)
        x[i] = (float)pixel[i] / 255;
    assert_int_equal(t2m_model_predict(m, x, 1, y), T2M_OK);
    for (size_t i = 0; i < PLACES; i++) {
        const float *p = y + 2 * i, none = 1 - p[0] - p[1], best = fmaxf(p[0], p[1]);
        const int id = t2m_model_class_id(m, p[1] > p[0]);
        if (fabsf(best - none) > 1e-4F && fabsf(p[0] - p[1]) > 1e-4F)
            assert_int_equal(s.mask[i], best > none ? id : 0);
    }
    t2m_free(*state, s.picture);
    t2m_free(*state, s.mask);
    assert_int_equal(t2m_png_encode(*state, &png, &n, pixel, 53, 37, 1), T2M_OK);
    assert_int_equal(t2m_file_save(*state, check_path("b.png"), png, n, true), T2M_OK);
    t2m_free(*state, png);
    assert_int_equal(t2m_model_segment(m, check_path("b.png"), &s), T2M_OK);
    assert_true(s.height == 53 && s.width == 37 && s.channels == 1);
    t2m_free(*state, s.picture);
    t2m_free(*state, s.mask);
    t2m_model_free(m);
    t2m_learner_free(l);
    t2m_family_free(f);
}

/* ---- trainings ---- */

static t2m_status train(size_t threads, const char *method, const char *output, bool resume)
{
    t2m *lib = check_open(NULL, threads);
    return check_stopped(lib, check_masks(lib, SIDE), check_mask_training(method, "unet:2,4"),
                         output, resume);
}

static void threads_change_no_bit(void **state)
{
    static const char *const method[] = {"ridge", "maml"};
    static const size_t threads[] = {1, 2, 4};
    static const char *const file[] = {"one", "two", "four"};
    (void)state;
    stop_at = 0;
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(train(threads[k], method[i], file[k], false), T2M_OK);
        assert_same_files(check_path("one"), check_path("two"));
        assert_same_files(check_path("one"), check_path("four"));
    }
}

static void stopped_and_resumed(void **state)
{
    (void)state;
    stop_at = 0;
    assert_int_equal(train(1, "ridge", "whole", false), T2M_OK);
    const size_t total = asked;
    for (size_t k = 1; k <= total; k++) {
        stop_at = k;
        unlink(check_path("parts"));
        assert_int_equal(train(1 + k % 2, "ridge", "parts", false), T2M_ECANCELLED);
        stop_at = 0;
        assert_int_equal(train(1, "ridge", "parts", true), T2M_OK);
        assert_same_files(check_path("whole"), check_path("parts"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_and_first_order),
        cmocka_unit_test(methods_not_for_masks),
        cmocka_unit_test(fixed_heads),
        cmocka_unit_test(files_and_vectors),
        cmocka_unit_test(segments),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(stopped_and_resumed),
    };
    return cmocka_run_group_tests(tests, check_files_setup, check_files_teardown);
}
