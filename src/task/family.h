/* family.h: step 1. A family is many tasks; an episode is one of them with a support and a query
 * set. Families are numbers in memory: rows of features with a value (regression), or images by
 * class. Episodes are drawn by number from counter-based random streams, so episode k is the same
 * whenever and wherever it is drawn. Called by mapping. */
#pragma once
#include "base/base.h"
#include "base/random.h"
#include "nn/nn.h"
#include "task2model.h"

enum family_kind {
    FAMILY_NONE,
    FAMILY_REGRESSION,
    FAMILY_IMAGES,
    FAMILY_TABLES,
    FAMILY_TEXTS,
    FAMILY_MASKS
};
/* Tasks are some classes, and some examples of each. */
static inline bool kind_has_classes(enum family_kind kind)
{
    return kind == FAMILY_IMAGES || kind == FAMILY_TEXTS || kind == FAMILY_MASKS;
}
struct data_table; /* tables.h */
struct bag;        /* vocabulary.h */
struct vocabulary;

struct regression_task {
    char *name;
    size_t rows;
    double *x, *y; /* [rows, features], [rows] */
};

struct example_class {
    char *name;
    size_t domain, count;
    unsigned char *pixels; /* [count, height, width, channels]; of images */
    struct bag *text;      /* [count]; of texts */
    float *vector;         /* [count, channels]; of texts as vectors */
    /* of masks: which pictures have it [count], and what it is called in their labels */
    uint32_t *picture;
    unsigned char id;
    bool left_out; /* not to be a task: another part of the classes was asked for */
};

struct builtin { /* a family made by a formula */
    const char *name;
    double low, high, noise; /* x ~ U[low, high] */
    /* Draws a task: its curve's numbers. */
    void (*draw)(struct random *r, double curve[4]);
    double (*value)(const double curve[4], double x);
    void (*formula)(const double curve[4], char *out, size_t size); /* as text */
};
const struct builtin *builtin_find(const char *name); /* NULL: no such */
void builtin_names(char out[128]);

struct t2m_family {
    t2m *lib;
    enum family_kind kind;
    char *name, *target;
    uint64_t fingerprint; /* of the data */
    /* regression */
    const struct builtin *builtin;
    size_t features, tasks;
    char **feature_names;
    struct regression_task *task;
    double *x_mean, *x_scale, y_mean, y_scale; /* over all rows; 0 and 1 for built-in families */
    /* tables */
    bool prior;       /* synthetic ones too: builtin:tables */
    double real_part; /* of the tasks, where there are both */
    size_t tables;
    struct data_table *table;
    /* images; texts: inputs are [1, width, channels] */
    size_t height, width, channels, classes, domains;
    struct example_class *class;
    /* pictures with masks: a label is the id of a class of the picture's domain, 0 background,
     * MASK_IGNORE */
    size_t pictures;
    unsigned char *pixels; /* [pictures, height, width, channels] */
    unsigned char *labels; /* [pictures, height, width] */
    size_t warnings;
    char **warning; /* of texts: sentences about what is odd in their files */
};

static inline size_t family_places(const struct t2m_family *f) /* pixels of a picture */
{
    return f->height * f->width;
}

struct family_options {
    const char *target;
    size_t height, width, channels; /* 0: 28, 28, as the first image */
    bool rotations;
    const char *split; /* of masks: the part of the classes that tasks are of; NULL: all */
    bool vectors;      /* texts are vectors of the handle's encoder */
    bool texts;        /* CSVs are texts: in a column of that name, with a label */
    bool tables;       /* CSVs are tables of any columns, not tasks of one family */
    /* of those: names of columns to leave out; -1 find out, 0 values, 1 classes */
    const char *const *ignore;
    size_t ignored;
    int classes;
    size_t features; /* columns wanted, in this order; 0: as the file has them */
    const char *const *feature_names;
};
/* t2m_family_open, in terms of this layer. */
t2m_status family_open(t2m *lib, t2m_family **out, const char *const *paths, size_t n,
                       const struct family_options *o);

/* The class of this name among those from number `from` on, or a new one without examples; NULL:
 * memory is out. */
struct example_class *family_class(struct t2m_family *f, const char *name, size_t from);
/* Room for one more picture or vector of the class; NULL: memory is out. */
unsigned char *family_picture(struct t2m_family *f, struct example_class *c);
float *family_vector(struct t2m_family *f, struct example_class *c);

/* Fills in the means and scales. */
t2m_status family_measure(struct t2m_family *f);

struct protocol {                /* how episodes are drawn */
    size_t ways, shots, queries; /* of each class; ways = 1 for regression. Of masks: shots and
                                    queries pictures in all */
    bool fewer; /* of masks: any number of shots up to that, the other pictures having no labels */
    bool even_queries; /* built-in families: query x equally spaced over the range */
    bool within_domain;
    bool by_task;   /* rows in units of their own support set */
    double augment; /* images bent at random, so strongly: augment.h; of texts, in units of
                       TEXT_DROP, the part of their features that an episode goes without; 0: not */
    /* of texts: of the learner */
    const struct vocabulary *vocabulary;
    size_t slots;
    const uint16_t *own; /* [classes, words] texts of each class of the family that have the word,
                            so that an episode can be drawn as if its classes were new; or NULL */
};

struct episode {              /* float arrays of fixed size for a protocol */
    size_t supports, queries; /* examples */
    float *x_support, *y_support, *x_query, *y_query;
    double *unit;  /* [1] of y, in those of the family; NULL: not wanted */
    char *name;    /* [EPISODE_NAME] gets what the task is called; NULL: not wanted */
    size_t *class; /* [ways] gets the numbers of its classes in the family; NULL: not wanted */
};
enum { EPISODE_NAME = 96 };

/* How large the arrays of an episode are: examples, and numbers of one. */
struct episode_size {
    size_t supports, queries, input, target;
    size_t outputs; /* of a model, for one query */
};
struct episode_size episode_size(const struct t2m_family *f, const struct protocol *p);
/* Checks that the family has enough for the protocol; T2M_EDATA says what is missing. */
t2m_status episode_check(const struct t2m_family *f, const struct protocol *p);
/* Draws episode `number` of the stream `seed`. Support and query share no example; labels 0 ..
 * ways-1; query values of built-in families are free of noise. */
void episode_draw(const struct t2m_family *f, const struct protocol *p, uint64_t seed,
                  uint64_t number, struct episode *e);
size_t episode_input_size(const struct t2m_family *f); /* numbers of one example */
/* mask_family.c: the same for pictures with masks. The labels of an episode are 0 background, 1 ..
 * ways, -1 not known; the first class is in every picture, the others in some of the support and of
 * the query set, if there are such. */
t2m_status mask_episode_check(const struct t2m_family *f, const struct protocol *p);
void mask_episode_draw(const struct t2m_family *f, const struct protocol *p, struct random *r,
                       struct episode *e);
