/* sample.h: how an op gives the tests an example of itself. The test fills in `variant` and `size`;
 * the op's sampler asks for inputs and returns its value. */
#pragma once
#include "engine/graph/node.h"

enum { SAMPLE_MAX_INPUTS = 4 };

struct sample {
    int variant;  /* 0, 1, ... until the sampler returns null with a graph that is still good */
    int64_t size; /* the odd size to try: 0, 1, 7, 8, 9, 31, 33 */
    size_t count;
    struct sample_input {
        t2m_value value;
        double low, high; /* numbers are drawn from here */
        bool whole;       /* whole numbers (an index): no gradient */
        double diagonal;  /* added on the diagonal of the last two axes */
    } input[SAMPLE_MAX_INPUTS];
};

static inline t2m_value sample_input(t2m_graph *g, struct sample *s, double low, double high,
                                     int rank, const int64_t *dim)
{
    t2m_value v = t2m_input(g, "sample", rank, dim);
    s->input[s->count++] = (struct sample_input){.value = v, .low = low, .high = high};
    return v;
}
