/* report_table_page.c: the page about a model of one table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_table.h"

enum { COLUMNS_SHOWN = 200, SHORT_LABEL = 4 /* bytes, upright */, FEW_TICKS = 6 };
/* Colours of the classes that are shown, the most frequent first. */
static const char *const class_style[TABLE_CLASSES] = {"r4", "r3", "r1", "r2", "r0"};

/* ---- what it is, and how good ---- */

static void put_lead(FILE *f, const struct report *r)
{
    const struct table_report *t = r->table;
    const t2m_structure_report *s = &t->build.structure[0];
    fprintf(f, "<p class=lead>A model of the structure ");
    put_bold(f, s->structure);
    fprintf(f, ", built by the learner ");
    put_bold(f, r->name);
    fprintf(f, " (");
    put_text(f, report_method_doc(r->l.method));
    fprintf(f, ") from ");
    put_count(f, t2m_task_examples(t->rest));
    fprintf(f, " rows of the table. All that follows was measured on ");
    put_count(f, t->rows);
    fprintf(f, " other rows, which were held out%s.</p>\n",
            t->classes ? ": as many of each class, in proportion" : "");
}

static void put_tile(FILE *f, const char *style, const char *name, const char *number,
                     const char *about)
{
    fprintf(f, "<li class=%s>%s<b>%s</b><small>%s</small></li>\n", style, name, number, about);
}

static void put_class_tiles(FILE *f, const struct table_report *t)
{
    char text[4][64];
    snprintf(text[0], sizeof text[0], "%.1f <small>\u00b1 %.1f %%</small>", 100 * t->metric,
             196 * sqrt(t->metric * (1 - t->metric) / (double)t->rows));
    snprintf(text[1], sizeof text[1], "%.3f", t->loss);
    snprintf(text[2], sizeof text[2], "%.3f", t->simple);
    snprintf(text[3], sizeof text[3], "%.1f <small>%%</small>", 100 * t->calibration_error);
    put_tile(f, "r4", "accuracy", text[0], "rows whose likeliest class is the true one");
    put_tile(f, "r3", "log loss", text[1], "-log of the probability of the true class, in nats");
    put_tile(f, "r0", "without columns", text[2], "log loss of the frequencies of the classes");
    put_tile(f, "r2", "calibration error", text[3],
             "how far probabilities are from frequencies, on average");
}

static void put_value_tiles(FILE *f, const struct table_report *t)
{
    char text[4][64];
    snprintf(text[0], sizeof text[0], "%.4g", t->loss);
    snprintf(text[1], sizeof text[1], "%.4g", t->simple);
    if (isfinite(t->metric))
        snprintf(text[2], sizeof text[2], "%.1f <small>%%</small>", 100 * t->metric);
    else
        snprintf(text[2], sizeof text[2], "\u2013");
    snprintf(text[3], sizeof text[3], "%.0f <small>%%</small>", 100 * t->held_within[0]);
    put_tile(f, "r4", "error", text[0], "root mean squared, in the units of the target");
    put_tile(f, "r0", "without columns", text[1], "error of the mean of the target");
    put_tile(f, "r3", "explained", text[2], "part of the variance (R\u00b2)");
    put_tile(f, "r2", "in the interval", text[3], "rows in the interval that should hold 80 %");
}

/* ---- importance ---- */

static void put_importance(FILE *f, const struct report *r)
{
    const struct table_report *t = r->table;
    const double most = fmax(t->importance[0].mean, 1e-9);
    fprintf(f,
            "<h2>Which columns matter</h2>\n<p>How much the %s grows when the rows exchange their "
            "cells of one column at random (permutation importance): the mean of %d times, \u00b1 "
            "their standard deviation. Of columns that say the same, each may seem to matter "
            "little.</p>\n<ul class=bars>\n",
            t->classes ? "log loss" : "error", TABLE_SHUFFLES);
    for (size_t i = 0; i < t->columns; i++) {
        const struct importance *c = &t->importance[i];
        fprintf(f, "<li><span>");
        put_text(f, c->column);
        fprintf(f,
                "</span><svg viewBox=\"0 0 100 16\" preserveAspectRatio=none aria-hidden=true>"
                "<rect class=\"bar r4\" width=%.1f height=16 rx=1 /></svg><b>%.3g <small>\u00b1 "
                "%.2g</small></b></li>\n",
                fmax(0, 100 * c->mean / most), c->mean, c->sd);
    }
    fprintf(f, "</ul>\n");
}

/* ---- effects ---- */

static void put_class_legend(FILE *f, const struct table_report *t)
{
    fprintf(f, "<ul class=legend>\n");
    for (size_t c = 0; c < t->shown_count; c++) {
        fprintf(f,
                "<li class=%s><svg viewBox=\"0 0 30 12\" aria-hidden=true><path class=\"line %s\" "
                "d=\"M0 6H30\"/><path class=pt d=\"M15 6h0\"/></svg>",
                class_style[c], class_style[c]);
        put_text(f, t2m_model_class(t->model, t->shown[c]));
        fprintf(f, "</li>\n");
    }
    fprintf(f, "</ul>\n");
}

struct bounds {
    double low[TABLE_GRID], high[TABLE_GRID];
};

static void plot_curves(struct plot *p, const struct table_report *t, const struct effect *e,
                        const struct bounds *b)
{
    for (size_t c = 0; c < t->shown_count; c++) {
        const struct series s = {.x = e->x,
                                 .y = e->y[c],
                                 .low = b->low,
                                 .high = b->high,
                                 .n = e->points,
                                 .class = class_style[c],
                                 .name = t->classes ? t2m_model_class(t->model, t->shown[c])
                                                    : "foretold"};
        if (!t->classes && !e->levels)
            plot_band(p, &s);
        for (size_t i = 0; !t->classes && e->levels && i < e->points; i++) {
            const double x[] = {e->x[i], e->x[i]}, y[] = {b->low[i], b->high[i]};
            plot_line(p, &(struct series){.x = x, .y = y, .n = 2, .class = "r4 whisker"});
        }
        if (!e->levels)
            plot_line(p, &s);
        if (e->levels || e->points < TABLE_GRID)
            plot_points(p, &s);
    }
}

static bool has_long_label(const struct effect *e)
{
    bool any = false;
    for (size_t i = 0; i < e->points && e->levels; i++)
        any = any || strlen(e->label[i]) > SHORT_LABEL;
    return any;
}

static void plot_effect(FILE *f, const struct table_report *t, const struct effect *e)
{
    struct bounds b;
    const char *label[TABLE_GRID];
    struct plot p = {.f = f,
                     .x = {.low = INFINITY, .high = -INFINITY, .label = e->name},
                     .y = {.low = INFINITY, .high = -INFINITY, .label = ""}};
    for (size_t i = 0; i < e->points; i++) {
        b.low[i] = e->y[0][i] - t->half_width[0];
        b.high[i] = e->y[0][i] + t->half_width[0];
        label[i] = e->label[i];
    }
    axis_hold(&p.x, e->x, e->points);
    if (e->levels || e->points <= FEW_TICKS) {
        p.x.tick = e->x;
        p.x.ticks = e->points;
    }
    if (e->levels) {
        p.x.tick_name = label;
        p.x.low -= 0.5;
        p.x.high += 0.5;
    } else if (e->points < 2) {
        axis_round(&p.x);
    }
    if (t->classes) {
        p.y.low = 0;
        p.y.high = 1;
        p.y.scale = 100;
        p.y.unit = " %";
    } else {
        axis_hold(&p.y, b.low, e->points);
        axis_hold(&p.y, b.high, e->points);
        axis_round(&p.y);
    }
    plot_begin(&p, has_long_label(e) ? "clip named" : "clip", e->levels ? e->column : e->name);
    plot_curves(&p, t, e, &b);
    plot_end(&p);
}

static void put_effects(FILE *f, const struct table_report *t)
{
    fprintf(f,
            "<h2>What they do</h2>\n<p>What the model foretells on average over the rows, if all "
            "had this in one column and stayed as they are in the others (partial dependence)%s."
            "</p>\n",
            t->classes ? "" : "; shaded, the interval that should hold 80 % of the rows");
    if (t->classes)
        put_class_legend(f, t);
    fprintf(f, "<div class=many>\n");
    for (size_t i = 0; i < t->effects; i++)
        if (t->effect[i].points > 0)
            plot_effect(f, t, &t->effect[i]);
    fprintf(f, "</div>\n");
}

/* ---- calibration ---- */

static void put_reliability(FILE *f, const struct table_report *t)
{
    const double ends[] = {0, 1};
    double said[TABLE_BINS], right[TABLE_BINS];
    struct plot p = {.f = f,
                     .x = {.high = 1,
                           .step = 0.2,
                           .label = "probability of the likeliest class, percent",
                           .scale = 100},
                     .y = {.high = 1, .step = 0.2, .label = "how often it is right", .scale = 100}};
    p.y.unit = " %";
    size_t n = 0;
    for (size_t k = 0; k < TABLE_BINS; k++)
        if (t->bin[k].rows > 0) {
            said[n] = t->bin[k].said;
            right[n++] = t->bin[k].right;
        }
    fprintf(f,
            "<h2>Can the probabilities be believed?</h2>\n<p>Rows by the probability that the "
            "model gives their likeliest class: on the line, it is right as often as it says. "
            "Below it is too sure. The distance, weighed by the rows, is the expected calibration "
            "error: %.1f %%.</p>\n<div class=two>\n",
            100 * t->calibration_error);
    plot_begin(&p, "", "Reliability");
    plot_line(&p, &(struct series){.x = ends, .y = ends, .n = 2, .class = "truth"});
    plot_line(&p, &(struct series){.x = said, .y = right, .n = n, .class = "r4"});
    plot_points(&p,
                &(struct series){.x = said, .y = right, .n = n, .class = "r4", .name = "right"});
    plot_end(&p);
    fprintf(f, "<div class=wide><table>\n<thead><tr><th scope=col>probability</th><th "
               "scope=col>rows</th><th scope=col>right</th></tr></thead>\n<tbody>\n");
    for (size_t k = 0; k < TABLE_BINS; k++)
        if (t->bin[k].rows > 0)
            fprintf(f,
                    "<tr><th scope=row>%zu \u2013 %zu %%</th><td>%zu</td><td>%.1f %%</td></tr>\n",
                    100 * k / TABLE_BINS, 100 * (k + 1) / TABLE_BINS, t->bin[k].rows,
                    100 * t->bin[k].right);
    fprintf(f, "</tbody></table></div>\n</div>\n");
}

static void put_scatter(FILE *f, const struct table_report *t)
{
    struct axis both = {.low = INFINITY, .high = -INFINITY};
    double *y = calloc(2 * t->rows, sizeof *y), *p = y + t->rows;
    if (!y)
        return;
    for (size_t i = 0; i < t->rows; i++) {
        y[i] = (double)t->y[i];
        p[i] = (double)t->p[i];
    }
    axis_hold(&both, y, t->rows);
    axis_round(&both);
    const double ends[] = {both.low, both.high};
    struct plot plot = {.f = f, .x = both, .y = both};
    plot.x.label = "true";
    plot.y.label = "foretold";
    fprintf(f,
            "<h2>Foretold and true</h2>\n<p>Each point is a row: on the line it is foretold "
            "exactly. The model says \u00b1 %.4g for 80 %% of the rows, and %.1f %% are within; "
            "\u00b1 %.4g for 95 %%, and %.1f %% are.</p>\n<div class=two>\n",
            t->half_width[0], 100 * t->held_within[0], t->half_width[1], 100 * t->held_within[1]);
    plot_begin(&plot, "clip", "Rows that were held out");
    plot_line(&plot, &(struct series){.x = ends, .y = ends, .n = 2, .class = "truth"});
    plot_points(&plot, &(struct series){.x = y, .y = p, .n = t->rows, .class = "cloud r4"});
    plot_end(&plot);
    fprintf(f, "</div>\n");
    free(y);
}

/* ---- the task ---- */

static void put_columns(FILE *f, const struct report *r)
{
    const struct table_report *t = r->table;
    t2m_column c;
    fprintf(f,
            "<div class=wide><table>\n<thead><tr><th scope=col>number</th><th "
            "scope=col>mean</th><th scope=col>sd</th>%s</tr></thead>\n<tbody>\n",
            t->classes ? "" : "<th scope=col>correlation</th>");
    for (size_t i = 0; i < COLUMNS_SHOWN && t2m_task_column(r->learner, t->all, i, &c); i++) {
        fprintf(f, "<tr><th scope=row>");
        put_text(f, c.name);
        fprintf(f, "</th><td>%.5g</td><td>%.5g</td>", c.mean, c.sd);
        if (!t->classes)
            fprintf(f, "<td>%.3f</td>", c.correlation);
        fprintf(f, "</tr>\n");
    }
    fprintf(f, "</tbody></table></div>\n");
}

static void put_classes(FILE *f, const struct table_report *t)
{
    fprintf(f, "<dl>\n");
    for (size_t k = 0; k < t->classes; k++) {
        size_t n = 0;
        for (size_t i = 0; i < t2m_task_examples(t->all); i++)
            n += t2m_task_y(t->all)[i] == (float)k;
        fprintf(f, "<dt>");
        put_text(f, t2m_task_class(t->all, k));
        fprintf(f, "</dt><dd>%zu rows</dd>\n", n);
    }
    fprintf(f, "</dl>\n");
}

static void put_space(FILE *f, const struct table_report *t)
{
    double x[REPORT_POINTS], y[REPORT_POINTS];
    char label[2][64];
    for (int k = 0; k < 2; k++)
        snprintf(label[k], sizeof label[k], "%s component, %.0f %% of the variance",
                 k ? "second" : "first", 100 * t->space.part[k]);
    struct plot p = {.f = f,
                     .x = {.low = INFINITY, .high = -INFINITY, .label = label[0]},
                     .y = {.low = INFINITY, .high = -INFINITY, .label = label[1]}};
    for (size_t i = 0; i < t->placed; i++) {
        x[i] = t->space.at[i][0];
        y[i] = t->space.at[i][1];
    }
    axis_hold(&p.x, x, t->placed);
    axis_hold(&p.y, y, t->placed);
    axis_round(&p.x);
    axis_round(&p.y);
    plot_begin(&p, "known", "This table (blue) among tasks of the training, by t");
    for (size_t i = t->placed; i-- > 0;)
        plot_points(&p, &(struct series){.x = x + i,
                                         .y = y + i,
                                         .n = 1,
                                         .class = i ? "truth" : "r4",
                                         .name = i ? t->placed_name[i] : "this table"});
    plot_end(&p);
}

static void put_likeness(FILE *f, const struct table_report *t)
{
    const t2m_likeness *like = &t->task.like;
    if (like->nearest == 0) {
        fprintf(f, "<p class=note>The learner keeps no tasks of its training to compare it "
                   "with.</p>\n");
        return;
    }
    fprintf(f,
            "<p class=\"verdict%s\">By its task vector t it is <b>%s the tasks of the "
            "training</b>: %.0f %% of those are nearer to another one than this is to any. The "
            "nearest:</p>\n<dl>\n",
            like->unlike ? " no" : "", like->unlike ? "unlike" : "like", 100 * like->percentile);
    for (size_t i = 0; i < like->nearest; i++) {
        fprintf(f, "<dt>%.2f</dt><dd>", like->distance[i]);
        put_text(f, like->name[i]);
        fprintf(f, "</dd>\n");
    }
    fprintf(f, "</dl>\n<div class=two>\n");
    put_space(f, t);
    fprintf(f, "</div>\n");
}

static void put_task(FILE *f, const struct report *r)
{
    const struct table_report *t = r->table;
    const char *name, *why;
    fprintf(f, "<h2>The table</h2>\n<p>");
    put_count(f, t2m_task_examples(t->all));
    fprintf(f, " rows. Columns become numbers, of which the model takes %zu.</p>\n", t->inputs);
    if (t->classes)
        put_classes(f, t);
    put_columns(f, r);
    for (size_t i = 0; t2m_task_dropped(t->all, i, &name, &why); i++) {
        fprintf(f, "%s", i ? ", " : "<p class=note>Left out: ");
        put_text(f, name);
        fprintf(f, " (%s)", why);
    }
    if (t2m_task_dropped(t->all, 0, &name, &why))
        fprintf(f, ".</p>\n");
    put_likeness(f, t);
}

void report_table_page(FILE *f, const struct report *r)
{
    const struct table_report *t = r->table;
    const char *slash = strrchr(t->path, '/');
    char target[256] = "";
    t2m_model_info m;
    t2m_model_describe(t->model, &m);
    if (m.target)
        snprintf(target, sizeof target, ": %.250s", m.target);
    report_begin(f, "report on a table", slash ? slash + 1 : t->path, target);
    put_lead(f, r);
    fprintf(f, "<ul class=tiles>\n");
    (t->classes ? put_class_tiles : put_value_tiles)(f, t);
    fprintf(f, "</ul>\n");
    put_importance(f, r);
    put_effects(f, t);
    (t->classes ? put_reliability : put_scatter)(f, t);
    put_task(f, r);
    fprintf(f, "<h2>Protocol</h2>\n<dl>\n<dt>seed</dt><dd>%llu</dd>\n",
            (unsigned long long)r->episode.seed);
    put_program(f, r);
    report_end(f);
}
