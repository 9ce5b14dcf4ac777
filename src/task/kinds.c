/* kinds.c: the numbers of a cell, for each kind of column. */
#include "task/kinds.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "task/cells.h"
#include "task/survey.h"

static const char *cell_of(const struct place *p)
{
    return p->t->cells[p->row * p->t->columns + p->at];
}

static size_t one(const struct schema_column *c)
{
    (void)c;
    return 1;
}

static void no_label(const struct schema_column *c, size_t i, char out[80])
{
    (void)c;
    (void)i;
    out[0] = 0;
}

/* ---- numbers and yes or no ---- */

static t2m_status take_number(const struct place *p, float *x, bool *known)
{
    double v;
    if (!table_value(p->t, p->row, p->at, &v)) {
        *known = false;
        return cell_is_missing(cell_of(p)) ? T2M_OK
                                           : table_bad_cell(p->t, p->row, p->at, "is not a number");
    }
    if (!survey_is_float(v))
        return table_bad_cell(p->t, p->row, p->at, "is too large for a model");
    x[0] = (float)v;
    return T2M_OK;
}

static t2m_status take_truth(const struct place *p, float *x, bool *known)
{
    const int word = cell_truth(cell_of(p));
    *known = word >= 0;
    x[0] = (float)(word & 1);
    return T2M_OK;
}

/* ---- categories ---- */

static size_t category_values(const struct schema_column *c)
{
    if (c->others)
        return c->categories + 1;
    return c->categories <= 2 ? c->categories - 1 : c->categories;
}

static t2m_status take_category(const struct place *p, float *x, bool *known)
{
    const struct schema_column *c = p->column;
    const size_t n = category_values(c);
    const char *cell = cell_of(p);
    size_t i = 0;
    *known = c->categories == 1 ? !cell_is_missing(cell) : !cell_is_empty(cell);
    while (i < c->categories && strcmp(cell, c->category[i]) != 0)
        i++;
    i -= c->categories == 2; /* two share an output; of the first there is none */
    if (i < n && *known)
        x[i] = 1;
    return T2M_OK;
}

static void category_label(const struct schema_column *c, size_t i, char out[80])
{
    char shown[64];
    i += c->categories == 2;
    if (i < c->categories)
        snprintf(out, 80, " = %s", text_shown(c->category[i], strlen(c->category[i]), shown));
    else
        snprintf(out, 80, ": another");
}

/* ---- dates ---- */

static size_t date_values(const struct schema_column *c)
{
    size_t n = 0;
    for (int k = 0; k < DATE_PARTS; k++)
        n += c->parts >> k & 1;
    return n;
}

static t2m_status take_date(const struct place *p, float *x, bool *known)
{
    const struct schema_column *c = p->column;
    const char *cell = cell_of(p);
    float part[DATE_PARTS];
    bool slashes;
    *known = !cell_is_missing(cell);
    if (!*known)
        return T2M_OK;
    if (!cell_date(cell, c->slashes == SLASHES_DAY_FIRST, part, &slashes))
        return table_bad_cell(p->t, p->row, p->at, "is not a date; write it as 2024-03-01");
    if (slashes && c->slashes == SLASHES_NONE)
        return table_bad_cell(p->t, p->row, p->at, "may mean two days; write it as 2024-03-01");
    for (int k = 0; k < DATE_PARTS; k++)
        if (c->parts >> k & 1)
            *x++ = part[k];
    return T2M_OK;
}

static void date_label(const struct schema_column *c, size_t i, char out[80])
{
    int k = 0;
    for (; !(c->parts >> k & 1) || i > 0; k++)
        i -= c->parts >> k & 1;
    snprintf(out, 80, ": %s", date_part_names[k]);
}

/* ---- none ---- */

static size_t no_values(const struct schema_column *c)
{
    (void)c;
    return 0;
}

static t2m_status take_nothing(const struct place *p, float *x, bool *known)
{
    (void)p;
    (void)x;
    (void)known;
    return T2M_OK;
}

const struct kind kinds[COLUMN_KINDS] = {
    [COLUMN_NUMBER] = {"number", one, take_number, no_label},
    [COLUMN_BOOLEAN] = {"boolean", one, take_truth, no_label},
    [COLUMN_CATEGORY] = {"category", category_values, take_category, category_label},
    [COLUMN_DATE] = {"date", date_values, take_date, date_label},
    [COLUMN_DROPPED] = {"dropped", no_values, take_nothing, no_label},
};

void kinds_lay_out(struct schema *s)
{
    s->outputs = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct schema_column *c = &s->column[i];
        c->first = s->outputs;
        c->outputs = c->kind == COLUMN_DROPPED ? 0 : kinds[c->kind].values(c) + c->missing;
        s->outputs += c->outputs;
    }
}
