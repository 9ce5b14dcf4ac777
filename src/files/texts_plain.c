/* texts_plain.c: texts as the lines of a file, and as a column of a table. */
#include <string.h>

#include "files/table.h"
#include "files/texts_reading.h"

static bool only_spaces(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
            return false;
    return true;
}

t2m_status reading_lines(struct texts_reading *r, const struct bytes *bytes, const char *class)
{
    struct lines l;
    const char *line;
    size_t n;
    TRY(lines_open(&l, r->t->lib, bytes, r->at.file));
    while (lines_next(&l, &line, &n)) {
        r->at.line = l.number;
        if (only_spaces(line, n))
            continue;
        TRY(reading_text(r, line, n));
        if (class)
            TRY(reading_label(r, class, strlen(class)));
    }
    return T2M_OK;
}

static t2m_status find_column(const struct table *t, const char *name, size_t *out)
{
    const int64_t at = table_column(t, name);
    if (at < 0)
        return table_no_column(t, name);
    *out = (size_t)at;
    return T2M_OK;
}

static t2m_status add_row(struct texts_reading *r, const struct table *t, size_t row,
                          const size_t column[2])
{
    const char *const *cell = t->cells + row * t->columns;
    const char *text = cell[column[0]];
    r->at.line = t->line[row];
    TRY(reading_text(r, text, strlen(text)));
    if (r->o.unlabelled)
        return T2M_OK;
    if (r->o.values)
        return table_number(t, row, column[1], &r->t->item[r->t->n - 1].value);
    return reading_label(r, cell[column[1]], strlen(cell[column[1]]));
}

static t2m_status add_rows(struct texts_reading *r, const struct table *t)
{
    size_t column[2] = {0, 0}; /* text, label */
    TRY(find_column(t, r->o.text, &column[0]));
    if (!r->o.unlabelled)
        TRY(find_column(t, r->o.label, &column[1]));
    for (size_t row = 0; row < t->rows; row++)
        TRY(add_row(r, t, row, column));
    return T2M_OK;
}

t2m_status reading_table(struct texts_reading *r, const struct bytes *bytes)
{
    struct table *t;
    TRY(table_parse(r->t->lib, bytes, r->at.file, &t));
    const t2m_status status = add_rows(r, t);
    table_free(t);
    return status;
}
