/* times.c: see times.h. Seconds are those of threads: two that work on the parts of one step count
 * twice, and rates are those of one thread. So the time of the threads since t2m_open is that in
 * steps, in waiting and elsewhere, with nothing left over. */
#include "engine/plan/times.h"

#include "base/text.h"
#include "engine/plan/plan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 18, SHAPE_WIDTH = 110 };
static const double shown = 0.005; /* of all seconds: what takes less is not a line of its own */

struct row { /* steps with the same op and shape */
    char *text;
    size_t runs;
    double seconds, flops, bytes;
};

struct times {
    pthread_mutex_t lock;
    double opened;
    struct row **row; /* sorted by text */
    size_t rows, capacity;
    double *outside;       /* [threads]: see pool_measure */
    atomic_ullong *inside; /* [threads]: nanoseconds in steps */
};

/* ---- of a handle ---- */

t2m_status times_new(t2m *lib)
{
    const size_t threads = pool_size(lib->pool);
    struct times *t = mem_new(lib, 1, sizeof *t);
    if (!t)
        return T2M_ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    lib->times = t;
    t->opened = seconds_now();
    t->outside = mem_new(lib, threads, sizeof *t->outside);
    t->inside = mem_new(lib, threads, sizeof *t->inside);
    if (!t->outside || !t->inside)
        return T2M_ENOMEM;
    pool_measure(lib->pool, t->outside);
    return T2M_OK;
}

void times_free(t2m *lib)
{
    struct times *t = lib->times;
    if (!t)
        return;
    for (size_t i = 0; i < t->rows; i++) {
        mem_free(lib, t->row[i]->text);
        mem_free(lib, t->row[i]);
    }
    pthread_mutex_destroy(&t->lock);
    mem_free(lib, t->row);
    mem_free(lib, t->outside);
    mem_free(lib, t->inside);
    mem_free(lib, t);
}

/* ---- of a workspace ---- */

/* The row of this text, which it takes. */
static struct row *row_of(t2m *lib, char *text)
{
    struct times *t = lib->times;
    size_t low = 0, high = t->rows;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (strcmp(t->row[middle]->text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const bool known = low < t->rows && strcmp(t->row[low]->text, text) == 0;
    struct row *row = known ? t->row[low] : NULL;
    if (!known && mem_grow(lib, (void **)&t->row, &t->capacity, t->rows + 1, sizeof *t->row) &&
        (row = mem_new(lib, 1, sizeof *row))) {
        row->text = text;
        memmove(t->row + low + 1, t->row + low, (t->rows - low) * sizeof *t->row);
        t->row[low] = row;
        t->rows++;
        return row;
    }
    mem_free(lib, text);
    return row;
}

t2m_status times_join(t2m_workspace *w)
{
    const t2m_plan *p = w->plan;
    t2m *lib = p->lib;
    w->row = mem_new(lib, p->steps, sizeof *w->row);
    w->seconds = mem_new(lib, p->steps * p->workers, sizeof *w->seconds);
    bool good = w->row && w->seconds;
    pthread_mutex_lock(&lib->times->lock);
    for (size_t i = 0; good && i < p->steps; i++) {
        struct text t;
        text_init(&t, lib);
        text_add(&t, "%s", plan_step_name(&p->step[i]));
        plan_print_shape(p, &t, &p->step[i]);
        if (t.failed)
            text_clear(&t);
        good = t.data && (w->row[i] = row_of(lib, t.data));
    }
    pthread_mutex_unlock(&lib->times->lock);
    return good ? T2M_OK : T2M_ENOMEM;
}

void times_leave(t2m_workspace *w)
{
    const t2m_plan *p = w->plan;
    struct times *t = p->lib->times;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < p->steps && w->runs > 0; i++) {
        struct row *row = w->row[i];
        row->runs += w->runs;
        row->flops += (double)w->runs * plan_step_flops(&p->step[i]);
        row->bytes += (double)w->runs * plan_step_bytes(p, &p->step[i]);
        for (size_t k = 0; k < p->workers; k++)
            row->seconds += w->seconds[i * p->workers + k];
    }
    pthread_mutex_unlock(&t->lock);
}

struct clock { /* of the parts of a step */
    const struct timed *timed;
    t2m *lib;
    double *seconds; /* [workers] */
};

static void run_timed(void *ctx, size_t part, size_t worker)
{
    const struct clock *c = ctx;
    const double begin = seconds_now();
    c->timed->job(c->timed->ctx, part, worker);
    const double spent = seconds_now() - begin;
    c->seconds[worker] += spent;
    atomic_fetch_add(&c->lib->times->inside[pool_worker(c->lib->pool)],
                     (unsigned long long)(spent * 1e9));
}

void times_run(t2m_workspace *w, size_t step, const struct timed *timed)
{
    t2m *lib = w->plan->lib;
    struct clock c = {timed, lib, w->seconds + step * w->plan->workers};
    pool_run(lib->pool, timed->parts, run_timed, &c);
}

/* ---- as text ---- */

static int slowest_first(const void *p, const void *q)
{
    const struct row *const *a = p, *const *b = q;
    if ((*a)->seconds != (*b)->seconds)
        return (*a)->seconds < (*b)->seconds ? 1 : -1;
    return strcmp((*a)->text, (*b)->text);
}

static void print_row(struct text *t, const struct row *r, double total)
{
    const double seconds = r->seconds > 0 ? r->seconds : 1e-9;
    const char *shape = strchr(r->text, ' ');
    const int name = shape ? (int)(shape - r->text) : (int)strlen(r->text);
    text_add(t, "%7.2f %10.3f %10zu %11.1f %8.1f %7.1f  %-*.*s%.*s%s\n", 100 * r->seconds / total,
             r->seconds, r->runs, r->runs ? 1e6 * r->seconds / (double)r->runs : 0,
             r->flops / seconds * 1e-9, r->bytes / seconds * 1e-9, NAME_WIDTH, name, r->text,
             SHAPE_WIDTH, shape ? shape : "", shape && strlen(shape) > SHAPE_WIDTH ? ".." : "");
}

static void add_row(struct row *sum, const struct row *r)
{
    sum->runs += r->runs;
    sum->seconds += r->seconds;
    sum->flops += r->flops;
    sum->bytes += r->bytes;
}

static void print_steps(struct text *t, struct row **row, size_t n)
{
    char others[64];
    struct row all = {.text = "all"}, rest = {.text = others};
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        add_row(&all, row[i]);
    const double total = all.seconds > 0 ? all.seconds : 1e-9;
    text_add(t, "%7s %10s %10s %11s %8s %7s  %-*s %s\n", "share %", "seconds", "runs", "us a run",
             "GFLOP/s", "GB/s", NAME_WIDTH, "op", "shape");
    for (size_t i = 0; i < n; i++)
        if (row[i]->seconds >= shown * total) {
            print_row(t, row[i], total);
        } else {
            add_row(&rest, row[i]);
            left++;
        }
    snprintf(others, sizeof others, "others: %zu kinds of steps", left);
    if (left > 0)
        print_row(t, &rest, total);
    print_row(t, &all, total);
}

static void print_threads(struct text *t, const t2m *lib)
{
    const struct times *times = lib->times;
    const double wall = seconds_now() - times->opened;
    text_add(t, "%7s %10s %10s %11s %8s\n", "thread", "seconds", "in steps %", "waiting %",
             "other %");
    for (size_t i = 0; i < pool_size(lib->pool); i++) {
        const double inside = 1e-9 * (double)atomic_load(&times->inside[i]),
                     waiting = i == 0 ? times->outside[0] : wall - times->outside[i];
        text_add(t, "%7zu %10.3f %10.2f %11.2f %8.2f\n", i, wall, 100 * inside / wall,
                 100 * waiting / wall, 100 * (wall - waiting - inside) / wall);
    }
}

char *t2m_profile_print(t2m *lib)
{
    struct times *times = lib->times;
    struct text t;
    if (!times)
        return NULL;
    struct row **row = mem_new(lib, times->rows, sizeof *row);
    if (!row)
        return NULL;
    if (times->rows > 0)
        memcpy(row, times->row, times->rows * sizeof *row);
    qsort(row, times->rows, sizeof *row, slowest_first);
    text_init(&t, lib);
    print_steps(&t, row, times->rows);
    print_threads(&t, lib);
    mem_free(lib, row);
    if (t.failed)
        text_clear(&t);
    return t.data;
}
