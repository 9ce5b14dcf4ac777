/* machine.c: what the machine could do at best. Multiply-adds: ten independent sums in registers,
 * nothing else. Bandwidth: y = a x + z over arrays larger than the last cache, the three of them
 * counted once each. Each thread works on its own numbers; the best of a few tries counts, since a
 * limit is what cannot be passed. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "bench.h"

enum { MOST_THREADS = 256, SUMS = 10, ROUNDS = 4000000, TRIES = 7, TRIAD = 8 << 20 /* reals */ };

/* The sums start apart, so that no compiler finds them to be one. */
#define DEFINE_FMA(isa, bytes, ...)                                                                \
    typedef float vec_##isa __attribute__((vector_size(bytes)));                                   \
    __VA_ARGS__ static double fma_##isa(const float *start)                                        \
    {                                                                                              \
        vec_##isa sum[SUMS], factor = start[0] - (vec_##isa){0}, more = factor * 1e-3F;            \
        for (int s = 0; s < SUMS; s++)                                                             \
            sum[s] = start[s] - (vec_##isa){0};                                                    \
        for (int i = 0; i < ROUNDS; i++)                                                           \
            _Pragma("GCC unroll 10") for (int s = 0; s < SUMS; s++) sum[s] =                       \
                sum[s] * factor + more;                                                            \
        for (int s = 1; s < SUMS; s++)                                                             \
            sum[0] += sum[s];                                                                      \
        return 2.0 * SUMS * ROUNDS * bytes / sizeof(float) + 1e-9 * (double)sum[0][0];             \
    }
DEFINE_FMA(base, 16)
#ifdef __x86_64__
DEFINE_FMA(avx2, 32, __attribute__((target("avx2,fma"))))
DEFINE_FMA(avx512, 64, __attribute__((target("avx512f"))))
#endif

static double multiply_add(const char *isa)
{
    float start[SUMS];
    for (int s = 0; s < SUMS; s++)
        start[s] = 0.5F + 0.01F * (float)s;
#ifdef __x86_64__
    if (strcmp(isa, "avx512") == 0)
        return fma_avx512(start);
    if (strcmp(isa, "avx2") == 0)
        return fma_avx2(start);
#endif
    return fma_base(start);
}

static double triad(float *memory)
{
    float *restrict y = memory, *restrict x = memory + TRIAD, *restrict z = memory + 2 * TRIAD;
    for (size_t i = 0; i < TRIAD; i++)
        y[i] = 0.5F * x[i] + z[i];
    return 3.0 * TRIAD * sizeof(float);
}

struct worker {
    pthread_t thread;
    pthread_barrier_t *barrier;
    const char *isa; /* NULL: bandwidth */
    float *memory;
    double done, begin, end; /* operations or bytes; seconds */
};

static void *work(void *arg)
{
    struct worker *w = arg;
    pthread_barrier_wait(w->barrier);
    w->begin = seconds_now();
    w->done = w->isa ? multiply_add(w->isa) : triad(w->memory);
    w->end = seconds_now();
    return NULL;
}

/* Operations or bytes a second of all threads together, once. */
static double rate(struct worker *w, size_t threads)
{
    pthread_barrier_t barrier;
    double done = 0, begin = 0, end = 0;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (size_t i = 0; i < threads; i++) {
        w[i].barrier = &barrier;
        if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(w[i].thread, NULL);
        begin = i == 0 || w[i].begin < begin ? w[i].begin : begin;
        end = w[i].end > end ? w[i].end : end;
        done += w[i].done;
    }
    pthread_barrier_destroy(&barrier);
    return done / (end - begin);
}

static double best_rate(const char *isa, size_t threads)
{
    static struct worker w[MOST_THREADS];
    double best = 0;
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    for (size_t i = 0; i < threads; i++) {
        w[i] = (struct worker){.isa = isa};
        if (!isa && !(w[i].memory = malloc((size_t)3 * TRIAD * sizeof(float))))
            abort();
        for (size_t k = 0; !isa && k < (size_t)3 * TRIAD; k++) /* pages that were never written */
            w[i].memory[k] = 1;                                /* would all be one and the same */
    }
    for (int i = 0; i < TRIES; i++) {
        const double r = rate(w, threads);
        best = r > best ? r : best;
    }
    for (size_t i = 0; i < threads; i++)
        free(w[i].memory);
    return best;
}

double machine_flops(const char *isa, size_t threads)
{
    return best_rate(isa, threads);
}

double machine_bandwidth(size_t threads)
{
    return best_rate(NULL, threads);
}
