/* emit.c: units and groups become steps. A group becomes a program for one tile: instructions over
 * slots, where a slot is a buffer read or written in place, or a tile register. */
#include "engine/plan/plan.h"

#include <string.h>

enum { COST = 16 }; /* of a number read, written or computed: as of so many multiply-adds */

struct emitting {
    struct compiling *c;
    int32_t *next;     /* [units]: next member of the same group, in order */
    int32_t *last;     /* [units]: newest member, while lists are made */
    bool *outside;     /* [buffers]: read outside the group that writes it, or a result */
    uint32_t *slot_of; /* [buffers]: slot of a value made in this group + 1 */
    uint32_t *made;    /* [nodes]: the same for nodes, since units may repeat each other */
    size_t step_capacity;
};

static void *plan_new(struct compiling *c, size_t n, size_t size)
{
    return arena_new(&c->plan->arena, n, size);
}

static t2m_status no_memory(const struct compiling *c)
{
    return fail_memory(c->plan->lib, sizeof(struct step));
}

static struct step *step_new(struct emitting *e, size_t reads, size_t writes, size_t priority)
{
    t2m_plan *p = e->c->plan;
    if (!mem_grow(p->lib, (void **)&p->step, &e->step_capacity, p->steps + 1, sizeof *p->step))
        return NULL;
    struct step *s = &p->step[p->steps];
    *s = (struct step){.work = NO_BUFFER, .parts = 1, .priority = (uint32_t)priority};
    s->read = plan_new(e->c, reads, sizeof *s->read);
    s->write = plan_new(e->c, writes, sizeof *s->write);
    if (!s->read || !s->write)
        return NULL;
    p->steps++;
    return s;
}

static void step_reads(struct step *s, int32_t buffer)
{
    for (uint32_t i = 0; i < s->reads; i++)
        if (s->read[i] == buffer)
            return;
    s->read[s->reads++] = buffer;
}

/* ---- calls and copies ---- */

static bool call_nodes(struct emitting *e, const struct unit *u, struct step *s)
{
    const struct node *n = &e->c->g->nodes[u->id];
    struct node *mine = plan_new(e->c, 1 + n->arity, sizeof *mine);
    s->in = plan_new(e->c, n->arity, sizeof *s->in);
    s->x = plan_new(e->c, n->arity, sizeof *s->x);
    s->batch_stride = plan_new(e->c, n->arity, sizeof *s->batch_stride);
    if (!mine || !s->in || !s->x || !s->batch_stride)
        return false;
    mine[0] = *n;
    for (uint32_t k = 0; k < n->arity; k++) {
        const struct view *v = &u->read[k];
        const int64_t items = v->rank > 0 && v->dim[0] > 0 ? v->dim[0] : 1;
        mine[1 + k] = *node_input(e->c->g, n, k);
        mine[1 + k].in = NULL;
        s->in[k] = &mine[1 + k];
        s->x[k] = (struct operand){(int32_t)v->root, v->offset};
        s->batch_stride[k] = view_is_dense(v) ? (int64_t)view_numel(v) / items : v->stride[0];
        step_reads(s, (int32_t)v->root);
    }
    mine[0].in = NULL;
    mine[0].scope = "";
    s->node = mine;
    return true;
}

/* Reals for each worker */
static t2m_status room_for_work(struct compiling *c, struct step *s, size_t room)
{
    const size_t line = 64 / c->plan->k->real_size;
    s->room = (room + line - 1) / line * line;
    const size_t all = s->room * (s->parts > 1 ? c->plan->workers : 1);
    if (all > 0)
        s->work = plan_buffer_new(c, BUFFER_MEMORY, all, 0);
    return all > 0 && s->work == NO_BUFFER ? no_memory(c) : T2M_OK;
}

static t2m_status emit_call(struct emitting *e, size_t index)
{
    struct compiling *c = e->c;
    const struct unit *u = &c->unit[index];
    struct step *s = step_new(e, u->reads, 1, index);
    if (!s || !call_nodes(e, u, s))
        return no_memory(c);
    s->writes = 1;
    s->write[0] = u->writes;
    const struct op *op = s->node->op;
    struct call call = {.k = c->plan->k,
                        .node = s->node,
                        .in = s->in,
                        .batch_stride = s->batch_stride,
                        .parts = 1,
                        .workers = c->plan->workers};
    if (c->plan->parallel && op->parts)
        call.parts = s->parts = op->parts(&call);
    const size_t real = c->plan->k->real_size, work = op->work ? op->work(&call) : 0;
    TRY(room_for_work(c, s, (work + real - 1) / real));
    if (op->flops)
        c->plan->flops += op->flops(s->node, s->in);
    if (u->reads > c->plan->max_reads)
        c->plan->max_reads = u->reads;
    return T2M_OK;
}

static t2m_status emit_copy(struct emitting *e, size_t index)
{
    const struct unit *u = &e->c->unit[index];
    struct step *s = step_new(e, 1, 1, index);
    struct view v = u->read[0];
    if (!s || !(s->x = plan_new(e->c, 1, sizeof *s->x)))
        return no_memory(e->c);
    view_merge(&v);
    s->x[0] = (struct operand){(int32_t)v.root, v.offset};
    s->copy.rank = v.rank;
    for (int i = 0; i < v.rank; i++) {
        s->copy.dim[i] = (size_t)v.dim[i];
        s->copy.stride[i] = (ptrdiff_t)v.stride[i];
    }
    if (e->c->plan->parallel && v.rank > 0)
        s->parts = call_parts(2 * COST * (double)view_numel(&v), s->copy.dim[0]);
    step_reads(s, (int32_t)v.root);
    s->writes = 1;
    s->write[0] = u->writes;
    return T2M_OK;
}

/* ---- groups ---- */

static size_t group_parts(const struct group *g)
{
    return call_parts(COST * (double)(g->numel * (1 + g->instructions)), g->numel / g->piece);
}

/* A tile of whole rows of what is read repeated, and of whole blocks of rows where they fit: each
 * is then loaded in one piece, or once for all tiles. `unit`: what a tile is a multiple of. */
static size_t whole_rows(const struct unit *u, size_t unit)
{
    for (uint32_t k = 0; k < u->reads; k++) {
        struct view v = u->read[k];
        size_t rows = 1;
        if (view_is_dense(&v))
            continue;
        view_merge(&v);
        for (int i = v.rank - 1; i > 0 && rows * (size_t)v.dim[i] <= TILE; i--)
            rows *= (size_t)v.dim[i];
        if (rows > unit && rows % unit == 0)
            unit = rows;
    }
    return unit;
}

static void group_sizes(struct emitting *e, struct group *g, int32_t first)
{
    const struct compiling *c = e->c;
    size_t unit = 1, segment = 0;
    g->numel = dims_product(c->unit[first].dim, 0, c->unit[first].rank);
    for (int32_t i = first; i != NO_UNIT; i = e->next[i]) {
        g->instructions += c->unit[i].kind == UNIT_POINTWISE;
        g->sums += c->unit[i].kind == UNIT_SUM;
        g->slots += c->unit[i].reads + 1;
        if (c->unit[i].kind == UNIT_SUM)
            sum_fits(unit_reduce(c, &c->unit[i]), &unit, &segment);
    }
    for (int32_t i = first; i != NO_UNIT; i = e->next[i])
        if (c->unit[i].kind == UNIT_POINTWISE)
            unit = whole_rows(&c->unit[i], unit);
    g->tile = TILE / unit * unit;
    g->segment = segment ? segment : g->numel;
    if (c->plan->unplanned)
        g->tile = g->numel ? g->numel : 1;
    g->piece = segment ? segment : g->tile;
}

static enum slot_kind slot_kind_of(const struct group *g, const struct view *merged)
{
    size_t period = 1;
    for (int i = 1; i < merged->rank; i++)
        period *= (size_t)merged->dim[i];
    const bool repeats = merged->rank == 0 || merged->stride[0] == 0;
    return repeats && period <= g->tile && g->tile % period == 0 && g->segment % period == 0
               ? SLOT_PERIODIC
               : SLOT_LOADED;
}

static bool same_view(const struct view *a, const struct view *b)
{
    const size_t n = sizeof *a->dim * (size_t)a->rank;
    return a->root == b->root && a->offset == b->offset && a->rank == b->rank &&
           memcmp(a->dim, b->dim, n) == 0 && memcmp(a->stride, b->stride, n) == 0;
}

/* The slot through which an operand from outside is read. */
static uint32_t operand_slot(struct emitting *e, struct step *s, const struct view *read)
{
    struct group *g = s->group;
    struct slot new = {.buffer = (int32_t)read->root, .view = *read};
    view_merge(&new.view);
    for (size_t i = 0; i < g->slots; i++)
        if (g->slot[i].kind != SLOT_REGISTER && same_view(&g->slot[i].view, &new.view))
            return (uint32_t)i;
    new.kind = view_is_dense(read) && e->c->plan->buffer[read->root].kind != BUFFER_CONSTANT
                   ? SLOT_DIRECT
                   : slot_kind_of(g, &new.view);
    if (new.kind != SLOT_DIRECT)
        new.reg = g->registers++;
    step_reads(s, new.buffer);
    g->slot[g->slots] = new;
    return (uint32_t)g->slots++;
}

static uint32_t input_slot(struct emitting *e, struct step *s, const struct unit *u, uint32_t k)
{
    const uint32_t inside = e->slot_of[u->read[k].root];
    return inside ? inside - 1 : operand_slot(e, s, &u->read[k]);
}

static void emit_instruction(struct emitting *e, struct step *s, const struct unit *u)
{
    struct group *g = s->group;
    struct instruction *n = &g->instruction[g->instructions];
    if (e->made[u->id] && !e->outside[u->writes]) {
        e->slot_of[u->writes] = e->made[u->id];
        return;
    }
    struct slot y = {.kind = e->outside[u->writes] ? SLOT_DIRECT : SLOT_REGISTER,
                     .buffer = u->writes};
    n->pointwise = e->c->g->nodes[u->id].op->pointwise;
    for (uint32_t k = 0; k < MAX_ARITY; k++)
        n->x[k] = input_slot(e, s, u, k < u->reads ? k : 0);
    view_dense(&y.view, u->writes, u->rank, u->dim);
    view_merge(&y.view);
    if (y.kind == SLOT_DIRECT)
        s->write[s->writes++] = u->writes;
    n->y = (uint32_t)g->slots;
    g->slot[g->slots++] = y;
    g->instructions++;
    e->slot_of[u->writes] = e->made[u->id] = n->y + 1;
}

static void emit_sum(struct emitting *e, struct step *s, const struct unit *u)
{
    struct group *g = s->group;
    s->write[s->writes++] = u->writes;
    g->sum[g->sums++] = (struct tile_sum){input_slot(e, s, u, 0), u->writes, unit_reduce(e->c, u)};
}

/* Registers for values between instructions: one is free again after its last reader. */
static t2m_status assign_registers(struct emitting *e, struct group *g)
{
    struct compiling *c = e->c;
    size_t *last = arena_new(&c->arena, g->slots, sizeof *last),
           *free = arena_new(&c->arena, g->slots, sizeof *free), count = 0;
    if (!last || !free)
        return no_memory(c);
    for (size_t i = 0; i < g->instructions; i++)
        for (int k = 0; k < MAX_ARITY; k++)
            last[g->instruction[i].x[k]] = i;
    for (size_t i = 0; i < g->sums; i++)
        last[g->sum[i].x] = g->instructions;
    for (size_t i = 0; i < g->instructions; i++) {
        struct slot *y = &g->slot[g->instruction[i].y];
        if (y->kind == SLOT_REGISTER)
            y->reg = count ? free[--count] : g->registers++;
        for (int k = 0; k < MAX_ARITY; k++) {
            const uint32_t x = g->instruction[i].x[k];
            if (g->slot[x].kind == SLOT_REGISTER && last[x] == i) {
                free[count++] = g->slot[x].reg;
                last[x] = SIZE_MAX; /* once, though it may be read twice */
            }
        }
    }
    return T2M_OK;
}

static t2m_status emit_group(struct emitting *e, int32_t first)
{
    struct compiling *c = e->c;
    struct group *g = plan_new(c, 1, sizeof *g);
    if (!g)
        return no_memory(c);
    group_sizes(e, g, first);
    const size_t writes = g->instructions + g->sums;
    size_t priority = 0, slots = g->slots;
    for (int32_t i = first; i != NO_UNIT; i = e->next[i]) {
        priority = (size_t)i;
        slots += MAX_ARITY;
    }
    struct step *s = step_new(e, slots, writes, priority);
    g->slot = plan_new(c, slots, sizeof *g->slot);
    g->instruction = plan_new(c, g->instructions, sizeof *g->instruction);
    g->sum = plan_new(c, g->sums, sizeof *g->sum);
    if (!s || !g->slot || !g->instruction || !g->sum)
        return no_memory(c);
    s->group = g;
    g->slots = g->instructions = g->sums = 0;
    for (int32_t i = first; i != NO_UNIT; i = e->next[i])
        if (c->unit[i].kind == UNIT_SUM)
            emit_sum(e, s, &c->unit[i]);
        else
            emit_instruction(e, s, &c->unit[i]);
    for (int32_t i = first; i != NO_UNIT; i = e->next[i])
        e->slot_of[c->unit[i].writes] = e->made[c->unit[i].id] = 0;
    TRY(assign_registers(e, g));
    if (g->slots > c->plan->max_slots)
        c->plan->max_slots = g->slots;
    if (c->plan->parallel)
        s->parts = group_parts(g);
    return room_for_work(c, s, g->registers * g->tile);
}

/* ---- all ---- */

static bool in_group(const struct unit *u)
{
    return !u->alone && (u->kind == UNIT_POINTWISE || u->kind == UNIT_SUM);
}

static void find_outside(struct emitting *e)
{
    const struct compiling *c = e->c;
    for (size_t i = 0; i < c->plan->buffers; i++)
        e->outside[i] = c->plan->buffer[i].kind == BUFFER_OUTPUT;
    for (size_t i = 0; i < c->units; i++)
        for (uint32_t k = 0; k < c->unit[i].reads; k++) {
            const uint32_t b = c->unit[i].read[k].root;
            const int32_t w = c->plan->buffer[b].writer;
            if (w != NO_UNIT && (!in_group(&c->unit[i]) || !in_group(&c->unit[w]) ||
                                 c->unit[i].group != c->unit[w].group))
                e->outside[b] = true;
        }
}

/* Members of each group as a list in order; unit `group` may itself have left it. */
static void list_members(struct emitting *e)
{
    const struct compiling *c = e->c;
    for (size_t i = 0; i < c->units; i++)
        e->next[i] = e->last[i] = NO_UNIT;
    for (size_t i = 0; i < c->units; i++) {
        const int32_t g = c->unit[i].group;
        if (!in_group(&c->unit[i]))
            continue;
        if (e->last[g] != NO_UNIT)
            e->next[e->last[g]] = (int32_t)i;
        e->last[g] = (int32_t)i;
    }
}

t2m_status plan_emit(struct compiling *c)
{
    struct emitting e = {.c = c};
    e.next = arena_new(&c->arena, c->units, sizeof *e.next);
    e.last = arena_new(&c->arena, c->units, sizeof *e.last);
    e.outside = arena_new(&c->arena, c->plan->buffers, sizeof *e.outside);
    e.slot_of = arena_new(&c->arena, c->plan->buffers, sizeof *e.slot_of);
    e.made = arena_new(&c->arena, c->g->count, sizeof *e.made);
    bool *begun = arena_new(&c->arena, c->units, sizeof *begun);
    if (!e.next || !e.last || !e.outside || !e.slot_of || !e.made || !begun)
        return no_memory(c);
    find_outside(&e);
    list_members(&e);
    for (size_t i = 0; i < c->units; i++) {
        const struct unit *u = &c->unit[i];
        const bool single = u->kind == UNIT_SUM && u->group == (int32_t)i && e.next[i] == NO_UNIT;
        if (!in_group(u) || single) {
            TRY(u->kind == UNIT_COPY ? emit_copy(&e, i) : emit_call(&e, i));
        } else if (!begun[u->group]) {
            begun[u->group] = true;
            TRY(emit_group(&e, (int32_t)i));
        }
    }
    return T2M_OK;
}
