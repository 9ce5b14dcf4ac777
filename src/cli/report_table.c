/* report_table.c: a model of one table, and how good it is on rows that it has not seen. */
#include "report_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LEAST = 1e-12; /* probability in a log loss */

/* ---- the rows that are held out ---- */

/* The task's columns that the model takes: in the same order, so that of two with one name each is
 * found. */
static t2m_status find_inputs(struct report *r)
{
    struct table_report *t = r->table;
    t2m_column column;
    size_t n = 0;
    for (size_t i = 0; n < t->inputs && t2m_task_column(r->learner, t->all, i, &column); i++)
        if (strcmp(column.name, t2m_model_feature(t->model, n)) == 0)
            t->place[n++] = i;
    return n == t->inputs ? T2M_OK : T2M_EFAIL;
}

static size_t columns_of(const struct report *r, const t2m_task *task)
{
    t2m_column column;
    size_t n = 0;
    while (t2m_task_column(r->learner, task, n, &column))
        n++;
    return t2m_task_classes(task) ? n : n - 1; /* a value is the last of them */
}

static t2m_status take_rows(struct report *r)
{
    struct table_report *t = r->table;
    const size_t columns = columns_of(r, t->all);
    float *all = calloc(t->rows * columns + 1, sizeof *all);
    if (!all)
        return T2M_ENOMEM;
    t2m_task_values(t->held, all, t->y);
    for (size_t i = 0; i < t->rows; i++)
        for (size_t k = 0; k < t->inputs; k++)
            t->x[i * t->inputs + k] = all[i * columns + t->place[k]];
    free(all);
    return T2M_OK;
}

static t2m_status predict_rows(struct report *r)
{
    struct table_report *t = r->table;
    t2m_model_info info;
    t2m_model_describe(t->model, &info);
    t->rows = t2m_task_examples(t->held);
    t->inputs = info.inputs;
    t->outputs = info.outputs;
    t->place = calloc(t->inputs, sizeof *t->place);
    t->x = calloc(t->rows * t->inputs, sizeof *t->x);
    t->y = calloc(t->rows, sizeof *t->y);
    t->p = calloc(t->rows * t->outputs, sizeof *t->p);
    if (!t->place || !t->x || !t->y || !t->p)
        return T2M_ENOMEM;
    t2m_status status = find_inputs(r);
    if (status == T2M_OK)
        status = take_rows(r);
    if (status == T2M_OK)
        status = t2m_model_prepare(t->model, t->rows);
    return status == T2M_OK ? t2m_model_predict(t->model, t->x, t->rows, t->p) : status;
}

/* ---- how good it is ---- */

double report_table_loss(const struct table_report *t, const float *p)
{
    double sum = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const double off = (double)p[i] - (double)t->y[i];
        sum +=
            t->classes ? -log(fmax(LEAST, (double)p[i * t->classes + (size_t)t->y[i]])) : off * off;
    }
    sum /= (double)t->rows;
    return t->classes ? sum : sqrt(sum);
}

static size_t likeliest(const struct table_report *t, size_t row)
{
    const float *p = t->p + row * t->classes;
    size_t best = 0;
    for (size_t k = 1; k < t->classes; k++)
        best = p[k] > p[best] ? k : best;
    return best;
}

/* Expected calibration error, of the likeliest class (Guo et al. 2017, equation 3). */
static void measure_classes(struct table_report *t)
{
    for (size_t i = 0; i < t->rows; i++) {
        const size_t best = likeliest(t, i);
        const double said = (double)t->p[i * t->classes + best];
        const bool right = (float)best == t->y[i];
        const size_t at = (size_t)fmin(TABLE_BINS - 1, fmax(0, floor(said * TABLE_BINS)));
        t->bin[at].said += said;
        t->bin[at].right += right;
        t->bin[at].rows++;
        t->metric += right / (double)t->rows;
    }
    for (size_t k = 0; k < TABLE_BINS; k++) {
        struct bin *b = &t->bin[k];
        t->calibration_error += fabs(b->said - b->right) / (double)t->rows;
        b->said /= b->rows ? (double)b->rows : 1;
        b->right /= b->rows ? (double)b->rows : 1;
    }
}

static void measure_values(struct table_report *t)
{
    t2m_model_interval(t->model, t->half_width);
    for (size_t i = 0; i < t->rows; i++)
        for (int k = 0; k < 2; k++)
            t->held_within[k] += fabs((double)t->p[i] - (double)t->y[i]) <= t->half_width[k];
    for (int k = 0; k < 2; k++)
        t->held_within[k] /= (double)t->rows;
    t->metric = 1 - pow(t->loss / t->simple, 2);
}

/* The loss of what can be foretold without any column: the frequencies, or the mean. */
static double simple_loss(const struct table_report *t)
{
    const size_t n = t2m_task_examples(t->rest);
    const float *y = t2m_task_y(t->rest);
    double *known = calloc(t->outputs, sizeof *known), sum = 0;
    for (size_t i = 0; known && i < n; i++)
        known[t->classes ? (size_t)y[i] : 0] += (t->classes ? 1 : (double)y[i]) / (double)n;
    for (size_t i = 0; known && i < t->rows; i++)
        sum += t->classes ? -log(fmax(LEAST, known[(size_t)t->y[i]]))
                          : pow((double)t->y[i] - known[0], 2);
    free(known);
    sum /= (double)t->rows;
    return t->classes ? sum : sqrt(sum);
}

/* ---- what it is like ---- */

/* Places the task among those that the learner keeps, if it keeps any. */
static t2m_status place_task(struct report *r)
{
    struct table_report *t = r->table;
    const float *row[REPORT_POINTS];
    float *own = NULL;
    size_t n = 0;
    if (t->task.like.nearest == 0)
        return T2M_OK;
    const t2m_status status = t2m_task_vector(r->learner, t->all, &own, &n);
    if (status != T2M_OK)
        return status;
    row[0] = own;
    for (t->placed = 1; t->placed < REPORT_POINTS; t->placed++)
        if (!t2m_learner_known(r->learner, t->placed - 1, &t->placed_name[t->placed],
                               &row[t->placed], &n))
            break;
    report_place(row, t->placed, n, &t->space);
    t2m_free(r->c->lib, own);
    return T2M_OK;
}

/* ---- all of it ---- */

static t2m_status split(struct report *r, const char *target)
{
    struct table_report *t = r->table;
    const t2m_task_options o = cli_task_options(target);
    t2m_status status = t2m_task_open(r->learner, &t->all, t->path, &o);
    if (status != T2M_OK)
        return status;
    cli_say_dropped(t->all);
    const size_t n = t2m_task_examples(t->all), most = (n + TABLE_HELD - 1) / TABLE_HELD;
    t->classes = t2m_task_classes(t->all);
    return t2m_task_split(t->all, &t->rest, &t->held, most > TABLE_EVERY ? most : TABLE_EVERY);
}

t2m_status report_table(struct report *r, const char *path, const char *target)
{
    struct table_report *t = r->table = calloc(1, sizeof *t);
    if (!t)
        return T2M_ENOMEM;
    t->path = path;
    t2m_status status = split(r, target);
    if (status == T2M_OK)
        status = t2m_build(r->learner, &t->model, t->rest, NULL, &t->build);
    if (status == T2M_OK) {
        const struct built b = {r->learner, t->all, t->model, &t->build};
        status = explain_task(r->c, &b, &t->task);
    }
    if (status == T2M_OK)
        status = place_task(r);
    if (status == T2M_OK)
        status = predict_rows(r);
    if (status != T2M_OK)
        return status;
    t->loss = report_table_loss(t, t->p);
    t->simple = simple_loss(t);
    (t->classes ? measure_classes : measure_values)(t);
    status = report_importance(r);
    return status == T2M_OK ? report_effects(r) : status;
}

void report_table_free(struct table_report *t)
{
    if (!t)
        return;
    t2m_model_free(t->model);
    t2m_task_free(t->held);
    t2m_task_free(t->rest);
    t2m_task_free(t->all);
    void *const memory[] = {t->place, t->x, t->y, t->p, t->importance, t};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
}

json_t *report_table_json(const struct table_report *t)
{
    json_t *importance = json_array(),
           *data = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "kind",
                             t->classes ? "classification" : "regression", "rows",
                             (json_int_t)t2m_task_examples(t->rest), "held_out",
                             (json_int_t)t->rows, t->classes ? "log_loss" : "rmse",
                             cli_number(t->loss), t->classes ? "accuracy" : "r2",
                             cli_number(t->metric), "loss_without_columns", cli_number(t->simple),
                             "dropped", cli_dropped_json(t->all));
    for (size_t i = 0; i < t->columns; i++)
        json_array_append_new(importance, json_pack("{s:o, s:o, s:o}", "column",
                                                    cli_string(t->importance[i].column), "loss",
                                                    cli_number(t->importance[i].mean), "sd",
                                                    cli_number(t->importance[i].sd)));
    json_object_set_new(data, "importance", importance);
    if (t->classes)
        json_object_set_new(data, "calibration_error", cli_number(t->calibration_error));
    else
        json_object_set_new(data, "held_within",
                            json_pack("[f, f]", t->held_within[0], t->held_within[1]));
    return data;
}
