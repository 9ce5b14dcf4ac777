/* check_few.h: an allocator that has only so many allocations left. */
#pragma once
#include "check.h"

#include "task2model.h"

static size_t left; /* allocations that still succeed */

static inline void *few_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return left > 0 ? left--, malloc(size) : NULL;
}

static inline void *few_resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    return left > 0 ? left--, realloc(old, size) : NULL;
}

static inline void few_release(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const t2m_allocator few = {few_allocate, few_resize, few_release, NULL};

/* A handle on such memory, with one thread; NULL: there was not enough. */
static inline t2m *few_open(size_t allocations)
{
    t2m *lib = NULL;
    t2m_options o = T2M_OPTIONS_INIT;
    o.alloc = &few;
    o.threads = 1;
    left = allocations;
    return t2m_open(&lib, &o, NULL) == T2M_OK ? lib : NULL;
}
