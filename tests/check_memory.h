/* check_memory.h: a handle whose allocations fail when they are told to. */
#pragma once
#include "check.h"

#include "task2model.h"

static size_t check_calls, check_fail_at, check_live;

static inline void *check_allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *p = ++check_calls == check_fail_at ? NULL : malloc(size);
    check_live += p != NULL;
    return p;
}

static inline void *check_resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    void *p = ++check_calls == check_fail_at ? NULL : realloc(old, size);
    check_live += p && !old;
    return p;
}

static inline void check_release(void *ctx, void *p)
{
    (void)ctx;
    check_live -= p != NULL;
    free(p);
}

static inline t2m *check_memory_open(void)
{
    const t2m_allocator memory = {check_allocate, check_resize, check_release, NULL};
    t2m_options o = T2M_OPTIONS_INIT;
    t2m *lib = NULL;
    o.alloc = &memory;
    o.threads = 1;
    assert_int_equal(t2m_open(&lib, &o, NULL), T2M_OK);
    return lib;
}

static inline void check_memory_close(t2m *lib)
{
    t2m_close(lib);
    assert_int_equal(check_live, 0);
}

/* Each allocation on the way fails once, or each `step`th of them: an error comes back and nothing
 * leaks. */
static inline void check_memory(t2m *lib, t2m_status (*way)(t2m *lib, void *ctx), void *ctx,
                                size_t step)
{
    const size_t before = check_live;
    check_calls = 0;
    assert_int_equal(way(lib, ctx), T2M_OK);
    const size_t all = check_calls;
    for (size_t k = 1; k <= all; k += step) {
        check_calls = 0;
        check_fail_at = k;
        assert_int_equal(way(lib, ctx), T2M_ENOMEM);
        assert_int_equal(check_live, before);
        assert_true(strlen(t2m_errmsg(lib)) > 0);
    }
    check_fail_at = 0;
}
