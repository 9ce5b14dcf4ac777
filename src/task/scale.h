/* scale.h: rows in units of their own task: where its examples lie and how far apart, so that a
 * learner sees a task of metres as one of feet. Called by episode.c and by what takes tasks in. */
#pragma once
#include <stddef.h>

struct task_scale { /* of a column: x -> (x - shift) / unit */
    double shift, unit;
};
/* Mean and standard deviation of every `step`-th of the numbers, n of them; 0 of none. */
void column_moments(const float *x, size_t n, size_t step, double *mean, double *sd);
/* Of x [n, features] and y [n], the target last: mean and standard deviation; the unit of a column
 * with one value is 1. scale [features + 1] */
void task_scale_find(const float *x, const float *y, size_t n, size_t features,
                     struct task_scale *scale);
void task_scale_apply(const struct task_scale *scale, float *x, float *y, size_t n,
                      size_t features);
