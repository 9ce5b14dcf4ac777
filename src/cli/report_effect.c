/* report_effect.c: what the columns of a table do in its model: how much worse it gets without
 * each, and how what it foretells changes with the most important ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_table.h"

static const double EDGE = 0.05; /* part of the rows beyond the ends of a curve, on each side */
enum { FEW = 12 /* different numbers: all are shown */ };

/* ---- importance ---- */

/* The inputs of the model that are made from one column of the file stand together. */
static t2m_status find_columns(struct report *r)
{
    struct table_report *t = r->table;
    t->columns = 0;
    t->importance = calloc(t->inputs, sizeof *t->importance);
    if (!t->importance)
        return T2M_ENOMEM;
    for (size_t i = 0; i < t->inputs; i++) {
        t2m_column column;
        t2m_task_column(r->learner, t->all, t->place[i], &column);
        struct importance *last = t->columns ? &t->importance[t->columns - 1] : NULL;
        if (last && strcmp(last->column, column.source) == 0)
            last->count++;
        else
            t->importance[t->columns++] = (struct importance){column.source, i, 1, 0, 0};
    }
    return T2M_OK;
}

/* A number below n, of xorshift64* (Vigna 2016). */
static size_t below(unsigned long long *state, size_t n)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (size_t)((*state * 2685821657736338717ULL >> 32) % n);
}

static void shuffle(unsigned long long *state, size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        const size_t k = below(state, i), last = order[i - 1];
        order[i - 1] = order[k];
        order[k] = last;
    }
}

struct shuffling {
    unsigned long long state;
    size_t *order; /* [rows] */
    float *x, *p;  /* as in table_report */
};

/* How much the loss grows when the rows exchange their cells of the column (Breiman 2001,
 * section 10). */
static t2m_status shuffle_column(struct table_report *t, struct shuffling *s, struct importance *c)
{
    double square = 0;
    for (int i = 0; i < TABLE_SHUFFLES; i++) {
        shuffle(&s->state, s->order, t->rows);
        memcpy(s->x, t->x, t->rows * t->inputs * sizeof *s->x);
        for (size_t row = 0; row < t->rows; row++)
            memcpy(s->x + row * t->inputs + c->first, t->x + s->order[row] * t->inputs + c->first,
                   c->count * sizeof *s->x);
        const t2m_status status = t2m_model_predict(t->model, s->x, t->rows, s->p);
        if (status != T2M_OK)
            return status;
        const double more = report_table_loss(t, s->p) - t->loss;
        c->mean += more / TABLE_SHUFFLES;
        square += more * more / TABLE_SHUFFLES;
    }
    c->sd = sqrt(fmax(0, square - c->mean * c->mean));
    return T2M_OK;
}

static int by_importance(const void *a, const void *b)
{
    const struct importance *p = a, *q = b;
    return p->mean != q->mean ? (p->mean < q->mean) - (p->mean > q->mean)
                              : (p->first > q->first) - (p->first < q->first);
}

t2m_status report_importance(struct report *r)
{
    struct table_report *t = r->table;
    struct shuffling s = {.state = 88172645463325252ULL + 2 * r->episode.seed,
                          .order = calloc(t->rows, sizeof *s.order),
                          .x = calloc(t->rows * t->inputs, sizeof *s.x),
                          .p = calloc(t->rows * t->outputs, sizeof *s.p)};
    t2m_status status = s.order && s.x && s.p ? find_columns(r) : T2M_ENOMEM;
    r->all = t->columns;
    for (size_t i = 0; i < t->columns && status == T2M_OK; i++) {
        status = shuffle_column(t, &s, &t->importance[i]);
        if (report_tick(r, NULL, i + 1) != 0)
            status = T2M_ECANCELLED;
    }
    free(s.order);
    free(s.x);
    free(s.p);
    qsort(t->importance, t->columns, sizeof *t->importance, by_importance);
    return status;
}

/* ---- what is tried ---- */

struct trial {
    const struct importance *column;
    size_t numbers;   /* of the column's inputs, without the one that says that it is missing */
    size_t indicator; /* this one, or SIZE_MAX */
    size_t rows;
    float *x, *p; /* [rows, inputs], [rows, outputs] */
};

static const char *input_name(const struct table_report *t, size_t i)
{
    return t2m_model_feature(t->model, i);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static struct trial trial_of(const struct table_report *t, const struct importance *c)
{
    const size_t last = c->first + c->count - 1;
    const bool missing = ends_with(input_name(t, last), " is missing");
    return (struct trial){.column = c,
                          .numbers = c->count - missing,
                          .indicator = missing ? last : SIZE_MAX,
                          .rows = t->rows < TABLE_AVERAGED ? t->rows : TABLE_AVERAGED};
}

static int by_number(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The numbers of the column in the rows that are held out: all, if they are few; else at equal
 * distances, without the ends. */
static void choose_numbers(struct effect *e, float *sorted, size_t n)
{
    size_t different = 0;
    qsort(sorted, n, sizeof *sorted, by_number);
    for (size_t i = 0; i < n && different <= FEW; i++)
        if (i == 0 || sorted[i] != sorted[i - 1]) {
            if (different < FEW)
                e->x[different] = (double)sorted[i];
            different++;
        }
    e->points = different <= FEW ? different : TABLE_GRID;
    if (different <= FEW)
        return;
    const size_t cut = (size_t)(EDGE * (double)n);
    const double low = (double)sorted[cut], high = (double)sorted[n - 1 - cut];
    for (size_t i = 0; i < TABLE_GRID; i++)
        e->x[i] = low + (high - low) * (double)i / (TABLE_GRID - 1);
}

/* "red" of "colour = red" and "another" of "colour: another"; NULL if it is no category. */
static const char *category_of(const struct effect *e, const char *name)
{
    const size_t n = strlen(e->column);
    const char *rest = strncmp(name, e->column, n) == 0 ? name + n : "";
    return strncmp(rest, " = ", 3) == 0     ? rest + 3
           : strcmp(rest, ": another") == 0 ? rest + 2
                                            : NULL;
}

static t2m_status choose_points(const struct table_report *t, const struct trial *k,
                                struct effect *e)
{
    const struct importance *c = k->column;
    e->name = input_name(t, c->first);
    e->levels = k->numbers > 1 && category_of(e, e->name);
    if (e->levels) {
        e->points = k->numbers < TABLE_GRID ? k->numbers : TABLE_GRID;
        for (size_t i = 0; i < e->points; i++) {
            e->x[i] = (double)i;
            const char *category = category_of(e, input_name(t, c->first + i));
            snprintf(e->label[i], TABLE_LABEL, "%s", category ? category : "");
        }
        return T2M_OK;
    }
    float *sorted = calloc(t->rows, sizeof *sorted);
    size_t n = 0;
    if (!sorted)
        return T2M_ENOMEM;
    for (size_t i = 0; i < t->rows; i++)
        if (isfinite(t->x[i * t->inputs + c->first]))
            sorted[n++] = t->x[i * t->inputs + c->first];
    choose_numbers(e, sorted, n);
    free(sorted);
    return T2M_OK;
}

/* ---- effects ---- */

/* The rows, evenly spaced, with the column as it is tried. */
static void set_column(const struct table_report *t, struct trial *k, const struct effect *e,
                       size_t point)
{
    for (size_t i = 0; i < k->rows; i++) {
        float *x = k->x + i * t->inputs;
        memcpy(x, t->x + i * t->rows / k->rows * t->inputs, t->inputs * sizeof *x);
        for (size_t j = 0; e->levels && j < k->numbers; j++)
            x[k->column->first + j] = j == point;
        if (!e->levels)
            x[k->column->first] = (float)e->x[point];
        if (k->indicator != SIZE_MAX)
            x[k->indicator] = 0;
    }
}

/* Partial dependence (Friedman 2001, section 8.2). */
static t2m_status find_effect(struct table_report *t, struct trial *k, struct effect *e)
{
    t2m_status status = choose_points(t, k, e);
    for (size_t point = 0; point < e->points && status == T2M_OK; point++) {
        set_column(t, k, e, point);
        status = t2m_model_predict(t->model, k->x, k->rows, k->p);
        for (size_t c = 0; c < t->shown_count; c++) {
            e->y[c][point] = 0;
            for (size_t i = 0; i < k->rows; i++)
                e->y[c][point] += (double)k->p[i * t->outputs + t->shown[c]] / (double)k->rows;
        }
    }
    return status;
}

/* The most frequent classes, or the one value. */
static void choose_classes(struct table_report *t)
{
    const size_t n = t2m_task_examples(t->all);
    size_t *count = calloc(t->outputs, sizeof *count);
    for (size_t i = 0; count && t->classes && i < n; i++)
        count[(size_t)t2m_task_y(t->all)[i]]++;
    while (count && t->shown_count < TABLE_CLASSES && t->shown_count < t->outputs) {
        size_t most = 0;
        for (size_t k = 1; k < t->outputs; k++)
            most = count[k] > count[most] ? k : most;
        t->shown[t->shown_count++] = most;
        count[most] = 0;
    }
    free(count);
}

t2m_status report_effects(struct report *r)
{
    struct table_report *t = r->table;
    float *x = calloc(t->rows * t->inputs, sizeof *x), *p = calloc(t->rows * t->outputs, sizeof *p);
    t2m_status status = x && p ? T2M_OK : T2M_ENOMEM;
    choose_classes(t);
    for (size_t i = 0; i < t->columns && i < TABLE_CURVES && status == T2M_OK; i++) {
        struct trial k = trial_of(t, &t->importance[i]);
        k.x = x;
        k.p = p;
        if (i == 0)
            status = t2m_model_prepare(t->model, k.rows);
        t->effect[t->effects].column = k.column->column;
        if (status == T2M_OK)
            status = find_effect(t, &k, &t->effect[t->effects++]);
        if (cli_stop(NULL))
            status = T2M_ECANCELLED;
    }
    free(x);
    free(p);
    return status;
}
