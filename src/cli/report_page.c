/* report_page.c: the page, section by section, in plain HTML. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const char *const about_row[T2M_EVAL_ROWS] = {
    "from a random start, same structure and steps", "the learned start, before it is tuned",
    "made from the examples of another task", "made from the task's examples, before it is tuned",
    "generated, then tuned on the examples"};

/* ---- numbers ---- */

static bool is_accuracy(const t2m_eval_result *e)
{
    return strcmp(e->metric, "accuracy") == 0;
}

/* A part of all, the more the better. */
static bool is_share(const t2m_eval_result *e)
{
    return is_accuracy(e) || strcmp(e->metric, "iou") == 0;
}

static const char *name_of(const t2m_eval_result *e)
{
    return is_accuracy(e)                  ? "accuracy"
           : is_share(e)                   ? "intersection over union"
           : strcmp(e->metric, "mse") == 0 ? "mean squared error"
                                           : "error, in standard deviations of the target";
}

/* Decimals that show three digits of x. */
static int decimals(double x)
{
    const int n = isfinite(x) && x != 0 ? 2 - (int)floor(log10(fabs(x))) : 2;
    return n < 0 ? 0 : n > 9 ? 9 : n;
}

static void put_score(FILE *f, const t2m_eval_result *e, const t2m_eval_row *row)
{
    const int n = decimals(row->mean);
    if (!row->present)
        fprintf(f, "\u2013");
    else if (is_share(e))
        fprintf(f, "%.1f <small>\u00b1 %.1f %%</small>", 100 * row->mean, 100 * row->ci95);
    else
        fprintf(f, "%.*f <small>\u00b1 %.*f</small>", n, row->mean, n, row->ci95);
}

/* ---- what it is ---- */

const char *report_method_doc(const char *method)
{
    const char *name, *doc;
    for (size_t i = 0; t2m_method_describe(i, &name, &doc); i++)
        if (strcmp(name, method) == 0)
            return doc;
    return "";
}

static void put_learner(FILE *f, const t2m_learner_info *l)
{
    fprintf(f, "<p class=lead>A learner by the method ");
    put_bold(f, l->method);
    fprintf(f, " (");
    put_text(f, report_method_doc(l->method));
    fprintf(f, "), which makes models of the structure ");
    for (const char *s = l->structure; *s; s++) { /* "linear+mlp:16" */
        char one[sizeof l->structure];
        const size_t n = strcspn(s, "+");
        snprintf(one, sizeof one, "%.*s", (int)n, s);
        put_bold(f, one);
        s += n;
        if (!*s)
            break;
        fprintf(f, " or ");
    }
    fprintf(f, ". It has ");
    put_count(f, l->parameters);
    fprintf(f, " learned numbers, after ");
    put_count(f, l->trained_steps);
    fprintf(f, " meta-steps on ");
    put_bold(f, l->family);
    fprintf(f, ", with %zu example%s %s.</p>\n", l->shots, l->shots == 1 ? "" : "s",
            l->images  ? "of a class"
            : l->masks ? "of a task, or fewer"
                       : "of a task");
}

static void put_family(FILE *f, const struct report *r)
{
    const t2m_family_info *i = &r->f;
    fprintf(f, "<p>It is measured on ");
    put_bold(f, i->name);
    if (i->images)
        fprintf(f,
                ": %zu images of %zu classes in %zu domain%s, %zu \u00d7 %zu pixels; a task is to "
                "tell %zu classes apart.</p>\n",
                i->examples, i->classes, i->domains ? i->domains : 1, i->domains > 1 ? "s" : "",
                i->height, i->width, r->episode.ways);
    else if (i->masks)
        fprintf(
            f,
            ": %zu pictures with masks, %zu class%s in %zu set%s, %zu \u00d7 %zu pixels; a task "
            "is to find the pixels of %zu class%s.</p>\n",
            i->examples, i->classes, i->classes == 1 ? "" : "es", i->domains,
            i->domains == 1 ? "" : "s", i->height, i->width, r->episode.ways,
            r->episode.ways == 1 ? "" : "es");
    else if (i->tasks)
        fprintf(f, ": %zu tasks of %zu rows or more, each to predict a number from %zu column%s.",
                i->tasks, i->fewest, i->features, i->features == 1 ? "" : "s");
    else
        fprintf(f, ": endless tasks drawn from a formula, each to predict y from x.");
    fprintf(f, "%s", report_is_of_pictures(r) ? "" : "</p>\n");
}

static void put_shots(FILE *f, const t2m_eval_result *e)
{
    fprintf(f, "%zu example%s%s", e->shots, e->shots == 1 ? "" : "s",
            is_accuracy(e) ? " of a class" : "");
}

static void put_tiles(FILE *f, const t2m_eval_result *e)
{
    char name[64];
    snprintf(name, sizeof name, "%s", name_of(e));
    name[0] = (char)(name[0] - 'a' + 'A');
    fprintf(f, "<p class=note>%s on new tasks with ", name);
    put_shots(f, e);
    fprintf(f, ", and its 95 %% interval</p>\n<ul class=tiles>\n");
    for (int i = 0; i < T2M_EVAL_ROWS; i++) {
        fprintf(f, "<li class=r%d>%s<b>", i, e->row[i].name);
        put_score(f, e, &e->row[i]);
        fprintf(f, "</b><small>%s</small></li>\n", e->row[i].note ? e->row[i].note : about_row[i]);
    }
    fprintf(f, "</ul>\n");
    if (e->control.present) {
        fprintf(f, "<p class=note>Naive Bayes of the colours and places of the examples' pixels, "
                   "which learns nothing from other tasks: ");
        put_score(f, e, &e->control);
        fprintf(f, "</p>\n");
    }
}

/* ---- training ---- */

static void plot_log(FILE *f, const struct report *r, bool validation)
{
    const bool share = r->l.images || r->l.masks;
    double *x = calloc(2 * r->logged, sizeof *x), *y = x + r->logged;
    struct plot p = {.f = f,
                     .x = {.low = INFINITY, .high = -INFINITY, .label = "meta-step"},
                     .y = {.low = INFINITY,
                           .high = -INFINITY,
                           .logarithmic = !validation || !share,
                           .label = !validation   ? "loss"
                                    : r->l.images ? "accuracy, percent"
                                    : r->l.masks  ? "intersection over union, percent"
                                                  : "squared error"}};
    if (!x)
        return;
    for (size_t i = 0; i < r->logged; i++) {
        x[i] = r->log[i].step;
        y[i] = validation ? r->log[i].validation : r->log[i].loss;
    }
    p.y.scale = validation && share ? 100 : 1;
    axis_hold(&p.x, x, r->logged);
    axis_hold(&p.y, y, r->logged);
    p.x.low = 0;
    axis_round(&p.y);
    const struct series s = {
        .x = x, .y = y, .n = r->logged, .class = validation ? "r4" : "r3", .name = p.y.label};
    plot_begin(&p, "",
               validation ? "Validation, on tasks that are not trained on"
                          : "Loss on the queries of the training");
    plot_line(&p, &s);
    if (r->logged < 100)
        plot_points(&p, &s);
    plot_end(&p);
    free(x);
}

static void put_training(FILE *f, const struct report *r)
{
    fprintf(f, "<h2>Training</h2>\n");
    if (r->logged == 0) {
        fprintf(f, "<p>There is no log of the training%s",
                r->run[0] ? ": it would be in " : " beside a shipped learner");
        put_text(f, r->run);
        fprintf(f, ".</p>\n");
        return;
    }
    fprintf(f, "<div class=two>\n");
    plot_log(f, r, false);
    plot_log(f, r, true);
    fprintf(f, "</div>\n");
    if (r->l.results[0]) {
        fprintf(f, "<p class=note>The learner is the best on validation, after step %zu: ",
                r->l.trained_steps);
        put_text(f, r->l.results);
        fprintf(f, ".</p>\n");
    }
}

/* ---- shots ---- */

static void put_legend(FILE *f)
{
    static const char *const name[] = {"scratch", "shared", "wrong-task", "generated", "tuned"};
    fprintf(f, "<ul class=legend>\n");
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        fprintf(f,
                "<li class=r%d><svg viewBox=\"0 0 30 12\" aria-hidden=true><path class=\"line "
                "r%d\" d=\"M0 6H30\"/><path class=pt d=\"M15 6h0\"/></svg>%s</li>\n",
                i, i, name[i]);
    fprintf(f, "</ul>\n");
}

struct curve { /* of one row, over the numbers of shots */
    double x[REPORT_SHOTS], y[REPORT_SHOTS], low[REPORT_SHOTS], high[REPORT_SHOTS];
    struct series s;
};

static void fill_curve(const struct report *r, int row, struct curve *c)
{
    static const char *const class[] = {"r0", "r1", "r2", "r3", "r4"};
    c->s = (struct series){c->x, c->y, c->low, c->high, 0, class[row], r -> point[0].row[row].name};
    for (size_t i = 0; i < r->points; i++) {
        const t2m_eval_row *e = &r->point[i].row[row];
        if (!e->present || !isfinite(e->mean) || !isfinite(e->ci95))
            continue;
        c->x[c->s.n] = (double)r->point[i].shots;
        c->y[c->s.n] = e->mean;
        c->low[c->s.n] = e->mean - e->ci95;
        c->high[c->s.n++] = e->mean + e->ci95;
    }
}

static void plot_shots(FILE *f, const struct report *r)
{
    struct curve curve[T2M_EVAL_ROWS];
    double tick[REPORT_SHOTS];
    char title[128];
    const bool share = is_share(&r->point[0]);
    struct plot p = {.f = f,
                     .x = {.logarithmic = true,
                           .label = is_accuracy(&r->point[0]) ? "examples of a class (shots)"
                                                              : "examples (shots)",
                           .tick = tick,
                           .ticks = r->points},
                     .y = {.low = INFINITY,
                           .high = -INFINITY,
                           .logarithmic = !share,
                           .scale = share ? 100 : 1,
                           .unit = share ? " %" : ""}};
    for (size_t i = 0; i < r->points; i++)
        tick[i] = (double)r->point[i].shots;
    const double margin = 1.12;
    p.x.low = tick[0] / margin;
    p.x.high = tick[r->points - 1] * margin;
    for (int i = 0; i < T2M_EVAL_ROWS; i++) {
        fill_curve(r, i, &curve[i]);
        axis_hold(&p.y, curve[i].y, curve[i].s.n);
        axis_hold(&p.y, curve[i].high, share ? 0 : curve[i].s.n);
    }
    axis_round(&p.y);
    snprintf(title, sizeof title, "%s%s", name_of(&r->point[0]),
             p.y.logarithmic ? ", on a logarithmic scale" : "");
    title[0] = (char)(title[0] - 'a' + 'A');
    p.y.label = "";
    plot_begin(&p, "shots-plot", title);
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        plot_band(&p, &curve[i].s);
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        plot_line(&p, &curve[i].s);
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        plot_points(&p, &curve[i].s);
    plot_end(&p);
}

static void put_table_head(FILE *f, const struct report *r)
{
    fprintf(f, "<div class=wide><table>\n<thead><tr><th scope=col>shots</th>");
    for (size_t i = 0; i < r->points; i++)
        fprintf(f, "<th scope=col>%zu</th>", r->point[i].shots);
    fprintf(f, "</tr></thead>\n<tbody>\n");
}

static void put_table(FILE *f, const struct report *r)
{
    put_table_head(f, r);
    for (int row = 0; row < T2M_EVAL_ROWS; row++) {
        fprintf(f, "<tr><th scope=row><span class=\"sw r%d\"></span>%s</th>", row,
                r->point[0].row[row].name);
        for (size_t i = 0; i < r->points; i++) {
            fprintf(f, "<td>");
            put_score(f, &r->point[i], &r->point[i].row[row]);
            fprintf(f, "</td>");
        }
        fprintf(f, "</tr>\n");
    }
    fprintf(f, "</tbody></table></div>\n");
}

static void put_structures(FILE *f, const struct report *r)
{
    if (r->point[0].structures < 2)
        return;
    fprintf(f, "<p>Which structure the models got, percent of the tasks:</p>\n");
    put_table_head(f, r);
    for (size_t k = 0; k < r->point[0].structures; k++) {
        fprintf(f, "<tr><th scope=row>%s</th>", r->point[0].structure[k]);
        for (size_t i = 0; i < r->points; i++)
            fprintf(f, "<td>%.0f</td>", 100 * r->point[i].share[k]);
        fprintf(f, "</tr>\n");
    }
    fprintf(f, "</tbody></table></div>\n");
}

/* Does the task matter? */
static void put_verdict(FILE *f, const struct report *r)
{
    const t2m_eval_result *e = report_usual(r);
    const bool worse = report_wrong_is_worse(r), has_t = r->spaces.t.size > 0;
    fprintf(f, "<p class=\"verdict%s\">With ", worse ? "" : " no");
    put_shots(f, e);
    fprintf(f, " the model of another task (wrong-task: ");
    put_score(f, e, &e->row[2]);
    fprintf(f, ") is <b>%ssignificantly worse</b> than the one %s for this task (",
            worse ? "" : "not ", report_rival(r)->name);
    put_score(f, e, report_rival(r));
    fprintf(f, "): the 95 %% intervals %s. ", worse ? "do not overlap" : "overlap");
    if (worse && has_t)
        fprintf(f, "The mapping uses what t says about the task.");
    else if (worse)
        fprintf(f, "The models depend on the task's own examples; this method makes no t.");
    else
        fprintf(f, "The mapping learned nothing from %s here.",
                has_t ? "t" : "the examples of a task");
    fprintf(f, "</p>\n");
}

static bool coincide(const struct report *r, int row, int other)
{
    for (size_t i = 0; i < r->points; i++) {
        const t2m_eval_row *a = &r->point[i].row[row], *b = &r->point[i].row[other];
        if (!a->present || !b->present || a->mean != b->mean)
            return false;
    }
    return true;
}

/* Curves that are the same lie on one another, and the page says so. */
static void put_coincident(FILE *f, const struct report *r)
{
    const bool start = coincide(r, 1, 3), end = coincide(r, 3, 4);
    if (start)
        fprintf(f,
                "<p class=note>Shared and generated coincide: before it tunes, this method makes "
                "nothing for a task but, at most, the head, which both have.</p>\n");
    if (end)
        fprintf(f, "<p class=note>Generated and tuned coincide: this learner does not tune.</p>\n");
}

static void put_curves(FILE *f, const struct report *r)
{
    fprintf(f, "<h2>%s against the number of examples</h2>\n",
            is_accuracy(&r->point[0]) ? "Accuracy"
            : is_share(&r->point[0])  ? "Intersection over union"
                                      : "Error");
    if (r->points > 1) {
        put_legend(f);
        plot_shots(f, r);
    }
    put_coincident(f, r);
    put_verdict(f, r);
    put_table(f, r);
    put_structures(f, r);
    if (r->left_out[0]) {
        fprintf(f, "<p class=note>Other numbers of shots are left out: ");
        put_text(f, r->left_out);
        fprintf(f, ".</p>\n");
    }
}

/* ---- the end ---- */

static void put_manifest(FILE *f, const struct report *r)
{
    char path[sizeof r->run + 16];
    snprintf(path, sizeof path, "%s/manifest.json", r->run);
    json_t *manifest = r->run[0] ? json_load_file(path, 0, NULL) : NULL;
    char *text = manifest ? json_dumps(manifest, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    fprintf(f, "<h2>Manifest of the training</h2>\n");
    if (text) {
        fprintf(f, "<pre>");
        put_text(f, text);
        fprintf(f, "</pre>\n");
    } else {
        fprintf(f, "<p>There is none beside the learner. It says itself: ");
        put_text(f, r->l.settings);
        fprintf(f, "</p>\n");
    }
    free(text);
    json_decref(manifest);
}

void put_program(FILE *f, const struct report *r)
{
    put_item(f, "program", "task2model " T2M_VERSION);
    put_item(f, "instructions", t2m_isa(r->c->lib));
    fprintf(f, "</dl>\n<pre>");
    put_text(f, r->command);
    fprintf(f, "</pre>\n");
}

static void put_protocol(FILE *f, const struct report *r)
{
    const t2m_eval_result *e = &r->point[0];
    fprintf(f, "<h2>Protocol</h2>\n<dl>\n<dt>shots</dt><dd>");
    for (size_t i = 0; i < r->points; i++)
        fprintf(f, "%s%zu", i ? ", " : "", r->point[i].shots);
    fprintf(f, "%s</dd>\n<dt>queries</dt><dd>%zu %s</dd>\n", r->f.images ? " of a class" : "",
            e->queries, r->f.images ? "of a class" : "of a task");
    if (report_is_of_pictures(r))
        fprintf(f, "<dt>ways</dt><dd>%zu class%s of a task</dd>\n", e->ways,
                e->ways == 1 ? "" : "es");
    fprintf(f,
            "<dt>tasks</dt><dd>%zu for each number of shots, the same for the five rows</dd>\n"
            "<dt>seed</dt><dd>%llu</dd>\n<dt>predictions</dt><dd>inductive: each query "
            "alone</dd>\n<dt>intervals</dt><dd>95 %%: 1.96 standard errors over the tasks</dd>\n",
            e->tasks, (unsigned long long)e->seed);
    put_program(f, r);
}

void report_begin(FILE *f, const char *kicker, const char *name, const char *data)
{
    fprintf(f, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
               "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
               "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
               "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n<title>");
    put_text(f, name);
    put_text(f, data);
    fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", report_css);
    fprintf(f, "<p class=kicker>task2model \u00b7 %s</p>\n<h1>", kicker);
    put_text(f, name);
    put_text(f, data);
    fprintf(f, "</h1>\n");
}

void report_end(FILE *f)
{
    fprintf(f, "</main>\n<div id=tip></div>\n<script>\n%s</script>\n</body>\n</html>\n",
            report_script);
}

void report_page(FILE *f, const struct report *r)
{
    char on[512];
    snprintf(on, sizeof on, " on %.500s", r->f.name);
    report_begin(f, "report on a learner", r->name, on);
    put_learner(f, &r->l);
    put_family(f, r);
    put_tiles(f, report_usual(r));
    put_training(f, r);
    put_curves(f, r);
    report_samples(f, r);
    put_protocol(f, r);
    put_manifest(f, r);
    report_end(f);
}
