/* check_build.h: from files to files, as far as memory allows. */
#pragma once
#include "check_files.h"

#include "task2model.h"

/* A model of the task at the path, by the test's file "learner", into "model". */
static inline t2m_status check_build_from(t2m *lib, const char *shots)
{
    t2m_learner *l = NULL;
    t2m_task *t = NULL;
    t2m_model *m = NULL;
    t2m_status status = t2m_learner_open(lib, &l, check_path("learner"));
    if (status == T2M_OK)
        status = t2m_task_open(l, &t, check_path(shots), NULL);
    if (status == T2M_OK)
        status = t2m_build(l, &m, t, NULL, NULL);
    if (status == T2M_OK)
        status = t2m_model_save(m, check_path("model"), true);
    t2m_model_free(m);
    t2m_task_free(t);
    t2m_learner_free(l);
    return status;
}
