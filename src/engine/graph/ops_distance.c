/* ops_distance.c: sums of absolute differences between rows (the L1 distance), and its two linear
 * companions: the gradient with respect to the first rows, and how distances change when these
 * rows move. a [n, k], b [m, k]; each may have one leading batch axis, then all have it. */
#include "engine/graph/sample.h"

#include <string.h>

static bool infer_rows(t2m_graph *g, const struct node *n)
{
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    const int r = a->rank - 2;
    char s[128], t[128];
    if (r >= 0 && r <= 1 && b->rank == a->rank && (!r || a->dim[0] == b->dim[0]) &&
        a->dim[r + 1] == b->dim[r + 1])
        return true;
    return graph_fault(g, "%s: rows %s and %s do not fit", n->op->name, graph_shape_text(a, s),
                       graph_shape_text(b, t));
}

/* [.., n, k] or [.., n, m] */
static void set_shape(const t2m_graph *g, struct node *n, bool by_column)
{
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    n->rank = a->rank;
    memcpy(n->dim, a->dim, sizeof n->dim);
    if (!by_column)
        n->dim[a->rank - 1] = b->dim[b->rank - 2];
}

static bool infer_third(t2m_graph *g, const struct node *n, bool by_column)
{
    struct node want = *n;
    char s[128], t[128];
    const struct node *third = node_input(g, n, 2);
    set_shape(g, &want, by_column);
    return node_same_shape(&want, third)
               ? true
               : graph_fault(g, "%s: %s in the place of %s", n->op->name,
                             graph_shape_text(third, s), graph_shape_text(&want, t));
}

static bool infer_distance(t2m_graph *g, struct node *n)
{
    if (!infer_rows(g, n))
        return false;
    set_shape(g, n, false);
    return true;
}

static bool infer_input(t2m_graph *g, struct node *n)
{
    if (!infer_rows(g, n) || !infer_third(g, n, false))
        return false;
    set_shape(g, n, true);
    return true;
}

static bool infer_push(t2m_graph *g, struct node *n)
{
    if (!infer_rows(g, n) || !infer_third(g, n, true))
        return false;
    set_shape(g, n, false);
    return true;
}

static t2m_value add3(t2m_graph *g, const struct op *op, t2m_value a, t2m_value b, t2m_value c)
{
    return graph_add(g, op, (const t2m_value[]){a, b, c}, 3, (struct attr){0});
}

static void vjp_distance(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const t2m_value a = {graph_node(g, y)->in[0]}, b = {graph_node(g, y)->in[1]};
    gx[0] = add3(g, &op_distance_input, a, b, gy);
    gx[1] = add3(g, &op_distance_input, b, a, t2m_swap(g, gy));
}

/* Both are linear in their third input, and constant in the others but where rows meet. */
static void vjp_input(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y);
    gx[2] = add3(g, &op_distance_push, (t2m_value){n->in[0]}, (t2m_value){n->in[1]}, gy);
}

static void vjp_push(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y);
    gx[2] = add3(g, &op_distance_input, (t2m_value){n->in[0]}, (t2m_value){n->in[1]}, gy);
}

static t2m_value batch_distance(t2m_graph *g, const struct node *n, const t2m_value *in,
                                const bool *batched, int64_t size)
{
    t2m_value x[3];
    for (uint32_t k = 0; k < n->arity; k++) {
        x[k] = graph_batched(g, in[k], batched[k], size);
        if (n->rank == 3)
            x[k] = graph_merge_front(g, x[k], 2);
    }
    const t2m_value y = graph_add(g, n->op, x, n->arity, n->attr);
    return n->rank == 3 ? graph_split_front(g, y, size) : y;
}

static struct distance_shape distance_shape_of(const struct call *c)
{
    const struct node *a = c->in[0], *b = c->in[1];
    const int r = a->rank - 2;
    return (struct distance_shape){.batch = r ? (size_t)a->dim[0] : 1,
                                   .n = (size_t)a->dim[r],
                                   .m = (size_t)b->dim[r],
                                   .k = (size_t)a->dim[r + 1],
                                   .a_batch = r ? (size_t)c->batch_stride[0] : 0,
                                   .b_batch = r ? (size_t)c->batch_stride[1] : 0,
                                   .c_batch =
                                       r && c->node->arity > 2 ? (size_t)c->batch_stride[2] : 0};
}

static size_t work_distance(const struct call *c)
{
    const struct distance_shape s = distance_shape_of(c);
    return c->k->distance_work(&s);
}

static void run_distance(const struct call *c)
{
    const struct distance_shape s = distance_shape_of(c);
    c->k->distance(&s, c->x[0], c->x[1], c->y, c->work);
}

static void run_input(const struct call *c)
{
    const struct distance_shape s = distance_shape_of(c);
    c->k->distance_input(&s, c->x[0], c->x[1], c->x[2], c->y, c->work);
}

static void run_push(const struct call *c)
{
    const struct distance_shape s = distance_shape_of(c);
    c->k->distance_push(&s, c->x[0], c->x[1], c->x[2], c->y, c->work);
}

static double flops_distance(const struct node *n, const struct node *const *in)
{
    const double rows = (double)in[1]->dim[n->rank - 2];
    return 3 * (double)node_numel(in[0]) * rows;
}

/* Rows of `like` lie around whole numbers 0 and 1, so that no two rows meet. */
static t2m_value spread_out(t2m_graph *g, t2m_value x, double phase)
{
    int64_t dim[3], n = 1;
    const int rank = t2m_rank(g, x);
    for (int i = 0; i < rank; i++)
        n *= dim[i] = t2m_dim(g, x, i);
    const t2m_value wave = t2m_sin(g, t2m_axpy(g, 2.3, t2m_iota(g, n), t2m_fill(g, phase, 1, &n)));
    return t2m_add(g, x, t2m_reshape(g, t2m_step(g, wave), rank, dim));
}

static t2m_value sample_distances(t2m_graph *g, struct sample *s, const struct op *op)
{
    const int lead = s->variant;
    const int64_t m = 4, k = 3, a[] = {2, s->size, k}, b[] = {2, m, k}, y[] = {2, s->size, m};
    if (s->variant > 1)
        return (t2m_value){0};
    const t2m_value x = spread_out(g, sample_input(g, s, 0, 0.4, 3 - lead, a + lead), 0.5),
                    z = spread_out(g, sample_input(g, s, 0.5, 0.9, 3 - lead, b + lead), 1);
    if (op == &op_distance)
        return graph_add2(g, op, x, z, (struct attr){0});
    return add3(g, op, x, z,
                sample_input(g, s, -1, 1, 3 - lead, (op == &op_distance_input ? y : a) + lead));
}

static t2m_value sample_distance(t2m_graph *g, struct sample *s)
{
    return sample_distances(g, s, &op_distance);
}

static t2m_value sample_input_op(t2m_graph *g, struct sample *s)
{
    return sample_distances(g, s, &op_distance_input);
}

static t2m_value sample_push(t2m_graph *g, struct sample *s)
{
    return sample_distances(g, s, &op_distance_push);
}

const struct op op_distance = {.name = "distance",
                               .doc = "sums of absolute differences between rows",
                               .kind = OP_KERNEL,
                               .arity = 2,
                               .infer = infer_distance,
                               .vjp = vjp_distance,
                               .batch = batch_distance,
                               .work = work_distance,
                               .run = run_distance,
                               .flops = flops_distance,
                               .batch_rank = 3,
                               .sample = sample_distance};
const struct op op_distance_input = {.name = "distance_input",
                                     .doc = "gradient of distances with respect to the rows",
                                     .kind = OP_KERNEL,
                                     .arity = 3,
                                     .infer = infer_input,
                                     .vjp = vjp_input,
                                     .batch = batch_distance,
                                     .work = work_distance,
                                     .run = run_input,
                                     .flops = flops_distance,
                                     .batch_rank = 3,
                                     .sample = sample_input_op};
const struct op op_distance_push = {.name = "distance_push",
                                    .doc = "how distances change when rows move",
                                    .kind = OP_KERNEL,
                                    .arity = 3,
                                    .infer = infer_push,
                                    .vjp = vjp_push,
                                    .batch = batch_distance,
                                    .work = work_distance,
                                    .run = run_push,
                                    .flops = flops_distance,
                                    .batch_rank = 3,
                                    .sample = sample_push};

t2m_value t2m_distance(t2m_graph *g, t2m_value a, t2m_value b)
{
    return graph_add2(g, &op_distance, a, b, (struct attr){0});
}
