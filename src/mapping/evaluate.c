/* evaluate.c: a learner on many tasks, beside the controls. The same episodes go through one plan
 * with different inputs: phi of the learner or at its start (scratch), this task's support set or
 * another's (wrong-task). */
#include <math.h>
#include <stdatomic.h>

#include "engine/compute/pool.h"
#include "mapping/doors.h"
#include "mapping/fit.h"
#include "mapping/tables.h"
#include "task/mask_bayes.h"

enum { OUTPUTS = 3, WRONG_FIRST = 1 << 30 }; /* outputs: shared, generated, tuned */

struct worker_room {
    t2m_workspace *w;
    struct episode episode, other;
    float *phi, *y[OUTPUTS], structure;
    float *odds;                   /* of the control; or NULL */
    size_t chosen[MAX_CANDIDATES]; /* how often, for the right task */
    double milliseconds[SCORED_ROWS];
};

struct evaluating {
    const struct evaluation *v;
    struct scores *score;
    t2m_plan *plan;
    struct worker_room *room;
    size_t workers;
    struct episode_size size;
    struct task_loop loop;
    float *start_statistics; /* those of a new learner, for scratch */
    double unit;             /* error in the data's own units */
};

static t2m_status compile_plan(void *ctx, size_t most, size_t *bytes)
{
    struct evaluating *e = ctx;
    const struct evaluation *v = e->v;
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    t2m_plan_info info;
    const struct protocol *p = &v->protocol;
    struct episode_graph s = {0};
    const struct episode_use use = {.supports = e->size.supports,
                                    .queries = e->size.queries,
                                    .outputs = kind_has_classes(v->l->kind) ? (int64_t)p->ways : 1,
                                    .transductive = v->transductive,
                                    .steps = v->steps,
                                    .choose = v->choose};
    t2m_plan_free(e->plan);
    e->plan = NULL;
    o.max_memory = most;
    TRY(t2m_graph_new(v->l->lib, &s.g));
    t2m_status status = episode_graph_make(v->l, &use, &s);
    const t2m_value in[] = {s.phi, s.statistics, s.x_support, s.y_support, s.x_query, s.y_query},
                    out[] = {s.shared, s.generated, s.tuned,
                             s.structure.id ? s.structure : t2m_constant(s.g, 0)};
    if (status == T2M_OK)
        status = t2m_compile(s.g, in, 6, out, OUTPUTS + 1, &o, &e->plan);
    t2m_graph_free(s.g);
    if (status != T2M_OK)
        return status;
    t2m_plan_describe(e->plan, &info);
    *bytes = info.workspace_bytes;
    return T2M_OK;
}

static void run_plan(struct evaluating *e, struct worker_room *r, const float *phi,
                     const float *statistics, const struct episode *support)
{
    const void *const in[] = {phi,
                              statistics,
                              support->x_support,
                              support->y_support,
                              r->episode.x_query,
                              r->episode.y_query};
    void *const out[] = {r->y[0], r->y[1], r->y[2], &r->structure};
    t2m_run(e->plan, r->w, in, out);
}

static void score_masks(struct evaluating *e, struct worker_room *r, int row, size_t task,
                        const float *y)
{
    const struct episode_size *s = &e->size;
    double dice;
    e->score[row].value[task] =
        masks_metric(y, r->episode.y_query, s->queries * s->target, s->outputs / s->target, &dice);
    if (e->score[row].dice)
        e->score[row].dice[task] = dice;
}

static void score_row(struct evaluating *e, struct worker_room *r, int row, size_t task, int output)
{
    const struct evaluation *v = e->v;
    if (!e->score[row].value)
        return;
    if (v->l->kind == FAMILY_MASKS) {
        score_masks(e, r, row, task, r->y[output]);
        return;
    }
    const double unit = *r->episode.unit * *r->episode.unit;
    const double metric =
        unit * episode_metric(v->l->kind, r->y[output], r->episode.y_query, &e->size);
    e->score[row].value[task] = v->relative ? sqrt(metric) : metric * e->unit;
}

/* The control's answers take the place of others, which are scored by now. */
static void run_control(struct evaluating *e, struct worker_room *r, size_t task)
{
    const size_t ways = e->v->protocol.ways;
    const double begin = seconds_now();
    mask_bayes_fit(e->v->f, &r->episode, ways, r->odds);
    mask_bayes_judge(e->v->f, &r->episode, ways, r->odds, r->y[0]);
    r->milliseconds[ROW_CONTROL] += 1e3 * (seconds_now() - begin);
    score_row(e, r, ROW_CONTROL, task, 0);
}

static void one_task(void *ctx, size_t job, size_t worker)
{
    struct evaluating *e = ctx;
    const struct evaluation *v = e->v;
    struct worker_room *r = &e->room[worker];
    const size_t task = e->loop.first + job;
    if (asked_to_stop(v->stop, v->ctx, &e->loop.stopped))
        return;
    episode_draw(v->f, &v->protocol, v->seed, task, &r->episode);
    const double start = seconds_now();
    run_plan(e, r, v->l->phi, v->l->statistics, &r->episode);
    r->milliseconds[ROW_TUNED] += 1e3 * (seconds_now() - start);
    r->chosen[(size_t)r->structure]++;
    score_row(e, r, ROW_TUNED, task, 2);
    score_row(e, r, ROW_GENERATED, task, 1);
    score_row(e, r, ROW_SHARED, task, 0);
    if (e->score[ROW_WRONG].value) {
        episode_draw(v->f, &v->protocol, v->seed, task + WRONG_FIRST, &r->other);
        run_plan(e, r, v->l->phi, v->l->statistics, &r->other);
        score_row(e, r, ROW_WRONG, task, 2);
    }
    if (e->score[ROW_SCRATCH].value) {
        const double begin = seconds_now();
        learner_start_phi(v->l, v->seed, task + 1, r->phi);
        run_plan(e, r, r->phi, e->start_statistics, &r->episode);
        r->milliseconds[ROW_SCRATCH] += 1e3 * (seconds_now() - begin);
        score_row(e, r, ROW_SCRATCH, task, 2);
    }
    if (e->score[ROW_CONTROL].value)
        run_control(e, r, task);
}

static t2m_status make_rooms(struct evaluating *e)
{
    t2m *lib = e->v->l->lib;
    const size_t y = e->size.queries * e->size.outputs;
    e->room = mem_new(lib, e->workers, sizeof *e->room);
    e->start_statistics = mem_new(lib, e->v->l->norms, sizeof(float));
    if (!e->room || !e->start_statistics)
        return T2M_ENOMEM;
    learner_start_statistics(e->v->l, e->start_statistics);
    for (size_t i = 0; i < e->workers; i++) {
        struct worker_room *r = &e->room[i];
        TRY(t2m_workspace_new(e->plan, &r->w));
        TRY(episodes_new(lib, &r->episode, e->v->f, &e->v->protocol, 1));
        TRY(episodes_new(lib, &r->other, e->v->f, &e->v->protocol, 1));
        r->phi = mem_new(lib, e->v->l->numel, sizeof *r->phi);
        if (e->score[ROW_CONTROL].value)
            r->odds = mem_new(lib, e->v->protocol.ways * MASK_BAYES_BINS, sizeof *r->odds);
        if (!r->phi || (e->score[ROW_CONTROL].value && !r->odds))
            return T2M_ENOMEM;
        for (int k = 0; k < OUTPUTS; k++)
            if (!(r->y[k] = mem_new(lib, y, sizeof(float))))
                return T2M_ENOMEM;
    }
    return T2M_OK;
}

/* Compiles the plan, and decides on the number of workers. */
static t2m_status fit(struct evaluating *e)
{
    const struct evaluation *v = e->v;
    const struct episode_size *s = &e->size;
    const size_t episode =
                     s->supports * (s->input + s->target) + s->queries * (s->input + s->target),
                 workers = pool_size(v->l->lib->pool);
    struct fitting f = {.lib = v->l->lib,
                        .what = "validation",
                        .compile = compile_plan,
                        .ctx = e,
                        .limit = v->max_memory,
                        .each = (2 * episode + OUTPUTS * s->queries * s->outputs + v->l->numel) *
                                sizeof(float),
                        .workers = workers < v->tasks ? workers : v->tasks};
    TRY(fit_workers(&f));
    e->workers = e->loop.workers = f.workers;
    return T2M_OK;
}

static void free_rooms(struct evaluating *e)
{
    t2m *lib = e->v->l->lib;
    for (size_t i = 0; e->room && i < e->workers; i++) {
        struct worker_room *r = &e->room[i];
        t2m_workspace_free(r->w);
        episodes_free(lib, &r->episode);
        episodes_free(lib, &r->other);
        mem_free(lib, r->phi);
        mem_free(lib, r->odds);
        for (int k = 0; k < OUTPUTS; k++)
            mem_free(lib, r->y[k]);
    }
    mem_free(lib, e->room);
    mem_free(lib, e->start_statistics);
    t2m_plan_free(e->plan);
}

t2m_status task_loop_run(struct task_loop *loop)
{
    const size_t portion = 16 * loop->workers;
    const double start = seconds_now();
    for (loop->first = 0; loop->first < loop->tasks; loop->first += portion) {
        const size_t left = loop->tasks - loop->first, n = left < portion ? left : portion;
        lanes_run(&(struct lanes){.lib = loop->lib,
                                  .workers = loop->workers,
                                  .count = n,
                                  .job = loop->job,
                                  .ctx = loop->job_ctx});
        const t2m_progress p = {.step = loop->first + n,
                                .steps = loop->tasks,
                                .loss = NAN,
                                .metric = NAN,
                                .validation = NAN,
                                .validation_ci95 = NAN,
                                .seconds = seconds_now() - start,
                                .event = "step"};
        if (atomic_load(&loop->stopped) || (loop->progress && loop->progress(loop->ctx, &p) != 0))
            return refuse(loop->lib, T2M_ECANCELLED, "stopped after %zu of %zu tasks",
                          loop->first + n, loop->tasks);
    }
    return T2M_OK;
}

t2m_status evaluate(const struct evaluation *v, struct scores score[SCORED_ROWS], size_t *chosen)
{
    struct evaluating e = {.v = v,
                           .score = score,
                           .loop = {.lib = v->l->lib,
                                    .tasks = v->tasks,
                                    .job = one_task,
                                    .job_ctx = &e,
                                    .progress = v->progress,
                                    .stop = v->stop,
                                    .ctx = v->ctx}};
    e.size = episode_size(v->f, &v->protocol);
    e.unit = kind_has_classes(v->l->kind) ? 1 : v->l->y_scale * v->l->y_scale;
    t2m_status status = fit(&e);
    if (status == T2M_OK)
        status = make_rooms(&e);
    if (status == T2M_OK)
        status = task_loop_run(&e.loop);
    for (int row = 0; row < SCORED_ROWS; row++)
        for (size_t i = 0; e.room && i < e.workers; i++)
            score[row].milliseconds += e.room[i].milliseconds[row];
    for (size_t i = 0; chosen && e.room && i < e.workers; i++)
        for (size_t k = 0; k < v->l->candidates; k++)
            chosen[k] += e.room[i].chosen[k];
    free_rooms(&e);
    return status;
}

/* ---- the public door ---- */

static t2m_status check_kinds(const struct t2m_learner *l, const struct t2m_family *f)
{
    static const char *const name[] = {[FAMILY_NONE] = "nothing",
                                       [FAMILY_REGRESSION] = "rows of numbers",
                                       [FAMILY_IMAGES] = "images",
                                       [FAMILY_TEXTS] = "texts",
                                       [FAMILY_MASKS] = "pictures with masks",
                                       [FAMILY_TABLES] = "tables of any columns"};
    if (l->kind != f->kind)
        return refuse(l->lib, T2M_EDATA, "this learner is for %s, but '%s' has %s", name[l->kind],
                      f->name, name[f->kind]);
    if (l->kind != FAMILY_TABLES && episode_input_size(f) != learner_input_size(l))
        return refuse(l->lib, T2M_EDATA,
                      "this learner takes %zu numbers for an example, '%s' has %zu",
                      learner_input_size(l), f->name, episode_input_size(f));
    return T2M_OK;
}

static t2m_status check_ways(const struct t2m_learner *l, const struct protocol *p)
{
    if (learner_ways_fixed(l) && p->ways != l->ways)
        return refuse(l->lib, T2M_EUSAGE,
                      "a learner of the method %s has a head for %zu classes, not %zu",
                      l->method->name, l->ways, p->ways);
    if (l->represent & REPRESENT_CONCAT && p->shots != l->shots)
        return refuse(l->lib, T2M_EUSAGE, "this learner represents tasks of %zu rows, not %zu",
                      l->shots, p->shots);
    return T2M_OK;
}

static const char *note_of(const struct t2m_learner *l, int row)
{
    if (row == ROW_SHARED && kind_has_classes(l->kind) && l->method->head == HEAD_LEARNED)
        return "a learned head knows no order of the classes before tuning";
    return NULL;
}

void evaluate_sum(const double *x, size_t n, t2m_eval_row *row)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    row->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - row->mean) * (x[i] - row->mean);
    row->ci95 = n > 1 ? 1.96 * sqrt(squares / (double)(n - 1) / (double)n) : 0;
}

/* How often each structure was chosen; the mean size of the models in bytes. */
static double describe_structures(const struct t2m_learner *l, const size_t *chosen, size_t tasks,
                                  t2m_eval_result *out)
{
    double bytes = 0;
    out->structures = l->candidates;
    for (size_t k = 0; k < l->candidates; k++) {
        const struct candidate *c = &l->candidate[k];
        const size_t numbers = c->layout.numel + c->layout.statistics;
        out->share[k] = (double)chosen[k] / (double)tasks;
        structure_text(&c->structure, out->structure[k]);
        bytes += out->share[k] * (double)(numbers * sizeof(float));
    }
    return bytes;
}

const char *const row_names[T2M_EVAL_ROWS] = {"scratch", "shared", "wrong-task", "generated",
                                              "tuned"};

/* What is asked for, or usual. */
static struct evaluation evaluation_of(const t2m_learner *l, const t2m_family *f,
                                       const t2m_eval_options *o)
{
    struct evaluation v = {.l = l,
                           .f = f,
                           .tasks = o->tasks ? o->tasks : 1000,
                           .seed = o->seed,
                           .steps = o->steps >= 0 ? o->steps : l->eval_steps,
                           .choose = o->steps < 0 && learner_chooses(l),
                           .transductive = o->transductive,
                           .relative = l->kind == FAMILY_REGRESSION && !f->builtin,
                           .progress = o->progress,
                           .stop = o->stop,
                           .ctx = o->ctx};
    learner_protocol(l, &v.protocol);
    v.protocol.ways = kind_has_classes(l->kind) && o->ways ? o->ways : v.protocol.ways;
    v.protocol.shots = o->shots ? o->shots : v.protocol.shots;
    v.protocol.queries = o->queries ? o->queries : f->builtin ? 100 : v.protocol.queries;
    v.protocol.even_queries = true;
    v.protocol.within_domain = o->within_domain;
    if (l->kind == FAMILY_MASKS)
        v.protocol.ways = o->ways ? o->ways : learner_ways_fixed(l) ? l->ways : 1;
    return v;
}

static const char *metric_of(const struct evaluation *v)
{
    return v->l->kind == FAMILY_MASKS     ? "iou"
           : kind_has_classes(v->l->kind) ? "accuracy"
           : v->relative                  ? "nrmse"
                                          : "mse";
}

static void fill_row(const struct scores *s, size_t tasks, t2m_eval_row *r)
{
    t2m_eval_row dice = {.mean = NAN, .ci95 = NAN};
    evaluate_sum(s->value, tasks, r);
    if (s->dice)
        evaluate_sum(s->dice, tasks, &dice);
    r->dice = dice.mean;
    r->dice_ci95 = dice.ci95;
}

static void fill_result(const struct evaluation *v, const struct scores score[SCORED_ROWS],
                        double bytes, t2m_eval_result *out)
{
    for (int row = 0; row < T2M_EVAL_ROWS; row++) {
        t2m_eval_row *r = &out->row[row];
        const double ms = score[row == ROW_SCRATCH ? ROW_SCRATCH : ROW_TUNED].milliseconds;
        const char *note = note_of(v->l, row);
        *r = (t2m_eval_row){.name = row_names[row],
                            .log_loss = NAN,
                            .dice = NAN,
                            .dice_ci95 = NAN,
                            .note = note,
                            .present = !note,
                            .bytes = (size_t)bytes,
                            .ms_per_task = ms / (double)v->tasks};
        if (r->present)
            fill_row(&score[row], v->tasks, r);
    }
    if (v->l->kind != FAMILY_MASKS)
        return;
    out->control =
        (t2m_eval_row){.name = "naive-bayes",
                       .log_loss = NAN,
                       .present = true,
                       .bytes = v->protocol.ways * MASK_BAYES_BINS * sizeof(float),
                       .ms_per_task = score[ROW_CONTROL].milliseconds / (double)v->tasks};
    fill_row(&score[ROW_CONTROL], v->tasks, &out->control);
}

/* Arrays for all rows that there are, in `values` one behind the other. */
static t2m_status room_for_scores(const struct evaluation *v, double **values,
                                  struct scores score[SCORED_ROWS])
{
    const bool masks = v->l->kind == FAMILY_MASKS;
    const size_t rows = masks ? SCORED_ROWS : T2M_EVAL_ROWS;
    double *at = *values = mem_new(v->l->lib, rows * (masks ? 2 : 1) * v->tasks, sizeof *at);
    if (!at)
        return T2M_ENOMEM;
    for (size_t row = 0; row < rows; row++, at += v->tasks)
        score[row].value = at;
    for (size_t row = 0; row < rows && masks; row++, at += v->tasks)
        score[row].dice = at;
    return T2M_OK;
}

t2m_status t2m_eval(const t2m_learner *l, const t2m_family *f, const t2m_eval_options *options,
                    t2m_eval_result *out)
{
    const t2m_eval_options defaults = T2M_EVAL_OPTIONS_INIT, *o = options ? options : &defaults;
    struct scores score[SCORED_ROWS] = {{0}};
    size_t chosen[MAX_CANDIDATES] = {0};
    double *values = NULL;
    TRY(check_kinds(l, f));
    if (l->kind == FAMILY_TABLES)
        return table_eval(l, f, o, out);
    const struct evaluation v = evaluation_of(l, f, o);
    TRY(check_ways(l, &v.protocol));
    TRY(episode_check(f, &v.protocol));
    TRY(room_for_scores(&v, &values, score));
    const t2m_status status = evaluate(&v, score, chosen);
    if (status == T2M_OK) {
        *out = (t2m_eval_result){.metric = metric_of(&v),
                                 .ways = v.protocol.ways,
                                 .shots = v.protocol.shots,
                                 .queries = v.protocol.queries,
                                 .tasks = v.tasks,
                                 .seed = v.seed};
        fill_result(&v, score, describe_structures(l, chosen, v.tasks, out), out);
    }
    mem_free(l->lib, values);
    return status;
}
