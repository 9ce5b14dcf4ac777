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

static void least_squares(const t2m_task *task)
{
    const float *x = t2m_task_x(task), *y = t2m_task_y(task);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < t2m_task_examples(task); i++, n++) {
        sx += x[i];
        sy += y[i];
        sxx += x[i] * x[i];
        sxy += x[i] * y[i];
    }
    const double a = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    printf("least squares          y = %.4f x + %.4f\n", a, (sy - a * sx) / n);
}

/* m is the structure code, then the slope, then the offset. */
static void show_line(const char *what, const t2m_model *model)
{
    float *m;
    size_t n;
    need(t2m_model_vector(model, &m, &n));
    printf("%-22s y = %.4f x + %.4f   (m: %zu numbers)\n", what, m[n - 2], m[n - 1], n);
    t2m_free(lib, m);
}

int main(int argc, char **argv)
{
    const char *const family_name = "builtin:line";
    t2m_train_options train = T2M_TRAIN_OPTIONS_INIT;
    t2m_build_options tuned = T2M_BUILD_OPTIONS_INIT;
    t2m_family *family;
    t2m_learner *learner;
    t2m_task *task;
    t2m_model *model;
    float *t;
    size_t n;
    need(t2m_open(&lib, NULL, NULL));
    /* step 3, once: learn f(t) = m on many tasks */
    train.method = "hyper";
    train.structure = "linear";
    train.steps = 4000;
    need(t2m_family_open(lib, &family, &family_name, 1, NULL));
    need(t2m_train(lib, &learner, family, &train, NULL));
    /* step 1: the task as a vector t */
    need(t2m_task_open(learner, &task, argc > 1 ? argv[1] : "examples/data/points.csv", NULL));
    need(t2m_task_vector(learner, task, &t, &n));
    printf("t: %zu numbers, the last two: %.4f %.4f\n", n, t[n - 2], t[n - 1]);
    /* steps 2 and 4: f(t) = m, and the model that m describes */
    need(t2m_build(learner, &model, task, NULL, NULL));
    show_line("generated", model);
    least_squares(task);
    t2m_model_free(model);
    /* step 5: tuned on the task's own points */
    tuned.steps = 50;
    need(t2m_build(learner, &model, task, &tuned, NULL));
    show_line("generated and tuned", model);
    t2m_model_free(model);
    t2m_free(lib, t);
    t2m_task_free(task);
    t2m_learner_free(learner);
    t2m_family_free(family);
    t2m_close(lib);
    return 0;
}
