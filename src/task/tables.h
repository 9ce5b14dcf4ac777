/* tables.h: tables of any columns, and the tasks that are drawn from them: rows to learn from and
 * rows to be judged by, both as models take them. Called by mapping. */
#pragma once
#include "task/family.h"
#include "task/marginal.h"
#include "task/schema.h"

enum { TABLE_BINS = 4 /* of a value, in the place of classes, for the task's representation */ };

struct data_table {
    char *name;
    size_t rows, columns, classes; /* classes: 0: values */
    float *x, *y;                  /* [rows, columns], NaN: missing; [rows] */
};
/* The numbers of a table by rules that are found in it, without a name; the rules go to *rules,
 * which may be NULL. T2M_EDATA: as schema_find, or more bytes than one file may take. */
t2m_status data_table_make(struct data_table *out, struct schema **rules, const struct table *t,
                           const struct schema_options *o);
void data_table_clear(t2m *lib, struct data_table *d);

struct table_shape { /* of a task */
    int64_t supports, queries, columns;
    int64_t classes; /* 0: values */
    bool own; /* the tables' own targets, where they have such; else at times another column */
};

struct table_task {             /* arrays of fixed sizes for a shape, tables_task_new */
    float *x_support, *x_query; /* [n, columns, MARGINAL_VIEWS] */
    float *y_support, *y_query; /* [n] class numbers, or values in units of the support set */
    float *member;              /* [supports, classes or TABLE_BINS] the row's share in each */
    float *place;               /* [classes or TABLE_BINS] of bins -1 .. 1; of classes 0 */
};

/* Rows as a model takes them: the views of x [n, columns] by the marginals of the support rows, and
 * y, class numbers or values, as table_task has it. */
struct table_rows {
    const float *x, *y;
    size_t n, columns, classes;
};
/* Finds marginals [columns] and, of values, the unit {mean, scale} of y. room [3 n]. */
void table_measure(const struct table_rows *rows, struct marginal *marginal, float unit[2],
                   float *room);
/* Fills x_support, y_support, member and place of the task. room [3 n]. */
void table_fill_support(const struct table_rows *rows, const struct marginal *marginal,
                        const float unit[2], struct table_task *t, float *room);

/* Room for `count` tasks of this shape, one after the other; freed by table_task_free. */
t2m_status table_task_new(t2m *lib, struct table_task *t, const struct table_shape *s,
                          size_t count);
struct table_task table_task_at(const struct table_task *all, const struct table_shape *s,
                                size_t k);
void table_task_free(t2m *lib, struct table_task *t);

/* T2M_EDATA if no table has rows enough for the smallest task, and there are no synthetic ones. */
t2m_status table_family_check(const struct t2m_family *f, size_t rows);
/* Whether there are synthetic tables, or one of the family has rows, columns and classes enough for
 * tasks of this shape. */
bool table_family_fits(const struct t2m_family *f, const struct table_shape *s);
/* Bytes of room that a draw of this shape takes. */
size_t table_draw_room(const struct t2m_family *f, const struct table_shape *s);
/* Draws task `number` of the stream `seed`: from the prior or from one of the family's tables that
 * has enough rows, columns and classes, some of its columns, classes and rows; at times another of
 * its columns is the target, and rows where that is missing are left out. A shape that no table has
 * room for gets a synthetic one. Each class has a row in the support set. Returns the table, or
 * NULL if it is a synthetic one. */
const struct data_table *table_draw(const struct t2m_family *f, const struct table_shape *s,
                                    uint64_t seed, uint64_t number, struct table_task *t,
                                    void *room);
