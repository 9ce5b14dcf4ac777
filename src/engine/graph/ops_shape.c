/* ops_shape.c: ops that move numbers and compute nothing. Most are views: another offset and other
 * strides over the input's memory. pad and concat copy. */
#include "engine/graph/sample.h"

#include <string.h>

static void copy_shape(struct node *n, const struct node *x)
{
    n->rank = x->rank;
    memcpy(n->dim, x->dim, sizeof n->dim);
}

/* ---- reshape: attr i[0..7] dims, i[8] rank ---- */

static bool infer_reshape(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    size_t numel;
    char s[128], t[128];
    n->rank = (int)n->attr.i[8];
    memcpy(n->dim, n->attr.i, sizeof n->dim);
    if (!checked_numel(n->dim, n->rank, (size_t)1 << 40, &numel) || numel != node_numel(x))
        return graph_fault(g, "reshape: %s has not as many numbers as %s", graph_shape_text(x, s),
                           graph_shape_text(n, t));
    return true;
}

static t2m_value reshape_like(t2m_graph *g, t2m_value x, const struct node *like)
{
    int64_t dim[MAX_RANK] = {0};
    memcpy(dim, like->dim, sizeof dim);
    return t2m_reshape(g, x, like->rank, dim);
}

static void vjp_reshape(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    gx[0] = reshape_like(g, gy, node_input(g, graph_node(g, y), 0));
}

/* The dims of n with `size` before them. */
static int batched_dims(t2m_graph *g, const struct node *n, int64_t size, int64_t dim[MAX_RANK])
{
    if (n->rank >= MAX_RANK) {
        graph_fault(g, "%s for many tasks has more than %d axes", n->op->name, MAX_RANK);
        return 0;
    }
    dim[0] = size;
    for (int i = 0; i < n->rank; i++)
        dim[i + 1] = n->dim[i];
    return n->rank + 1;
}

static t2m_value batch_reshape(t2m_graph *g, const struct node *n, const t2m_value *in,
                               const bool *batched, int64_t size)
{
    int64_t dim[MAX_RANK] = {0};
    (void)batched;
    const int rank = batched_dims(g, n, size, dim);
    return t2m_reshape(g, in[0], rank, dim);
}

/* Axes of size 1 say nothing about where numbers lie; drops them. */
static int squeeze(const struct view *x, int64_t *dim, int64_t *stride)
{
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != 1) {
            dim[rank] = x->dim[i];
            stride[rank++] = x->stride[i];
        }
    return rank;
}

/* Matches runs of old axes with runs of new axes of the same product; possible without a copy when
 * the old axes of each run lie evenly in memory. */
static bool view_reshape(const struct node *n, const struct view *x, struct view *y)
{
    int64_t dim[MAX_RANK], stride[MAX_RANK];
    const int rank = squeeze(x, dim, stride);
    *y = *x;
    y->rank = n->rank;
    memcpy(y->dim, n->dim, sizeof n->dim);
    if (node_numel(n) == 0)
        return true;
    int old = rank, new = n->rank;
    while (new > 0) {
        int64_t have = 1, want = y->dim[--new], step = old > 0 ? stride[old - 1] : 1;
        const int64_t first_step = step;
        int from = new;
        while (have != want) {
            if (have < want) {
                if (old == 0 || (have > 1 && stride[old - 1] != step))
                    return false;
                have *= dim[--old];
                step = stride[old] * dim[old];
            } else {
                if (from == 0)
                    return false;
                want *= y->dim[--from];
            }
        }
        int64_t at = first_step;
        for (int i = new; i >= from; i--) {
            y->stride[i] = at;
            at *= y->dim[i];
        }
        new = from;
    }
    return old == 0;
}

static t2m_value sample_reshape(t2m_graph *g, struct sample *s)
{
    const int64_t dim[] = {2, s->size, 3}, to[] = {s->size, 6};
    return s->variant ? (t2m_value){0} : t2m_reshape(g, sample_input(g, s, -2, 2, 3, dim), 2, to);
}

const struct op op_reshape = {.name = "reshape",
                              .doc = "the same numbers in another shape",
                              .kind = OP_VIEW,
                              .arity = 1,
                              .infer = infer_reshape,
                              .vjp = vjp_reshape,
                              .batch = batch_reshape,
                              .view = view_reshape,
                              .sample = sample_reshape};

t2m_value t2m_reshape(t2m_graph *g, t2m_value x, int rank, const int64_t *dim)
{
    struct attr a = {0};
    int64_t known = 1;
    int hole = -1;
    if (rank < 0 || rank > MAX_RANK)
        return t2m_graph_fail(g, "reshape: a shape has 0 to %d axes, not %d", MAX_RANK, rank);
    if (!graph_ok(g) || x.id == 0 || x.id >= g->count)
        return graph_add1(g, &op_reshape, x, a);
    for (int i = 0; i < rank; i++) {
        a.i[i] = dim[i];
        if (dim[i] == -1)
            hole = i;
        else
            known *= dim[i];
    }
    if (hole >= 0)
        a.i[hole] = known > 0 ? (int64_t)node_numel(graph_node(g, x)) / known : 0;
    a.i[8] = rank;
    return graph_add1(g, &op_reshape, x, a);
}

/* ---- transpose: attr i[k] = axis of x that becomes axis k ---- */

static bool infer_transpose(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    unsigned seen = 0;
    n->rank = x->rank;
    for (int i = 0; i < n->rank; i++) {
        const int64_t from = n->attr.i[i];
        if (from < 0 || from >= x->rank || seen >> from & 1)
            return graph_fault(g, "transpose: the order must name each of %d axes once", x->rank);
        seen |= 1u << from;
        n->dim[i] = x->dim[from];
    }
    return true;
}

static void vjp_transpose(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y);
    int back[MAX_RANK] = {0};
    for (int i = 0; i < n->rank; i++)
        back[n->attr.i[i]] = i;
    gx[0] = t2m_transpose(g, gy, back);
}

static t2m_value batch_transpose(t2m_graph *g, const struct node *n, const t2m_value *in,
                                 const bool *batched, int64_t size)
{
    int order[MAX_RANK + 1] = {0};
    (void)batched, (void)size;
    for (int i = 0; i < n->rank; i++)
        order[i + 1] = 1 + (int)n->attr.i[i];
    return t2m_transpose(g, in[0], order);
}

static bool view_transpose(const struct node *n, const struct view *x, struct view *y)
{
    *y = *x;
    for (int i = 0; i < n->rank; i++) {
        y->dim[i] = x->dim[n->attr.i[i]];
        y->stride[i] = x->stride[n->attr.i[i]];
    }
    return true;
}

static t2m_value sample_transpose(t2m_graph *g, struct sample *s)
{
    const int64_t dim[] = {2, s->size, 3};
    const int order[2][3] = {{2, 0, 1}, {0, 2, 1}};
    return s->variant > 1 ? (t2m_value){0}
                          : t2m_transpose(g, sample_input(g, s, -2, 2, 3, dim), order[s->variant]);
}

const struct op op_transpose = {.name = "transpose",
                                .doc = "axes in another order",
                                .kind = OP_VIEW,
                                .arity = 1,
                                .infer = infer_transpose,
                                .vjp = vjp_transpose,
                                .batch = batch_transpose,
                                .view = view_transpose,
                                .sample = sample_transpose};

t2m_value t2m_transpose(t2m_graph *g, t2m_value x, const int *order)
{
    struct attr a = {0};
    if (graph_ok(g) && x.id < g->count)
        for (int i = 0; i < graph_node(g, x)->rank; i++)
            a.i[i] = order[i];
    return graph_add1(g, &op_transpose, x, a);
}

t2m_value t2m_swap(t2m_graph *g, t2m_value x)
{
    int order[MAX_RANK];
    const int rank = t2m_rank(g, x);
    if (graph_ok(g) && rank < 2)
        return t2m_graph_fail(g, "swap: needs two axes, has %d", rank);
    for (int i = 0; i < MAX_RANK; i++)
        order[i] = i;
    if (rank >= 2) {
        order[rank - 1] = rank - 2;
        order[rank - 2] = rank - 1;
    }
    return t2m_transpose(g, x, order);
}

/* ---- slice: attr axis, start, size; pad: attr axis, before, after ---- */

static bool infer_slice(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    const int64_t axis = n->attr.i[0], start = n->attr.i[1], size = n->attr.i[2];
    char s[128];
    if (axis < 0 || axis >= x->rank || start < 0 || size < 0 || size > x->dim[axis] ||
        start > x->dim[axis] - size)
        return graph_fault(g, "slice: %lld numbers from %lld on along axis %lld do not lie in %s",
                           (long long)size, (long long)start, (long long)axis,
                           graph_shape_text(x, s));
    copy_shape(n, x);
    n->dim[axis] = size;
    return true;
}

static void vjp_slice(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y), *x = node_input(g, n, 0);
    const int axis = (int)n->attr.i[0];
    const int64_t start = n->attr.i[1], after = x->dim[axis] - start - n->attr.i[2];
    gx[0] = t2m_pad(g, gy, axis, start, after);
}

static t2m_value batch_axis(t2m_graph *g, const struct node *n, const t2m_value *in,
                            const bool *batched, int64_t size)
{
    struct attr a = n->attr;
    (void)batched, (void)size;
    a.i[0]++;
    return graph_add1(g, n->op, in[0], a);
}

static bool view_slice(const struct node *n, const struct view *x, struct view *y)
{
    *y = *x;
    y->dim[n->attr.i[0]] = n->attr.i[2];
    y->offset += n->attr.i[1] * x->stride[n->attr.i[0]];
    return true;
}

static t2m_value sample_slice(t2m_graph *g, struct sample *s)
{
    const int64_t dim[] = {3, s->size + 2, 2};
    if (s->variant > 1)
        return (t2m_value){0};
    const t2m_value x = sample_input(g, s, -2, 2, 3, dim);
    return s->variant ? t2m_slice(g, x, 0, 1, 2) : t2m_slice(g, x, 1, 1, s->size);
}

const struct op op_slice = {.name = "slice",
                            .doc = "some consecutive items along one axis",
                            .kind = OP_VIEW,
                            .arity = 1,
                            .infer = infer_slice,
                            .vjp = vjp_slice,
                            .batch = batch_axis,
                            .view = view_slice,
                            .sample = sample_slice};

static struct attr attr_axis(const t2m_graph *g, t2m_value x, int axis, int64_t p, int64_t q)
{
    const int rank = graph_ok(g) && x.id < g->count ? graph_node(g, x)->rank : 0;
    return (struct attr){.i = {axis < 0 ? axis + rank : axis, p, q}};
}

t2m_value t2m_slice(t2m_graph *g, t2m_value x, int axis, int64_t start, int64_t size)
{
    return graph_add1(g, &op_slice, x, attr_axis(g, x, axis, start, size));
}

static bool infer_pad(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    const int64_t axis = n->attr.i[0], before = n->attr.i[1], after = n->attr.i[2];
    if (axis < 0 || axis >= x->rank || before < 0 || after < 0 || before > INT32_MAX ||
        after > INT32_MAX)
        return graph_fault(g, "pad: axis %lld, %lld before and %lld after is not possible",
                           (long long)axis, (long long)before, (long long)after);
    copy_shape(n, x);
    n->dim[axis] += before + after;
    return true;
}

static void vjp_pad(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y), *x = node_input(g, n, 0);
    const int axis = (int)n->attr.i[0];
    gx[0] = t2m_slice(g, gy, axis, n->attr.i[1], x->dim[axis]);
}

static void run_pad(const struct call *c)
{
    const struct node *x = c->in[0], *n = c->node;
    const int axis = (int)n->attr.i[0];
    const size_t outer = dims_product(x->dim, 0, axis),
                 inner = dims_product(x->dim, axis + 1, x->rank) * c->k->real_size,
                 before = (size_t)n->attr.i[1] * inner, after = (size_t)n->attr.i[2] * inner,
                 middle = (size_t)x->dim[axis] * inner;
    const char *from = c->x[0];
    char *to = c->y;
    for (size_t i = 0; i < outer; i++) {
        memset(to, 0, before);
        memcpy(to + before, from, middle);
        memset(to + before + middle, 0, after);
        to += before + middle + after;
        from += middle;
    }
}

static t2m_value sample_pad(t2m_graph *g, struct sample *s)
{
    const int64_t dim[] = {2, s->size, 2};
    return s->variant > 1 ? (t2m_value){0}
                          : t2m_pad(g, sample_input(g, s, -2, 2, 3, dim), s->variant, 2, 1);
}

const struct op op_pad = {.name = "pad",
                          .doc = "zeros before and after along one axis",
                          .kind = OP_KERNEL,
                          .arity = 1,
                          .infer = infer_pad,
                          .vjp = vjp_pad,
                          .batch = batch_axis,
                          .run = run_pad,
                          .sample = sample_pad};

t2m_value t2m_pad(t2m_graph *g, t2m_value x, int axis, int64_t before, int64_t after)
{
    return graph_add1(g, &op_pad, x, attr_axis(g, x, axis, before, after));
}

/* ---- concat: attr axis ---- */

static bool infer_concat(t2m_graph *g, struct node *n)
{
    const int64_t axis = n->attr.i[0];
    if (n->arity == 0)
        return graph_fault(g, "concat: nothing to join");
    const struct node *first = node_input(g, n, 0);
    if (axis < 0 || axis >= first->rank)
        return graph_fault(g, "concat: no axis %lld", (long long)axis);
    copy_shape(n, first);
    for (uint32_t k = 1; k < n->arity; k++) {
        struct node x = *node_input(g, n, k);
        const int64_t size = x.rank > axis ? x.dim[axis] : 0;
        char s[128], t[128];
        x.dim[axis] = first->dim[axis];
        if (!node_same_shape(first, &x))
            return graph_fault(g, "concat: %s and %s differ beside axis %lld",
                               graph_shape_text(first, s), graph_shape_text(node_input(g, n, k), t),
                               (long long)axis);
        n->dim[axis] += size;
    }
    return true;
}

static void vjp_concat(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const int axis = (int)graph_node(g, y)->attr.i[0];
    const uint32_t arity = graph_node(g, y)->arity;
    int64_t start = 0;
    for (uint32_t k = 0; k < arity; k++) {
        const int64_t size = node_input(g, graph_node(g, y), k)->dim[axis];
        gx[k] = t2m_slice(g, gy, axis, start, size);
        start += size;
    }
}

static t2m_value batch_concat(t2m_graph *g, const struct node *n, const t2m_value *in,
                              const bool *batched, int64_t size)
{
    struct attr a = n->attr;
    t2m_value *x = arena_new(&g->arena, n->arity, sizeof *x);
    if (!x) {
        g->status = fail_memory(g->lib, n->arity * sizeof *x);
        return (t2m_value){0};
    }
    a.i[0]++;
    for (uint32_t k = 0; k < n->arity; k++)
        x[k] = graph_batched(g, in[k], batched[k], size);
    return graph_add(g, &op_concat, x, n->arity, a);
}

/* Rows: what the axes before that of the concat count */
static size_t concat_rows(const struct node *n)
{
    return dims_product(n->dim, 0, (int)n->attr.i[0]);
}

static size_t parts_concat(const struct call *c)
{
    enum { COST = 32 }; /* of a number, read and written: as of so many multiply-adds */
    return call_parts(COST * (double)node_numel(c->node), concat_rows(c->node));
}

/* Rows of x to rows of y, `row` bytes apart; single numbers are not worth a call each. */
static void copy_rows(size_t rows, size_t piece, const char *x, char *y, size_t row)
{
    for (size_t i = 0; i < rows && piece == sizeof(float); i++, x += sizeof(float), y += row)
        memcpy(y, x, sizeof(float));
    for (size_t i = 0; i < rows && piece > 0 && piece != sizeof(float); i++, x += piece, y += row)
        memcpy(y, x, piece);
}

static void run_concat(const struct call *c)
{
    const int axis = (int)c->node->attr.i[0];
    const size_t inner = dims_product(c->node->dim, axis + 1, c->node->rank) * c->k->real_size,
                 row = (size_t)c->node->dim[axis] * inner;
    size_t first, at = 0;
    const size_t rows = call_share(c, concat_rows(c->node), &first);
    for (uint32_t k = 0; k < c->node->arity; k++) {
        const size_t piece = (size_t)c->in[k]->dim[axis] * inner;
        const char *x = c->x[k];
        char *y = (char *)c->y + at;
        copy_rows(rows, piece, x + first * piece, y + first * row, row);
        at += piece;
    }
}

static t2m_value sample_concat(t2m_graph *g, struct sample *s)
{
    const int64_t dim[] = {2, s->size, 3}, other[] = {2, 4, 3};
    if (s->variant > 1)
        return (t2m_value){0};
    t2m_value x[3] = {sample_input(g, s, -2, 2, 3, dim)};
    x[1] = sample_input(g, s, -2, 2, 3, s->variant ? dim : other);
    x[2] = x[0];
    return t2m_concat(g, s->variant ? 2 : 1, x, 3);
}

const struct op op_concat = {.name = "concat",
                             .doc = "pieces one after the other along one axis",
                             .kind = OP_KERNEL,
                             .arity = -1,
                             .infer = infer_concat,
                             .vjp = vjp_concat,
                             .batch = batch_concat,
                             .run = run_concat,
                             .parts = parts_concat,
                             .sample = sample_concat};

t2m_value t2m_concat(t2m_graph *g, int axis, const t2m_value *x, size_t n)
{
    const struct attr a = n ? attr_axis(g, x[0], axis, 0, 0) : (struct attr){0};
    return graph_add(g, &op_concat, x, n, a);
}
