/* doors.h: one task in memory. */
#pragma once
#include "mapping/learner.h"
#include "task/scale.h"
#include "task/schema.h"

struct t2m_task {
    t2m *lib;
    size_t n, input, classes;
    size_t places;            /* targets of an example: pixels of masks, else 1 */
    float *x, *y;             /* [n, input], [n, places]; in the learner's scales; of a table raw */
    struct task_scale *scale; /* [input + 1] of rows: from the data's units to those of x and y; of
                                 a table NULL */
    char **class;             /* [classes] names */
    unsigned char id[256];    /* [classes] of masks: what they are called in files */
    char *name;               /* of a drawn one; else NULL */
    struct schema *schema;    /* of a table; else NULL */
    char **column;            /* [input] of a table: names */
    size_t targets;
    float *target; /* [n, targets] of texts with several labels (1 or 0) or a value; else NULL */
    size_t warnings;
    char **warning; /* of texts: see struct t2m_family */
};

/* Room for n examples and the names of classes. */
t2m_status task_new(const t2m_learner *l, t2m_task **out, size_t n, size_t classes);
/* T2M_EDATA if a task of this learner may not be so large. */
t2m_status task_check(const t2m_learner *l, size_t n, size_t classes, const char *name);
/* How examples of classes become inputs, for a learner or a model of this structure. */
struct class_inputs {
    const t2m_family *family;
    const struct vocabulary *vocabulary; /* of texts */
    const struct structure *structure;
};
/* x [count, numbers of one], of all examples of c. */
void class_inputs_write(const struct class_inputs *in, const struct example_class *c, float *x);

/* table_door.c: the table in this file as a task; the learner is of tables. */
t2m_status task_of_table(const t2m_learner *l, t2m_task **out, const char *path,
                         const t2m_task_options *o);
