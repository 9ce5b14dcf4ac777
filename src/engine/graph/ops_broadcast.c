/* ops_broadcast.c: repeating along new axes, its transpose (the sum), the largest value, and the
 * barrier for gradients. A new axis has stride 0: nothing is copied. */
#include "engine/graph/sample.h"

#include <string.h>

/* ---- broadcast: attr i[0..7] dims of the result, i[8] bit set of the new axes, i[9] rank ---- */

static bool infer_broadcast(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    int at = 0;
    n->rank = (int)n->attr.i[9];
    memcpy(n->dim, n->attr.i, sizeof n->dim);
    for (int i = 0; i < n->rank; i++)
        if (!(n->attr.i[8] >> i & 1) && (at >= x->rank || n->dim[i] != x->dim[at++]))
            at = MAX_RANK + 1;
    return at == x->rank || graph_fault(g, "broadcast: the old axes must keep their sizes");
}

static void vjp_broadcast(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node n = *graph_node(g, y);
    t2m_value sum = gy;
    for (int last = n.rank - 1; last >= 0; last--) {
        int first = last;
        while (first >= 0 && n.attr.i[8] >> first & 1)
            first--;
        if (first < last)
            sum = t2m_sum(g, sum, first + 1, last - first);
        last = first;
    }
    gx[0] = sum;
}

static t2m_value add_broadcast(t2m_graph *g, t2m_value x, int rank, const int64_t *dim,
                               int64_t mask)
{
    struct attr a = {0};
    if (rank > MAX_RANK)
        return t2m_graph_fail(g, "broadcast: more than %d axes", MAX_RANK);
    memcpy(a.i, dim, sizeof(int64_t) * (size_t)rank);
    a.i[8] = mask;
    a.i[9] = rank;
    return mask ? graph_add1(g, &op_broadcast, x, a) : x;
}

static t2m_value batch_broadcast(t2m_graph *g, const struct node *n, const t2m_value *in,
                                 const bool *batched, int64_t size)
{
    int64_t dim[MAX_RANK + 1] = {size};
    (void)batched;
    memcpy(dim + 1, n->dim, sizeof n->dim);
    return add_broadcast(g, in[0], n->rank + 1, dim, n->attr.i[8] << 1);
}

static bool view_broadcast(const struct node *n, const struct view *x, struct view *y)
{
    int at = 0;
    *y = *x;
    y->rank = n->rank;
    for (int i = 0; i < n->rank; i++) {
        y->dim[i] = n->dim[i];
        y->stride[i] = n->attr.i[8] >> i & 1 ? 0 : x->stride[at++];
    }
    return true;
}

static t2m_value sample_broadcast(t2m_graph *g, struct sample *s)
{
    const int64_t dim[] = {3, s->size}, thin[] = {3, 1, s->size}, wide[] = {2, 3, 4, s->size};
    if (s->variant > 2)
        return (t2m_value){0};
    const t2m_value x = sample_input(g, s, -2, 2, 2, dim);
    return s->variant == 2 ? t2m_expand(g, t2m_reshape(g, x, 3, thin), 4, wide)
                           : t2m_broadcast(g, x, s->variant, 4);
}

const struct op op_broadcast = {.name = "broadcast",
                                .doc = "equal copies along new axes",
                                .kind = OP_VIEW,
                                .arity = 1,
                                .infer = infer_broadcast,
                                .vjp = vjp_broadcast,
                                .batch = batch_broadcast,
                                .view = view_broadcast,
                                .sample = sample_broadcast};

t2m_value t2m_broadcast(t2m_graph *g, t2m_value x, int axis, int64_t size)
{
    int64_t dim[MAX_RANK + 1] = {0};
    if (!graph_ok(g) || x.id == 0 || x.id >= g->count)
        return graph_add1(g, &op_broadcast, x, (struct attr){0});
    const struct node *n = graph_node(g, x);
    if (axis < 0 || axis > n->rank)
        return t2m_graph_fail(g, "broadcast: no place %d among %d axes", axis, n->rank);
    for (int i = 0; i <= n->rank; i++)
        dim[i] = i == axis ? size : n->dim[i - (i > axis)];
    return add_broadcast(g, x, n->rank + 1, dim, (int64_t)1 << axis);
}

t2m_value t2m_expand(t2m_graph *g, t2m_value x, int rank, const int64_t *dim)
{
    int64_t kept[MAX_RANK] = {0}, mask = 0;
    int count = 0;
    if (!graph_ok(g) || x.id == 0 || x.id >= g->count || rank > MAX_RANK)
        return graph_add1(g, &op_broadcast, x, (struct attr){0});
    const struct node *n = graph_node(g, x);
    for (int i = 0, at = n->rank - rank; i < rank; i++, at++) {
        if (at < 0 || (n->dim[at] == 1 && dim[i] != 1))
            mask |= (int64_t)1 << i;
        else if (n->dim[at] == dim[i])
            kept[count++] = dim[i];
        else
            return t2m_graph_fail(g, "expand: an axis of size %lld cannot become %lld",
                                  (long long)n->dim[at], (long long)dim[i]);
    }
    if (rank < n->rank)
        return t2m_graph_fail(g, "expand: %d axes cannot become %d", n->rank, rank);
    return add_broadcast(g, t2m_reshape(g, x, count, kept), rank, dim, mask);
}

/* ---- sum and maximum: attr first, count ---- */

static bool infer_reduce(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    const int64_t first = n->attr.i[0], count = n->attr.i[1];
    char s[128];
    if (first < 0 || count < 0 || first + count > x->rank)
        return graph_fault(g, "%s: no %lld axes from %lld on in %s", n->op->name, (long long)count,
                           (long long)first, graph_shape_text(x, s));
    n->rank = x->rank - (int)count;
    for (int i = 0; i < n->rank; i++)
        n->dim[i] = x->dim[i < first ? i : i + count];
    return true;
}

/* v, of the shape of the reduced y, repeated to the shape of the input of y. */
static t2m_value spread(t2m_graph *g, t2m_value y, t2m_value v)
{
    const struct node *n = graph_node(g, y), *x = node_input(g, n, 0);
    const int64_t mask = (((int64_t)1 << n->attr.i[1]) - 1) << n->attr.i[0];
    int64_t dim[MAX_RANK];
    memcpy(dim, x->dim, sizeof dim);
    return add_broadcast(g, v, x->rank, dim, mask);
}

static void vjp_sum(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    gx[0] = spread(g, y, gy);
}

static t2m_value batch_reduce(t2m_graph *g, const struct node *n, const t2m_value *in,
                              const bool *batched, int64_t size)
{
    struct attr a = n->attr;
    (void)batched, (void)size;
    a.i[0]++;
    return graph_add1(g, n->op, in[0], a);
}

static struct reduce_shape reduce_shape_of(const struct call *c)
{
    const struct node *x = c->in[0];
    const int first = (int)c->node->attr.i[0], end = first + (int)c->node->attr.i[1];
    return (struct reduce_shape){dims_product(x->dim, 0, first), dims_product(x->dim, first, end),
                                 dims_product(x->dim, end, x->rank)};
}

static void run_sum(const struct call *c)
{
    const struct reduce_shape s = reduce_shape_of(c);
    c->k->reduce_sum(&s, c->x[0], c->y);
}

static void run_maximum(const struct call *c)
{
    const struct reduce_shape s = reduce_shape_of(c);
    c->k->reduce_max(&s, c->x[0], c->y);
}

static void vjp_maximum(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const t2m_value x = {graph_node(g, y)->in[0]};
    const int first = (int)graph_node(g, y)->attr.i[0], count = (int)graph_node(g, y)->attr.i[1];
    const t2m_value ties = t2m_equal(g, x, spread(g, y, y));
    const t2m_value share = t2m_div(g, gy, t2m_sum(g, ties, first, count));
    gx[0] = t2m_mul(g, ties, spread(g, y, share));
}

static t2m_value sample_reduce(t2m_graph *g, struct sample *s, const struct op *op)
{
    const int64_t dim[] = {2, s->size + (op == &op_maximum), 3};
    const int64_t span[4][2] = {{0, 1}, {1, 1}, {1, 2}, {0, 3}};
    if (s->variant > 3)
        return (t2m_value){0};
    const struct attr a = {.i = {span[s->variant][0], span[s->variant][1]}};
    return graph_add1(g, op, sample_input(g, s, -2, 2, 3, dim), a);
}

static t2m_value sample_sum(t2m_graph *g, struct sample *s)
{
    return sample_reduce(g, s, &op_sum);
}

static t2m_value sample_maximum(t2m_graph *g, struct sample *s)
{
    return sample_reduce(g, s, &op_maximum);
}

const struct op op_sum = {.name = "sum",
                          .doc = "sum over consecutive axes",
                          .kind = OP_KERNEL,
                          .arity = 1,
                          .infer = infer_reduce,
                          .vjp = vjp_sum,
                          .batch = batch_reduce,
                          .run = run_sum,
                          .sample = sample_sum};
const struct op op_maximum = {.name = "maximum",
                              .doc = "largest over consecutive axes; the gradient is split at ties",
                              .kind = OP_KERNEL,
                              .arity = 1,
                              .infer = infer_reduce,
                              .vjp = vjp_maximum,
                              .batch = batch_reduce,
                              .run = run_maximum,
                              .sample = sample_maximum};

static struct attr attr_span(const t2m_graph *g, t2m_value x, int first, int count)
{
    const int rank = graph_ok(g) && x.id < g->count ? graph_node(g, x)->rank : 0;
    return (struct attr){.i = {first < 0 ? first + rank : first, count}};
}

t2m_value t2m_sum(t2m_graph *g, t2m_value x, int first, int count)
{
    return graph_add1(g, &op_sum, x, attr_span(g, x, first, count));
}

t2m_value t2m_maximum(t2m_graph *g, t2m_value x, int first, int count)
{
    return graph_add1(g, &op_maximum, x, attr_span(g, x, first, count));
}

t2m_value t2m_mean(t2m_graph *g, t2m_value x, int first, int count)
{
    const t2m_value sum = t2m_sum(g, x, first, count);
    const size_t from = node_numel(graph_node(g, x)), to = node_numel(graph_node(g, sum));
    return graph_ok(g) ? t2m_scale(g, from ? (double)to / (double)from : 0, sum) : sum;
}

t2m_value t2m_sum_all(t2m_graph *g, t2m_value x)
{
    return t2m_sum(g, x, 0, t2m_rank(g, x));
}

t2m_value t2m_mean_all(t2m_graph *g, t2m_value x)
{
    return t2m_mean(g, x, 0, t2m_rank(g, x));
}

/* ---- stop_gradient ---- */

static bool infer_same(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0);
    n->rank = x->rank;
    memcpy(n->dim, x->dim, sizeof n->dim);
    return true;
}

static t2m_value batch_same(t2m_graph *g, const struct node *n, const t2m_value *in,
                            const bool *batched, int64_t size)
{
    (void)batched, (void)size;
    return graph_add1(g, n->op, in[0], n->attr);
}

static bool view_same(const struct node *n, const struct view *x, struct view *y)
{
    (void)n;
    *y = *x;
    return true;
}

static t2m_value sample_stop(t2m_graph *g, struct sample *s)
{
    if (s->variant)
        return (t2m_value){0};
    const t2m_value x = sample_input(g, s, -2, 2, 1, &s->size);
    s->input[0].whole = true; /* not differentiated */
    return t2m_stop_gradient(g, x);
}

const struct op op_stop_gradient = {.name = "stop_gradient",
                                    .doc = "the same numbers; gradients do not pass",
                                    .kind = OP_VIEW,
                                    .arity = 1,
                                    .infer = infer_same,
                                    .batch = batch_same,
                                    .view = view_same,
                                    .sample = sample_stop};

t2m_value t2m_stop_gradient(t2m_graph *g, t2m_value x)
{
    return graph_add1(g, &op_stop_gradient, x, (struct attr){0});
}
