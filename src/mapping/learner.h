/* learner.h: step 3. A learner is one structure or several candidates, a method (one row of the
 * table) with its settings, and one flat vector phi that meta-training changes: for each structure
 * theta0, learned rates, encoder, decoder; then what weighs the structures. */
#pragma once
#include <stdatomic.h>

#include "base/base.h"
#include "generate/decode.h"
#include "nn/nn.h"
#include "task/family.h"
#include "task/represent.h"
#include "task/vocabulary.h"

/* ---- methods: one loop, five settings ---- */

enum head_kind {
    HEAD_LEARNED, /* part of theta0; of pictures, where t is used: generated for each class */
    HEAD_PROTOTYPES,
    HEAD_RIDGE,
    HEAD_CLOSED /* prototypes of classes, ridge regression of values; made anew for each body */
};
enum tuned { TUNE_NOTHING, TUNE_WEIGHTS, TUNE_HEAD, TUNE_CODE, TUNE_CODE_THEN_WEIGHTS };
enum meta_gradient { META_EXACT, META_FIRST_ORDER, META_REPTILE };
enum norm_setting { NORM_RUNNING, NORM_SUPPORT, NORM_JOINT };

struct method {
    const char *name, *doc;
    unsigned represent; /* parts of t, from which the code z is made; 0: z = 0, no t */
    enum decode decode; /* what z changes */
    enum head_kind head;
    enum tuned tuned;
    bool learned_rates;
    enum meta_gradient meta;
    enum norm_setting norm; /* in training */
    int steps;              /* of tuning, in training */
    double rate, meta_rate;
};
extern const struct method methods[];
extern const size_t method_count;
extern const char *const decode_names[4]; /* of enum decode */
extern const char *const tuned_names[5];  /* of enum tuned */
/* Number of the name in the list [n], or n. */
size_t name_find(const char *const *list, size_t n, const char *name);
const struct method *method_find(const char *name); /* NULL: no such */
/* Settings that a learner of the method may have: its own, and other ways to change all weights, or
 * one of two things to tune. */
bool method_may_decode(const struct method *m, enum decode decode);
bool method_may_tune(const struct method *m, enum tuned tuned);

/* ---- learners ---- */

enum { DECODER_WIDTH = 64, MAX_CANDIDATES = 8, STRUCTURES_TEXT = 256 };

struct candidate { /* a structure that models may have, and its share of phi and the statistics */
    struct structure structure;
    struct layout layout;     /* of model vectors */
    struct layout parts;      /* of its share of phi: theta0 first, in the order of `layout` */
    size_t at, statistics_at; /* where its shares begin */
};

struct t2m_learner {
    t2m *lib;
    const struct method *method;
    size_t candidates;
    struct candidate *candidate; /* by size, the smallest first */
    enum family_kind kind;
    unsigned represent;    /* parts of t */
    enum decode decode;    /* what z changes */
    enum tuned tuned;      /* what tuning changes */
    int steps, eval_steps; /* of tuning */
    double rate;
    bool by_task;                /* rows in units of their own support set: scale.h */
    size_t ways, shots, queries; /* in training */
    struct layout chooser;       /* behind the candidates in phi; of several */
    size_t numel, norms;         /* numbers of phi, of the norm statistics */
    float *phi, *statistics;     /* [numel], [norms] */
    /* of texts: their vocabulary, or the fingerprint of the encoder whose vectors they are */
    struct vocabulary *vocabulary; /* else NULL */
    uint64_t encoder;              /* else 0 */
    /* regression */
    char *target, **feature_names;
    double *x_mean, *x_scale, y_mean, y_scale;
    /* tasks of the training, to compare new ones with; of methods that make t */
    size_t known;
    float *known_t;    /* [known, numbers of t] */
    char **known_name; /* [known] */
    /* about */
    uint64_t seed, fingerprint;
    size_t trained_steps;
    char family[128], settings[900], results[256];
};

/* The candidates from a text such as "linear+mlp:16", for inputs and outputs as in `like`. */
t2m_status learner_structures(struct t2m_learner *l, const char *text,
                              const struct structure *like);
void learner_structures_text(const struct t2m_learner *l, char out[STRUCTURES_TEXT]);
/* The smallest structure: what all have in common is their inputs and outputs. */
const struct structure *learner_structure(const struct t2m_learner *l);
size_t learner_input_size(const struct t2m_learner *l); /* numbers of one example */
/* Sets the method, and what the learner has of its row. */
void learner_method(struct t2m_learner *l, const struct method *m);
/* Makes phi's layout, and room for it and the statistics. */
t2m_status learner_room(struct t2m_learner *l);
/* The same, and phi at its start. */
t2m_status learner_start(struct t2m_learner *l, uint64_t seed);
void learner_start_phi(const struct t2m_learner *l, uint64_t seed, uint64_t number, float *phi);
/* Rounds what the layout calls coarse, so that its file is small. */
void learner_round(struct t2m_learner *l);
/* Takes the parts of phi that both have, and the norm statistics, from another learner of the same
 * structures. */
t2m_status learner_copy(struct t2m_learner *l, const struct t2m_learner *from);
/* Numbers of theta0: the body, and the head where it is learned. */
size_t learner_theta(const struct t2m_learner *l, const struct candidate *c);
bool learner_ways_fixed(const struct t2m_learner *l); /* the head is for so many classes only */
/* Two layers and a way past them; the names of their tensors. */
extern const char *const code_generator[4], *const class_generator[4], *const choice_generator[4];
/* x [n, in] -> [n, out] by the generator of that name, whose tensors lie in `parts` of phi. */
t2m_value generator_run(t2m_graph *g, const struct layout *parts, t2m_value phi,
                        const char *const name[4], t2m_value x);
/* Numbers of any size into -1 .. 1, which generators take. */
t2m_value generator_squash(t2m_graph *g, t2m_value x);
/* Tuning stops where the score on the support set, each example left out once, is best. */
bool learner_chooses(const struct t2m_learner *l);
/* How tasks are represented, for the models of one candidate. */
struct representation learner_representation(const struct t2m_learner *l,
                                             const struct candidate *c);
/* Numbers of t, that of the largest candidate; 0 if none is made. */
size_t learner_t_size(const struct t2m_learner *l);
/* Means 0 and variances 1. */
void learner_start_statistics(const struct t2m_learner *l, float *statistics);
void learner_protocol(const struct t2m_learner *l, struct protocol *p); /* as in training */

/* ---- one task as a graph ---- */

struct episode_graph {
    t2m_graph *g;
    /* inputs */
    t2m_value phi, statistics, x_support, y_support, x_query, y_query;
    /* results */
    t2m_value loss;                     /* [] of the query set */
    t2m_value t;                        /* task vector, or null */
    t2m_value shared, generated, tuned; /* query outputs [queries, outputs]; shared may be null */
    t2m_value m_generated, m_tuned;     /* model vectors [parameters] */
    t2m_value norm;                     /* norm statistics that go with m_tuned, or null */
    t2m_value seen;            /* of the joint batch in training, for the running ones, or null */
    t2m_value support_loss[2]; /* of the generated and the tuned model */
    t2m_value reptile;         /* theta0 - tuned weights, spread over phi */
    t2m_value features;        /* [supports, features] where nothing is tuned; else null */
    t2m_value later;           /* [3] of ridge regression of classes: heads.h; else null */
    /* of learners that choose, else null */
    t2m_value score[3];  /* shared, generated, last: as the choice sees them */
    t2m_value surprise;  /* [supports] of the chosen stage: nats, each example left out */
    t2m_value stages;    /* [stages] the scores of all: generated, shared, after each step */
    t2m_value structure; /* [] number of the chosen candidate */
    t2m_value weights;   /* [candidates] of the structures, sum 1; of one that is left out 0 */
};
struct episode_use {
    size_t supports, queries; /* examples */
    int64_t outputs;
    bool training, transductive;
    int steps;   /* of tuning; of each kind, if there are two */
    bool choose; /* the best of all steps by the score on the support set, not the last one */
    const bool *left_out; /* [candidates] not to be chosen; NULL: none */
};
/* Appends the whole of steps 1, 3, 4 and 5 for one task to e->g. */
t2m_status episode_graph_make(const struct t2m_learner *l, const struct episode_use *use,
                              struct episode_graph *e);

/* Makes e, the results of the whole, from those of each candidate, one[candidates] (choice.c). */
void choose_structure(const struct t2m_learner *l, const struct episode_use *use,
                      struct episode_graph *e, struct episode_graph *one);

/* ---- memory of episodes and their metrics ---- */

/* Arrays for `count` episodes of this protocol, one after the other; freed by episodes_free. */
t2m_status episodes_new(t2m *lib, struct episode *e, const struct t2m_family *f,
                        const struct protocol *p, size_t count);
void episodes_free(t2m *lib, struct episode *e);
/* Episode k of such an array. */
struct episode episode_at(const struct episode *all, size_t k, const struct episode_size *s);
/* The intersection of what is said and what is there by their union, over all the pixels, mean over
 * the classes that are there; y [pixels, classes] logits, truth [pixels] labels, below 0 not to be
 * counted. *dice (may be NULL): the same of twice the intersection by the sum. */
double masks_metric(const float *y, const float *truth, size_t pixels, size_t classes,
                    double *dice);
/* Part of right answers, or mean squared error, of outputs y [queries, outputs]. */
double episode_metric(enum family_kind kind, const float *y, const float *truth,
                      const struct episode_size *s);

/* Whether jobs are to be left out from now on: *stopped is set, or `stop` (NULL: never) says so,
 * which sets it. */
bool asked_to_stop(int (*stop)(void *ctx), void *ctx, atomic_bool *stopped);

/* ---- tasks beside tasks (likeness.c) ---- */

enum { KNOWN_TASKS = 100 };
/* Makes room for the known tasks. */
t2m_status likeness_room(struct t2m_learner *l, size_t known);
/* Names the known task i; new lines in the name become spaces. */
t2m_status likeness_name(struct t2m_learner *l, size_t i, char *name);
/* Draws tasks as in training, represents them, keeps their t and names. */
t2m_status likeness_learn(struct t2m_learner *l, const struct t2m_family *f,
                          const struct protocol *p);

/* ---- evaluation of many tasks (evaluate.c), also for validation in training ---- */

/* Tasks go to the workers in portions, so that progress can be shown and the work stopped. */
struct task_loop {
    t2m *lib;
    size_t tasks;
    size_t first;   /* of the portion: job k of it is task first + k */
    size_t workers; /* at once */
    void (*job)(void *ctx, size_t job, size_t worker);
    void *job_ctx;
    int (*progress)(void *ctx, const t2m_progress *p);
    int (*stop)(void *ctx); /* a job asks with asked_to_stop */
    void *ctx;
    atomic_bool stopped;
};
t2m_status task_loop_run(struct task_loop *loop); /* T2M_ECANCELLED: it was stopped */
/* Mean and interval of x [n]. */
void evaluate_sum(const double *x, size_t n, t2m_eval_row *row);

struct scores {    /* of one row: sums over the tasks, in their order */
    double *value; /* [tasks] */
    double *dice;  /* [tasks] of masks; or NULL */
    double milliseconds;
};
struct evaluation {
    const struct t2m_learner *l;
    const struct t2m_family *f;
    struct protocol protocol;
    size_t tasks;
    uint64_t seed;
    int steps;
    bool choose; /* as in episode_use */
    bool transductive;
    bool relative;     /* errors as a root, in standard deviations of the targets of training */
    size_t max_memory; /* bytes that the process may take; 0: any */
    int (*progress)(void *ctx, const t2m_progress *p);
    int (*stop)(void *ctx); /* asked before each task; or NULL */
    void *ctx;
};
enum { ROW_SCRATCH, ROW_SHARED, ROW_WRONG, ROW_GENERATED, ROW_TUNED, ROW_CONTROL, SCORED_ROWS };
/* score: value arrays given by the caller (NULL where the row is not wanted; ROW_CONTROL is of
 * masks alone). chosen [candidates]: to each is added how often tasks chose it; or NULL. */
t2m_status evaluate(const struct evaluation *v, struct scores score[SCORED_ROWS], size_t *chosen);
extern const char *const row_names[T2M_EVAL_ROWS];
