/* likeness.c: which tasks of the training a new task is like, and whether it is like any: distances
 * of task vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mapping/mask_known.h"
#include "mapping/tables.h"

static const double far_off = 0.98; /* percentile from which on a task is unlike the known ones */
enum { SEED = 4711 };               /* apart from the episodes of training and validation */

t2m_status likeness_room(struct t2m_learner *l, size_t known)
{
    l->known_t = mem_new(l->lib, known * learner_t_size(l), sizeof *l->known_t);
    l->known_name = mem_new(l->lib, known, sizeof *l->known_name);
    if (!l->known_t || !l->known_name)
        return T2M_ENOMEM;
    l->known = known;
    return T2M_OK;
}

/* ---- learning ---- */

static t2m_status compile_t(const struct t2m_learner *l, const struct protocol *p, t2m_plan **plan)
{
    struct episode_graph e = {0};
    const struct episode_use use = {.supports = p->ways * p->shots,
                                    .queries = 1,
                                    .outputs = kind_has_classes(l->kind) ? (int64_t)p->ways : 1};
    TRY(t2m_graph_new(l->lib, &e.g));
    t2m_status status = episode_graph_make(l, &use, &e);
    const t2m_value in[] = {e.phi, e.statistics, e.x_support, e.y_support};
    if (status == T2M_OK)
        status = t2m_compile(e.g, in, 4, &e.t, 1, NULL, plan);
    t2m_graph_free(e.g);
    return status;
}

t2m_status likeness_name(struct t2m_learner *l, size_t i, char *name)
{
    for (char *c = name; *c; c++) /* names are kept as lines */
        *c = *c == '\n' ? ' ' : *c;
    mem_free(l->lib, l->known_name[i]);
    l->known_name[i] = mem_text(l->lib, name);
    return l->known_name[i] ? T2M_OK : T2M_ENOMEM;
}

static t2m_status represent_all(struct t2m_learner *l, const struct t2m_family *f,
                                const struct protocol *p, const t2m_plan *plan, t2m_workspace *w)
{
    struct episode e;
    char name[EPISODE_NAME];
    TRY(episodes_new(l->lib, &e, f, p, 1));
    e.name = name;
    t2m_status status = T2M_OK;
    for (size_t i = 0; i < l->known && status == T2M_OK; i++) {
        episode_draw(f, p, SEED + l->seed, i, &e);
        const void *const in[] = {l->phi, l->statistics, e.x_support, e.y_support};
        void *const out[] = {l->known_t + i * learner_t_size(l)};
        t2m_run(plan, w, in, out);
        status = likeness_name(l, i, name);
    }
    episodes_free(l->lib, &e);
    return status;
}

t2m_status likeness_learn(struct t2m_learner *l, const struct t2m_family *f,
                          const struct protocol *p)
{
    t2m_plan *plan = NULL;
    t2m_workspace *w = NULL;
    if (learner_t_size(l) == 0)
        return T2M_OK;
    if (l->kind == FAMILY_TABLES)
        return table_known_learn(l, f);
    if (l->kind == FAMILY_MASKS)
        return mask_known_learn(l, f);
    t2m_status status = l->known ? T2M_OK : likeness_room(l, KNOWN_TASKS);
    if (status == T2M_OK)
        status = compile_t(l, p, &plan);
    if (status == T2M_OK)
        status = t2m_workspace_new(plan, &w);
    if (status == T2M_OK)
        status = represent_all(l, f, p, plan, w);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    return status;
}

/* ---- comparing ---- */

/* One over the variance of each number of t over the known tasks; 0 where they all have the same.
 */
static void weigh(const struct t2m_learner *l, size_t n, double *weight)
{
    for (size_t k = 0; k < n; k++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < l->known; i++)
            mean += (double)l->known_t[i * n + k] / (double)l->known;
        for (size_t i = 0; i < l->known; i++)
            square += pow((double)l->known_t[i * n + k] - mean, 2) / (double)l->known;
        weight[k] = square > 1e-12 * (1 + mean * mean) ? 1 / square : 0;
    }
}

static double distance(const float *a, const float *b, const double *weight, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += weight[k] * pow((double)a[k] - (double)b[k], 2);
    return n ? sqrt(sum / (double)n) : 0;
}

static double to_nearest_known(const struct t2m_learner *l, size_t i, const double *weight,
                               size_t n)
{
    double least = INFINITY;
    for (size_t k = 0; k < l->known; k++)
        if (k != i)
            least = fmin(least, distance(l->known_t + i * n, l->known_t + k * n, weight, n));
    return least;
}

/* A task may have been drawn more than once: the nearest drawing counts. */
static void put_nearest(t2m_likeness *out, const char *name, double d)
{
    size_t last = 0;
    while (last < out->nearest && strcmp(out->name[last], name) != 0)
        last++;
    if (last < out->nearest ? out->distance[last] <= d
                            : last == T2M_NEAREST && out->distance[--last] <= d)
        return;
    out->nearest += last == out->nearest;
    for (; last > 0 && out->distance[last - 1] > d; last--) {
        out->name[last] = out->name[last - 1];
        out->distance[last] = out->distance[last - 1];
    }
    out->name[last] = name;
    out->distance[last] = d;
}

t2m_status t2m_task_likeness(const t2m_learner *l, const float *t, size_t n, t2m_likeness *out)
{
    if (!l->known)
        return refuse(l->lib, T2M_EUSAGE,
                      "this learner (%s) keeps no tasks of its training to compare others with",
                      l->method->name);
    if (n != learner_t_size(l))
        return refuse(l->lib, T2M_EUSAGE, "a task vector of this learner has %zu numbers, not %zu",
                      learner_t_size(l), n);
    double *weight = mem_new(l->lib, n, sizeof *weight);
    if (!weight)
        return T2M_ENOMEM;
    *out = (t2m_likeness){0};
    weigh(l, n, weight);
    for (size_t i = 0; i < l->known; i++)
        put_nearest(out, l->known_name[i], distance(t, l->known_t + i * n, weight, n));
    for (size_t i = 0; i < l->known; i++)
        out->percentile += to_nearest_known(l, i, weight, n) < out->distance[0];
    out->percentile /= (double)l->known;
    out->unlike = out->percentile >= far_off;
    mem_free(l->lib, weight);
    return T2M_OK;
}

bool t2m_learner_known(const t2m_learner *l, size_t i, const char **name, const float **t,
                       size_t *n)
{
    if (i >= l->known)
        return false;
    *n = learner_t_size(l);
    *name = l->known_name[i];
    *t = l->known_t + i * *n;
    return true;
}
