/* simplify.c: what stands at the door of a graph. A rule looks at a node that is about to be added
 * and at its inputs, and may name a simpler value that is equal; so gradients of gradients stay
 * small without a pass of their own. Rules may build nodes: those go through the same door. */
#include "engine/graph/node.h"

#include <string.h>

typedef t2m_value rule(t2m_graph *g, const struct node *n);

static const t2m_value none = {0};

static const struct node *in_node(const t2m_graph *g, const struct node *n, uint32_t k)
{
    return &g->nodes[n->in[k]];
}

static t2m_value in_value(const struct node *n, uint32_t k)
{
    return (t2m_value){n->in[k]};
}

static bool is_fill(const t2m_graph *g, const struct node *n, uint32_t k, double value)
{
    const struct node *x = in_node(g, n, k);
    return node_is_fill(x) && x->attr.real == value;
}

static t2m_value fill_of(t2m_graph *g, const struct node *n, double value)
{
    return t2m_fill(g, value, n->rank, n->dim);
}

static bool is_op(const t2m_graph *g, t2m_value v, const struct op *op)
{
    return graph_node(g, v)->op == op;
}

static bool is_pointwise(const t2m_graph *g, t2m_value v, int index)
{
    return is_op(g, v, op_pointwise[index]);
}

/* ---- pointwise ---- */

static t2m_value fold_numbers(t2m_graph *g, const struct node *n)
{
    double x[MAX_ARITY] = {0};
    for (uint32_t k = 0; k < n->arity; k++) {
        if (!node_is_fill(in_node(g, n, k)))
            return none;
        x[k] = in_node(g, n, k)->attr.real;
    }
    return fill_of(g, n, pointwise_value(n->op->pointwise, x[0], x[1], x[2]));
}

/* f(broadcast a, broadcast b) = broadcast f(a, b): computes each number once. */
static t2m_value hoist_broadcast(t2m_graph *g, const struct node *n)
{
    const struct node *first = NULL;
    t2m_value x[MAX_ARITY];
    for (uint32_t k = 0; k < n->arity; k++) {
        const struct node *in = in_node(g, n, k);
        if (node_is_fill(in))
            continue;
        if (in->op != &op_broadcast || (first && first->attr.i[8] != in->attr.i[8]))
            return none;
        first = in;
    }
    if (!first) /* all are fills: fold_numbers came before */
        return none;
    const struct attr attr = first->attr;
    const struct node small = g->nodes[first->in[0]];
    for (uint32_t k = 0; k < n->arity; k++)
        x[k] = node_is_fill(in_node(g, n, k)) ? fill_of(g, &small, in_node(g, n, k)->attr.real)
                                              : in_value(in_node(g, n, k), 0);
    return graph_add1(g, &op_broadcast, graph_add(g, n->op, x, n->arity, n->attr), attr);
}

static t2m_value order_operands(t2m_graph *g, const struct node *n)
{
    return n->in[0] > n->in[1] ? graph_add2(g, n->op, in_value(n, 1), in_value(n, 0), n->attr)
                               : none;
}

static t2m_value simple_neg(t2m_graph *g, const struct node *n)
{
    const t2m_value x = in_value(n, 0);
    if (is_pointwise(g, x, POINTWISE_neg))
        return in_value(graph_node(g, x), 0);
    return none;
}

static t2m_value simple_add(t2m_graph *g, const struct node *n)
{
    const t2m_value a = in_value(n, 0), b = in_value(n, 1);
    if (is_fill(g, n, 0, 0))
        return b;
    if (is_fill(g, n, 1, 0))
        return a;
    if (is_pointwise(g, b, POINTWISE_neg))
        return t2m_sub(g, a, in_value(graph_node(g, b), 0));
    if (is_pointwise(g, a, POINTWISE_neg))
        return t2m_sub(g, b, in_value(graph_node(g, a), 0));
    return order_operands(g, n);
}

static t2m_value simple_sub(t2m_graph *g, const struct node *n)
{
    const t2m_value a = in_value(n, 0), b = in_value(n, 1);
    if (is_fill(g, n, 1, 0))
        return a;
    if (is_fill(g, n, 0, 0))
        return t2m_neg(g, b);
    if (is_pointwise(g, b, POINTWISE_neg))
        return t2m_add(g, a, in_value(graph_node(g, b), 0));
    return none;
}

/* x a with x = y b, a and b numbers: y (a b); x = -y: y (-a). */
static t2m_value scale_of(t2m_graph *g, const struct node *n, uint32_t number)
{
    const double a = in_node(g, n, number)->attr.real;
    const struct node x = *in_node(g, n, !number);
    if (x.op == op_pointwise[POINTWISE_neg])
        return t2m_mul(g, in_value(&x, 0), fill_of(g, n, -a));
    for (uint32_t k = 0; k < 2 && x.op == op_pointwise[POINTWISE_mul]; k++)
        if (node_is_fill(in_node(g, &x, k)))
            return t2m_mul(g, in_value(&x, !k), fill_of(g, n, a * in_node(g, &x, k)->attr.real));
    return none;
}

static t2m_value simple_mul(t2m_graph *g, const struct node *n)
{
    for (uint32_t k = 0; k < 2; k++) {
        if (!node_is_fill(in_node(g, n, k)))
            continue;
        if (is_fill(g, n, k, 0))
            return in_value(n, k);
        if (is_fill(g, n, k, 1))
            return in_value(n, !k);
        if (is_fill(g, n, k, -1))
            return t2m_neg(g, in_value(n, !k));
        const t2m_value v = scale_of(g, n, k);
        if (v.id)
            return v;
    }
    return order_operands(g, n);
}

static t2m_value simple_div(t2m_graph *g, const struct node *n)
{
    const struct node *b = in_node(g, n, 1);
    if (is_fill(g, n, 0, 0))
        return in_value(n, 0);
    if (node_is_fill(b) && b->attr.real != 0)
        return t2m_mul(g, in_value(n, 0), fill_of(g, n, 1 / b->attr.real));
    return none;
}

static t2m_value simple_madd(t2m_graph *g, const struct node *n)
{
    if (is_fill(g, n, 0, 0) || is_fill(g, n, 1, 0))
        return in_value(n, 2);
    if (is_fill(g, n, 2, 0))
        return t2m_mul(g, in_value(n, 0), in_value(n, 1));
    if (is_fill(g, n, 0, 1))
        return t2m_add(g, in_value(n, 1), in_value(n, 2));
    if (is_fill(g, n, 1, 1))
        return t2m_add(g, in_value(n, 0), in_value(n, 2));
    return none;
}

static t2m_value simple_select(t2m_graph *g, const struct node *n)
{
    const struct node *c = in_node(g, n, 0);
    if (node_is_fill(c))
        return in_value(n, c->attr.real != 0 ? 1 : 2);
    return n->in[1] == n->in[2] ? in_value(n, 1) : none;
}

static rule *const pointwise_rules[POINTWISE_COUNT] = {
    [POINTWISE_neg] = simple_neg,       [POINTWISE_add] = simple_add,
    [POINTWISE_sub] = simple_sub,       [POINTWISE_mul] = simple_mul,
    [POINTWISE_div] = simple_div,       [POINTWISE_madd] = simple_madd,
    [POINTWISE_select] = simple_select, [POINTWISE_max] = order_operands,
    [POINTWISE_equal] = order_operands,
};

static t2m_value simple_pointwise(t2m_graph *g, const struct node *n)
{
    t2m_value v = fold_numbers(g, n);
    if (!v.id && pointwise_rules[n->op->pointwise])
        v = pointwise_rules[n->op->pointwise](g, n);
    return v.id || !graph_ok(g) ? v : hoist_broadcast(g, n);
}

/* ---- shapes ---- */

static t2m_value same_fill(t2m_graph *g, const struct node *n)
{
    const struct node *x = in_node(g, n, 0);
    return node_is_fill(x) ? fill_of(g, n, x->attr.real) : none;
}

static t2m_value simple_reshape(t2m_graph *g, const struct node *n)
{
    const t2m_value x = in_value(n, 0);
    if (node_same_shape(n, graph_node(g, x)))
        return x;
    if (is_op(g, x, &op_reshape))
        return graph_add1(g, &op_reshape, in_value(graph_node(g, x), 0), n->attr);
    return same_fill(g, n);
}

static t2m_value simple_transpose(t2m_graph *g, const struct node *n)
{
    const struct node *x = in_node(g, n, 0);
    bool same = true;
    for (int i = 0; i < n->rank; i++)
        same = same && n->attr.i[i] == i;
    if (same)
        return in_value(n, 0);
    if (x->op != &op_transpose)
        return same_fill(g, n);
    struct attr a = {0};
    for (int i = 0; i < n->rank; i++)
        a.i[i] = x->attr.i[n->attr.i[i]];
    return graph_add1(g, &op_transpose, in_value(x, 0), a);
}

/* The piece of the concat x within which slice n lies, and where in it, or arity: none. */
static uint32_t piece_of_slice(const t2m_graph *g, const struct node *n, const struct node *x,
                               int64_t *start)
{
    *start = n->attr.i[1];
    for (uint32_t k = 0; k < x->arity && *start >= 0; k++) {
        const int64_t size = in_node(g, x, k)->dim[n->attr.i[0]];
        if (*start + n->attr.i[2] <= size)
            return k;
        *start -= size;
    }
    return x->arity;
}

static t2m_value slice_of_concat(t2m_graph *g, const struct node *n, const struct node *x)
{
    int64_t start;
    const uint32_t k = piece_of_slice(g, n, x, &start);
    return k < x->arity ? t2m_slice(g, in_value(x, k), (int)n->attr.i[0], start, n->attr.i[2])
                        : none;
}

/* A slice of f(..., concat, ...) within one piece: f of slices. A step along a gradient is of that
 * form, and what is cut from its result needs no concat then. Only in copies of what was written:
 * who writes a step may differentiate at its result. */
static t2m_value slice_of_step(t2m_graph *g, const struct node *n, const struct node *x)
{
    t2m_value part[MAX_ARITY];
    bool within = false;
    for (uint32_t k = 0; g->copying && k < x->arity; k++) {
        const struct node *in = in_node(g, x, k);
        int64_t start;
        within = within || (in->op == &op_concat && in->attr.i[0] == n->attr.i[0] &&
                            piece_of_slice(g, n, in, &start) < in->arity);
    }
    g->nodes[n->in[0]].split = g->nodes[n->in[0]].split || within;
    for (uint32_t k = 0; within && k < x->arity; k++)
        part[k] = t2m_slice(g, in_value(x, k), (int)n->attr.i[0], n->attr.i[1], n->attr.i[2]);
    return within ? graph_add(g, x->op, part, x->arity, x->attr) : none;
}

static t2m_value slice_of_pad(t2m_graph *g, const struct node *n, const struct node *x)
{
    const int axis = (int)n->attr.i[0];
    const int64_t start = n->attr.i[1] - x->attr.i[1], size = n->attr.i[2],
                  inner = in_node(g, x, 0)->dim[axis];
    if (start >= 0 && start + size <= inner)
        return t2m_slice(g, in_value(x, 0), axis, start, size);
    return start + size <= 0 || start >= inner ? fill_of(g, n, 0) : none;
}

static t2m_value slice_of_broadcast(t2m_graph *g, const struct node *n, const struct node *x)
{
    const int axis = (int)n->attr.i[0];
    struct attr a = x->attr;
    t2m_value from = in_value(x, 0);
    int kept = 0;
    for (int i = 0; i < axis; i++)
        kept += !(a.i[8] >> i & 1);
    a.i[axis] = n->attr.i[2];
    if (!(a.i[8] >> axis & 1))
        from = t2m_slice(g, from, kept, n->attr.i[1], n->attr.i[2]);
    return graph_add1(g, &op_broadcast, from, a);
}

static t2m_value simple_slice(t2m_graph *g, const struct node *n)
{
    const struct node x = *in_node(g, n, 0);
    const int axis = (int)n->attr.i[0];
    if (n->attr.i[2] == x.dim[axis])
        return in_value(n, 0);
    if (x.op == &op_slice && x.attr.i[0] == axis)
        return t2m_slice(g, in_value(&x, 0), axis, n->attr.i[1] + x.attr.i[1], n->attr.i[2]);
    if (x.op == &op_concat && x.attr.i[0] == axis)
        return slice_of_concat(g, n, &x);
    if (x.op == &op_pad && x.attr.i[0] == axis)
        return slice_of_pad(g, n, &x);
    if (x.op == &op_broadcast)
        return slice_of_broadcast(g, n, &x);
    if (x.op->kind == OP_POINTWISE)
        return slice_of_step(g, n, &x);
    return same_fill(g, n);
}

static t2m_value simple_pad(t2m_graph *g, const struct node *n)
{
    if (n->attr.i[1] == 0 && n->attr.i[2] == 0)
        return in_value(n, 0);
    return is_fill(g, n, 0, 0) ? fill_of(g, n, 0) : none;
}

static t2m_value simple_concat(t2m_graph *g, const struct node *n)
{
    const double value = in_node(g, n, 0)->attr.real;
    if (n->arity == 1)
        return in_value(n, 0);
    for (uint32_t k = 0; k < n->arity; k++)
        if (!is_fill(g, n, k, value))
            return none;
    return fill_of(g, n, value);
}

static t2m_value simple_broadcast(t2m_graph *g, const struct node *n)
{
    const struct node *x = in_node(g, n, 0);
    if (x->op != &op_broadcast)
        return same_fill(g, n);
    struct attr a = n->attr;
    int at = 0;
    for (int i = 0; i < n->rank; i++)
        if (!(n->attr.i[8] >> i & 1) && x->attr.i[8] >> at++ & 1)
            a.i[8] |= (int64_t)1 << i;
    return graph_add1(g, &op_broadcast, in_value(x, 0), a);
}

static t2m_value simple_stop(t2m_graph *g, const struct node *n)
{
    return is_op(g, in_value(n, 0), &op_stop_gradient) ? in_value(n, 0) : same_fill(g, n);
}

/* ---- reductions ---- */

/* Sums over repeated axes are factors; the other axes are left to a smaller sum. */
static t2m_value sum_of_broadcast(t2m_graph *g, const struct node *n, const struct node *x)
{
    const int first = (int)n->attr.i[0], end = first + (int)n->attr.i[1];
    double factor = 1;
    struct attr rest = {0};
    int at = 0, from = 0, count = 0;
    for (int i = 0; i < x->rank; i++) {
        const bool repeated = x->attr.i[8] >> i & 1;
        if (i == first)
            from = at;
        if (i >= first && i < end && repeated)
            factor *= (double)x->dim[i];
        if (i >= first && i < end && !repeated)
            count++;
        at += !repeated;
    }
    if (factor == 1 && count == end - first)
        return none;
    for (int i = 0, to = 0; i < x->rank; i++)
        if (i < first || i >= end) {
            rest.i[8] |= (x->attr.i[8] >> i & 1) << to;
            rest.i[to++] = x->dim[i];
        }
    rest.i[9] = n->rank;
    t2m_value y = t2m_scale(g, factor, t2m_sum(g, in_value(x, 0), from, count));
    return rest.i[8] ? graph_add1(g, &op_broadcast, y, rest) : y;
}

/* sum over the batch of a' b = one product of the stacked a and b; likewise the filter gradient. */
static t2m_value sum_of_products(t2m_graph *g, const struct node *n, const struct node *x)
{
    const bool matmul = x->op == &op_matmul && x->rank == 3 && x->attr.i[0] && !x->attr.i[1];
    const bool filter = x->op == &op_conv2d_filter && x->rank == 5;
    if ((!matmul && !filter) || n->attr.i[0] != 0 || n->attr.i[1] != 1 ||
        is_op(g, in_value(x, 0), &op_broadcast) || is_op(g, in_value(x, 1), &op_broadcast))
        return none;
    return graph_add2(g, x->op, graph_merge_front(g, in_value(x, 0), 2),
                      graph_merge_front(g, in_value(x, 1), 2), x->attr);
}

static t2m_value simple_sum(t2m_graph *g, const struct node *n)
{
    const struct node x = *in_node(g, n, 0);
    const int64_t first = n->attr.i[0], count = n->attr.i[1];
    const size_t many = dims_product(x.dim, (int)first, (int)(first + count));
    if (many == 1)
        return t2m_reshape(g, in_value(n, 0), n->rank, n->dim);
    if (node_is_fill(&x))
        return fill_of(g, n, x.attr.real * (double)many);
    if (x.op == &op_sum && first <= x.attr.i[0] && x.attr.i[0] <= first + count)
        return t2m_sum(g, in_value(&x, 0), (int)first, (int)(count + x.attr.i[1]));
    if (x.op == &op_broadcast)
        return sum_of_broadcast(g, n, &x);
    return sum_of_products(g, n, &x);
}

static t2m_value simple_maximum(t2m_graph *g, const struct node *n)
{
    const int64_t first = n->attr.i[0];
    const size_t many =
        dims_product(in_node(g, n, 0)->dim, (int)first, (int)(first + n->attr.i[1]));
    return many == 1 ? t2m_reshape(g, in_value(n, 0), n->rank, n->dim) : none;
}

/* ---- products ---- */

static bool is_swap(const struct node *x)
{
    if (x->op != &op_transpose || x->attr.i[x->rank - 1] != x->rank - 2)
        return false;
    return x->rank == 2 || x->attr.i[0] == 0;
}

static t2m_value zero_operand(t2m_graph *g, const struct node *n)
{
    return is_fill(g, n, 0, 0) || is_fill(g, n, 1, 0) ? fill_of(g, n, 0) : none;
}

static t2m_value simple_matmul(t2m_graph *g, const struct node *n)
{
    struct attr a = n->attr;
    t2m_value x[2];
    bool changed = false;
    for (uint32_t k = 0; k < 2; k++) {
        const bool swap = is_swap(in_node(g, n, k));
        x[k] = swap ? in_value(in_node(g, n, k), 0) : in_value(n, k);
        a.i[k] ^= swap;
        changed |= swap;
    }
    return changed ? graph_add(g, &op_matmul, x, 2, a) : zero_operand(g, n);
}

static t2m_value zero_second(t2m_graph *g, const struct node *n)
{
    return is_fill(g, n, 1, 0) ? fill_of(g, n, 0) : none;
}

static t2m_value zero_third(t2m_graph *g, const struct node *n)
{
    return is_fill(g, n, 2, 0) ? fill_of(g, n, 0) : none;
}

static t2m_value zero_first(t2m_graph *g, const struct node *n)
{
    return is_fill(g, n, 0, 0) ? fill_of(g, n, 0) : none;
}

static const struct {
    const struct op *op;
    rule *rule;
} op_rules[] = {
    {&op_reshape, simple_reshape},     {&op_transpose, simple_transpose},
    {&op_slice, simple_slice},         {&op_pad, simple_pad},
    {&op_concat, simple_concat},       {&op_broadcast, simple_broadcast},
    {&op_stop_gradient, simple_stop},  {&op_sum, simple_sum},
    {&op_maximum, simple_maximum},     {&op_matmul, simple_matmul},
    {&op_conv2d, zero_operand},        {&op_conv2d_input, zero_operand},
    {&op_conv2d_filter, zero_operand}, {&op_solve_spd, zero_second},
    {&op_window_gather, zero_first},   {&op_window_scatter, zero_first},
    {&op_gather, zero_first},          {&op_scatter_add, zero_first},
    {&op_distance_input, zero_third},  {&op_distance_push, zero_third},
};

bool graph_transparent(const t2m_graph *g, const struct node *n)
{
    static const struct op *const looked_through[] = {&op_fill, &op_pad, &op_concat,
                                                      &op_stop_gradient, &op_sum};
    for (size_t i = 0; i < sizeof looked_through / sizeof *looked_through; i++)
        if (n->op == looked_through[i])
            return true;
    const bool number = n->op == op_pointwise[POINTWISE_mul] &&
                        (node_is_fill(in_node(g, n, 0)) || node_is_fill(in_node(g, n, 1)));
    return number || n->split || n->op->kind == OP_VIEW || n->op == op_pointwise[POINTWISE_neg];
}

t2m_value graph_simplify(t2m_graph *g, const struct node *n)
{
    if (n->op->kind == OP_POINTWISE)
        return simple_pointwise(g, n);
    for (size_t i = 0; i < sizeof op_rules / sizeof *op_rules; i++)
        if (op_rules[i].op == n->op)
            return op_rules[i].rule(g, n);
    return none;
}
