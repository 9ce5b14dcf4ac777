/* schedule.c: the steps in an order, and the buffers in one block of memory. Among the steps that
 * could be next, the one whose last node is oldest goes first: that follows the order in which the
 * function was written, forward before backward. A buffer's bytes are free again after its last
 * reader; large buffers are placed first, each at the lowest place that is free all its life. */
#include "engine/plan/plan.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* bytes: a cache line */

struct scheduling {
    struct compiling *c;
    int32_t *writer;                  /* [buffers]: step, or -1 */
    uint32_t *missing;                /* [steps]: operands not yet written */
    uint32_t *readers, *first_reader; /* [buffers + 1] offsets into readers */
    uint32_t *heap;
    size_t heap_size;
};

static bool before(const struct scheduling *s, uint32_t a, uint32_t b)
{
    return s->c->plan->step[a].priority < s->c->plan->step[b].priority;
}

static void heap_push(struct scheduling *s, uint32_t step)
{
    size_t at = s->heap_size++;
    for (; at > 0 && before(s, step, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = step;
}

static uint32_t heap_pop(struct scheduling *s)
{
    const uint32_t top = s->heap[0], last = s->heap[--s->heap_size];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->heap_size)
            break;
        if (child + 1 < s->heap_size && before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!before(s, s->heap[child], last))
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return top;
}

static t2m_status scheduling_new(struct scheduling *s, struct compiling *c)
{
    const t2m_plan *p = c->plan;
    size_t reads = 0;
    *s = (struct scheduling){.c = c};
    for (size_t i = 0; i < p->steps; i++)
        reads += p->step[i].reads;
    s->writer = arena_new(&c->arena, p->buffers, sizeof *s->writer);
    s->missing = arena_new(&c->arena, p->steps, sizeof *s->missing);
    s->first_reader = arena_new(&c->arena, p->buffers + 2, sizeof *s->first_reader);
    s->readers = arena_new(&c->arena, reads, sizeof *s->readers);
    s->heap = arena_new(&c->arena, p->steps, sizeof *s->heap);
    if (!s->writer || !s->missing || !s->first_reader || !s->readers || !s->heap)
        return fail_memory(p->lib, p->buffers * sizeof *s->writer);
    for (size_t i = 0; i < p->buffers; i++)
        s->writer[i] = -1;
    for (size_t i = 0; i < p->steps; i++) {
        for (uint32_t k = 0; k < p->step[i].writes; k++)
            s->writer[p->step[i].write[k]] = (int32_t)i;
        for (uint32_t k = 0; k < p->step[i].reads; k++)
            s->first_reader[p->step[i].read[k] + 2]++;
    }
    for (size_t b = 2; b < p->buffers + 2; b++)
        s->first_reader[b] += s->first_reader[b - 1];
    for (size_t i = 0; i < p->steps; i++)
        for (uint32_t k = 0; k < p->step[i].reads; k++) {
            const int32_t b = p->step[i].read[k];
            s->readers[s->first_reader[b + 1]++] = (uint32_t)i;
            s->missing[i] += s->writer[b] >= 0;
        }
    return T2M_OK;
}

static t2m_status order_steps(struct scheduling *s)
{
    t2m_plan *p = s->c->plan;
    struct step *ordered = mem_new(p->lib, p->steps, sizeof *ordered);
    size_t count = 0;
    if (!ordered)
        return fail_memory(p->lib, p->steps * sizeof *ordered);
    for (size_t i = 0; i < p->steps; i++)
        if (s->missing[i] == 0)
            heap_push(s, (uint32_t)i);
    while (s->heap_size > 0) {
        const struct step *step = &p->step[heap_pop(s)];
        ordered[count++] = *step;
        for (uint32_t k = 0; k < step->writes; k++) {
            const int32_t b = step->write[k];
            for (uint32_t r = s->first_reader[b]; r < s->first_reader[b + 1]; r++)
                if (--s->missing[s->readers[r]] == 0)
                    heap_push(s, s->readers[r]);
        }
    }
    const bool all = count == p->steps;
    mem_free(p->lib, p->step);
    p->step = ordered;
    p->steps = count;
    return all ? T2M_OK : refuse(p->lib, T2M_EFAIL, "compile: the steps depend on each other");
}

/* ---- memory ---- */

static void touch(t2m_plan *p, int32_t buffer, size_t step)
{
    struct buffer *b = &p->buffer[buffer];
    b->first = step < b->first ? (uint32_t)step : b->first;
    b->last = step > b->last ? (uint32_t)step : b->last;
}

void plan_find_lives(t2m_plan *p)
{
    for (size_t b = 0; b < p->buffers; b++) {
        p->buffer[b].first = UINT32_MAX;
        p->buffer[b].last = 0;
    }
    for (size_t i = 0; i < p->steps; i++) {
        const struct step *s = &p->step[i];
        for (uint32_t k = 0; k < s->reads; k++)
            touch(p, s->read[k], i);
        for (uint32_t k = 0; k < s->writes; k++)
            touch(p, s->write[k], i);
        if (s->work != NO_BUFFER)
            touch(p, s->work, i);
    }
}

struct placed {
    size_t start, end; /* bytes */
    uint32_t first, last;
};

struct request {
    size_t bytes;
    uint32_t buffer;
};

static int larger_first(const void *p, const void *q)
{
    const struct request *a = p, *b = q;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return (a->buffer > b->buffer) - (a->buffer < b->buffer);
}

/* `placed` is sorted by start. The lowest gap between those that live at the same time. */
static size_t lowest_place(const struct placed *placed, size_t n, size_t bytes,
                           const struct buffer *b)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (placed[i].last < b->first || placed[i].first > b->last)
            continue;
        if (placed[i].start >= at + bytes)
            break;
        at = placed[i].end > at ? placed[i].end : at;
    }
    return at;
}

t2m_status plan_place(struct compiling *c)
{
    t2m_plan *p = c->plan;
    struct request *want = arena_new(&c->arena, p->buffers, sizeof *want);
    struct placed *placed = arena_new(&c->arena, p->buffers, sizeof *placed);
    size_t n = 0, count = 0;
    if (!want || !placed)
        return fail_memory(p->lib, p->buffers * sizeof *placed);
    p->memory = 0;
    for (size_t b = 0; b < p->buffers; b++) {
        const size_t bytes = p->buffer[b].numel * p->k->real_size;
        if (p->buffer[b].kind == BUFFER_MEMORY && p->buffer[b].first != UINT32_MAX)
            want[n++] =
                (struct request){(bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, (uint32_t)b};
    }
    qsort(want, n, sizeof *want, larger_first);
    for (size_t i = 0; i < n; i++) {
        struct buffer *b = &p->buffer[want[i].buffer];
        size_t at;
        if (p->unplanned) {
            b->place = p->memory;
            p->memory += want[i].bytes;
            continue;
        }
        b->place = lowest_place(placed, count, want[i].bytes, b);
        for (at = count; at > 0 && placed[at - 1].start > b->place; at--)
            placed[at] = placed[at - 1];
        placed[at] = (struct placed){b->place, b->place + want[i].bytes, b->first, b->last};
        count++;
        if (b->place + want[i].bytes > p->memory)
            p->memory = b->place + want[i].bytes;
    }
    return T2M_OK;
}

t2m_status plan_schedule(struct compiling *c)
{
    struct scheduling s;
    TRY(scheduling_new(&s, c));
    TRY(order_steps(&s));
    plan_find_lives(c->plan);
    TRY(plan_place(c));
    return c->plan->most > 0 && c->plan->memory > c->plan->most ? plan_repeat(c) : T2M_OK;
}
