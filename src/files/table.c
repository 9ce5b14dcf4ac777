/* table.c: CSV by libcsv in strict mode. */
#include "files/table.h"

#include <csv.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { MAX_COLUMNS = 65536, MAX_FIELD = 1000000 };

struct table_impl {
    struct arena arena;
};

struct parsing {
    struct table *t;
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

static void on_cell(void *text, size_t n, void *ctx)
{
    struct parsing *p = ctx;
    if (p->status != T2M_OK)
        return;
    if (n > MAX_FIELD || p->cells >= MAX_COLUMNS) {
        bad_line(p, p->row_line, "a field over 1 MB, or more than 65536 columns");
        return;
    }
    char *copy = arena_new(&p->t->impl->arena, n + 1, 1);
    if (!copy ||
        !mem_grow(p->t->lib, (void **)&p->row, &p->row_capacity, p->cells + 1, sizeof *p->row)) {
        p->status = T2M_ENOMEM;
        return;
    }
    if (n)
        memcpy(copy, text, n);
    p->row[p->cells++] = copy;
}

static bool blank_row(const struct parsing *p)
{
    return p->cells == 0 || (p->cells == 1 && p->row[0][0] == 0);
}

static void take_header(struct parsing *p)
{
    struct table *t = p->t;
    t->columns = p->cells;
    t->header = arena_new(&t->impl->arena, p->cells, sizeof *t->header);
    if (!t->header) {
        p->status = T2M_ENOMEM;
        return;
    }
    memcpy(t->header, p->row, p->cells * sizeof *t->header);
    for (size_t i = 0; i < p->cells; i++)
        if (!text_is_name(t->header[i])) {
            bad_line(p, p->row_line, "the name of a column has a control character");
            return;
        }
    for (size_t i = 0; i < p->cells; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(t->header[i], t->header[k]) == 0) {
                char why[128], shown[64];
                snprintf(why, sizeof why, "two columns are called '%s'",
                         text_shown(t->header[i], strlen(t->header[i]), shown));
                bad_line(p, p->row_line, why);
                return;
            }
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

static t2m_status check_text(struct parsing *p, const char *s, size_t n)
{
    const size_t fault = text_utf8_fault(s, n);
    const char *zero = memchr(s, 0, n);
    const size_t at = zero && (size_t)(zero - s) < fault ? (size_t)(zero - s) : fault;
    size_t line = 1;
    if (at == n)
        return T2M_OK;
    for (size_t i = 0; i < at; i++)
        line += s[i] == '\n';
    return bad_line(p, line, "not text in UTF-8");
}

/* One line at a time, so that rows know the line on which they begin. */
static void feed(struct parsing *p, struct csv_parser *csv, const char *s, size_t n)
{
    p->at_line = p->row_line = 1;
    for (size_t at = 0; at < n && p->status == T2M_OK;) {
        const char *end = memchr(s + at, '\n', n - at);
        const size_t length = end ? (size_t)(end - s) + 1 - at : n - at;
        if (csv_parse(csv, s + at, length, on_cell, on_row, p) != length)
            bad_line(p, p->at_line, "a quote is open, closed too early, or followed by text");
        at += length;
        p->at_line++;
        if (p->cells == 0)
            p->row_line = p->at_line;
    }
    if (p->status == T2M_OK && csv_fini(csv, on_cell, on_row, p) != 0)
        bad_line(p, p->row_line, "a quote is never closed");
}

static void parse(struct parsing *p, const struct bytes *file)
{
    const char *s = (const char *)file->data;
    size_t n = file->length;
    struct csv_parser csv;
    if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) {
        s += 3;
        n -= 3;
    }
    if (check_text(p, s, n) != T2M_OK)
        return;
    if (csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        p->status = T2M_ENOMEM;
        return;
    }
    feed(p, &csv, s, n);
    csv_free(&csv);
    if (p->status == T2M_OK && p->t->rows == 0)
        p->status = refuse(p->t->lib, T2M_EDATA, "%.160s: no rows%s", p->t->name,
                           p->t->header ? " under the header" : "");
}

t2m_status table_parse(t2m *lib, const struct bytes *file, const char *name, struct table **out)
{
    struct table *t = mem_new(lib, 1, sizeof *t);
    struct table_impl *impl = mem_new(lib, 1, sizeof *impl);
    if (!t || !impl) {
        mem_free(lib, t);
        mem_free(lib, impl);
        return T2M_ENOMEM;
    }
    arena_init(&impl->arena, lib);
    t->lib = lib;
    t->impl = impl;
    t->name = name;
    struct parsing p = {.t = t};
    parse(&p, file);
    mem_free(lib, p.row);
    if (p.status == T2M_OK)
        *out = t;
    else
        table_free(t);
    return p.status;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    t2m *lib = t->lib;
    arena_clear(&t->impl->arena);
    mem_free(lib, t->impl);
    mem_free(lib, t->cells);
    mem_free(lib, t->line);
    mem_free(lib, t);
}

int64_t table_column(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->columns; i++)
        if (strcmp(t->header[i], name) == 0)
            return (int64_t)i;
    return -1;
}

t2m_status table_number(const struct table *t, size_t row, size_t column, double *out)
{
    const char *cell = t->cells[row * t->columns + column];
    char shown[64], name[64];
    if (text_number(cell, strlen(cell), out))
        return T2M_OK;
    return refuse(t->lib, T2M_EDATA, "%.160s: line %zu, column '%s': '%s' is not a number", t->name,
                  t->line[row], text_shown(t->header[column], strlen(t->header[column]), name),
                  text_shown(cell, strlen(cell), shown));
}
