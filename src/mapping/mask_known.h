/* mask_known.h: what tasks of pictures with masks are like: t of statistics, for every method. */
#pragma once
#include "mapping/doors.h"

/* As likeness_learn, for learners of masks: single classes of the family, in as many pictures as in
 * training, which are not changed. */
t2m_status mask_known_learn(struct t2m_learner *l, const struct t2m_family *f);
/* As t2m_task_vector. */
t2m_status mask_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n);
