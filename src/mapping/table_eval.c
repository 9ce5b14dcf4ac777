/* table_eval.c: a learner of tables on many tasks, beside the controls. Tasks have one of a few
 * shapes; each shape has a plan for models as they are built, one without the tuning, and one that
 * is told of another task. */
#include <math.h>

#include "mapping/learner.h"
#include "engine/compute/pool.h"
#include "mapping/tables.h"

enum {
    SHAPES = 16,
    TRIES = 2000, /* to find a shape that fits */
    REDRAWS = 20, /* of a task that does not come out well */
    LEAST_SHOTS = 4,
    OF_A_CLASS = 3 /* rows to learn from, on average */
};
static const uint64_t WRONG_FIRST = UINT64_C(1) << 32, REDRAW_STEP = UINT64_C(1) << 40;
enum variant { TUNED, GENERATED, WRONG, VARIANTS };
enum measure { METRIC, LOG_LOSS, MILLISECONDS, MEASURES };

struct shaped {
    struct table_shape shape;
    t2m_plan *plan[VARIANTS];
    size_t bytes; /* of a model */
};

struct evaluating {
    const struct t2m_learner *l;
    const struct t2m_family *f;
    const t2m_eval_options *o;
    bool values;
    size_t shapes;
    struct shaped shape[SHAPES];
    double *number; /* [T2M_EVAL_ROWS, MEASURES, tasks] */
    struct task_loop loop;
    _Atomic int failed; /* status of a task that could not be measured */
};

static double *numbers_of(const struct evaluating *e, int row, enum measure what)
{
    return e->number + ((size_t)row * MEASURES + what) * e->loop.tasks;
}

/* ---- shapes and plans ---- */

static bool has_values(const struct t2m_family *f)
{
    for (size_t i = 0; i < f->tables; i++)
        if (f->table[i].classes > 0)
            return false;
    return !f->prior;
}

static t2m_status check_options(const struct evaluating *e)
{
    const t2m_eval_options *o = e->o;
    t2m *lib = e->l->lib;
    TRY(table_check_steps(lib, o->steps));
    if (o->transductive || o->within_domain)
        return refuse(lib, T2M_EUSAGE,
                      "tables have no domains, and their rows are foretold each alone: leave out "
                      "%s",
                      o->transductive ? "--transductive" : "--within-domain");
    if (o->ways && e->values)
        return refuse(lib, T2M_EUSAGE,
                      "--ways is the number of classes, and the tables of '%s' have values",
                      e->f->name);
    if (o->ways == 1)
        return refuse(lib, T2M_EUSAGE, "--ways: a task of tables has two classes or more");
    if (o->shots && (o->shots < LEAST_SHOTS || o->shots > TABLE_SUPPORTS))
        return refuse(lib, T2M_EUSAGE,
                      "--shots is the number of rows to learn from: %d to %d for tables, not %zu",
                      LEAST_SHOTS, TABLE_SUPPORTS, o->shots);
    if (o->ways && OF_A_CLASS * o->ways > (o->shots ? o->shots : TABLE_SUPPORTS))
        return refuse(lib, T2M_EUSAGE, "tasks of %zu classes need %zu --shots or more, of %d",
                      o->ways, OF_A_CLASS * o->ways, TABLE_SUPPORTS);
    return T2M_OK;
}

/* One of those of training, but for what is asked for; false if the family has none. */
static bool choose_shape(const struct evaluating *e, struct random *r, struct table_shape *s)
{
    const t2m_eval_options *o = e->o;
    for (int i = 0; i < TRIES; i++) {
        *s = table_shape_draw(e->f, r);
        if (o->shots)
            s->supports = (int64_t)o->shots;
        if (o->queries)
            s->queries = (int64_t)o->queries;
        if (o->ways || e->values)
            s->classes = e->values ? 0 : (int64_t)o->ways;
        if ((s->classes == 0) == e->values && OF_A_CLASS * s->classes <= s->supports &&
            table_family_fits(e->f, s))
            return true;
    }
    return false;
}

static t2m_status compile_variant(const struct evaluating *e, const struct table_shape *shape,
                                  enum variant v, t2m_plan **plan)
{
    const struct candidate *k = e->l->candidate;
    const int steps = e->o->steps < 0 ? TABLE_STEPS : e->o->steps;
    const struct table_use use = {
        .shape = *shape, .steps = v == GENERATED ? 0 : steps, .other_task = v == WRONG};
    struct table_graph g;
    t2m_value in[TABLE_INPUTS + 3];
    TRY(table_graph_make(e->l->lib, &k->structure, &k->parts, &use, &g));
    table_graph_inputs(&g, in);
    in[TABLE_INPUTS] = g.seen.x;
    in[TABLE_INPUTS + 1] = g.seen.member;
    in[TABLE_INPUTS + 2] = g.seen.place;
    const t2m_status status = t2m_compile(g.g, in, v == WRONG ? TABLE_INPUTS + 3 : TABLE_INPUTS,
                                          &g.output, 1, NULL, plan);
    t2m_graph_free(g.g);
    return status;
}

static bool represents(const struct evaluating *e)
{
    return e->l->candidate->structure.kind != NN_LINEAR;
}

static t2m_status add_shape(struct evaluating *e)
{
    struct shaped *s = &e->shape[e->shapes];
    struct random r = random_stream(e->o->seed, 14, e->shapes);
    struct layout layout;
    if (!choose_shape(e, &r, &s->shape))
        return refuse(e->l->lib, T2M_EDATA,
                      "no table of '%s' has rows, columns and classes enough for tasks of %zu rows "
                      "to learn from and %zu queries%s; give fewer --shots, "
                      "--queries or --ways",
                      e->f->name, e->o->shots ? e->o->shots : LEAST_SHOTS,
                      e->o->queries ? e->o->queries : TABLE_LEAST_ROWS - LEAST_SHOTS,
                      e->o->ways ? ", of so many classes" : "");
    const struct structure model =
        table_model_structure(&e->l->candidate->structure, (size_t)s->shape.columns,
                              (size_t)s->shape.supports, (size_t)s->shape.classes);
    structure_layout(&model, &layout);
    s->bytes = layout.numel * sizeof(float);
    e->shapes++;
    for (enum variant v = TUNED; v < VARIANTS; v++)
        if (v != WRONG || represents(e))
            TRY(compile_variant(e, &s->shape, v, &s->plan[v]));
    return T2M_OK;
}

/* ---- one task ---- */

struct task_room {
    struct table_task own, other;
    float *phi, *output; /* phi: of a learner that is not trained */
    void *draw;
};

static void clear_room(t2m *lib, struct task_room *r)
{
    table_task_free(lib, &r->own);
    table_task_free(lib, &r->other);
    mem_free(lib, r->phi);
    mem_free(lib, r->output);
    mem_free(lib, r->draw);
}

static t2m_status make_room(const struct evaluating *e, const struct table_shape *s,
                            struct task_room *r)
{
    t2m *lib = e->l->lib;
    const size_t outputs = (size_t)(s->queries * (s->classes ? s->classes : 1));
    TRY(table_task_new(lib, &r->own, s, 1));
    TRY(table_task_new(lib, &r->other, s, 1));
    r->phi = mem_new(lib, e->l->numel, sizeof *r->phi);
    r->output = mem_new(lib, outputs, sizeof *r->output);
    r->draw = mem_new(lib, table_draw_room(e->f, s), 1);
    return r->phi && r->output && r->draw ? T2M_OK : T2M_ENOMEM;
}

/* A task of the family's own tables, if it has no synthetic ones. */
static bool draw(const struct evaluating *e, const struct table_shape *s, uint64_t number,
                 struct table_task *t, void *room)
{
    for (uint64_t i = 0; i < REDRAWS; i++)
        if (table_draw(e->f, s, e->o->seed, number + i * REDRAW_STEP, t, room) || e->f->prior)
            return true;
    return false;
}

/* Of logits [queries, classes]: mean of -log of the probability of the truth. */
static double log_loss_of(const float *y, const float *truth, size_t queries, size_t classes)
{
    double sum = 0;
    for (size_t i = 0; i < queries; i++, y += classes) {
        double most = (double)y[0], all = 0;
        for (size_t k = 1; k < classes; k++)
            most = fmax(most, (double)y[k]);
        for (size_t k = 0; k < classes; k++)
            all += exp((double)y[k] - most);
        sum += log(all) + most - (double)y[(size_t)truth[i]];
    }
    return sum / (double)queries;
}

static t2m_status measure(const struct shaped *s, enum variant v, const float *phi,
                          struct task_room *r, double out[MEASURES])
{
    const struct table_task *t = &r->own, *seen = v == WRONG ? &r->other : &r->own;
    const void *const in[] = {phi,        t->x_support, t->y_support,    t->member,    t->place,
                              t->x_query, t->y_query,   seen->x_support, seen->member, seen->place};
    void *const to[] = {r->output};
    const size_t queries = (size_t)s->shape.queries, classes = (size_t)s->shape.classes;
    const double start = seconds_now();
    t2m_workspace *w;
    TRY(t2m_workspace_new(s->plan[v], &w));
    t2m_run(s->plan[v], w, in, to);
    t2m_workspace_free(w);
    out[MILLISECONDS] = 1e3 * (seconds_now() - start);
    const struct episode_size size = {
        .queries = queries, .outputs = classes ? classes : 1, .target = 1};
    out[METRIC] =
        episode_metric(classes ? FAMILY_IMAGES : FAMILY_REGRESSION, r->output, t->y_query, &size);
    if (classes)
        out[LOG_LOSS] = log_loss_of(r->output, t->y_query, queries, classes);
    else
        out[METRIC] = sqrt(out[METRIC]);
    return T2M_OK;
}

static t2m_status measure_rows(struct evaluating *e, size_t task, struct task_room *r)
{
    const struct shaped *s = &e->shape[task % e->shapes];
    static const int rows[] = {ROW_TUNED, ROW_GENERATED, ROW_SCRATCH, ROW_WRONG};
    static const enum variant variants[] = {TUNED, GENERATED, TUNED, WRONG};
    TRY(make_room(e, &s->shape, r));
    if (!draw(e, &s->shape, task, &r->own, r->draw) ||
        !draw(e, &s->shape, task + WRONG_FIRST, &r->other, r->draw))
        return T2M_EDATA;
    learner_start_phi(e->l, e->o->seed, task + 1, r->phi);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double found[MEASURES] = {0};
        if (!s->plan[variants[i]])
            continue;
        TRY(measure(s, variants[i], rows[i] == ROW_SCRATCH ? r->phi : e->l->phi, r, found));
        for (enum measure m = METRIC; m < MEASURES; m++)
            numbers_of(e, rows[i], m)[task] = found[m];
    }
    return T2M_OK;
}

static void one_task(void *ctx, size_t job, size_t worker)
{
    struct evaluating *e = ctx;
    struct task_room r = {0};
    (void)worker;
    if (asked_to_stop(e->loop.stop, e->loop.ctx, &e->loop.stopped))
        return;
    const t2m_status status = measure_rows(e, e->loop.first + job, &r);
    if (status != T2M_OK) {
        atomic_store(&e->failed, status);
        atomic_store(&e->loop.stopped, true);
    }
    clear_room(e->l->lib, &r);
}

/* ---- all of them ---- */

static t2m_status run(struct evaluating *e)
{
    TRY(check_options(e));
    const size_t shapes = e->loop.tasks < SHAPES ? e->loop.tasks : SHAPES;
    while (e->shapes < shapes)
        TRY(add_shape(e));
    e->number =
        mem_new(e->l->lib, (size_t)T2M_EVAL_ROWS * MEASURES * e->loop.tasks, sizeof(double));
    if (!e->number)
        return T2M_ENOMEM;
    const t2m_status status = task_loop_run(&e->loop);
    switch (atomic_load(&e->failed)) {
    case T2M_OK:
        return status;
    case T2M_EDATA:
        return refuse(e->l->lib, T2M_EDATA,
                      "the tables of '%s' give no tasks of the sizes that are asked for: a class "
                      "or a value is too rare; give other --shots, --queries or --ways",
                      e->f->name);
    default:
        return T2M_ENOMEM;
    }
}

static const char *note_of(const struct evaluating *e, int row)
{
    if (row == ROW_SHARED)
        return "columns differ from table to table, so tasks share no weights";
    if (row == ROW_WRONG && !represents(e))
        return "nothing is made from t: the head alone is solved on the task's own rows";
    return NULL;
}

static void fill_row(const struct evaluating *e, int row, size_t bytes, t2m_eval_row *r)
{
    const size_t tasks = e->loop.tasks;
    const char *note = note_of(e, row);
    *r = (t2m_eval_row){.name = row_names[row],
                        .note = note,
                        .present = !note,
                        .log_loss = NAN,
                        .dice = NAN,
                        .dice_ci95 = NAN};
    if (note)
        return;
    t2m_eval_row other;
    evaluate_sum(numbers_of(e, row, METRIC), tasks, r);
    r->bytes = bytes;
    evaluate_sum(numbers_of(e, row, MILLISECONDS), tasks, &other);
    r->ms_per_task = other.mean;
    evaluate_sum(numbers_of(e, row, LOG_LOSS), tasks, &other);
    r->log_loss = e->values ? NAN : other.mean;
}

/* 0 if they differ. */
static size_t queries_of(const struct evaluating *e)
{
    for (size_t i = 1; i < e->shapes; i++)
        if (e->shape[i].shape.queries != e->shape[0].shape.queries)
            return 0;
    return (size_t)e->shape[0].shape.queries;
}

static void fill_result(const struct evaluating *e, t2m_eval_result *out)
{
    const t2m_eval_options *o = e->o;
    double bytes = 0;
    *out = (t2m_eval_result){.metric = e->values ? "nrmse" : "accuracy",
                             .kind = e->values ? "regression" : "classification",
                             .ways = o->ways,
                             .shots = o->shots,
                             .queries = queries_of(e),
                             .tasks = e->loop.tasks,
                             .seed = o->seed,
                             .structures = 1,
                             .share = {1}};
    structure_text(&e->l->candidate->structure, out->structure[0]);
    for (size_t i = 0; i < e->loop.tasks; i++)
        bytes += (double)e->shape[i % e->shapes].bytes / (double)e->loop.tasks;
    for (int row = 0; row < T2M_EVAL_ROWS; row++)
        fill_row(e, row, (size_t)bytes, &out->row[row]);
}

t2m_status table_eval(const t2m_learner *l, const t2m_family *f, const t2m_eval_options *o,
                      t2m_eval_result *out)
{
    struct evaluating e = {.l = l,
                           .f = f,
                           .o = o,
                           .values = has_values(f),
                           .loop = {.lib = l->lib,
                                    .tasks = o->tasks ? o->tasks : 1000,
                                    .workers = pool_size(l->lib->pool),
                                    .job = one_task,
                                    .job_ctx = &e,
                                    .progress = o->progress,
                                    .stop = o->stop,
                                    .ctx = o->ctx}};
    const t2m_status status = run(&e);
    if (status == T2M_OK)
        fill_result(&e, out);
    mem_free(l->lib, e.number);
    for (size_t i = 0; i < e.shapes; i++)
        for (int v = 0; v < VARIANTS; v++)
            t2m_plan_free(e.shape[i].plan[v]);
    return status;
}
