/* training.h: the inside of t2m_train: the meta-step (step.c), its checkpoints (checkpoint.c), the
 * settings (train_settings.c), the loop (train.c). */
#pragma once
#include <stdatomic.h>

#include "engine/compute/pool.h"
#include "mapping/learner.h"

/* ---- one meta-step ---- */

/* The tasks of a step are cut into blocks of equal size (the last ones may have one task less). A
 * block is one run of a plan in which its tasks are vmapped; blocks are the jobs of the workers.
 * The size of a block depends on the shapes alone, and gradients are added in the order of the
 * blocks, so the bits do not depend on the number of threads. */
struct meta_step {
    struct t2m_learner *l;
    const struct t2m_family *family;
    struct protocol protocol;
    size_t tasks, block, blocks, workers;
    t2m_plan *plan[2];             /* for full blocks and for those with one task less, or NULL */
    t2m_workspace **workspace;     /* [workers, 2] */
    struct episode *episode;       /* [workers], each of `block` tasks */
    float **outputs;               /* [workers] query outputs of a block */
    float *gradient, *loss, *seen; /* [blocks, ...] */
    double *metric;                /* [blocks] */
    double *running;               /* [workers] seconds in plans, of all steps */
    double again;           /* work for values that are not kept, as a part of all other work */
    double seconds;         /* of all steps */
    int (*stop)(void *ctx); /* asked before each block; or NULL */
    void *stop_ctx;
    atomic_bool stopped;   /* the step that runs is to be dropped */
    uint64_t seed, number; /* of the step that runs */
    void (*draw)(const struct t2m_family *f, const struct protocol *p, uint64_t seed,
                 uint64_t number, struct episode *e); /* episode_draw, but in tests */
    struct table_plans *tables; /* of learners of tables, whose jobs are other ones; else NULL */
    /* Adam (Kingma and Ba 2015, algorithm 1) */
    t2m_plan *adam;
    t2m_workspace *adam_workspace;
    float *state, *next; /* [3, numel]: phi, first and second moment */
};
struct meta_use {
    size_t tasks;
    size_t max_memory; /* bytes that the process may take (fit.h); 0: any */
};
t2m_status meta_step_new(struct meta_step *s, struct t2m_learner *l, const struct t2m_family *f,
                         const struct meta_use *use);
/* Gives the memory of the plans back until the next step. */
void meta_step_rest(struct meta_step *s);
void meta_step_free(struct meta_step *s);
/* Draws the tasks of step `number` and changes phi. *metric: mean over the tasks. T2M_ECANCELLED:
 * the step was stopped and has changed nothing. */
t2m_status meta_step_run(struct meta_step *s, uint64_t number, double rate, double *loss,
                         double *metric);

/* Part of the workers' time in all steps so far that was not spent in plans; NaN: not known. */
double meta_step_outside(const struct meta_step *s);

/* An input for `size` tasks, each with the shape of `like`. */
t2m_value batched_input(t2m_graph *g, t2m_value like, size_t size);

/* ---- tables (table_step.c) ---- */

/* Plans for a menu of shapes of the training on f, with the gradient to learn or without; freed by
 * table_plans_free. */
t2m_status table_plans_new(const struct t2m_learner *l, const struct t2m_family *f, bool learn,
                           struct table_plans **out);
void table_plans_free(struct table_plans *p);
/* A job of meta_step_run: ctx is the meta_step. */
void table_step_job(void *ctx, size_t job, size_t worker);
/* value [jobs]: the mean loss of some tasks of one shape each, the shapes of the menu in turn. */
t2m_status table_validate(const struct t2m_learner *l, const struct t2m_family *f,
                          const struct table_plans *plans, size_t jobs, uint64_t seed,
                          int (*stop)(void *ctx), void *ctx, double *value);

/* ---- checkpoints ---- */

struct train_state {
    size_t step, best_step, validated; /* validated: the last step that was */
    double best, seconds;              /* best: validation metric; NaN: none yet */
    bool other_isa;                    /* it was saved with another instruction set */
    float *best_phi, *best_statistics;
};
struct run_files {
    char folder[1024], last[1100], previous[1100], best[1100], log[1100], manifest[1100];
};
t2m_status run_files_name(t2m *lib, const char *output, struct run_files *r);
t2m_status checkpoint_save(struct meta_step *s, const struct train_state *t,
                           const struct run_files *r);
/* Reads `last`, or `previous` if that is damaged. */
t2m_status checkpoint_load(struct meta_step *s, struct train_state *t, const struct run_files *r);

/* ---- the manifest: what was run, on what, with what (manifest.c) ---- */

struct run_times {
    char started[32], finished[32]; /* UTC; finished: "" while it runs */
    double seconds;
    size_t steps;
};
t2m_status manifest_write(const struct t2m_learner *l, const char *family,
                          const struct run_files *r, const struct run_times *times);
/* The manifest of a run that is gone on with: its settings must be the learner's. */
t2m_status manifest_check(const struct t2m_learner *l, const struct run_files *r,
                          struct run_times *times);
void manifest_now(char out[32]);

/* ---- a training ---- */

struct training {
    t2m *lib;
    const t2m_train_options *o;
    const t2m_family *family, *validation;
    struct t2m_learner *l;
    struct meta_step step;
    struct train_state state;
    struct run_files files;
    size_t steps, validation_every;
    double start, saved; /* seconds */
    struct run_times times;
    struct table_plans *judges; /* of tables, for validation */
    uint16_t *own;              /* of texts: see struct protocol */
};

/* The learner that t->o asks for: t->l, which the caller frees in any case. Refuses what does not
 * go together. */
t2m_status training_learner(struct training *t);
/* What the bits depend on, in words, to t->l->settings. */
void training_name_settings(struct training *t);

/* Mean and interval over the tasks of v of what the tuned models say (train.c). */
t2m_status evaluate_tuned(const struct evaluation *v, double *mean, double *ci95);

/* mask_calibrate.c: sets what the head of ridge regression adds to the logits so that the
 * intersection over union of validation tasks, of 1 and of 5 pictures, is as large as can be.
 * Classes of the training are met with more certainty than new ones, so this cannot be learned from
 * them. */
t2m_status masks_calibrate(struct training *t);

static inline size_t training_default(size_t given, size_t otherwise)
{
    return given ? given : otherwise;
}
