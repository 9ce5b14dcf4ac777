/* train.c: meta-training from start to end: the loop, validation, checkpoints, resuming. Settings
 * are in train_settings.c. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/store.h"
#include "mapping/tables.h"
#include "mapping/training.h"

enum { CHECKPOINT_SECONDS = 60, VALIDATIONS = 40, VALIDATION_SEED = 77 };

/* ---- files ---- */

static t2m_status open_files(struct training *t)
{
    const t2m_train_options *o = t->o;
    if (!o->output)
        return T2M_OK;
    if (store_is_folder(o->output)) /* not only when there is something to write */
        return refuse(t->lib, T2M_EUSAGE, "'%.200s' is a folder; name a file with -o", o->output);
    TRY(run_files_name(t->lib, o->output, &t->files));
    if (o->resume) {
        TRY(manifest_check(t->l, &t->files, &t->times));
        return checkpoint_load(&t->step, &t->state, &t->files);
    }
    for (int i = 0; i < 2 && !o->force; i++) {
        const char *path = i ? t->files.folder : o->output;
        if (store_exists(path))
            return refuse(t->lib, T2M_EUSAGE,
                          "'%.200s' exists; give --resume to go on, or --force to begin anew",
                          path);
    }
    TRY(store_folder(t->lib, t->files.folder));
    TRY(store_write(t->lib, t->files.log, &(struct bytes){0}, 1, true)); /* of an earlier one */
    manifest_now(t->times.started);
    return manifest_write(t->l, t->family->name, &t->files, &t->times);
}

static t2m_status save(struct training *t)
{
    t->saved = seconds_now();
    t->state.seconds += t->saved - t->start;
    t->start = t->saved;
    return t->o->output ? checkpoint_save(&t->step, &t->state, &t->files) : T2M_OK;
}

static t2m_status log_line(struct training *t, double loss, double metric, double validation)
{
    char line[256], step[96] = "";
    if (!t->o->output)
        return T2M_OK;
    if (isfinite(loss)) /* not when a validation that was stopped is done after resuming */
        snprintf(step, sizeof step, "\"loss\":%.6g,\"metric\":%.6g,", loss, metric);
    snprintf(line, sizeof line, "{\"step\":%zu,%s\"validation\":%.6g,\"seconds\":%.1f}",
             t->state.step, step, validation, t->state.seconds + seconds_now() - t->start);
    return store_append(t->lib, t->files.log, line);
}

/* ---- validation ---- */

static void mean_and_ci95(const double *x, size_t n, double *mean, double *ci95)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *ci95 = n > 1 ? 1.96 * sqrt(squares / (double)(n - 1) / (double)n) : 0;
}

/* The mean loss over shapes of tables. */
static t2m_status validate_tables(struct training *t, double *mean, double *ci95)
{
    const size_t jobs = training_default(t->o->validation_tasks, 192);
    double *value = mem_new(t->lib, jobs, sizeof *value);
    if (!value)
        return T2M_ENOMEM;
    t2m_status status = t->judges ? T2M_OK : table_plans_new(t->l, t->family, false, &t->judges);
    if (status == T2M_OK)
        status = table_validate(t->l, t->validation, t->judges, jobs, VALIDATION_SEED + t->l->seed,
                                t->o->stop, t->o->ctx, value);
    mean_and_ci95(value, jobs, mean, ci95);
    mem_free(t->lib, value);
    return status;
}

t2m_status evaluate_tuned(const struct evaluation *v, double *mean, double *ci95)
{
    struct scores score[SCORED_ROWS] = {{0}};
    double *value = mem_new(v->l->lib, v->tasks, sizeof *value);
    if (!value)
        return T2M_ENOMEM;
    score[ROW_TUNED].value = value;
    const t2m_status status = evaluate(v, score, NULL);
    mean_and_ci95(value, v->tasks, mean, ci95);
    mem_free(v->l->lib, value);
    return status;
}

static t2m_status validate(struct training *t, double *mean, double *ci95)
{
    struct t2m_learner *l = t->l;
    if (l->kind == FAMILY_TABLES)
        return validate_tables(t, mean, ci95);
    struct evaluation v = {.l = l,
                           .f = t->validation,
                           .tasks = training_default(t->o->validation_tasks, 200),
                           .seed = VALIDATION_SEED + l->seed,
                           .steps = l->eval_steps,
                           .choose = learner_chooses(l),
                           .max_memory = t->o->max_memory,
                           .stop = t->o->stop,
                           .ctx = t->o->ctx};
    learner_protocol(l, &v.protocol);
    if (!learner_ways_fixed(l) && kind_has_classes(l->kind))
        v.protocol.ways = training_default(t->o->validation_ways, l->ways < 5 ? l->ways : 5);
    v.protocol.queries =
        kind_has_classes(l->kind) && v.protocol.queries > 5 ? 5 : v.protocol.queries;
    if (l->kind == FAMILY_MASKS)
        v.protocol.ways =
            learner_ways_fixed(l) ? l->ways : training_default(t->o->validation_ways, 1);
    /* a norm of the joint batch is validated with the joint batch */
    v.transductive = l->norms > 0 && l->method->norm == NORM_JOINT;
    TRY(episode_check(t->validation, &v.protocol));
    return evaluate_tuned(&v, mean, ci95);
}

static t2m_status keep_best(struct training *t, double value)
{
    const bool larger_is_better = kind_has_classes(t->l->kind);
    const bool better =
        isnan(t->state.best) || (larger_is_better ? value > t->state.best : value < t->state.best);
    if (!better)
        return T2M_OK;
    t->state.best = value;
    t->state.best_step = t->state.step;
    memcpy(t->state.best_phi, t->l->phi, t->l->numel * sizeof(float));
    memcpy(t->state.best_statistics, t->l->statistics, t->l->norms * sizeof(float));
    t->l->trained_steps = t->state.step;
    return t->o->output ? t2m_learner_save(t->l, t->files.best, true) : T2M_OK;
}

/* ---- the loop ---- */

static int tell(struct training *t, t2m_progress p)
{
    p.step = t->state.step;
    p.steps = t->steps;
    p.seconds = t->state.seconds + seconds_now() - t->start;
    return t->o->progress ? t->o->progress(t->o->ctx, &p) : 0;
}

/* Cosine decay to a hundredth (Loshchilov and Hutter 2017, equation 5). */
static double rate_at(const struct training *t)
{
    const double base = t->o->meta_rate > 0 ? t->o->meta_rate : t->l->method->meta_rate;
    const double part = (double)t->state.step / (double)t->steps;
    return base * (0.01 + 0.99 * 0.5 * (1 + cos(3.14159265358979323846 * part)));
}

static bool time_is_up(const struct training *t)
{
    return t->o->minutes > 0 && t->state.seconds + seconds_now() - t->start > t->o->minutes * 60;
}

static bool validation_due(const struct training *t)
{
    const size_t step = t->state.step;
    return step > t->state.validated && (step % t->validation_every == 0 || step == t->steps);
}

static t2m_status validate_step(struct training *t, t2m_progress *p)
{
    meta_step_rest(&t->step);
    TRY(validate(t, &p->validation, &p->validation_ci95));
    TRY(keep_best(t, p->validation));
    t->state.validated = t->state.step;
    p->event = "validation";
    return log_line(t, p->loss, p->metric, p->validation);
}

static t2m_status one_step(struct training *t)
{
    t2m_progress p = {.validation = NAN, .validation_ci95 = NAN, .event = "step"};
    TRY(meta_step_run(&t->step, t->state.step, rate_at(t), &p.loss, &p.metric));
    t->state.step++;
    if (validation_due(t))
        TRY(validate_step(t, &p));
    if (seconds_now() - t->saved > CHECKPOINT_SECONDS)
        TRY(save(t));
    return tell(t, p) != 0 ? T2M_ECANCELLED : T2M_OK;
}

static t2m_status run_steps(struct training *t)
{
    t2m_progress p = {.loss = NAN, .metric = NAN, .event = "other-isa"};
    if (t->state.other_isa)
        tell(t, p);
    if (validation_due(t)) /* it was stopped */
        TRY(validate_step(t, &p));
    while (t->state.step < t->steps && !time_is_up(t))
        TRY(one_step(t));
    if (t->state.step < t->steps || isnan(t->state.best)) /* ended between validations */
        TRY(validate_step(t, &p));
    return save(t);
}

static t2m_status run(struct training *t)
{
    const t2m_status status = run_steps(t);
    if (status != T2M_ECANCELLED)
        return status;
    TRY(save(t));
    return refuse(t->lib, T2M_ECANCELLED, "stopped after step %zu of %zu", t->state.step, t->steps);
}

static t2m_status finish(struct training *t, t2m_train_result *result)
{
    struct t2m_learner *l = t->l;
    memcpy(l->phi, t->state.best_phi, l->numel * sizeof(float));
    memcpy(l->statistics, t->state.best_statistics, l->norms * sizeof(float));
    meta_step_rest(&t->step);
    if (l->kind == FAMILY_MASKS) {
        tell(t, (t2m_progress){.loss = NAN, .validation = NAN, .event = "thresholds"});
        TRY(masks_calibrate(t));
    }
    learner_round(l);
    l->trained_steps = t->state.best_step;
    snprintf(l->results, sizeof l->results, "validation %s %.6g",
             l->kind == FAMILY_MASKS     ? "iou"
             : kind_has_classes(l->kind) ? "accuracy"
             : l->kind == FAMILY_TABLES  ? "loss"
                                         : "mse",
             t->state.best);
    TRY(likeness_learn(l, t->family, &t->step.protocol));
    if (result)
        *result = (t2m_train_result){t->state.step,    t->state.best_step,          t->state.best,
                                     t->state.seconds, meta_step_outside(&t->step), t->step.workers,
                                     t->step.again};
    if (!t->o->output)
        return T2M_OK;
    manifest_now(t->times.finished);
    t->times.seconds = t->state.seconds;
    t->times.steps = t->state.step;
    TRY(manifest_write(l, t->family->name, &t->files, &t->times));
    return t2m_learner_save(l, t->o->output, true);
}

static t2m_status check_families(const struct training *t, const struct protocol *p)
{
    const t2m_family *f = t->family, *v = t->validation;
    if (v->kind != f->kind || episode_input_size(v) != episode_input_size(f))
        return refuse(t->lib, T2M_EUSAGE,
                      "--validation: '%s' is no family like '%s', with the same inputs", v->name,
                      f->name);
    if (f->kind != FAMILY_TABLES)
        return episode_check(f, p);
    TRY(table_family_check(f, TABLE_LEAST_ROWS));
    return table_family_check(v, f->prior ? TABLE_SHAPED_ROWS : TABLE_LEAST_ROWS);
}

static t2m_status begin(struct training *t)
{
    const t2m_train_options *o = t->o;
    struct protocol p;
    if (o->version != T2M_VERSION_1)
        return refuse(t->lib, T2M_EUSAGE, "unknown version %d of the options", o->version);
    TRY(training_learner(t));
    learner_protocol(t->l, &p);
    p.within_domain = o->within_domain;
    p.fewer = t->l->kind == FAMILY_MASKS;
    if (!(o->augment >= 0 && o->augment <= 4))
        return refuse(t->lib, T2M_EUSAGE, "--augment is a strength from 0 to 4, 1 being usual");
    if (o->augment > 0 && (!kind_has_classes(t->family->kind) || t->l->encoder))
        return refuse(t->lib, T2M_EUSAGE,
                      "--augment is for images and for texts without --encoder, which '%s' has not",
                      t->family->name);
    TRY(check_families(t, &p));
    static const size_t batches[] = {[FAMILY_REGRESSION] = 25,
                                     [FAMILY_IMAGES] = 4,
                                     [FAMILY_TABLES] = 8,
                                     [FAMILY_TEXTS] = 4,
                                     [FAMILY_MASKS] = 2};
    const size_t batch = training_default(o->meta_batch, batches[t->l->kind]);
    const struct meta_use use = {batch, o->max_memory};
    TRY(meta_step_new(&t->step, t->l, t->family, &use));
    t->step.protocol.within_domain = p.within_domain;
    t->step.protocol.fewer = p.fewer;
    t->step.protocol.augment = o->augment;
    t->step.protocol.own = t->own;
    t->step.stop = o->stop;
    t->step.stop_ctx = o->ctx;
    t->steps = training_default(o->steps, 10000);
    t->validation_every = t->steps / VALIDATIONS > 0 ? t->steps / VALIDATIONS : 1;
    t->state.best_phi = mem_new(t->lib, t->l->numel, sizeof(float));
    t->state.best_statistics = mem_new(t->lib, t->l->norms, sizeof(float));
    if (!t->state.best_phi || !t->state.best_statistics)
        return T2M_ENOMEM;
    training_name_settings(t);
    return open_files(t);
}

t2m_status t2m_train(t2m *lib, t2m_learner **out, const t2m_family *family,
                     const t2m_train_options *options, t2m_train_result *result)
{
    struct training t = {.lib = lib, .o = options, .family = family, .state = {.best = NAN}};
    t.validation = options->validation ? options->validation : family;
    t.start = t.saved = seconds_now();
    t2m_status status = begin(&t);
    if (status == T2M_OK) {
        assert(t.l && t.l->phi && t.state.best_phi && t.state.best_statistics);
        status = run(&t);
    }
    if (status == T2M_OK)
        status = finish(&t, result);
    if (t.step.l)
        meta_step_free(&t.step);
    table_plans_free(t.judges);
    mem_free(lib, t.own);
    mem_free(lib, t.state.best_phi);
    mem_free(lib, t.state.best_statistics);
    if (status == T2M_OK && out)
        *out = t.l;
    else
        t2m_learner_free(t.l);
    return status;
}
