/* run.c: workspaces and the running of a plan. Nothing here allocates after the workspace is there,
 * and nothing can fail. */
#include "engine/plan/plan.h"

#include "engine/compute/pool.h"
#include "engine/plan/times.h"

#include <string.h>

/* Memory of some megabytes begins with a large page, for which mem_resize asks. */
enum { ALIGNMENT = 64, LARGE_PAGE = 2 << 20 };

static size_t alignment_of(size_t memory)
{
    return memory < LARGE_PAGE ? ALIGNMENT : LARGE_PAGE;
}

static char *first_place(char *start, size_t memory)
{
    const size_t alignment = alignment_of(memory);
    return start + (alignment - (uintptr_t)start % alignment) % alignment;
}

t2m_status t2m_workspace_new(const t2m_plan *plan, t2m_workspace **out)
{
    t2m_workspace *w = mem_new(plan->lib, 1, sizeof *w);
    if (!w)
        return fail_memory(plan->lib, sizeof *w);
    w->plan = plan; /* its memory is not cleared */
    w->memory = mem_resize(plan->lib, NULL, plan->memory + alignment_of(plan->memory), 1);
    w->base = mem_new(plan->lib, plan->buffers, sizeof *w->base);
    w->slot = mem_new(plan->lib, plan->workers * plan->max_slots, sizeof *w->slot);
    w->read = mem_new(plan->lib, plan->max_reads, sizeof *w->read);
    if (!w->memory || !w->base || !w->slot || !w->read) {
        t2m_workspace_free(w);
        return fail_memory(plan->lib, plan->memory);
    }
    char *start = first_place(w->memory, plan->memory);
    for (size_t i = 0; i < plan->buffers; i++) {
        const struct buffer *b = &plan->buffer[i];
        if (b->kind == BUFFER_MEMORY)
            w->base[i] = start + b->place;
        else if (b->kind == BUFFER_CONSTANT)
            w->base[i] = (char *)plan->constant + b->place * plan->k->real_size;
    }
    const t2m_status status = plan->lib->times ? times_join(w) : T2M_OK;
    if (status == T2M_OK)
        *out = w;
    else
        t2m_workspace_free(w);
    return status;
}

void t2m_workspace_free(t2m_workspace *w)
{
    if (!w)
        return;
    t2m *lib = w->plan->lib;
    if (w->row)
        times_leave(w);
    mem_free(lib, w->memory);
    mem_free(lib, w->base);
    mem_free(lib, w->slot);
    mem_free(lib, w->read);
    mem_free(lib, w->row);
    mem_free(lib, w->seconds);
    mem_free(lib, w);
}

static char *at(const t2m_workspace *w, int32_t buffer, int64_t reals)
{
    return (char *)w->base[buffer] + reals * (int64_t)w->plan->k->real_size;
}

/* A step that runs, whole or in parts. */
struct running {
    const struct step *s;
    t2m_workspace *w;
};

static void *work_of(const struct running *r, size_t worker)
{
    return r->s->work == NO_BUFFER ? NULL : at(r->w, r->s->work, (int64_t)(worker * r->s->room));
}

/* ---- calls and copies ---- */

static struct call call_of(const struct running *r, size_t part, size_t worker)
{
    const struct step *s = r->s;
    return (struct call){.k = r->w->plan->k,
                         .node = s->node,
                         .in = s->in,
                         .batch_stride = s->batch_stride,
                         .x = r->w->read,
                         .y = r->w->base[s->write[0]],
                         .work = work_of(r, worker),
                         .part = part,
                         .parts = s->parts,
                         .workers = r->w->plan->workers};
}

static void run_call(void *ctx, size_t part, size_t worker)
{
    const struct running *r = ctx;
    const struct call call = call_of(r, part, worker);
    r->s->node->op->run(&call);
}

static void run_copy(void *ctx, size_t part, size_t worker)
{
    const struct running *r = ctx;
    const struct step *s = r->s;
    struct copy_shape shape = s->copy;
    size_t first = 0, row = 1;
    (void)worker;
    for (int i = 1; i < shape.rank; i++)
        row *= shape.dim[i];
    if (s->parts > 1) {
        first = shape.dim[0] * part / s->parts;
        shape.dim[0] = shape.dim[0] * (part + 1) / s->parts - first;
    }
    const int64_t from = shape.rank ? (int64_t)first * shape.stride[0] : 0;
    r->w->plan->k->copy(&shape, at(r->w, s->x[0].buffer, s->x[0].offset + from),
                        at(r->w, s->write[0], (int64_t)(first * row)));
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

static void run_tile(const struct group *g, const t2m_workspace *w, char **slot, char *registers,
                     size_t start, size_t length)
{
    const struct kernels *k = w->plan->k;
    const size_t real = k->real_size;
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

static void run_group(void *ctx, size_t part, size_t worker)
{
    const struct running *r = ctx;
    const struct group *g = r->s->group;
    t2m_workspace *w = r->w;
    char *registers = work_of(r, worker), **slot = w->slot + worker * w->plan->max_slots;
    const size_t first = g->tile < g->numel ? g->tile : g->numel, pieces = g->numel / g->piece;
    const bool last = part + 1 == r->s->parts;
    const size_t end = last ? g->numel : pieces * (part + 1) / r->s->parts * g->piece;
    for (size_t i = 0; i < g->slots; i++) {
        const struct slot *s = &g->slot[i];
        if (s->kind == SLOT_DIRECT)
            continue;
        slot[i] = registers + s->reg * g->tile * w->plan->k->real_size;
        if (s->kind == SLOT_PERIODIC)
            load(s, w, 0, first, slot[i]);
    }
    for (size_t start = pieces * part / r->s->parts * g->piece; start < end;) {
        size_t length = g->segment - start % g->segment;
        length = length < g->tile ? length : g->tile;
        run_tile(g, w, slot, registers, start, length);
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
    struct running r = {s, w};
    if (s->node)
        for (uint32_t k = 0; k < s->node->arity; k++)
            w->read[k] = at(w, s->x[k].buffer, s->x[k].offset);
    pool_job *const job = s->node ? run_call : s->group ? run_group : run_copy;
    if (w->row)
        times_run(w, (size_t)(s - w->plan->step), &(struct timed){s->parts, job, &r});
    else
        pool_run(w->plan->lib->pool, s->parts, job, &r);
}

void t2m_run(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out)
{
    plan_bind(plan, w, in, out);
    for (size_t i = 0; i < plan->steps; i++)
        plan_run_step(&plan->step[i], w);
    w->runs++;
}
