/* tables.c: T1, from a CSV and a learner's file to a model in a process of its own, timed from
 * outside; T2, predictions of such a model. How good the learner is makes no difference to the
 * time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "bench.h"
#include "mapping/learner.h"

enum { ROWS = 256, COLUMNS = 20, BATCH = 64 };

struct files {
    char learner[64], table[64];
};

static bool write_table(const char *path)
{
    struct random r = random_stream(5, 1, 0);
    FILE *f = fopen(path, "w");
    for (int k = 0; f && k < COLUMNS; k++)
        fprintf(f, "x%d,", k);
    if (f)
        fprintf(f, "y\n");
    for (int i = 0; f && i < ROWS; i++) {
        double sum = 0;
        for (int k = 0; k < COLUMNS; k++) {
            const double x = random_normal(&r);
            sum += k < 3 ? x : 0;
            fprintf(f, "%.4f,", x);
        }
        fprintf(f, "%s\n", sum > 0 ? "yes" : "no");
    }
    return f && fclose(f) == 0;
}

static bool write_learner(t2m *lib, const char *path)
{
    const struct structure like = {.height = 1, .width = 1, .channels = 1, .outputs = 1};
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    if (!l)
        return false;
    *l = (struct t2m_learner){.lib = lib, .kind = FAMILY_TABLES};
    learner_method(l, method_find("tables"));
    const bool good = learner_structures(l, "kernel:256,32,32", &like) == T2M_OK &&
                      learner_start(l, 0) == T2M_OK && t2m_learner_save(l, path, true) == T2M_OK;
    t2m_learner_free(l);
    return good;
}

static bool make_files(t2m *lib, struct files *f)
{
    snprintf(f->learner, sizeof f->learner, "/tmp/bench_tables_%d", (int)getpid());
    snprintf(f->table, sizeof f->table, "/tmp/bench_table_%d.csv", (int)getpid());
    return write_table(f->table) && write_learner(lib, f->learner);
}

static void remove_files(const struct files *f)
{
    unlink(f->learner);
    unlink(f->table);
}

static t2m_status make_model(t2m *lib, const struct files *f, t2m_model **m)
{
    t2m_learner *l = NULL;
    t2m_task *task = NULL;
    t2m_status status = t2m_learner_open(lib, &l, f->learner);
    if (status == T2M_OK)
        status = t2m_task_open(l, &task, f->table, NULL);
    if (status == T2M_OK)
        status = t2m_build(l, m, task, NULL, NULL);
    t2m_task_free(task);
    t2m_learner_free(l);
    return status;
}

int cold_table(const char *learner, const char *table, size_t threads)
{
    t2m *lib;
    t2m_model *m;
    struct files f;
    char path[80];
    t2m_options handle = T2M_OPTIONS_INIT;
    handle.threads = threads;
    snprintf(f.learner, sizeof f.learner, "%s", learner);
    snprintf(f.table, sizeof f.table, "%s", table);
    snprintf(path, sizeof path, "%s.model", learner);
    if (t2m_open(&lib, &handle, NULL) != T2M_OK || make_model(lib, &f, &m) != T2M_OK)
        return 1;
    const bool good = t2m_model_save(m, path, true) == T2M_OK;
    unlink(path);
    return good ? say_peak() : 1;
}

bool run_table_build(t2m *lib, const struct workload *w, struct result *r)
{
    (void)w;
    struct files f;
    char option[] = "--cold-table", threads[24];
    char *argv[] = {NULL, option, f.learner, f.table, threads, NULL};
    snprintf(threads, sizeof threads, "%zu", t2m_threads(lib));
    const bool good = make_files(lib, &f) && time_itself(argv, r);
    remove_files(&f);
    return good;
}

struct predicting {
    t2m_model *model;
    float x[BATCH * COLUMNS], y[BATCH * 2];
};

static void predict(void *ctx)
{
    struct predicting *p = ctx;
    t2m_model_predict(p->model, p->x, BATCH, p->y);
}

bool run_table_predict(t2m *lib, const struct workload *w, struct result *r)
{
    (void)w;
    struct files f;
    struct predicting p = {0};
    struct random random = random_stream(5, 2, 0);
    for (int i = 0; i < BATCH * COLUMNS; i++)
        p.x[i] = (float)random_normal(&random);
    const bool good = make_files(lib, &f) && make_model(lib, &f, &p.model) == T2M_OK &&
                      t2m_model_prepare(p.model, BATCH) == T2M_OK;
    if (good)
        r->time = measure(predict, &p, settings.seconds);
    t2m_model_free(p.model);
    remove_files(&f);
    return good;
}
