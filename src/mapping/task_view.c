/* task_view.c: what can be asked of a task: names, numbers, what its columns are like. */
#include <math.h>

#include "mapping/doors.h"

const char *t2m_task_warning(const t2m_task *t, size_t i)
{
    return i < t->warnings ? t->warning[i] : NULL;
}

const char *t2m_task_name(const t2m_task *t)
{
    return t->name ? t->name : "";
}

size_t t2m_task_classes(const t2m_task *t)
{
    return t->classes;
}

const char *t2m_task_class(const t2m_task *t, size_t i)
{
    return i < t->classes ? t->class[i] : NULL;
}

void t2m_task_values(const t2m_task *t, float *x, float *y)
{
    const struct task_scale *s = t->classes || t->target ? NULL : t->scale;
    for (size_t i = 0; i < t->n * t->input; i++) {
        const size_t k = i % t->input;
        x[i] = s ? (float)((double)t->x[i] * s[k].unit + s[k].shift) : t->x[i];
    }
    for (size_t i = 0; i < t->n * t->places; i++)
        y[i] = s ? (float)((double)t->y[i] * s[t->input].unit + s[t->input].shift) : t->y[i];
}

size_t t2m_task_examples(const t2m_task *t)
{
    return t->n;
}

const float *t2m_task_x(const t2m_task *t)
{
    return t->x;
}

const float *t2m_task_y(const t2m_task *t)
{
    return t->y;
}

/* ---- what a task is like ---- */

struct moments { /* of a column, over the rows that are known */
    double mean, sd, correlation;
};

static struct moments moments_of(const float *x, size_t step, const float *y, size_t n)
{
    double known = 0, sum[2] = {0}, square[2] = {0}, product = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i * step])) {
            known++;
            sum[0] += (double)x[i * step];
            sum[1] += (double)y[i];
        }
    const double mean = known > 0 ? sum[0] / known : 0, y_mean = known > 0 ? sum[1] / known : 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i * step])) {
            const double dx = (double)x[i * step] - mean, dy = (double)y[i] - y_mean;
            square[0] += dx * dx;
            square[1] += dy * dy;
            product += dx * dy;
        }
    const bool vary = square[0] > 0 && square[1] > 0;
    return (struct moments){.mean = mean,
                            .sd = known > 0 ? sqrt(square[0] / known) : 0,
                            .correlation = vary ? product / sqrt(square[0] * square[1]) : 0};
}

bool t2m_task_column(const t2m_learner *l, const t2m_task *t, size_t i, t2m_column *out)
{
    const bool target = i == t->input;
    if (kind_has_classes(l->kind) || i > t->input || (t->classes && target))
        return false;
    const float *x = target ? t->y : t->x + i;
    const struct moments m = moments_of(x, target ? 1 : t->input, t->y, t->n);
    const struct task_scale s = t->scale ? t->scale[i] : (struct task_scale){0, 1};
    *out = (t2m_column){.mean = s.shift + s.unit * m.mean,
                        .sd = s.unit * m.sd,
                        .correlation = t->classes ? NAN : m.correlation};
    if (!t->schema) {
        out->name = target ? l->target : l->feature_names[i];
        return true;
    }
    out->name = target ? t->schema->target : t->column[i];
    out->source = target ? out->name : schema_source(t->schema, i)->name;
    return true;
}
