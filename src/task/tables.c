/* tables.c: drawing tasks from tables. */
#include "task/tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/prior.h"

enum { VIEWS = MARGINAL_VIEWS, TRIES = 20 };
static const double other_target = 0.2; /* part of the draws from tables */

/* ---- rows as models take them ---- */

void table_measure(const struct table_rows *rows, struct marginal *marginal, float unit[2],
                   float *room)
{
    struct marginal y;
    for (size_t k = 0; k < rows->columns; k++)
        marginal_find(&marginal[k], rows->x + k, rows->n, rows->columns, room);
    unit[0] = 0;
    unit[1] = 1;
    if (rows->classes)
        return;
    marginal_find(&y, rows->y, rows->n, 1, room);
    unit[0] = y.mean;
    unit[1] = y.scale;
}

/* A value's share in the two bins whose centres are nearest to its rank. */
static void share_bins(double rank, float *member)
{
    const double at = rank * TABLE_BINS - 0.5;
    const double low = at < 0 ? 0 : at > TABLE_BINS - 1 ? TABLE_BINS - 1 : floor(at);
    const double part = at < low ? 0 : at - low;
    const size_t k = (size_t)low;
    memset(member, 0, TABLE_BINS * sizeof *member);
    member[k] = k + 1 < TABLE_BINS ? (float)(1 - part) : 1;
    if (k + 1 < TABLE_BINS)
        member[k + 1] = (float)part;
}

static void fill_bins(const float *y, size_t n, struct table_task *t, float *sorted)
{
    memcpy(sorted, y, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ascending_floats);
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = n; /* how many are less */
        while (low < high) {
            const size_t middle = (low + high) / 2;
            if (sorted[middle] < y[i])
                low = middle + 1;
            else
                high = middle;
        }
        size_t end = low;
        while (end < n && sorted[end] == y[i])
            end++;
        share_bins((double)(low + end) / (double)(2 * n), t->member + i * TABLE_BINS);
    }
    for (size_t k = 0; k < TABLE_BINS; k++)
        t->place[k] = (float)(2.0 * (double)k / (TABLE_BINS - 1) - 1);
}

void table_fill_support(const struct table_rows *rows, const struct marginal *marginal,
                        const float unit[2], struct table_task *t, float *room)
{
    marginals_apply(marginal, rows->x, rows->n, rows->columns, t->x_support);
    for (size_t i = 0; i < rows->n; i++)
        t->y_support[i] = rows->classes ? rows->y[i] : (rows->y[i] - unit[0]) / unit[1];
    if (rows->classes == 0) {
        fill_bins(t->y_support, rows->n, t, room);
        return;
    }
    memset(t->member, 0, rows->n * rows->classes * sizeof *t->member);
    memset(t->place, 0, rows->classes * sizeof *t->place);
    for (size_t i = 0; i < rows->n; i++)
        t->member[i * rows->classes + (size_t)rows->y[i]] = 1;
}

t2m_status table_family_check(const struct t2m_family *f, size_t rows)
{
    size_t most = 0;
    for (size_t i = 0; i < f->tables; i++)
        most = f->table[i].rows > most ? f->table[i].rows : most;
    if (f->prior || most >= rows)
        return T2M_OK;
    return refuse(f->lib, T2M_EDATA,
                  "the largest table of '%s' has %zu rows; tasks need %zu or more", f->name, most,
                  rows);
}

/* ---- memory ---- */

static size_t groups(const struct table_shape *s)
{
    return s->classes ? (size_t)s->classes : TABLE_BINS;
}

t2m_status table_task_new(t2m *lib, struct table_task *t, const struct table_shape *s, size_t count)
{
    const size_t n = (size_t)s->supports, q = (size_t)s->queries,
                 width = (size_t)s->columns * VIEWS;
    *t = (struct table_task){.x_support = mem_new(lib, count * n * width, sizeof(float)),
                             .x_query = mem_new(lib, count * q * width, sizeof(float)),
                             .y_support = mem_new(lib, count * n, sizeof(float)),
                             .y_query = mem_new(lib, count * q, sizeof(float)),
                             .member = mem_new(lib, count * n * groups(s), sizeof(float)),
                             .place = mem_new(lib, count * groups(s), sizeof(float))};
    if (t->x_support && t->x_query && t->y_support && t->y_query && t->member && t->place)
        return T2M_OK;
    table_task_free(lib, t);
    return T2M_ENOMEM;
}

struct table_task table_task_at(const struct table_task *all, const struct table_shape *s, size_t k)
{
    const size_t n = (size_t)s->supports, q = (size_t)s->queries,
                 width = (size_t)s->columns * VIEWS;
    return (struct table_task){.x_support = all->x_support + k * n * width,
                               .x_query = all->x_query + k * q * width,
                               .y_support = all->y_support + k * n,
                               .y_query = all->y_query + k * q,
                               .member = all->member + k * n * groups(s),
                               .place = all->place + k * groups(s)};
}

void table_task_free(t2m *lib, struct table_task *t)
{
    float *const memory[] = {t->x_support, t->x_query, t->y_support,
                             t->y_query,   t->member,  t->place};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(lib, memory[i]);
    *t = (struct table_task){0};
}

/* ---- drawing ---- */

struct draw {
    const struct t2m_family *f;
    const struct table_shape *s;
    struct random r;
    size_t rows, columns, classes; /* of the shape, rows: both sets */
    float *x, *y;                  /* [rows, columns], [rows] */
    float *sorted;                 /* [3 rows] */
    struct marginal *marginal;     /* [columns] */
    double *prior;
    size_t *index, *label, *column; /* [most rows], [most rows], [most columns] of the tables */
};

static size_t most_rows(const struct t2m_family *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->tables; i++)
        n = f->table[i].rows > n ? f->table[i].rows : n;
    return n;
}

static size_t most_columns(const struct t2m_family *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->tables; i++)
        n = f->table[i].columns > n ? f->table[i].columns : n;
    return n;
}

/* Takes its share of the room. */
static void *cut(uintptr_t *at, size_t bytes)
{
    const uintptr_t p = *at;
    *at += (bytes + 15) / 16 * 16;
    return (void *)p;
}

/* Lays the arrays out from `at`; gives the end. */
static uintptr_t lay_out(struct draw *d, uintptr_t at)
{
    const size_t rows = d->rows, wide = most_columns(d->f) + 1;
    d->x = cut(&at, rows * d->columns * sizeof *d->x);
    d->y = cut(&at, rows * sizeof *d->y);
    d->sorted = cut(&at, 3 * rows * sizeof *d->sorted);
    d->marginal = cut(&at, d->columns * sizeof *d->marginal);
    d->prior = cut(&at, prior_room(rows, d->columns, d->classes) * sizeof *d->prior);
    d->index = cut(&at, most_rows(d->f) * sizeof *d->index);
    d->label = cut(&at, most_rows(d->f) * sizeof *d->label);
    d->column = cut(&at, wide * sizeof *d->column);
    return at;
}

static struct draw draw_for(const struct t2m_family *f, const struct table_shape *s)
{
    return (struct draw){.f = f,
                         .s = s,
                         .rows = (size_t)(s->supports + s->queries),
                         .columns = (size_t)s->columns,
                         .classes = (size_t)s->classes};
}

size_t table_draw_room(const struct t2m_family *f, const struct table_shape *s)
{
    struct draw d = draw_for(f, s);
    return lay_out(&d, 0);
}

static void swap_rows(struct draw *d, size_t a, size_t b)
{
    float *x = d->x + a * d->columns, *z = d->x + b * d->columns;
    for (size_t k = 0; k < d->columns; k++) {
        const float v = x[k];
        x[k] = z[k];
        z[k] = v;
    }
    const float v = d->y[a];
    d->y[a] = d->y[b];
    d->y[b] = v;
}

/* A row of each class first; false if there is none. */
static bool classes_first(struct draw *d)
{
    for (size_t k = 0; k < d->classes; k++) {
        size_t i = k;
        while (i < d->rows && d->y[i] != (float)k)
            i++;
        if (i == d->rows)
            return false;
        swap_rows(d, k, i);
    }
    return true;
}

/* ---- from tables ---- */

static bool has_enough(const struct draw *d, const struct data_table *t)
{
    return t->rows >= d->rows && t->columns >= d->columns && t->columns <= 4 * d->columns;
}

bool table_family_fits(const struct t2m_family *f, const struct table_shape *s)
{
    const struct draw d = draw_for(f, s);
    bool any = f->prior;
    for (size_t i = 0; i < f->tables && !any; i++) {
        const struct data_table *t = &f->table[i];
        any = has_enough(&d, t) && (t->classes == 0 || (d.classes > 0 && t->classes >= d.classes));
    }
    return any;
}

static const struct data_table *choose_table(struct draw *d)
{
    size_t fit = 0;
    for (size_t i = 0; i < d->f->tables; i++)
        fit += has_enough(d, &d->f->table[i]);
    if (fit == 0)
        return NULL;
    size_t n = random_below(&d->r, fit);
    for (size_t i = 0; i < d->f->tables; i++)
        if (has_enough(d, &d->f->table[i]) && n-- == 0)
            return &d->f->table[i];
    return NULL;
}

/* Of column `target`, or of the table's own target if that is t->columns. */
static float target_at(const struct data_table *t, size_t target, size_t row)
{
    return target < t->columns ? t->x[row * t->columns + target] : t->y[row];
}

/* The rows whose target is known into d->index; gives their number. */
static size_t known_rows(struct draw *d, const struct data_table *t, size_t target)
{
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++)
        if (isfinite(target_at(t, target, i)))
            d->index[n++] = i;
    return n;
}

/* The target of the first n rows of d->index as classes 0 .. classes-1 in d->label [rows]: its own
 * classes, those not chosen being rows that are not used (SIZE_MAX); or values cut at random ranks.
 */
static bool label_rows(struct draw *d, const struct data_table *t, size_t target, size_t n)
{
    if (target == t->columns && t->classes) {
        size_t class[SCHEMA_CLASSES];
        if (t->classes < d->classes)
            return false;
        for (size_t k = 0; k < t->classes; k++)
            class[k] = k;
        random_choose(&d->r, class, t->classes, t->classes);
        for (size_t i = 0; i < n; i++) {
            const size_t k = class[(size_t)t->y[d->index[i]]];
            d->label[d->index[i]] = k < d->classes ? k : SIZE_MAX;
        }
        return true;
    }
    float edge[SCHEMA_CLASSES];
    for (size_t k = 0; k + 1 < d->classes; k++)
        edge[k] = target_at(t, target, d->index[random_below(&d->r, n)]);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        for (size_t j = 0; j + 1 < d->classes; j++)
            k += target_at(t, target, d->index[i]) > edge[j];
        d->label[d->index[i]] = k;
    }
    return true;
}

/* The rows of the task from the table; columns are d->column. */
static bool take_rows(struct draw *d, const struct data_table *t, size_t target)
{
    const size_t known = known_rows(d, t, target);
    size_t n = 0;
    if (known < d->rows || (d->classes && !label_rows(d, t, target, known)))
        return false;
    for (size_t i = 0; i < known; i++)
        if (d->classes == 0 || d->label[d->index[i]] != SIZE_MAX)
            d->index[n++] = d->index[i];
    if (n < d->rows)
        return false;
    random_choose(&d->r, d->index, n, d->rows);
    for (size_t i = 0; i < d->rows; i++) {
        const size_t row = d->index[i];
        for (size_t k = 0; k < d->columns; k++)
            d->x[i * d->columns + k] = t->x[row * t->columns + d->column[k]];
        d->y[i] = d->classes ? (float)d->label[row] : target_at(t, target, row);
    }
    return true;
}

static bool values_vary(const struct draw *d)
{
    size_t changes = 0;
    for (size_t i = 1; i < d->rows; i++)
        changes += d->y[i] != d->y[i - 1];
    return changes > d->rows / 2;
}

/* The table, or NULL if the task did not come out well. */
static const struct data_table *from_table(struct draw *d)
{
    const struct data_table *t = choose_table(d);
    if (!t)
        return NULL;
    const bool fits = d->classes ? t->classes >= d->classes : t->classes == 0;
    const bool other = !fits || (!d->s->own && random_uniform(&d->r, 0, 1) < other_target);
    const size_t target = other ? random_below(&d->r, t->columns) : t->columns;
    size_t n = 0;
    for (size_t k = 0; k < t->columns; k++)
        if (k != target)
            d->column[n++] = k;
    if (n < d->columns)
        return NULL;
    random_choose(&d->r, d->column, n, d->columns);
    if (!take_rows(d, t, target))
        return NULL;
    return (d->classes ? classes_first(d) : values_vary(d)) ? t : NULL;
}

/* ---- from the prior ---- */

static bool from_prior(struct draw *d)
{
    prior_draw(&d->r, d->rows, d->columns, d->classes, d->x, d->y, d->prior);
    return d->classes ? classes_first(d) : values_vary(d);
}

static void fill_task(struct draw *d, struct table_task *t)
{
    const size_t n = (size_t)d->s->supports, q = (size_t)d->s->queries;
    const struct table_rows support = {d->x, d->y, n, d->columns, d->classes};
    float unit[2];
    table_measure(&support, d->marginal, unit, d->sorted);
    table_fill_support(&support, d->marginal, unit, t, d->sorted);
    marginals_apply(d->marginal, d->x + n * d->columns, q, d->columns, t->x_query);
    for (size_t i = 0; i < q; i++)
        t->y_query[i] = d->classes ? d->y[n + i] : (d->y[n + i] - unit[0]) / unit[1];
}

const struct data_table *table_draw(const struct t2m_family *f, const struct table_shape *s,
                                    uint64_t seed, uint64_t number, struct table_task *t,
                                    void *room)
{
    struct draw d = draw_for(f, s);
    d.r = random_stream(seed, 11, number);
    lay_out(&d, (uintptr_t)room);
    const struct data_table *from = NULL;
    bool good = false;
    for (int i = 0; i < TRIES && !good; i++) {
        const bool real = f->tables > 0 && (!f->prior || random_uniform(&d.r, 0, 1) < f->real_part);
        from = real ? from_table(&d) : NULL;
        good = real ? from != NULL : f->prior && from_prior(&d);
    }
    for (int i = 0; i < 20 * TRIES && !good; i++) /* the shape suits no table */
        good = from_prior(&d);
    fill_task(&d, t);
    return from;
}
