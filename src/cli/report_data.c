/* report_data.c: what the page says in numbers: the log of the training, the five rows for several
 * numbers of shots, predictions of a few tasks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* ---- progress ---- */

/* Counts all parts as one work. */
int report_tick(struct report *r, const t2m_progress *p, size_t part)
{
    const t2m_progress all = {.step = r->done + (p ? p->step : part),
                              .steps = r->all,
                              .loss = NAN,
                              .metric = NAN,
                              .validation = NAN,
                              .seconds = cli_now() - r->start,
                              .event = "step"};
    return cli_progress("report", &all);
}

static int tell(void *ctx, const t2m_progress *p)
{
    return report_tick(ctx, p, 0);
}

/* ---- the log ---- */

static double field(const json_t *line, const char *name)
{
    const json_t *x = json_object_get(line, name);
    return json_is_number(x) ? json_number_value(x) : NAN;
}

/* A line that was cut off by a crash is passed over; a run that went on, or began anew, replaces
 * what came later or before. */
void report_log(struct report *r)
{
    char path[sizeof r->run + 16], text[1024];
    snprintf(path, sizeof path, "%s/log.jsonl", r->run);
    FILE *f = r->run[0] ? fopen(path, "re") : NULL;
    while (f && r->logged < REPORT_LOG && fgets(text, sizeof text, f)) {
        json_t *line = json_loads(text, 0, NULL);
        const struct log_line l = {field(line, "step"), field(line, "loss"),
                                   field(line, "validation")};
        while (isfinite(l.step) && r->logged > 0 && r->log[r->logged - 1].step >= l.step)
            r->logged--;
        if (isfinite(l.step))
            r->log[r->logged++] = l;
        json_decref(line);
    }
    if (f)
        fclose(f);
}

/* ---- the curves ---- */

/* 1, 2, 5, 10, 20 and as in training, in order, as far as the family has examples. */
static size_t choose_shots(const struct report *r, size_t shots[REPORT_SHOTS])
{
    static const size_t usual[] = {1, 2, 5, 10, 20};
    /* of masks the library says which are too many: not all classes need as many pictures */
    const size_t most = r->f.fewest && !r->f.masks ? r->f.fewest - r->episode.queries : SIZE_MAX;
    bool own = false;
    size_t n = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (!own && r->l.shots <= usual[i] && r->l.shots <= most)
            shots[n++] = r->l.shots;
        own = own || r->l.shots <= usual[i];
        if (usual[i] <= most && usual[i] != r->l.shots)
            shots[n++] = usual[i];
    }
    if (!own && r->l.shots <= most)
        shots[n++] = r->l.shots;
    return n;
}

t2m_status report_curves(struct report *r)
{
    size_t shots[REPORT_SHOTS];
    const size_t n = choose_shots(r, shots);
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    t2m_status status = T2M_EDATA;
    o.ways = r->episode.ways;
    o.queries = r->episode.queries;
    o.tasks = r->tasks;
    o.seed = r->episode.seed;
    o.progress = tell;
    o.stop = cli_stop;
    o.ctx = r;
    r->all = n * r->tasks + REPORT_PLACED + REPORT_SAMPLES;
    for (size_t i = 0; i < n; i++, r->done += r->tasks) {
        o.shots = shots[i];
        status = t2m_eval(r->learner, r->family, &o, &r->point[r->points]);
        /* it takes one number of shots alone, or there are too few pictures */
        if (status == T2M_EUSAGE || (status == T2M_EDATA && r->f.masks))
            snprintf(r->left_out, sizeof r->left_out, "%.255s", t2m_errmsg(r->c->lib));
        else if (status != T2M_OK)
            return status;
        else
            r->points++;
    }
    if (r->points == 0)
        return status;
    r->episode.shots = report_usual(r)->shots;
    return T2M_OK;
}

const t2m_eval_result *report_usual(const struct report *r)
{
    const t2m_eval_result *best = &r->point[0];
    for (size_t i = 1; i < r->points; i++)
        if (llabs((long long)r->point[i].shots - (long long)r->l.shots) <
            llabs((long long)best->shots - (long long)r->l.shots))
            best = &r->point[i];
    return best;
}

const t2m_eval_row *report_rival(const struct report *r)
{
    return &report_usual(r)->row[r->spaces.t.size ? 3 : 4];
}

bool report_wrong_is_worse(const struct report *r)
{
    const t2m_eval_result *e = report_usual(r);
    const t2m_eval_row *wrong = &e->row[2], *own = report_rival(r);
    const double sign = report_is_of_pictures(r) ? -1 : 1;
    return wrong->present && own->present &&
           sign * (wrong->mean - own->mean) > wrong->ci95 + own->ci95;
}

/* ---- predictions ---- */

/* Targets of an example. */
static size_t places_of(const struct report *r)
{
    return r->f.masks ? r->f.height * r->f.width : 1;
}

static t2m_status take_values(const struct report *r, const t2m_task *t, size_t inputs,
                              float *out[2])
{
    const size_t n = t2m_task_examples(t);
    out[0] = calloc(n * inputs, sizeof *out[0]);
    out[1] = calloc(n * places_of(r), sizeof *out[1]);
    if (!out[0] || !out[1])
        return T2M_ENOMEM;
    t2m_task_values(t, out[0], out[1]);
    return T2M_OK;
}

static void range(const float *x, size_t n, float *low, float *high)
{
    for (size_t i = 0; i < n; i++) {
        *low = fminf(*low, x[i]);
        *high = fmaxf(*high, x[i]);
    }
}

/* A grid over the one feature, or the queries themselves. */
static t2m_status choose_asked(const struct report *r, struct sample *s, size_t inputs)
{
    const size_t queries = t2m_task_examples(s->query);
    const bool curve = !report_is_of_pictures(r) && inputs == 1;
    s->asked = curve ? REPORT_GRID : queries;
    s->asked_x = calloc(s->asked * inputs, sizeof *s->asked_x);
    if (!s->asked_x)
        return T2M_ENOMEM;
    float low = s->x[0], high = s->x[0];
    range(s->x, t2m_task_examples(s->support), &low, &high);
    range(s->query_x, queries, &low, &high);
    if (!curve)
        memcpy(s->asked_x, s->query_x, queries * inputs * sizeof *s->asked_x);
    for (size_t i = 0; curve && i < s->asked; i++)
        s->asked_x[i] = low + (high - low) * (float)i / (REPORT_GRID - 1);
    return T2M_OK;
}

static t2m_status ask(const struct report *r, const struct sample *s, int steps, float **out)
{
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    t2m_model *model = NULL;
    const size_t classes = t2m_task_classes(s->query);
    o.steps = steps;
    *out = calloc(s->asked * places_of(r) * (classes ? classes : 1), sizeof **out);
    t2m_status status = *out ? t2m_build(r->learner, &model, s->support, &o, NULL) : T2M_ENOMEM;
    if (status == T2M_OK)
        status = t2m_model_prepare(model, s->asked);
    if (status == T2M_OK)
        status = t2m_model_predict(model, s->asked_x, s->asked, *out);
    t2m_model_free(model);
    return status;
}

static t2m_status predict_one(struct report *r, struct sample *s)
{
    const bool pictures = report_is_of_pictures(r);
    const size_t inputs = pictures ? r->f.height * r->f.width * r->f.channels : r->f.features;
    float *support[2] = {NULL, NULL}, *query[2] = {NULL, NULL};
    t2m_status status =
        t2m_episode_draw(r->learner, &s->support, &s->query, r->family, &r->episode);
    if (status != T2M_OK)
        return status;
    status = take_values(r, s->support, inputs, support);
    if (status == T2M_OK)
        status = take_values(r, s->query, inputs, query);
    s->x = support[0];
    s->y = support[1];
    s->query_x = query[0];
    s->query_y = query[1];
    if (status == T2M_OK)
        status = choose_asked(r, s, inputs);
    if (status == T2M_OK && !pictures)
        status = ask(r, s, 0, &s->generated);
    return status == T2M_OK ? ask(r, s, -1, &s->tuned) : status;
}

t2m_status report_predictions(struct report *r)
{
    t2m_status status = T2M_OK;
    const size_t n = report_is_of_pictures(r) ? REPORT_SAMPLES / 2 : REPORT_SAMPLES;
    while (status == T2M_OK && r->samples < n) {
        r->episode.number = r->samples;
        status = predict_one(r, &r->sample[r->samples++]);
        if (report_tick(r, NULL, r->samples) != 0)
            return T2M_ECANCELLED;
    }
    return status;
}
