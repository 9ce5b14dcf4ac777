/* check.h: what the engine's tests share: a library handle, numbers for inputs, and the value of a
 * graph as an array. */
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/graph/sample.h"

static inline t2m *check_open(const char *isa, size_t threads)
{
    t2m *lib = NULL;
    char message[256] = "";
    t2m_options o = T2M_OPTIONS_INIT;
    o.isa = isa;
    o.threads = threads;
    if (t2m_open(&lib, &o, message) != T2M_OK)
        fail_msg("%s", message);
    return lib;
}

/* Group fixtures: *state is a handle with one thread. */
static inline int check_setup(void **state)
{
    *state = check_open(NULL, 1);
    return 0;
}

static inline int check_teardown(void **state)
{
    t2m_close(*state);
    return 0;
}

static inline size_t check_numel(const t2m_graph *g, t2m_value v)
{
    size_t n = 1;
    for (int i = 0; i < t2m_rank(g, v); i++)
        n *= (size_t)t2m_dim(g, v, i);
    return n;
}

static inline double *check_room(size_t n)
{
    double *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    return x;
}

/* Compiles and runs y as a function of in; x[i] in double; returns numel(y) doubles to free. */
static inline double *check_run(t2m *lib, t2m_graph *g, const t2m_value *in, double *const *x,
                                size_t n, t2m_value y, t2m_precision precision, bool unplanned)
{
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    t2m_plan *plan = NULL;
    t2m_workspace *w = NULL;
    o.precision = precision;
    o.unplanned = unplanned;
    if (t2m_compile(g, in, n, &y, 1, &o, &plan) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    assert_int_equal(t2m_workspace_new(plan, &w), T2M_OK);
    const size_t numel = check_numel(g, y);
    double *out = check_room(numel);
    if (precision == T2M_F64) {
        const void *from[16];
        for (size_t i = 0; i < n; i++)
            from[i] = x[i];
        void *to = out;
        t2m_run(plan, w, from, &to);
    } else {
        float *from[16], *to = malloc((numel + 1) * sizeof *to);
        for (size_t i = 0; i < n; i++) {
            const size_t count = check_numel(g, in[i]);
            from[i] = malloc((count + 1) * sizeof(float));
            for (size_t k = 0; k < count; k++)
                from[i][k] = (float)x[i][k];
        }
        void *result = to;
        t2m_run(plan, w, (const void *const *)from, &result);
        for (size_t i = 0; i < numel; i++)
            out[i] = (double)to[i];
        for (size_t i = 0; i < n; i++)
            free(from[i]);
        free(to);
    }
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    return out;
}
