/* text_build.h: texts with several labels or with a score, as tasks and as models of them. */
#pragma once
#include "mapping/learner.h"

struct texts;
/* The task of the texts; the learner is of texts. T2M_EUSAGE: its method is not ridge. */
t2m_status task_of_targets(const t2m_learner *l, t2m_task **out, const struct texts *t,
                           bool values);
/* t2m_build for such a task. */
t2m_status text_build(const t2m_learner *l, t2m_model **out, const t2m_task *t,
                      t2m_build_report *report);
