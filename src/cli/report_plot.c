/* report_plot.c: line charts. The SVG is stretched to the width of the page (strokes keep their
 * width, and points are strokes of no length with round ends), so it holds no text: labels are
 * HTML, placed in percent, and stay as large as the text around them. */
#include <math.h>

#include "report.h"

static const double SIDE = 1000, /* of the drawing, in its own units */
    SPREAD = 20;                 /* from this factor on an axis may be logarithmic */
enum { TICKS = 5 /* about so many */ };

/* ---- axes ---- */

void axis_hold(struct axis *a, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]) && (x[i] > 0 || !a->logarithmic)) {
            a->low = fmin(a->low, x[i]);
            a->high = fmax(a->high, x[i]);
        }
}

/* The largest of 1, 2, 5 times a power of ten that is not above x; or, up, the smallest not below.
 */
static double round_number(double x, bool up)
{
    const double power = pow(10, floor(log10(x) + 1e-9)), part = x / power;
    if (up)
        return power * (part <= 1 + 1e-9 ? 1 : part <= 2 + 1e-9 ? 2 : part <= 5 + 1e-9 ? 5 : 10);
    return power * (part >= 5 - 1e-9 ? 5 : part >= 2 - 1e-9 ? 2 : 1);
}

static double step_of(const struct axis *a)
{
    return a->step > 0 ? a->step : round_number((a->high - a->low) / TICKS, true);
}

void axis_round(struct axis *a)
{
    const bool was_logarithmic = a->logarithmic;
    if (!(a->low <= a->high)) { /* it holds nothing */
        a->low = 0;
        a->high = 1;
    }
    a->logarithmic = a->logarithmic && a->low > 0 && a->high > SPREAD * a->low;
    if (a->logarithmic) {
        a->low = round_number(a->low, false);
        a->high = round_number(a->high, true);
        return;
    }
    if (was_logarithmic) /* a quantity above 0 */
        a->low = 0;
    if (a->high - a->low < 1e-9 * (1 + fabs(a->high)))
        a->high = a->low + 1;
    a->step = step_of(a);
    a->low = a->step * floor(a->low / a->step + 1e-6);
    a->high = a->step * ceil(a->high / a->step - 1e-6);
}

/* 0..1 along the axis; numbers beyond its ends at most a few lengths outside. */
static double place(const struct axis *a, double x)
{
    const double far = 4, part = !a->logarithmic ? (x - a->low) / (a->high - a->low)
                                 : x <= 0        ? -far
                                                 : log(x / a->low) / log(a->high / a->low);
    return fmax(-far, fmin(far, part));
}

static double x_of(const struct plot *p, double x)
{
    return SIDE * place(&p->x, x);
}

static double y_of(const struct plot *p, double y)
{
    return SIDE * (1 - place(&p->y, y));
}

/* ---- ticks ---- */

static void put_number(FILE *f, const struct axis *a, double x)
{
    const double shown = x * (a->scale > 0 ? a->scale : 1), size = fabs(shown);
    if (size >= 1e6)
        fprintf(f, "%g M", shown / 1e6);
    else if (size >= 1e4)
        fprintf(f, "%g k", shown / 1e3);
    else
        fprintf(f, "%.4g", size < 1e-9 ? 0 : shown);
    fprintf(f, "%s", a->unit ? a->unit : "");
}

static void put_tick(struct plot *p, bool vertical, double x)
{
    const struct axis *a = vertical ? &p->y : &p->x;
    fprintf(p->f, "<i class=%s style=\"%s:%.2f%%\">", vertical ? "ty" : "tx",
            vertical ? "bottom" : "left", 100 * place(a, x));
    size_t i = 0;
    while (a->tick_name && i + 1 < a->ticks && a->tick && a->tick[i] != x)
        i++;
    if (a->tick_name)
        put_text(p->f, a->tick_name[i]);
    else
        put_number(p->f, a, x);
    fprintf(p->f, "</i>");
}

static void put_gridline(struct plot *p, bool vertical, double x)
{
    if (vertical)
        fprintf(p->f, "M0 %.1fH1000", y_of(p, x));
    else
        fprintf(p->f, "M%.1f 0V1000", x_of(p, x));
}

/* Does `put` for each tick of an axis. */
static void each_tick(struct plot *p, bool vertical,
                      void (*put)(struct plot *p, bool vertical, double x))
{
    const struct axis *a = vertical ? &p->y : &p->x;
    if (a->tick) {
        for (size_t i = 0; i < a->ticks; i++)
            put(p, vertical, a->tick[i]);
    } else if (a->logarithmic) {
        const double far = 1e3; /* from this factor on, powers of ten alone */
        double x = a->low;
        while (x < a->high * 1.001) {
            if (a->high < far * a->low || fabs(log10(x) - round(log10(x))) < 1e-6)
                put(p, vertical, x);
            x = round_number(1.9 * x, true);
        }
    } else {
        const double step = step_of(a);
        const long last = lround(floor(a->high / step + 0.01));
        for (long i = lround(ceil(a->low / step - 1e-6)); i <= last; i++)
            put(p, vertical, (double)i * step);
    }
}

/* ---- the parts of a plot ---- */

void plot_begin(struct plot *p, const char *class, const char *title)
{
    fprintf(p->f, "<figure class=\"plot %s\">\n<figcaption>", class);
    put_text(p->f, title);
    fprintf(p->f, "</figcaption>\n<div class=yl>");
    put_text(p->f, p->y.label);
    fprintf(p->f, "</div>\n<div class=area>"
                  "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=none role=img aria-label=\"");
    put_text(p->f, title);
    fprintf(p->f, "\">\n<path class=grid d=\"");
    each_tick(p, true, put_gridline);
    fprintf(p->f, "\"/>\n");
}

/* Ends at the frame: an interval may reach below 0, and the axis may not. */
static double within(double y)
{
    return fmax(0, fmin(SIDE, y));
}

void plot_band(struct plot *p, const struct series *s)
{
    fprintf(p->f, "<path class=\"band %s\" d=\"", s->class);
    for (size_t i = 0; i < s->n; i++)
        fprintf(p->f, "%c%.1f %.1f", i ? 'L' : 'M', x_of(p, s->x[i]), within(y_of(p, s->high[i])));
    for (size_t i = s->n; i-- > 0;)
        fprintf(p->f, "L%.1f %.1f", x_of(p, s->x[i]), within(y_of(p, s->low[i])));
    fprintf(p->f, "Z\"/>\n");
}

void plot_line(struct plot *p, const struct series *s)
{
    bool drawing = false;
    fprintf(p->f, "<path class=\"line %s\" d=\"M", s->class);
    for (size_t i = 0; i < s->n; i++)
        if (isfinite(s->y[i])) {
            fprintf(p->f, "%s%.1f %.1f", drawing ? "L" : "", x_of(p, s->x[i]), y_of(p, s->y[i]));
            drawing = true;
        }
    fprintf(p->f, "%s\"/>\n", drawing ? "" : "0 0");
}

static void put_point_name(struct plot *p, const struct series *s, size_t i)
{
    fprintf(p->f, "<title>");
    put_text(p->f, s->name);
    fprintf(p->f, ": ");
    put_number(p->f, &p->y, s->y[i]);
    if (s->high) {
        fprintf(p->f, " \u00b1 ");
        put_number(p->f, &p->y, s->high[i] - s->y[i]);
    }
    fprintf(p->f, " (");
    put_text(p->f, p->x.label);
    fprintf(p->f, ": ");
    put_number(p->f, &p->x, s->x[i]);
    fprintf(p->f, ")</title>");
}

void plot_points(struct plot *p, const struct series *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (isfinite(s->x[i]) && isfinite(s->y[i])) {
            fprintf(p->f, "<path class=\"pt %s\" d=\"M%.1f %.1fh0\">", s->class, x_of(p, s->x[i]),
                    y_of(p, s->y[i]));
            if (s->name)
                put_point_name(p, s, i);
            fprintf(p->f, "</path>\n");
        }
}

void plot_end(struct plot *p)
{
    fprintf(p->f, "</svg>\n");
    each_tick(p, true, put_tick);
    each_tick(p, false, put_tick);
    fprintf(p->f, "</div>\n<div class=xl>");
    put_text(p->f, p->x.label);
    fprintf(p->f, "</div>\n</figure>\n");
}
