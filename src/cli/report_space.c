/* report_space.c: the two spaces. Tasks as vectors t, the models built for them as vectors m, each
 * brought to the plane by its first two principal components. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* ---- principal components ---- */

enum { ITERATIONS = 500 };
static const double NOTHING = 1e-12; /* of the variance: what is left of it are roundings */

struct rows { /* vectors of one length, of the tasks that are shown */
    const float *row[REPORT_POINTS];
    size_t count, size, task[REPORT_POINTS];
};
typedef double gram[REPORT_POINTS][REPORT_POINTS];

/* Products of the centred rows, each number in its standard deviations. */
static void multiply(const struct rows *v, gram k)
{
    double x[REPORT_POINTS];
    memset(k, 0, sizeof(gram));
    for (size_t j = 0; j < v->size; j++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < v->count; i++)
            mean += (double)v->row[i][j] / (double)v->count;
        for (size_t i = 0; i < v->count; i++) {
            x[i] = (double)v->row[i][j] - mean;
            squares += x[i] * x[i] / (double)v->count;
        }
        if (!(squares > NOTHING * (1 + mean * mean)))
            continue;
        for (size_t a = 0; a < v->count; a++)
            for (size_t b = 0; b <= a; b++)
                k[a][b] += x[a] * x[b] / squares;
    }
    for (size_t a = 0; a < v->count; a++)
        for (size_t b = 0; b < a; b++)
            k[b][a] = k[a][b];
}

static double length(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* x becomes the eigenvector of the largest eigenvalue, which is returned: power iteration, from the
 * column of the longest row on. */
static double iterate(gram k, size_t n, double *x)
{
    size_t most = 0;
    double value = 0;
    for (size_t i = 1; i < n; i++)
        most = k[i][i] > k[most][most] ? i : most;
    memcpy(x, k[most], n * sizeof *x);
    for (int step = 0; step < ITERATIONS; step++) {
        double next[REPORT_POINTS] = {0};
        const double now = length(x, n);
        for (size_t i = 0; i < n && now > 0; i++)
            for (size_t j = 0; j < n; j++)
                next[i] += k[i][j] * x[j] / now;
        value = length(next, n);
        memcpy(x, next, n * sizeof *x);
    }
    for (size_t i = 0; i < n; i++)
        x[i] = value > 0 ? x[i] / value : 0;
    return value;
}

static void place(const struct rows *v, struct space *out)
{
    gram k;
    double x[REPORT_POINTS] = {0}, all = 0;
    multiply(v, k);
    for (size_t i = 0; i < v->count; i++)
        all += k[i][i];
    *out = (struct space){.size = v->size};
    for (int c = 0; c < 2 && all > 0; c++) {
        const double value = iterate(k, v->count, x);
        if (!(value > NOTHING * all))
            break;
        out->part[c] = value / all;
        for (size_t i = 0; i < v->count; i++) {
            out->at[v->task[i]][c] = sqrt(value) * x[i];
            for (size_t j = 0; j < v->count; j++)
                k[i][j] -= value * x[i] * x[j];
        }
    }
}

void report_place(const float *const *row, size_t count, size_t size, struct space *out)
{
    struct rows v = {.count = count, .size = size};
    for (size_t i = 0; i < count; i++) {
        v.row[i] = row[i];
        v.task[i] = i;
    }
    place(&v, out);
}

/* ---- tasks and their models ---- */

static float *copy(const float *x, size_t n)
{
    float *out = malloc(n * sizeof *out);
    return out ? memcpy(out, x, n * sizeof *x) : NULL;
}

/* What the model says to the common grid. */
static t2m_status predict_grid(struct spaces *s, struct placed_task *p, t2m_model *model)
{
    t2m_status status = t2m_model_prepare(model, s->grid);
    p->y = calloc(s->grid, sizeof *p->y);
    if (status == T2M_OK)
        status = p->y ? t2m_model_predict(model, s->grid_x, s->grid, p->y) : T2M_ENOMEM;
    return status;
}

static t2m_status place_task(struct report *r, size_t i, const t2m_task *task)
{
    struct spaces *s = &r->spaces;
    struct placed_task *p = &s->task[i];
    t2m_model *model = NULL;
    t2m_model_info info;
    float *m = NULL, *t = NULL;
    t2m_status status = t2m_task_vector(r->learner, task, &t, &s->t_size);
    if (status == T2M_EUSAGE) /* a method without t */
        status = T2M_OK;
    if (status == T2M_OK)
        status = t2m_build(r->learner, &model, task, NULL, NULL);
    if (status == T2M_OK)
        status = t2m_model_vector(model, &m, &p->m_size);
    if (status == T2M_OK) {
        t2m_model_describe(model, &info);
        p->name = strdup(t2m_task_name(task));
        p->structure = strdup(info.structure);
        p->t = t ? copy(t, s->t_size) : NULL;
        p->m = copy(m, p->m_size);
        status = p->name && p->structure && p->m && !t == !p->t ? T2M_OK : T2M_ENOMEM;
    }
    if (status == T2M_OK && !report_is_of_pictures(r))
        status = predict_grid(s, p, model);
    t2m_free(r->c->lib, t);
    t2m_free(r->c->lib, m);
    t2m_model_free(model);
    return status;
}

/* The common grid: from each task one of its queries, from the first to the last by turns. */
static t2m_status add_to_grid(struct report *r, size_t i, const t2m_task *query)
{
    struct spaces *s = &r->spaces;
    const size_t n = t2m_task_examples(query), inputs = r->f.features;
    float *x = calloc(n * inputs, sizeof *x), *y = calloc(n, sizeof *y);
    if (!s->grid_x)
        s->grid_x = calloc(s->grid * inputs, sizeof *s->grid_x);
    const bool good = x && y && s->grid_x;
    if (good) {
        t2m_task_values(query, x, y);
        memcpy(s->grid_x + i * inputs, x + i * n / s->grid * inputs, inputs * sizeof *x);
    }
    free(x);
    free(y);
    return good ? T2M_OK : T2M_ENOMEM;
}

static t2m_status draw(struct report *r, t2m_task *task[REPORT_PLACED])
{
    t2m_status status = T2M_OK;
    for (size_t i = 0; i < REPORT_PLACED && status == T2M_OK; i++) {
        t2m_task *query = NULL;
        r->episode.number = i;
        status = t2m_episode_draw(r->learner, &task[i], &query, r->family, &r->episode);
        if (status == T2M_OK && !report_is_of_pictures(r))
            status = add_to_grid(r, i, query);
        t2m_task_free(query);
    }
    return status;
}

/* How often the structure of task i is there. */
static size_t alike(const struct spaces *s, size_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < s->count; k++)
        n += strcmp(s->task[k].structure, s->task[i].structure) == 0;
    return n;
}

static void place_all(struct spaces *s, bool pictures)
{
    struct rows t = {.size = s->t_size}, m = {0};
    size_t usual = 0;
    for (size_t i = 1; i < s->count; i++)
        usual = alike(s, i) > alike(s, usual) ? i : usual;
    if (alike(s, usual) < s->count)
        s->placement = pictures ? BY_COMMON_STRUCTURE : BY_PREDICTIONS;
    m.size = s->placement == BY_PREDICTIONS ? s->grid : s->task[usual].m_size;
    for (size_t i = 0; i < s->count; i++) {
        struct placed_task *p = &s->task[i];
        p->shown = s->placement != BY_COMMON_STRUCTURE ||
                   strcmp(p->structure, s->task[usual].structure) == 0;
        if (p->shown) {
            m.task[m.count] = i;
            m.row[m.count++] = s->placement == BY_PREDICTIONS ? p->y : p->m;
        }
        if (p->t) {
            t.task[t.count] = i;
            t.row[t.count++] = p->t;
        }
    }
    place(&m, &s->m);
    if (t.count > 0)
        place(&t, &s->t);
}

t2m_status report_spaces(struct report *r)
{
    struct spaces *s = &r->spaces;
    t2m_task *task[REPORT_PLACED] = {NULL};
    s->grid = REPORT_PLACED;
    t2m_status status = draw(r, task);
    while (status == T2M_OK && s->count < REPORT_PLACED) {
        status = place_task(r, s->count, task[s->count]);
        s->count++;
        if (report_tick(r, NULL, s->count) != 0)
            status = T2M_ECANCELLED;
    }
    r->done += REPORT_PLACED;
    if (status == T2M_OK)
        place_all(s, report_is_of_pictures(r));
    for (size_t i = 0; i < REPORT_PLACED; i++)
        t2m_task_free(task[i]);
    return status;
}
