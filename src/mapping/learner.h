/* learner.h: step 3. A learner is a structure, a method (one row of the table) with its settings,
 * and one flat vector phi that meta-training changes: theta0, learned rates, encoder, decoder. */
#pragma once
#include "base/base.h"
#include "nn/nn.h"
#include "task/family.h"
#include "task/represent.h"

/* ---- methods: one loop, five settings ---- */

enum generate { GENERATE_SHARED /* theta0 */, GENERATE_HYPER /* from t */ };
enum head_kind { HEAD_LEARNED, HEAD_PROTOTYPES, HEAD_RIDGE };
enum tuned { TUNE_NOTHING, TUNE_WEIGHTS, TUNE_HEAD, TUNE_CONTEXT };
enum meta_gradient { META_EXACT, META_FIRST_ORDER, META_REPTILE };
enum norm_setting { NORM_RUNNING, NORM_SUPPORT, NORM_JOINT };

struct method {
    const char *name, *doc;
    enum generate generate;
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
const struct method *method_find(const char *name); /* NULL: no such */

/* ---- learners ---- */

enum { CONTEXT_SIZE = 5, DECODER_WIDTH = 64 };

struct t2m_learner {
    t2m *lib;
    const struct method *method;
    struct structure structure;
    enum family_kind kind;
    enum represent represent;
    int steps, eval_steps; /* of tuning */
    double rate;
    size_t ways, shots, queries; /* in training */
    struct layout layout;        /* of the structure */
    struct layout parts;         /* of phi: theta0 first, in the order of `layout` */
    float *phi, *statistics;     /* [parts.numel], [layout.statistics] */
    /* regression */
    char *target, **feature_names;
    double *x_mean, *x_scale, y_mean, y_scale;
    /* about */
    uint64_t seed, fingerprint;
    size_t trained_steps;
    char family[128], settings[512], results[256];
};

/* Makes phi's layout, and phi at its start. */
t2m_status learner_start(struct t2m_learner *l, uint64_t seed);
void learner_start_phi(const struct t2m_learner *l, uint64_t seed, uint64_t number, float *phi);
/* Means 0 and variances 1. */
void learner_start_statistics(const struct t2m_learner *l, float *statistics);
/* The part `name` of phi as a graph value. */
t2m_value learner_part(const struct t2m_learner *l, t2m_graph *g, t2m_value phi, const char *name);
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
};
struct episode_use {
    size_t supports, queries; /* examples */
    int64_t outputs;
    bool training, transductive;
    int steps;
};
/* Appends the whole of steps 1, 3, 4 and 5 for one task to e->g. */
void episode_graph_make(const struct t2m_learner *l, const struct episode_use *use,
                        struct episode_graph *e);

/* ---- memory of episodes and their metrics ---- */

/* Arrays for `count` episodes of this protocol, one after the other; freed by episodes_free. */
t2m_status episodes_new(t2m *lib, struct episode *e, const struct t2m_family *f,
                        const struct protocol *p, size_t count);
void episodes_free(t2m *lib, struct episode *e);
/* Episode k of such an array. */
struct episode episode_at(const struct episode *all, size_t k, size_t input_size);
/* Part of right answers, or mean squared error, of outputs y [queries, outputs]. */
double episode_metric(enum family_kind kind, const float *y, const float *truth, size_t queries,
                      size_t outputs);

/* ---- evaluation of many tasks (evaluate.c), also for validation in training ---- */

struct scores {    /* of one row: sums over the tasks, in their order */
    double *value; /* [tasks] */
    double milliseconds;
};
struct evaluation {
    const struct t2m_learner *l;
    const struct t2m_family *f;
    struct protocol protocol;
    size_t tasks;
    uint64_t seed;
    int steps;
    bool transductive;
    bool relative; /* errors as a root, in standard deviations of the targets of training */
    int (*progress)(void *ctx, const t2m_progress *p);
    int (*stop)(void *ctx); /* asked before each task; or NULL */
    void *ctx;
};
/* score [T2M_EVAL_ROWS], value arrays given by the caller (NULL where the row is not wanted). */
t2m_status evaluate(const struct evaluation *v, struct scores score[T2M_EVAL_ROWS]);
enum { ROW_SCRATCH, ROW_SHARED, ROW_WRONG, ROW_GENERATED, ROW_TUNED };
