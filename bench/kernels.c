/* kernels.c: the kernels alone, on one thread, at the shapes that occur. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

static const double kernel_seconds = 0.05;

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

static void *room(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p)
        abort();
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        ((float *)p)[i] = (float)(i % 7) * 0.1F;
    return p;
}

static double product_rate(const struct kernels *k, struct matmul_shape s)
{
    struct product p = {.k = k, .s = s};
    p.s.a_batch = s.m * s.k;
    p.s.b_batch = s.k * s.n;
    p.a = room(s.batch * s.m * s.k * sizeof *p.a);
    p.b = room(s.batch * s.k * s.n * sizeof *p.b);
    p.c = room(s.batch * s.m * s.n * sizeof *p.c);
    p.work = room(k->matmul_work(&p.s));
    const struct timing t = measure(run_product, &p, kernel_seconds);
    void *const memory[] = {p.a, p.b, p.c, p.work};
    for (int i = 0; i < 4; i++)
        free(memory[i]);
    return 2e-9 * (double)(s.batch * s.m * s.n * s.k) / t.low;
}

struct convolution {
    const struct kernels *k;
    struct conv_shape s;
    float *x, *f, *y;
    void *work;
};

static void run_forward(void *ctx)
{
    const struct convolution *c = ctx;
    c->k->conv_forward(&c->s, c->x, c->f, c->y, c->work);
}

static void run_input(void *ctx)
{
    const struct convolution *c = ctx;
    c->k->conv_input(&c->s, c->y, c->f, c->x, c->work);
}

static void run_filter(void *ctx)
{
    const struct convolution *c = ctx;
    c->k->conv_filter(&c->s, c->x, c->y, c->f, c->work);
}

static void print_convolution(const struct kernels *k, size_t n, size_t side, size_t in, size_t out)
{
    const double flops = 2e-9 * (double)(n * side * side * 9 * in * out);
    struct convolution c = {.k = k,
                            .s = {.batch = 1,
                                  .n = n,
                                  .h = side,
                                  .w = side,
                                  .in = in,
                                  .out = out,
                                  .kh = 3,
                                  .kw = 3,
                                  .stride = 1,
                                  .pad = 1,
                                  .oh = side,
                                  .ow = side}};
    c.x = room(n * side * side * in * sizeof *c.x);
    c.f = room(9 * in * out * sizeof *c.f);
    c.y = room(n * side * side * out * sizeof *c.y);
    c.work = room(k->conv_work(&c.s));
    const struct timing forward = measure(run_forward, &c, kernel_seconds),
                        filter = measure(run_filter, &c, kernel_seconds),
                        input = measure(run_input, &c, kernel_seconds);
    printf("  convolution %3zu x %2zu x %2zu x %2zu -> %2zu  forward %6.1f  input %6.1f  filter "
           "%6.1f\n",
           n, side, side, in, out, flops / forward.low, flops / input.low, flops / filter.low);
    void *const memory[] = {c.x, c.f, c.y, c.work};
    for (int i = 0; i < 4; i++)
        free(memory[i]);
}

void kernels_print(const struct kernels *k)
{
    static const size_t product[][3] = {{10, 40, 1}, {10, 40, 40},    {10, 1, 40},    {25, 5, 64},
                                        {5, 5, 64},  {128, 128, 128}, {128, 512, 128}};
    static const size_t conv[][4] = {{5, 28, 1, 64},    {25, 28, 1, 64},  {25, 14, 64, 64},
                                     {25, 7, 64, 64},   {25, 3, 64, 64},  {360, 28, 1, 32},
                                     {360, 14, 32, 64}, {360, 7, 64, 96}, {360, 3, 96, 128},
                                     {25, 84, 3, 32},   {25, 42, 32, 32}};
    printf("kernels, one thread, %s, GFLOP/s\n", k->isa);
    for (size_t i = 0; i < sizeof product / sizeof *product; i++) {
        const size_t m = product[i][0], n = product[i][1], depth = product[i][2];
        printf("  product %4zu x %4zu x %4zu  %7.1f\n", m, n, depth,
               product_rate(k, (struct matmul_shape){.batch = 1, .m = m, .n = n, .k = depth}));
    }
    for (size_t i = 0; i < sizeof conv / sizeof *conv; i++)
        print_convolution(k, conv[i][0], conv[i][1], conv[i][2], conv[i][3]);
}
