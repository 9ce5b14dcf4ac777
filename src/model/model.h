/* model.h: step 2 and what generation makes: a structure, its parameters, norm statistics, and what
 * is needed to use it alone: names of classes or columns, scales. */
#pragma once
#include "base/base.h"
#include "nn/nn.h"
#include "task2model.h"

struct t2m_model {
    t2m *lib;
    struct structure structure;
    struct layout layout;
    float *m, *statistics; /* [layout.numel], [layout.statistics] */
    char *method, *target; /* target: NULL for classes */
    size_t classes;
    char **class;
    size_t features; /* columns; 0 for pictures */
    char **feature;
    float *scales; /* [features + 1, 2] mean and scale of each column and of the target */
    /* after prepare */
    t2m_plan *plan;
    t2m_workspace *workspace;
    size_t prepared;
    float *x, *y; /* [prepared, inputs], [prepared, outputs] */
};

/* A model with room for its numbers; `classes` or `features` names are filled in by the caller. */
t2m_status model_new(t2m *lib, t2m_model **out, const struct structure *s, size_t classes,
                     size_t features);
