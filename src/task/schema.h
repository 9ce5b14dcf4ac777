/* schema.h: a table of text cells as numbers that a model takes, and the rules by which that was
 * done, so that the same rules can be applied to later files and stored in a model's file. The
 * rules are told in docs/tables.md. */
#pragma once
#include "files/table.h"

enum column_kind {
    COLUMN_NUMBER,
    COLUMN_BOOLEAN,
    COLUMN_CATEGORY,
    COLUMN_DATE,
    COLUMN_DROPPED,
    COLUMN_KINDS
};

enum date_slashes { SLASHES_NONE, SLASHES_DAY_FIRST, SLASHES_MONTH_FIRST };

enum {
    SCHEMA_ONE_HOT = 10, /* outputs of a category column, at most */
    SCHEMA_CLASSES = 256,
    SCHEMA_COLUMNS = 65536
};

struct schema_column {
    char *name;
    enum column_kind kind;
    char *dropped;      /* why: "constant", "an identifier", "ignored", "empty"; else NULL */
    bool missing;       /* some cells were empty: the last output is 1 where one is, else 0 */
    bool decimal_comma; /* in the file that the rules were found in; each later file has its own */
    size_t categories;  /* that have an output; two share one, 1 for the second; one has none */
    char **category;    /* [categories], the most frequent first */
    bool others;        /* there were more categories: one more output, for all others */
    unsigned parts;     /* of a date, bit 1 << enum date_part: those that varied */
    enum date_slashes slashes; /* how 01/03/2024 is meant */
    size_t first, outputs;     /* where its numbers lie in a row of x */
};

struct schema {
    t2m *lib;
    size_t count;
    struct schema_column *column; /* [count], without the target */
    size_t outputs;               /* numbers of a row of x */
    char *target;
    bool target_decimal_comma; /* of the names of classes too */
    size_t classes;
    char **class;       /* [classes] names, in order; no classes: a value is foretold */
    struct arena arena; /* all of the above */
};

struct schema_options {
    const char *target;        /* NULL: the column `target`, else the last one */
    const char *const *ignore; /* [ignored] names of columns to leave out */
    size_t ignored;
    int classes; /* -1 find out, 0 values, 1 classes */
};

/* Finds the rules for this table; o may be NULL. T2M_EDATA names line, column and cell. */
t2m_status schema_find(t2m *lib, struct schema **out, const struct table *t,
                       const struct schema_options *o);
void schema_free(struct schema *s);

/* How many numbers the table is by these rules; T2M_EDATA: in bytes more than one file may take. */
t2m_status schema_numbers(const struct schema *s, const struct table *t, size_t *numbers);
/* Any table by these rules: x [rows, outputs], NAN where nothing is known; y [rows] numbers of
 * classes or values, or NULL: then the table may lack the target. Columns are found by name, others
 * are not looked at. T2M_EDATA: columns that are not there; a cell that is no number or date, or
 * (with y) no class. */
t2m_status schema_apply(const struct schema *s, const struct table *t, float *x, float *y);

/* The column that the number of a row of x was made from. */
const struct schema_column *schema_source(const struct schema *s, size_t output);
/* "age", "colour = red", "colour: another", "date: month", "age is missing"; of long texts the
 * beginning. */
void schema_output_name(const struct schema *s, size_t output, char out[128]);

/* As JSON, freed by mem_free. */
t2m_status schema_text(const struct schema *s, char **json);
/* From JSON that anyone may have written: T2M_EMODEL if the rules are not as schema_find makes
 * them. */
t2m_status schema_parse(t2m *lib, struct schema **out, const char *json);
/* The same rules once more. */
t2m_status schema_copy(const struct schema *s, struct schema **out);
