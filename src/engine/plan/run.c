/* run.c: workspaces and the running of a plan. Nothing here allocates after the workspace is there,
 * and nothing can fail. */
#include "engine/plan/plan.h"

#include <string.h>

enum { ALIGNMENT = 64 };

t2m_status t2m_workspace_new(const t2m_plan *plan, t2m_workspace **out)
{
    t2m_workspace *w = mem_new(plan->lib, 1, sizeof *w);
    if (!w)
        return fail_memory(plan->lib, sizeof *w);
    w->plan = plan;
    w->memory = mem_resize(plan->lib, NULL, plan->memory + ALIGNMENT, 1); /* not cleared */
    w->base = mem_new(plan->lib, plan->buffers, sizeof *w->base);
    w->slot = mem_new(plan->lib, plan->max_slots, sizeof *w->slot);
    w->read = mem_new(plan->lib, plan->max_reads, sizeof *w->read);
    if (!w->memory || !w->base || !w->slot || !w->read) {
        t2m_workspace_free(w);
        return fail_memory(plan->lib, plan->memory);
    }
    char *start = w->memory + (ALIGNMENT - (uintptr_t)w->memory % ALIGNMENT) % ALIGNMENT;
    for (size_t i = 0; i < plan->buffers; i++) {
        const struct buffer *b = &plan->buffer[i];
        if (b->kind == BUFFER_MEMORY)
            w->base[i] = start + b->place;
        else if (b->kind == BUFFER_CONSTANT)
            w->base[i] = (char *)plan->constant + b->place * plan->k->real_size;
    }
    *out = w;
    return T2M_OK;
}

void t2m_workspace_free(t2m_workspace *w)
{
    if (!w)
        return;
    t2m *lib = w->plan->lib;
    mem_free(lib, w->memory);
    mem_free(lib, w->base);
    mem_free(lib, w->slot);
    mem_free(lib, w->read);
    mem_free(lib, w);
}

static char *at(const t2m_workspace *w, int32_t buffer, int64_t reals)
{
    return (char *)w->base[buffer] + reals * (int64_t)w->plan->k->real_size;
}

/* ---- calls and copies ---- */

static void run_call(const struct step *s, t2m_workspace *w)
{
    for (uint32_t k = 0; k < s->node->arity; k++)
        w->read[k] = at(w, s->x[k].buffer, s->x[k].offset);
    const struct call call = {.k = w->plan->k,
                              .node = s->node,
                              .in = s->in,
                              .batch_stride = s->batch_stride,
                              .x = w->read,
                              .y = w->base[s->write[0]],
                              .work = s->work == NO_BUFFER ? NULL : w->base[s->work]};
    s->node->op->run(&call);
}

static void run_copy(const struct step *s, const t2m_workspace *w)
{
    w->plan->k->copy(&s->copy, at(w, s->x[0].buffer, s->x[0].offset), w->base[s->write[0]]);
}

/* ---- groups ---- */

/* Copies `length` numbers of the slot's view, from the number `start` on, into its register: the
 * rest of a row, then whole rows in one piece, then the beginning of a row. */
static void load(const struct slot *s, const t2m_workspace *w, size_t start, size_t length,
                 char *to)
{
    const struct kernels *k = w->plan->k;
    const struct view *v = &s->view;
    const int last = v->rank - 1;
    const size_t row = last >= 0 ? (size_t)v->dim[last] : 1;
    const ptrdiff_t step = last >= 0 ? (ptrdiff_t)v->stride[last] : 0;
    while (length > 0) {
        size_t rest = start;
        int64_t offset = v->offset;
        for (int i = last; i >= 0; i--) {
            offset += (int64_t)(rest % (size_t)v->dim[i]) * v->stride[i];
            rest /= (size_t)v->dim[i];
        }
        const size_t column = last >= 0 ? start % row : 0;
        const size_t group = last >= 1 ? (size_t)v->dim[last - 1] : 1;
        const size_t left = group - start / row % group; /* rows that follow evenly */
        size_t rows = column == 0 ? length / row : 0;
        rows = rows > left ? left : rows;
        const size_t piece = row - column < length ? row - column : length;
        struct copy_shape shape = {1, {piece}, {step}};
        if (rows > 1)
            shape = (struct copy_shape){2, {rows, row}, {(ptrdiff_t)v->stride[last - 1], step}};
        k->copy(&shape, at(w, s->buffer, offset), to);
        const size_t done = rows > 1 ? rows * row : piece;
        to += done * k->real_size;
        start += done;
        length -= done;
    }
}

static void sum_tile(const struct tile_sum *t, const t2m_workspace *w, const char *x, size_t start,
                     size_t length)
{
    const struct kernels *k = w->plan->k;
    const size_t item = t->shape.reduce * t->shape.inner, first = start / item;
    struct reduce_shape s = t->shape;
    char *y = at(w, t->buffer, (int64_t)(first * s.inner));
    if (item <= TILE) {
        s.outer = length / item;
        k->reduce_sum(&s, x, y);
        return;
    }
    s.outer = 1;
    s.reduce = length / s.inner;
    if (start % item == 0)
        k->reduce_sum(&s, x, y);
    else
        k->reduce_add(&s, x, y);
}

static void run_tile(const struct group *g, t2m_workspace *w, char *registers, size_t start,
                     size_t length)
{
    const struct kernels *k = w->plan->k;
    const size_t real = k->real_size;
    char **slot = w->slot;
    for (size_t i = 0; i < g->slots; i++) {
        const struct slot *s = &g->slot[i];
        if (s->kind == SLOT_DIRECT)
            slot[i] = at(w, s->buffer, s->view.offset + (int64_t)start);
        else if (s->kind == SLOT_LOADED)
            load(s, w, start, length, registers + s->reg * g->tile * real);
    }
    for (size_t i = 0; i < g->instructions; i++) {
        const struct instruction *n = &g->instruction[i];
        k->pointwise[n->pointwise](length, slot[n->y], slot[n->x[0]], slot[n->x[1]], slot[n->x[2]]);
    }
    for (size_t i = 0; i < g->sums; i++)
        sum_tile(&g->sum[i], w, slot[g->sum[i].x], start, length);
}

static void run_group(const struct step *step, t2m_workspace *w)
{
    const struct group *g = step->group;
    char *registers = step->work == NO_BUFFER ? NULL : w->base[step->work];
    const size_t first = g->tile < g->numel ? g->tile : g->numel;
    for (size_t i = 0; i < g->slots; i++) {
        const struct slot *s = &g->slot[i];
        if (s->kind == SLOT_DIRECT)
            continue;
        w->slot[i] = registers + s->reg * g->tile * w->plan->k->real_size;
        if (s->kind == SLOT_PERIODIC)
            load(s, w, 0, first, w->slot[i]);
    }
    for (size_t start = 0; start < g->numel;) {
        size_t length = g->segment - start % g->segment;
        length = length < g->tile ? length : g->tile;
        run_tile(g, w, registers, start, length);
        start += length;
    }
}

void plan_bind(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out)
{
    for (size_t i = 0; i < plan->buffers; i++) {
        const struct buffer *b = &plan->buffer[i];
        if (b->kind == BUFFER_INPUT)
            w->base[i] = (void *)(uintptr_t)in[b->place]; /* only read */
        else if (b->kind == BUFFER_OUTPUT)
            w->base[i] = out[b->place];
    }
}

void plan_run_step(const struct step *s, t2m_workspace *w)
{
    if (s->node)
        run_call(s, w);
    else if (s->group)
        run_group(s, w);
    else
        run_copy(s, w);
}

void t2m_run(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out)
{
    plan_bind(plan, w, in, out);
    for (size_t i = 0; i < plan->steps; i++)
        plan_run_step(&plan->step[i], w);
}
