/* test_mask_heads.c: heads, losses and structures of pictures with masks beside the same by hand or
 * by differences. */
#include "check_slope.h"

#include "generate/heads.h"

/* ---- heads ---- */

enum { SIDE = 16, PLACES = SIDE * SIDE, INPUT = 3 * PLACES };
enum { PIXELS = 40, WIDTH = 5, CLASSES = 3, LEARNED = 4 };

struct pixels { /* of two pictures */
    double h[PIXELS * WIDTH], label[PIXELS], learned[LEARNED];
};

/* A sixth is not known; of the last class there is no pixel. */
static struct pixels some_pixels(void)
{
    struct pixels p = {.learned = {-1.2, 0.4, -0.3, 0.7}};
    normals(p.h, PIXELS * WIDTH, 1);
    for (size_t i = 0; i < PIXELS; i++)
        p.label[i] = i % 6 == 5 ? -1 : (double)(i * i % 3);
    return p;
}

/* Solves a x = b of n equations by elimination; a is positive definite. */
static void solve(double *a, double *b, size_t n)
{
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++) {
            const double factor = a[i * n + k] / a[k * n + k];
            for (size_t j = 0; i != k && j < n; j++)
                a[i * n + j] -= factor * a[k * n + j];
            b[i] -= i != k ? factor * b[k] : 0;
        }
    for (size_t k = 0; k < n; k++)
        b[k] /= a[k * n + k];
}

/* Pixels of class c, or known ones outside. */
static double count_side(const struct pixels *p, size_t c, bool in)
{
    double n = 0;
    for (size_t i = 0; i < PIXELS; i++)
        n += p->label[i] >= 0 && (p->label[i] == (double)(c + 1)) == in;
    return n;
}

/* The head of a class by its definition: w [WIDTH + 1], the last for the constant. */
static void ridge_by_hand(const struct pixels *p, size_t c, double *w)
{
    enum { N = WIDTH + 1 };
    double a[N * N] = {0}, number[2] = {count_side(p, c, false), count_side(p, c, true)};
    memset(w, 0, N * sizeof *w);
    for (size_t k = 0; k < N; k++)
        a[k * N + k] = exp(p->learned[0]);
    for (size_t i = 0; i < PIXELS; i++) {
        const bool in = p->label[i] == (double)(c + 1);
        const double weight = p->label[i] < 0 ? 0 : 0.5 / fmax(1, number[in]);
        double x[N];
        memcpy(x, p->h + i * WIDTH, WIDTH * sizeof *x);
        x[WIDTH] = 1;
        for (size_t k = 0; k < N; k++) {
            w[k] += weight * (in ? 1 : -1) * x[k];
            for (size_t j = 0; j < N; j++)
                a[k * N + j] += weight * x[k] * x[j];
        }
    }
    solve(a, w, N);
    for (size_t k = 0; k < N; k++)
        w[k] *= exp(p->learned[1]);
    double pictures = 0; /* that have the class; there are two of them */
    for (size_t k = 0; k < 2; k++) {
        bool there = false;
        for (size_t i = k * PIXELS / 2; i < (k + 1) * PIXELS / 2; i++)
            there = there || p->label[i] == (double)(c + 1);
        pictures += there;
    }
    w[WIDTH] += p->learned[2] + p->learned[3] * (1 - 1 / fmax(1, pictures)) *
                                    log((number[1] + 1) / (number[0] + 1));
}

static void prototypes_by_hand(const struct pixels *p, size_t c, double *w)
{
    double mean[2][WIDTH] = {{0}};
    w[WIDTH] = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        const bool in = p->label[i] == (double)(c + 1);
        for (size_t k = 0; k < WIDTH && p->label[i] >= 0; k++)
            mean[in][k] += p->h[i * WIDTH + k] / fmax(1, count_side(p, c, in));
    }
    for (size_t k = 0; k < WIDTH; k++) {
        w[k] = 2 * (mean[1][k] - mean[0][k]);
        w[WIDTH] -= mean[1][k] * mean[1][k] - mean[0][k] * mean[0][k];
    }
}

/* What the first picture's pixels get from the head that the second has by itself, and the other
 * way.
 */
static void logits_of_others(const struct pixels *p, size_t c, double *logit)
{
    for (size_t k = 0; k < 2; k++) {
        struct pixels other = *p;
        double w[WIDTH + 1];
        for (size_t i = k * PIXELS / 2; i < (k + 1) * PIXELS / 2; i++)
            other.label[i] = -1;
        ridge_by_hand(&other, c, w);
        for (size_t i = k * PIXELS / 2; i < (k + 1) * PIXELS / 2; i++) {
            logit[i] = w[WIDTH];
            for (size_t j = 0; j < WIDTH; j++)
                logit[i] += w[j] * p->h[i * WIDTH + j];
        }
    }
}

static double overlap_by_hand(const struct pixels *p, size_t c, const double *logit, double by)
{
    double both = 0, any = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        const bool in = p->label[i] == (double)(c + 1), said = logit[i] + by > 0;
        both += in && said;
        any += p->label[i] >= 0 && (in || said);
    }
    return both / fmax(1, any);
}

/* Half of the way, there being two pictures. */
static double shift_by_hand(const struct pixels *p, size_t c)
{
    double logit[PIXELS], shift = 0;
    logits_of_others(p, c, logit);
    double best = overlap_by_hand(p, c, logit, 0);
    for (double by = -4; by <= 4; by += 0.25) {
        const double value = overlap_by_hand(p, c, logit, by) - 0.01 * fabs(by);
        if (value > best + 1e-12) {
            best = value;
            shift = by;
        }
    }
    return shift / 2;
}

static void heads(void **state)
{
    const int64_t rows[] = {PIXELS, WIDTH}, pixels = PIXELS, learned = LEARNED;
    const struct pixels p = some_pixels();
    for (int ridge = 0; ridge < 2; ridge++) {
        t2m_graph *g;
        assert_int_equal(t2m_graph_new(*state, &g), T2M_OK);
        const t2m_value in[] = {t2m_input(g, "h", 2, rows), t2m_input(g, "labels", 1, &pixels),
                                t2m_input(g, "learned", 1, &learned)};
        t2m_value part[LEARNED];
        for (int i = 0; i < LEARNED; i++)
            part[i] = t2m_reshape(g, t2m_slice(g, in[2], 0, i, 1), 0, NULL);
        const struct nn_masks m = nn_masks_of(g, in[1], PIXELS / 2, CLASSES);
        const struct head head =
            ridge ? head_mask_ridge(g, in[0], &m, part) : head_mask_prototypes(g, in[0], &m);
        double *const x[] = {(double *)(uintptr_t)p.h, (double *)(uintptr_t)p.label,
                             (double *)(uintptr_t)p.learned};
        double *weight = check_run(*state, g, in, x, 3, head.weight, T2M_F64, false);
        double *bias = check_run(*state, g, in, x, 3, head.bias, T2M_F64, false);
        for (size_t c = 0; c < CLASSES - 1; c++) {
            double w[WIDTH + 1];
            (ridge ? ridge_by_hand : prototypes_by_hand)(&p, c, w);
            for (size_t k = 0; k < WIDTH; k++)
                assert_true(fabs(weight[k * CLASSES + c] - w[k]) < 1e-10);
            assert_true(fabs(bias[c] - w[WIDTH]) < 1e-10);
        }
        for (size_t k = 0; k < WIDTH; k++)
            assert_true(isfinite(weight[k * CLASSES + CLASSES - 1]));
        if (ridge) {
            double *tuned = check_run(*state, g, in, x, 3, head.tuned, T2M_F64, false);
            bool moved = false;
            for (size_t c = 0; c < CLASSES - 1; c++) {
                const double shift = shift_by_hand(&p, c);
                assert_true(fabs(tuned[c] - bias[c] - shift) < 1e-10);
                moved = moved || shift != 0;
            }
            assert_true(moved);
            assert_true(tuned[CLASSES - 1] == bias[CLASSES - 1]); /* no picture has it */
            free(tuned);
        }
        free(weight);
        free(bias);
        t2m_graph_free(g);
    }
}

/* ---- slopes ---- */

static void slope_of_loss(void **state)
{
    const int64_t rows[] = {PIXELS, CLASSES}, pixels = PIXELS, classes = CLASSES;
    struct pixels p = some_pixels();
    double weight[] = {1, 1, 0};
    t2m_graph *g;
    assert_int_equal(t2m_graph_new(*state, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "logits", 2, rows), t2m_input(g, "labels", 1, &pixels),
                            t2m_input(g, "weight", 1, &classes)};
    const struct nn_masks m = nn_masks_of(g, in[1], PIXELS / 2, CLASSES);
    double *x[] = {p.h, p.label, weight};
    struct slope s = {g, in, x, 3, nn_masks_loss(g, &m, in[0], in[2]), {0}};
    s.gradient = t2m_grad(g, s.y, in[0]);
    assert_slopes(*state, &s, "loss of masks");
    double *gradient = check_run(*state, g, in, x, 3, s.gradient, T2M_F64, false);
    for (size_t i = 0; i < PIXELS; i++)
        for (size_t c = 0; c < CLASSES; c++) /* what is not known, and a class of no weight */
            assert_true((gradient[i * CLASSES + c] != 0) == (p.label[i] >= 0 && weight[c] > 0));
    free(gradient);
    t2m_graph_free(g);
}

static void slopes_of_structures(void **state)
{
    static const char *const text[] = {"unet:2,4", "unet:8,4,2", "fcn:2,4", "fcn:2,3,4"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        struct structure s;
        struct layout l;
        t2m_graph *g;
        assert_int_equal(structure_parse(*state, text[i], &s), T2M_OK);
        s.height = s.width = SIDE;
        s.channels = 3;
        s.outputs = 2;
        assert_int_equal(structure_check(*state, &s), T2M_OK);
        structure_layout(&s, &l);
        assert_int_equal(t2m_graph_new(*state, &g), T2M_OK);
        const int64_t numel = (int64_t)l.numel;
        const t2m_value in[] = {t2m_input(g, "m", 1, &numel), structure_input(g, &s, "x", 2)};
        struct norm_use norm = {NORM_BATCH, {0}, {0}};
        const t2m_value h = structure_features(g, &s, in[0], in[1], &norm);
        assert_int_equal(t2m_dim(g, h, 0), 2 * PLACES);
        assert_int_equal(t2m_dim(g, h, 1), l.features);
        double *x[] = {check_room(l.numel), check_room(2 * INPUT)};
        normals(x[0], l.numel, 3);
        normals(x[1], 2 * INPUT, 4);
        struct slope slope = {g, in, x, 2, t2m_sum_all(g, t2m_square(g, h)), {0}};
        slope.gradient = t2m_grad(g, slope.y, in[0]);
        assert_slopes(*state, &slope, text[i]);
        free(x[0]);
        free(x[1]);
        t2m_graph_free(g);
    }
}

/* A file may say anything; what a pixel looks like has room for few channels. */
static void too_many_channels(void **state)
{
    struct structure s;
    assert_int_equal(structure_parse(*state, "unet:2,4", &s), T2M_OK);
    s.height = s.width = SIDE;
    s.outputs = 1;
    for (s.channels = 1; s.channels < 20; s.channels++)
        assert_int_equal(structure_check(*state, &s),
                         s.channels <= NN_DENSE_CHANNELS ? T2M_OK : T2M_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heads), cmocka_unit_test(slope_of_loss),
                                       cmocka_unit_test(slopes_of_structures),
                                       cmocka_unit_test(too_many_channels)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
