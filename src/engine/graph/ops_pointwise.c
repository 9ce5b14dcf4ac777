/* ops_pointwise.c: the leaves and the pointwise ops. A pointwise op is one line of pointwise.def;
 * this file expands its gradient, the kernels expand its value. Operands of one op have one shape;
 * the public constructors broadcast first, as numpy does. */
#include "engine/graph/sample.h"

#include <math.h>
#include <string.h>

/* ---- leaves ---- */

static bool infer_leaf(t2m_graph *g, struct node *n)
{
    size_t numel;
    n->rank = (int)n->attr.i[8];
    memcpy(n->dim, n->attr.i, sizeof n->dim);
    return checked_numel(n->dim, n->rank, (size_t)1 << 40, &numel) ||
           graph_fault(g, "%s: sizes must be 0 to 2^31 - 1 and not too many", n->op->name);
}

static struct attr attr_dims(t2m_graph *g, int rank, const int64_t *dim)
{
    struct attr a = {0};
    if (rank < 0 || rank > MAX_RANK) {
        graph_fault(g, "a shape has 0 to %d axes, not %d", MAX_RANK, rank);
        return a;
    }
    if (rank > 0)
        memcpy(a.i, dim, sizeof(int64_t) * (size_t)rank);
    a.i[8] = rank;
    return a;
}

const struct op op_input = {
    .name = "input", .doc = "numbers given at run time", .kind = OP_LEAF, .infer = infer_leaf};
const struct op op_fill = {
    .name = "fill", .doc = "one number, repeated", .kind = OP_LEAF, .infer = infer_leaf};

t2m_value t2m_input(t2m_graph *g, const char *name, int rank, const int64_t *dim)
{
    struct attr a = attr_dims(g, rank, dim);
    t2m_scope(g, name);
    const t2m_value v = graph_add(g, &op_input, NULL, 0, a);
    t2m_scope(g, NULL);
    return v;
}

t2m_value t2m_fill(t2m_graph *g, double value, int rank, const int64_t *dim)
{
    struct attr a = attr_dims(g, rank, dim);
    a.real = value == 0 ? 0 : value; /* -0 and 0 are one node */
    return graph_add(g, &op_fill, NULL, 0, a);
}

t2m_value t2m_constant(t2m_graph *g, double value)
{
    return t2m_fill(g, value, 0, NULL);
}

/* ---- broadcasting ---- */

/* The common shape of the operands, as numpy has it. */
static bool common_shape(t2m_graph *g, const char *name, const t2m_value *x, size_t n,
                         struct node *out)
{
    for (size_t k = 0; k < n; k++)
        if (graph_node(g, x[k])->rank > out->rank)
            out->rank = graph_node(g, x[k])->rank;
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = 1;
    for (size_t k = 0; k < n; k++) {
        const struct node *a = graph_node(g, x[k]);
        for (int i = 0, at = out->rank - a->rank; i < a->rank; i++, at++) {
            char s[128], t[128];
            if (out->dim[at] == 1)
                out->dim[at] = a->dim[i];
            else if (a->dim[i] != 1 && a->dim[i] != out->dim[at])
                return graph_fault(g, "%s: shapes %s and %s do not fit", name,
                                   graph_shape_text(graph_node(g, x[0]), s),
                                   graph_shape_text(a, t));
        }
    }
    return true;
}

static t2m_value pointwise(t2m_graph *g, int index, const t2m_value *x, size_t n)
{
    const struct op *op = op_pointwise[index];
    t2m_value wide[MAX_ARITY];
    struct node shape = {0};
    for (size_t k = 0; k < n; k++)
        if (!graph_ok(g) || x[k].id == 0 || x[k].id >= g->count)
            return graph_add(g, op, x, n, (struct attr){0}); /* reports the fault */
    if (!common_shape(g, op->name, x, n, &shape))
        return (t2m_value){0};
    for (size_t k = 0; k < n; k++)
        wide[k] = t2m_expand(g, x[k], shape.rank, shape.dim);
    return graph_add(g, op, wide, n, (struct attr){0});
}

static bool infer_pointwise(t2m_graph *g, struct node *n)
{
    const struct node *first = &g->nodes[n->in[0]];
    for (uint32_t k = 1; k < n->arity; k++) {
        char s[128], t[128];
        if (!node_same_shape(first, &g->nodes[n->in[k]]))
            return graph_fault(g, "%s: shapes %s and %s do not fit", n->op->name,
                               graph_shape_text(first, s),
                               graph_shape_text(&g->nodes[n->in[k]], t));
    }
    n->rank = first->rank;
    memcpy(n->dim, first->dim, sizeof n->dim);
    return true;
}

static t2m_value batch_pointwise(t2m_graph *g, const struct node *n, const t2m_value *in,
                                 const bool *batched, int64_t size)
{
    t2m_value x[MAX_ARITY];
    for (uint32_t k = 0; k < n->arity; k++)
        x[k] = graph_batched(g, in[k], batched[k], size);
    return graph_add(g, n->op, x, n->arity, n->attr);
}

/* ---- the table ---- */

#define NONE ((t2m_value){0})
#define C(v) t2m_constant(g, v)
#define NEG(u) t2m_neg(g, u)
#define SQUARE(u) t2m_mul(g, u, u)
#define MUL(u, v) t2m_mul(g, u, v)
#define DIV(u, v) t2m_div(g, u, v)
#define SUB(u, v) t2m_sub(g, u, v)
#define STEP(u) t2m_step(g, u)
#define EXP(u) t2m_exp(g, u)
#define SIN(u) t2m_sin(g, u)
#define COS(u) t2m_cos(g, u)
#define SIGMOID(u) t2m_sigmoid(g, u)
#define SELECT(u, v, w) t2m_select(g, u, v, w)
/* 1 where u is larger, 1/2 at ties */
#define WINS(u, v) t2m_madd(g, C(0.5), t2m_equal(g, u, v), t2m_less(g, v, u))

#define IN(k) ((t2m_value){graph_node(g, y)->in[k]})
#define UNARY(nm, value, grad, low, high, text)                                                    \
    t2m_value t2m_##nm(t2m_graph *g, t2m_value x)                                                  \
    {                                                                                              \
        return pointwise(g, POINTWISE_##nm, &x, 1);                                                \
    }                                                                                              \
    static void vjp_##nm(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)                   \
    {                                                                                              \
        const t2m_value x = IN(0);                                                                 \
        (void)x, (void)gy;                                                                         \
        gx[0] = (grad);                                                                            \
    }                                                                                              \
    static t2m_value sample_##nm(t2m_graph *g, struct sample *s)                                   \
    {                                                                                              \
        return s->variant ? NONE : t2m_##nm(g, sample_input(g, s, low, high, 1, &s->size));        \
    }
#define BINARY(nm, value, grad_a, grad_b, low, high, text)                                         \
    t2m_value t2m_##nm(t2m_graph *g, t2m_value a, t2m_value b)                                     \
    {                                                                                              \
        return pointwise(g, POINTWISE_##nm, (const t2m_value[]){a, b}, 2);                         \
    }                                                                                              \
    static void vjp_##nm(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)                   \
    {                                                                                              \
        const t2m_value a = IN(0), b = IN(1);                                                      \
        (void)a, (void)b, (void)gy;                                                                \
        gx[0] = (grad_a);                                                                          \
        gx[1] = (grad_b);                                                                          \
    }                                                                                              \
    static t2m_value sample_##nm(t2m_graph *g, struct sample *s)                                   \
    {                                                                                              \
        const int64_t dim[] = {2, s->size};                                                        \
        if (s->variant > 1)                                                                        \
            return NONE;                                                                           \
        const t2m_value a = sample_input(g, s, low, high, 2, dim);                                 \
        return t2m_##nm(g, a, sample_input(g, s, low, high, 2 - s->variant, dim + s->variant));    \
    }
#define TERNARY(nm, value, grad_c, grad_a, grad_b, low, high, text)                                \
    t2m_value t2m_##nm(t2m_graph *g, t2m_value c, t2m_value a, t2m_value b)                        \
    {                                                                                              \
        return pointwise(g, POINTWISE_##nm, (const t2m_value[]){c, a, b}, 3);                      \
    }                                                                                              \
    static void vjp_##nm(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)                   \
    {                                                                                              \
        const t2m_value c = IN(0), a = IN(1), b = IN(2);                                           \
        (void)c, (void)a, (void)b;                                                                 \
        gx[0] = (grad_c);                                                                          \
        gx[1] = (grad_a);                                                                          \
        gx[2] = (grad_b);                                                                          \
    }                                                                                              \
    static t2m_value sample_##nm(t2m_graph *g, struct sample *s)                                   \
    {                                                                                              \
        if (s->variant)                                                                            \
            return NONE;                                                                           \
        const t2m_value c = sample_input(g, s, low, high, 1, &s->size),                            \
                        a = sample_input(g, s, low, high, 1, &s->size);                            \
        return t2m_##nm(g, c, a, sample_input(g, s, low, high, 1, &s->size));                      \
    }
#include "engine/compute/pointwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY

#define POINTWISE_OP(nm, n, text)                                                                  \
    static const struct op op_##nm = {.name = #nm,                                                 \
                                      .doc = text,                                                 \
                                      .kind = OP_POINTWISE,                                        \
                                      .arity = n,                                                  \
                                      .pointwise = POINTWISE_##nm,                                 \
                                      .infer = infer_pointwise,                                    \
                                      .vjp = vjp_##nm,                                             \
                                      .batch = batch_pointwise,                                    \
                                      .sample = sample_##nm};
#define UNARY(nm, value, grad, low, high, text) POINTWISE_OP(nm, 1, text)
#define BINARY(nm, value, grad_a, grad_b, low, high, text) POINTWISE_OP(nm, 2, text)
#define TERNARY(nm, value, grad_c, grad_a, grad_b, low, high, text) POINTWISE_OP(nm, 3, text)
#include "engine/compute/pointwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY

#define UNARY(nm, ...) [POINTWISE_##nm] = &op_##nm,
#define BINARY UNARY
#define TERNARY UNARY
const struct op *const op_pointwise[POINTWISE_COUNT] = {
#include "engine/compute/pointwise.def"
};
#undef UNARY
#undef BINARY
#undef TERNARY

/* ---- values, for constant folding ---- */

#define real_exp exp
#define real_log log
#define real_sqrt sqrt
#define real_tanh tanh
#define real_erf erf
#define real_sin sin
#define real_cos cos
#define real_sigmoid(v) (1 / (1 + exp(-(v))))
#define real_softplus(v) (fmax(v, 0) + log1p(exp(-fabs(v))))
#define UNARY(nm, value, ...)                                                                      \
    case POINTWISE_##nm: {                                                                         \
        const double x = p;                                                                        \
        return (value);                                                                            \
    }
#define BINARY(nm, value, ...)                                                                     \
    case POINTWISE_##nm: {                                                                         \
        const double a = p, b = q;                                                                 \
        return (value);                                                                            \
    }
#define TERNARY(nm, value, ...)                                                                    \
    case POINTWISE_##nm: {                                                                         \
        const double c = p, a = q, b = r;                                                          \
        return (value);                                                                            \
    }
double pointwise_value(int index, double p, double q, double r)
{
    switch (index) {
#include "engine/compute/pointwise.def"
    default:
        return 0;
    }
}

/* ---- small compositions ---- */

t2m_value t2m_scale(t2m_graph *g, double factor, t2m_value x)
{
    return t2m_mul(g, x, t2m_constant(g, factor));
}

t2m_value t2m_axpy(t2m_graph *g, double factor, t2m_value x, t2m_value y)
{
    return t2m_madd(g, t2m_constant(g, factor), x, y);
}

t2m_value t2m_square(t2m_graph *g, t2m_value x)
{
    return t2m_mul(g, x, x);
}
