/* build.c: from a learner and a task to a model that runs alone: the same graph as in training, run
 * once. */
#include <math.h>
#include <string.h>

#include "files/safetensors.h"
#include "mapping/mask_known.h"
#include "mapping/once.h"
#include "mapping/table_build.h"
#include "mapping/tables.h"
#include "mapping/text_build.h"
#include "model/model.h"

enum result {
    MODEL,
    NORM,
    LOSS_GENERATED,
    LOSS_TUNED,
    STRUCTURE,
    WEIGHTS,
    STAGES,
    PROTOTYPES,
    RIDGE,
    TASK,
    OUTPUTS
};

struct building {
    const t2m_learner *l;
    const t2m_task *task;
    const t2m_build_options *o;
    struct episode_graph e;
    t2m_value out[OUTPUTS];
    int steps;
    bool choose, left_out[MAX_CANDIDATES];
    t2m_model *model[MAX_CANDIDATES]; /* room for each candidate's */
    float *result[OUTPUTS];
};

static int64_t outputs_of(const t2m_task *t)
{
    return t->classes ? (int64_t)t->classes : 1;
}

/* ---- the graph ---- */

/* What a model by ridge regression keeps for classes that come later; or null. */
static t2m_value prototypes(const struct building *b)
{
    t2m_graph *g = b->e.g;
    const t2m_value member = t2m_one_hot(g, b->e.y_support, outputs_of(b->task)),
                    count = t2m_recip(g, t2m_sum(g, member, 0, 1)),
                    sum = t2m_matmul_t(g, member, true, b->e.features, false);
    return t2m_mul(g, sum, t2m_broadcast(g, count, 1, t2m_dim(g, b->e.features, 1)));
}

static bool keeps_prototypes(const struct building *b)
{
    return b->l->method->head == HEAD_RIDGE && kind_has_classes(b->l->kind) &&
           b->l->kind != FAMILY_MASKS;
}

/* The query set has no part in building; one input stands in for it. */
static t2m_status make_graph(struct building *b)
{
    const struct episode_use use = {.supports = b->task->n,
                                    .queries = 1,
                                    .outputs = outputs_of(b->task),
                                    .steps = b->steps,
                                    .choose = b->choose,
                                    .left_out = b->left_out};
    TRY(t2m_graph_new(b->l->lib, &b->e.g));
    TRY(episode_graph_make(b->l, &use, &b->e));
    const int64_t none = 0;
    const t2m_value nothing = t2m_fill(b->e.g, 0, 1, &none),
                    out[OUTPUTS] = {
                        [MODEL] = b->e.m_tuned,
                        [NORM] = b->e.norm,
                        [LOSS_GENERATED] = b->e.support_loss[0],
                        [LOSS_TUNED] = b->e.support_loss[1],
                        [STRUCTURE] = b->e.structure,
                        [WEIGHTS] = b->e.weights,
                        [STAGES] = b->choose ? b->e.stages : nothing,
                        [PROTOTYPES] = keeps_prototypes(b) ? prototypes(b) : nothing,
                        [RIDGE] = keeps_prototypes(b) ? b->e.later : nothing,
                        [TASK] = b->e.t,
                    };
    for (int i = 0; i < OUTPUTS; i++)
        b->out[i] = out[i].id ? out[i] : nothing;
    return t2m_graph_status(b->e.g);
}

/* Runs the graph for results first .. last, which then lie in b->result. */
static t2m_status run_graph(struct building *b, int first, int last)
{
    const t2m_value in[] = {b->e.phi, b->e.statistics, b->e.x_support, b->e.y_support};
    const void *const from[] = {b->l->phi, b->l->statistics, b->task->x, b->task->y};
    const struct once once = {b->e.g, in, from, 4, b->out + first, (size_t)(last - first) + 1};
    return once_results(b->l->lib, &once, b->result + first);
}

static void clear(struct building *b)
{
    for (int i = 0; i < OUTPUTS; i++)
        mem_free(b->l->lib, b->result[i]);
    for (size_t i = 0; i < b->l->candidates; i++)
        t2m_model_free(b->model[i]);
    t2m_graph_free(b->e.g);
}

/* ---- models of the structures ---- */

static t2m_status name_model(const struct building *b, t2m_model *m)
{
    const t2m_learner *l = b->l;
    m->method = mem_text(l->lib, l->method->name);
    m->target = l->target ? mem_text(l->lib, l->target) : NULL;
    m->encoder = l->encoder;
    memcpy(m->id, b->task->id, sizeof m->id);
    if (l->vocabulary)
        TRY(vocabulary_copy(l->vocabulary, &m->vocabulary));
    if (!m->method || (l->target && !m->target))
        return T2M_ENOMEM;
    for (size_t i = 0; i < m->classes; i++)
        if (!(m->class[i] = mem_text(l->lib, b->task->class[i])))
            return T2M_ENOMEM;
    for (size_t i = 0; !kind_has_classes(l->kind) && i <= m->features; i++) {
        m->scales[2 * i] = (float)b->task->scale[i].shift;
        m->scales[2 * i + 1] = (float)b->task->scale[i].unit;
    }
    for (size_t i = 0; i < m->features; i++)
        if (!(m->feature[i] = mem_text(l->lib, l->feature_names[i])))
            return T2M_ENOMEM;
    return T2M_OK;
}

/* Makes room for a model of each structure, and leaves out those that are too large. */
static t2m_status make_models(struct building *b, t2m_build_report *report)
{
    const t2m_learner *l = b->l;
    const size_t features = kind_has_classes(l->kind) ? 0 : learner_input_size(l);
    size_t fit = 0;
    report->structures = l->candidates;
    for (size_t i = 0; i < l->candidates; i++) {
        t2m_structure_report *r = &report->structure[i];
        struct structure s = l->candidate[i].structure;
        s.outputs = outputs_of(b->task);
        TRY(model_new(l->lib, &b->model[i], &s, b->task->classes, features));
        TRY(name_model(b, b->model[i]));
        TRY(t2m_model_bytes(b->model[i], &r->bytes));
        structure_text(&s, r->structure);
        r->macs = structure_macs(&s);
        r->weight = NAN;
        r->left_out = b->left_out[i] = (b->o->max_bytes && r->bytes > b->o->max_bytes) ||
                                       (b->o->max_macs && r->macs > b->o->max_macs);
        fit += !r->left_out;
    }
    return fit > 0 ? T2M_OK
                   : refuse(l->lib, T2M_EUSAGE,
                            "no structure of this learner is so small: %s, the smallest, takes %zu "
                            "bytes and %zu multiplications",
                            report->structure[0].structure, report->structure[0].bytes,
                            report->structure[0].macs);
}

/* ---- building ---- */

static void report_choice(const struct building *b, t2m_build_report *r)
{
    for (size_t i = 0; i < r->structures && r->structures > 1; i++)
        r->structure[i].weight = (double)b->result[WEIGHTS][i];
    const size_t n = value_numbers(b->e.g, b->out[STAGES]);
    r->code_steps = b->l->tuned == TUNE_WEIGHTS ? 0 : (size_t)b->steps;
    r->stages = n < T2M_STAGES ? n : T2M_STAGES;
    for (size_t i = 0; i < r->stages; i++) {
        r->stage[i] = (double)b->result[STAGES][i];
        r->chosen_stage = r->stage[i] < r->stage[r->chosen_stage] ? i : r->chosen_stage;
    }
}

static t2m_status keep_prototypes(const struct building *b, t2m_model *m)
{
    const size_t count = m->classes * m->layout.features;
    TRY(model_prototype_room(m));
    memcpy(m->prototype, b->result[PROTOTYPES], count * sizeof *m->prototype);
    memcpy(m->ridge, b->result[RIDGE], sizeof m->ridge);
    safetensors_round(m->prototype, count);
    return T2M_OK;
}

static t2m_status build(struct building *b, t2m_model **out, t2m_build_report *report)
{
    *report = (t2m_build_report){.steps = b->steps};
    const double start = seconds_now();
    TRY(make_models(b, report));
    const double named = seconds_now();
    TRY(make_graph(b));
    const double made = seconds_now();
    TRY(run_graph(b, MODEL, RIDGE));
    report->chosen = b->l->candidates > 1 ? (size_t)b->result[STRUCTURE][0] : 0;
    t2m_model *m = b->model[report->chosen];
    memcpy(m->m, b->result[MODEL], m->layout.numel * sizeof *m->m);
    memcpy(m->statistics, b->result[NORM], m->layout.statistics * sizeof *m->statistics);
    TRY(model_check_finite(m, "in the task's examples, or tune with fewer --steps"));
    if (keeps_prototypes(b))
        TRY(keep_prototypes(b, m));
    report_choice(b, report);
    report->loss_generated = (double)b->result[LOSS_GENERATED][0];
    report->loss_tuned = (double)b->result[LOSS_TUNED][0];
    const double run = 1e3 * (seconds_now() - made);
    const double ms[] = {NAN, 1e3 * (named - start), 1e3 * (made - named), b->steps ? NAN : run,
                         b->steps ? run : NAN};
    memcpy(report->milliseconds, ms, sizeof ms);
    *out = m;
    b->model[report->chosen] = NULL;
    return T2M_OK;
}

static t2m_status build_table(const t2m_learner *l, t2m_model **out, const t2m_task *task,
                              const t2m_build_options *o, t2m_build_report *report)
{
    t2m_model *m;
    TRY(table_check_steps(l->lib, o->steps));
    TRY(table_build(l, &m, task, o->steps < 0 ? TABLE_STEPS : o->steps, report));
    const t2m_structure_report *r = &report->structure[0];
    if ((o->max_bytes == 0 || r->bytes <= o->max_bytes) &&
        (o->max_macs == 0 || r->macs <= o->max_macs)) {
        *out = m;
        return T2M_OK;
    }
    t2m_model_free(m);
    return refuse(l->lib, T2M_EUSAGE,
                  "no structure of this learner is so small: %s takes %zu bytes and %zu "
                  "multiplications",
                  r->structure, r->bytes, r->macs);
}

t2m_status t2m_build(const t2m_learner *l, t2m_model **out, const t2m_task *task,
                     const t2m_build_options *options, t2m_build_report *report)
{
    const t2m_build_options defaults = T2M_BUILD_OPTIONS_INIT, *o = options ? options : &defaults;
    struct building b = {.l = l, .task = task, .o = o};
    t2m_build_report mine;
    if (o->version != T2M_VERSION_1)
        return refuse(l->lib, T2M_EUSAGE, "unknown version %d of the options", o->version);
    if (l->kind == FAMILY_TABLES)
        return build_table(l, out, task, o, report ? report : &mine);
    if (task->target)
        return text_build(l, out, task, report ? report : &mine);
    if (task->schema)
        return refuse(l->lib, T2M_EUSAGE, "this task is of a table, for which the learner is not");
    b.steps = o->steps >= 0 ? o->steps : l->eval_steps;
    b.choose = o->steps < 0 && learner_chooses(l);
    const t2m_status status = build(&b, out, report ? report : &mine);
    clear(&b);
    return status;
}

t2m_status t2m_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n)
{
    struct building b = {.l = l, .task = task};
    if (learner_t_size(l) == 0)
        return refuse(l->lib, T2M_EUSAGE, "the method %s makes no task vector%s", l->method->name,
                      l->kind == FAMILY_TABLES ? " where the structure is linear" : "");
    if (l->kind == FAMILY_TABLES)
        return table_task_vector(l, task, t, n);
    if (l->kind == FAMILY_MASKS)
        return mask_task_vector(l, task, t, n);
    t2m_status status = make_graph(&b);
    if (status == T2M_OK)
        status = run_graph(&b, TASK, TASK);
    if (status == T2M_OK) {
        *n = value_numbers(b.e.g, b.out[TASK]);
        *t = b.result[TASK];
        b.result[TASK] = NULL;
    }
    clear(&b);
    return status;
}
