/* self_test.c: are the chosen kernels right on this processor? Every function runs on small shapes
 * beside the plain double version, and the results are compared. */
#include <math.h>
#include <string.h>

#include "engine/compute/kernels.h"

enum { ROOM = 1024 }; /* numbers of an array */

struct trial { /* the same numbers in both precisions */
    float x32[3][ROOM], y32[ROOM], work32[32 * ROOM];
    double x64[3][ROOM], y64[ROOM], work64[32 * ROOM];
};

static void draw(struct trial *t, double low, double high)
{
    uint32_t state = 12345;
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < ROOM; i++) {
            state = state * 1664525u + 1013904223u;
            t->x32[a][i] = (float)(low + (high - low) * (state >> 8) / 16777216.0);
            t->x64[a][i] = (double)t->x32[a][i];
        }
}

static bool same(const struct trial *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double a = (double)t->y32[i], b = t->y64[i];
        if (!(fabs(a - b) <= 1e-5 * (1 + fabs(b))))
            return false;
    }
    return true;
}

/* Runs `call` with both tables: X(k, i) is input i, Y(k) the result, WORK(k) memory. */
#define X(k, i) ((k) == f64 ? (void *)t->x64[i] : (void *)t->x32[i])
#define Y(k) ((k) == f64 ? (void *)t->y64 : (void *)t->y32)
#define WORK(k) ((k) == f64 ? (void *)t->work64 : (void *)t->work32)
#define BOTH(n, call)                                                                              \
    do {                                                                                           \
        const struct kernels *k = f64;                                                             \
        call;                                                                                      \
        k = kernels;                                                                               \
        call;                                                                                      \
        good = good && same(t, n);                                                                 \
    } while (0)

static const char *test_pointwise(const struct kernels *kernels, struct trial *t)
{
    static const struct {
        const char *name;
        double low, high;
    } op[] = {
#define UNARY(nm, value, grad, low, high, text) {#nm, low, high},
#define BINARY(nm, value, grad_a, grad_b, low, high, text) {#nm, low, high},
#define TERNARY(nm, value, grad_c, grad_a, grad_b, low, high, text) {#nm, low, high},
#include "engine/compute/pointwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
    };
    const struct kernels *f64 = &kernels_f64;
    for (size_t i = 0; i < POINTWISE_COUNT; i++) {
        bool good = true;
        draw(t, op[i].low, op[i].high);
        BOTH(37, k->pointwise[i](37, Y(k), X(k, 0), X(k, 1), X(k, 2)));
        if (!good)
            return op[i].name;
    }
    return NULL;
}

static bool test_products(const struct kernels *kernels, struct trial *t)
{
    const struct kernels *f64 = &kernels_f64;
    bool good = true;
    for (int v = 0; v < 4; v++) {
        const struct matmul_shape s = {2, 9, 21, 5, v & 1, v & 2, 45, 105};
        BOTH(2 * 9 * 21, k->matmul(&s, X(k, 0), X(k, 1), Y(k), WORK(k)));
    }
    return good;
}

static const char *test_convolution(const struct kernels *kernels, struct trial *t)
{
    const struct kernels *f64 = &kernels_f64;
    const struct conv_shape s = {2, 2, 4, 5, 3, 6, 3, 3, 1, 1, 4, 5, 120, 162, 240, 0, 0};
    bool good = true;
    BOTH(480, k->conv_forward(&s, X(k, 0), X(k, 1), Y(k), WORK(k)));
    if (!good)
        return "conv2d";
    BOTH(240, k->conv_input(&s, X(k, 0), X(k, 1), Y(k), WORK(k)));
    if (!good)
        return "conv2d_input";
    BOTH(324, k->conv_filter(&s, X(k, 0), X(k, 1), Y(k), WORK(k)));
    return good ? NULL : "conv2d_filter";
}

static const char *test_reductions(const struct kernels *kernels, struct trial *t)
{
    const struct kernels *f64 = &kernels_f64;
    const struct reduce_shape shape[] = {{3, 33, 1}, {3, 5, 21}, {1, 700, 1}};
    bool good = true;
    for (int i = 0; i < 3; i++) {
        const size_t n = shape[i].outer * shape[i].inner;
        BOTH(n, k->reduce_sum(&shape[i], X(k, 0), Y(k)));
        BOTH(n, k->reduce_add(&shape[i], X(k, 1), Y(k)));
        if (!good)
            return "sum";
        BOTH(n, k->reduce_max(&shape[i], X(k, 0), Y(k)));
    }
    return good ? NULL : "maximum";
}

static const char *test_moves(const struct kernels *kernels, struct trial *t)
{
    const struct kernels *f64 = &kernels_f64;
    const struct copy_shape copy = {3, {2, 5, 7}, {1, 14, 2}};
    const struct window_shape w = {2, 5, 6, 9, 2, 2, 2, 3, 2};
    bool good = true;
    BOTH(37, k->fill(37, 1.5, Y(k)));
    BOTH(37, k->iota(37, Y(k)));
    BOTH(70, k->copy(&copy, X(k, 0), Y(k)));
    if (!good)
        return "copy";
    BOTH(108, k->window_argmax(&w, X(k, 0), X(k, 1), Y(k)));
    for (int i = 0; i < ROOM; i++)
        t->x32[2][i] = (float)(t->x64[2][i] = i % 4);
    BOTH(108, k->window_gather(&w, X(k, 0), X(k, 2), Y(k)));
    BOTH(540, k->window_scatter(&w, X(k, 0), X(k, 2), Y(k)));
    if (!good)
        return "max_pool";
    const struct gather_shape table = {2, 3, 5, 7, 21, 5, 35};
    BOTH(70, k->gather(&table, X(k, 0), X(k, 2), Y(k)));
    BOTH(42, k->scatter_add(&table, X(k, 0), X(k, 2), Y(k)));
    return good ? NULL : "gather";
}

static bool test_solve(const struct kernels *kernels, struct trial *t)
{
    const struct kernels *f64 = &kernels_f64;
    const struct solve_shape s = {2, 6, 5, 36, 30};
    bool good = true;
    for (int i = 0; i < 2 * 6; i++) {
        t->x32[0][i / 6 * 36 + i % 6 * 7] += 8;
        t->x64[0][i / 6 * 36 + i % 6 * 7] += 8;
    }
    BOTH(60, k->solve_spd(&s, X(k, 0), X(k, 1), Y(k), WORK(k)));
    BOTH(72, k->inverse_spd(&s, X(k, 0), Y(k), WORK(k)));
    return good;
}

static bool test_distance(const struct kernels *kernels, struct trial *t)
{
    const struct kernels *f64 = &kernels_f64;
    const struct distance_shape s = {2, 5, 37, 3, 15, 111, 185}, u = {2, 5, 37, 3, 15, 111, 15};
    bool good = true;
    BOTH(370, k->distance(&s, X(k, 0), X(k, 1), Y(k), WORK(k)));
    BOTH(30, k->distance_input(&s, X(k, 0), X(k, 1), X(k, 2), Y(k), WORK(k)));
    BOTH(370, k->distance_push(&u, X(k, 0), X(k, 1), X(k, 2), Y(k), WORK(k)));
    return good;
}

const char *kernels_self_test(const struct kernels *k)
{
    struct trial t;
    const char *bad = test_pointwise(k, &t);
    if (bad)
        return bad;
    draw(&t, -1, 1);
    if (!test_products(k, &t))
        return "matmul";
    bad = test_convolution(k, &t);
    if (!bad)
        bad = test_reductions(k, &t);
    if (!bad)
        bad = test_moves(k, &t);
    draw(&t, -1, 1);
    if (!bad && !test_solve(k, &t))
        bad = "solve_spd";
    if (!bad && !test_distance(k, &t))
        bad = "distance";
    return bad;
}
