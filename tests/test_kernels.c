/* test_kernels.c: what test_ops.c cannot see: long rows, larger shapes on every instruction set,
 * and that a number's bits do not depend on how an array is cut. */
#include "check.h"

#include "engine/compute/kernels.h"

enum { MOST = 4000 };

static float *numbers(size_t n, double low, double high)
{
    float *x = malloc((n + 1) * sizeof *x);
    struct random r = random_stream(5, n, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_uniform(&r, low, high);
    return x;
}

static double *widened(const float *x, size_t n)
{
    double *y = malloc((n + 1) * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = (double)x[i];
    return y;
}

/* Each pointwise op: all at once, and cut in two at every place: the same bits. */
static void cuts(void **state)
{
    const struct kernels *const *list;
    const size_t sets = kernels_available(&list), n = 67;
    float *a = numbers(n, 0.1, 3), *b = numbers(n, 0.2, 2), *c = numbers(n, -1, 1), whole[67],
          parts[67];
    (void)state;
    for (size_t s = 0; s < sets; s++)
        for (int op = 0; op < POINTWISE_COUNT; op++) {
            pointwise_fn *f = list[s]->pointwise[op];
            f(n, whole, a, b, c);
            for (size_t cut = 0; cut <= n; cut++) {
                f(cut, parts, a, b, c);
                f(n - cut, parts + cut, a + cut, b + cut, c + cut);
                assert_memory_equal(whole, parts, sizeof whole);
            }
        }
    free(a);
    free(b);
    free(c);
}

/* Sums in pieces: rows of any width, long rows in chunks. */
static void sums_in_pieces(void **state)
{
    const struct kernels *const *list;
    const size_t sets = kernels_available(&list);
    float *x = numbers(MOST, -1, 1), whole[128], parts[128];
    (void)state;
    for (size_t s = 0; s < sets; s++) {
        for (size_t inner = 1; inner < 100; inner += 7) {
            const size_t rows = MOST / inner / 2, unit = inner == 1 ? REDUCE_CHUNK : 3;
            const struct reduce_shape all = {1, rows, inner}, first = {1, unit, inner},
                                      rest = {1, rows - unit, inner};
            list[s]->reduce_sum(&all, x, whole);
            list[s]->reduce_sum(&first, x, parts);
            list[s]->reduce_add(&rest, x + unit * inner, parts);
            assert_memory_equal(whole, parts, inner * sizeof *whole);
        }
    }
    free(x);
}

static double largest_error(const float *y, const double *want, size_t n)
{
    double most = 0, scale = 1e-9;
    for (size_t i = 0; i < n; i++) {
        scale = fmax(scale, fabs(want[i]));
        most = fmax(most, fabs((double)y[i] - want[i]));
    }
    return most / scale;
}

static void products(void **state)
{
    static const size_t shape[][3] = {{10, 40, 1}, {10, 1, 40},   {25, 5, 64},    {61, 70, 33},
                                      {7, 129, 9}, {200, 17, 65}, {128, 64, 300}, {1, 1, 1}};
    const struct kernels *const *list;
    const size_t sets = kernels_available(&list);
    (void)state;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (int t = 0; t < 4; t++) {
            const size_t m = shape[i][0], n = shape[i][1], k = shape[i][2];
            const struct matmul_shape s = {2, m, n, k, t & 1, t & 2, m * k, k * n};
            float *a = numbers(2 * m * k, -1, 1), *b = numbers(2 * k * n, -1, 1),
                  *c = malloc(2 * m * n * sizeof *c);
            double *want = calloc(2 * m * n, sizeof *want);
            for (size_t o = 0; o < 2 * m * n; o++) {
                const size_t batch = o / (m * n), row = o / n % m, column = o % n;
                for (size_t p = 0; p < k; p++)
                    want[o] += (double)a[batch * m * k + (t & 1 ? p * m + row : row * k + p)] *
                               (double)b[batch * k * n + (t & 2 ? column * k + p : p * n + column)];
            }
            for (size_t set = 0; set < sets; set++) {
                void *work = aligned_alloc(64, (list[set]->matmul_work(&s) + 127) / 64 * 64);
                list[set]->matmul(&s, a, b, c, work);
                assert_true(largest_error(c, want, 2 * m * n) < 2e-6);
                free(work);
            }
            free(a);
            free(b);
            free(c);
            free(want);
        }
}

/* The convolution as its definition, in double. */
static double *plain_conv(const struct conv_shape *s, const float *x, const float *f)
{
    double *y = calloc(s->n * s->oh * s->ow * s->out + 1, sizeof *y);
    for (size_t i = 0; i < s->n * s->oh * s->ow * s->out; i++) {
        const size_t o = i % s->out, ox = i / s->out % s->ow, oy = i / s->out / s->ow % s->oh,
                     n = i / s->out / s->ow / s->oh;
        for (size_t t = 0; t < s->kh * s->kw * s->in; t++) {
            const size_t c = t % s->in, kx = t / s->in % s->kw, ky = t / s->in / s->kw;
            const ptrdiff_t px = (ptrdiff_t)(ox * s->stride + kx) - (ptrdiff_t)s->pad,
                            py = (ptrdiff_t)(oy * s->stride + ky) - (ptrdiff_t)s->pad;
            if (px >= 0 && py >= 0 && px < (ptrdiff_t)s->w && py < (ptrdiff_t)s->h)
                y[i] += (double)x[((n * s->h + (size_t)py) * s->w + (size_t)px) * s->in + c] *
                        (double)f[t * s->out + o];
        }
    }
    return y;
}

static double dot(const float *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Forward against the definition; the transposes by <u, conv(x, f)> = <x, conv_input(u, f)> =
 * <f, conv_filter(x, u)>. */
static void check_conv(const struct kernels *k, const struct conv_shape *s)
{
    const size_t nx = s->n * s->h * s->w * s->in, nf = s->kh * s->kw * s->in * s->out,
                 ny = s->n * s->oh * s->ow * s->out;
    float *x = numbers(nx, -1, 1), *f = numbers(nf, -1, 1), *u = numbers(ny, -1, 1),
          *y = malloc((ny + 1) * sizeof *y), *gx = malloc((nx + 1) * sizeof *gx),
          *gf = malloc((nf + 1) * sizeof *gf);
    void *work = aligned_alloc(64, (k->conv_work(s) + 127) / 64 * 64);
    double *want = plain_conv(s, x, f), *x64 = widened(x, nx), *f64 = widened(f, nf);
    k->conv_forward(s, x, f, y, work);
    k->conv_input(s, u, f, gx, work);
    k->conv_filter(s, x, u, gf, work);
    const double value = dot(u, want, ny), size = sqrt((double)(ny * s->kh * s->kw * s->in)) + 1;
    assert_true(largest_error(y, want, ny) < 5e-6);
    assert_true(fabs(dot(gx, x64, nx) - value) < 1e-5 * size);
    assert_true(fabs(dot(gf, f64, nf) - value) < 1e-5 * size);
    void *const memory[] = {x, f, u, y, gx, gf, work, want, x64, f64};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
}

static void convolutions(void **state)
{
    static const size_t shape[][8] = {
        /* n h w in out k stride pad */
        {5, 14, 14, 64, 64, 3, 1, 1}, {7, 28, 28, 1, 64, 3, 1, 1},  {25, 3, 3, 64, 64, 3, 1, 1},
        {3, 9, 7, 3, 5, 3, 2, 1},     {2, 8, 8, 4, 17, 5, 1, 2},    {2, 8, 8, 4, 17, 1, 1, 0},
        {2, 8, 9, 3, 4, 3, 3, 2},     {1, 40, 40, 33, 20, 3, 1, 1}, {2, 5, 5, 2, 3, 2, 1, 3}};
    const struct kernels *const *list;
    const size_t sets = kernels_available(&list);
    (void)state;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (size_t set = 0; set < sets; set++) {
            const size_t *d = shape[i], oh = (d[1] + 2 * d[7] - d[5]) / d[6] + 1,
                         ow = (d[2] + 2 * d[7] - d[5]) / d[6] + 1;
            const struct conv_shape s = {1,    d[0], d[1], d[2], d[3], d[4], d[5], d[5],
                                         d[6], d[7], oh,   ow,   0,    0,    0};
            check_conv(list[set], &s);
        }
}

/* A few values where a formula would go wrong. */
static void special_values(void **state)
{
    const struct kernels *const *list;
    const size_t sets = kernels_available(&list);
    (void)state;
    for (size_t s = 0; s < sets; s++) {
        const struct {
            int op;
            float x, want;
        } at[] = {{POINTWISE_exp, -200, 0},           {POINTWISE_exp, 200, INFINITY},
                  {POINTWISE_log, 0, -INFINITY},      {POINTWISE_tanh, 50, 1},
                  {POINTWISE_tanh, -50, -1},          {POINTWISE_sigmoid, -200, 0},
                  {POINTWISE_sigmoid, 200, 1},        {POINTWISE_softplus, -200, 0},
                  {POINTWISE_softplus, 200, 200},     {POINTWISE_exp, NAN, NAN},
                  {POINTWISE_log, -1, NAN},           {POINTWISE_relu, NAN, NAN},
                  {POINTWISE_tanh, NAN, NAN},         {POINTWISE_sin, 0, 0},
                  {POINTWISE_log, INFINITY, INFINITY}};
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            float y;
            list[s]->pointwise[at[i].op](1, &y, &at[i].x, &at[i].x, &at[i].x);
            assert_true(y == at[i].want || (isnan(y) && isnan(at[i].want)));
        }
        for (float x = -9000; x < 9000; x += 37.3F) {
            float y;
            list[s]->pointwise[POINTWISE_sin](1, &y, &x, &x, &x);
            assert_true(fabs((double)y - sin((double)x)) < 2e-6);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts),           cmocka_unit_test(sums_in_pieces),
        cmocka_unit_test(products),       cmocka_unit_test(convolutions),
        cmocka_unit_test(special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
