/* graph.c: the builder. Every node enters through graph_add, which checks the operands, infers the
 * shape, asks for a simplification and finds an equal node that is already there. Invariant: after
 * the first fault the graph takes no more nodes and every constructor returns the null value. */
#include "base/text.h"
#include "engine/graph/node.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_NODES = 256, MAX_NODES = 1 << 24 };

t2m_status t2m_graph_new(t2m *lib, t2m_graph **out)
{
    t2m_graph *g = mem_new(lib, 1, sizeof *g);
    if (!g)
        return fail_memory(lib, sizeof *g);
    g->lib = lib;
    arena_init(&g->arena, lib);
    g->capacity = FIRST_NODES;
    g->table_size = 2 * FIRST_NODES;
    g->count = 1;
    g->nodes = mem_new(lib, g->capacity, sizeof *g->nodes);
    g->table = mem_new(lib, g->table_size, sizeof *g->table);
    if (!g->nodes || !g->table) {
        t2m_graph_free(g);
        return fail_memory(lib, FIRST_NODES * sizeof *g->nodes);
    }
    *out = g;
    return T2M_OK;
}

void t2m_graph_free(t2m_graph *g)
{
    if (!g)
        return;
    arena_clear(&g->arena);
    mem_free(g->lib, g->nodes);
    mem_free(g->lib, g->table);
    mem_free(g->lib, g);
}

t2m_status t2m_graph_status(const t2m_graph *g)
{
    return g->status;
}

bool graph_ok(const t2m_graph *g)
{
    return g->status == T2M_OK;
}

size_t t2m_graph_size(const t2m_graph *g)
{
    return g->count - 1;
}

static void poison(t2m_graph *g, t2m_status status, const char *format, va_list args)
{
    char sentence[ERRMSG_SIZE - 64];
    if (g->status != T2M_OK)
        return;
    vsnprintf(sentence, sizeof sentence, format, args);
    if (g->scope_depth > 0 && g->scope_depth <= 16)
        g->status = refuse(g->lib, status, "in %s: %s", g->scope[g->scope_depth - 1], sentence);
    else
        g->status = refuse(g->lib, status, "%s", sentence);
}

bool graph_fault(t2m_graph *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    poison(g, T2M_EUSAGE, format, args);
    va_end(args);
    return false;
}

t2m_value t2m_graph_fail(t2m_graph *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    poison(g, T2M_EUSAGE, format, args);
    va_end(args);
    return (t2m_value){0};
}

void t2m_scope(t2m_graph *g, const char *name)
{
    if (!name) {
        g->scope_depth -= g->scope_depth > 0;
        return;
    }
    if (g->scope_depth < 16) {
        char *copy = arena_text(&g->arena, name);
        g->scope[g->scope_depth] = copy ? copy : "";
        if (!copy && graph_ok(g))
            g->status = T2M_ENOMEM;
    }
    g->scope_depth++;
}

int t2m_rank(const t2m_graph *g, t2m_value x)
{
    return graph_node(g, x)->rank;
}

int64_t t2m_dim(const t2m_graph *g, t2m_value x, int axis)
{
    const struct node *n = graph_node(g, x);
    const int at = axis < 0 ? axis + n->rank : axis;
    return at >= 0 && at < n->rank ? n->dim[at] : 0;
}

size_t dims_product(const int64_t *dim, int first, int end)
{
    size_t n = 1;
    for (int i = first; i < end; i++)
        n *= (size_t)dim[i]; /* checked once, in graph_add */
    return n;
}

size_t node_numel(const struct node *n)
{
    return dims_product(n->dim, 0, n->rank);
}

bool node_same_shape(const struct node *a, const struct node *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof(int64_t) * (size_t)a->rank) == 0;
}

bool node_is_fill(const struct node *n)
{
    return n->op == &op_fill;
}

const char *graph_shape_text(const struct node *n, char out[128])
{
    size_t at = 0;
    out[at++] = '[';
    for (int i = 0; i < n->rank; i++)
        at += (size_t)snprintf(out + at, 128 - at, "%s%lld", i ? ", " : "", (long long)n->dim[i]);
    snprintf(out + at, 128 - at, "]");
    return out;
}

/* ---- hash-consing ---- */

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

static uint64_t node_hash(const struct node *n)
{
    uint64_t h = mix(n->arity, (uint64_t)(uintptr_t)n->op);
    for (uint32_t k = 0; k < n->arity; k++)
        h = mix(h, n->in[k]);
    for (int k = 0; k < n->rank; k++)
        h = mix(h, (uint64_t)n->dim[k]);
    for (int k = 0; k < ATTR_COUNT; k++)
        h = n->attr.i[k] ? mix(h, (uint64_t)n->attr.i[k] + (uint64_t)k) : h;
    return mix(h, real_bits(n->attr.real));
}

static bool node_equal(const struct node *a, const struct node *b)
{
    return a->op == b->op && a->arity == b->arity && node_same_shape(a, b) &&
           memcmp(a->in, b->in, a->arity * sizeof *a->in) == 0 &&
           memcmp(a->attr.i, b->attr.i, sizeof a->attr.i) == 0 &&
           real_bits(a->attr.real) == real_bits(b->attr.real);
}

/* The place in the table of the node equal to n, or of the hole where it belongs. */
static uint32_t *table_place(const t2m_graph *g, const struct node *n)
{
    size_t at = node_hash(n) & (g->table_size - 1);
    while (g->table[at] && !node_equal(&g->nodes[g->table[at]], n))
        at = (at + 1) & (g->table_size - 1);
    return &g->table[at];
}

static bool graph_grow(t2m_graph *g)
{
    if (g->count < g->capacity)
        return true;
    if (g->count >= MAX_NODES)
        return graph_fault(g, "the graph has more than %d nodes", MAX_NODES);
    const size_t capacity = 2 * g->capacity;
    struct node *nodes = mem_resize(g->lib, g->nodes, capacity, sizeof *nodes);
    if (nodes)
        g->nodes = nodes;
    uint32_t *table = nodes ? mem_new(g->lib, 2 * capacity, sizeof *table) : NULL;
    if (!table) {
        g->status = fail_memory(g->lib, capacity * sizeof *nodes);
        return false;
    }
    mem_free(g->lib, g->table);
    g->table = table;
    g->table_size = 2 * capacity;
    g->capacity = capacity;
    for (uint32_t id = 1; id < g->count; id++)
        if (g->nodes[id].op != &op_input)
            *table_place(g, &g->nodes[id]) = id;
    return true;
}

static t2m_value graph_insert(t2m_graph *g, struct node *n)
{
    uint32_t *place = n->op == &op_input ? NULL : table_place(g, n);
    if (place && *place)
        return (t2m_value){*place};
    if (!graph_grow(g))
        return (t2m_value){0};
    uint32_t *in = arena_new(&g->arena, n->arity, sizeof *in);
    if (!in) {
        g->status = fail_memory(g->lib, n->arity * sizeof *in);
        return (t2m_value){0};
    }
    if (n->arity)
        memcpy(in, n->in, n->arity * sizeof *in);
    n->in = in;
    n->scope = g->scope_depth > 0 && g->scope_depth <= 16 ? g->scope[g->scope_depth - 1] : "";
    const uint32_t id = (uint32_t)g->count++;
    g->nodes[id] = *n;
    if (n->op != &op_input)
        *table_place(g, n) = id;
    return (t2m_value){id};
}

static bool operands_good(t2m_graph *g, const struct op *op, const t2m_value *in, size_t n)
{
    if (!graph_ok(g))
        return false;
    for (size_t i = 0; i < n; i++)
        if (in[i].id == 0 || in[i].id >= g->count)
            return graph_fault(g, "%s: operand %zu is not a value of this graph", op->name, i);
    return true;
}

t2m_value graph_add(t2m_graph *g, const struct op *op, const t2m_value *in, size_t n,
                    struct attr attr)
{
    uint32_t few[MAX_ARITY], *ids = few;
    size_t numel;
    if (!operands_good(g, op, in, n))
        return (t2m_value){0};
    if (n > MAX_ARITY && !(ids = arena_new(&g->arena, n, sizeof *ids))) {
        g->status = fail_memory(g->lib, n * sizeof *ids);
        return (t2m_value){0};
    }
    for (size_t i = 0; i < n; i++)
        ids[i] = in[i].id;
    struct node node = {.op = op, .arity = (uint32_t)n, .in = ids, .attr = attr};
    if (!op->infer(g, &node))
        return (t2m_value){0};
    if (!checked_numel(node.dim, node.rank, (size_t)1 << 40, &numel)) {
        graph_fault(g, "%s: the result is too large", op->name);
        return (t2m_value){0};
    }
    const t2m_value simple = graph_simplify(g, &node);
    if (simple.id || !graph_ok(g))
        return simple;
    return graph_insert(g, &node);
}

t2m_value graph_add1(t2m_graph *g, const struct op *op, t2m_value x, struct attr attr)
{
    return graph_add(g, op, &x, 1, attr);
}

t2m_value graph_add2(t2m_graph *g, const struct op *op, t2m_value a, t2m_value b, struct attr attr)
{
    return graph_add(g, op, (const t2m_value[]){a, b}, 2, attr);
}

t2m_value graph_fill_like(t2m_graph *g, t2m_value x, double value)
{
    const struct node *n = graph_node(g, x);
    int64_t dim[MAX_RANK] = {0};
    memcpy(dim, n->dim, sizeof dim);
    return t2m_fill(g, value, n->rank, dim);
}

t2m_value graph_batched(t2m_graph *g, t2m_value x, bool batched, int64_t size)
{
    return batched ? x : t2m_broadcast(g, x, 0, size);
}

/* The first `count` axes as one. */
t2m_value graph_merge_front(t2m_graph *g, t2m_value x, int count)
{
    const struct node *n = graph_node(g, x);
    int64_t dim[MAX_RANK] = {(int64_t)dims_product(n->dim, 0, count)};
    for (int i = count; i < n->rank; i++)
        dim[i - count + 1] = n->dim[i];
    return t2m_reshape(g, x, n->rank - count + 1, dim);
}

/* The first axis as [size, rest]. */
t2m_value graph_split_front(t2m_graph *g, t2m_value x, int64_t size)
{
    const struct node *n = graph_node(g, x);
    int64_t dim[MAX_RANK] = {size, size ? n->dim[0] / size : 0};
    if (n->rank >= MAX_RANK)
        return t2m_graph_fail(g, "more than %d axes", MAX_RANK);
    for (int i = 1; i < n->rank; i++)
        dim[i + 1] = n->dim[i];
    return t2m_reshape(g, x, n->rank + 1, dim);
}
