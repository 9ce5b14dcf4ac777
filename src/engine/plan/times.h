/* times.h: where the time of all plans of a handle goes. A workspace of such a handle has a clock
 * for each of its steps; when it is freed, its times are added to those of steps with the same op
 * and shape. Handles that do not measure have no `times`, their workspaces no `row`. */
#pragma once
#include "engine/compute/pool.h"
#include "task2model/graph.h"

struct timed { /* the parts of a step */
    size_t parts;
    pool_job *job;
    void *ctx;
};
t2m_status times_new(t2m *lib); /* to lib->times; the pool is there */
void times_free(t2m *lib);      /* after the pool */
t2m_status times_join(t2m_workspace *w);
void times_leave(t2m_workspace *w);
/* As pool_run of the parts, with a clock. */
void times_run(t2m_workspace *w, size_t step, const struct timed *timed);
