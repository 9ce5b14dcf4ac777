/* survey.c: one look at each cell. */
#include "task/survey.h"

#include <float.h>
#include <math.h>

#include "base/text.h"

static void widen(struct range *r, float v)
{
    r->least = v < r->least ? v : r->least;
    r->most = v > r->most ? v : r->most;
}

static void note(size_t *first, size_t row)
{
    if (*first == SIZE_MAX)
        *first = row;
}

bool survey_is_float(double v)
{
    return fabs(v) <= (double)FLT_MAX;
}

static void look_at_number(struct survey *s, double v, size_t row)
{
    if (!survey_is_float(v)) {
        s->infinite++;
        note(&s->first_infinite, row);
        note(&s->first_other, row);
        return;
    }
    s->numbers++;
    widen(&s->number, (float)v);
    s->whole = s->whole && v == floor(v);
    s->from_0 = s->from_0 && v == (double)row;
    s->from_1 = s->from_1 && v == (double)row + 1;
}

static void look_at_date(struct survey *s, const char *cell)
{
    bool slashes = false;
    for (int order = 0; order < 2; order++) {
        float part[DATE_PARTS];
        if (!cell_date(cell, order == 0, part, &slashes))
            continue;
        s->dates[order]++;
        for (int k = 0; k < DATE_PARTS; k++)
            widen(&s->part[order][k], part[k]);
    }
    s->slashes += slashes;
}

static void look_at_text(struct survey *s, const char *cell, size_t row)
{
    note(&s->first_other, row);
    const int truth = cell_truth(cell);
    if (cell_is_infinite(cell)) {
        s->infinite++;
        note(&s->first_infinite, row);
    } else if (truth >= 0) {
        s->truths++;
        s->truths_seen |= 1U << truth;
    } else {
        look_at_date(s, cell);
    }
}

static void look(struct survey *s, const struct table *t, size_t row, size_t column)
{
    const char *cell = t->cells[row * t->columns + column];
    double v;
    s->rows++;
    if (table_value(t, row, column, &v)) {
        look_at_number(s, v, row);
    } else if (cell_is_missing(cell)) {
        const bool empty = cell_is_empty(cell);
        s->empty += empty;
        s->words += !empty;
        note(&s->first_missing, row);
        if (empty)
            note(&s->first_empty, row);
    } else {
        look_at_text(s, cell, row);
    }
}

t2m_status survey_table(const struct table *t, struct survey **out)
{
    const struct range none = {INFINITY, -INFINITY};
    struct survey *all = mem_new(t->lib, t->columns, sizeof *all);
    if (!all)
        return T2M_ENOMEM;
    for (size_t k = 0; k < t->columns; k++) {
        all[k] = (struct survey){.number = none, .whole = true, .from_0 = true, .from_1 = true};
        all[k].first_missing = all[k].first_empty = SIZE_MAX;
        all[k].first_infinite = all[k].first_other = SIZE_MAX;
        for (int i = 0; i < 2 * DATE_PARTS; i++)
            all[k].part[i / DATE_PARTS][i % DATE_PARTS] = none;
    }
    for (size_t row = 0; row < t->rows; row++)
        for (size_t k = 0; k < t->columns; k++)
            look(&all[k], t, row, k);
    *out = all;
    return T2M_OK;
}

size_t survey_known(const struct survey *s)
{
    return s->rows - s->empty - s->words;
}

bool survey_is_numbers(const struct survey *s)
{
    return s->numbers > 0 && s->numbers == survey_known(s);
}

bool survey_is_boolean(const struct survey *s)
{
    for (unsigned pair = 3; pair <= 3U << 6; pair <<= 2) /* bits 2 k and 2 k + 1 */
        if (s->truths_seen == pair)
            return s->truths == survey_known(s);
    return false;
}

bool survey_varies(struct range r)
{
    return r.least < r.most;
}
