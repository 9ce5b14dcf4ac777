/* table_tune.h: step 5 for tables: how much each column counts, and what the head is solved with,
 * are tuned to the rows. */
#pragma once
#include "base/base.h"
#include "nn/nn.h"

/* What is tuned: numbers above 0. */
enum { KNOB_METRIC, KNOB_AMPLITUDE, KNOB_PLAIN, KNOB_PENALTY, TABLE_KNOBS };

struct table_tuning {
    t2m_value places;  /* [rows, columns] that the kernel takes */
    t2m_value plain;   /* [rows, rows] product of the other features */
    t2m_value targets; /* [rows, outputs], their means 0 */
    int steps;
};
/* knob: metric [NN_METRICS, columns] and amplitude [NN_METRICS] of the kernel, the factor of
 * `plain` [1], the penalty of ridge regression [1]; changed by steps along the gradient of the
 * squared error of ridge regression with each row left out (Allen 1974), scaled as in Adam (Kingma
 * and Ba 2015). No gradient flows through the result: where it is best, its first order is 0. */
void table_tune(t2m_graph *g, const struct table_tuning *t, t2m_value knob[TABLE_KNOBS]);
/* The penalty [] with a gram matrix [rows, rows], for the knob [1]: so much more that the sum of
 * both can be inverted in float. */
t2m_value table_penalty(t2m_graph *g, t2m_value gram, t2m_value knob);
