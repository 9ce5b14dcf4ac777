/* grad.c: reverse-mode differentiation as a pass from graph to graph. It walks back from y once;
 * each op says what its inputs receive, in ordinary nodes, so the result can be differentiated
 * again (Griewank and Walther, "Evaluating Derivatives", 2008, section 3.2). */
#include "engine/graph/node.h"

#include <stdlib.h>
#include <string.h>

struct part { /* one contribution to a node's cotangent; lists by node */
    t2m_value value;
    uint32_t next;
};

struct backward {
    t2m_graph *g;
    bool *needed;    /* [y.id + 1]: depends on one of wrt */
    uint32_t *first; /* [y.id + 1]: newest part of the node's list, 0 if none */
    struct part *parts;
    size_t count, capacity;
};

static void mark_needed(struct backward *b, uint32_t last, const t2m_value *wrt, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (wrt[i].id <= last)
            b->needed[wrt[i].id] = true;
    for (uint32_t id = 1; id <= last; id++) {
        const struct node *node = &b->g->nodes[id];
        for (uint32_t k = 0; node->op->vjp && k < node->arity; k++)
            b->needed[id] |= b->needed[node->in[k]];
    }
}

static bool add_part(struct backward *b, uint32_t id, t2m_value value)
{
    if (!mem_grow(b->g->lib, (void **)&b->parts, &b->capacity, b->count + 1, sizeof *b->parts)) {
        b->g->status = T2M_ENOMEM;
        return false;
    }
    b->parts[b->count] = (struct part){value, b->first[id]};
    b->first[id] = (uint32_t)b->count++;
    return true;
}

/* ---- gradients of slices: padded pieces become one concat, not a sum of long vectors ---- */

struct piece {
    int64_t start, end;
    t2m_value value;
};

static int piece_order(const void *p, const void *q)
{
    const struct piece *a = p, *b = q;
    return (a->start > b->start) - (a->start < b->start);
}

static t2m_value zeros(t2m_graph *g, const struct node *like, int axis, int64_t size)
{
    int64_t dim[MAX_RANK];
    memcpy(dim, like->dim, sizeof dim);
    dim[axis] = size;
    return t2m_fill(g, 0, like->rank, dim);
}

/* Pieces that do not overlap, joined; null if they do. */
static t2m_value join(t2m_graph *g, struct piece *piece, size_t n, const struct node *whole,
                      int axis)
{
    t2m_value *x = arena_new(&g->arena, 2 * n + 1, sizeof *x);
    size_t count = 0;
    int64_t at = 0;
    if (!x) {
        g->status = fail_memory(g->lib, n * sizeof *x);
        return (t2m_value){0};
    }
    qsort(piece, n, sizeof *piece, piece_order);
    for (size_t i = 0; i < n; i++) {
        if (piece[i].start < at)
            return (t2m_value){0};
        if (piece[i].start > at)
            x[count++] = zeros(g, whole, axis, piece[i].start - at);
        x[count++] = piece[i].value;
        at = piece[i].end;
    }
    if (at < whole->dim[axis])
        x[count++] = zeros(g, whole, axis, whole->dim[axis] - at);
    return t2m_concat(g, axis, x, count);
}

/* The sum of the parts of node id. */
static t2m_value collect(struct backward *b, uint32_t id)
{
    t2m_graph *g = b->g;
    const struct node whole = g->nodes[id];
    t2m_value total = {0};
    int axis = -1;
    size_t pads = 0, n = 0;
    for (uint32_t p = b->first[id]; p; p = b->parts[p].next) {
        const struct node *v = graph_node(g, b->parts[p].value);
        if (v->op == &op_pad && (axis < 0 || v->attr.i[0] == axis)) {
            axis = (int)v->attr.i[0];
            pads++;
        }
    }
    struct piece *piece = pads > 1 ? arena_new(&g->arena, pads, sizeof *piece) : NULL;
    for (uint32_t p = b->first[id]; p && piece; p = b->parts[p].next) {
        const struct node *v = graph_node(g, b->parts[p].value);
        if (v->op == &op_pad && v->attr.i[0] == axis)
            piece[n++] = (struct piece){v->attr.i[1], whole.dim[axis] - v->attr.i[2], {v->in[0]}};
    }
    if (piece)
        total = join(g, piece, n, &whole, axis);
    const bool joined = total.id != 0;
    for (uint32_t p = b->first[id]; p; p = b->parts[p].next) {
        const t2m_value v = b->parts[p].value;
        const struct node *node = graph_node(g, v);
        if (joined && node->op == &op_pad && node->attr.i[0] == axis)
            continue;
        total = total.id ? t2m_add(g, total, v) : v;
    }
    return total;
}

static bool push(struct backward *b, uint32_t id, t2m_value gy)
{
    t2m_graph *g = b->g;
    const uint32_t arity = g->nodes[id].arity;
    t2m_value few[MAX_ARITY] = {{0}}, *gx = few;
    if (arity > MAX_ARITY && !(gx = arena_new(&g->arena, arity, sizeof *gx))) {
        g->status = fail_memory(g->lib, arity * sizeof *gx);
        return false;
    }
    g->nodes[id].op->vjp(g, (t2m_value){id}, gy, gx);
    if (!graph_ok(g))
        return false;
    for (uint32_t k = 0; k < arity; k++) {
        const uint32_t in = g->nodes[id].in[k];
        const bool zero =
            gx[k].id && node_is_fill(graph_node(g, gx[k])) && graph_node(g, gx[k])->attr.real == 0;
        if (b->needed[in] && gx[k].id && !zero && !add_part(b, in, gx[k]))
            return false;
    }
    return true;
}

static bool begin(struct backward *b, t2m_graph *g, uint32_t last)
{
    *b = (struct backward){.g = g, .count = 1};
    b->needed = mem_new(g->lib, last + 1u, sizeof *b->needed);
    b->first = mem_new(g->lib, last + 1u, sizeof *b->first);
    if (b->needed && b->first)
        return true;
    g->status = fail_memory(g->lib, last * sizeof *b->first);
    return false;
}

static void finish(struct backward *b)
{
    mem_free(b->g->lib, b->needed);
    mem_free(b->g->lib, b->first);
    mem_free(b->g->lib, b->parts);
}

static bool vjp_good(t2m_graph *g, t2m_value y, t2m_value gy, const t2m_value *wrt, size_t n)
{
    bool good = graph_ok(g) && y.id && y.id < g->count && gy.id && gy.id < g->count;
    for (size_t i = 0; good && i < n; i++)
        good = wrt[i].id && wrt[i].id < g->count;
    if (!good)
        return graph_fault(g, "vjp: an operand is not a value of this graph");
    for (size_t i = 0; i < n; i++)
        if (graph_transparent(g, graph_node(g, wrt[i])))
            return graph_fault(g,
                               "vjp: wrt[%zu] is a %s, which the graph may have simplified "
                               "away; differentiate at an input and t2m_replay that",
                               i, graph_node(g, wrt[i])->op->name);
    return node_same_shape(graph_node(g, y), graph_node(g, gy)) ||
           graph_fault(g, "vjp: the cotangent has not the shape of y");
}

void t2m_vjp(t2m_graph *g, t2m_value y, t2m_value gy, const t2m_value *wrt, size_t n,
             t2m_value *out)
{
    struct backward b;
    for (size_t i = 0; i < n; i++)
        out[i] = (t2m_value){0};
    if (!vjp_good(g, y, gy, wrt, n))
        return;
    bool good = begin(&b, g, y.id);
    if (good) {
        mark_needed(&b, y.id, wrt, n);
        good = add_part(&b, y.id, gy);
    }
    for (uint32_t id = y.id; good && id > 0; id--) {
        if (!b.needed[id] || !b.first[id])
            continue;
        const t2m_value cotangent = collect(&b, id);
        for (size_t i = 0; i < n; i++)
            if (wrt[i].id == id)
                out[i] = cotangent;
        good = graph_ok(g) && (!g->nodes[id].op->vjp || push(&b, id, cotangent));
    }
    finish(&b);
    for (size_t i = 0; good && i < n; i++)
        if (!out[i].id)
            out[i] = graph_fill_like(g, wrt[i], 0);
}

t2m_value t2m_grad(t2m_graph *g, t2m_value y, t2m_value wrt)
{
    t2m_value out;
    if (graph_ok(g) && t2m_rank(g, y) != 0)
        return t2m_graph_fail(g, "grad: y must be one number of shape []; see t2m_vjp");
    t2m_vjp(g, y, t2m_constant(g, 1), &wrt, 1, &out);
    return out;
}

/* The product with the Jacobian is the transpose of the product with its transpose: vjp is linear
 * in its cotangent, so differentiate it by that (Townsend, "A new trick for calculating Jacobian
 * vector products", 2017). The cotangent `dummy` itself drops out. */
t2m_value t2m_jvp(t2m_graph *g, t2m_value y, t2m_value x, t2m_value v)
{
    t2m_value back, out;
    const struct node *n = graph_node(g, y);
    int64_t dim[MAX_RANK];
    if (!graph_ok(g))
        return (t2m_value){0};
    memcpy(dim, n->dim, sizeof dim);
    const t2m_value dummy = t2m_input(g, "jvp", n->rank, dim);
    t2m_vjp(g, y, dummy, &x, 1, &back);
    t2m_vjp(g, back, v, &dummy, 1, &out);
    return out;
}
