/* ops_linear.c: products of matrices and the symmetric positive definite solve. The ops take rank
 * 2, or rank 3 with one leading batch axis on both sides; the public functions fold all other
 * leading axes into these. */
#include "engine/graph/sample.h"

#include <string.h>

static bool infer_ranks(t2m_graph *g, const struct node *n, const struct node *a,
                        const struct node *b)
{
    char s[128], t[128];
    if ((a->rank == 2 || a->rank == 3) && a->rank == b->rank &&
        (a->rank == 2 || a->dim[0] == b->dim[0]))
        return true;
    return graph_fault(g, "%s: %s and %s are not both a matrix or equally many matrices",
                       n->op->name, graph_shape_text(a, s), graph_shape_text(b, t));
}

/* ---- matmul: attr a transposed, b transposed ---- */

static bool infer_matmul(t2m_graph *g, struct node *n)
{
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    char s[128], t[128];
    if (!infer_ranks(g, n, a, b))
        return false;
    const int ra = a->rank - 2;
    const bool ta = n->attr.i[0], tb = n->attr.i[1];
    if (a->dim[ra + !ta] != b->dim[ra + tb])
        return graph_fault(g, "matmul: inner sizes differ, %s%s x %s%s", graph_shape_text(a, s),
                           ta ? "'" : "", graph_shape_text(b, t), tb ? "'" : "");
    n->rank = a->rank;
    n->dim[0] = a->dim[0];
    n->dim[ra] = a->dim[ra + ta];
    n->dim[ra + 1] = b->dim[ra + !tb];
    return true;
}

static t2m_value add_matmul(t2m_graph *g, t2m_value a, bool ta, t2m_value b, bool tb)
{
    return graph_add2(g, &op_matmul, a, b, (struct attr){.i = {ta, tb}});
}

static void vjp_matmul(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y);
    const t2m_value a = {n->in[0]}, b = {n->in[1]};
    const bool ta = n->attr.i[0], tb = n->attr.i[1];
    gx[0] = ta ? add_matmul(g, b, tb, gy, true) : add_matmul(g, gy, false, b, !tb);
    gx[1] = tb ? add_matmul(g, gy, true, a, ta) : add_matmul(g, a, !ta, gy, false);
}

/* x [size, ...] with the first two axes merged when the op itself had a batch axis. */
static t2m_value fold_batch(t2m_graph *g, t2m_value x, int rank)
{
    return t2m_rank(g, x) == rank + 1 && rank == 3 ? graph_merge_front(g, x, 2) : x;
}

static t2m_value batch_matmul(t2m_graph *g, const struct node *n, const t2m_value *in,
                              const bool *batched, int64_t size)
{
    const bool ta = n->attr.i[0], tb = n->attr.i[1];
    if (n->rank == 2 && !batched[1] && !ta && size > 0) /* all rows times the same b: one product */
        return graph_split_front(g, add_matmul(g, graph_merge_front(g, in[0], 2), false, in[1], tb),
                                 size);
    const t2m_value a = fold_batch(g, graph_batched(g, in[0], batched[0], size), n->rank),
                    b = fold_batch(g, graph_batched(g, in[1], batched[1], size), n->rank),
                    y = add_matmul(g, a, ta, b, tb);
    return n->rank == 3 ? graph_split_front(g, y, size) : y;
}

static struct matmul_shape matmul_shape_of(const struct call *c)
{
    const struct node *a = c->in[0], *n = c->node;
    const int r = n->rank - 2;
    const bool ta = n->attr.i[0];
    return (struct matmul_shape){.batch = r ? (size_t)n->dim[0] : 1,
                                 .m = (size_t)n->dim[r],
                                 .n = (size_t)n->dim[r + 1],
                                 .k = (size_t)a->dim[r + !ta],
                                 .a_transposed = ta,
                                 .b_transposed = n->attr.i[1],
                                 .a_batch = r ? (size_t)c->batch_stride[0] : 0,
                                 .b_batch = r ? (size_t)c->batch_stride[1] : 0};
}

static size_t work_matmul(const struct call *c)
{
    const struct matmul_shape s = matmul_shape_of(c);
    return c->k->matmul_work(&s);
}

static size_t parts_matmul(const struct call *c)
{
    const struct matmul_shape s = matmul_shape_of(c);
    const bool by_rows = s.batch == 1 && !s.a_transposed;
    return by_rows ? call_parts(2 * (double)s.m * (double)s.n * (double)s.k, s.m) : 1;
}

static void run_matmul(const struct call *c)
{
    struct matmul_shape s = matmul_shape_of(c);
    size_t first = 0;
    if (c->parts > 1)
        s.m = call_share(c, s.m, &first);
    c->k->matmul(&s, call_from(c, c->x[0], first * s.k), c->x[1], call_to(c, c->y, first * s.n),
                 c->work);
}

static double flops_matmul(const struct node *n, const struct node *const *in)
{
    return 2.0 * (double)node_numel(n) * (double)in[0]->dim[n->rank - 2 + !n->attr.i[0]];
}

static t2m_value sample_matmul(t2m_graph *g, struct sample *s)
{
    const bool ta = s->variant & 1, tb = s->variant & 2;
    const int64_t m = s->size, k = 5, n = 4;
    const int64_t a[] = {2, ta ? k : m, ta ? m : k}, b[] = {2, tb ? n : k, tb ? k : n};
    const int lead = s->variant >= 4; /* 0-3: a batch; 4-7: one matrix */
    if (s->variant > 7)
        return (t2m_value){0};
    const t2m_value x = sample_input(g, s, -1, 1, 3 - lead, a + lead);
    return add_matmul(g, x, ta, sample_input(g, s, -1, 1, 3 - lead, b + lead), tb);
}

const struct op op_matmul = {.name = "matmul",
                             .doc = "product of matrices",
                             .kind = OP_KERNEL,
                             .arity = 2,
                             .infer = infer_matmul,
                             .vjp = vjp_matmul,
                             .batch = batch_matmul,
                             .work = work_matmul,
                             .run = run_matmul,
                             .parts = parts_matmul,
                             .flops = flops_matmul,
                             .batch_rank = 3,
                             .sample = sample_matmul};

/* One axis for all leading axes. */
static t2m_value flat_batch(t2m_graph *g, t2m_value x)
{
    return t2m_rank(g, x) > 3 ? graph_merge_front(g, x, t2m_rank(g, x) - 2) : x;
}

/* y [batch, p, q] -> the leading axes of `lead`, then p, q. */
static t2m_value unflatten(t2m_graph *g, t2m_value y, t2m_value lead)
{
    int64_t dim[MAX_RANK] = {0};
    const int rank = t2m_rank(g, lead), at = t2m_rank(g, y) - 2;
    if (!graph_ok(g))
        return y;
    memcpy(dim, graph_node(g, lead)->dim, sizeof dim);
    if (at > 0) /* else the rows of all items lie one after the other */
        dim[rank - 2] = t2m_dim(g, y, at);
    dim[rank - 1] = t2m_dim(g, y, at + 1);
    return t2m_reshape(g, y, rank, dim);
}

static bool leading_fit(t2m_graph *g, const char *name, t2m_value a, t2m_value b)
{
    const struct node *x = graph_node(g, a), *z = graph_node(g, b);
    char s[128], t[128];
    if (!graph_ok(g) || a.id == 0 || b.id == 0)
        return graph_fault(g, "%s: an operand is not a value of this graph", name);
    if (x->rank >= 2 && z->rank >= 2 &&
        (x->rank == 2 || z->rank == 2 ||
         (x->rank == z->rank &&
          memcmp(x->dim, z->dim, sizeof(int64_t) * (size_t)(x->rank - 2)) == 0)))
        return true;
    return graph_fault(g, "%s: %s and %s do not fit", name, graph_shape_text(x, s),
                       graph_shape_text(z, t));
}

t2m_value t2m_matmul_t(t2m_graph *g, t2m_value a, bool ta, t2m_value b, bool tb)
{
    if (!leading_fit(g, "matmul", a, b))
        return (t2m_value){0};
    const int ra = t2m_rank(g, a), rb = t2m_rank(g, b);
    if (ra > 2 && rb == 2 && !ta) /* all rows times the same b */
        return unflatten(g, add_matmul(g, graph_merge_front(g, a, ra - 1), false, b, tb), a);
    t2m_value x = flat_batch(g, a), y = flat_batch(g, b);
    if (ra == 2 && rb > 2)
        x = t2m_broadcast(g, x, 0, t2m_dim(g, y, 0));
    if (rb == 2 && ra > 2)
        y = t2m_broadcast(g, y, 0, t2m_dim(g, x, 0));
    const t2m_value product = add_matmul(g, x, ta, y, tb);
    return ra > 3 || rb > 3 ? unflatten(g, product, ra > rb ? a : b) : product;
}

t2m_value t2m_matmul(t2m_graph *g, t2m_value a, t2m_value b)
{
    return t2m_matmul_t(g, a, false, b, false);
}

/* ---- solve_spd ---- */

static bool infer_solve(t2m_graph *g, struct node *n)
{
    const struct node *a = node_input(g, n, 0), *b = node_input(g, n, 1);
    char s[128], t[128];
    if (!infer_ranks(g, n, a, b))
        return false;
    const int r = a->rank - 2;
    if (a->dim[r] != a->dim[r + 1] || b->dim[r] != a->dim[r])
        return graph_fault(g, "solve_spd: %s is not square or has not the rows of %s",
                           graph_shape_text(a, s), graph_shape_text(b, t));
    n->rank = b->rank;
    memcpy(n->dim, b->dim, sizeof n->dim);
    return true;
}

static t2m_value add_solve(t2m_graph *g, t2m_value a, t2m_value b)
{
    return graph_add2(g, &op_solve_spd, a, b, (struct attr){0});
}

/* y = s^-1 b with s = (a + a') / 2: gb = s^-1 gy, gs = -gb y', ga = (gs + gs') / 2 (Giles,
 * "Collected matrix derivative results", 2008). */
static void vjp_solve(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const t2m_value a = {graph_node(g, y)->in[0]};
    const t2m_value gb = add_solve(g, a, gy);
    const t2m_value both =
        t2m_add(g, add_matmul(g, gb, false, y, true), add_matmul(g, y, false, gb, true));
    gx[0] = t2m_scale(g, -0.5, both);
    gx[1] = gb;
}

static t2m_value batch_solve(t2m_graph *g, const struct node *n, const t2m_value *in,
                             const bool *batched, int64_t size)
{
    const t2m_value a = fold_batch(g, graph_batched(g, in[0], batched[0], size), n->rank),
                    b = fold_batch(g, graph_batched(g, in[1], batched[1], size), n->rank),
                    y = add_solve(g, a, b);
    return n->rank == 3 ? graph_split_front(g, y, size) : y;
}

static struct solve_shape solve_shape_of(const struct call *c)
{
    const int r = c->node->rank - 2;
    return (struct solve_shape){.batch = r ? (size_t)c->node->dim[0] : 1,
                                .n = (size_t)c->node->dim[r],
                                .m = (size_t)c->node->dim[r + 1],
                                .a_batch = r ? (size_t)c->batch_stride[0] : 0,
                                .b_batch = r ? (size_t)c->batch_stride[1] : 0};
}

static size_t work_solve(const struct call *c)
{
    const struct solve_shape s = solve_shape_of(c);
    return c->k->solve_spd_work(&s);
}

static void run_solve(const struct call *c)
{
    const struct solve_shape s = solve_shape_of(c);
    c->k->solve_spd(&s, c->x[0], c->x[1], c->y, c->work);
}

static double flops_solve(const struct node *n, const struct node *const *in)
{
    const double size = (double)in[0]->dim[in[0]->rank - 1];
    return (double)node_numel(n) * 2 * size + (double)node_numel(in[0]) * size / 3;
}

static t2m_value sample_solve(t2m_graph *g, struct sample *s)
{
    const int64_t n = s->size > 9 ? 5 : s->size, m = s->size > 9 ? s->size : 2;
    const int64_t a[] = {2, n, n}, b[] = {2, n, m};
    const int lead = s->variant;
    if (s->variant > 1)
        return (t2m_value){0};
    const t2m_value x = sample_input(g, s, -0.5, 0.5, 3 - lead, a + lead);
    s->input[0].diagonal = 2 + (double)n / 2;
    return add_solve(g, x, sample_input(g, s, -1, 1, 3 - lead, b + lead));
}

const struct op op_solve_spd = {.name = "solve_spd",
                                .doc = "solution of a symmetric positive definite system",
                                .kind = OP_KERNEL,
                                .arity = 2,
                                .infer = infer_solve,
                                .vjp = vjp_solve,
                                .batch = batch_solve,
                                .work = work_solve,
                                .run = run_solve,
                                .flops = flops_solve,
                                .batch_rank = 3,
                                .sample = sample_solve};

t2m_value t2m_solve_spd(t2m_graph *g, t2m_value a, t2m_value b)
{
    if (!leading_fit(g, "solve_spd", a, b))
        return (t2m_value){0};
    const int ra = t2m_rank(g, a), rb = t2m_rank(g, b);
    t2m_value x = flat_batch(g, a), y = flat_batch(g, b);
    if (ra == 2 && rb > 2)
        x = t2m_broadcast(g, x, 0, t2m_dim(g, y, 0));
    if (rb == 2 && ra > 2)
        y = t2m_broadcast(g, y, 0, t2m_dim(g, x, 0));
    const t2m_value solution = add_solve(g, x, y);
    return ra > 3 || rb > 3 ? unflatten(g, solution, ra > rb ? a : b) : solution;
}

/* ---- inverse_spd ---- */

static bool infer_inverse(t2m_graph *g, struct node *n)
{
    const struct node *a = node_input(g, n, 0);
    const int r = a->rank - 2;
    char s[128];
    if (r < 0 || r > 1 || a->dim[r] != a->dim[r + 1])
        return graph_fault(g, "inverse_spd: %s is not a square matrix or some of them",
                           graph_shape_text(a, s));
    n->rank = a->rank;
    memcpy(n->dim, a->dim, sizeof n->dim);
    return true;
}

static t2m_value add_inverse(t2m_graph *g, t2m_value a)
{
    return graph_add1(g, &op_inverse_spd, a, (struct attr){0});
}

/* -y (gy + gy') y / 2 (Giles 2008) */
static void vjp_inverse(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const t2m_value both = t2m_add(g, gy, t2m_swap(g, gy)),
                    left = add_matmul(g, y, false, both, false);
    gx[0] = t2m_scale(g, -0.5, add_matmul(g, left, false, y, false));
}

static t2m_value batch_inverse(t2m_graph *g, const struct node *n, const t2m_value *in,
                               const bool *batched, int64_t size)
{
    const t2m_value a = fold_batch(g, graph_batched(g, in[0], batched[0], size), n->rank),
                    y = add_inverse(g, a);
    return n->rank == 3 ? graph_split_front(g, y, size) : y;
}

static struct solve_shape inverse_shape_of(const struct call *c)
{
    const int r = c->node->rank - 2;
    return (struct solve_shape){.batch = r ? (size_t)c->node->dim[0] : 1,
                                .n = (size_t)c->node->dim[r],
                                .a_batch = r ? (size_t)c->batch_stride[0] : 0};
}

static size_t work_inverse(const struct call *c)
{
    const struct solve_shape s = inverse_shape_of(c);
    return c->k->inverse_spd_work(&s);
}

static void run_inverse(const struct call *c)
{
    const struct solve_shape s = inverse_shape_of(c);
    c->k->inverse_spd(&s, c->x[0], c->y, c->work);
}

static double flops_inverse(const struct node *n, const struct node *const *in)
{
    (void)in;
    return 2 * (double)node_numel(n) * (double)n->dim[n->rank - 1];
}

static t2m_value sample_inverse(t2m_graph *g, struct sample *s)
{
    const int64_t a[] = {2, s->size, s->size};
    const int lead = s->variant;
    if (s->variant > 1)
        return (t2m_value){0};
    const t2m_value x = sample_input(g, s, -0.5, 0.5, 3 - lead, a + lead);
    s->input[0].diagonal = 2 + (double)s->size / 2;
    return add_inverse(g, x);
}

const struct op op_inverse_spd = {.name = "inverse_spd",
                                  .doc = "inverse of a symmetric positive definite matrix",
                                  .kind = OP_KERNEL,
                                  .arity = 1,
                                  .infer = infer_inverse,
                                  .vjp = vjp_inverse,
                                  .batch = batch_inverse,
                                  .work = work_inverse,
                                  .run = run_inverse,
                                  .flops = flops_inverse,
                                  .batch_rank = 3,
                                  .sample = sample_inverse};

t2m_value t2m_inverse_spd(t2m_graph *g, t2m_value a)
{
    const t2m_value y = add_inverse(g, flat_batch(g, a));
    return t2m_rank(g, a) > 3 ? unflatten(g, y, a) : y;
}
