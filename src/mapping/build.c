/* build.c: from a learner and a task to a model that runs alone: the same graph as in training, run
 * once. */
#include <math.h>
#include <string.h>

#include "mapping/doors.h"
#include "model/model.h"

struct building {
    const t2m_learner *l;
    const t2m_task *task;
    struct episode_graph e;
    t2m_value out[5];
    int steps;
    bool choose;
};

static int64_t outputs_of(const t2m_task *t)
{
    return t->classes ? (int64_t)t->classes : 1;
}

/* The query set has no part in building; one input stands in for it. */
static t2m_status make_graph(struct building *b)
{
    const struct episode_use use = {.supports = b->task->n,
                                    .queries = 1,
                                    .outputs = outputs_of(b->task),
                                    .steps = b->steps,
                                    .choose = b->choose};
    TRY(t2m_graph_new(b->l->lib, &b->e.g));
    TRY(episode_graph_make(b->l, &use, &b->e));
    const int64_t none = 0;
    const t2m_value nothing = t2m_fill(b->e.g, 0, 1, &none);
    const t2m_value out[] = {b->e.m_tuned, b->e.norm.id ? b->e.norm : nothing, b->e.support_loss[0],
                             b->e.support_loss[1], b->e.t.id ? b->e.t : nothing};
    memcpy(b->out, out, sizeof out);
    return t2m_graph_status(b->e.g);
}

/* Runs the graph for the values of which[n], into to[n]. */
static t2m_status run_graph(struct building *b, const int *which, void *const *to, size_t n)
{
    t2m_value in[] = {b->e.phi, b->e.statistics, b->e.x_support, b->e.y_support}, out[5];
    t2m_plan *plan;
    t2m_workspace *w;
    for (size_t i = 0; i < n; i++)
        out[i] = b->out[which[i]];
    TRY(t2m_compile(b->e.g, in, 4, out, n, NULL, &plan));
    const t2m_status status = t2m_workspace_new(plan, &w);
    if (status == T2M_OK) {
        const void *const from[] = {b->l->phi, b->l->statistics, b->task->x, b->task->y};
        t2m_run(plan, w, from, to);
        t2m_workspace_free(w);
    }
    t2m_plan_free(plan);
    return status;
}

static t2m_status name_model(const struct building *b, t2m_model *m)
{
    const t2m_learner *l = b->l;
    m->method = mem_text(l->lib, l->method->name);
    m->target = l->target ? mem_text(l->lib, l->target) : NULL;
    if (!m->method || (l->target && !m->target))
        return T2M_ENOMEM;
    for (size_t i = 0; i < m->classes; i++)
        if (!(m->class[i] = mem_text(l->lib, b->task->class[i])))
            return T2M_ENOMEM;
    for (size_t i = 0; i < m->features; i++) {
        m->scales[2 * i] = (float)l->x_mean[i];
        m->scales[2 * i + 1] = (float)l->x_scale[i];
        if (!(m->feature[i] = mem_text(l->lib, l->feature_names[i])))
            return T2M_ENOMEM;
    }
    m->scales[2 * m->features] = (float)l->y_mean;
    m->scales[2 * m->features + 1] = (float)l->y_scale;
    return T2M_OK;
}

static t2m_status check_finite(const t2m_model *m)
{
    size_t bad = 0;
    for (size_t i = 0; i < m->layout.numel; i++)
        bad += !isfinite(m->m[i]);
    for (size_t i = 0; i < m->layout.statistics; i++)
        bad += !isfinite(m->statistics[i]);
    return bad == 0
               ? T2M_OK
               : refuse(m->lib, T2M_EDIVERGED,
                        "%zu of the model's %zu numbers are not finite; look for extreme values "
                        "in the task's examples, or tune with fewer --steps",
                        bad, m->layout.numel + m->layout.statistics);
}

static t2m_status build(struct building *b, t2m_model **out, t2m_build_report *report)
{
    float loss[2] = {0, 0};
    struct structure s = b->l->structure;
    const size_t features = b->l->kind == FAMILY_IMAGES ? 0 : structure_input_size(&s);
    const double start = seconds_now();
    s.outputs = outputs_of(b->task);
    TRY(model_new(b->l->lib, out, &s, b->task->classes, features));
    TRY(name_model(b, *out));
    const double named = seconds_now();
    TRY(make_graph(b));
    const double made = seconds_now();
    const int which[] = {0, 1, 2, 3};
    void *const to[] = {(*out)->m, (*out)->statistics, &loss[0], &loss[1]};
    TRY(run_graph(b, which, to, 4));
    TRY(check_finite(*out));
    *report = (t2m_build_report){
        .loss_generated = (double)loss[0], .loss_tuned = (double)loss[1], .steps = b->steps};
    const double run = 1e3 * (seconds_now() - made);
    const double ms[] = {NAN, 1e3 * (named - start), 1e3 * (made - named), b->steps ? NAN : run,
                         b->steps ? run : NAN};
    memcpy(report->milliseconds, ms, sizeof ms);
    return T2M_OK;
}

t2m_status t2m_build(const t2m_learner *l, t2m_model **out, const t2m_task *task,
                     const t2m_build_options *options, t2m_build_report *report)
{
    const t2m_build_options defaults = T2M_BUILD_OPTIONS_INIT, *o = options ? options : &defaults;
    struct building b = {.l = l, .task = task};
    t2m_build_report mine;
    t2m_model *m = NULL;
    b.steps = o->steps >= 0 ? o->steps : l->eval_steps;
    b.choose = o->steps < 0 && learner_chooses(l);
    const t2m_status status = build(&b, &m, report ? report : &mine);
    t2m_graph_free(b.e.g);
    if (status == T2M_OK)
        *out = m;
    else
        t2m_model_free(m);
    return status;
}

t2m_status t2m_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n)
{
    struct building b = {.l = l, .task = task, .steps = 0};
    const int which = 4;
    t2m_status status = make_graph(&b);
    if (status == T2M_OK && !b.e.t.id)
        status = refuse(l->lib, T2M_EUSAGE, "the method %s makes no task vector", l->method->name);
    float *v = NULL;
    if (status == T2M_OK) {
        *n = (size_t)t2m_dim(b.e.g, b.e.t, 0);
        v = mem_new(l->lib, *n, sizeof *v);
        void *const to[] = {v};
        status = v ? run_graph(&b, &which, to, 1) : T2M_ENOMEM;
    }
    t2m_graph_free(b.e.g);
    if (status == T2M_OK)
        *t = v;
    else
        mem_free(l->lib, v);
    return status;
}
