/* test_kernels.c: what test_ops.c cannot see: long rows, larger shapes on every instruction set,
 * and that a number's bits do not depend on how an array is cut. */
#include "check.h"

#include "engine/compute/kernels.h"

enum { MOST = 4000 };

static size_t sets_of(void **state, const struct kernels *const **list)
{
    (void)state;
    return kernels_available(list);
}

static float *numbers(size_t n, double low, double high)
{
    float *x = malloc(n ? n * sizeof *x : 1); /* tight, so that sanitizers see a step beyond */
    struct random r = random_stream(5, n, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_uniform(&r, low, high);
    return x;
}

static void free_all(void **memory)
{
    while (*memory)
        free(*memory++);
}

/* The work of a call, not one byte more than asked for. */
static void *work_of(size_t bytes)
{
    void *work = NULL;
    assert_int_equal(posix_memalign(&work, 64, bytes ? bytes : 1), 0);
    return work;
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
    const size_t sets = sets_of(state, &list), n = 67;
    float *a = numbers(n, 0.1, 3), *b = numbers(n, 0.2, 2), *c = numbers(n, -1, 1), whole[67],
          parts[67];
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
    free_all((void *[]){a, b, c, NULL});
}

/* Sums in pieces: rows of any width, long rows in chunks. */
static void sums_in_pieces(void **state)
{
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    float *x = numbers(MOST, -1, 1), whole[128], parts[128];
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
    static const size_t shape[][3] = {{10, 40, 1},    {10, 1, 40}, {25, 5, 64},
                                      {61, 70, 33},   {7, 129, 9}, {200, 17, 65},
                                      {128, 64, 300}, {1, 1, 1},   {450, 20, 300}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
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
                void *work = work_of(list[set]->matmul_work(&s));
                list[set]->matmul(&s, a, b, c, work);
                assert_true(largest_error(c, want, 2 * m * n) < 2e-6);
                free(work);
            }
            free_all((void *[]){a, b, c, want, NULL});
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
    void *work = work_of(k->conv_work(s));
    double *want = plain_conv(s, x, f), *x64 = widened(x, nx), *f64 = widened(f, nf);
    k->conv_forward(s, x, f, y, work);
    k->conv_input(s, u, f, gx, work);
    k->conv_filter(s, x, u, gf, work);
    const double value = dot(u, want, ny), size = sqrt((double)(ny * s->kh * s->kw * s->in)) + 1;
    assert_true(largest_error(y, want, ny) < 5e-6);
    assert_true(fabs(dot(gx, x64, nx) - value) < 1e-5 * size);
    assert_true(fabs(dot(gf, f64, nf) - value) < 1e-5 * size);
    free_all((void *[]){x, f, u, y, gx, gf, work, want, x64, f64, NULL});
}

static void convolutions(void **state)
{
    static const size_t shape[][8] = {
        /* n h w in out k stride pad */
        {5, 14, 14, 64, 64, 3, 1, 1}, {7, 28, 28, 1, 64, 3, 1, 1},  {25, 3, 3, 64, 64, 3, 1, 1},
        {3, 9, 7, 3, 5, 3, 2, 1},     {2, 8, 8, 4, 17, 5, 1, 2},    {2, 8, 8, 4, 17, 1, 1, 0},
        {2, 8, 9, 3, 4, 3, 3, 2},     {1, 40, 40, 33, 20, 3, 1, 1}, {2, 5, 5, 2, 3, 2, 1, 3},
        {3, 9, 7, 17, 33, 3, 1, 0},   {2, 6, 11, 20, 16, 3, 1, 2},  {30, 7, 7, 16, 70, 3, 1, 1},
        {60, 3, 3, 20, 40, 3, 1, 1},  {9, 2, 3, 5, 6, 5, 1, 4},     {6, 1, 1, 8, 16, 3, 1, 1}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (size_t set = 0; set < sets; set++) {
            const size_t *d = shape[i], oh = (d[1] + 2 * d[7] - d[5]) / d[6] + 1,
                         ow = (d[2] + 2 * d[7] - d[5]) / d[6] + 1;
            const struct conv_shape s = {1,    d[0], d[1], d[2], d[3], d[4], d[5], d[5], d[6],
                                         d[7], oh,   ow,   0,    0,    0,    0,    0};
            check_conv(list[set], &s);
        }
}

/* A few values where a formula would go wrong. */
static void special_values(void **state)
{
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t s = 0; s < sets; s++) {
        const struct {
            int op;
            float x, want;
        } at[] = {{POINTWISE_exp, -200, 0},
                  {POINTWISE_exp, 200, INFINITY},
                  {POINTWISE_log, 0, -INFINITY},
                  {POINTWISE_tanh, 50, 1},
                  {POINTWISE_tanh, -50, -1},
                  {POINTWISE_sigmoid, -200, 0},
                  {POINTWISE_sigmoid, 200, 1},
                  {POINTWISE_softplus, -200, 0},
                  {POINTWISE_softplus, 200, 200},
                  {POINTWISE_exp, NAN, NAN},
                  {POINTWISE_log, -1, NAN},
                  {POINTWISE_relu, NAN, NAN},
                  {POINTWISE_tanh, NAN, NAN},
                  {POINTWISE_sin, 0, 0},
                  {POINTWISE_erf, 50, 1},
                  {POINTWISE_erf, -INFINITY, -1},
                  {POINTWISE_erf, NAN, NAN},
                  {POINTWISE_erf, 0, 0},
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
        for (float x = -6; x < 6; x += 0.00037F) {
            float y;
            list[s]->pointwise[POINTWISE_erf](1, &y, &x, &x, &x);
            assert_true(fabs((double)y - erf((double)x)) < 4e-7 * fabs(erf((double)x)));
        }
    }
}

/* A number of c has the same bits alone, in a batch, and beside other rows and columns. */
static void products_cut(void **state)
{
    static const size_t shape[][3] = {{10, 40, 40},  {10, 1, 40}, {25, 5, 64},   {1, 33, 700},
                                      {40, 3, 1},    {9, 7, 5},   {64, 2, 1300}, {50, 81, 9},
                                      {12, 24, 700}, {11, 8, 5}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof shape / sizeof *shape * sets * 4; i++) {
        const size_t *d = shape[i / sets / 4], m = d[0], n = d[1], k = d[2];
        const struct kernels *set = list[i / 4 % sets];
        const bool ta = i & 1, tb = i & 2;
        const struct matmul_shape all = {3, m, n, k, ta, tb, m * k, k * n},
                                  shared = {3, m, n, k, ta, tb, m * k, 0},
                                  one = {1, m, n, k, ta, tb, 0, 0},
                                  column = {1, m, 1, k, ta, true, 0, 0};
        float *a = numbers(3 * m * k, -1, 1), *b = numbers(3 * k * n, -1, 1),
              *c = numbers(3 * m * n, 0, 0), *alone = numbers(m * n, 0, 0),
              *last = numbers(k, 0, 0);
        for (int both = 0; both < 2; both++) {
            const struct matmul_shape *s = both ? &all : &shared;
            void *work = work_of(set->matmul_work(s)), *less = work_of(set->matmul_work(&one));
            set->matmul(s, a, b, c, work);
            for (size_t item = 0; item < 3; item++) {
                set->matmul(&one, a + item * m * k, b + item * s->b_batch, alone, less);
                assert_memory_equal(alone, c + item * m * n, m * n * sizeof *c);
            }
            free_all((void *[]){less, work, NULL});
        }
        void *work = work_of(set->matmul_work(&column));
        for (size_t p = 0; p < k; p++)
            last[p] = b[2 * k * n + (tb ? (n - 1) * k + p : p * n + n - 1)];
        set->matmul(&column, a + 2 * m * k, last, alone, work);
        for (size_t r = 0; r < m; r++)
            assert_true(alone[r] == c[2 * m * n + r * n + n - 1]);
        free_all((void *[]){a, b, c, alone, last, work, NULL});
    }
}

/* In place and at any address: the same bits. */
static void pointwise_places(void **state)
{
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list), n = 51;
    for (size_t i = 0; i < sets * POINTWISE_COUNT; i++) {
        pointwise_fn *f = list[i % sets]->pointwise[i / sets];
        float *a = numbers(n, 0.1, 3), *b = numbers(n, 0.2, 2), *c = numbers(n, -1, 1), want[51];
        f(n, want, a, b, c);
        for (size_t shift = 0; shift < 16; shift++) {
            float *x = malloc((n + shift) * sizeof *x);
            memcpy(x + shift, a, n * sizeof *x);
            f(n, x + shift, x + shift, b, c);
            assert_memory_equal(x + shift, want, sizeof want);
            free(x);
        }
        f(n, b, a, b, c);
        assert_memory_equal(b, want, sizeof want);
        free_all((void *[]){a, b, c, NULL});
    }
}

/* Within some units in the last place of the C library's. */
static void functions_are_close(void **state)
{
    static const struct {
        int op;
        double low, high, (*f)(double);
    } at[] = {{POINTWISE_exp, -87, 88, exp},       {POINTWISE_exp, -1e-3, 1e-3, exp},
              {POINTWISE_log, 1e-38, 1e-30, log},  {POINTWISE_log, 0.5, 2, log},
              {POINTWISE_log, 1, 1e30, log},       {POINTWISE_tanh, -10, 10, tanh},
              {POINTWISE_tanh, -1e-3, 1e-3, tanh}, {POINTWISE_sin, -1, 1, sin},
              {POINTWISE_cos, -1, 1, cos}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof at / sizeof *at * sets; i++) {
        float *x = numbers(MOST, at[i / sets].low, at[i / sets].high), *y = numbers(MOST, 0, 0);
        list[i % sets]->pointwise[at[i / sets].op](MOST, y, x, x, x);
        for (size_t j = 0; j < MOST; j++) {
            const double want = at[i / sets].f((double)x[j]);
            assert_true(fabs((double)y[j] - want) <= 1e-6 * fabs(want));
        }
        free_all((void *[]){x, y, NULL});
    }
}

static void largest(void **state)
{
    static const size_t inner[] = {1, 2, 7, 16, 40, 67, 130};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof inner / sizeof *inner * sets * 70; i++) {
        const struct reduce_shape s = {2, i % 70, inner[i / 70 % 7]};
        const size_t n = s.outer * s.reduce * s.inner, nan = n / 3;
        float *x = numbers(n, -1, 1), *y = numbers(s.outer * s.inner, 0, 0);
        if (i % 2 && n > 0)
            x[nan] = NAN;
        list[i / 70 / 7]->reduce_max(&s, x, y);
        for (size_t j = 0; j < s.outer * s.inner; j++) {
            float want = -INFINITY;
            for (size_t r = 0; r < s.reduce; r++) {
                const float v = x[(j / s.inner * s.reduce + r) * s.inner + j % s.inner];
                want = isnan(want) || isnan(v) ? NAN : fmaxf(want, v);
            }
            assert_true(y[j] == want || (isnan(y[j]) && isnan(want)));
        }
        free_all((void *[]){x, y, NULL});
    }
}

/* gather(x, argmax(x)) is the largest of each window, or the smallest where the sign is negative;
 * scatter is the transpose of gather. */
static void windows(void **state)
{
    static const size_t shape[][5] = {/* h w c size stride */
                                      {4, 6, 64, 2, 2},
                                      {5, 7, 3, 3, 1},
                                      {9, 5, 70, 2, 3}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof shape / sizeof *shape * sets; i++) {
        const size_t *d = shape[i / sets], oh = (d[0] - d[3]) / d[4] + 1,
                     ow = (d[1] - d[3]) / d[4] + 1;
        const struct window_shape s = {2, d[0], d[1], d[2], d[3], d[4], oh, ow, 2};
        const size_t nx = s.n * s.h * s.w * s.c, ny = s.n * oh * ow * s.c;
        float *x = numbers(nx, -1, 1), *u = numbers(ny, -1, 1), *index = numbers(ny, 0, 0),
              *y = numbers(ny, 0, 0), *gx = numbers(nx, 0, 0), *sign = numbers(2 * s.c, -1, 1);
        double *x64 = widened(x, nx), *y64;
        sign[0] = 0;
        list[i % sets]->window_argmax(&s, x, sign, index);
        list[i % sets]->window_gather(&s, x, index, y);
        list[i % sets]->window_scatter(&s, u, index, gx);
        for (size_t j = 0; j < ny; j++) {
            const size_t c = j % s.c, ox = j / s.c % ow, oy = j / s.c / ow % oh,
                         n = j / s.c / ow / oh;
            const float turn = sign[n * s.c + c] < 0 ? -1 : 1;
            float want = -INFINITY;
            for (size_t k = 0; k < s.size * s.size; k++) {
                const size_t line = n * s.h + oy * s.stride + k / s.size,
                             pixel = line * s.w + ox * s.stride + k % s.size;
                want = fmaxf(want, turn * x[pixel * s.c + c]);
            }
            assert_true(turn * y[j] == want);
        }
        const size_t last = ((s.size - 1) * s.w + s.size - 1) * s.c;
        x[last] = NAN; /* is found, wherever in the window it lies */
        list[i % sets]->window_argmax(&s, x, sign, index);
        assert_true(index[0] == (float)(s.size * s.size - 1));
        y64 = widened(y, ny);
        assert_true(fabs(dot(u, y64, ny) - dot(gx, x64, nx)) < 1e-4);
        free_all((void *[]){x, u, index, y, gx, sign, x64, y64, NULL});
    }
}

static void copies(void **state)
{
    static const struct copy_shape shape[] = {{0, {0}, {0}},
                                              {1, {9}, {-1}},
                                              {2, {33, 21}, {1, 33}},
                                              {2, {4, 70}, {1, 9}},
                                              {3, {3, 19, 6}, {200, 1, 20}},
                                              {3, {5, 7, 3}, {0, 3, 1}},
                                              {4, {2, 3, 4, 5}, {5, 40, 0, 1}}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof shape / sizeof *shape * sets; i++) {
        const struct copy_shape *s = &shape[i / sets];
        size_t n = 1, reach = 1, back = 0;
        for (int a = 0; a < s->rank; a++) {
            n *= s->dim[a];
            if (s->stride[a] > 0)
                reach += (s->dim[a] - 1) * (size_t)s->stride[a];
            else
                back += (s->dim[a] - 1) * (size_t)-s->stride[a];
        }
        float *x = numbers(reach + back, -1, 1), *y = numbers(n, 0, 0);
        list[i % sets]->copy(s, x + back, y);
        for (size_t j = 0; j < n; j++) {
            ptrdiff_t at = (ptrdiff_t)back;
            for (size_t a = (size_t)s->rank, rest = j; a-- > 0; rest /= s->dim[a])
                at += (ptrdiff_t)(rest % s->dim[a]) * s->stride[a];
            assert_true(y[j] == x[at]);
        }
        free_all((void *[]){x, y, NULL});
    }
}

/* Two systems: b = a x gives x back; one that is not positive definite gives NaN, alone. */
static void systems(void **state)
{
    static const size_t shape[][2] = {{1, 1}, {5, 5}, {16, 3}, {17, 20}, {33, 1}, {100, 70}};
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sizeof shape / sizeof *shape * sets; i++) {
        const size_t n = shape[i / sets][0], m = shape[i / sets][1];
        const struct kernels *k = list[i % sets];
        const struct solve_shape s = {2, n, m, n * n, n * m};
        const struct matmul_shape p = {2, n, m, n, false, false, n * n, n * m};
        float *a = numbers(2 * n * n, -1, 1), *x = numbers(2 * n * m, -1, 1),
              *b = numbers(2 * n * m, 0, 0), *y = numbers(2 * n * m, 0, 0);
        void *work = work_of(k->solve_spd_work(&s)), *other = work_of(k->matmul_work(&p));
        for (size_t j = 0; j < 2 * n; j++) {
            float *row = a + j * n;
            for (size_t c = 0; c < j % n; c++)
                row[c] = a[j / n * n * n + c * n + j % n];
            row[j % n] += (float)n;
        }
        k->matmul(&p, a, x, b, other);
        k->solve_spd(&s, a, b, y, work);
        for (size_t j = 0; j < 2 * n * m; j++)
            assert_true(fabsf(y[j] - x[j]) < 1e-5F);
        a[n * n - 1] = -1;
        k->solve_spd(&s, a, b, b, work);
        for (size_t j = 0; j < n * m; j++)
            assert_true(isnan(b[j]));
        assert_memory_equal(b + n * m, y + n * m, n * m * sizeof *y);
        free_all((void *[]){a, x, b, y, work, other, NULL});
    }
}

/* Indices that are no row read zeros and add nothing. */
static void tables(void **state)
{
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    const struct gather_shape s = {1, 3, 6, 2, 0, 0, 0};
    const float table[6] = {1, 2, 3, 4, 5, 6}, index[6] = {2, -1, 3, NAN, 0, 2e9F};
    for (size_t i = 0; i < sets; i++) {
        static const float want[12] = {5, 6, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0};
        float values[12], back[6];
        list[i]->gather(&s, table, index, values);
        assert_memory_equal(values, want, sizeof values);
        list[i]->scatter_add(&s, values, index, back);
        assert_memory_equal(back, ((float[]){1, 2, 0, 0, 5, 6}), sizeof back);
    }
}

static void nothing(void **state)
{
    const struct kernels *const *list;
    const size_t sets = sets_of(state, &list);
    for (size_t i = 0; i < sets; i++) {
        const struct kernels *k = list[i];
        float *none = numbers(0, 0, 0), y[4] = {7, 7, 7, 7};
        void *work = work_of(1 << 20);
        for (int op = 0; op < POINTWISE_COUNT; op++)
            k->pointwise[op](0, none, none, none, none);
        k->matmul(&(struct matmul_shape){1, 2, 2, 0, 0, 0, 0, 0}, none, none, y, work);
        assert_true(y[0] == 0 && y[3] == 0);
        k->reduce_sum(&(struct reduce_shape){1, 0, 2}, none, y + 2);
        k->reduce_max(&(struct reduce_shape){1, 0, 1}, none, y);
        assert_true(y[0] == -INFINITY);
        k->solve_spd(&(struct solve_shape){1, 0, 3, 0, 0}, none, none, none, NULL);
        k->solve_spd(&(struct solve_shape){1, 2, 0, 0, 0}, (float[]){1, 0, 0, 1}, none, none, work);
        const struct conv_shape s = {1, 0, 4, 4, 2, 3, 3, 3, 1, 1, 4, 4, 0, 0, 0, 0, 0};
        float filter[54] = {0};
        k->conv_forward(&s, none, filter, none, work);
        k->conv_input(&s, none, filter, none, work);
        k->conv_filter(&s, none, none, filter, work);
        free_all((void *[]){none, work, NULL});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts),
        cmocka_unit_test(pointwise_places),
        cmocka_unit_test(functions_are_close),
        cmocka_unit_test(sums_in_pieces),
        cmocka_unit_test(largest),
        cmocka_unit_test(products),
        cmocka_unit_test(products_cut),
        cmocka_unit_test(convolutions),
        cmocka_unit_test(windows),
        cmocka_unit_test(copies),
        cmocka_unit_test(systems),
        cmocka_unit_test(tables),
        cmocka_unit_test(nothing),
        cmocka_unit_test(special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
