/* fuse.c: pointwise units, and sums, that go over the same numbers become one group, which runs
 * tile by tile in cache. Every unit has a stage: a unit may join others of its stage and shape, and
 * depends on none of them but number by number; so groups cannot depend on each other in a circle.
 * A unit with one large operand waits until its result is needed: what lives meanwhile is its
 * operand instead of its result, which is as large, and often alive anyway. */
#include "engine/plan/plan.h"

#include <stdlib.h>

static bool is_loose(const struct unit *u)
{
    return u->kind == UNIT_POINTWISE || u->kind == UNIT_SUM;
}

/* As many numbers: what is read whole is then read in the same order, whatever the axes. */
static bool same_numel(const struct unit *a, const struct unit *b)
{
    return dims_product(a->dim, 0, a->rank) == dims_product(b->dim, 0, b->rank);
}

bool unit_reads_whole(const struct compiling *c, const struct unit *u, uint32_t k)
{
    const struct view *v = &u->read[k];
    return v->offset == 0 && view_is_dense(v) && c->plan->buffer[v->root].numel == view_numel(v);
}

struct reduce_shape unit_reduce(const struct compiling *c, const struct unit *u)
{
    const int64_t *attr = c->g->nodes[u->id].attr.i;
    const int first = (int)attr[0], end = first + (int)attr[1];
    return (struct reduce_shape){dims_product(u->dim, 0, first), dims_product(u->dim, first, end),
                                 dims_product(u->dim, end, u->rank)};
}

static const struct unit *writer_of(const struct compiling *c, const struct view *v)
{
    const int32_t w = c->plan->buffer[v->root].writer;
    return w == NO_UNIT ? NULL : &c->unit[w];
}

/* Operand k of u comes from a pointwise unit over the same numbers, so both may share a group. */
static bool joins(const struct compiling *c, const struct unit *u, uint32_t k)
{
    const struct unit *p = writer_of(c, &u->read[k]);
    return p && is_loose(u) && p->kind == UNIT_POINTWISE && same_numel(u, p) &&
           unit_reads_whole(c, u, k);
}

static void first_stages(struct compiling *c)
{
    for (size_t i = 0; i < c->units; i++) {
        struct unit *u = &c->unit[i];
        for (uint32_t k = 0; k < u->reads; k++) {
            const struct unit *p = writer_of(c, &u->read[k]);
            const int32_t stage = p ? p->stage + !joins(c, u, k) : 0;
            u->stage = stage > u->stage ? stage : u->stage;
        }
    }
}

/* It is made from one operand as large as the result, at most, at once or in a few operations. */
static bool may_wait(const struct compiling *c, const struct unit *u)
{
    const size_t numel = dims_product(u->dim, 0, u->rank);
    uint32_t large = 0;
    for (uint32_t k = 0; k < u->reads; k++) {
        bool again = false;
        for (uint32_t j = 0; j < k; j++)
            again = again || u->read[j].root == u->read[k].root;
        large += !again && 2 * view_distinct(&u->read[k]) > numel;
    }
    return u->kind == UNIT_POINTWISE && (large <= 1 || u->leaf != NO_BUFFER) &&
           c->plan->buffer[u->writes].kind != BUFFER_OUTPUT;
}

static t2m_status late_stages(struct compiling *c)
{
    int32_t *limit = arena_new(&c->arena, c->units, sizeof *limit);
    if (!limit)
        return fail_memory(c->plan->lib, c->units * sizeof *limit);
    for (size_t i = 0; i < c->units; i++)
        limit[i] = INT32_MAX;
    for (size_t i = c->units; i-- > 0;) {
        struct unit *u = &c->unit[i];
        if (limit[i] != INT32_MAX && limit[i] > u->stage && may_wait(c, u))
            u->stage = limit[i];
        for (uint32_t k = 0; k < u->reads; k++) {
            const struct unit *p = writer_of(c, &u->read[k]);
            const int32_t stage = u->stage - !joins(c, u, k);
            if (p && stage < limit[p - c->unit])
                limit[p - c->unit] = stage;
        }
    }
    return T2M_OK;
}

static int32_t group_of(struct compiling *c, int32_t u)
{
    while (c->unit[u].group != u)
        u = c->unit[u].group = c->unit[c->unit[u].group].group;
    return u;
}

static void join_groups(struct compiling *c, int32_t a, int32_t b)
{
    a = group_of(c, a);
    b = group_of(c, b);
    if (a < b)
        c->unit[b].group = a;
    else
        c->unit[a].group = b;
}

struct staged {
    int32_t stage, unit;
};

static int by_stage(const void *p, const void *q)
{
    const struct staged *a = p, *b = q;
    return a->stage != b->stage ? (a->stage > b->stage) - (a->stage < b->stage)
                                : (a->unit > b->unit) - (a->unit < b->unit);
}

/* Joins u to the writers of its operands, and to who of its stage read the same buffer before it in
 * the same way. */
static void join_unit(struct compiling *c, int32_t i, int32_t *reader)
{
    const struct unit *u = &c->unit[i];
    for (uint32_t k = 0; is_loose(u) && k < u->reads; k++) {
        const uint32_t root = u->read[k].root;
        const struct unit *p = writer_of(c, &u->read[k]);
        if (c->plan->buffer[root].kind == BUFFER_CONSTANT || !unit_reads_whole(c, u, k))
            continue;
        if (joins(c, u, k) && p->stage == u->stage)
            join_groups(c, i, (int32_t)(p - c->unit));
        const int32_t other = reader[root];
        if (other != NO_UNIT && c->unit[other].stage == u->stage && same_numel(u, &c->unit[other]))
            join_groups(c, i, other);
        reader[root] = i;
    }
}

/* Stage by stage, so that the last reader of a buffer is one of the same stage, if there is any. */
static t2m_status make_groups(struct compiling *c)
{
    int32_t *reader = arena_new(&c->arena, c->plan->buffers, sizeof *reader);
    struct staged *order = arena_new(&c->arena, c->units, sizeof *order);
    if (!reader || !order)
        return fail_memory(c->plan->lib, c->plan->buffers * sizeof *reader);
    for (size_t i = 0; i < c->plan->buffers; i++)
        reader[i] = NO_UNIT;
    for (size_t i = 0; i < c->units; i++)
        order[i] = (struct staged){c->unit[i].stage, (int32_t)i};
    qsort(order, c->units, sizeof *order, by_stage);
    for (size_t i = 0; i < c->units; i++)
        join_unit(c, order[i].unit, reader);
    for (size_t i = 0; i < c->units; i++)
        c->unit[i].group = group_of(c, (int32_t)i);
    return T2M_OK;
}

/* ---- sums in tiles ---- */

bool sum_fits(struct reduce_shape s, size_t *unit, size_t *segment)
{
    const size_t item = s.reduce * s.inner;
    *segment = item;
    if (item == 0 || s.outer == 0)
        return false;
    if (item <= TILE) { /* whole items in each tile */
        *unit = item;
        *segment = 0;
        return true;
    }
    *unit = s.inner == 1 ? TILE : s.inner;
    return s.inner <= TILE;
}

/* Sums of a group whose tiles do not fit the group's first sum leave it. */
static t2m_status settle_sums(struct compiling *c)
{
    size_t *unit = arena_new(&c->arena, c->units, sizeof *unit),
           *segment = arena_new(&c->arena, c->units, sizeof *segment);
    if (!unit || !segment)
        return fail_memory(c->plan->lib, 2 * c->units * sizeof *unit);
    for (size_t i = 0; i < c->units; i++) {
        struct unit *u = &c->unit[i];
        const int32_t g = u->group;
        size_t want, part;
        if (u->kind != UNIT_SUM)
            continue;
        const bool fits = sum_fits(unit_reduce(c, u), &want, &part) &&
                          (unit[g] == 0 || (unit[g] == want && segment[g] == part));
        u->alone = !fits;
        if (fits) {
            unit[g] = want;
            segment[g] = part;
        }
    }
    return T2M_OK;
}

t2m_status plan_fuse(struct compiling *c)
{
    if (c->plan->unplanned)
        return T2M_OK;
    first_stages(c);
    TRY(late_stages(c));
    TRY(make_groups(c));
    return settle_sums(c);
}
