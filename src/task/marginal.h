/* marginal.h: a column of a table as two numbers that models take: its standard score and its rank.
 * Found from the support set, applied to any rows, stored in the model. */
#pragma once
#include "base/base.h"

enum { MARGINAL_KNOTS = 16, MARGINAL_VIEWS = 2 /* score, rank */ };

struct marginal { /* only floats: it is stored as it is */
    float mean, scale;
    float knots;                 /* how many are used */
    float value[MARGINAL_KNOTS]; /* of the column, rising */
    float rank[MARGINAL_KNOTS];  /* its place among the others, as a uniform number of variance 1 */
};

/* For qsort. */
int ascending_floats(const void *a, const void *b);
/* Of column x[i * step], n rows; NaN: missing. room [2 n] is for sorting. */
void marginal_find(struct marginal *m, const float *x, size_t n, size_t step, float *room);
/* The two views of a number; missing: 0, which is the mean of both. */
void marginal_apply(const struct marginal *m, float x, float view[MARGINAL_VIEWS]);
/* x [n, columns] -> views [n, columns, MARGINAL_VIEWS] */
void marginals_apply(const struct marginal *m, const float *x, size_t n, size_t columns,
                     float *views);
