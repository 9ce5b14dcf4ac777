/* once.h: graphs that are run a single time: where one task is built or represented. */
#pragma once
#include "base/base.h"
#include "task2model/graph.h"

size_t value_numbers(const t2m_graph *g, t2m_value v); /* how many there are in it */

/* in [ins] and their arrays; out [outs] and where they go. */
struct once {
    t2m_graph *g;
    const t2m_value *in;
    const void *const *from;
    size_t ins;
    const t2m_value *out;
    size_t outs;
};
/* Compiles, runs on all threads, and forgets the program. */
t2m_status once_run(const struct once *o, t2m_precision precision, void *const *to);
/* The same in float with room for the results, result[outs], which the caller frees in any case. */
t2m_status once_results(t2m *lib, const struct once *o, float **result);
