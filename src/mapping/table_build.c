/* table_build.c: a table as a model: columns are chosen and measured, the body of the network is
 * made from up to some hundred rows, its head is solved on all. */
#include "mapping/table_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mapping/once.h"
#include "mapping/table_graph.h"
#include "model/model.h"
#include "task/tables.h"

enum { MOST_ROWS = 10000 /* that the head is solved on */ };

enum result { MODEL, SCALE, LOG_PENALTY, FACTOR, OFF, TASK, RESULTS };

struct building {
    t2m *lib;
    const t2m_learner *l;
    const t2m_task *task;
    int steps;                      /* of tuning */
    size_t rows, columns, supports; /* that are used */
    size_t *place;                  /* [columns] of the task's columns */
    struct marginal *marginal;      /* [columns] */
    float *x, *y;                   /* [rows, columns], [rows]: raw */
    float unit[2];
    struct table_task all, support; /* `all` has no columns */
    float *room;                    /* [3 rows] */
    struct table_graph e;
    float *result[RESULTS];
};

static struct table_shape shape_of(const struct building *b, size_t rows, size_t columns)
{
    return (struct table_shape){.supports = (int64_t)rows,
                                .queries = 1,
                                .columns = (int64_t)columns,
                                .classes = (int64_t)b->task->classes};
}

/* ---- rows ---- */

struct ranked {
    float y;
    size_t random, from;
};

static int by_target(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;
    return p->y != q->y ? (p->y > q->y) - (p->y < q->y)
                        : (p->random > q->random) - (p->random < q->random);
}

/* `want` of n rows, evenly over the targets, at random among equals. */
static t2m_status pick_rows(t2m *lib, const float *y, size_t n, size_t want, size_t *picked)
{
    struct random r = random_stream(0, n, want);
    struct ranked *row = mem_new(lib, n, sizeof *row);
    size_t *order = mem_new(lib, n, sizeof *order);
    const t2m_status status = row && order ? T2M_OK : T2M_ENOMEM;
    for (size_t i = 0; i < n && status == T2M_OK; i++)
        order[i] = i;
    if (status == T2M_OK && want < n) {
        random_choose(&r, order, n, n);
        for (size_t i = 0; i < n; i++)
            row[i] = (struct ranked){y[order[i]], i, order[i]};
        qsort(row, n, sizeof *row, by_target);
        for (size_t i = 0; i < want; i++)
            order[i] = row[(2 * i + 1) * n / (2 * want)].from;
    }
    for (size_t i = 0; i < want && status == T2M_OK; i++)
        picked[i] = order[i];
    mem_free(lib, order);
    mem_free(lib, row);
    return status;
}

/* ---- columns ---- */

/* How much of the variance of a view [n] lies between the classes or bins (the correlation ratio).
 */
static double correlation_ratio(const struct building *b, const float *view, size_t groups)
{
    double sum = 0, squares = 0, between = 0;
    const size_t n = b->rows;
    for (size_t g = 0; g < groups; g++) {
        double in = 0, of = 0;
        for (size_t i = 0; i < n; i++) {
            const double share = (double)b->all.member[i * groups + g],
                         v = (double)view[i * MARGINAL_VIEWS];
            of += share * v;
            in += share;
            squares += share * v * v;
        }
        sum += of;
        between += in > 0 ? of * of / in : 0;
    }
    const double off = sum * sum / (double)n, all = squares - off + tiny * (double)n;
    return (between - off) / all;
}

/* Of column k, in the view that shows more. column [rows] */
static double relevance(const struct building *b, const size_t *row, size_t k, float *column)
{
    const size_t groups = b->task->classes ? b->task->classes : TABLE_BINS;
    float *const views = b->room; /* after the marginal is found */
    struct marginal m;
    double best = 0;
    for (size_t i = 0; i < b->rows; i++)
        column[i] = b->task->x[row[i] * b->task->input + k];
    marginal_find(&m, column, b->rows, 1, b->room);
    marginals_apply(&m, column, b->rows, 1, views);
    for (int view = 0; view < MARGINAL_VIEWS; view++)
        best = fmax(best, correlation_ratio(b, views + view, groups));
    return best;
}

struct scored {
    double score;
    size_t column;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *p = a, *q = b;
    return p->score != q->score ? (p->score < q->score) - (p->score > q->score)
                                : (p->column > q->column) - (p->column < q->column);
}

static int by_column(const void *a, const void *b)
{
    const size_t p = *(const size_t *)a, q = *(const size_t *)b;
    return (p > q) - (p < q);
}

/* The columns that say most of the target, in their order. */
static t2m_status choose_columns(struct building *b, const size_t *row)
{
    const size_t n = b->task->input;
    struct scored *all = mem_new(b->lib, n, sizeof *all);
    float *column = mem_new(b->lib, b->rows, sizeof *column);
    const t2m_status status = all && column ? T2M_OK : T2M_ENOMEM;
    for (size_t k = 0; k < n && status == T2M_OK; k++)
        all[k] = (struct scored){n > b->columns ? relevance(b, row, k, column) : 0, k};
    if (status == T2M_OK) {
        qsort(all, n, sizeof *all, by_score);
        for (size_t k = 0; k < b->columns; k++)
            b->place[k] = all[k].column;
        qsort(b->place, b->columns, sizeof *b->place, by_column);
    }
    mem_free(b->lib, column);
    mem_free(b->lib, all);
    return status;
}

/* ---- the task ---- */

static void take_rows(const struct building *b, const size_t *row, size_t n, float *x, float *y)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < b->columns; k++)
            x[i * b->columns + k] = b->task->x[row[i] * b->task->input + b->place[k]];
        y[i] = b->task->y[row[i]];
    }
}

/* All rows: their shares in the classes, the columns, the marginals. */
static t2m_status measure(struct building *b, const size_t *row)
{
    const size_t classes = b->task->classes;
    for (size_t i = 0; i < b->rows; i++)
        b->y[i] = b->task->y[row[i]];
    const struct table_rows targets = {b->x, b->y, b->rows, 0, classes};
    table_measure(&targets, NULL, b->unit, b->room);
    table_fill_support(&targets, NULL, b->unit, &b->all, b->room);
    TRY(choose_columns(b, row));
    take_rows(b, row, b->rows, b->x, b->y);
    const struct table_rows rows = {b->x, b->y, b->rows, b->columns, classes};
    table_measure(&rows, b->marginal, b->unit, b->room);
    return T2M_OK;
}

static t2m_status fill_support(struct building *b, const size_t *row, size_t *some)
{
    float *x = mem_new(b->lib, b->supports * b->columns, sizeof *x),
          *y = mem_new(b->lib, b->supports, sizeof *y);
    t2m_status status = x && y ? pick_rows(b->lib, b->y, b->rows, b->supports, some) : T2M_ENOMEM;
    if (status == T2M_OK) {
        for (size_t i = 0; i < b->supports; i++)
            some[i] = row[some[i]];
        take_rows(b, some, b->supports, x, y);
        const struct table_rows rows = {x, y, b->supports, b->columns, b->task->classes};
        table_fill_support(&rows, b->marginal, b->unit, &b->support, b->room);
    }
    mem_free(b->lib, x);
    mem_free(b->lib, y);
    return status;
}

static t2m_status prepare(struct building *b)
{
    const t2m_task *t = b->task;
    t2m *lib = b->lib = b->l->lib;
    if (!t->schema)
        return refuse(lib, T2M_EUSAGE, "this task is not of a table, for which the learner is");
    b->rows = t->n < MOST_ROWS ? t->n : MOST_ROWS;
    b->columns = t->input < TABLE_COLUMNS ? t->input : TABLE_COLUMNS;
    b->supports = b->rows < TABLE_SUPPORTS ? b->rows : TABLE_SUPPORTS;
    const struct table_shape all = shape_of(b, b->rows, 0),
                             support = shape_of(b, b->supports, b->columns);
    size_t *row = mem_new(lib, 2 * b->rows, sizeof *row);
    b->place = mem_new(lib, b->columns, sizeof *b->place);
    b->marginal = mem_new(lib, b->columns, sizeof *b->marginal);
    b->x = mem_new(lib, b->rows * b->columns, sizeof *b->x);
    b->y = mem_new(lib, b->rows, sizeof *b->y);
    b->room = mem_new(lib, 3 * b->rows, sizeof *b->room);
    t2m_status status =
        row && b->place && b->marginal && b->x && b->y && b->room ? T2M_OK : T2M_ENOMEM;
    if (status == T2M_OK)
        status = table_task_new(lib, &b->all, &all, 1);
    if (status == T2M_OK)
        status = table_task_new(lib, &b->support, &support, 1);
    if (status == T2M_OK)
        status = pick_rows(lib, t->y, t->n, b->rows, row);
    if (status == T2M_OK)
        status = measure(b, row);
    if (status == T2M_OK)
        status = fill_support(b, row, row + b->rows);
    mem_free(lib, row);
    return status;
}

static void clear(struct building *b)
{
    void *const memory[] = {b->place, b->marginal, b->x, b->y, b->room};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(b->lib, memory[i]);
    for (int i = 0; i < RESULTS; i++)
        mem_free(b->lib, b->result[i]);
    table_task_free(b->lib, &b->all);
    table_task_free(b->lib, &b->support);
    t2m_graph_free(b->e.g);
}

/* ---- the graph ---- */

static t2m_status make_graph(struct building *b)
{
    const struct candidate *c = b->l->candidate;
    const struct table_use use = {.shape = shape_of(b, b->supports, b->columns), .steps = b->steps};
    return table_graph_make(b->lib, &c->structure, &c->parts, &use, &b->e);
}

/* Runs it for results first .. last, which then lie in b->result. */
static t2m_status run_graph(struct building *b, int first, int last)
{
    const struct table_graph *e = &b->e;
    const t2m_value in[] = {e->phi, e->x_support, e->y_support, e->member, e->place},
                    out[RESULTS] = {
                        e->m, e->prior.scale, e->prior.log_penalty, e->prior.factor, e->off, e->t};
    const void *const from[] = {b->l->phi, b->support.x_support, b->support.y_support,
                                b->support.member, b->support.place};
    const struct once once = {e->g, in, from, 5, out + first, (size_t)(last - first) + 1};
    return once_results(b->lib, &once, b->result + first);
}

/* ---- the model ---- */

/* The head anew, on all rows. */
static t2m_status solve_head(struct building *b, t2m_model *m)
{
    struct table_head h = {.structure = m->structure,
                           .rows = b->rows,
                           .target = m->classes ? b->all.member : b->all.y_support,
                           .classes = m->classes > 0,
                           .scale = b->result[SCALE],
                           .log_penalty = (double)b->result[LOG_PENALTY][0]};
    mem_free(b->lib, b->result[OFF]); /* that of the rows which are centres */
    b->result[OFF] = mem_new(b->lib, b->rows, sizeof(float));
    float *views = mem_new(b->lib, b->rows * b->columns * MARGINAL_VIEWS, sizeof *views);
    if (!views || !b->result[OFF]) {
        mem_free(b->lib, views);
        return T2M_ENOMEM;
    }
    marginals_apply(b->marginal, b->x, b->rows, b->columns, views);
    h.x = views;
    const t2m_status status = table_head_solve(b->lib, &h, m->m, b->result[OFF]);
    mem_free(b->lib, views);
    return status;
}

static int by_size(const void *a, const void *b)
{
    const float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

/* What a new one is below with probability p, of n in order (Vovk et al. 2005). */
static double bound_of(const float *in_order, size_t n, double p)
{
    const double at = fmin(fmax(p * ((double)n + 1), 1), (double)n) - 1;
    const size_t i = (size_t)at, next = i + 1 < n ? i + 1 : i;
    return (double)in_order[i] + (at - (double)i) * (double)(in_order[next] - in_order[i]);
}

/* Half-widths of the intervals, in units of the values. The bounds of how far left-out rows are
 * off, and, as if from so many rows more, what is learned of their root mean square; wider by what
 * the left-out rows seem too near, since the tuning has seen them. */
static void find_spread(struct building *b, float spread[2])
{
    static const double held[] = {0.8, 0.95}, rows_of_learned = 16, seen = 0.6;
    const double n = (double)b->rows;
    float *const off = b->result[OFF];
    double square = TABLE_LEAST_SQUARE;
    for (size_t i = 0; i < b->rows; i++) {
        off[i] = fabsf(off[i]);
        square += (double)off[i] * (double)off[i] / n;
    }
    qsort(off, b->rows, sizeof *off, by_size);
    for (int i = 0; i < 2; i++) {
        const double learned = sqrt(square) * (double)b->result[FACTOR][i],
                     bound = bound_of(off, b->rows, held[i]);
        spread[i] = (float)((1 + seen / sqrt(n)) * (n * bound + rows_of_learned * learned) /
                            (n + rows_of_learned));
    }
    spread[1] = fmaxf(spread[0], spread[1]); /* one holds the other */
}

static t2m_status fill_model(struct building *b, t2m_model *m)
{
    struct schema *schema;
    TRY(schema_copy(b->task->schema, &schema));
    TRY(model_table_start(m, schema));
    for (size_t k = 0; k < b->columns; k++)
        m->table.place[k] = (float)b->place[k];
    TRY(model_table_name(m));
    memcpy(m->table.marginal, b->marginal, b->columns * sizeof *b->marginal);
    memcpy(m->m, b->result[MODEL], m->layout.numel * sizeof *m->m);
    if (b->rows > b->supports)
        TRY(solve_head(b, m));
    if (!m->classes) {
        find_spread(b, m->table.spread);
        for (int i = 0; i < 2; i++)
            m->table.spread[i] *= b->unit[1];
        m->scales[2 * b->columns] = b->unit[0];
        m->scales[2 * b->columns + 1] = b->unit[1];
    }
    TRY(model_check_finite(m, "in the table"));
    m->method = mem_text(b->lib, b->l->method->name);
    return m->method ? T2M_OK : T2M_ENOMEM;
}

static t2m_status build(struct building *b, t2m_model **m, t2m_build_report *r)
{
    const double start = seconds_now();
    TRY(prepare(b));
    const double prepared = seconds_now();
    TRY(make_graph(b));
    struct structure s = table_model_structure(&b->l->candidate->structure, b->columns, b->supports,
                                               b->task->classes);
    TRY(model_new(b->lib, m, &s, b->task->classes, b->columns));
    const double made = seconds_now();
    TRY(run_graph(b, MODEL, OFF));
    TRY(fill_model(b, *m));
    *r = (t2m_build_report){.milliseconds = {NAN, 1e3 * (prepared - start), 1e3 * (made - prepared),
                                             NAN, 1e3 * (seconds_now() - made)},
                            .loss_generated = NAN,
                            .loss_tuned = NAN,
                            .structures = 1};
    structure_text(&s, r->structure[0].structure);
    r->structure[0].macs = structure_macs(&s);
    r->structure[0].weight = NAN;
    return t2m_model_bytes(*m, &r->structure[0].bytes);
}

t2m_status table_build(const t2m_learner *l, t2m_model **out, const t2m_task *task, int steps,
                       t2m_build_report *report)
{
    struct building b = {.l = l, .task = task, .steps = steps};
    t2m_model *m = NULL;
    const t2m_status status = build(&b, &m, report);
    if (status == T2M_OK)
        *out = m;
    else
        t2m_model_free(m);
    clear(&b);
    return status;
}

t2m_status table_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n)
{
    struct building b = {.l = l, .task = task};
    t2m_status status = prepare(&b);
    if (status == T2M_OK)
        status = make_graph(&b);
    if (status == T2M_OK)
        status = run_graph(&b, TASK, TASK);
    if (status == T2M_OK) {
        *n = TABLE_T;
        *t = b.result[TASK];
        b.result[TASK] = NULL;
    }
    clear(&b);
    return status;
}
