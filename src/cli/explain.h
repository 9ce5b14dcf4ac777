/* explain.h: why a model came out as it did, for t2m build --explain. */
#pragma once
#include "cli.h"

struct built {
    const t2m_learner *learner;
    const t2m_task *task;
    const t2m_model *model;
    const t2m_build_report *report;
};
struct explanation {
    t2m_likeness like; /* nearest: 0 if the learner makes no t, or keeps no tasks */
};
t2m_status explain_task(struct cli *c, const struct built *b, struct explanation *e);
/* On stderr, if nothing of the training is like it. */
void explain_warn(const struct explanation *e);
void explain_print(const struct built *b, const struct explanation *e);
json_t *explain_json(const struct built *b, const struct explanation *e);
