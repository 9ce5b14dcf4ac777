/* single.c: W5, one new task: five steps of tuning on five pictures and 25
 * predictions (the program of this is compiled before); W8, the same in a process of its own, from
 * reading the learner's file to the predictions, timed from outside. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "bench.h"
#include "mapping/learner.h"

extern char **environ;

enum { WAYS = 5, QUERIES = 25, SIDE = 28, PIXELS = SIDE * SIDE, STEPS = 5 };

static struct t2m_learner *new_learner(t2m *lib)
{
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    *l = (struct t2m_learner){.lib = lib,
                              .kind = FAMILY_IMAGES,
                              .steps = STEPS,
                              .eval_steps = STEPS,
                              .rate = 0.05,
                              .ways = WAYS,
                              .shots = 1,
                              .queries = QUERIES / WAYS};
    learner_method(l, method_find("fomaml"));
    const struct structure like = {.height = SIDE, .width = SIDE, .channels = 1, .outputs = WAYS};
    if (learner_structures(l, "conv4:64", &like) != T2M_OK || learner_start(l, 0) != T2M_OK)
        return NULL;
    learner_start_statistics(l, l->statistics);
    return l;
}

static float *noise(size_t n)
{
    float *x = malloc(n * sizeof *x);
    struct random r = random_stream(3, n, 0);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)random_uniform(&r, -1, 1);
    return x;
}

/* ---- W5 ---- */

struct adapting {
    t2m_plan *plan;
    t2m_workspace *workspace;
    const void *in[6];
    float outputs[QUERIES * WAYS];
};

static void adapt(void *ctx)
{
    struct adapting *a = ctx;
    void *const out[] = {a->outputs};
    t2m_run(a->plan, a->workspace, a->in, out);
}

static t2m_status compile_adapting(const struct t2m_learner *l, struct adapting *a)
{
    struct episode_graph e = {0};
    const struct episode_use use = {
        .supports = WAYS, .queries = QUERIES, .outputs = WAYS, .training = true, .steps = STEPS};
    TRY(t2m_graph_new(l->lib, &e.g));
    episode_graph_make(l, &use, &e);
    const t2m_value in[] = {e.phi, e.statistics, e.x_support, e.y_support, e.x_query, e.y_query};
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    o.parallel = true;
    const t2m_status status = t2m_compile(e.g, in, 6, &e.tuned, 1, &o, &a->plan);
    t2m_graph_free(e.g);
    return status == T2M_OK ? t2m_workspace_new(a->plan, &a->workspace) : status;
}

bool run_adapt(t2m *lib, const struct workload *w, struct result *r)
{
    (void)w;
    struct t2m_learner *l = new_learner(lib);
    struct adapting a = {0};
    t2m_plan_info info;
    float *x = noise((WAYS + QUERIES) * PIXELS);
    const float labels[] = {0, 1, 2, 3, 4}, unknown[QUERIES] = {0};
    const double begin = seconds_now();
    const bool good = l && x && compile_adapting(l, &a) == T2M_OK;
    if (good) {
        const void *const in[] = {l->phi, l->statistics, x, labels, x + WAYS * PIXELS, unknown};
        r->compile = seconds_now() - begin;
        memcpy(a.in, in, sizeof in);
        r->time = measure(adapt, &a, settings.seconds);
        t2m_plan_describe(a.plan, &info);
        r->flops = info.flops;
        r->memory = info.workspace_bytes;
    }
    t2m_workspace_free(a.workspace);
    t2m_plan_free(a.plan);
    t2m_learner_free(l);
    free(x);
    return good;
}

/* ---- W8 ---- */

int say_peak(void)
{
    char line[128];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            printf("%s", line + 6);
    if (f)
        fclose(f);
    return 0;
}

int cold_process(const char *path, size_t threads)
{
    t2m *lib;
    t2m_learner *l;
    t2m_task *task;
    t2m_model *m;
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    const float labels[] = {0, 1, 2, 3, 4};
    const char *const classes[] = {"a", "b", "c", "d", "e"};
    static float answers[QUERIES * WAYS];
    float *x = noise((WAYS + QUERIES) * PIXELS);
    t2m_options handle = T2M_OPTIONS_INIT;
    handle.threads = threads;
    o.steps = STEPS;
    if (!x || t2m_open(&lib, &handle, NULL) != T2M_OK ||
        t2m_learner_open(lib, &l, path) != T2M_OK ||
        t2m_task_new(l, &task, x, labels, WAYS, classes, WAYS) != T2M_OK ||
        t2m_build(l, &m, task, &o, NULL) != T2M_OK || t2m_model_prepare(m, QUERIES) != T2M_OK)
        return 1;
    return t2m_model_predict(m, x + WAYS * PIXELS, QUERIES, answers) == T2M_OK ? say_peak() : 1;
}

struct cold {
    char *const *argv;
    bool failed;
    size_t memory; /* bytes, the most of all runs */
};

/* The process says itself how much memory it took: what is counted of a child has its parent's. */
static bool run_process(char *const *argv, size_t *kib)
{
    posix_spawn_file_actions_t to;
    pid_t child;
    char said[32] = "";
    int ends[2], status = 1;
    if (pipe(ends) != 0)
        return false;
    posix_spawn_file_actions_init(&to);
    posix_spawn_file_actions_adddup2(&to, ends[1], STDOUT_FILENO);
    const bool started = posix_spawn(&child, argv[0], &to, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&to);
    close(ends[1]);
    if (started && read(ends[0], said, sizeof said - 1) > 0)
        *kib = strtoul(said, NULL, 10);
    close(ends[0]);
    return started && waitpid(child, &status, 0) == child && status == 0;
}

static void start_process(void *ctx)
{
    struct cold *c = ctx;
    size_t kib = 0;
    if (!run_process(c->argv, &kib))
        c->failed = true;
    c->memory = kib * 1024 > c->memory ? kib * 1024 : c->memory;
}

bool time_itself(char *argv[], struct result *r)
{
    static char program[1024];
    struct cold c = {.argv = argv};
    if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0)
        return false;
    argv[0] = program;
    r->time = measure(start_process, &c, settings.seconds);
    r->memory = c.memory;
    return !c.failed;
}

bool run_cold(t2m *lib, const struct workload *w, struct result *r)
{
    (void)w;
    char option[] = "--cold", path[] = "/tmp/bench_learner_XXXXXX", threads[24];
    char *argv[] = {NULL, option, path, threads, NULL};
    snprintf(threads, sizeof threads, "%zu", t2m_threads(lib));
    struct t2m_learner *l = new_learner(lib);
    const int file = mkstemp(path);
    if (file >= 0)
        close(file);
    const bool good =
        l && file >= 0 && t2m_learner_save(l, path, true) == T2M_OK && time_itself(argv, r);
    unlink(path);
    t2m_learner_free(l);
    return good;
}
