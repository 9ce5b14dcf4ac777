/* survey.h: what the cells of each column of a table are, counted in one pass over the rows. */
#pragma once
#include "files/table.h"
#include "task/cells.h"

/* A float holds it, so a model can take it. */
bool survey_is_float(double v);

struct range {
    float least, most;
};

struct survey { /* of one column; a row that is named is SIZE_MAX if there is none */
    size_t rows, empty, words, numbers, infinite;
    size_t dates[2]; /* cells that are dates if 01/03 is March 1st, or January 3rd */
    size_t slashes;
    size_t truths;
    unsigned truths_seen; /* bit i: word number i of cell_truth */
    struct range number;
    struct range part[2][DATE_PARTS];
    bool whole, from_0, from_1; /* whole numbers; those of the rows, counted from 0 or 1 */
    size_t first_missing, first_empty, first_infinite, first_other; /* other: no number */
};

/* [columns], freed by mem_free. */
t2m_status survey_table(const struct table *t, struct survey **out);
size_t survey_known(const struct survey *s); /* cells that are neither empty nor a word for it */
bool survey_is_numbers(const struct survey *s);
bool survey_is_boolean(const struct survey *s); /* yes and no, or another pair, and nothing else */
bool survey_varies(struct range r);
