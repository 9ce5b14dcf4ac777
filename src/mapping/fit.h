/* fit.h: work of many tasks within a limit of memory. Each worker has a workspace of the plans;
 * when those of all are too much, values are computed again rather than kept (t2m_plan_options),
 * and if that is not enough, or takes more than the work itself, there are fewer workers. Neither
 * changes a bit of any result. */
#pragma once
#include <stdatomic.h>

#include "base/base.h"
#include "engine/compute/pool.h"

struct fitting {
    t2m *lib;
    const char *what; /* for the message */
    /* Makes the plans anew, none of which is to take more than `most` bytes (0: any); what a worker
     * then takes for them goes to *bytes, though that is more. */
    t2m_status (*compile)(void *ctx, size_t most, size_t *bytes);
    void *ctx;
    size_t limit;   /* bytes that the process may take; 0: any */
    size_t each;    /* bytes of a worker beside its plans */
    size_t other;   /* bytes that are still to come, however many workers there are */
    size_t workers; /* that are of use; then, how many there are to be */
};
/* Compiles, and sets the number of workers. T2M_ENOMEM: it cannot be done; what would be enough. */
t2m_status fit_workers(struct fitting *f);

/* As pool_run, with at most so many jobs at once; `worker` is below their number. */
struct lanes {
    t2m *lib;
    size_t workers, count;
    pool_job *job;
    void *ctx;
    atomic_size_t next;
};
void lanes_run(struct lanes *l);
