/* classify_pictures.c: a classifier from picture files, then its answers.
 * Usage: classify_pictures LEARNER SHOTS_FOLDER PICTURE... */
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

int main(int argc, char **argv)
{
    t2m_learner *learner;
    t2m_task *task;
    t2m_model *model;
    if (argc < 4) {
        fprintf(stderr, "usage: classify_pictures LEARNER SHOTS_FOLDER PICTURE...\n");
        return 2;
    }
    need(t2m_open(&lib, NULL, NULL));
    need(t2m_learner_open(lib, &learner, argv[1]));
    need(t2m_task_open(learner, &task, argv[2], NULL));
    need(t2m_build(learner, &model, task, NULL, NULL));
    need(t2m_model_prepare(model, 1));
    const size_t classes = t2m_model_classes(model);
    float *p = calloc(classes, sizeof *p);
    for (int i = 3; p && i < argc; i++) {
        float *x;
        size_t n, best = 0;
        need(t2m_model_read(model, argv[i], &x, &n));
        need(t2m_model_predict(model, x, n, p));
        for (size_t k = 1; k < classes; k++)
            best = p[k] > p[best] ? k : best;
        printf("%s: %s (%.2f)\n", argv[i], t2m_model_class(model, best), p[best]);
        t2m_free(lib, x);
    }
    free(p);
    t2m_model_free(model);
    t2m_task_free(task);
    t2m_learner_free(learner);
    t2m_close(lib);
    return 0;
}
