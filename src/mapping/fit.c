/* fit.c: see fit.h. */
#include "mapping/fit.h"

enum {
    HALVINGS = 8,
    RESERVE = 8 << 20, /* bytes for stacks of threads, buffers of files, and gaps between blocks */
    UNEVEN = 4 << 20   /* bytes that the same process takes more in one run than in another */
};

static void one_lane(void *ctx, size_t job, size_t worker)
{
    struct lanes *l = ctx;
    (void)worker;
    for (size_t i; (i = atomic_fetch_add(&l->next, 1)) < l->count;)
        l->job(l->ctx, i, job);
}

void lanes_run(struct lanes *l)
{
    atomic_init(&l->next, 0);
    pool_run(l->lib->pool, l->workers < l->count ? l->workers : l->count, one_lane, l);
}

/* What a worker's plans may take, if there are so many workers; at least 1. */
static size_t share_of(const struct fitting *f, size_t taken, size_t workers)
{
    const size_t all = f->limit > taken ? (f->limit - taken) / workers : 0;
    return all > f->each ? all - f->each : 1;
}

/* The least that one worker's plans can be made to take, by halves; `whole` is what they take as
 * they are. */
static t2m_status find_least(const struct fitting *f, size_t whole, size_t *least)
{
    size_t bytes, low = 0;
    *least = whole;
    for (int i = 0; i < HALVINGS; i++) {
        const size_t most = low + (*least - low) / 2 + 1;
        TRY(f->compile(f->ctx, most, &bytes));
        if (bytes <= most)
            *least = most;
        else
            low = most;
    }
    return T2M_OK;
}

t2m_status fit_workers(struct fitting *f)
{
    const size_t mib = 1 << 20;
    size_t whole, bytes, least;
    TRY(f->compile(f->ctx, 0, &whole));
    if (f->limit == 0)
        return T2M_OK;
    const size_t taken = memory_in_use() + f->other + RESERVE;
    if (whole <= share_of(f, taken, f->workers))
        return T2M_OK;
    for (; f->workers > 0; f->workers--) {
        const size_t most = share_of(f, taken, f->workers);
        TRY(f->compile(f->ctx, most, &bytes));
        if (bytes <= most)
            return T2M_OK;
    }
    TRY(find_least(f, whole, &least));
    return refuse(f->lib, T2M_ENOMEM,
                  "%s does not fit in %zu MiB (--max-memory); with one worker that computes again "
                  "what it can it takes %zu MiB",
                  f->what, f->limit / mib, (taken + f->each + least + UNEVEN) / mib + 1);
}
