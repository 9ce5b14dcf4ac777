/* bench.h: what the files of the benchmark share: settings, clocks, and the workloads, each a row
 * of a table in main.c. The library's internal headers are used where a workload is one step of
 * training; a figure is the median of many runs, with quartiles. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "engine/compute/kernels.h"
#include "task2model.h"

struct settings {
    bool json, profile;
    size_t threads; /* 0: one, then all */
    double seconds; /* for each workload */
    const char *only;
};
extern struct settings settings;

struct timing { /* seconds of one run */
    double low, median, high;
};
/* Runs f again and again for `seconds`, three times at least. */
struct timing measure(void (*f)(void *ctx), void *ctx, double seconds);

struct result {
    struct timing time;
    double flops; /* of one run: products and convolutions; a multiply-add is 2 */
    double compile, first_loss, loss;
    size_t memory; /* bytes of one worker, or of the process */
};
struct workload {
    const char *name, *about;
    bool (*run)(t2m *lib, const struct workload *w, struct result *r); /* false: could not */
    const void *details;
};

/* learners.c: steps of training, of the library's own methods */
bool run_learner(t2m *lib, const struct workload *w, struct result *r);
struct learner_details {
    const char *method, *structure;
    size_t tasks, ways, shots, queries, steps;
    double rate;
    int side, channels; /* of images; 0: the sinusoid */
};

/* graphs.c: training of other models, on graph.h */
bool run_graph(t2m *lib, const struct workload *w, struct result *r);
extern const struct graph_details graph_w4, graph_w7;

/* single.c: one task, and one task in a process of its own */
bool run_adapt(t2m *lib, const struct workload *w, struct result *r);
bool run_cold(t2m *lib, const struct workload *w, struct result *r);
int cold_process(const char *path, size_t threads); /* what such a process does; its exit status */
/* Times this program with other arguments, argv[1] .. NULL. */
bool time_itself(char *argv[], struct result *r);
int say_peak(void); /* the last thing that such a process does */

/* tables.c: a model of 256 rows of 20 columns in a process of its own, and its predictions */
bool run_table_build(t2m *lib, const struct workload *w, struct result *r);
bool run_table_predict(t2m *lib, const struct workload *w, struct result *r);
int cold_table(const char *learner, const char *table, size_t threads);

/* machine.c: the limits of this machine: multiply-adds a second of t threads, and bytes a second of
 * y = a x + z over arrays larger than any cache */
double machine_flops(const char *isa, size_t threads);
double machine_bandwidth(size_t threads);

/* kernels.c: the kernels alone, on one thread */
void kernels_print(const struct kernels *k);
