/* doors.h: one task in memory. */
#pragma once
#include "mapping/learner.h"
#include "task/scale.h"

struct t2m_task {
    t2m *lib;
    size_t n, input, classes;
    float *x, *y;             /* [n, input], [n]; in the learner's scales */
    struct task_scale *scale; /* [input + 1] of rows: from the data's units to those of x and y */
    char **class;             /* [classes] names */
    char *name;               /* of a drawn one; else NULL */
};

/* T2M_EUSAGE if this kind of learner is for training only. */
t2m_status learner_makes_models(const t2m_learner *l);
