/* check_stop.h: trainings that are stopped at a time of choice, or have more threads. */
#pragma once
#include "check_files.h"

#include <stdatomic.h>

#include "task2model.h"

static atomic_size_t asked; /* how often the training asked whether to stop */
static size_t stop_at;      /* 0: never */

static inline int check_stop(void *ctx)
{
    (void)ctx;
    return atomic_fetch_add(&asked, 1) + 1 >= stop_at && stop_at;
}

/* Trains with o, whose output is that file of the test's folder; frees the family and the handle.
 */
static inline t2m_status check_stopped(t2m *lib, t2m_family *f, t2m_train_options o,
                                       const char *output, bool resume)
{
    o.output = check_path(output);
    o.augment = 1;
    o.stop = check_stop;
    o.resume = resume;
    o.force = !resume;
    atomic_store(&asked, 0);
    const t2m_status status = t2m_train(lib, NULL, f, &o, NULL);
    if (status != T2M_OK && status != T2M_ECANCELLED)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_family_free(f);
    t2m_close(lib);
    return status;
}
