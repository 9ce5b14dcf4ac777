/* represent.h: step 1, the task as a vector t, in graph. */
#pragma once
#include "nn/nn.h"

enum represent { REPRESENT_SET, REPRESENT_CONCAT, REPRESENT_KINDS };
enum { ENCODER_WIDTH = 32 };

/* Numbers of t for tasks of `n` rows with `features` features. */
size_t represent_size(enum represent kind, size_t n, size_t features);
/* Numbers of the encoder's parameters, and their layout (names "encoder.*") added to l. */
void represent_layout(enum represent kind, size_t features, struct layout *l);
/* x [n, features], y [n] -> t [represent_size]. concat: the rows one after the other. set: for each
 * row an MLP of (x, y), averaged over the rows, so t does not depend on their order (Zaheer et al.
 * 2017, theorem 2), followed by a closed-form landmark: the ridge regression of y on x, with a
 * learned penalty (Hoerl and Kennard 1970). `take` gives the encoder's tensors by name. */
struct represent_parameters {
    t2m_value weight1, bias1, weight2, bias2, log_penalty;
};
t2m_value represent_task(t2m_graph *g, enum represent kind, const struct represent_parameters *p,
                         t2m_value x, t2m_value y);
