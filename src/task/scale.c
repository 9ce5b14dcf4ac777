/* scale.c: rows in units of their own task. */
#include "task/scale.h"

#include <math.h>

void column_moments(const float *x, size_t n, size_t step, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i * step];
    *mean = n ? sum / (double)n : 0;
    for (size_t i = 0; i < n; i++)
        squares += pow((double)x[i * step] - *mean, 2);
    *sd = n ? sqrt(squares / (double)n) : 0;
}

static struct task_scale of_column(const float *x, size_t n, size_t step)
{
    double mean, sd;
    column_moments(x, n, step, &mean, &sd);
    return (struct task_scale){mean, sd > 1e-6 * (1 + fabs(mean)) ? sd : 1};
}

void task_scale_find(const float *x, const float *y, size_t n, size_t features,
                     struct task_scale *scale)
{
    for (size_t k = 0; k < features; k++)
        scale[k] = of_column(x + k, n, features);
    scale[features] = of_column(y, n, 1);
}

void task_scale_apply(const struct task_scale *scale, float *x, float *y, size_t n, size_t features)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < features; k++)
            x[i * features + k] =
                (float)(((double)x[i * features + k] - scale[k].shift) / scale[k].unit);
        y[i] = (float)(((double)y[i] - scale[features].shift) / scale[features].unit);
    }
}
