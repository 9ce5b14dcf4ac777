/* table.h: a CSV file as named columns of text cells; numbers are read on request, so that a bad
 * cell is named by file, line and column. */
#pragma once
#include "files/store.h"

struct table {
    t2m *lib;
    const char *name; /* of the file, for messages */
    size_t rows, columns;
    char delimiter;      /* ',', ';', a tab or '|' */
    bool of_numbers;     /* the header is only numbers: it may be a row */
    const char **header; /* [columns] */
    const char **cells;  /* [rows, columns] */
    size_t *line;        /* [rows]: line of the file on which the row begins, from 1 */
    bool *decimal_comma; /* [columns]: 1,5 is a number there, and 1.5 is none */
    struct table_impl *impl;
};

/* RFC 4180 with the one of ',' ';' tab '|' that occurs most in the header, outside quotes (at a
 * tie the first of these); a header is required; BOM, CRLF and empty lines are fine. Where it is
 * not ',', columns may have decimal commas. T2M_EDATA with line and column: ragged rows, an open
 * quote, NUL, bad UTF-8, two columns of one name, a header of numbers, no rows, a field over 1 MiB,
 * over 65,536 columns. */
t2m_status table_parse(t2m *lib, const struct bytes *file, const char *name, struct table **out);
/* The same for a file whose columns are known from an earlier one: they may be called 0, 1, 2. */
t2m_status table_parse_later(t2m *lib, const struct bytes *file, const char *name,
                             struct table **out);
/* For the end of a message on a column that is not there: that the header may be missing, or "". */
const char *table_hint(const struct table *t);
void table_free(struct table *t);
/* Place of the named column, or -1. */
int64_t table_column(const struct table *t, const char *name);
/* T2M_EDATA "file.csv: no column 'x'; there are: a, b". */
t2m_status table_no_column(const struct table *t, const char *name);
/* Cell as a finite number, else T2M_EDATA "file.csv: line 7, column 'x': 'abc' is not a number". */
t2m_status table_number(const struct table *t, size_t row, size_t column, double *out);
/* The same without a message; false if it is none. */
bool table_value(const struct table *t, size_t row, size_t column, double *out);
/* T2M_EDATA "file.csv: line 7, column 'x': 'abc' WHY". */
t2m_status table_bad_cell(const struct table *t, size_t row, size_t column, const char *why);
