/* episodes.c: memory for episodes, and what is measured on them. */
#include "mapping/learner.h"

t2m_status episodes_new(t2m *lib, struct episode *e, const struct t2m_family *f,
                        const struct protocol *p, size_t count)
{
    const size_t input = episode_input_size(f);
    *e = (struct episode){.supports = p->ways * p->shots, .queries = p->ways * p->queries};
    e->x_support = mem_new(lib, count * e->supports * input, sizeof(float));
    e->y_support = mem_new(lib, count * e->supports, sizeof(float));
    e->x_query = mem_new(lib, count * e->queries * input, sizeof(float));
    e->y_query = mem_new(lib, count * e->queries, sizeof(float));
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

struct episode episode_at(const struct episode *all, size_t k, size_t input_size)
{
    struct episode e = *all;
    e.x_support += k * e.supports * input_size;
    e.y_support += k * e.supports;
    e.x_query += k * e.queries * input_size;
    e.y_query += k * e.queries;
    e.unit += k;
    return e;
}

double episode_metric(enum family_kind kind, const float *y, const float *truth, size_t queries,
                      size_t outputs)
{
    double sum = 0;
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
