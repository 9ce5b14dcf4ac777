/* table.h: a CSV file as named columns of text cells; numbers are read on request, so that a bad
 * cell is named by file, line and column. */
#pragma once
#include "files/store.h"

struct table {
    t2m *lib;
    const char *name; /* of the file, for messages */
    size_t rows, columns;
    const char **header; /* [columns] */
    const char **cells;  /* [rows, columns] */
    size_t *line;        /* [rows]: line of the file on which the row begins, from 1 */
    struct table_impl *impl;
};

/* RFC 4180 with ',' ; a header is required; BOM and CRLF are fine. T2M_EDATA with line and column:
 * ragged rows, an open quote, NUL, bad UTF-8, two columns of one name, no rows, a field over 1 MB,
 * over 65,536 columns. */
t2m_status table_parse(t2m *lib, const struct bytes *file, const char *name, struct table **out);
void table_free(struct table *t);
/* Place of the named column, or -1. */
int64_t table_column(const struct table *t, const char *name);
/* Cell as a finite number, else T2M_EDATA "file.csv: line 7, column 'x': 'abc' is not a number". */
t2m_status table_number(const struct table *t, size_t row, size_t column, double *out);
