/* builtin.c: the families that are formulas, one row each. */
#include "task/family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLOPE, OFFSET, AMPLITUDE, PHASE };
static const double pi = 3.14159265358979323846;

static void draw_line(struct random *r, double curve[4])
{
    curve[SLOPE] = random_normal(r);
    curve[OFFSET] = random_normal(r);
    curve[AMPLITUDE] = curve[PHASE] = 0;
}

/* Finn et al. 2017, section 5.1 */
static void draw_sinusoid(struct random *r, double curve[4])
{
    curve[SLOPE] = curve[OFFSET] = 0;
    curve[AMPLITUDE] = random_uniform(r, 0.1, 5);
    curve[PHASE] = random_uniform(r, 0, pi);
}

/* Finn et al. 2018, "Probabilistic Model-Agnostic Meta-Learning", section 5 */
static void draw_sine_line(struct random *r, double curve[4])
{
    if (random_uniform(r, 0, 1) < 0.5)
        draw_line(r, curve);
    else
        draw_sinusoid(r, curve);
}

static double value(const double c[4], double x)
{
    return c[SLOPE] * x + c[OFFSET] + c[AMPLITUDE] * sin(x - c[PHASE]);
}

static void formula(const double c[4], char *out, size_t size)
{
    if (c[AMPLITUDE] > 0)
        snprintf(out, size, "%.2f sin(x - %.2f)", c[AMPLITUDE], c[PHASE]);
    else
        snprintf(out, size, "%.2f x %c %.2f", c[SLOPE], c[OFFSET] < 0 ? '-' : '+', fabs(c[OFFSET]));
}

static const struct builtin table[] = {
    {"line", -5, 5, 0.3, draw_line, value, formula},
    {"sinusoid", -5, 5, 0, draw_sinusoid, value, formula},
    {"sine-line", -5, 5, 0.3, draw_sine_line, value, formula},
};
enum { COUNT = sizeof table / sizeof *table };

const struct builtin *builtin_find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

void builtin_names(char out[128])
{
    int at = 0;
    for (size_t i = 0; i < COUNT; i++)
        at += snprintf(out + at, (size_t)(128 - at), "%sbuiltin:%s", i ? ", " : "", table[i].name);
}
