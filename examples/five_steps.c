/* five_steps.c: the five steps on a CSV: ten points of a line nobody has seen.
 * Usage: five_steps POINTS.csv */
#include <stdio.h>
#include <stdlib.h>

#include "task2model.h"

static t2m *lib;

static void need(t2m_status status)
{
    if (status == T2M_OK)
        return;
    fprintf(stderr, "%s\n", t2m_errmsg(lib));
    exit(1);
}

static void show_vector(const char *name, const float *v, size_t n)
{
    printf("%s, %zu numbers:", name, n);
    for (size_t i = 0; i < n; i++)
        printf("%s %.4g", i % 10 ? "" : "\n   ", v[i]);
    printf("\n");
}

static void least_squares(const t2m_task *task)
{
    const float *x = t2m_task_x(task), *y = t2m_task_y(task);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < t2m_task_examples(task); i++, n++) {
        sx += x[i], sy += y[i];
        sxx += x[i] * x[i], sxy += x[i] * y[i];
    }
    const double a = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    printf("least squares          y = %.4f x + %.4f\n", a, (sy - a * sx) / n);
}

/* Steps 4, 5 and 2: a model, tuned or not, and its vector m: structure code, slope, offset. */
static void make_model(const t2m_learner *learner, const t2m_task *task, int steps)
{
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    t2m_model *model;
    float *m;
    size_t n;
    o.steps = steps;
    need(t2m_build(learner, &model, task, &o, NULL));
    need(t2m_model_vector(model, &m, &n));
    if (steps == 0)
        show_vector("m", m, n);
    printf("%-22s y = %.4f x + %.4f\n", steps ? "generated and tuned" : "generated", m[n - 2],
           m[n - 1]);
    t2m_free(lib, m);
    t2m_model_free(model);
}

int main(int argc, char **argv)
{
    const char *const name = "builtin:line", *points = argc > 1 ? argv[1] : "data/points.csv";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *family;
    t2m_learner *learner;
    t2m_task *task;
    float *t;
    size_t n;
    o.method = "hyper", o.structure = "linear", o.represent = "concat", o.steps = 4000;
    need(t2m_open(&lib, NULL, NULL));
    need(t2m_family_open(lib, &family, &name, 1, NULL));
    need(t2m_train(lib, &learner, family, &o, NULL)); /* step 3: learn f(t) = m on many tasks */
    need(t2m_task_open(learner, &task, points, NULL));
    need(t2m_task_vector(learner, task, &t, &n)); /* step 1: t = [x, y] of each point */
    show_vector("t", t, n);
    make_model(learner, task, 0);
    least_squares(task);
    make_model(learner, task, 50);
    t2m_free(lib, t), t2m_task_free(task), t2m_learner_free(learner), t2m_family_free(family);
    t2m_close(lib);
    return 0;
}
