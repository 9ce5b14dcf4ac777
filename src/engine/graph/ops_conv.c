/* ops_conv.c: the convolution family. y = conv2d(x, f) is bilinear; conv2d_input and conv2d_filter
 * are its transposes in x and in f. The gradients of each of the three are the two others, so
 * gradients of any order stay in the family. The ops take rank 4, or rank 5 with one leading batch
 * axis on both operands: an item then has its own filter. attr: stride, pad, and the two sizes that
 * the operands do not tell (h, w of x, or kh, kw). */
#include "engine/graph/sample.h"

#include <string.h>

/* The sizes of one convolution, from whichever of x, filter and y are there. */
struct sizes {
    int64_t n, h, w, in, out, kh, kw, oh, ow;
};

static bool fault(t2m_graph *g, const struct node *n, const char *why)
{
    char s[128], t[128];
    return graph_fault(g, "%s of %s and %s, stride %lld, pad %lld: %s", n->op->name,
                       graph_shape_text(node_input(g, n, 0), s),
                       graph_shape_text(node_input(g, n, 1), t), (long long)n->attr.i[0],
                       (long long)n->attr.i[1], why);
}

static bool infer_common(t2m_graph *g, const struct node *n)
{
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    if (n->attr.i[0] < 1 || n->attr.i[1] < 0 || n->attr.i[1] > INT32_MAX / 4)
        return fault(g, n, "stride must be at least 1 and pad at least 0");
    if ((a->rank != 4 && a->rank != 5) || a->rank != b->rank ||
        (a->rank == 5 && a->dim[0] != b->dim[0]))
        return fault(g, n, "both need four axes, or both one more of equal size before them");
    return true;
}

static bool infer_places(t2m_graph *g, const struct node *n, struct sizes *s)
{
    const int64_t stride = n->attr.i[0], pad = n->attr.i[1];
    if (s->kh < 1 || s->kw < 1 || s->h + 2 * pad < s->kh || s->w + 2 * pad < s->kw)
        return fault(g, n, "the filter is larger than the padded image");
    const int64_t oh = (s->h + 2 * pad - s->kh) / stride + 1,
                  ow = (s->w + 2 * pad - s->kw) / stride + 1;
    if (s->oh >= 0 && (s->oh != oh || s->ow != ow))
        return fault(g, n, "the sizes of image, filter and result do not fit");
    s->oh = oh;
    s->ow = ow;
    return true;
}

static void set_dims(struct node *n, const struct node *lead, const int64_t dim[4])
{
    n->rank = lead->rank;
    n->dim[0] = lead->dim[0];
    memcpy(n->dim + n->rank - 4, dim, 4 * sizeof *dim);
}

static struct sizes sizes_forward(const struct node *n, const struct node *a, const struct node *b)
{
    const int64_t *x = a->dim + a->rank - 4, *f = b->dim + b->rank - 4;
    (void)n;
    return (struct sizes){x[0], x[1], x[2], x[3], f[3], f[0], f[1], -1, -1};
}

static struct sizes sizes_input(const struct node *n, const struct node *a, const struct node *b)
{
    const int64_t *y = a->dim + a->rank - 4, *f = b->dim + b->rank - 4;
    return (struct sizes){y[0], n->attr.i[2], n->attr.i[3], f[2], f[3], f[0], f[1], y[1], y[2]};
}

static struct sizes sizes_filter(const struct node *n, const struct node *a, const struct node *b)
{
    const int64_t *x = a->dim + a->rank - 4, *y = b->dim + b->rank - 4;
    return (struct sizes){x[0], x[1], x[2], x[3], y[3], n->attr.i[2], n->attr.i[3], y[1], y[2]};
}

static bool infer_conv2d(t2m_graph *g, struct node *n)
{
    if (!infer_common(g, n))
        return false;
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    struct sizes s = sizes_forward(n, a, b);
    if (a->dim[a->rank - 1] != b->dim[b->rank - 2])
        return fault(g, n, "image and filter differ in channels");
    if (!infer_places(g, n, &s))
        return false;
    set_dims(n, a, (const int64_t[]){s.n, s.oh, s.ow, s.out});
    return true;
}

static bool infer_conv2d_input(t2m_graph *g, struct node *n)
{
    if (!infer_common(g, n))
        return false;
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    struct sizes s = sizes_input(n, a, b);
    if (a->dim[a->rank - 1] != b->dim[b->rank - 1])
        return fault(g, n, "result and filter differ in channels");
    if (!infer_places(g, n, &s))
        return false;
    set_dims(n, a, (const int64_t[]){s.n, s.h, s.w, s.in});
    return true;
}

static bool infer_conv2d_filter(t2m_graph *g, struct node *n)
{
    if (!infer_common(g, n))
        return false;
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    struct sizes s = sizes_filter(n, a, b);
    if (a->dim[a->rank - 4] != b->dim[b->rank - 4])
        return fault(g, n, "image and result differ in number");
    if (!infer_places(g, n, &s))
        return false;
    set_dims(n, a, (const int64_t[]){s.kh, s.kw, s.in, s.out});
    return true;
}

/* ---- gradients ---- */

static t2m_value add_conv(t2m_graph *g, const struct op *op, t2m_value a, t2m_value b,
                          struct attr like, int64_t p, int64_t q)
{
    return graph_add2(g, op, a, b, (struct attr){.i = {like.i[0], like.i[1], p, q}});
}

/* Dim `axis` of the last four axes of v. */
static int64_t dim4(const t2m_graph *g, t2m_value v, int axis)
{
    return t2m_dim(g, v, axis - 4);
}

static void vjp_conv2d(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node n = *graph_node(g, y);
    const t2m_value x = {n.in[0]}, f = {n.in[1]};
    gx[0] = add_conv(g, &op_conv2d_input, gy, f, n.attr, dim4(g, x, 1), dim4(g, x, 2));
    gx[1] = add_conv(g, &op_conv2d_filter, x, gy, n.attr, dim4(g, f, 0), dim4(g, f, 1));
}

static void vjp_conv2d_input(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node n = *graph_node(g, y);
    const t2m_value u = {n.in[0]}, f = {n.in[1]};
    gx[0] = add_conv(g, &op_conv2d, gy, f, n.attr, 0, 0);
    gx[1] = add_conv(g, &op_conv2d_filter, gy, u, n.attr, dim4(g, f, 0), dim4(g, f, 1));
}

static void vjp_conv2d_filter(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node n = *graph_node(g, y);
    const t2m_value x = {n.in[0]}, u = {n.in[1]};
    gx[0] = add_conv(g, &op_conv2d_input, u, gy, n.attr, dim4(g, x, 1), dim4(g, x, 2));
    gx[1] = add_conv(g, &op_conv2d, x, gy, n.attr, 0, 0);
}

/* ---- many tasks ---- */

static t2m_value batch_conv(t2m_graph *g, const struct node *n, const t2m_value *in,
                            const bool *batched, int64_t size)
{
    t2m_value x[2];
    /* One filter for all: the images of all tasks in one row. */
    if (n->op != &op_conv2d_filter && n->rank == 4 && !batched[1] && size > 0)
        return graph_split_front(
            g, graph_add2(g, n->op, graph_merge_front(g, in[0], 2), in[1], n->attr), size);
    for (int k = 0; k < 2; k++) {
        x[k] = graph_batched(g, in[k], batched[k], size);
        if (n->rank == 5)
            x[k] = graph_merge_front(g, x[k], 2);
    }
    const t2m_value y = graph_add(g, n->op, x, 2, n->attr);
    return n->rank == 5 ? graph_split_front(g, y, size) : y;
}

/* ---- running ---- */

static struct conv_shape conv_shape_of(const struct call *c, struct sizes s, size_t x_batch,
                                       size_t filter_batch, size_t y_batch)
{
    const int64_t stride = c->node->attr.i[0], pad = c->node->attr.i[1];
    return (struct conv_shape){.batch = c->node->rank == 5 ? (size_t)c->node->dim[0] : 1,
                               .n = (size_t)s.n,
                               .h = (size_t)s.h,
                               .w = (size_t)s.w,
                               .in = (size_t)s.in,
                               .out = (size_t)s.out,
                               .kh = (size_t)s.kh,
                               .kw = (size_t)s.kw,
                               .stride = (size_t)stride,
                               .pad = (size_t)pad,
                               .oh = (size_t)((s.h + 2 * pad - s.kh) / stride + 1),
                               .ow = (size_t)((s.w + 2 * pad - s.kw) / stride + 1),
                               .x_batch = x_batch,
                               .filter_batch = filter_batch,
                               .y_batch = y_batch};
}

static struct conv_shape shape_of(const struct call *c)
{
    const bool many = c->node->rank == 5;
    const size_t a = many ? (size_t)c->batch_stride[0] : 0,
                 b = many ? (size_t)c->batch_stride[1] : 0,
                 out = many ? dims_product(c->node->dim, 1, 5) : 0;
    if (c->node->op == &op_conv2d)
        return conv_shape_of(c, sizes_forward(c->node, c->in[0], c->in[1]), a, b, out);
    if (c->node->op == &op_conv2d_input)
        return conv_shape_of(c, sizes_input(c->node, c->in[0], c->in[1]), out, b, a);
    return conv_shape_of(c, sizes_filter(c->node, c->in[0], c->in[1]), a, out, b);
}

static size_t parts_conv(const struct call *c)
{
    const struct conv_shape s = shape_of(c);
    const double flops = c->node->op->flops(c->node, c->in);
    const size_t units = c->k->conv_units(&s, c->node->op == &op_conv2d_filter);
    return s.batch > 1 ? 1 : call_parts(flops, units < c->workers ? units : c->workers);
}

static size_t work_conv(const struct call *c)
{
    const struct conv_shape s = shape_of(c);
    return c->k->conv_work(&s);
}

static struct conv_shape part_of(const struct call *c)
{
    struct conv_shape s = shape_of(c);
    s.part = c->part;
    s.parts = c->parts;
    return s;
}

static void run_conv2d(const struct call *c)
{
    const struct conv_shape s = part_of(c);
    c->k->conv_forward(&s, c->x[0], c->x[1], c->y, c->work);
}

static void run_conv2d_input(const struct call *c)
{
    const struct conv_shape s = part_of(c);
    c->k->conv_input(&s, c->x[0], c->x[1], c->y, c->work);
}

static void run_conv2d_filter(const struct call *c)
{
    const struct conv_shape s = part_of(c);
    c->k->conv_filter(&s, c->x[0], c->x[1], c->y, c->work);
}

/* Every number of y meets the whole filter: 2 numel(y) kh kw in, in each of the three. */
static double flops_conv(const struct node *n, const struct node *const *in)
{
    const struct node *y = n->op == &op_conv2d         ? n
                           : n->op == &op_conv2d_input ? in[0]
                                                       : in[1],
                      *f = n->op == &op_conv2d_filter ? n : in[1];
    return 2 * (double)node_numel(y) * (double)dims_product(f->dim, f->rank - 4, f->rank - 1);
}

/* ---- samples: 0 and 1 one filter for all, 2 a filter for each, 3 strided ---- */

static const struct {
    int stride, pad;
    bool many;
} conv_variant[] = {{1, 1, false}, {1, 0, false}, {1, 1, true}, {2, 1, false}};
enum { CONV_VARIANTS = 4 };

static t2m_value sample_conv(t2m_graph *g, struct sample *s, const struct op *op)
{
    const int64_t h = 5, w = 6, out = s->size > 9 ? 3 : s->size, in = s->size > 9 ? s->size / 8 : 2;
    if (s->variant >= CONV_VARIANTS)
        return (t2m_value){0};
    const int stride = conv_variant[s->variant].stride, pad = conv_variant[s->variant].pad,
              lead = !conv_variant[s->variant].many;
    const int64_t oh = (h + 2 * pad - 3) / stride + 1, ow = (w + 2 * pad - 3) / stride + 1;
    const int64_t x[] = {2, 2, h, w, in}, f[] = {2, 3, 3, in, out}, y[] = {2, 2, oh, ow, out};
    const int64_t *a = op == &op_conv2d_input ? y : x, *b = op == &op_conv2d_filter ? y : f;
    const t2m_value p = sample_input(g, s, -1, 1, 5 - lead, a + lead),
                    q = sample_input(g, s, -1, 1, 5 - lead, b + lead);
    const struct attr attr = {.i = {stride, pad}};
    if (op == &op_conv2d_input)
        return add_conv(g, op, p, q, attr, h, w);
    return op == &op_conv2d ? add_conv(g, op, p, q, attr, 0, 0) : add_conv(g, op, p, q, attr, 3, 3);
}

#define CONV_OP(nm, text)                                                                          \
    static t2m_value sample_##nm(t2m_graph *g, struct sample *s)                                   \
    {                                                                                              \
        return sample_conv(g, s, &op_##nm);                                                        \
    }                                                                                              \
    const struct op op_##nm = {.name = #nm,                                                        \
                               .doc = text,                                                        \
                               .kind = OP_KERNEL,                                                  \
                               .arity = 2,                                                         \
                               .infer = infer_##nm,                                                \
                               .vjp = vjp_##nm,                                                    \
                               .batch = batch_conv,                                                \
                               .work = work_conv,                                                  \
                               .run = run_##nm,                                                    \
                               .parts = parts_conv,                                                \
                               .flops = flops_conv,                                                \
                               .batch_rank = 5,                                                    \
                               .sample = sample_##nm};
CONV_OP(conv2d, "cross-correlation of images with filters")
CONV_OP(conv2d_input, "transpose of conv2d in the image")
CONV_OP(conv2d_filter, "transpose of conv2d in the filter")

/* ---- the public doors ---- */

/* Both operands with four axes, or both with five; y gets the axis back that was folded away. */
static t2m_value conv(t2m_graph *g, const struct op *op, t2m_value a, t2m_value b, struct attr attr)
{
    const int ra = t2m_rank(g, a), rb = t2m_rank(g, b);
    if (graph_ok(g) && ra == 5 && rb == 4)
        return batch_conv(g, &(struct node){.op = op, .rank = 4, .attr = attr},
                          (const t2m_value[]){a, b}, (const bool[]){true, false}, t2m_dim(g, a, 0));
    if (graph_ok(g) && ra == 4 && rb == 5)
        return batch_conv(g, &(struct node){.op = op, .rank = 4, .attr = attr},
                          (const t2m_value[]){a, b}, (const bool[]){false, true}, t2m_dim(g, b, 0));
    return graph_add2(g, op, a, b, attr);
}

t2m_value t2m_conv2d(t2m_graph *g, t2m_value x, t2m_value filter, int stride, int pad)
{
    return conv(g, &op_conv2d, x, filter, (struct attr){.i = {stride, pad}});
}

t2m_value t2m_conv2d_input(t2m_graph *g, t2m_value gy, t2m_value filter, int stride, int pad,
                           int64_t h, int64_t w)
{
    return conv(g, &op_conv2d_input, gy, filter, (struct attr){.i = {stride, pad, h, w}});
}

t2m_value t2m_conv2d_filter(t2m_graph *g, t2m_value x, t2m_value gy, int stride, int pad,
                            int64_t kh, int64_t kw)
{
    return conv(g, &op_conv2d_filter, x, gy, (struct attr){.i = {stride, pad, kh, kw}});
}
