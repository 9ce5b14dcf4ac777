/* episodes.c: memory for episodes, and what is measured on them. */
#include "mapping/learner.h"

t2m_status episodes_new(t2m *lib, struct episode *e, const struct t2m_family *f,
                        const struct protocol *p, size_t count)
{
    const struct episode_size s = episode_size(f, p);
    *e = (struct episode){.supports = s.supports, .queries = s.queries};
    e->x_support = mem_new(lib, count * s.supports * s.input, sizeof(float));
    e->y_support = mem_new(lib, count * s.supports * s.target, sizeof(float));
    e->x_query = mem_new(lib, count * s.queries * s.input, sizeof(float));
    e->y_query = mem_new(lib, count * s.queries * s.target, sizeof(float));
    e->unit = mem_new(lib, count, sizeof *e->unit);
    for (size_t i = 0; e->unit && i < count; i++)
        e->unit[i] = 1;
    if (e->x_support && e->y_support && e->x_query && e->y_query && e->unit)
        return T2M_OK;
    episodes_free(lib, e);
    return T2M_ENOMEM;
}

void episodes_free(t2m *lib, struct episode *e)
{
    mem_free(lib, e->x_support);
    mem_free(lib, e->y_support);
    mem_free(lib, e->x_query);
    mem_free(lib, e->y_query);
    mem_free(lib, e->unit);
    *e = (struct episode){0};
}

struct episode episode_at(const struct episode *all, size_t k, const struct episode_size *s)
{
    struct episode e = *all;
    e.x_support += k * s->supports * s->input;
    e.y_support += k * s->supports * s->target;
    e.x_query += k * s->queries * s->input;
    e.y_query += k * s->queries * s->target;
    e.unit += k;
    return e;
}

/* What a pixel is said to be: the class of the largest logit that is above 0, from 1, or 0. */
static size_t pixel_answer(const float *y, size_t classes)
{
    size_t best = 0;
    for (size_t k = 0; k < classes; k++)
        if (y[k] > (best ? y[best - 1] : 0))
            best = k + 1;
    return best;
}

double masks_metric(const float *y, const float *truth, size_t pixels, size_t classes, double *dice)
{
    double iou = 0, twice = 0;
    size_t there = 0;
    for (size_t c = 1; c <= classes; c++) {
        size_t said = 0, is = 0, both = 0;
        for (size_t i = 0; i < pixels; i++) {
            const bool s = pixel_answer(y + i * classes, classes) == c, t = truth[i] == (float)c;
            said += s && truth[i] >= 0;
            is += t;
            both += s && t;
        }
        if (is == 0)
            continue;
        there++;
        iou += (double)both / (double)(said + is - both);
        twice += 2 * (double)both / (double)(said + is);
    }
    if (dice)
        *dice = there ? twice / (double)there : 0;
    return there ? iou / (double)there : 0;
}

double episode_metric(enum family_kind kind, const float *y, const float *truth,
                      const struct episode_size *s)
{
    double sum = 0;
    if (kind == FAMILY_MASKS)
        return masks_metric(y, truth, s->queries * s->target, s->outputs / s->target, NULL);
    const size_t queries = s->queries, outputs = s->outputs;
    for (size_t i = 0; i < queries; i++, y += outputs) {
        size_t best = 0;
        for (size_t k = 1; k < outputs; k++)
            best = y[k] > y[best] ? k : best;
        const double error = (double)y[0] - (double)truth[i];
        sum += kind_has_classes(kind) ? (double)((float)best == truth[i]) : error * error;
    }
    return queries ? sum / (double)queries : 0;
}

void learner_protocol(const struct t2m_learner *l, struct protocol *p)
{
    *p = (struct protocol){.ways = kind_has_classes(l->kind) ? l->ways : 1,
                           .shots = l->shots,
                           .queries = l->queries,
                           .by_task = l->by_task,
                           .vocabulary = l->vocabulary,
                           .slots = (size_t)learner_structure(l)->hidden[1]};
}

bool asked_to_stop(int (*stop)(void *ctx), void *ctx, atomic_bool *stopped)
{
    if (stop && stop(ctx) != 0)
        atomic_store(stopped, true);
    return atomic_load(stopped);
}
