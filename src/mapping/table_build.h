/* table_build.h: tables as models. */
#pragma once
#include "mapping/doors.h"

/* As t2m_build, with so many steps of tuning, and t2m_task_vector, for learners of tables; build.c
 * calls them. */
t2m_status table_build(const t2m_learner *l, t2m_model **out, const t2m_task *task, int steps,
                       t2m_build_report *report);
t2m_status table_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n);
