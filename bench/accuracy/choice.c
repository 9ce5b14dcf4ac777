/* choice.c: how well a learner of builtin:sine-line tells lines from sines, beside the Bayes
 * classifier, which knows the densities that the tasks are drawn from. bench_choice LEARNER [TASKS]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/family.h"

enum { SHOTS = 10 };
static const double pi = 3.14159265358979323846, noise = 0.3;

/* log of the density of y [n] where y = a x + b + noise, a and b from N(0, 1): normal with the
 * covariance noise^2 I + x x' + 1 1', by two updates of rank one (Sherman and Morrison 1950). */
static double log_line(const double *x, const double *y, int n)
{
    const double s = noise * noise;
    double xx = 0, x1 = 0, xy = 0, y1 = 0, yy = 0;
    for (int i = 0; i < n; i++) {
        xx += x[i] * x[i];
        x1 += x[i];
        xy += x[i] * y[i];
        y1 += y[i];
        yy += y[i] * y[i];
    }
    const double a = 1 + xx / s, b = x1 / s, d = 1 + n / s, det = a * d - b * b;
    const double u = xy / s, v = y1 / s;
    const double explained = (d * u * u - 2 * b * u * v + a * v * v) / det;
    return -0.5 * (yy / s - explained + log(det) + n * log(2 * pi * s));
}

/* The same for y = A sin(x - phase), A from U(0.1, 5), phase from U(0, pi): the integral over A is
 * that of a normal density between two bounds, that over the phase a sum. */
static double log_sine(const double *x, const double *y, int n)
{
    enum { STEPS = 2000 };
    const double s = noise * noise;
    double terms[STEPS], most = -INFINITY, sum = 0, yy = 0;
    for (int i = 0; i < n; i++)
        yy += y[i] * y[i];
    for (int k = 0; k < STEPS; k++) {
        double b = 0, c = 1e-12;
        for (int i = 0; i < n; i++) {
            const double w = sin(x[i] - pi * (k + 0.5) / STEPS);
            b += w * y[i];
            c += w * w;
        }
        const double mean = b / c, sd = sqrt(s / c), low = (0.1 - mean) / sd,
                     high = (5 - mean) / sd;
        const double part = low > 0 ? erfc(low / sqrt(2)) - erfc(high / sqrt(2))
                                    : erfc(-high / sqrt(2)) - erfc(-low / sqrt(2));
        terms[k] =
            -0.5 * (yy - b * b / c) / s + log(0.5 * part + 1e-300) + log(sd * sqrt(2 * pi) / 4.9);
        most = fmax(most, terms[k]);
    }
    for (int k = 0; k < STEPS; k++)
        sum += exp(terms[k] - most);
    return most + log(sum / STEPS) - 0.5 * n * log(2 * pi * s);
}

struct count {
    size_t tasks, bayes, ours, alike, missed[2]; /* lines, and others */
};

static t2m_status one_task(const t2m_learner *l, struct episode *e, struct count *c)
{
    double x[SHOTS], y[SHOTS];
    t2m_task *task = NULL;
    t2m_model *model = NULL;
    t2m_build_report report;
    t2m_status status = t2m_task_new(l, &task, e->x_support, e->y_support, SHOTS, NULL, 0);
    if (status == T2M_OK)
        status = t2m_build(l, &model, task, NULL, &report);
    if (status == T2M_OK) {
        for (int i = 0; i < SHOTS; i++) {
            x[i] = (double)e->x_support[i];
            y[i] = (double)e->y_support[i];
        }
        const bool line = !strstr(e->name, "sin"),
                   bayes = log_line(x, y, SHOTS) > log_sine(x, y, SHOTS),
                   ours = strcmp(report.structure[report.chosen].structure, "linear") == 0;
        c->tasks++;
        c->bayes += bayes == line;
        c->ours += ours == line;
        c->alike += ours == bayes;
        c->missed[!line] += ours != line;
    }
    t2m_model_free(model);
    t2m_task_free(task);
    return status;
}

static t2m_status all_tasks(t2m *lib, const char *learner, size_t tasks, struct count *c)
{
    const char *const family = "builtin:sine-line";
    const struct protocol p = {.ways = 1, .shots = SHOTS, .queries = 1};
    char name[EPISODE_NAME];
    float x[SHOTS + 1], y[SHOTS + 1];
    struct episode e = {.supports = SHOTS,
                        .queries = 1,
                        .x_support = x,
                        .y_support = y,
                        .x_query = x + SHOTS,
                        .y_query = y + SHOTS,
                        .name = name};
    t2m_learner *l = NULL;
    t2m_family *f = NULL;
    t2m_status status = t2m_learner_open(lib, &l, learner);
    if (status == T2M_OK)
        status = t2m_family_open(lib, &f, &family, 1, NULL);
    for (size_t i = 0; i < tasks && status == T2M_OK; i++) {
        episode_draw(f, &p, 99, i, &e);
        status = one_task(l, &e, c);
    }
    t2m_family_free(f);
    t2m_learner_free(l);
    return status;
}

int main(int argc, char **argv)
{
    t2m *lib = NULL;
    struct count c = {0};
    if (argc < 2 || t2m_open(&lib, NULL, NULL) != T2M_OK) {
        fprintf(stderr, "usage: bench_choice LEARNER [TASKS]\n");
        return 2;
    }
    const size_t tasks = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
    const t2m_status status = all_tasks(lib, argv[1], tasks, &c);
    if (status != T2M_OK)
        fprintf(stderr, "bench_choice: %s\n", t2m_errmsg(lib));
    t2m_close(lib);
    if (status != T2M_OK || c.tasks == 0)
        return 1;
    const size_t right[] = {c.bayes, c.ours, c.alike};
    const char *const what[] = {"Bayes classifier", "this learner", "both say the same"};
    printf("line or sine, %d points, %zu tasks\n", SHOTS, c.tasks);
    for (int i = 0; i < 3; i++) {
        const double part = (double)right[i] / (double)c.tasks;
        printf("  %-18s %.4f +- %.4f\n", what[i], part,
               1.96 * sqrt(part * (1 - part) / (double)c.tasks));
    }
    printf("  %zu lines got a network, %zu sines a line\n", c.missed[0], c.missed[1]);
    return 0;
}
