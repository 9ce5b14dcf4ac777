/* table_graph.h: what the files share that make the graph of a table: tables.c, and
 * table_represent.c for step 1. */
#pragma once
#include "mapping/tables.h"

struct table_ctx {
    t2m_graph *g;
    const struct structure *s;
    const struct layout *l;
    const struct table_shape *shape;
    struct table_graph *e;
    int steps;                        /* of tuning */
    t2m_value share;                  /* [rows, classes]: member over the number of the class */
    t2m_value columns, rows, classes; /* tokens [.., TABLE_T] */
};
static const double tiny = 1e-3; /* of a variance */

/* The tensor name.part of phi. */
t2m_value table_take(const struct table_ctx *c, const char *name, const char *part);
/* x [.., in] -> [.., out] */
t2m_value table_times(const struct table_ctx *c, const char *name, t2m_value x);
/* x as one row [all its numbers] */
t2m_value table_vector(t2m_graph *g, t2m_value x);
/* Fills in the tokens of the rows that are seen, and t. */
void table_represent(struct table_ctx *c);
