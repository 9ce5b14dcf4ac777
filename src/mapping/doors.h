/* doors.h: one task in memory. */
#pragma once
#include "mapping/learner.h"

struct t2m_task {
    t2m *lib;
    size_t n, input, classes;
    float *x, *y; /* [n, input], [n]; in the learner's scales */
    char **class; /* [classes] names */
    char *name;   /* of a drawn one; else NULL */
};
