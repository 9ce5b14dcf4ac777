/* ops_table.c: rows of a table by number, and the transpose. table [rows, width], index [count],
 * values [count, width]; each may have one leading batch axis, then all have it. */
#include "engine/graph/sample.h"

#include <string.h>

static bool infer_gather(t2m_graph *g, struct node *n)
{
    const struct node *table = node_input(g, n, 0), *index = node_input(g, n, 1);
    const int lead = table->rank - 2;
    char s[128], t[128];
    if (lead < 0 || lead > 1 || index->rank != lead + 1 || (lead && table->dim[0] != index->dim[0]))
        return graph_fault(g, "gather: table %s and index %s do not fit",
                           graph_shape_text(table, s), graph_shape_text(index, t));
    n->rank = table->rank;
    n->dim[0] = index->dim[0];
    n->dim[lead] = index->dim[lead];
    n->dim[lead + 1] = table->dim[lead + 1];
    return true;
}

/* attr: rows */
static bool infer_scatter_add(t2m_graph *g, struct node *n)
{
    const struct node *values = node_input(g, n, 0), *index = node_input(g, n, 1);
    const int lead = values->rank - 2;
    char s[128], t[128];
    if (lead < 0 || lead > 1 || index->rank != lead + 1 || n->attr.i[0] < 0 ||
        memcmp(values->dim, index->dim, sizeof(int64_t) * (size_t)index->rank) != 0)
        return graph_fault(g, "scatter_add: values %s and index %s do not fit",
                           graph_shape_text(values, s), graph_shape_text(index, t));
    n->rank = values->rank;
    memcpy(n->dim, values->dim, sizeof n->dim);
    n->dim[lead] = n->attr.i[0];
    return true;
}

static void vjp_gather(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const struct node *n = graph_node(g, y), *table = node_input(g, n, 0);
    const t2m_value index = {n->in[1]};
    gx[0] = graph_add2(g, &op_scatter_add, gy, index,
                       (struct attr){.i = {table->dim[table->rank - 2]}});
}

static void vjp_scatter_add(t2m_graph *g, t2m_value y, t2m_value gy, t2m_value *gx)
{
    const t2m_value index = {graph_node(g, y)->in[1]};
    gx[0] = graph_add2(g, &op_gather, gy, index, (struct attr){0});
}

static t2m_value batch_table(t2m_graph *g, const struct node *n, const t2m_value *in,
                             const bool *batched, int64_t size)
{
    t2m_value x[2];
    if (n->op == &op_gather && n->rank == 2 && !batched[0] && size > 0) /* one table for all */
        return graph_split_front(
            g, graph_add2(g, n->op, in[0], graph_merge_front(g, in[1], 2), n->attr), size);
    for (int k = 0; k < 2; k++) {
        x[k] = graph_batched(g, in[k], batched[k], size);
        if (n->rank == 3)
            x[k] = graph_merge_front(g, x[k], 2);
    }
    const t2m_value y = graph_add(g, n->op, x, 2, n->attr);
    return n->rank == 3 ? graph_split_front(g, y, size) : y;
}

/* `table` and `values` are the nodes that hold those numbers: input and result, or the reverse. */
static struct gather_shape shape_of(const struct call *c, const struct node *table,
                                    const struct node *values)
{
    const int lead = table->rank - 2;
    struct gather_shape s = {.batch = lead ? (size_t)table->dim[0] : 1,
                             .rows = (size_t)table->dim[lead],
                             .count = (size_t)values->dim[lead],
                             .width = (size_t)table->dim[lead + 1]};
    s.table_batch = lead ? s.rows * s.width : 0;
    s.values_batch = lead ? s.count * s.width : 0;
    s.index_batch = lead ? (size_t)c->batch_stride[1] : 0;
    return s;
}

static void run_gather(const struct call *c)
{
    struct gather_shape s = shape_of(c, c->in[0], c->node);
    s.table_batch = c->node->rank == 3 ? (size_t)c->batch_stride[0] : 0;
    c->k->gather(&s, c->x[0], c->x[1], c->y);
}

static void run_scatter_add(const struct call *c)
{
    struct gather_shape s = shape_of(c, c->node, c->in[0]);
    s.values_batch = c->node->rank == 3 ? (size_t)c->batch_stride[0] : 0;
    c->k->scatter_add(&s, c->x[0], c->x[1], c->y);
}

static t2m_value sample_table(t2m_graph *g, struct sample *s, const struct op *op)
{
    const int lead = s->variant;
    const int64_t rows[] = {2, 4, 3}, values[] = {2, s->size, 3};
    if (s->variant > 1)
        return (t2m_value){0};
    const t2m_value x =
        sample_input(g, s, -2, 2, 3 - lead, (op == &op_gather ? rows : values) + lead);
    const t2m_value index = sample_input(g, s, -1, 5, 2 - lead, values + lead); /* some outside */
    s->input[1].whole = true;
    return graph_add2(g, op, x, index, (struct attr){.i = {op == &op_gather ? 0 : 4}});
}

static t2m_value sample_gather(t2m_graph *g, struct sample *s)
{
    return sample_table(g, s, &op_gather);
}

static t2m_value sample_scatter_add(t2m_graph *g, struct sample *s)
{
    return sample_table(g, s, &op_scatter_add);
}

const struct op op_gather = {.name = "gather",
                             .doc = "rows of a table by number",
                             .kind = OP_KERNEL,
                             .arity = 2,
                             .infer = infer_gather,
                             .vjp = vjp_gather,
                             .batch = batch_table,
                             .run = run_gather,
                             .batch_rank = 3,
                             .sample = sample_gather};
const struct op op_scatter_add = {.name = "scatter_add",
                                  .doc = "rows added into a table by number",
                                  .kind = OP_KERNEL,
                                  .arity = 2,
                                  .infer = infer_scatter_add,
                                  .vjp = vjp_scatter_add,
                                  .batch = batch_table,
                                  .run = run_scatter_add,
                                  .batch_rank = 3,
                                  .sample = sample_scatter_add};

static t2m_value table_op(t2m_graph *g, const struct op *op, t2m_value x, t2m_value index,
                          struct attr a)
{
    const int rx = t2m_rank(g, x), ri = t2m_rank(g, index);
    const struct node one = {.op = op, .rank = 2, .attr = a};
    if (graph_ok(g) && x.id && index.id && rx == 2 && ri == 2)
        return batch_table(g, &one, (const t2m_value[]){x, index}, (const bool[]){false, true},
                           t2m_dim(g, index, 0));
    if (graph_ok(g) && x.id && index.id && rx == 3 && ri == 1)
        return batch_table(g, &one, (const t2m_value[]){x, index}, (const bool[]){true, false},
                           t2m_dim(g, x, 0));
    return graph_add2(g, op, x, index, a);
}

t2m_value t2m_gather(t2m_graph *g, t2m_value table, t2m_value index)
{
    return table_op(g, &op_gather, table, index, (struct attr){0});
}

t2m_value t2m_scatter_add(t2m_graph *g, t2m_value values, t2m_value index, int64_t rows)
{
    return table_op(g, &op_scatter_add, values, index, (struct attr){.i = {rows}});
}
