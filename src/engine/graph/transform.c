/* transform.c: replay and vmap are one pass. It copies the nodes between `from` and y in order,
 * with other inputs; a node that has an input with a leading task axis is copied by its op's own
 * rule. Also the printing of graphs. */
#include "base/text.h"
#include "engine/graph/node.h"

#include <string.h>

struct copying {
    t2m_graph *g;
    int64_t size; /* of the task axis */
    uint32_t last;
    bool *live;      /* [last + 1]: y needs it */
    bool *batched;   /* [last + 1]: its copy has a task axis */
    t2m_value *copy; /* [last + 1]: null where the node itself serves */
};

static void copying_free(struct copying *c)
{
    mem_free(c->g->lib, c->live);
    mem_free(c->g->lib, c->batched);
    mem_free(c->g->lib, c->copy);
}

static bool copying_new(struct copying *c, t2m_graph *g, int64_t size, const t2m_value *y, size_t n)
{
    *c = (struct copying){.g = g, .size = size};
    for (size_t i = 0; i < n; i++) {
        if (!y[i].id || y[i].id >= g->count)
            return graph_fault(g, "vmap or replay: y[%zu] is not a value of this graph", i);
        c->last = y[i].id > c->last ? y[i].id : c->last;
    }
    c->live = mem_new(g->lib, c->last + 1u, sizeof *c->live);
    c->batched = mem_new(g->lib, c->last + 1u, sizeof *c->batched);
    c->copy = mem_new(g->lib, c->last + 1u, sizeof *c->copy);
    if (!c->live || !c->batched || !c->copy) {
        g->status = fail_memory(g->lib, c->last * sizeof *c->copy);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        c->live[y[i].id] = true;
    return true;
}

/* to has the shape of from, or (vmap) that with the task axis in front. */
static bool copying_start(struct copying *c, t2m_value from, t2m_value to, size_t place)
{
    t2m_graph *g = c->g;
    char s[128], t[128];
    if (!from.id || !to.id || from.id >= g->count || to.id >= g->count)
        return graph_fault(g, "vmap or replay: operand %zu is not a value of this graph", place);
    const struct node *a = graph_node(g, from), *b = graph_node(g, to);
    const bool same = node_same_shape(a, b);
    const bool batched = c->size >= 0 && b->rank == a->rank + 1 && b->dim[0] == c->size &&
                         memcmp(a->dim, b->dim + 1, sizeof(int64_t) * (size_t)a->rank) == 0;
    if (!same && !batched)
        return graph_fault(g, "vmap or replay: %s cannot take the place of %s",
                           graph_shape_text(b, s), graph_shape_text(a, t));
    if (c->copy && from.id <= c->last) {
        c->copy[from.id] = to;
        c->batched[from.id] = batched;
    }
    return true;
}

static void mark_live(struct copying *c)
{
    for (uint32_t id = c->last; id > 0; id--) {
        const struct node *n = &c->g->nodes[id];
        if (c->live[id] && !c->copy[id].id)
            for (uint32_t k = 0; k < n->arity; k++)
                c->live[n->in[k]] = true;
    }
}

static bool copy_node(struct copying *c, uint32_t id)
{
    t2m_graph *g = c->g;
    const struct node n = g->nodes[id]; /* a copy: adding nodes moves the array */
    t2m_value few[MAX_ARITY], *in = few;
    bool few_flags[MAX_ARITY], *flags = few_flags;
    bool changed = false;
    if (n.arity > MAX_ARITY) {
        in = arena_new(&g->arena, n.arity, sizeof *in);
        flags = arena_new(&g->arena, n.arity, sizeof *flags);
        if (!in || !flags) {
            g->status = fail_memory(g->lib, n.arity * sizeof *in);
            return false;
        }
    }
    for (uint32_t k = 0; k < n.arity; k++) {
        const t2m_value other = c->copy[n.in[k]];
        in[k] = other.id ? other : (t2m_value){n.in[k]};
        flags[k] = c->batched[n.in[k]];
        changed |= other.id != 0;
        c->batched[id] |= flags[k];
    }
    if (c->batched[id])
        c->copy[id] = n.op->batch(g, &n, in, flags, c->size);
    else if (changed)
        c->copy[id] = graph_add(g, n.op, in, n.arity, n.attr);
    return graph_ok(g);
}

static void copy_graph(t2m_graph *g, int64_t size, const t2m_value *from, const t2m_value *to,
                       size_t n, const t2m_value *y, t2m_value *out, size_t n_y)
{
    struct copying c;
    for (size_t i = 0; i < n_y; i++)
        out[i] = (t2m_value){0};
    if (!graph_ok(g))
        return;
    bool good = copying_new(&c, g, size, y, n_y);
    for (size_t i = 0; good && i < n; i++)
        good = copying_start(&c, from[i], to[i], i);
    if (good)
        mark_live(&c);
    g->copying = true;
    for (uint32_t id = 1; good && id <= c.last; id++)
        if (c.live[id] && !c.copy[id].id)
            good = copy_node(&c, id);
    g->copying = false;
    for (size_t i = 0; good && i < n_y; i++) {
        const t2m_value v = c.copy[y[i].id].id ? c.copy[y[i].id] : y[i];
        out[i] = size >= 0 ? graph_batched(g, v, c.batched[y[i].id], size) : v;
    }
    copying_free(&c);
}

void t2m_replay(t2m_graph *g, const t2m_value *from, const t2m_value *to, size_t n,
                const t2m_value *y, t2m_value *out, size_t n_y)
{
    copy_graph(g, -1, from, to, n, y, out, n_y);
}

void t2m_vmap(t2m_graph *g, int64_t size, const t2m_value *from, const t2m_value *to, size_t n,
              const t2m_value *y, t2m_value *out, size_t n_y)
{
    if (size < 0)
        t2m_graph_fail(g, "vmap: %lld tasks", (long long)size);
    copy_graph(g, size, from, to, n, y, out, n_y);
}

/* ---- printing ---- */

static void print_node(const t2m_graph *g, struct text *t, uint32_t id)
{
    const struct node *n = &g->nodes[id];
    char shape[128];
    text_add(t, "%u %s %s", id, n->op->name, graph_shape_text(n, shape));
    for (uint32_t k = 0; k < n->arity; k++)
        text_add(t, " %u", n->in[k]);
    if (node_is_fill(n))
        text_add(t, " %.17g", n->attr.real);
    if (n->scope[0])
        text_add(t, "  # %s", n->scope);
    text_add(t, "\n");
}

char *t2m_graph_print(t2m_graph *g, t2m_value y)
{
    struct copying c;
    struct text t;
    if (!graph_ok(g))
        return NULL;
    if (!copying_new(&c, g, -1, &y, 1)) {
        copying_free(&c);
        return NULL;
    }
    mark_live(&c);
    text_init(&t, g->lib);
    for (uint32_t id = 1; id <= y.id; id++)
        if (c.live && c.live[id])
            print_node(g, &t, id);
    copying_free(&c);
    if (t.failed)
        text_clear(&t);
    return t.data;
}
