/* represent.h: step 1, the task as a vector t, in graph. t is made of parts, each of which can be
 * left out: concat, the rows one after the other (for tasks of one fixed size), stands alone.
 * Called by mapping, which gives the features of pictures for x. */
#pragma once
#include "nn/nn.h"

enum represent {
    REPRESENT_SET = 1,
    REPRESENT_STATISTICS = 2,
    REPRESENT_PROBE = 4,
    REPRESENT_CONCAT = 8
};
enum { ENCODER_WIDTH = 32 };

/* "set,statistics,probe" in any order, or "concat"; false if it is not that. */
bool represent_parse(const char *text, unsigned *parts);
void represent_text(unsigned parts, char out[32]);

struct representation {
    unsigned parts;
    bool classes;    /* y are class numbers; else values */
    size_t features; /* numbers of x for an example */
    size_t examples; /* of the task, for concat */
    size_t probe;    /* numbers of the probe */
};
/* Numbers of t. */
size_t represent_size(const struct representation *r);
/* Appends the parameters ("encoder.*"). */
void represent_layout(const struct representation *r, struct layout *l);

struct represented {
    t2m_value x, y;  /* [n, features], [n] */
    int64_t classes; /* 0: values */
    t2m_value probe; /* [probe] or null */
};
/* The parts in this order:
 *
 * set: an MLP of each (x, y), or of the mean of each class, averaged, so that t depends neither on
 * the order of the examples nor on the numbering of the classes (Zaheer et al. 2017, theorem 2).
 * statistics: rows: a landmark, the ridge regression of y on x with a learned penalty; what it and
 * the mean would say of left-out examples (logarithms of squared errors); mean and spread of y and
 * of each x, correlations. Classes: spread within and between them. Both: the objective, the
 * logarithms of the numbers of examples, features and classes. probe: given by the caller. */
t2m_value represent_task(t2m_graph *g, const struct representation *r, const struct layout *l,
                         t2m_value phi, const struct represented *task);
