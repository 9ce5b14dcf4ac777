/* kinds.h: what differs between the kinds of columns: a row for each. */
#pragma once
#include "task/schema.h"

struct place { /* a cell that is to be read by the rules of a column */
    const struct schema_column *column;
    const struct table *t;
    size_t row, at; /* at: place of the column in the table */
};

struct kind {
    const char *name;
    /* How many numbers a cell gives, besides the one that says that it is missing. */
    size_t (*values)(const struct schema_column *c);
    /* Those numbers into x [values], which is all 0; *known = false: nothing is known of them. */
    t2m_status (*take)(const struct place *p, float *x, bool *known);
    /* What follows the column's name in the name of number i. */
    void (*label)(const struct schema_column *c, size_t i, char out[80]);
};
extern const struct kind kinds[COLUMN_KINDS];

/* Gives each column its place in a row of x, once all kinds are set. */
void kinds_lay_out(struct schema *s);
