/* table.c: CSV by libcsv in strict mode. The texts of all cells lie one after the other in one
 * buffer: each takes a byte for its NUL, and in the file one for the delimiter or the newline, so
 * the file's length is enough. */
#include "files/table.h"

#include <csv.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "files/lines.h"

enum { MAX_COLUMNS = 65536, MAX_FIELD = 1 << 20 };

struct table_impl {
    char *text; /* of all cells */
    size_t used, room;
    struct words names; /* of the columns */
};

struct parsing {
    struct table *t;
    bool later; /* a header of numbers is one */
    t2m_status status;
    const char **row; /* cells of the row that is read */
    size_t cells, row_capacity, cell_capacity, line_capacity;
    size_t at_line, row_line; /* from 1 */
};

static t2m_status bad_line(struct parsing *p, size_t line, const char *why)
{
    if (p->status == T2M_OK)
        p->status = refuse(p->t->lib, T2M_EDATA, "%.160s: line %zu: %s", p->t->name, line, why);
    return p->status;
}

/* ---- cells and rows as they come ---- */

static void on_cell(void *text, size_t n, void *ctx)
{
    struct parsing *p = ctx;
    struct table_impl *impl = p->t->impl;
    if (p->status != T2M_OK)
        return;
    if (n > MAX_FIELD || p->cells >= MAX_COLUMNS) {
        bad_line(p, p->row_line, "a field over 1 MiB, or more than 65536 columns");
        return;
    }
    if (n >= impl->room - impl->used ||
        !mem_grow(p->t->lib, (void **)&p->row, &p->row_capacity, p->cells + 1, sizeof *p->row)) {
        p->status = T2M_ENOMEM;
        return;
    }
    char *copy = impl->text + impl->used;
    if (n)
        memcpy(copy, text, n);
    copy[n] = 0;
    impl->used += n + 1;
    p->row[p->cells++] = copy;
}

static bool blank_row(const struct parsing *p)
{
    return p->cells == 0 || (p->cells == 1 && p->row[0][0] == 0);
}

static bool all_numbers(const struct table *t)
{
    double v;
    for (size_t i = 0; i < t->columns; i++)
        if (!text_number(t->header[i], strlen(t->header[i]), &v) &&
            !(t->delimiter != ',' && text_comma_number(t->header[i], strlen(t->header[i]), &v)))
            return false;
    return true;
}

const char *table_hint(const struct table *t)
{
    return t->of_numbers ? "; the first line has only numbers: if it is a row, put a line with the "
                           "names of the columns above it"
                         : "";
}

static void same_name(struct parsing *p, const char *name)
{
    char why[256], shown[64];
    snprintf(why, sizeof why, "two columns are called '%s'%s",
             text_shown(name, strlen(name), shown), table_hint(p->t));
    bad_line(p, p->row_line, why);
}

static void take_names(struct parsing *p)
{
    struct table *t = p->t;
    t->of_numbers = all_numbers(t);
    if (t->of_numbers && !p->later)
        bad_line(p, p->row_line,
                 "a header line is missing: these are numbers, not names of columns; put a line "
                 "with the names above");
    for (size_t i = 0; i < t->columns && p->status == T2M_OK; i++)
        if (!text_is_name(t->header[i]))
            bad_line(p, p->row_line, "the name of a column has a control character");
    for (size_t i = 0; i < t->columns && p->status == T2M_OK; i++) {
        const size_t number = words_add(&t->impl->names, t->header[i]);
        if (number == SIZE_MAX)
            p->status = T2M_ENOMEM;
        else if (number < i)
            same_name(p, t->header[i]);
    }
}

static void take_header(struct parsing *p)
{
    struct table *t = p->t;
    t->header = mem_new(t->lib, p->cells, sizeof *t->header);
    t->decimal_comma = mem_new(t->lib, p->cells, sizeof *t->decimal_comma);
    if (!t->header || !t->decimal_comma) {
        p->status = T2M_ENOMEM;
        return;
    }
    t->columns = p->cells;
    memcpy(t->header, p->row, p->cells * sizeof *t->header);
    take_names(p);
}

static void take_row(struct parsing *p)
{
    struct table *t = p->t;
    if (p->cells != t->columns) {
        char why[128];
        snprintf(why, sizeof why, "%zu fields, but the header has %zu", p->cells, t->columns);
        bad_line(p, p->row_line, why);
        return;
    }
    const size_t n = (t->rows + 1) * t->columns;
    if (!mem_grow(t->lib, (void **)&t->cells, &p->cell_capacity, n, sizeof *t->cells) ||
        !mem_grow(t->lib, (void **)&t->line, &p->line_capacity, t->rows + 1, sizeof *t->line)) {
        p->status = T2M_ENOMEM;
        return;
    }
    memcpy(t->cells + t->rows * t->columns, p->row, t->columns * sizeof *t->cells);
    t->line[t->rows++] = p->row_line;
}

static void on_row(int end, void *ctx)
{
    struct parsing *p = ctx;
    (void)end;
    if (p->status == T2M_OK && !blank_row(p)) {
        if (!p->t->header)
            take_header(p);
        else
            take_row(p);
    }
    p->cells = 0;
    p->row_line = p->at_line + 1; /* the newline that ends this row is being read */
}

/* ---- the file ---- */

/* What separates the fields of the first line that is not empty. */
static char delimiter_of(const char *s, size_t n)
{
    static const char known[] = {',', ';', '\t', '|'};
    size_t count[sizeof known] = {0}, most = 0, at = 0;
    bool quoted = false;
    while (at < n && (s[at] == '\n' || s[at] == '\r'))
        at++;
    for (; at < n && (quoted || (s[at] != '\n' && s[at] != '\r')); at++) {
        quoted ^= s[at] == '"';
        for (size_t k = 0; k < sizeof known && !quoted; k++)
            count[k] += s[at] == known[k];
    }
    for (size_t k = 1; k < sizeof known; k++)
        most = count[k] > count[most] ? k : most;
    return known[most];
}

static void bad_quote(struct parsing *p, size_t line, const char *what)
{
    char why[128];
    snprintf(why, sizeof why, "%s (field %zu)", what, p->cells + 1);
    bad_line(p, line, why);
}

static bool odd_quotes(const char *s, size_t n)
{
    bool odd = false;
    for (size_t i = 0; i < n; i++)
        odd ^= s[i] == '"';
    return odd;
}

/* One line at a time, so that rows know the line on which they begin. */
static void feed(struct parsing *p, struct csv_parser *csv, const char *s, size_t n)
{
    bool open = false; /* a quote, at the end of the line */
    p->at_line = p->row_line = 1;
    for (size_t at = 0; at < n && p->status == T2M_OK;) {
        const char *end = memchr(s + at, '\n', n - at);
        const size_t length = end ? (size_t)(end - s) + 1 - at : n - at;
        if (csv_parse(csv, s + at, length, on_cell, on_row, p) != length)
            bad_quote(p, p->at_line, "a quote is open, closed too early, or followed by text");
        open ^= odd_quotes(s + at, length);
        at += length;
        p->at_line++;
        if (p->cells == 0 && !open)
            p->row_line = p->at_line;
    }
    if (p->status == T2M_OK && csv_fini(csv, on_cell, on_row, p) != 0)
        bad_quote(p, p->row_line, "a quote is never closed");
}

/* A column has decimal commas if some cells are numbers only so, and none only with a point. */
static t2m_status find_decimal_commas(struct table *t)
{
    bool *point = mem_new(t->lib, t->columns, sizeof *point);
    double v;
    if (!point)
        return T2M_ENOMEM;
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        const char *cell = t->cells[i];
        const size_t column = i % t->columns, at = strcspn(cell, ",.");
        if (cell[at] == ',' && text_comma_number(cell, strlen(cell), &v))
            t->decimal_comma[column] = true;
        else if (cell[at] == '.' && text_number(cell, strlen(cell), &v))
            point[column] = true;
    }
    for (size_t k = 0; k < t->columns; k++)
        t->decimal_comma[k] = t->decimal_comma[k] && !point[k];
    mem_free(t->lib, point);
    return T2M_OK;
}

static void parse(struct parsing *p, const char *s, size_t n)
{
    struct table *t = p->t;
    struct csv_parser csv;
    const struct place first = {.lib = t->lib, .file = t->name, .line = 1};
    p->status = lines_check(&first, s, n);
    if (p->status != T2M_OK)
        return;
    t->impl->room = n + 1;
    t->impl->text = mem_new(t->lib, t->impl->room, 1);
    if (!t->impl->text || csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        p->status = T2M_ENOMEM;
        return;
    }
    t->delimiter = delimiter_of(s, n);
    csv_set_delim(&csv, (unsigned char)t->delimiter);
    feed(p, &csv, s, n);
    csv_free(&csv);
    if (p->status == T2M_OK && t->rows == 0)
        p->status = refuse(t->lib, T2M_EDATA, "%.160s: no rows%s%s", t->name,
                           t->header ? " under the header" : "; the file is empty", table_hint(t));
    if (p->status == T2M_OK && t->delimiter != ',')
        p->status = find_decimal_commas(t);
}

static t2m_status parse_file(t2m *lib, const struct bytes *file, const char *name, bool later,
                             struct table **out)
{
    struct table *t = mem_new(lib, 1, sizeof *t);
    struct table_impl *impl = mem_new(lib, 1, sizeof *impl);
    if (!t || !impl) {
        mem_free(lib, t);
        mem_free(lib, impl);
        return T2M_ENOMEM;
    }
    words_init(&impl->names, lib);
    t->lib = lib;
    t->impl = impl;
    t->name = name;
    struct parsing p = {.t = t, .later = later};
    const size_t mark = lines_mark((const char *)file->data, file->length);
    parse(&p, (const char *)file->data + mark, file->length - mark);
    mem_free(lib, p.row);
    if (p.status == T2M_OK)
        *out = t;
    else
        table_free(t);
    return p.status;
}

t2m_status table_parse(t2m *lib, const struct bytes *file, const char *name, struct table **out)
{
    return parse_file(lib, file, name, false, out);
}

t2m_status table_parse_later(t2m *lib, const struct bytes *file, const char *name,
                             struct table **out)
{
    return parse_file(lib, file, name, true, out);
}

void table_free(struct table *t)
{
    if (!t)
        return;
    t2m *lib = t->lib;
    words_clear(&t->impl->names);
    mem_free(lib, t->impl->text);
    mem_free(lib, t->impl);
    mem_free(lib, t->header);
    mem_free(lib, t->decimal_comma);
    mem_free(lib, t->cells);
    mem_free(lib, t->line);
    mem_free(lib, t);
}

/* ---- what is in it ---- */

int64_t table_column(const struct table *t, const char *name)
{
    const size_t at = words_find(&t->impl->names, name);
    return at == SIZE_MAX ? -1 : (int64_t)at;
}

t2m_status table_no_column(const struct table *t, const char *name)
{
    char have[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < t->columns && at < 200; i++)
        at += (size_t)snprintf(have + at, sizeof have - at, "%s%.30s", i ? ", " : "", t->header[i]);
    return refuse(t->lib, T2M_EDATA, "%.160s: no column '%.60s'; there are: %s", t->name, name,
                  have);
}

bool table_value(const struct table *t, size_t row, size_t column, double *out)
{
    const char *cell = t->cells[row * t->columns + column];
    if (t->decimal_comma[column] && strchr(cell, ','))
        return text_comma_number(cell, strlen(cell), out);
    return text_number(cell, strlen(cell), out);
}

t2m_status table_bad_cell(const struct table *t, size_t row, size_t column, const char *why)
{
    const char *cell = t->cells[row * t->columns + column];
    char shown[64], name[64];
    return refuse(t->lib, T2M_EDATA, "%.160s: line %zu, column '%s': '%s' %s", t->name,
                  t->line[row], text_shown(t->header[column], strlen(t->header[column]), name),
                  text_shown(cell, strlen(cell), shown), why);
}

t2m_status table_number(const struct table *t, size_t row, size_t column, double *out)
{
    return table_value(t, row, column, out) ? T2M_OK
                                            : table_bad_cell(t, row, column, "is not a number");
}
