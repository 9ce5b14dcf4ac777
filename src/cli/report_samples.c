/* report_samples.c: what can be looked at: the two spaces, and predictions of a few tasks as
 * curves or as points; of pictures: report_pictures.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* ---- the two spaces ---- */

static const double PANEL = 450, /* side, in the drawing's units */
    EDGE = 0.46,                 /* of the side: the farthest point, from the centre */
    INNER = 0.36,                /* ... the farthest that is drawn to scale, if some are far out */
    FAR = 2.5; /* far out: so many times the distance that nine of ten tasks keep */
enum { GAP = 100, MARKS = 4 };
static const char *const mark_class[MARKS] = {"", " square", " ring", " square ring"};

struct panel {
    const struct space *space;
    double left, most, all; /* distances: of those drawn to scale, alike for both components; all */
    size_t beyond;          /* far ones, between INNER and EDGE by their logarithm */
};

static int by_number(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double away(const struct space *space, size_t i)
{
    return fmax(fabs(space->at[i][0]), fabs(space->at[i][1]));
}

static struct panel panel_of(const struct spaces *s, const struct space *space, double left)
{
    struct panel p = {.space = space, .left = left};
    double all[REPORT_PLACED];
    for (size_t i = 0; i < s->count; i++)
        all[i] = away(space, i);
    qsort(all, s->count, sizeof *all, by_number);
    p.all = all[s->count - 1];
    p.most = fmin(p.all, FAR * all[(s->count - 1) * 9 / 10]);
    p.most = p.most > 0 ? p.most : 1;
    for (size_t i = 0; i < s->count; i++)
        p.beyond += all[i] > p.most;
    return p;
}

static void put_place(FILE *f, const struct panel *p, size_t i)
{
    const double distance = away(p->space, i);
    double side = PANEL * (p->beyond ? INNER : EDGE) / p->most;
    if (distance > p->most)
        side = PANEL / distance *
               (INNER + (EDGE - INNER) * log(distance / p->most) / log(p->all / p->most));
    fprintf(f, "%.1f %.1f", p->left + PANEL / 2 + side * p->space->at[i][0],
            PANEL / 2 - side * p->space->at[i][1]);
}

/* From blue over green to yellow, as viridis, without its darkest and lightest ends. */
static void put_color(FILE *f, double part)
{
    static const double anchor[][3] = {
        {72, 54, 138}, {49, 104, 172}, {33, 145, 140}, {84, 184, 84}, {214, 184, 40}};
    const int last = 3, k = part * (last + 1) < last ? (int)(part * (last + 1)) : last;
    const double on = part * (last + 1) - k;
    fprintf(f, "#");
    for (int c = 0; c < 3; c++)
        fprintf(f, "%02x", (unsigned)lround(anchor[k][c] + on * (anchor[k + 1][c] - anchor[k][c])));
}

/* 0..1 by the order of the first component of t, or of m where there is no t. */
static double order(const struct spaces *s, size_t i)
{
    const struct space *by = s->t.size ? &s->t : &s->m;
    size_t before = 0;
    for (size_t k = 0; k < s->count; k++)
        before += by->at[k][0] < by->at[i][0];
    return (double)before / (double)(s->count > 1 ? s->count - 1 : 1);
}

/* Number of the structure of task i in the order of their first tasks; n of different ones. */
static size_t mark_of(const struct spaces *s, size_t i, size_t *n)
{
    size_t first[MARKS], count = 0, mark = 0;
    for (size_t k = 0; k < s->count && count < MARKS; k++) {
        size_t at = 0;
        while (at < count && strcmp(s->task[first[at]].structure, s->task[k].structure) != 0)
            at++;
        if (at == count)
            first[count++] = k;
        if (k == i)
            mark = at;
    }
    *n = count;
    return mark;
}

static void put_points_of(FILE *f, const struct panel *t, const struct panel *m, bool shown,
                          size_t i)
{
    if (t->space->size) {
        fprintf(f, "M");
        put_place(f, t, i);
        fprintf(f, "h0");
    }
    if (shown) {
        fprintf(f, "M");
        put_place(f, m, i);
        fprintf(f, "h0");
    }
}

static void put_task(FILE *f, const struct spaces *s, const struct panel *t, const struct panel *m,
                     size_t i)
{
    static const char *const layer[] = {"hit", "o", "i", "h"};
    const struct placed_task *p = &s->task[i];
    size_t n;
    const size_t mark = mark_of(s, i, &n);
    fprintf(f, "<g class=\"task%s\" tabindex=0 role=img style=\"color:", mark_class[mark]);
    put_color(f, order(s, i));
    fprintf(f, "\" aria-label=\"");
    put_text(f, p->name);
    fprintf(f, " \u2192 %s\"><title>", p->structure);
    put_text(f, p->name);
    fprintf(f, "</title>");
    if (t->space->size && p->shown) {
        fprintf(f, "<path class=link d=\"M");
        put_place(f, t, i);
        fprintf(f, "L");
        put_place(f, m, i);
        fprintf(f, "\"/>");
    }
    for (size_t k = 0; k < (mark < 2 ? 3 : 4); k++) {
        fprintf(f, "<path class=%s d=\"", layer[k]);
        put_points_of(f, t, m, p->shown, i);
        fprintf(f, "\"/>");
    }
    fprintf(f, "</g>\n");
}

static void put_space_title(FILE *f, const char *name, const char *how, const struct panel *p)
{
    const struct space *s = p->space;
    fprintf(f, "<div><b>%s</b><span>%s, ", name, how);
    put_count(f, s->size);
    fprintf(f,
            " numbers</span><span>\u2192 first component, %.0f %% of the variance \u00a0 "
            "\u2191 second, %.0f %%</span>",
            100 * s->part[0], 100 * s->part[1]);
    if (p->beyond)
        fprintf(f, "<span>%zu far out, drawn nearer than they are</span>", p->beyond);
    fprintf(f, "</div>\n");
}

static void put_marks(FILE *f, const struct spaces *s)
{
    size_t n, next = 0;
    mark_of(s, 0, &n);
    if (n < 2)
        return;
    fprintf(f, "<ul class=legend>\n");
    for (size_t i = 0; i < s->count && next < n; i++) {
        const size_t mark = mark_of(s, i, &n);
        if (mark != next)
            continue;
        next++;
        fprintf(f,
                "<li><svg viewBox=\"0 0 30 12\" aria-hidden=true><g class=\"task%s\"><path class=i "
                "d=\"M20 6h0\"/>%s</g></svg>%s</li>\n",
                mark_class[mark], mark < 2 ? "" : "<path class=h d=\"M20 6h0\"/>",
                s->task[i].structure);
    }
    fprintf(f, "</ul>\n");
}

static const char *const how_placed[] = {
    "the model vector m of each",
    "models of several structures, by what they predict for common inputs",
    "the model vector m, of the most frequent structure alone"};

static void put_spaces(FILE *f, const struct report *r)
{
    const struct spaces *s = &r->spaces;
    const bool two = s->t.size > 0;
    const struct panel t = panel_of(s, &s->t, 0), m = panel_of(s, &s->m, two ? PANEL + GAP : 0);
    const double width = two ? 2 * PANEL + GAP : PANEL, middle = PANEL / 2;
    fprintf(f, "<h2>%s</h2>\n<p>%zu tasks of %zu examples each%s. ",
            two ? "Tasks and their models, side by side" : "The models of many tasks", s->count,
            t2m_task_examples(r->sample[0].support), two ? ", at their t and at their model" : "");
    fprintf(f, "Each number counts in its standard deviations. %s</p>\n",
            two ? "A task has one colour in both: where the colours run in order on the right too, "
                  "the mapping takes near tasks to near models."
                : "This method makes no t, so there is only the space of the models; the colour is "
                  "the order along its first component.");
    put_marks(f, s);
    fprintf(f, "<div class=\"spaces%s\">\n<div class=titles>\n", two ? "" : " one");
    if (two)
        put_space_title(f, "Tasks, by t", "the task vector t", &t);
    put_space_title(f, "Models", how_placed[s->placement], &m);
    fprintf(f, "</div>\n<svg viewBox=\"0 0 %.0f %.0f\">\n", width, PANEL);
    for (int i = two ? 0 : 1; i < 2; i++) {
        const double left = i ? m.left : 0;
        fprintf(f,
                "<rect class=frame x=%.0f y=0 width=%.0f height=%.0f rx=6 />"
                "<path class=cross d=\"M%.0f %.0fh%.0fM%.0f 0v%.0f\"/>\n",
                left, PANEL, PANEL, left, middle, PANEL, left + middle, PANEL);
    }
    fprintf(f, "<g class=tasks>\n");
    for (size_t i = 0; i < s->count; i++)
        put_task(f, s, &t, &m, i);
    fprintf(f,
            "</g>\n</svg>\n<p class=readout aria-live=polite>Point at a task, or choose it with "
            "a click or the Tab key: it is named here%s.</p>\n</div>\n",
            two ? ", and a line joins its t and its model" : "");
}

/* ---- predictions of values ---- */

static double *numbers(const float *x, size_t n)
{
    double *out = calloc(n + 1, sizeof *out);
    for (size_t i = 0; out && i < n; i++)
        out[i] = (double)x[i];
    return out;
}

struct shown { /* a sample in doubles */
    double *x, *y, *query_x, *query_y, *asked_x, *generated, *tuned;
};

static bool show(const struct sample *s, size_t inputs, struct shown *out)
{
    const size_t n = t2m_task_examples(s->support), q = t2m_task_examples(s->query);
    *out = (struct shown){numbers(s->x, n * inputs),
                          numbers(s->y, n),
                          numbers(s->query_x, q * inputs),
                          numbers(s->query_y, q),
                          numbers(s->asked_x, s->asked * inputs),
                          numbers(s->generated, s->asked),
                          numbers(s->tuned, s->asked)};
    return out->x && out->y && out->query_x && out->query_y && out->asked_x && out->generated &&
           out->tuned;
}

static void hide(struct shown *s)
{
    double *const memory[] = {s->x,       s->y,         s->query_x, s->query_y,
                              s->asked_x, s->generated, s->tuned};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
}

static int by_x(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* A formula's truth is a curve; that of data is points. */
static void plot_truth(struct plot *p, const struct report *r, const struct shown *v, size_t n)
{
    double(*both)[2] = calloc(n, sizeof *both);
    for (size_t i = 0; both && i < n; i++) {
        both[i][0] = v->query_x[i];
        both[i][1] = v->query_y[i];
    }
    if (both)
        qsort(both, n, sizeof *both, by_x);
    for (size_t i = 0; both && i < n; i++) {
        v->query_x[i] = both[i][0];
        v->query_y[i] = both[i][1];
    }
    free(both);
    const struct series s = {.x = v->query_x, .y = v->query_y, .n = n, .class = "truth"};
    if (r->f.tasks)
        plot_points(p, &s);
    else
        plot_line(p, &s);
}

static void plot_curve(FILE *f, const struct report *r, const struct sample *s)
{
    const size_t n = t2m_task_examples(s->support), q = t2m_task_examples(s->query);
    struct shown v;
    struct plot p = {.f = f,
                     .x = {.low = INFINITY, .high = -INFINITY, .label = "x"},
                     .y = {.low = INFINITY, .high = -INFINITY, .label = r->l.target}};
    if (show(s, 1, &v)) {
        axis_hold(&p.x, v.asked_x, s->asked);
        axis_hold(&p.y, v.y, n);
        axis_hold(&p.y, v.query_y, q);
        axis_round(&p.y);
        plot_begin(&p, "clip", t2m_task_name(s->support));
        plot_truth(&p, r, &v, q);
        plot_line(&p, &(struct series){
                          .x = v.asked_x, .y = v.generated, .n = s->asked, .class = "r3 dashed"});
        plot_line(&p, &(struct series){.x = v.asked_x, .y = v.tuned, .n = s->asked, .class = "r4"});
        plot_points(&p, &(struct series){.x = v.x, .y = v.y, .n = n, .class = "mark"});
        plot_end(&p);
    }
    hide(&v);
}

static void put_curve_samples(FILE *f, const struct report *r)
{
    fprintf(f,
            "<p>New tasks. From the examples (dots) a model is generated and tuned; "
            "the truth is what it did not see.</p>\n<ul class=legend>"
            "<li class=mark><svg viewBox=\"0 0 30 12\" aria-hidden=true><path class=pt "
            "d=\"M15 6h0\"/></svg>examples</li>"
            "<li class=truth><svg viewBox=\"0 0 30 12\" aria-hidden=true><path class=\"%s truth\" "
            "d=\"%s\"/></svg>truth</li>"
            "<li class=r3><svg viewBox=\"0 0 30 12\" aria-hidden=true><path class=\"line dashed\" "
            "d=\"M0 6H30\"/></svg>generated</li><li class=r4><svg viewBox=\"0 0 30 12\" "
            "aria-hidden=true><path class=line d=\"M0 6H30\"/></svg>tuned</li></ul>\n"
            "<div class=many>\n",
            r->f.tasks ? "pt" : "line", r->f.tasks ? "M15 6h0" : "M0 6H30");
    for (size_t i = 0; i < r->samples; i++)
        plot_curve(f, r, &r->sample[i]);
    fprintf(f, "</div>\n");
}

/* Several columns: what was predicted against what is true, all samples together. */
static void put_cloud(FILE *f, const struct report *r)
{
    struct axis both = {.low = INFINITY, .high = -INFINITY};
    struct shown v[REPORT_SAMPLES];
    bool good = true;
    for (size_t i = 0; i < r->samples; i++) {
        const struct sample *s = &r->sample[i];
        good = show(s, r->f.features, &v[i]) && good;
        if (good)
            axis_hold(&both, v[i].query_y, s->asked);
    }
    axis_round(&both);
    struct plot p = {.f = f, .x = both, .y = both};
    p.x.label = "true";
    p.y.label = "predicted";
    fprintf(f,
            "<p>The queries of %zu new tasks: on the line a prediction is right.</p>\n"
            "<div class=two>\n",
            r->samples);
    for (int tuned = 0; good && tuned < 2; tuned++) {
        const double ends[] = {both.low, both.high};
        plot_begin(&p, "clip", tuned ? "Tuned" : "Generated");
        plot_line(&p, &(struct series){.x = ends, .y = ends, .n = 2, .class = "truth"});
        for (size_t i = 0; i < r->samples; i++)
            plot_points(&p, &(struct series){.x = v[i].query_y,
                                             .y = tuned ? v[i].tuned : v[i].generated,
                                             .n = r->sample[i].asked,
                                             .class = tuned ? "cloud r4" : "cloud r3"});
        plot_end(&p);
    }
    fprintf(f, "</div>\n");
    for (size_t i = 0; i < r->samples; i++)
        hide(&v[i]);
}

void report_samples(FILE *f, const struct report *r)
{
    put_spaces(f, r);
    fprintf(f, "<h2>Sample predictions</h2>\n");
    if (r->f.images)
        report_pictures(f, r);
    else if (r->f.masks)
        report_masks(f, r);
    else if (r->f.features == 1)
        put_curve_samples(f, r);
    else
        put_cloud(f, r);
}
