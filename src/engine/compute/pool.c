/* pool.c: threads that wait for a call's jobs. Workers take job numbers from one counter. They
 * watch for the next call for some microseconds before they sleep, so that small steps follow
 * quickly. Threads start with the first call that has work for them: short commands pay nothing. */
#include "engine/compute/pool.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_THREADS = 256, WATCH = 4000 /* looks, some 40 microseconds */ };

struct worker {
    struct pool *pool;
    pthread_t thread;
    size_t number;
};

struct pool {
    t2m *lib;
    size_t size, started; /* workers with the caller; threads that run */
    pid_t owner;
    struct worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_size_t call; /* grows by one with every call */
    atomic_size_t next; /* job */
    atomic_size_t busy; /* threads that have not finished this call */
    size_t count;
    pool_job *job;
    void *ctx;
    atomic_bool stop;
    atomic_flag taken; /* by a call that has not returned */
    double *spent;     /* pool_measure; or NULL */
};

/* ---- how many ---- */

static double quota_of(const char *path)
{
    FILE *f = fopen(path, "re");
    double quota = 0, period = 0;
    if (!f)
        return 0;
    const int n = fscanf(f, "%lf %lf", &quota, &period);
    fclose(f);
    return n == 2 && period > 0 ? quota / period : 0;
}

size_t pool_default_threads(void)
{
    cpu_set_t set;
    size_t n = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = (size_t)CPU_COUNT(&set);
    const double quota = quota_of("/sys/fs/cgroup/cpu.max");
    if (quota > 0 && ceil(quota) < (double)n)
        n = (size_t)ceil(quota);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* ---- workers ---- */

static void take_jobs(struct pool *p, size_t worker)
{
    for (;;) {
        const size_t job = atomic_fetch_add(&p->next, 1);
        if (job >= p->count)
            return;
        p->job(p->ctx, job, worker);
    }
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void wait_for_call(struct pool *p, size_t seen)
{
    for (int i = 0; i < WATCH; i++) {
        if (atomic_load(&p->call) != seen || atomic_load(&p->stop))
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->call) == seen && !atomic_load(&p->stop))
        pthread_cond_wait(&p->wake, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* f(p, worker), measured if that is wanted. */
static void measured(struct pool *p, size_t worker, void (*f)(struct pool *p, size_t worker))
{
    const double begin = p->spent ? seconds_now() : 0;
    f(p, worker);
    if (p->spent)
        p->spent[worker] += seconds_now() - begin;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    for (size_t seen = 0;; seen++) {
        wait_for_call(p, seen);
        if (atomic_load(&p->stop))
            return NULL;
        measured(p, w->number, take_jobs);
        if (atomic_fetch_sub(&p->busy, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void start_threads(struct pool *p)
{
    while (p->started + 1 < p->size) {
        struct worker *w = &p->worker[p->started];
        *w = (struct worker){.pool = p, .number = p->started + 1};
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            p->size = p->started + 1; /* the system gives no more; go on with these */
        else
            p->started++;
    }
}

t2m_status pool_new(t2m *lib, size_t threads, struct pool **out)
{
    struct pool *p = mem_new(lib, 1, sizeof *p);
    if (!p)
        return T2M_ENOMEM;
    p->lib = lib;
    p->owner = getpid();
    atomic_flag_clear(&p->taken);
    p->size = threads == 0 ? pool_default_threads() : threads > MAX_THREADS ? MAX_THREADS : threads;
    p->worker = mem_new(lib, p->size, sizeof *p->worker);
    if (!p->worker) {
        mem_free(lib, p);
        return T2M_ENOMEM;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    *out = p;
    return T2M_OK;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    const bool mine = getpid() == p->owner; /* a forked child has no threads */
    if (mine) {
        pthread_mutex_lock(&p->lock);
        atomic_store(&p->stop, true);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
        for (size_t i = 0; i < p->started; i++)
            pthread_join(p->worker[i].thread, NULL);
        pthread_cond_destroy(&p->wake);
        pthread_cond_destroy(&p->done);
        pthread_mutex_destroy(&p->lock);
    }
    mem_free(p->lib, p->worker);
    mem_free(p->lib, p);
}

size_t pool_size(const struct pool *p)
{
    return p->size;
}

size_t pool_worker(const struct pool *p)
{
    for (size_t i = 0; i < p->started; i++)
        if (pthread_equal(p->worker[i].thread, pthread_self()))
            return p->worker[i].number;
    return 0;
}

void pool_measure(struct pool *p, double *spent)
{
    p->spent = spent;
}

static void wait_for_workers(struct pool *p, size_t worker)
{
    (void)worker;
    for (int i = 0; i < WATCH; i++) {
        if (atomic_load(&p->busy) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->busy) > 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void run_here(size_t count, pool_job *job, void *ctx)
{
    for (size_t i = 0; i < count; i++)
        job(ctx, i, 0);
}

void pool_run(struct pool *p, size_t count, pool_job *job, void *ctx)
{
    if (count <= 1 || p->size == 1 || getpid() != p->owner || atomic_flag_test_and_set(&p->taken)) {
        run_here(count, job, ctx);
        return;
    }
    start_threads(p);
    p->count = count;
    p->job = job;
    p->ctx = ctx;
    atomic_store(&p->next, 0);
    atomic_store(&p->busy, p->started);
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->call, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    take_jobs(p, 0);
    measured(p, 0, wait_for_workers);
    atomic_flag_clear(&p->taken);
}
