/* text_build.c: models of texts with several labels or with a score: ridge regression of all of
 * them on the features that the learner's structure makes, with the penalty that foretells each
 * text best from the others (Allen 1974). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/texts.h"
#include "generate/heads.h"
#include "mapping/doors.h"
#include "mapping/once.h"
#include "mapping/text_build.h"
#include "model/model.h"
#include "task/text_family.h"

/* ---- the task ---- */

static void put_targets(const struct texts *t, bool values, t2m_task *task)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct text_item *item = &t->item[i];
        if (values)
            task->target[i] = task->y[i] = (float)item->value;
        for (size_t k = 0; k < item->label_count && !values; k++)
            task->target[i * task->targets + t->label[item->label_first + k]] = 1;
    }
}

static t2m_status keep_warnings(const struct texts *t, t2m_task *task)
{
    if (!(task->warning = mem_new(t->lib, t->warnings, sizeof *task->warning)))
        return T2M_ENOMEM;
    for (; task->warnings < t->warnings; task->warnings++)
        if (!(task->warning[task->warnings] = mem_text(t->lib, t->warning[task->warnings])))
            return T2M_ENOMEM;
    return T2M_OK;
}

static t2m_status fill_task(const t2m_learner *l, const struct texts *t, bool values,
                            t2m_task *task)
{
    task->targets = values ? 1 : t->classes;
    task->target = mem_new(l->lib, t->n, task->targets * sizeof *task->target);
    if (!task->target)
        return T2M_ENOMEM;
    for (size_t i = 0; i < task->classes; i++)
        if (!(task->class[i] = mem_text(l->lib, t->class_name[i])))
            return T2M_ENOMEM;
    put_targets(t, values, task);
    TRY(keep_warnings(t, task));
    const struct bag_use bags = bag_use_for(l->vocabulary, learner_structure(l));
    mem_free(l->lib, task->x);
    task->x = NULL;
    return texts_inputs(t, &bags, &task->x);
}

t2m_status task_of_targets(const t2m_learner *l, t2m_task **out, const struct texts *t, bool values)
{
    t2m_task *task;
    if (l->method->head != HEAD_RIDGE)
        return refuse(l->lib, T2M_EUSAGE,
                      "texts with several labels or values need a learner by ridge; this one is by "
                      "%s",
                      l->method->name);
    if (t->n < 3)
        return refuse(l->lib, T2M_EDATA, "%zu texts; at least 3 are needed", t->n);
    TRY(task_check(l, t->n, values ? 2 : t->classes, t->item[0].file));
    TRY(task_new(l, &task, t->n, values ? 0 : t->classes));
    const t2m_status status = fill_task(l, t, values, task);
    if (status == T2M_OK)
        *out = task;
    else
        t2m_task_free(task);
    return status;
}

/* ---- the head ---- */

enum { PENALTIES = 6, WEIGHT = 0, BIAS, LEFT_OUT, RESULTS };

struct fits { /* for each penalty [features, outputs], [outputs], [n, outputs] */
    float *result[PENALTIES * RESULTS];
    size_t n, features, outputs;
};

static t2m_status fit_all(const t2m_learner *l, const t2m_task *t, const float *target,
                          struct fits *f)
{
    const struct candidate *k = l->candidate;
    const int64_t numel = (int64_t)l->numel, n = (int64_t)t->n, dim[] = {n, (int64_t)f->outputs},
                  theta = (int64_t)k->layout.body;
    t2m_graph *g;
    TRY(t2m_graph_new(l->lib, &g));
    const t2m_value in[] = {t2m_input(g, "phi", 1, &numel),
                            structure_input(g, &k->structure, "x", n),
                            t2m_input(g, "targets", 2, dim)};
    struct norm_use norm = {NORM_BATCH, {0}, {0}};
    const t2m_value h = structure_features(g, &k->structure, t2m_slice(g, in[0], 0, 0, theta),
                                           in[1], &norm),
                    learned = layout_take(g, &k->parts, in[0], "ridge.log_penalty");
    t2m_value out[PENALTIES * RESULTS];
    for (int i = 0; i < PENALTIES; i++) {
        const struct nn_ridge_prior prior = {.log_penalty =
                                                 t2m_add(g, learned, t2m_constant(g, 2 * i - 4))};
        const struct nn_ridge r = nn_ridge_fit(g, h, in[2], &prior);
        out[i * RESULTS + WEIGHT] = r.weight;
        out[i * RESULTS + BIAS] = r.bias;
        out[i * RESULTS + LEFT_OUT] = r.left_out;
    }
    const void *const from[] = {l->phi, t->x, target};
    const struct once once = {g, in, from, 3, out, PENALTIES * RESULTS};
    const t2m_status status = once_results(l->lib, &once, f->result);
    t2m_graph_free(g);
    return status;
}

static double squares(const struct fits *f, const float *target, int penalty)
{
    const float *y = f->result[penalty * RESULTS + LEFT_OUT];
    double sum = 0;
    for (size_t i = 0; i < f->n * f->outputs; i++)
        sum += pow((double)y[i] - (double)target[i], 2);
    return isfinite(sum) ? sum : INFINITY;
}

static int best_penalty(const struct fits *f, const float *target)
{
    int best = 0;
    for (int i = 1; i < PENALTIES; i++)
        best = squares(f, target, i) < squares(f, target, best) ? i : best;
    return best;
}

/* Nats of all labels, each left out, if its probability is sigmoid(factor (y - 1/2)). */
static double nats(const float *y, const float *target, size_t n, double factor)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double logit = factor * ((double)y[i] - 0.5);
        sum += log1p(exp(-fabs(logit))) + fmax(logit, 0) - logit * (double)target[i];
    }
    return sum;
}

/* The factor from 1 to 64 that is likeliest on the texts, each left out. */
static double best_factor(const float *y, const float *target, size_t n)
{
    double best = 1;
    for (int k = 1; k <= 12; k++) {
        const double factor = exp2(0.5 * k);
        best = nats(y, target, n, factor) < nats(y, target, n, best) ? factor : best;
    }
    return best;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Half-widths that hold 80 and 95 % of the texts, each left out: the k-th of n errors, k the share
 * of n + 1 rounded up (Vovk et al. 2005). error [n] is sorted. */
static void find_spread(float *error, size_t n, double unit, float spread[2])
{
    static const double share[2] = {0.8, 0.95};
    qsort(error, n, sizeof *error, ascending);
    for (int i = 0; i < 2; i++) {
        const size_t k = (size_t)ceil(share[i] * (double)(n + 1));
        spread[i] = (float)(unit * (double)error[(k < n ? k : n) - 1]);
    }
}

/* ---- the model ---- */

static t2m_status name_model(const t2m_learner *l, const t2m_task *t, t2m_model *m)
{
    m->method = mem_text(l->lib, l->method->name);
    m->encoder = l->encoder;
    m->several = t->classes > 0;
    m->target = t->classes ? NULL : mem_text(l->lib, "label");
    if (!m->method || (!t->classes && !m->target))
        return T2M_ENOMEM;
    if (l->vocabulary)
        TRY(vocabulary_copy(l->vocabulary, &m->vocabulary));
    for (size_t i = 0; i < m->classes; i++)
        if (!(m->class[i] = mem_text(l->lib, t->class[i])))
            return T2M_ENOMEM;
    return T2M_OK;
}

/* factor weight, factor bias + shift */
static void put_head(const struct fits *f, int penalty, double factor, t2m_model *m)
{
    const struct parameter *w = &m->layout.parameter[m->layout.count - 2], *b = w + 1;
    const float *weight = f->result[penalty * RESULTS + WEIGHT],
                *bias = f->result[penalty * RESULTS + BIAS];
    const double shift = m->several ? -factor / 2 : 0;
    for (size_t i = 0; i < w->count; i++)
        m->m[w->offset + i] = (float)(factor * (double)weight[i]);
    for (size_t i = 0; i < b->count; i++)
        m->m[b->offset + i] = (float)(factor * (double)bias[i] + shift);
}

/* Values in units of their own: mean, unit; labels as they are. */
static void scale_targets(const t2m_task *t, float *target, double scale[2])
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < t->n; i++)
        sum += (double)t->target[i];
    scale[0] = sum / (double)t->n;
    for (size_t i = 0; i < t->n; i++)
        square += pow((double)t->target[i] - scale[0], 2);
    scale[1] = square > 0 ? sqrt(square / (double)t->n) : 1;
    for (size_t i = 0; i < t->n; i++)
        target[i] = (float)(((double)t->target[i] - scale[0]) / scale[1]);
}

static t2m_status finish(const t2m_learner *l, float *target, const struct fits *f, t2m_model *m)
{
    const int best = best_penalty(f, target);
    const float *left_out = f->result[best * RESULTS + LEFT_OUT];
    const size_t count = f->n * f->outputs;
    memcpy(m->m, l->phi, m->layout.body * sizeof *m->m);
    put_head(f, best, m->several ? best_factor(left_out, target, count) : 1, m);
    if (!m->several) {
        for (size_t i = 0; i < count; i++)
            target[i] = fabsf(target[i] - left_out[i]);
        find_spread(target, count, (double)m->scales[1], m->table.spread);
    }
    return model_check_finite(m, "in the texts' values");
}

static t2m_status make(const t2m_learner *l, const t2m_task *t, float *target, t2m_model *m)
{
    struct fits f = {.n = t->n, .features = m->layout.features, .outputs = t->targets};
    double scale[2] = {0, 1};
    memcpy(target, t->target, t->n * t->targets * sizeof *target);
    if (!t->classes)
        scale_targets(t, target, scale);
    m->scales[0] = (float)scale[0];
    m->scales[1] = (float)scale[1];
    t2m_status status = name_model(l, t, m);
    if (status == T2M_OK)
        status = fit_all(l, t, target, &f);
    if (status == T2M_OK)
        status = finish(l, target, &f, m);
    for (int i = 0; i < PENALTIES * RESULTS; i++)
        mem_free(l->lib, f.result[i]);
    return status;
}

t2m_status text_build(const t2m_learner *l, t2m_model **out, const t2m_task *t,
                      t2m_build_report *report)
{
    const double start = seconds_now();
    struct structure s = l->candidate[0].structure;
    t2m_model *m;
    s.outputs = (int64_t)t->targets;
    TRY(model_new(l->lib, &m, &s, t->classes, 0));
    float *target = mem_new(l->lib, t->n, t->targets * sizeof *target);
    t2m_status status = target ? make(l, t, target, m) : T2M_ENOMEM;
    mem_free(l->lib, target);
    *report = (t2m_build_report){.structures = 1, .loss_generated = NAN, .loss_tuned = NAN};
    structure_text(&s, report->structure[0].structure);
    report->structure[0].macs = structure_macs(&s);
    report->structure[0].weight = NAN;
    if (status == T2M_OK)
        status = t2m_model_bytes(m, &report->structure[0].bytes);
    const double ms[] = {NAN, NAN, NAN, 1e3 * (seconds_now() - start), NAN};
    memcpy(report->milliseconds, ms, sizeof ms);
    if (status == T2M_OK)
        *out = m;
    else
        t2m_model_free(m);
    return status;
}
