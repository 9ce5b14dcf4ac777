/* schema_apply.c: rows of numbers out of any table that has the columns. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "task/cells.h"
#include "task/classes.h"
#include "task/kinds.h"
#include "task/survey.h"

t2m_status schema_numbers(const struct schema *s, const struct table *t, size_t *numbers)
{
    size_t bytes;
    if (size_mul(t->rows, s->outputs, numbers) && size_mul(*numbers, sizeof(float), &bytes) &&
        bytes <= s->lib->memory_limit)
        return T2M_OK;
    return refuse(s->lib, T2M_EDATA,
                  "%.160s: %zu rows of %zu numbers are more than the limit of %zu bytes "
                  "(--max-memory)",
                  t->name, t->rows, s->outputs, s->lib->memory_limit);
}

/* Where the columns are in this table, at [count]; all that are not there in one message. */
static t2m_status find_places(const struct schema *s, const struct table *t, size_t *at)
{
    char missing[256] = "";
    size_t length = 0, n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct schema_column *c = &s->column[i];
        const int64_t column = table_column(t, c->name);
        at[i] = (size_t)column;
        if (column >= 0 || c->kind == COLUMN_DROPPED)
            continue;
        char shown[64];
        text_shown(c->name, strlen(c->name), shown);
        if (length < 180)
            length += (size_t)snprintf(missing + length, sizeof missing - length, "%s'%s'",
                                       n ? ", " : "", shown);
        n++;
    }
    return n == 0 ? T2M_OK
                  : refuse(s->lib, T2M_EDATA, "%.160s: %zu of the columns needed %s missing: %s%s",
                           t->name, n, n == 1 ? "is" : "are", missing, table_hint(t));
}

static t2m_status apply_cell(const struct place *p, float *x)
{
    const struct schema_column *c = p->column;
    const size_t values = c->outputs - c->missing;
    bool known = true;
    TRY(kinds[c->kind].take(p, x, &known));
    for (size_t i = 0; i < values && !known; i++)
        x[i] = NAN;
    if (c->missing)
        x[values] = !known;
    return T2M_OK;
}

static t2m_status apply_rows(const struct schema *s, const struct table *t, const size_t *at,
                             float *x)
{
    for (size_t row = 0; row < t->rows; row++, x += s->outputs) {
        memset(x, 0, s->outputs * sizeof *x);
        for (size_t i = 0; i < s->count; i++) {
            const struct place p = {&s->column[i], t, row, at[i]};
            if (p.column->outputs > 0)
                TRY(apply_cell(&p, x + p.column->first));
        }
    }
    return T2M_OK;
}

/* ---- the target ---- */

static t2m_status not_a_class(const struct schema *s, const struct table *t, size_t row,
                              size_t column)
{
    char why[256] = "";
    size_t at = (size_t)snprintf(why, sizeof why, "is none of the classes ");
    for (size_t i = 0; i < s->classes && at < 150; i++) {
        char shown[64];
        at += (size_t)snprintf(why + at, sizeof why - at, "%s%s", i ? ", " : "",
                               text_shown(s->class[i], strlen(s->class[i]), shown));
    }
    return table_bad_cell(t, row, column, why);
}

static t2m_status apply_target(const struct schema *s, const struct table *t, float *y)
{
    struct class_keys keys;
    const int64_t found = table_column(t, s->target);
    const size_t column = (size_t)found;
    if (found < 0)
        return table_no_column(t, s->target);
    if (!classes_keys(s, &keys))
        return refuse(s->lib, T2M_EFAIL, "the classes are not in order");
    for (size_t row = 0; row < t->rows; row++) {
        const char *cell = t->cells[row * t->columns + column];
        const size_t class = s->classes ? classes_number(&keys, t, row, column) : 0;
        double v = (double)class;
        if (cell_is_empty(cell) || (cell_is_missing(cell) && (!s->classes || class == SIZE_MAX)))
            return classes_missing(t, row, column);
        if (class == SIZE_MAX)
            return not_a_class(s, t, row, column);
        if (!s->classes)
            TRY(table_number(t, row, column, &v));
        if (!survey_is_float(v))
            return table_bad_cell(t, row, column, "is too large for a model");
        y[row] = (float)v;
    }
    return T2M_OK;
}

t2m_status schema_apply(const struct schema *s, const struct table *t, float *x, float *y)
{
    size_t *at = mem_new(s->lib, s->count, sizeof *at);
    if (!at)
        return T2M_ENOMEM;
    t2m_status status = find_places(s, t, at);
    if (status == T2M_OK && y)
        status = apply_target(s, t, y);
    if (status == T2M_OK)
        status = apply_rows(s, t, at, x);
    mem_free(s->lib, at);
    return status;
}
