/* lower.c: live nodes become units. A view node costs nothing: it only says where its numbers lie.
 * Where an op needs its operand dense and it is not, a copy unit stands in between. */
#include "engine/plan/plan.h"

#include <string.h>

static t2m_status no_memory(const struct compiling *c, size_t bytes)
{
    return fail_memory(c->plan->lib, bytes);
}

int32_t plan_buffer_new(struct compiling *c, enum buffer_kind kind, size_t numel, size_t place)
{
    t2m_plan *p = c->plan;
    if (!mem_grow(p->lib, (void **)&p->buffer, &c->buffer_capacity, p->buffers + 1,
                  sizeof *p->buffer))
        return NO_BUFFER;
    p->buffer[p->buffers] =
        (struct buffer){.kind = kind, .numel = numel, .place = place, .writer = NO_UNIT};
    return (int32_t)p->buffers++;
}

/* ---- views ---- */

size_t view_numel(const struct view *v)
{
    return dims_product(v->dim, 0, v->rank);
}

size_t view_distinct(const struct view *v)
{
    size_t numel = 1;
    for (int i = 0; i < v->rank; i++)
        numel *= v->stride[i] == 0 && v->dim[i] > 0 ? 1 : (size_t)v->dim[i];
    return numel;
}

bool view_is_dense(const struct view *v)
{
    int64_t step = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        if (v->dim[i] == 0)
            return true;
        if (v->dim[i] != 1 && v->stride[i] != step)
            return view_numel(v) == 0;
        step *= v->dim[i];
    }
    return true;
}

void view_dense(struct view *v, int32_t buffer, int rank, const int64_t *dim)
{
    int64_t step = 1;
    *v = (struct view){.root = (uint32_t)buffer, .rank = rank};
    for (int i = rank - 1; i >= 0; i--) {
        v->dim[i] = dim[i];
        v->stride[i] = step;
        step *= dim[i];
    }
}

void view_merge(struct view *v)
{
    int rank = 0;
    for (int i = 0; i < v->rank; i++) {
        const int64_t dim = v->dim[i], stride = v->stride[i];
        if (dim == 1)
            continue;
        if (rank > 0 && v->stride[rank - 1] == stride * dim) {
            v->dim[rank - 1] *= dim;
            v->stride[rank - 1] = stride;
        } else {
            v->dim[rank] = dim;
            v->stride[rank++] = stride;
        }
    }
    v->rank = rank;
}

/* Leading axis at any distance, the others dense. */
static bool view_is_batch(const struct view *v)
{
    struct view item = *v;
    if (v->rank < 2 || v->stride[0] < 0)
        return false;
    item.rank--;
    memmove(item.dim, v->dim + 1, sizeof *item.dim * (size_t)item.rank);
    memmove(item.stride, v->stride + 1, sizeof *item.stride * (size_t)item.rank);
    return view_is_dense(&item);
}

/* ---- units ---- */

static struct unit *unit_new(struct compiling *c, enum unit_kind kind, uint32_t id, uint32_t reads)
{
    t2m_plan *p = c->plan;
    if (!mem_grow(p->lib, (void **)&c->unit, &c->unit_capacity, c->units + 1, sizeof *c->unit))
        return NULL;
    struct unit *u = &c->unit[c->units];
    *u = (struct unit){
        .kind = kind, .id = id, .reads = reads, .group = (int32_t)c->units, .leaf = NO_BUFFER};
    u->read = arena_new(&c->arena, reads, sizeof *u->read);
    if (!u->read)
        return NULL;
    c->units++;
    return u;
}

/* Gives the unit its result: a new dense buffer of these dims. */
static bool unit_writes(struct compiling *c, struct unit *u, int rank, const int64_t *dim,
                        struct view *result)
{
    const int32_t buffer = plan_buffer_new(c, BUFFER_MEMORY, dims_product(dim, 0, rank), 0);
    if (buffer == NO_BUFFER)
        return false;
    u->writes = buffer;
    if (u->kind != UNIT_SUM) {
        u->rank = rank;
        memcpy(u->dim, dim, sizeof *dim * (size_t)rank);
    }
    c->plan->buffer[buffer].writer = (int32_t)(u - c->unit);
    view_dense(result, buffer, rank, dim);
    return true;
}

/* A dense copy of what the view shows. */
static bool copy_view(struct compiling *c, uint32_t id, const struct view *from,
                      struct view *result)
{
    struct unit *u = unit_new(c, UNIT_COPY, id, 1);
    if (!u)
        return false;
    u->read[0] = *from;
    return unit_writes(c, u, from->rank, from->dim, result);
}

static bool dense_input(struct compiling *c, uint32_t id, bool batch, struct view *out)
{
    *out = c->view[id];
    if (view_is_dense(out) || (batch && !c->plan->unplanned && view_is_batch(out)))
        return true;
    if (c->dense[id] != NO_BUFFER) {
        view_dense(out, c->dense[id], out->rank, out->dim);
        return true;
    }
    struct view from = *out;
    if (!copy_view(c, id, &from, out))
        return false;
    c->dense[id] = (int32_t)out->root;
    return true;
}

/* ---- values computed again rather than kept ---- */

/* Ops that cost less than a number that comes from memory. */
static const bool cheap[POINTWISE_COUNT] = {
    [POINTWISE_neg] = true, [POINTWISE_relu] = true, [POINTWISE_step] = true,
    [POINTWISE_abs] = true, [POINTWISE_add] = true,  [POINTWISE_sub] = true,
    [POINTWISE_mul] = true, [POINTWISE_less] = true, [POINTWISE_equal] = true,
    [POINTWISE_madd] = true};

/* The unit that wrote the whole of what the view shows, in its order, or NULL */
static const struct unit *whole_writer(const struct compiling *c, const struct view *v)
{
    const struct buffer *b = &c->plan->buffer[v->root];
    const bool whole = v->offset == 0 && view_is_dense(v) && b->numel == view_numel(v);
    return whole && b->writer != NO_UNIT ? &c->unit[b->writer] : NULL;
}

/* Its result is beyond the caches, nobody needs it in memory, and few cheap operations make it from
 * one buffer of that size, its leaf, and from smaller ones. */
static void find_leaf(const struct compiling *c, struct unit *u)
{
    enum {
        LARGE = 256 * 1024, /* reals: 1 MiB */
        MOST_COST = 8       /* operations: less than a number costs to write and to read */
    };
    const size_t numel = dims_product(u->dim, 0, u->rank);
    int32_t leaf = NO_BUFFER;
    int cost = 1;
    if (u->kind != UNIT_POINTWISE || numel < LARGE || c->stored[u->id] || c->plan->unplanned ||
        !cheap[c->g->nodes[u->id].op->pointwise])
        return;
    for (uint32_t k = 0; k < u->reads; k++) {
        const struct unit *w = whole_writer(c, &u->read[k]);
        const bool again = w && w->leaf != NO_BUFFER;
        const int32_t from = again ? w->leaf : (int32_t)u->read[k].root;
        if (2 * view_distinct(&u->read[k]) <= numel)
            continue;
        if (leaf != NO_BUFFER && leaf != from)
            return;
        leaf = from;
        cost += again ? w->cost : 0;
    }
    u->leaf = cost <= MOST_COST ? leaf : NO_BUFFER;
    u->cost = cost;
}

/* The value `id` for one more pointwise unit or sum. The first takes what is there; the others get
 * units of their own, which join their groups. */
static bool loose_input(struct compiling *c, uint32_t id, struct view *out)
{
    *out = c->view[id];
    const struct unit *w = whole_writer(c, out);
    if (!w || w->leaf == NO_BUFFER)
        return true;
    const uint32_t node = w->id, reads = w->reads;
    if (!c->taken[node]) {
        c->taken[node] = true;
        return true;
    }
    struct view *read = arena_new(&c->arena, reads, sizeof *read), again;
    for (uint32_t k = 0; k < reads; k++)
        if (!read || !loose_input(c, c->g->nodes[node].in[k], &read[k]))
            return false;
    struct unit *u = unit_new(c, UNIT_POINTWISE, node, 0);
    if (!u)
        return false;
    u->read = read;
    u->reads = reads;
    if (!unit_writes(c, u, c->g->nodes[node].rank, c->g->nodes[node].dim, &again))
        return false;
    find_leaf(c, u);
    out->root = again.root;
    return true;
}

static bool lower_fill(struct compiling *c, uint32_t id)
{
    const struct node *n = &c->g->nodes[id];
    struct view *v = &c->view[id];
    size_t k = 0;
    while (k < c->plan->constants && real_bits(c->constant[k]) != real_bits(n->attr.real))
        k++;
    if (k == c->plan->constants) {
        if (!mem_grow(c->plan->lib, (void **)&c->constant, &c->constant_capacity, k + 1,
                      sizeof *c->constant))
            return false;
        c->constant[c->plan->constants++] = n->attr.real;
    }
    const int32_t buffer = plan_buffer_new(c, BUFFER_CONSTANT, 1, k);
    view_dense(v, buffer, n->rank, n->dim);
    memset(v->stride, 0, sizeof v->stride);
    return buffer != NO_BUFFER;
}

static bool lower_view(struct compiling *c, uint32_t id)
{
    const struct node *n = &c->g->nodes[id];
    const struct view x = c->view[n->in[0]];
    struct view *v = &c->view[id], copy;
    const bool seen = n->op->view(n, &x, v);
    if (seen && (!c->plan->unplanned || view_is_dense(v)))
        return true;
    if (!copy_view(c, id, seen ? v : &x, &copy))
        return false;
    view_dense(v, (int32_t)copy.root, n->rank, n->dim);
    return true;
}

static bool lower_work(struct compiling *c, uint32_t id)
{
    const struct node *n = &c->g->nodes[id];
    const bool pointwise = n->op->kind == OP_POINTWISE, sum = n->op == &op_sum;
    const bool loose = (pointwise || sum) && !c->plan->unplanned; /* any strides will do */
    const bool batch = n->rank > 0 && n->rank == n->op->batch_rank;
    struct view *read = arena_new(&c->arena, n->arity, sizeof *read);
    if (!read)
        return false;
    for (uint32_t k = 0; k < n->arity; k++) {
        const uint32_t in = n->in[k];
        const bool good = loose && (pointwise || view_is_dense(&c->view[in]))
                              ? loose_input(c, in, &read[k])
                              : dense_input(c, in, batch, &read[k]);
        if (!good)
            return false;
    }
    struct unit *u = unit_new(c, pointwise ? UNIT_POINTWISE : sum ? UNIT_SUM : UNIT_KERNEL, id, 0);
    if (!u)
        return false;
    u->read = read;
    u->reads = n->arity;
    if (sum) {
        u->rank = read[0].rank;
        memcpy(u->dim, read[0].dim, sizeof u->dim);
    }
    if (!unit_writes(c, u, n->rank, n->dim, &c->view[id]))
        return false;
    find_leaf(c, u);
    return true;
}

static t2m_status lower_input(struct compiling *c, uint32_t id)
{
    const struct node *n = &c->g->nodes[id];
    for (size_t i = 0; i < c->n_in; i++)
        if (c->in[i].id == id) {
            const int32_t buffer = plan_buffer_new(c, BUFFER_INPUT, node_numel(n), i);
            view_dense(&c->view[id], buffer, n->rank, n->dim);
            return buffer == NO_BUFFER ? no_memory(c, sizeof(struct buffer)) : T2M_OK;
        }
    return refuse(c->plan->lib, T2M_EUSAGE,
                  "compile: the results depend on the input '%s', which is not among the inputs "
                  "given",
                  n->scope);
}

static t2m_status lower_node(struct compiling *c, uint32_t id)
{
    const struct op *op = c->g->nodes[id].op;
    if (op == &op_input)
        return lower_input(c, id);
    const bool good = op == &op_fill        ? lower_fill(c, id)
                      : op->kind == OP_VIEW ? lower_view(c, id)
                                            : lower_work(c, id);
    return good ? T2M_OK : no_memory(c, sizeof(struct unit));
}

/* ---- outputs ---- */

static bool output_free(const struct compiling *c, const struct view *v, size_t numel)
{
    const struct buffer *b = &c->plan->buffer[v->root];
    return b->kind == BUFFER_MEMORY && view_is_dense(v) && v->offset == 0 && b->numel == numel;
}

/* A result that fills a buffer of its own is written to its place at once, else copied there. */
static t2m_status lower_output(struct compiling *c, size_t i)
{
    struct view v = c->view[c->out[i].id], copy = v;
    if (!output_free(c, &v, view_numel(&v)) && !copy_view(c, c->out[i].id, &v, &copy))
        return no_memory(c, sizeof(struct unit));
    struct buffer *b = &c->plan->buffer[copy.root];
    b->kind = BUFFER_OUTPUT;
    b->place = i;
    return T2M_OK;
}

static t2m_status mark_live(struct compiling *c)
{
    uint32_t last = 0;
    for (size_t i = 0; i < c->n_out; i++) {
        c->live[c->out[i].id] = c->stored[c->out[i].id] = true;
        last = c->out[i].id > last ? c->out[i].id : last;
    }
    for (uint32_t id = last; id > 0; id--) {
        const struct node *n = &c->g->nodes[id];
        const bool calls = n->op->kind == OP_KERNEL && n->op != &op_sum;
        for (uint32_t k = 0; c->live[id] && k < n->arity; k++) {
            c->live[n->in[k]] = true;
            if (calls || (n->op->kind == OP_VIEW && c->stored[id]))
                c->stored[n->in[k]] = true;
        }
    }
    return T2M_OK;
}

t2m_status plan_lower(struct compiling *c)
{
    const size_t count = c->g->count;
    c->live = arena_new(&c->arena, count, sizeof *c->live);
    c->stored = arena_new(&c->arena, count, sizeof *c->stored);
    c->taken = arena_new(&c->arena, count, sizeof *c->taken);
    c->view = arena_new(&c->arena, count, sizeof *c->view);
    c->dense = arena_new(&c->arena, count, sizeof *c->dense);
    if (!c->live || !c->stored || !c->taken || !c->view || !c->dense)
        return no_memory(c, count * sizeof *c->view);
    for (size_t id = 0; id < count; id++)
        c->dense[id] = NO_BUFFER;
    TRY(mark_live(c));
    for (uint32_t id = 1; id < count; id++)
        if (c->live[id]) {
            TRY(lower_node(c, id));
            c->plan->nodes++;
        }
    for (size_t i = 0; i < c->n_out; i++)
        TRY(lower_output(c, i));
    return T2M_OK;
}
