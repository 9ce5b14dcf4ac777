/* prior.h: the built-in family of synthetic tables, builtin:tables: what a table may be like before
 * any has been seen. A table is columns that depend on each other through a random graph of causes,
 * seen through warps, levels and codes, and a target made from them in one of several ways:
 *   graph     one more node of the graph (Hollmann et al. 2023, section 4.1: causal models)
 *   network   a random network with one hidden layer
 *   trees     a sum of random trees of few levels
 *   linear    a weighted sum, some with products of pairs
 *   clusters  the nearest of a few centres, each with a value or class
 *   rules     counts, parities and conjunctions of columns cut in two
 * A part of the columns says nothing; the noise runs from none to most of the variance; classes may
 * be unequal. Called by families and by training. */
#pragma once
#include <stdbool.h>

#include "base/random.h"

/* x [rows, columns], y [rows]: class numbers of `classes`, or values if that is 0. room:
 * prior_room numbers. */
void prior_draw(struct random *r, size_t rows, size_t columns, size_t classes, float *x, float *y,
                double *room);
size_t prior_room(size_t rows, size_t columns, size_t classes);
