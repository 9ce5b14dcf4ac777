/* node.h: the inside of a graph. A node uses only earlier ids, so the order of ids is a topological
 * order and every pass is one loop over them. Equal nodes are the same node (hash-consing). Called
 * by the passes in this folder and, read-only, by the plan. */
#pragma once
#include "base/base.h"
#include "engine/compute/kernels.h"
#include "task2model/graph.h"

enum { ATTR_COUNT = 10, MAX_ARITY = 3 }; /* MAX_ARITY: of all ops but concat */

struct attr { /* what a node is besides its inputs; unused places are 0 */
    int64_t i[ATTR_COUNT];
    double real;
};

struct node {
    const struct op *op;
    uint32_t arity;
    int rank;
    const uint32_t *in;
    int64_t dim[MAX_RANK];
    struct attr attr;
    const char *scope; /* for messages; not part of a node's identity */
    bool split;        /* pieces of it were computed apart, nor is this (simplify.c) */
};

struct view {      /* where a value's numbers lie: strides in reals, 0 for repeated ones */
    uint32_t root; /* the node that owns the memory */
    int64_t offset;
    int rank;
    int64_t dim[MAX_RANK], stride[MAX_RANK];
};

enum op_kind {
    OP_LEAF,      /* input, fill */
    OP_POINTWISE, /* fused into groups */
    OP_VIEW,      /* another look at the input's memory */
    OP_KERNEL     /* a call of `run` */
};

struct call { /* what `run` gets: dense arrays of the kernels' precision */
    const struct kernels *k;
    const struct node *node;
    const struct node *const *in; /* nodes of the inputs, for their shapes */
    const int64_t *batch_stride;  /* [arity]: of the first axis, 0 if the input repeats over it */
    const void *const *x;
    void *y;
    void *work;
    size_t part, parts; /* this is one of several calls, each for a share of the result */
    size_t workers;     /* that share them; the result has the same bits for any number */
};
/* The share of n items that belongs to this part. */
static inline size_t call_share(const struct call *c, size_t n, size_t *first)
{
    *first = n * c->part / c->parts;
    return n * (c->part + 1) / c->parts - *first;
}
static inline const void *call_from(const struct call *c, const void *x, size_t reals)
{
    return (const char *)x + reals * c->k->real_size;
}
static inline void *call_to(const struct call *c, void *y, size_t reals)
{
    return (char *)y + reals * c->k->real_size;
}
/* How many parts of a fair size there are in so much work on n items. */
static inline size_t call_parts(double flops, size_t n)
{
    const double fair = 4e6, most = 16;
    const double parts = flops / fair < most ? flops / fair : most;
    return parts < 2 || n < 2 ? 1 : parts < (double)n ? (size_t)parts : n;
}

struct sample; /* a test's request for an example: engine/graph/sample.h */

struct op { /* everything there is to know about one op */
    const char *name, *doc;
    enum op_kind kind;
    int arity; /* -1: any number */
    int pointwise;
    /* Sets rank and dim of n from its inputs and attr, or calls graph_fail and returns false. */
    bool (*infer)(t2m_graph *g, struct node *n);
    /* gx[k] = gradient for input k, or left null; linear in gy. NULL: no gradient. */
    void (*vjp)(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx);
    /* The op for `size` tasks at once; in[k] has a leading axis where batched[k]. */
    t2m_value (*batch)(t2m_graph *g, const struct node *n, const t2m_value *in, const bool *batched,
                       int64_t size);
    /* OP_VIEW: y as a view of x; false: it has to be copied first. */
    bool (*view)(const struct node *n, const struct view *x, struct view *y);
    /* OP_KERNEL */
    size_t (*work)(const struct call *c); /* bytes for one part */
    void (*run)(const struct call *c);
    size_t (*parts)(const struct call *c); /* into how many a call may be cut; NULL: 1 */
    double (*flops)(const struct node *n, const struct node *const *in);
    /* The rank of results that have a batch axis, as all operands then have; `run` reads their
     * batch_stride. 0: operands are dense. */
    int batch_rank;
    /* An example of the op on inputs made by sample_input; null: no more variants. */
    t2m_value (*sample)(t2m_graph *g, struct sample *s);
};

struct t2m_graph {
    t2m *lib;
    struct arena arena;
    struct node *nodes; /* nodes[0] is unused */
    size_t count, capacity;
    uint32_t *table; /* hash table of ids */
    size_t table_size;
    const char *scope[16];
    int scope_depth;
    bool copying; /* a replay or vmap adds the nodes */
    t2m_status status;
};

/* The list of all ops, for tests and printing. */
extern const struct op *const op_table[];
extern const size_t op_count;
extern const struct op *const op_pointwise[POINTWISE_COUNT];
extern const struct op op_input, op_fill, op_iota, op_reshape, op_transpose, op_slice, op_pad,
    op_concat, op_broadcast, op_stop_gradient, op_sum, op_maximum, op_matmul, op_solve_spd,
    op_inverse_spd, op_conv2d, op_conv2d_input, op_conv2d_filter, op_window_argmax,
    op_window_gather, op_window_scatter, op_gather, op_scatter_add, op_distance, op_distance_input,
    op_distance_push;

/* The bits of a number: NaN equals itself, 0 and -0 differ. */
static inline uint64_t real_bits(double x)
{
    union {
        double real;
        uint64_t bits;
    } u = {x};
    return u.bits;
}

static inline const struct node *graph_node(const t2m_graph *g, t2m_value v)
{
    return &g->nodes[v.id];
}

static inline const struct node *node_input(const t2m_graph *g, const struct node *n, uint32_t k)
{
    return &g->nodes[n->in[k]];
}

/* The only door into a graph: checks, infers the shape, simplifies, finds an equal node. */
t2m_value graph_add(t2m_graph *g, const struct op *op, const t2m_value *in, size_t n,
                    struct attr attr);
t2m_value graph_add1(t2m_graph *g, const struct op *op, t2m_value x, struct attr attr);
t2m_value graph_add2(t2m_graph *g, const struct op *op, t2m_value a, t2m_value b, struct attr attr);
bool graph_ok(const t2m_graph *g);
/* Poisons the graph; returns false so that infer can end with it. */
bool graph_fault(t2m_graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *graph_shape_text(const struct node *n, char out[128]);

/* A simpler equal value for the node n about to be added, or null. */
t2m_value graph_simplify(t2m_graph *g, const struct node *n);

/* Whether a rule of simplification may look through n, so that what was built on n no longer uses
 * it, and a gradient with respect to n would miss that. */
bool graph_transparent(const t2m_graph *g, const struct node *n);

bool node_is_fill(const struct node *n);
bool node_same_shape(const struct node *a, const struct node *b);
size_t node_numel(const struct node *n);
size_t dims_product(const int64_t *dim, int first, int end);
t2m_value graph_fill_like(t2m_graph *g, t2m_value x, double value);
/* The value of a pointwise op on numbers, for constant folding. */
double pointwise_value(int pointwise, double a, double b, double c);
/* x with a leading axis of `size` if it has none. */
t2m_value graph_batched(t2m_graph *g, t2m_value x, bool batched, int64_t size);
/* Reshapes x to dims made of [lead], then the dims of `like` from axis `first` on. */
t2m_value graph_merge_front(t2m_graph *g, t2m_value x, int count);
t2m_value graph_split_front(t2m_graph *g, t2m_value x, int64_t size);
