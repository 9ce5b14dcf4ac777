/* ops_window.c: pooling. window_argmax finds the place of the largest number in each window,
 * window_gather reads the numbers at such places, window_scatter puts them back; the last two are
 * each other's transposes, so max pooling has gradients of any order. x [n, h, w, channels]. The
 * sign [groups, channels] of window_argmax turns the order round where it is negative; each of its
 * rows is for as many images. */
#include "engine/graph/sample.h"

#include <string.h>

/* attr: size, stride, h, w (the last two for scatter only) */

static bool infer_window(t2m_graph *g, struct node *n, const struct node *x)
{
    const int64_t size = n->attr.i[0], stride = n->attr.i[1];
    char s[128];
    if (x->rank != 4 || size < 1 || stride < 1 || size > x->dim[1] || size > x->dim[2])
        return graph_fault(g, "%s: windows of %lld every %lld do not fit in %s [n, h, w, channels]",
                           n->op->name, (long long)size, (long long)stride, graph_shape_text(x, s));
    n->rank = 4;
    memcpy(n->dim, x->dim, sizeof n->dim);
    n->dim[1] = (x->dim[1] - size) / stride + 1;
    n->dim[2] = (x->dim[2] - size) / stride + 1;
    return true;
}

static bool infer_window_argmax(t2m_graph *g, struct node *n)
{
    const struct node *x = node_input(g, n, 0), *sign = node_input(g, n, 1);
    if (!infer_window(g, n, x))
        return false;
    return (sign->rank == 2 && sign->dim[1] == x->dim[3] && sign->dim[0] > 0 &&
            x->dim[0] % sign->dim[0] == 0) ||
           graph_fault(g, "window_argmax: one sign for each channel is needed");
}

static bool infer_window_gather(t2m_graph *g, struct node *n)
{
    if (!infer_window(g, n, node_input(g, n, 0)))
        return false;
    return node_same_shape(n, node_input(g, n, 1)) ||
           graph_fault(g, "window_gather: one index for each window is needed");
}

static bool infer_window_scatter(t2m_graph *g, struct node *n)
{
    const struct node *gy = node_input(g, n, 0);
    struct node x = *gy, y = {.op = n->op, .attr = n->attr};
    x.dim[1] = n->attr.i[2];
    x.dim[2] = n->attr.i[3];
    if (!infer_window(g, &y, &x))
        return false;
    if (!node_same_shape(&y, gy) || !node_same_shape(&y, node_input(g, n, 1)))
        return graph_fault(g, "window_scatter: the sizes do not fit");
    n->rank = 4;
    memcpy(n->dim, x.dim, sizeof n->dim);
    return true;
}

static void vjp_window_gather(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y), *x = node_input(g, n, 0);
    const struct attr a = {.i = {n->attr.i[0], n->attr.i[1], x->dim[1], x->dim[2]}};
    gx[0] = graph_add2(g, &op_window_scatter, gy, (t2m_value){n->in[1]}, a);
}

static void vjp_window_scatter(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y);
    const struct attr a = {.i = {n->attr.i[0], n->attr.i[1]}};
    gx[0] = graph_add2(g, &op_window_gather, gy, (t2m_value){n->in[1]}, a);
}

static t2m_value batch_window(t2m_graph *g, const struct node *n, const t2m_value *in,
                              const bool *batched, int64_t size)
{
    t2m_value x[2];
    for (uint32_t k = 0; k < 2; k++) {
        const bool for_all = n->op == &op_window_argmax && k == 1 && !batched[k] &&
                             t2m_dim(g, in[k], 0) == 1; /* one row serves any number of images */
        x[k] = for_all ? in[k] : graph_merge_front(g, graph_batched(g, in[k], batched[k], size), 2);
    }
    return graph_split_front(g, graph_add(g, n->op, x, n->arity, n->attr), size);
}

static struct window_shape shape_of(const struct node *n, const struct node *x,
                                    const struct node *y)
{
    return (struct window_shape){.n = (size_t)x->dim[0],
                                 .h = (size_t)x->dim[1],
                                 .w = (size_t)x->dim[2],
                                 .c = (size_t)x->dim[3],
                                 .size = (size_t)n->attr.i[0],
                                 .stride = (size_t)n->attr.i[1],
                                 .oh = (size_t)y->dim[1],
                                 .ow = (size_t)y->dim[2]};
}

/* As costly as so many multiply-adds, about. */
enum { WINDOW_COST = 8 };

static size_t parts_window(const struct call *c)
{
    const struct node *x = c->node->op == &op_window_scatter ? c->node : c->in[0];
    const bool one_sign = c->node->op != &op_window_argmax || c->in[1]->dim[0] == 1;
    return one_sign ? call_parts(WINDOW_COST * (double)node_numel(x), (size_t)x->dim[0]) : 1;
}

/* The share of the images; where they begin in the large array and in the small one. */
static struct window_shape share_of(const struct call *c, const struct node *x,
                                    const struct node *y, size_t *large, size_t *small)
{
    struct window_shape s = shape_of(c->node, x, y);
    size_t first;
    s.n = call_share(c, s.n, &first);
    *large = first * s.h * s.w * s.c;
    *small = first * s.oh * s.ow * s.c;
    return s;
}

static void run_window_argmax(const struct call *c)
{
    size_t x, y;
    struct window_shape s = share_of(c, c->in[0], c->node, &x, &y);
    s.groups = (size_t)c->in[1]->dim[0];
    c->k->window_argmax(&s, call_from(c, c->x[0], x), c->x[1], call_to(c, c->y, y));
}

static void run_window_gather(const struct call *c)
{
    size_t x, y;
    const struct window_shape s = share_of(c, c->in[0], c->node, &x, &y);
    c->k->window_gather(&s, call_from(c, c->x[0], x), call_from(c, c->x[1], y),
                        call_to(c, c->y, y));
}

static void run_window_scatter(const struct call *c)
{
    size_t x, y;
    const struct window_shape s = share_of(c, c->node, c->in[0], &x, &y);
    c->k->window_scatter(&s, call_from(c, c->x[0], y), call_from(c, c->x[1], y),
                         call_to(c, c->y, x));
}

/* Windows that meet, that lie apart and that overlap. */
static const struct {
    int size, stride;
} window_variant[] = {{2, 2}, {2, 3}, {3, 1}};
enum { WINDOW_VARIANTS = 3 };

static t2m_value sample_window(t2m_graph *g, struct sample *s, const struct op *op)
{
    const int64_t x[] = {2, 5, 6, s->size};
    if (s->variant >= WINDOW_VARIANTS)
        return (t2m_value){0};
    const int64_t size = window_variant[s->variant].size,
                  stride = window_variant[s->variant].stride;
    const int64_t y[] = {2, (5 - size) / stride + 1, (6 - size) / stride + 1, s->size};
    const struct attr a = {
        .i = {size, stride, 5 * (op == &op_window_scatter), 6 * (op == &op_window_scatter)}};
    const t2m_value p = sample_input(g, s, -2, 2, 4, op == &op_window_scatter ? y : x);
    if (op == &op_window_argmax) {
        s->input[0].whole = true; /* not differentiated */
        const int64_t signs[] = {s->variant == 2 ? 2 : 1, s->size};
        const t2m_value sign = sample_input(g, s, -2, 2, 2, signs);
        s->input[1].whole = true;
        return graph_add2(g, op, p, sign, a);
    }
    const t2m_value q = sample_input(g, s, 0, (double)(size * size), 4, y);
    s->input[1].whole = true;
    return graph_add2(g, op, p, q, a);
}

#define WINDOW_OP(nm, text, gradient)                                                              \
    static t2m_value sample_##nm(t2m_graph *g, struct sample *s)                                   \
    {                                                                                              \
        return sample_window(g, s, &op_##nm);                                                      \
    }                                                                                              \
    const struct op op_##nm = {.name = #nm,                                                        \
                               .doc = text,                                                        \
                               .kind = OP_KERNEL,                                                  \
                               .arity = 2,                                                         \
                               .infer = infer_##nm,                                                \
                               .vjp = gradient,                                                    \
                               .batch = batch_window,                                              \
                               .run = run_##nm,                                                    \
                               .parts = parts_window,                                              \
                               .sample = sample_##nm};
WINDOW_OP(window_argmax, "place of the largest number in each window", NULL)
WINDOW_OP(window_gather, "the number at a place of each window", vjp_window_gather)
WINDOW_OP(window_scatter, "numbers put back at a place of each window", vjp_window_scatter)

/* [.., n, h, w, c] as four axes; *lead is what to give back. */
static t2m_value as_images(t2m_graph *g, const char *name, t2m_value x)
{
    const int rank = t2m_rank(g, x);
    if (graph_ok(g) && rank < 3)
        return t2m_graph_fail(g, "%s: needs [.., h, w, channels], got %d axes", name, rank);
    if (rank == 3)
        return t2m_broadcast(g, x, 0, 1);
    return rank > 4 ? graph_merge_front(g, x, rank - 3) : x;
}

/* y [n, oh, ow, c] with the leading axes of x. */
static t2m_value with_lead(t2m_graph *g, t2m_value y, t2m_value x)
{
    int64_t dim[MAX_RANK] = {0};
    if (!graph_ok(g))
        return y;
    const struct node *n = graph_node(g, x);
    memcpy(dim, n->dim, sizeof dim);
    dim[n->rank - 3] = t2m_dim(g, y, 1);
    dim[n->rank - 2] = t2m_dim(g, y, 2);
    return t2m_reshape(g, y, n->rank, dim);
}

static t2m_value max_pool(t2m_graph *g, t2m_value x, t2m_value sign, int size, int stride)
{
    const struct attr a = {.i = {size, stride}};
    const t2m_value images = as_images(g, "max_pool", x),
                    index = graph_add2(g, &op_window_argmax, images, sign, a);
    return with_lead(g, graph_add2(g, &op_window_gather, images, index, a), x);
}

t2m_value t2m_max_pool(t2m_graph *g, t2m_value x, int size, int stride)
{
    const int64_t signs[] = {1, t2m_dim(g, x, -1)};
    return max_pool(g, x, t2m_fill(g, 1, 2, signs), size, stride);
}

t2m_value t2m_max_pool_toward(t2m_graph *g, t2m_value x, t2m_value direction, int size, int stride)
{
    return max_pool(g, x, t2m_stop_gradient(g, t2m_broadcast(g, direction, 0, 1)), size, stride);
}

t2m_value t2m_mean_pool(t2m_graph *g, t2m_value x, int size)
{
    t2m_value y = as_images(g, "mean_pool", x);
    const int64_t oh = size > 0 ? t2m_dim(g, y, 1) / size : 0,
                  ow = size > 0 ? t2m_dim(g, y, 2) / size : 0;
    if (graph_ok(g) && (oh < 1 || ow < 1))
        return t2m_graph_fail(g, "mean_pool: windows of %d do not fit", size);
    y = t2m_slice(g, t2m_slice(g, y, 1, 0, oh * size), 2, 0, ow * size);
    const int64_t dim[] = {t2m_dim(g, y, 0) * oh, size, ow, size, t2m_dim(g, y, 3)};
    y = t2m_mean(g, t2m_mean(g, t2m_reshape(g, y, 5, dim), 3, 1), 1, 1);
    const int64_t pooled[] = {t2m_dim(g, y, 0) / (oh ? oh : 1), oh, ow, dim[4]};
    return with_lead(g, t2m_reshape(g, y, 4, pooled), x);
}
