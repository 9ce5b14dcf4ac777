/* model.h: step 2 and what generation makes: a structure, its parameters, norm statistics, and what
 * is needed to use it alone: names of classes or columns, scales. */
#pragma once
#include "base/base.h"
#include "nn/nn.h"
#include "task/marginal.h"
#include "task/schema.h"
#include "task/vocabulary.h"
#include "task2model.h"

/* Of a model of tables: from the cells of a file to what the structure takes. */
struct model_table {
    struct schema *schema;
    float *place;              /* [features] of schema's numbers, those that the model takes */
    struct marginal *marginal; /* [features] */
    float spread[2];           /* of values: half-widths of intervals of 80 and 95 % */
};

enum { MODEL_LATER = 3 };

struct t2m_model {
    t2m *lib;
    struct structure structure;
    struct layout layout;
    float *m, *statistics; /* [layout.numel], [layout.statistics] */
    char *method, *target; /* target: NULL for classes */
    size_t classes;
    char **class;
    unsigned char id[256]; /* [classes] of masks: what they are called in these */
    size_t features;       /* columns; 0 for pictures */
    char **feature;
    float *scales; /* [features + 1, 2] mean and scale of each column and of the target */
    struct model_table table; /* schema NULL: not of tables */
    /* of texts: their vocabulary, or the fingerprint of the encoder whose vectors they are */
    struct vocabulary *vocabulary; /* else NULL */
    uint64_t encoder;              /* else 0 */
    bool several; /* of texts: each class is there or not, whatever the others are */
    /* of classes by ridge regression, for classes that come later; else NULL */
    float *prototype;         /* [classes, features] means, coarse */
    float ridge[MODEL_LATER]; /* heads.h: later */
    /* after prepare */
    t2m_plan *plan;
    t2m_workspace *workspace;
    size_t prepared;
    float *x, *y, *none; /* [prepared, inputs], [prepared, outputs], [prepared] */
};

/* A model with room for its numbers; `classes` or `features` names are filled in by the caller. */
t2m_status model_new(t2m *lib, t2m_model **out, const struct structure *s, size_t classes,
                     size_t features);
/* T2M_EDIVERGED, if a number is not finite: look for extreme values `where`. */
t2m_status model_check_finite(const t2m_model *m, const char *where);

/* Room for the prototypes. */
t2m_status model_prototype_room(t2m_model *m);
/* Those of `from`, which has the same classes. */
t2m_status model_prototype_copy(const t2m_model *from, t2m_model *m);

/* ---- models of tables (table_model.c) ---- */

/* Makes m, fresh from model_new, one of tables: takes the schema in any case, makes room for the
 * rest of m->table, and names the classes. */
t2m_status model_table_start(t2m_model *m, struct schema *schema);
/* After place is filled in: names the columns. */
t2m_status model_table_name(t2m_model *m);
t2m_status model_table_copy(const t2m_model *from, t2m_model *m);
void model_table_clear(t2m_model *m);
/* The columns that the model takes, of any table that has them: x [rows, features]. */
t2m_status model_table_rows(const t2m_model *m, const struct table *t, float **x);

struct encoder_need {
    const char *what;     /* "learner" or "model" */
    uint64_t fingerprint; /* of the encoder that it was made with; 0: none */
    size_t inputs;        /* numbers of a vector */
};
/* T2M_EUSAGE unless the handle has what is needed. */
t2m_status encoder_check(t2m *lib, const struct encoder_need *need);
t2m_status model_encoder_check(const t2m_model *m);
/* text_model.c: the texts at the path as inputs of a model of texts: x [n, inputs]. */
t2m_status model_text_read(const t2m_model *m, const char *path, float **x, size_t *n);

struct tensor_file;
struct tensor_entry;
enum { MODEL_TABLE_TENSORS = 3 };
/* Writes up to MODEL_TABLE_TENSORS entries; gives their number. */
size_t model_table_tensors(const t2m_model *m, struct tensor_entry *t);
/* False if the file has not what model_table_tensors writes, or it makes no sense. */
bool model_table_read(t2m_model *m, const struct tensor_file *f);
