/* pool.h: a few threads that run the jobs of one call, 0 .. count-1, each once. Which thread runs a
 * job is not fixed, so a job must depend on its number alone; `worker` (0 .. pool_size-1) names the
 * workspace that it may use. The caller's thread is worker 0 and works too. */
#pragma once
#include "base/base.h"

typedef void pool_job(void *ctx, size_t job, size_t worker);
/* threads = 0: as many as the affinity mask and the cgroup quota of this process allow. */
t2m_status pool_new(t2m *lib, size_t threads, struct pool **out);
void pool_free(struct pool *p); /* NULL is allowed */
size_t pool_size(const struct pool *p);
/* Returns when all jobs are done. A call from within a job, or while another thread's call runs,
 * and any call in a child after fork(), does all its jobs in the caller's thread, as worker 0. */
void pool_run(struct pool *p, size_t count, pool_job *job, void *ctx);
size_t pool_default_threads(void);
/* The number of the worker whose thread calls; 0 of threads that are not the pool's. */
size_t pool_worker(const struct pool *p);
/* From now on seconds are added up in spent [pool_size]: [0] what callers wait for the others, the
 * others what each thread is in jobs. Before the first call; spent lives as long as the pool. */
void pool_measure(struct pool *p, double *spent);
