/* task2model.h: deep learning maps inputs to outputs; meta-learning maps tasks to models. This
 * header is the whole public interface, and its manual. The five steps:
 *
 *   1. represent a task as a vector t        t2m_task_*, t2m_family_*
 *   2. represent a model as a vector m       t2m_model_vector, t2m_model_from_vector
 *   3. learn the mapping f(t) = m            t2m_train, t2m_learner_*
 *   4. generate a model that runs alone      t2m_build
 *   5. tune it on the task's own data        t2m_build
 *
 * The engine underneath (graphs, gradients, plans) is in task2model/graph.h.
 *
 * Rules. Out-parameters come first and are written only on success, unless said otherwise. Whoever
 * calls _open, _new or _build frees with the matching _free or _close; strings documented as
 * "caller frees" go to t2m_free; all else is borrowed and lives as long as the object that gave it.
 * The library never prints, exits or aborts. A handle and everything made from it belong to one
 * thread at a time; t2m_model_predict alone may run on many threads, each with its own prepared
 * model. */
#ifndef TASK2MODEL_H
#define TASK2MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define T2M_VERSION "0.1.0"
enum { T2M_VERSION_1 = 1, T2M_MAX_RANK = 8 };

/* ---- status: 0, or minus the exit code that the command returns ---- */
typedef enum t2m_status {
    T2M_OK = 0,
    T2M_EFAIL = -1,     /* a failure at run time */
    T2M_EUSAGE = -2,    /* a wrong argument or option */
    T2M_EDATA = -3,     /* bad input data */
    T2M_EMODEL = -4,    /* bad learner or model file */
    T2M_ENOMEM = -5,    /* out of memory, or over the limit that was set */
    T2M_EIO = -6,       /* the system refused to read or write; disk full */
    T2M_EDIVERGED = -7, /* training gave numbers that are not finite */
    T2M_ESELFTEST = -8, /* this processor computes wrongly */
    T2M_ECANCELLED = -9 /* the callback asked to stop */
} t2m_status;
const char *t2m_status_name(t2m_status status); /* "ok", "bad-data", ... */

/* ---- the library handle ---- */
typedef struct t2m t2m;

typedef struct t2m_allocator { /* all memory of the library; thread-safe if threads are used */
    void *(*allocate)(void *ctx, size_t size);
    void *(*resize)(void *ctx, void *old, size_t size); /* as realloc */
    void (*release)(void *ctx, void *p);
    void *ctx;
} t2m_allocator;

typedef struct t2m_io { /* all file access of the library; as the system calls, -1 and errno */
    int (*open)(void *ctx, const char *path, int flags, unsigned mode);
    int64_t (*read)(void *ctx, int fd, void *p, size_t n);
    int64_t (*write)(void *ctx, int fd, const void *p, size_t n);
    int (*sync)(void *ctx, int fd);
    int (*close)(void *ctx, int fd);
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *path);
    void *ctx;
} t2m_io;

typedef struct t2m_options {
    int version;                /* T2M_VERSION_1 */
    size_t threads;             /* 0: as many as this process may use */
    size_t max_memory;          /* bytes that loading one file may take; 0: 1 GiB */
    const char *isa;            /* "base", "avx2", "avx512"; NULL: as T2M_ISA says, or the best */
    const t2m_allocator *alloc; /* NULL: malloc */
    const t2m_io *io;           /* NULL: the system */
    bool profile;               /* measures the time of all plans: t2m_profile_print (graph.h) */
} t2m_options;
#define T2M_OPTIONS_INIT                                                                           \
    {                                                                                              \
        T2M_VERSION_1, 0, 0, 0, 0, 0, false                                                        \
    }

/* Chooses the kernels for this processor, tests them, starts the threads. options may be NULL.
 * T2M_ESELFTEST: the kernels compute wrongly here. On failure *out is NULL and `message` (may be
 * NULL), of 256 bytes, has the sentence. */
t2m_status t2m_open(t2m **out, const t2m_options *options, char *message);
void t2m_close(t2m *lib);               /* after everything made from it */
const char *t2m_errmsg(const t2m *lib); /* one sentence about the last failure, with the numbers */
const char *t2m_isa(const t2m *lib);
size_t t2m_threads(const t2m *lib);
void t2m_free(t2m *lib, void *p);

/* ---- step 1: tasks and families of tasks ---- */
typedef struct t2m_family t2m_family;   /* many tasks, to learn the mapping from */
typedef struct t2m_task t2m_task;       /* one task: examples with their targets */
typedef struct t2m_learner t2m_learner; /* the mapping f(t) = m with all it needs */
typedef struct t2m_model t2m_model;     /* a model that runs alone */

/* From now on this handle reads texts as the vectors of an encoder of the BERT family, a folder
 * with config.json, vocab.txt and model.safetensors as they are published (docs/texts.md): in
 * training, and wherever a learner or a model was made with this encoder. The handle keeps it.
 * T2M_EDATA, T2M_EMODEL: what the folder lacks. */
t2m_status t2m_encoder_use(t2m *lib, const char *folder);

typedef struct t2m_family_options {
    int version;                /* T2M_VERSION_1 */
    const char *target;         /* column; NULL: "target", else the last */
    size_t image_size;          /* pixels of a side; 0: 28 */
    size_t channels;            /* 1 grey, 3 colour; 0: as the first image */
    bool rotations;             /* adds each class turned by 90, 180 and 270 degrees */
    const char *split;          /* of masks: tasks are of the classes with this word in the column
                                   `split` of classes.csv; NULL: of all classes */
    const t2m_learner *learner; /* sizes, columns and scales as this learner has them; or NULL */
    bool tables;                /* CSVs are tables of any columns: for the method tables */
    /* of such tables: names of columns to leave out, which each must have; 1: targets are classes,
     * 0: values, -1: as docs/tables.md says */
    const char *const *ignore; /* [ignored] */
    size_t ignored;
    int classes;
} t2m_family_options;
#define T2M_FAMILY_OPTIONS_INIT                                                                    \
    {                                                                                              \
        T2M_VERSION_1, 0, 0, 0, false, 0, 0, false, 0, 0, -1                                       \
    }

/* Reads and joins the families at paths[n]: "builtin:NAME" ("builtin:tables": synthetic tables); a
 * CSV with a column `task`; a folder of CSVs; a folder or .zip of class folders, or of domains of
 * them, with PNG or JPEG images; one with pictures in images/ and masks in masks/, or with pairs
 * NAME.jpg and NAME.png in class folders (docs/masks.md); .npz with arrays images [n, h, w] or [n,
 * h, w, c] of bytes, labels [n] and, if there is, domain [n]; labelled texts as docs/texts.md has
 * them, each path a domain. A .tsv is read as a .csv is. T2M_EDATA names file, line, column or
 * image. Freed by t2m_family_free. options may be NULL. */
t2m_status t2m_family_open(t2m *lib, t2m_family **out, const char *const *paths, size_t n,
                           const t2m_family_options *options);
void t2m_family_free(t2m_family *f);
/* Whether a folder or .zip is pictures with masks, by the names of its files. */
bool t2m_holds_masks(t2m *lib, const char *path);
typedef struct t2m_family_info {
    const char *name;
    bool images, texts, masks;         /* masks: pictures with a class for each pixel */
    size_t tasks, features;            /* regression: tasks (0: endless), columns */
    bool any_columns;                  /* it is of tables, for the method tables */
    size_t tables;                     /* of those, but for synthetic ones */
    bool endless;                      /* as many tasks as are asked for: built-in families */
    size_t classes, domains, examples; /* images, texts, masks */
    size_t height, width, channels;
    size_t fewest; /* rows of the smallest task, examples of the smallest class; 0: endless */
} t2m_family_info;
void t2m_family_describe(const t2m_family *f, t2m_family_info *out);
/* Number i of the sentences about what is odd in the files but was read, such as the same text
 * under two labels, with file and line; NULL when there are no more. */
const char *t2m_family_warning(const t2m_family *f, size_t i);

typedef struct t2m_task_options {
    int version;        /* T2M_VERSION_1 */
    const char *target; /* column; NULL: as the learner has it; of tables "target", else the last */
    /* for learners of tables: names of columns to leave out; 1: the target is classes, 0: a value,
     * -1: as docs/tables.md says */
    const char *const *ignore; /* [ignored] */
    size_t ignored;
    int classes;
} t2m_task_options;
#define T2M_TASK_OPTIONS_INIT                                                                      \
    {                                                                                              \
        T2M_VERSION_1, 0, 0, 0, -1                                                                 \
    }
/* Reads one task for this learner: class folders (a folder or .zip), one CSV, or texts with labels
 * (docs/texts.md), of which CSVs are some where the learner is of texts; for a learner of tables a
 * .csv or .tsv of any columns, read by the rules of docs/tables.md. options may be NULL. T2M_EDATA
 * names file, line, column or image. */
t2m_status t2m_task_open(const t2m_learner *l, t2m_task **out, const char *path,
                         const t2m_task_options *options);
/* Columns of a table that the task has no numbers of: name and reason ("constant", "an identifier",
 * "ignored", "empty") of number i, borrowed; false when there are no more. */
bool t2m_task_dropped(const t2m_task *t, size_t i, const char **name, const char **why);
const char *t2m_task_warning(const t2m_task *t, size_t i); /* as t2m_family_warning */
/* Two tasks of the rows of one that was read from a table, by the same rules: *held has every
 * `every`-th row of each class (of values, every `every`-th row), *rest the others. T2M_EUSAGE: it
 * is not of a table, or `every` is below 2; T2M_EDATA: there are not so many rows. */
t2m_status t2m_task_split(const t2m_task *t, t2m_task **rest, t2m_task **held, size_t every);
/* The same from memory: x [n, numbers of one example] as the learner takes them (images: height,
 * width, channels, 0..1; rows: the columns, not scaled), y [n] values or class numbers, of masks as
 * t2m_task_y has them (classes get the ids 1, 2, ...), classes [n_classes] names (NULL for values).
 * All is copied. T2M_EUSAGE: a learner of tables has no columns of its own; use t2m_task_open. */
t2m_status t2m_task_new(const t2m_learner *l, t2m_task **out, const float *x, const float *y,
                        size_t n, const char *const *classes, size_t n_classes);
/* A task drawn from a family, as an episode is. */
t2m_status t2m_task_draw(const t2m_learner *l, t2m_task **out, const t2m_family *f, size_t ways,
                         size_t shots, uint64_t seed);
typedef struct t2m_episode_options {
    int version;                 /* T2M_VERSION_1 */
    size_t ways, shots, queries; /* ways: of images */
    uint64_t seed;               /* of all tasks */
    size_t number;               /* of this one */
} t2m_episode_options;
#define T2M_EPISODE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        T2M_VERSION_1, 0, 1, 1, 0, 0                                                               \
    }
/* Task `number` of those that t2m_eval draws with this seed: its examples, and other ones of the
 * same classes as a second task, to be predicted; query may be NULL. */
t2m_status t2m_episode_draw(const t2m_learner *l, t2m_task **support, t2m_task **query,
                            const t2m_family *f, const t2m_episode_options *options);
void t2m_task_free(t2m_task *t);
const char *t2m_task_name(const t2m_task *t); /* of a drawn one; else "" */
size_t t2m_task_examples(const t2m_task *t);
size_t t2m_task_classes(const t2m_task *t);              /* 0: values */
const char *t2m_task_class(const t2m_task *t, size_t i); /* name, or NULL */
/* The examples of the task in the learner's scales, borrowed. Of a table raw, NaN where nothing is
 * known; of masks y [examples, height, width]: 1 + the class's number, 0 none, -1 not known. */
const float *t2m_task_x(const t2m_task *t);
const float *t2m_task_y(const t2m_task *t);
/* The same as t2m_task_new takes them. */
void t2m_task_values(const t2m_task *t, float *x, float *y);
typedef struct t2m_column {
    const char *name;   /* borrowed of the learner; of a table, of the task */
    const char *source; /* of a table: the column of the file that the number was made from */
    double mean, sd, correlation; /* in the data's units; with the target, 0 if one is constant, NaN
                                     if it is classes. Of a table, over the rows that are known */
} t2m_column;
/* Columns of a task of rows, the target last, unless it is classes: number i into *out; false when
 * there are no more. */
bool t2m_task_column(const t2m_learner *l, const t2m_task *t, size_t i, t2m_column *out);

/* ---- step 3: learn the mapping ---- */
typedef struct t2m_progress {
    size_t step, steps;
    double loss, metric;                /* of the step; metric: accuracy, or squared error */
    double validation, validation_ci95; /* mean over the tasks, half-width; NaN: none now */
    double seconds;
    const char *event; /* "step", "validation"; "thresholds": those of masks are set; "other-isa":
                          resumed with another instruction set, so the last bits will differ */
} t2m_progress;

typedef struct t2m_train_options {
    int version;           /* T2M_VERSION_1 */
    const char *output;    /* file of the learner; OUTPUT.run/ holds checkpoints; NULL: no files */
    const char *method;    /* NULL: "ridge" for rows and texts, "protonet" for images, "tables" */
    const char *structure; /* NULL: that of `from`, or "mlp:40,40", "conv4:64", "kernel:256,32,32",
                                "text:16384,4096,64", of vectors "metric:64" */
    const t2m_learner *from; /* start from the parts that this learner has too; NULL: at random */
    const char *represent;   /* "set" or "concat", for hyper; NULL: "set" */
    size_t ways, shots, queries;  /* 0: 5, 1 (rows: 10), 15 (rows: 10) */
    size_t steps;                 /* meta-steps; 0: 10000 */
    double minutes;               /* stop after so long; 0: no limit */
    size_t meta_batch;            /* tasks a meta-step; 0: 4 (rows: 25) */
    int inner_steps, eval_steps;  /* of tuning; -1: as the method has them */
    double inner_rate, meta_rate; /* 0: as the method has them */
    uint64_t seed;
    const t2m_family *validation; /* NULL: other episodes of the training family */
    size_t validation_tasks;      /* 0: 200 */
    size_t validation_ways;       /* 0: as in training, at most 5 */
    const char *decode; /* how weights are made from t: "bases" or "all"; NULL: the method's */
    const char *tune;   /* "code", "weights" or "both"; NULL: as the method has it */
    bool resume, force, within_domain;
    bool scale_by_task; /* rows: each task in units of its own examples, not of the family */
    double augment; /* 0 to 4: images are bent, if in colour cropped and coloured, so strongly; 1 is
                       usual. Of texts 0.3 times this part of the features is left out */
    /* Called after each meta-step; not zero: save and stop with T2M_ECANCELLED. */
    int (*progress)(void *ctx, const t2m_progress *p);
    void *ctx;
    /* Asked before each task, by any thread; not zero: as above, without the unfinished step. */
    int (*stop)(void *ctx); /* or NULL */
    size_t max_memory; /* bytes of this process in all; 0: any. To keep to it values are computed
                          again, and workers are fewer: the same bits, later. Not of tables */
} t2m_train_options;
#define T2M_TRAIN_OPTIONS_INIT                                                                     \
    {                                                                                              \
        T2M_VERSION_1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, false,     \
            false, false, false, 0, 0, 0, 0, 0                                                     \
    }

typedef struct t2m_train_result {
    size_t steps, best_step;
    double validation, seconds;
    double outside; /* part of the threads' time in meta-steps not in plans; NaN: not known */
    size_t workers; /* tasks, or blocks of small ones, that were worked on at once */
    double again;   /* work for values that were not kept, as a part of all other work */
} t2m_train_result;

/* Meta-training: steps 1, 3, 4 and 5 as one graph, its gradient, and Adam (Kingma and Ba 2015). The
 * same seed gives the same learner for any number of threads, and after any interruption. *out (may
 * be NULL) is the best on validation. T2M_EDIVERGED: the loss is not finite. */
t2m_status t2m_train(t2m *lib, t2m_learner **out, const t2m_family *family,
                     const t2m_train_options *options, t2m_train_result *result);

t2m_status t2m_learner_open(t2m *lib, t2m_learner **out, const char *path);
t2m_status t2m_learner_save(const t2m_learner *l, const char *path, bool force);
void t2m_learner_free(t2m_learner *l);
typedef struct t2m_learner_info {
    const char *method, *family, *settings, *target, *results;
    char structure[256];
    bool images, tables, texts, masks;
    size_t parameters, ways, shots, trained_steps, features, height, width, channels;
    bool ways_fixed; /* models have a head for so many classes, no other number */
    int inner_steps, eval_steps;
    double inner_rate;
    uint64_t seed;
} t2m_learner_info;
void t2m_learner_describe(const t2m_learner *l, t2m_learner_info *out);

/* Number i of the methods, for lists; false when there are no more. */
bool t2m_method_describe(size_t i, const char **name, const char **doc);

/* ---- steps 4 and 5: generate a model for a task, and tune it ---- */
typedef struct t2m_build_options {
    int version;                /* T2M_VERSION_1 */
    int steps;                  /* of tuning; -1: as the learner has them; 0: none */
    size_t max_bytes, max_macs; /* of the model's file; of one prediction; 0: any */
} t2m_build_options;
#define T2M_BUILD_OPTIONS_INIT                                                                     \
    {                                                                                              \
        T2M_VERSION_1, -1, 0, 0                                                                    \
    }

enum { T2M_STRUCTURES = 8, T2M_STAGES = 64 };
typedef struct t2m_structure_report {
    char structure[96];
    size_t bytes, macs; /* of the model's file; multiplications and additions of one prediction */
    double weight;      /* 0..1, all together 1; NaN: the learner has only this one */
    bool left_out;      /* too large for what was asked */
} t2m_structure_report;

typedef struct t2m_build_report {
    double milliseconds[5]; /* 1: NaN, the caller read the task; 2: room for m; 3: the steps as one
                               program; its run: 4, or 5 if there is tuning, the other being NaN */
    double loss_generated, loss_tuned; /* on the task's own examples */
    int steps;
    size_t structures, chosen; /* chosen: the model's; see t2m_method_describe for who chooses */
    t2m_structure_report structure[T2M_STRUCTURES]; /* the smallest first */
    /* Stages that the chosen one was chosen from, by how badly each example is foretold from the
     * others, in nats an example: as generated, shared parameters (with their learned handicap),
     * after each step on the code, after each on the weights. None: the method has no such score,
     * or the number of steps was given. */
    size_t stages, chosen_stage;
    size_t code_steps; /* of the steps; the others are on the weights */
    double stage[T2M_STAGES];
} t2m_build_report;
/* A model for the task. T2M_EUSAGE: no structure is as small as asked. */
t2m_status t2m_build(const t2m_learner *l, t2m_model **out, const t2m_task *task,
                     const t2m_build_options *options, t2m_build_report *report);
/* The task vector t [*n], freed by t2m_free. T2M_EUSAGE: the method makes none; of masks all do. */
t2m_status t2m_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n);
enum { T2M_NEAREST = 3 };
typedef struct t2m_likeness {
    size_t nearest; /* how many are named */
    const char
        *name[T2M_NEAREST]; /* tasks of the training, nearest first; borrowed of the learner */
    /* root mean square of the differences of t, each number in standard deviations over the tasks
     * of the training */
    double distance[T2M_NEAREST];
    double
        percentile; /* 0..1: part of them that are nearer to another one than this task is to any */
    bool unlike;    /* nearly all are: expect little of the learner here */
} t2m_likeness;
/* Task i of those of its training that the learner keeps: name and t [*n], borrowed; false when
 * there are no more. */
bool t2m_learner_known(const t2m_learner *l, size_t i, const char **name, const float **t,
                       size_t *n);
/* The task of the vector t [n] beside those of the training. T2M_EUSAGE if t is not of this
 * learner, or it keeps none. */
t2m_status t2m_task_likeness(const t2m_learner *l, const float *t, size_t n, t2m_likeness *out);

/* ---- models run alone ---- */
t2m_status t2m_model_open(t2m *lib, t2m_model **out, const char *path);
t2m_status t2m_model_save(const t2m_model *m, const char *path, bool force);
void t2m_model_free(t2m_model *m);
t2m_status t2m_model_bytes(const t2m_model *m, size_t *bytes); /* of its file */
typedef struct t2m_model_info {
    char structure[256];
    const char *method, *target; /* target: NULL for classes */
    size_t parameters, inputs, outputs, height, width, channels;
    bool table;   /* it takes columns of tables by name: t2m_model_feature */
    bool text;    /* it takes texts: t2m_model_line */
    bool masks;   /* it answers for each pixel: t2m_model_segment */
    bool several; /* each class may be there or not: outputs are probabilities of their own */
} t2m_model_info;
void t2m_model_describe(const t2m_model *m, t2m_model_info *out);
size_t t2m_model_classes(const t2m_model *m);                /* 0: values */
const char *t2m_model_class(const t2m_model *m, size_t i);   /* name */
int t2m_model_class_id(const t2m_model *m, size_t i);        /* in masks, 1..254; else -1 */
const char *t2m_model_feature(const t2m_model *m, size_t i); /* column name, or NULL */
/* Step 2. The model vector m [*n]: structure code, parameters, norm statistics; without loss. */
t2m_status t2m_model_vector(const t2m_model *m, float **vector, size_t *n);
/* The model of a vector; names and scales as in `like`. Equal vectors give equal bytes in files. */
t2m_status t2m_model_from_vector(const t2m_model *like, t2m_model **out, const float *vector,
                                 size_t n);
/* Vectors, of tasks or of models, as a .npy file of float32 [rows, columns]; a single row has the
 * shape [columns]. Refuses to replace a file unless force. */
t2m_status t2m_vectors_save(t2m *lib, const char *path, const float *x, size_t rows, size_t columns,
                            bool force);
/* The numbers of such a file [*n]; caller frees with t2m_free. */
t2m_status t2m_vectors_open(t2m *lib, float **x, size_t *n, const char *path);
/* Root mean square of the differences of two models of the same structure; T2M_EUSAGE else. */
t2m_status t2m_model_distance(const t2m_model *a, const t2m_model *b, double *out);
/* The model on the way from a (part = 0) to b (1), of the same structure; names and scales as in a.
 */
t2m_status t2m_model_between(const t2m_model *a, const t2m_model *b, double part, t2m_model **out);
/* The same model with one more class, `name`, from the examples that have this name at the path, or
 * with one less; all others stay as they are. Of models of pictures or texts by protonet or ridge.
 * By ridge the new class is solved against the means of the others, which the model keeps. */
t2m_status t2m_model_add(const t2m_model *m, t2m_model **out, const char *path, const char *name);
t2m_status t2m_model_remove(const t2m_model *m, t2m_model **out, const char *name);
/* Makes ready for up to n inputs a call. After this, predict neither allocates nor reads. */
t2m_status t2m_model_prepare(t2m_model *m, size_t n);
/* x [n, inputs], n as prepared or less -> y [n, outputs]: probabilities of the classes, or a value;
 * of masks [n, height, width, classes], whose rest is that of no class.
 * An input's answer does not depend on its neighbours. */
t2m_status t2m_model_predict(t2m_model *m, const float *x, size_t n, float *y);
/* The same, and none [n] gets the probability that the input is of none of the classes, if half of
 * what comes is; NaN of models that do not know (those of texts do). It may be NULL. */
t2m_status t2m_model_judge(t2m_model *m, const float *x, size_t n, float *y, float *none);
typedef struct t2m_segmentation { /* of a picture, at its own size */
    size_t height, width, channels;
    unsigned char *picture; /* [height, width, channels], 1 (grey) or 3 */
    unsigned char *mask;    /* [height, width] the id of the pixel's class, or 0 */
} t2m_segmentation;
/* The class of each pixel of the picture in this file (PNG or JPEG), for models of masks that are
 * prepared: the most likely one, or none; probabilities between the model's pixels are bilinear.
 * The caller frees both arrays with t2m_free. T2M_EDATA: what is wrong with the file. */
t2m_status t2m_model_segment(t2m_model *m, const char *path, t2m_segmentation *out);
/* Of models of values that know it: y +- half_width[0] holds the truth in 80 % of the cases,
 * half_width[1] in 95 %. False: not known. */
bool t2m_model_interval(const t2m_model *m, double half_width[2]);
/* Inputs for the model from files: images, CSVs, or texts (docs/texts.md). Caller frees *x with
 * t2m_free; *n examples. */
t2m_status t2m_model_read(const t2m_model *m, const char *path, float **x, size_t *n);
typedef struct t2m_line {  /* of a stream */
    const char *text;      /* [length] bytes; its newline may be there still */
    size_t length, number; /* number: from 1, for messages */
} t2m_line;
/* The input x [inputs] from one line, for models of texts: a text, or a JSON object with a member
 * "text". T2M_EDATA: bytes that are no UTF-8, NUL, no such object. */
t2m_status t2m_model_line(const t2m_model *m, const t2m_line *line, float *x);

/* ---- files ---- */

/* Writes a file, whole or not at all. Refuses to replace one unless force. */
t2m_status t2m_file_save(t2m *lib, const char *path, const void *bytes, size_t n, bool force);
/* The PNG [*n] of pixels [height, width, channels], 1 (grey) or 3; caller frees with t2m_free. */
t2m_status t2m_png_encode(t2m *lib, unsigned char **png, size_t *n, const unsigned char *pixels,
                          size_t height, size_t width, size_t channels);
/* The same of numbers [height, width] of the colours [colours, 3], 1 to 256 of them: a mask. */
t2m_status t2m_png_encode_palette(t2m *lib, unsigned char **png, size_t *n,
                                  const unsigned char *numbers, size_t height, size_t width,
                                  const unsigned char *colour, size_t colours);

/* ---- evaluation ---- */
typedef struct t2m_eval_options {
    int version; /* T2M_VERSION_1 */
    /* 0: as in training; rows: 100 queries. Of tables: classes, rows to learn from, rows to be
     * judged by; 0: as the family's own tables have them, of several sizes */
    size_t ways, shots, queries;
    size_t tasks; /* 0: 1000 */
    uint64_t seed;
    int steps; /* of tuning; -1: as the learner has them */
    bool transductive, within_domain;
    int (*progress)(void *ctx, const t2m_progress *p);
    void *ctx;
    int (*stop)(void *ctx); /* as in training */
} t2m_eval_options;
#define T2M_EVAL_OPTIONS_INIT                                                                      \
    {                                                                                              \
        T2M_VERSION_1, 0, 0, 0, 0, 0, -1, false, false, 0, 0, 0                                    \
    }

enum { T2M_EVAL_ROWS = 5 };
typedef struct t2m_eval_row {
    const char *name; /* scratch, shared, wrong-task, generated, tuned */
    bool present;
    double mean, ci95, ms_per_task; /* ci95: half-width, 1.96 s / sqrt(tasks) */
    double log_loss;                /* mean, in nats: of classes of tables; else NaN */
    double dice, dice_ci95;         /* of masks; else NaN */
    size_t bytes;
    const char *note; /* why it is not present; or NULL */
} t2m_eval_row;
typedef struct t2m_eval_result {
    /* "accuracy"; of masks "iou", intersection over union, mean over a task's classes; "mse" for
     * built-in families; else "nrmse": the root of a task's mean squared error in standard
     * deviations of the targets of the training family; of tables, of the task's support set */
    const char *metric;
    const char *kind; /* of tables: what the tasks are, "classification" or "regression"; or NULL */
    size_t ways, shots, queries, tasks; /* of tables 0 if they differ */
    uint64_t seed;
    size_t structures; /* of the learner */
    char structure[T2M_STRUCTURES][96];
    double share[T2M_STRUCTURES]; /* part of the tasks whose model got it */
    t2m_eval_row row[T2M_EVAL_ROWS];
    t2m_eval_row control; /* of masks "naive-bayes", of the support's colours and places */
} t2m_eval_result;
/* Accuracy or error of the learner on tasks of the family, beside the controls. Tasks of tables are
 * of classes, unless all tables of the family have values; in the row wrong-task what is made from
 * t and the tokens of columns and rows comes from another task of the same size, while the layers'
 * units, the tuning and the head take the task's own rows. */
t2m_status t2m_eval(const t2m_learner *l, const t2m_family *f, const t2m_eval_options *options,
                    t2m_eval_result *out);

#ifdef __cplusplus
}
#endif
#endif
