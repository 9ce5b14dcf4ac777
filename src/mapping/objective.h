/* objective.h: the inside of objective.c: one task while its graph is made, its losses and heads
 * (task_heads.c). */
#pragma once
#include "generate/heads.h"
#include "mapping/learner.h"

struct task_ctx {
    const struct t2m_learner *l;
    const struct candidate *k; /* whose models these are */
    const struct episode_use *use;
    struct structure s; /* with this task's outputs */
    t2m_graph *g;
    struct episode_graph *e;
    struct decoder decoder;
    t2m_value theta;  /* theta0 */
    t2m_value code;   /* z, or null */
    t2m_value body;   /* theta0 as z changes it */
    t2m_value model;  /* full model vector before tuning */
    t2m_value given;  /* norm statistics in tuning; null: those of the support set */
    enum tuned tuned; /* what the numbers that are tuned now are; TUNE_NOTHING: a body */
};

/* A tensor of the candidate's share of phi. */
t2m_value task_part(struct task_ctx *c, const char *name);
bool task_has_classes(const struct task_ctx *c);
bool task_head_is_learned(const struct task_ctx *c);
/* x [n, in] -> [n, out] by a generator of phi. */
t2m_value task_generator(struct task_ctx *c, const char *const name[4], t2m_value x);
/* Mean loss [] of outputs against y. */
t2m_value task_loss(const struct task_ctx *c, t2m_value output, t2m_value y);
/* The head for the features h of the support set. */
struct head task_head(struct task_ctx *c, t2m_value h);
