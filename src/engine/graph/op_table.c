/* op_table.c: the list of all ops, iota, and what is composed of ops rather than being one. */
#include "engine/graph/sample.h"

/* ---- iota ---- */

static bool infer_iota(t2m_graph *g, struct node *n)
{
    n->rank = 1;
    n->dim[0] = n->attr.i[0];
    return (n->dim[0] >= 0 && n->dim[0] <= 1 << 24) ||
           graph_fault(g, "iota: %lld numbers; 0 to 2^24 are exact", (long long)n->dim[0]);
}

static void run_iota(const struct call *c)
{
    c->k->iota((size_t)c->node->dim[0], c->y);
}

static t2m_value sample_iota(t2m_graph *g, struct sample *s)
{
    return s->variant ? (t2m_value){0} : t2m_iota(g, s->size);
}

const struct op op_iota = {.name = "iota",
                           .doc = "0, 1, 2, ...",
                           .kind = OP_KERNEL,
                           .infer = infer_iota,
                           .run = run_iota,
                           .sample = sample_iota};

t2m_value t2m_iota(t2m_graph *g, int64_t n)
{
    return graph_add(g, &op_iota, NULL, 0, (struct attr){.i = {n}});
}

/* ---- the list ---- */

/* The pointwise ops stand in op_pointwise. */
const struct op *const op_table[] = {
    &op_input,        &op_fill,          &op_iota,          &op_reshape,        &op_transpose,
    &op_slice,        &op_pad,           &op_concat,        &op_broadcast,      &op_stop_gradient,
    &op_sum,          &op_maximum,       &op_matmul,        &op_solve_spd,      &op_conv2d,
    &op_conv2d_input, &op_conv2d_filter, &op_window_argmax, &op_window_gather,  &op_window_scatter,
    &op_gather,       &op_scatter_add,   &op_distance,      &op_distance_input, &op_distance_push,
    &op_inverse_spd,
};
const size_t op_count = sizeof op_table / sizeof *op_table;

/* ---- compositions ---- */

t2m_value t2m_one_hot(t2m_graph *g, t2m_value labels, int64_t classes)
{
    return t2m_equal(g, t2m_broadcast(g, labels, t2m_rank(g, labels), classes),
                     t2m_iota(g, classes));
}

/* x minus its largest number along the last axis, which changes neither function below. */
static t2m_value shifted(t2m_graph *g, t2m_value x)
{
    const int last = t2m_rank(g, x) - 1;
    if (graph_ok(g) && last < 0)
        return t2m_graph_fail(g, "softmax: needs at least one axis");
    const t2m_value largest = t2m_stop_gradient(g, t2m_maximum(g, x, last, 1));
    return t2m_sub(g, x, t2m_broadcast(g, largest, last, t2m_dim(g, x, last)));
}

t2m_value t2m_softmax(t2m_graph *g, t2m_value x)
{
    const t2m_value e = t2m_exp(g, shifted(g, x));
    const int last = t2m_rank(g, x) - 1;
    const t2m_value total = t2m_recip(g, t2m_sum(g, e, last, 1));
    return t2m_mul(g, e, t2m_broadcast(g, total, last, t2m_dim(g, x, last)));
}

t2m_value t2m_log_softmax(t2m_graph *g, t2m_value x)
{
    const t2m_value z = shifted(g, x);
    const int last = t2m_rank(g, x) - 1;
    const t2m_value total = t2m_log(g, t2m_sum(g, t2m_exp(g, z), last, 1));
    return t2m_sub(g, z, t2m_broadcast(g, total, last, t2m_dim(g, x, last)));
}
