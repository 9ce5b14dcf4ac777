/* main.c: make bench. Each workload of the table on one thread and on all, beside the machine's
 * limit. Usage: bench [--json] [--profile] [--threads N] [--only NAME] [--seconds X]; --only
 * kernels prints the rates of the kernels alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/base.h"
#include "bench.h"
#include "engine/compute/pool.h"

struct settings settings = {.seconds = 3};

#define LEARNER(...)                                                                               \
    run_learner, &(const struct learner_details)                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* .tasks, .ways, .shots, .queries, .steps, .rate, .side, .channels */
static const struct workload workloads[] = {
    {"W1", "sinusoid MAML, 1 inner step",
     LEARNER("maml", "mlp:40,40", 25, 1, 10, 10, 1, 0.01, 0, 0)},
    {"W1x5", "sinusoid MAML, 5 inner steps",
     LEARNER("maml", "mlp:40,40", 25, 1, 10, 10, 5, 0.01, 0, 0)},
    {"W2", "5-way MAML 28 x 28, second order",
     LEARNER("maml", "conv4:64", 32, 5, 1, 5, 1, 0.4, 28, 1)},
    {"W2fo", "the same, first order", LEARNER("fomaml", "conv4:64", 32, 5, 1, 5, 1, 0.4, 28, 1)},
    {"W3", "5-way 5-shot MAML 84 x 84, 5 inner steps",
     LEARNER("maml", "conv4:32", 4, 5, 5, 15, 5, 0.01, 84, 3)},
    {"W4", "hypernetwork, 16 tasks of 128 rows", run_graph, &graph_w4},
    {"W5", "one task: 5 steps, 25 predictions", run_adapt, NULL},
    {"W6", "60-way 5-shot prototypes",
     LEARNER("protonet", "conv4:64", 1, 60, 5, 5, 0, 0.01, 28, 1)},
    {"W7", "U-Net 64 x 64, 5 steps of training", run_graph, &graph_w7},
    {"W8", "a cold process does W5", run_cold, NULL},
    {"T1", "a cold process: from a CSV of 256 x 20 to a model", run_table_build, NULL},
    {"T2", "predictions of that model, 64 rows", run_table_predict, NULL},
    {"P", "60-way 1-shot prototypes, 2 tasks",
     LEARNER("protonet", "conv4:32,64,96,128", 2, 60, 1, 5, 0, 0.01, 28, 1)},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads, MOST_RUNS = 20000 };

static int by_size(const void *p, const void *q)
{
    const double a = *(const double *)p, b = *(const double *)q;
    return (a > b) - (a < b);
}

struct timing measure(void (*f)(void *ctx), void *ctx, double seconds)
{
    static double t[MOST_RUNS];
    size_t n = 0;
    f(ctx); /* warm */
    for (const double start = seconds_now();
         n < MOST_RUNS && (n < 3 || seconds_now() - start < seconds);) {
        const double begin = seconds_now();
        f(ctx);
        t[n++] = seconds_now() - begin;
    }
    qsort(t, n, sizeof *t, by_size);
    return (struct timing){t[n / 4], t[n / 2], t[3 * n / 4]};
}

static double process_mib(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss / 1024;
}

static void print_result(const struct workload *w, const struct result *r, size_t threads,
                         double limit)
{
    const struct timing ms = {r->time.low * 1e3, r->time.median * 1e3, r->time.high * 1e3};
    const double gflops = r->flops / r->time.median * 1e-9;
    if (settings.json)
        printf("{\"workload\": \"%s\", \"threads\": %zu, \"ms\": %.4f, \"low\": %.4f, \"high\": "
               "%.4f, \"gflops\": %.2f, \"limit_gflops\": %.1f, \"compile_ms\": %.2f, "
               "\"workspace_mib\": %.1f, \"process_mib\": %.1f, \"first_loss\": %.4f, \"loss\": "
               "%.4f}\n",
               w->name, threads, ms.median, ms.low, ms.high, gflops, limit * 1e-9, r->compile * 1e3,
               (double)r->memory / (1 << 20), process_mib(), r->first_loss, r->loss);
    else
        printf("%-5s %3zu %10.3f %10.3f %10.3f %8.1f %5.0f %% %9.1f %8.1f  %.3f -> %.3f  %s\n",
               w->name, threads, ms.median, ms.low, ms.high, gflops, 1e11 * gflops / limit,
               r->compile * 1e3, (double)r->memory / (1 << 20), r->first_loss, r->loss, w->about);
    fflush(stdout);
}

static bool wanted(const char *name)
{
    return !settings.only || strcmp(settings.only, name) == 0;
}

static bool run_all(size_t threads)
{
    t2m *lib;
    t2m_options o = T2M_OPTIONS_INIT;
    bool good = true;
    o.threads = threads;
    if (t2m_open(&lib, &o, NULL) != T2M_OK)
        return false;
    threads = t2m_threads(lib);
    const double limit = machine_flops(lib->kernels->isa, threads);
    if (!settings.json)
        printf("limit: %.1f GFLOP/s and %.1f GB/s with %zu threads, %s\n", limit * 1e-9,
               machine_bandwidth(threads) * 1e-9, threads, lib->kernels->isa);
    for (size_t i = 0; i < WORKLOADS; i++) {
        struct result r = {0};
        if (!wanted(workloads[i].name))
            continue;
        if (workloads[i].run(lib, &workloads[i], &r)) {
            print_result(&workloads[i], &r, threads, limit);
        } else {
            fprintf(stderr, "%s: %s\n", workloads[i].name, t2m_errmsg(lib));
            good = false;
        }
    }
    t2m_close(lib);
    return good;
}

static void read_settings(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0)
            settings.json = true;
        else if (strcmp(argv[i], "--profile") == 0)
            settings.profile = true;
        else if (strcmp(argv[i], "--threads") == 0)
            settings.threads = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            settings.seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--only") == 0)
            settings.only = value;
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--cold") == 0)
        return cold_process(argv[2], strtoul(argv[3], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "--cold-table") == 0)
        return cold_table(argv[2], argv[3], strtoul(argv[4], NULL, 10));
    read_settings(argc, argv);
    const size_t most = pool_default_threads();
    bool good = true;
    if (!settings.json)
        printf("%-5s %3s %10s %10s %10s %8s %7s %9s %8s  loss\n", "", "thr", "ms", "quarter",
               "3 quart", "GFLOP/s", "limit", "compile", "MiB");
    if (settings.threads > 0)
        good = run_all(settings.threads);
    else
        good = run_all(1) && (most == 1 || run_all(most));
    if (!settings.json && (!settings.only || strcmp(settings.only, "kernels") == 0))
        kernels_print(kernels_choose(getenv("T2M_ISA")));
    return good ? 0 : 1;
}
