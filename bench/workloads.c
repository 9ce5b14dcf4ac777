/* workloads.c: make bench. Meta-training steps of the library itself (W1: sinusoid MAML, 25 tasks,
 * one inner step, 1-40-40-1, 10 support and 10 query points; W2: Omniglot-like MAML, 32 tasks,
 * 5-way 1-shot, 5 queries a class, conv4 of 64 channels, norm of the batch; both with the exact
 * gradient and Adam) and kernels, beside the machine's limit. One line of JSON for each with
 * --json. Usage: bench_workloads [--json] [--threads N] [--only NAME] [--seconds X] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mapping/training.h"
#include "engine/compute/kernels.h"

static struct {
    bool json;
    size_t threads;
    double seconds;
    const char *only;
} settings = {.seconds = 3};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *p, const void *q)
{
    const double a = *(const double *)p, b = *(const double *)q;
    return (a > b) - (a < b);
}

/* Runs f until the time is up; median and quartiles of one call, in seconds. */
static void measure(void (*f)(void *ctx), void *ctx, double out[3])
{
    static double t[20000];
    size_t n = 0;
    f(ctx);
    f(ctx);
    for (const double start = now(); n < 20000 && (n < 3 || now() - start < settings.seconds);) {
        const double begin = now();
        f(ctx);
        t[n++] = now() - begin;
    }
    qsort(t, n, sizeof *t, by_size);
    out[0] = t[n / 4];
    out[1] = t[n / 2];
    out[2] = t[3 * n / 4];
}

/* ---- the limit: fused multiply-adds on one core, through the kernels' own tile ---- */

struct product {
    const struct kernels *k;
    struct matmul_shape s;
    float *a, *b, *c;
    void *work;
};

static void run_product(void *ctx)
{
    const struct product *p = ctx;
    p->k->matmul(&p->s, p->a, p->b, p->c, p->work);
}

static double product_rate(const struct kernels *k, struct matmul_shape s)
{
    double t[3];
    struct product p = {.k = k, .s = s};
    s.a_batch = s.m * s.k;
    s.b_batch = s.k * s.n;
    p.s = s;
    p.a = calloc(s.batch * s.m * s.k, sizeof *p.a);
    p.b = calloc(s.batch * s.k * s.n, sizeof *p.b);
    p.c = calloc(s.batch * s.m * s.n, sizeof *p.c);
    p.work = aligned_alloc(64, (k->matmul_work(&s) + 127) / 64 * 64);
    const double keep = settings.seconds;
    settings.seconds = 0.1;
    measure(run_product, &p, t);
    settings.seconds = keep;
    free(p.a);
    free(p.b);
    free(p.c);
    free(p.work);
    return 2e-9 * (double)(s.batch * s.m * s.n * s.k) / t[0];
}

struct convolution {
    const struct kernels *k;
    struct conv_shape s;
    float *x, *f, *y;
    void *work;
    int which;
};

static void run_convolution(void *ctx)
{
    const struct convolution *c = ctx;
    if (c->which == 0)
        c->k->conv_forward(&c->s, c->x, c->f, c->y, c->work);
    else if (c->which == 1)
        c->k->conv_input(&c->s, c->y, c->f, c->x, c->work);
    else
        c->k->conv_filter(&c->s, c->x, c->y, c->f, c->work);
}

static double convolution_rate(const struct kernels *k, size_t n, size_t side, size_t in, int which)
{
    double t[3];
    const size_t out = 64;
    struct convolution c = {
        .k = k, .s = {1, n, side, side, in, out, 3, 3, 1, 1, side, side, 0, 0, 0}, .which = which};
    c.x = calloc(n * side * side * in, sizeof *c.x);
    c.f = calloc(9 * in * out, sizeof *c.f);
    c.y = calloc(n * side * side * out, sizeof *c.y);
    c.work = aligned_alloc(64, (k->conv_work(&c.s) + 127) / 64 * 64);
    const double keep = settings.seconds;
    settings.seconds = 0.1;
    measure(run_convolution, &c, t);
    settings.seconds = keep;
    free(c.x);
    free(c.f);
    free(c.y);
    free(c.work);
    return 2e-9 * (double)(n * side * side * 9 * in * out) / t[0];
}

static void kernels(const t2m *lib)
{
    static const size_t product[][3] = {{10, 40, 1}, {10, 40, 40},    {10, 1, 40},
                                        {25, 5, 64}, {128, 128, 128}, {512, 256, 256}};
    const struct kernels *k = lib->kernels;
    printf("kernels, one core, %s, GFLOP/s\n", k->isa);
    for (size_t i = 0; i < sizeof product / sizeof *product; i++)
        printf("  product %4zu x %4zu x %4zu  %7.1f\n", product[i][0], product[i][1], product[i][2],
               product_rate(
                   k, (struct matmul_shape){
                          .batch = 1, .m = product[i][0], .n = product[i][1], .k = product[i][2]}));
    static const size_t conv[][3] = {{75, 28, 1}, {75, 14, 64}, {75, 7, 64}, {75, 3, 64}};
    for (size_t i = 0; i < sizeof conv / sizeof *conv; i++)
        printf("  convolution %zu x %2zu x %2zu x %2zu -> 64  forward %6.1f  input %6.1f  filter "
               "%6.1f\n",
               conv[i][0], conv[i][1], conv[i][1], conv[i][2],
               convolution_rate(k, conv[i][0], conv[i][1], conv[i][2], 0),
               convolution_rate(k, conv[i][0], conv[i][1], conv[i][2], 1),
               convolution_rate(k, conv[i][0], conv[i][1], conv[i][2], 2));
}

/* ---- meta-training steps ---- */

struct steps {
    struct meta_step step;
    uint64_t number;
    double first_loss, loss;
};

static void run_step(void *ctx)
{
    struct steps *s = ctx;
    double metric;
    if (meta_step_run(&s->step, s->number++, 1e-3, &s->loss, &metric) != T2M_OK)
        abort();
    if (s->number == 1)
        s->first_loss = s->loss;
}

/* Class patterns with noise, as the peers' scripts make them. */
static t2m_family *noisy_patterns(t2m *lib)
{
    const size_t classes = 100, count = 20, size = 28 * 28;
    t2m_family *f = mem_new(lib, 1, sizeof *f);
    *f = (t2m_family){.lib = lib,
                      .kind = FAMILY_IMAGES,
                      .name = mem_text(lib, "patterns"),
                      .height = 28,
                      .width = 28,
                      .channels = 1,
                      .classes = classes};
    f->class = mem_new(lib, classes, sizeof *f->class);
    struct random r = random_stream(1, 0, 0);
    for (size_t c = 0; c < classes; c++) {
        f->class[c].name = mem_text(lib, "pattern");
        f->class[c].count = count;
        f->class[c].pixels = mem_new(lib, count * size, sizeof(float));
        for (size_t i = 0; i < count * size; i++)
            f->class[c].pixels[i] =
                (i < size ? (float)random_normal(&r) : f->class[c].pixels[i % size]) +
                (float)(0.7 * random_normal(&r));
    }
    return f;
}

static void workload(t2m *lib, const char *name, t2m_family *f, size_t tasks)
{
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    struct steps s = {.number = 0};
    const bool images = f->kind == FAMILY_IMAGES;
    t2m_plan_info info;
    double t[3];
    *l = (struct t2m_learner){.lib = lib,
                              .kind = f->kind,
                              .method = method_find("maml"),
                              .steps = 1,
                              .rate = images ? 0.4 : 0.01,
                              .ways = images ? 5 : 1,
                              .shots = images ? 1 : 10,
                              .queries = images ? 5 : 10};
    if (structure_parse(lib, images ? "conv4:64" : "mlp:40,40", &l->structure) != T2M_OK)
        abort();
    l->structure.height = l->structure.width = images ? 28 : 1;
    l->structure.channels = 1;
    l->structure.outputs = (int64_t)l->ways;
    const double begin = now();
    if (learner_start(l, 0) != T2M_OK || meta_step_new(&s.step, l, f, tasks) != T2M_OK) {
        fprintf(stderr, "%s\n", t2m_errmsg(lib));
        exit(1);
    }
    const double compiled = now() - begin;
    measure(run_step, &s, t);
    t2m_plan_describe(s.step.plan[0], &info);
    const double flops = info.flops / (double)s.step.block * (double)tasks;
    if (settings.json)
        printf("{\"workload\": \"%s\", \"ms\": %.4f, \"low\": %.4f, \"high\": %.4f, \"gflops\": "
               "%.2f, \"threads\": %zu, \"compile_ms\": %.2f, \"first_loss\": %.4f, \"loss\": "
               "%.4f}\n",
               name, t[1] * 1e3, t[0] * 1e3, t[2] * 1e3, flops / t[1] * 1e-9, t2m_threads(lib),
               compiled * 1e3, s.first_loss, s.loss);
    else
        printf(
            "%s  %9.3f ms a step (quartiles %.3f to %.3f), %.1f GFLOP/s, %zu threads; compiled in "
            "%.1f ms, %zu KiB a worker; loss %.3f -> %.3f after %llu steps\n",
            name, t[1] * 1e3, t[0] * 1e3, t[2] * 1e3, flops / t[1] * 1e-9, t2m_threads(lib),
            compiled * 1e3, info.workspace_bytes >> 10, s.first_loss, s.loss,
            (unsigned long long)s.number);
    meta_step_free(&s.step);
    t2m_learner_free(l);
}

static bool wanted(const char *name)
{
    return !settings.only || strcmp(settings.only, name) == 0;
}

int main(int argc, char **argv)
{
    t2m *lib;
    t2m_options o = T2M_OPTIONS_INIT;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0)
            settings.json = true;
        else if (strcmp(argv[i], "--threads") == 0)
            settings.threads = (size_t)atoi(value);
        else if (strcmp(argv[i], "--seconds") == 0)
            settings.seconds = atof(value);
        else if (strcmp(argv[i], "--only") == 0)
            settings.only = value;
    }
    o.threads = settings.threads;
    if (t2m_open(&lib, &o, NULL) != T2M_OK)
        return 1;
    if (wanted("W1")) {
        t2m_family *f;
        const char *const path = "builtin:sinusoid";
        if (t2m_family_open(lib, &f, &path, 1, NULL) != T2M_OK)
            return 1;
        workload(lib, "W1", f, 25);
        t2m_family_free(f);
    }
    if (wanted("W2")) {
        t2m_family *f = noisy_patterns(lib);
        workload(lib, "W2", f, 32);
        t2m_family_free(f);
    }
    if (!settings.json && !settings.only)
        kernels(lib);
    t2m_close(lib);
    return 0;
}
