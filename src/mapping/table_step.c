/* table_step.c: the jobs of a meta-step of tables, and how good a learner of tables is. A job is
 * some tasks of one shape out of a menu; each shape has its plan. */
#include <math.h>
#include <stdatomic.h>

#include "engine/compute/pool.h"
#include "mapping/tables.h"
#include "mapping/training.h"

enum {
    MENU = 48,
    MOST_CLASSES = 10,
    MOST_TASKS = 16 /* of a job */,
    CELLS = 3072 /* of the support sets of a job, about */
};

struct table_plans {
    t2m *lib;
    size_t count;
    struct table_shape shape[MENU];
    size_t tasks[MENU]; /* of a job */
    t2m_plan *plan[MENU];
};

/* ---- the menu ---- */

static struct table_shape any_shape(struct random *r)
{
    static const int64_t rows[] = {8, 12, 16, 16, 24, 32, 48, 64, 64, 96, 128, 192, 256, 256},
                         columns[] = {2, 3,  4,  5,  5,  6,  6,  7,  8, 8,
                                      9, 10, 12, 13, 16, 18, 20, 24, 32},
                         classes[] = {0, 0, 0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8, 10};
    struct table_shape s = {.queries = TABLE_QUERIES};
    s.supports = rows[random_below(r, sizeof rows / sizeof *rows)];
    s.columns = columns[random_below(r, sizeof columns / sizeof *columns)];
    do
        s.classes = classes[random_below(r, sizeof classes / sizeof *classes)];
    while (3 * s.classes > s.supports);
    return s;
}

/* 4 rows or more to learn from, small numbers as likely as large ones. */
static int64_t draw_supports(struct random *r, int64_t most)
{
    const double least = 4;
    return (int64_t)(least * exp(random_uniform(r, 0, log((double)(most + 1) / least))));
}

static struct table_shape shape_of_table(const struct data_table *t, struct random *r)
{
    const int64_t rows = (int64_t)t->rows, columns = (int64_t)t->columns,
                  classes = (int64_t)t->classes;
    struct table_shape s = {.own = true};
    s.queries = rows < 2 * TABLE_QUERIES ? rows / 2 : TABLE_QUERIES;
    const int64_t most = rows - s.queries < TABLE_SUPPORTS ? rows - s.queries : TABLE_SUPPORTS;
    s.supports = draw_supports(r, most);
    s.columns = columns < TABLE_COLUMNS ? columns : TABLE_COLUMNS;
    s.classes = classes < MOST_CLASSES ? classes : MOST_CLASSES;
    while (s.classes > 2 && 3 * s.classes > s.supports)
        s.classes--;
    return s;
}

struct table_shape table_shape_draw(const struct t2m_family *f, struct random *r)
{
    size_t fit = 0;
    for (size_t i = 0; i < f->tables; i++)
        fit += f->table[i].rows >= TABLE_LEAST_ROWS;
    if (f->prior || fit == 0)
        return any_shape(r);
    size_t n = random_below(r, fit);
    const struct data_table *t = f->table;
    while (t->rows < TABLE_LEAST_ROWS || n-- > 0)
        t++;
    return shape_of_table(t, r);
}

static size_t tasks_of(const struct table_shape *s)
{
    const size_t n = CELLS / (size_t)(s->supports * s->columns);
    return n < 1 ? 1 : n > MOST_TASKS ? MOST_TASKS : n;
}

/* ---- plans ---- */

static t2m_status compile_job(const struct t2m_learner *l, const struct table_shape *shape,
                              size_t tasks, bool learn, t2m_plan **plan)
{
    struct table_graph e;
    const struct candidate *k = l->candidate;
    const struct table_use use = {.shape = *shape, .steps = TABLE_STEPS};
    TRY(table_graph_make(l->lib, &k->structure, &k->parts, &use, &e));
    t2m_value from[TABLE_INPUTS], to[TABLE_INPUTS], each[3], result[] = {e.loss, e.output, e.learn};
    table_graph_inputs(&e, from);
    to[0] = from[0];
    for (int i = 1; i < TABLE_INPUTS; i++)
        to[i] = batched_input(e.g, from[i], tasks);
    t2m_vmap(e.g, (int64_t)tasks, from, to, TABLE_INPUTS, result, each, 3);
    const t2m_value loss = t2m_mean_all(e.g, each[2]);
    const t2m_value out[] = {each[0], each[1], learn ? t2m_grad(e.g, loss, e.phi) : loss};
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    const t2m_status status = t2m_compile(e.g, to, TABLE_INPUTS, out, 3, &o, plan);
    t2m_graph_free(e.g);
    return status;
}

void table_plans_free(struct table_plans *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        t2m_plan_free(p->plan[i]);
    mem_free(p->lib, p);
}

t2m_status table_plans_new(const struct t2m_learner *l, const struct t2m_family *f, bool learn,
                           struct table_plans **out)
{
    struct table_plans *p = mem_new(l->lib, 1, sizeof *p);
    struct random r = random_stream(l->seed, 12, learn);
    if (!p)
        return T2M_ENOMEM;
    p->lib = l->lib;
    t2m_status status = T2M_OK;
    for (; p->count < MENU && status == T2M_OK; p->count++) {
        p->shape[p->count] = table_shape_draw(f, &r);
        p->tasks[p->count] = tasks_of(&p->shape[p->count]);
        status = compile_job(l, &p->shape[p->count], p->tasks[p->count], learn, &p->plan[p->count]);
    }
    if (status == T2M_OK)
        *out = p;
    else
        table_plans_free(p);
    return status;
}

/* ---- a job ---- */

struct table_job {
    const struct table_plans *plans;
    const struct t2m_family *family;
    const float *phi;
    size_t which;
    uint64_t seed, number; /* of the first task */
    float *gradient;       /* or the mean loss [1], as the plans have it */
    double loss, metric;   /* means over the tasks; metric: part of right answers, or the loss */
};

static t2m_status run_job(struct table_job *j, struct table_task *all, float *loss, float *output,
                          void *room)
{
    const struct table_shape *s = &j->plans->shape[j->which];
    const size_t tasks = j->plans->tasks[j->which], classes = (size_t)s->classes,
                 queries = (size_t)s->queries;
    t2m_workspace *w;
    for (size_t k = 0; k < tasks; k++) {
        struct table_task one = table_task_at(all, s, k);
        table_draw(j->family, s, j->seed, j->number + k, &one, room);
    }
    TRY(t2m_workspace_new(j->plans->plan[j->which], &w));
    const void *const in[] = {j->phi,     all->x_support, all->y_support, all->member,
                              all->place, all->x_query,   all->y_query};
    void *const out[] = {loss, output, j->gradient};
    t2m_run(j->plans->plan[j->which], w, in, out);
    t2m_workspace_free(w);
    j->loss = j->metric = 0;
    const struct episode_size size = {.queries = queries, .outputs = classes, .target = 1};
    for (size_t k = 0; k < tasks; k++) {
        j->loss += (double)loss[k] / (double)tasks;
        j->metric += classes ? episode_metric(FAMILY_IMAGES, output + k * queries * classes,
                                              all->y_query + k * queries, &size)
                             : (double)loss[k];
    }
    j->metric /= (double)tasks;
    return T2M_OK;
}

static t2m_status table_job(t2m *lib, struct table_job *j)
{
    const struct table_shape *s = &j->plans->shape[j->which];
    const size_t tasks = j->plans->tasks[j->which],
                 outputs = (size_t)(s->queries * (s->classes ? s->classes : 1));
    struct table_task all;
    TRY(table_task_new(lib, &all, s, tasks));
    float *loss = mem_new(lib, tasks, sizeof *loss),
          *output = mem_new(lib, tasks * outputs, sizeof *output);
    void *room = mem_new(lib, table_draw_room(j->family, s), 1);
    const t2m_status status =
        loss && output && room ? run_job(j, &all, loss, output, room) : T2M_ENOMEM;
    mem_free(lib, room);
    mem_free(lib, output);
    mem_free(lib, loss);
    table_task_free(lib, &all);
    return status;
}

void table_step_job(void *ctx, size_t job, size_t worker)
{
    struct meta_step *s = ctx;
    (void)worker;
    if (asked_to_stop(s->stop, s->stop_ctx, &s->stopped))
        return;
    const uint64_t number = s->number * s->blocks + job;
    struct random r = random_stream(s->seed, 13, number);
    struct table_job j = {.plans = s->tables,
                          .family = s->family,
                          .phi = s->state,
                          .which = random_below(&r, s->tables->count),
                          .seed = s->seed,
                          .number = number * MOST_TASKS,
                          .gradient = s->gradient + job * s->l->numel};
    if (table_job(s->l->lib, &j) != T2M_OK)
        j.loss = NAN;
    s->loss[job] = (float)j.loss;
    s->metric[job] = j.metric;
}

/* ---- evaluation ---- */

struct table_evaluating {
    const struct t2m_learner *l;
    const struct t2m_family *f;
    const struct table_plans *plans;
    uint64_t seed;
    double *value; /* [jobs] */
    float *sink;   /* [jobs] */
    int (*stop)(void *ctx);
    void *ctx;
    atomic_bool stopped;
};

static void evaluate_job(void *ctx, size_t job, size_t worker)
{
    struct table_evaluating *e = ctx;
    (void)worker;
    if (asked_to_stop(e->stop, e->ctx, &e->stopped))
        return;
    struct table_job j = {.plans = e->plans,
                          .family = e->f,
                          .phi = e->l->phi,
                          .which = job % e->plans->count,
                          .seed = e->seed,
                          .number = job * MOST_TASKS,
                          .gradient = e->sink + job};
    e->value[job] = table_job(e->l->lib, &j) == T2M_OK ? j.loss : NAN;
}

t2m_status table_validate(const struct t2m_learner *l, const struct t2m_family *f,
                          const struct table_plans *plans, size_t jobs, uint64_t seed,
                          int (*stop)(void *ctx), void *ctx, double *value)
{
    struct table_evaluating e = {.l = l,
                                 .f = f,
                                 .plans = plans,
                                 .seed = seed,
                                 .value = value,
                                 .stop = stop,
                                 .ctx = ctx,
                                 .sink = mem_new(l->lib, jobs, sizeof *e.sink)};
    if (!e.sink)
        return T2M_ENOMEM;
    pool_run(l->lib->pool, jobs, evaluate_job, &e);
    mem_free(l->lib, e.sink);
    return atomic_load(&e.stopped) ? refuse(l->lib, T2M_ECANCELLED, "validation was stopped")
                                   : T2M_OK;
}
