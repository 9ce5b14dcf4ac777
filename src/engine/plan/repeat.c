/* repeat.c: values computed again rather than kept, until a plan fits in the memory it may take
 * (rematerialisation; Kumar et al. 2019 do the same on graphs). Where the most memory is in use, a
 * buffer that is not needed for a while is given up after its last reader before, and the step that
 * writes it is run once more before its next reader; so are the steps whose results that one reads
 * and which are gone by then. A step that is repeated reads the same numbers and so writes the same
 * bits. Among all such moves the one goes first that takes most off what is too much, in bytes
 * times steps, for its work. Called by schedule.c when the steps have their order. */
#include "engine/plan/plan.h"

#include <string.h>

enum { CHAIN = 32, BYTE_WORK = 5 /* multiply-adds that a byte from memory takes as long as */ };
static const double most_work = 1; /* repeated steps take at most so many times that of all */
static const size_t small = 8;     /* of what is repeated: so small operands are kept instead */

struct version {            /* of a value: a buffer that has it for some time */
    int32_t value, next;    /* the first buffer with it; the next older version, or NO_BUFFER */
    int32_t newest;         /* of a value */
    int32_t writer;         /* step */
    uint32_t before, after; /* the steps that use it next to the peak; UINT32_MAX: none */
};

struct move { /* `buffer` is given up after the step `from` and made again before `to` */
    int32_t buffer;
    uint32_t from, to;
    size_t links, kept;
    uint32_t link[CHAIN]; /* steps, in their order */
    int32_t keep[CHAIN];  /* buffers that live on until `to` */
    double work, gain;
};

struct repeating {
    struct compiling *c;
    t2m_plan *p;
    size_t step_capacity, version_capacity, live_capacity, versions;
    struct version *version; /* [buffers] */
    size_t *live;            /* [steps]: bytes in use */
    size_t peak;             /* the step with most of them */
    size_t target;           /* bytes */
    double work, allowed;    /* of the steps that were repeated */
};

static size_t bytes_of(const t2m_plan *p, int32_t buffer)
{
    return p->buffer[buffer].numel * p->k->real_size;
}

static double work_of_step(const t2m_plan *p, const struct step *s)
{
    return plan_step_flops(s) / 2 + BYTE_WORK * plan_step_bytes(p, s);
}

/* ---- what there is ---- */

static bool add_versions(struct repeating *r)
{
    t2m_plan *p = r->p;
    if (!mem_grow(p->lib, (void **)&r->version, &r->version_capacity, p->buffers,
                  sizeof *r->version))
        return false;
    for (; r->versions < p->buffers; r->versions++) {
        const int32_t b = (int32_t)r->versions;
        r->version[b] = (struct version){.value = b, .next = NO_BUFFER, .newest = b};
    }
    return true;
}

static bool counts(const struct buffer *b)
{
    return b->kind == BUFFER_MEMORY && b->first != UINT32_MAX;
}

/* Lives, writers, the bytes in use and the peak. */
static bool look(struct repeating *r)
{
    t2m_plan *p = r->p;
    if (!add_versions(r) ||
        !mem_grow(p->lib, (void **)&r->live, &r->live_capacity, p->steps + 1, sizeof *r->live))
        return false;
    plan_find_lives(p);
    memset(r->live, 0, (p->steps + 1) * sizeof *r->live);
    for (size_t b = 0; b < p->buffers; b++) {
        r->version[b].writer = -1;
        if (!counts(&p->buffer[b]))
            continue;
        r->live[p->buffer[b].first] += bytes_of(p, (int32_t)b);
        r->live[p->buffer[b].last + 1] -= bytes_of(p, (int32_t)b);
    }
    r->peak = 0;
    for (size_t i = 0; i < p->steps; i++) {
        r->live[i] += i > 0 ? r->live[i - 1] : 0;
        r->peak = r->live[i] > r->live[r->peak] ? i : r->peak;
        for (uint32_t k = 0; k < p->step[i].writes; k++)
            r->version[p->step[i].write[k]].writer = (int32_t)i;
    }
    return true;
}

static void note_use(struct repeating *r, int32_t buffer, uint32_t step)
{
    struct version *v = &r->version[buffer];
    if (step <= r->peak)
        v->before = step;
    else if (v->after == UINT32_MAX)
        v->after = step;
}

static void find_uses(struct repeating *r)
{
    const t2m_plan *p = r->p;
    for (size_t b = 0; b < p->buffers; b++)
        r->version[b].before = r->version[b].after = UINT32_MAX;
    for (uint32_t i = 0; i < p->steps; i++) {
        for (uint32_t k = 0; k < p->step[i].reads; k++)
            note_use(r, p->step[i].read[k], i);
        for (uint32_t k = 0; k < p->step[i].writes; k++)
            note_use(r, p->step[i].write[k], i);
    }
}

/* ---- a move ---- */

/* The version of the value that lives when step `at` begins, or else the last that did. */
static int32_t version_at(const struct repeating *r, int32_t value, uint32_t at)
{
    const t2m_plan *p = r->p;
    int32_t best = NO_BUFFER;
    for (int32_t b = r->version[value].newest; b != NO_BUFFER; b = r->version[b].next)
        if (p->buffer[b].first < at &&
            (best == NO_BUFFER || p->buffer[b].last > p->buffer[best].last))
            best = b;
    return best;
}

static bool is_written(const struct repeating *r, const struct move *m, int32_t value)
{
    for (size_t i = 0; i < m->links; i++) {
        const struct step *s = &r->p->step[m->link[i]];
        for (uint32_t k = 0; k < s->writes; k++)
            if (r->version[s->write[k]].value == value)
                return true;
    }
    return false;
}

static bool is_kept(const struct move *m, int32_t buffer)
{
    for (size_t i = 0; i < m->kept; i++)
        if (m->keep[i] == buffer)
            return true;
    return false;
}

/* Adds the step that writes `buffer` to the chain, after those whose results it needs. */
static bool add_link(const struct repeating *r, struct move *m, int32_t buffer, int depth)
{
    const t2m_plan *p = r->p;
    const int32_t writer = r->version[buffer].writer;
    if (writer < 0 || depth == CHAIN)
        return false;
    const struct step *s = &p->step[writer];
    for (uint32_t k = 0; k < s->reads; k++) {
        const int32_t value = r->version[s->read[k]].value;
        if (!counts(&p->buffer[s->read[k]]) || is_written(r, m, value))
            continue;
        const int32_t b = version_at(r, value, m->to);
        if (b == NO_BUFFER)
            return false;
        if (p->buffer[b].last >= m->to || is_kept(m, b))
            continue;
        const bool keep = small * bytes_of(p, b) <= bytes_of(p, m->buffer) && m->kept < CHAIN;
        if (keep)
            m->keep[m->kept++] = b;
        else if (!add_link(r, m, b, depth + 1))
            return false;
    }
    if (m->links == CHAIN)
        return false;
    m->link[m->links++] = (uint32_t)writer;
    m->work += work_of_step(p, s);
    return true;
}

static double too_much(const struct repeating *r, double bytes)
{
    const double more = bytes - (double)r->target;
    return more > 0 ? more : 0;
}

/* What the steps before `to` are then beyond the target, less what they are now. */
static double change_before(const struct repeating *r, const struct move *m)
{
    const t2m_plan *p = r->p;
    uint32_t first = m->from;
    double change = 0;
    for (size_t i = 0; i < m->kept; i++)
        first = p->buffer[m->keep[i]].last < first ? p->buffer[m->keep[i]].last : first;
    for (uint32_t at = first + 1; at < m->to; at++) {
        double bytes = (double)r->live[at] - (at > m->from ? (double)bytes_of(p, m->buffer) : 0);
        for (size_t i = 0; i < m->kept; i++)
            bytes += at > p->buffer[m->keep[i]].last ? (double)bytes_of(p, m->keep[i]) : 0;
        change += too_much(r, bytes) - too_much(r, (double)r->live[at]);
    }
    return change;
}

/* What the repeated steps are beyond the target, if nothing is given up before they are done. */
static double change_within(const struct repeating *r, const struct move *m)
{
    const t2m_plan *p = r->p;
    const struct step *next = &p->step[m->to];
    double bytes = (double)r->live[m->to] - (double)bytes_of(p, m->buffer), change = 0;
    for (uint32_t k = 0; k < next->writes; k++)
        bytes -= counts(&p->buffer[next->write[k]]) ? (double)bytes_of(p, next->write[k]) : 0;
    bytes -= next->work == NO_BUFFER ? 0 : (double)bytes_of(p, next->work);
    for (size_t i = 0; i < m->kept; i++)
        bytes += (double)bytes_of(p, m->keep[i]);
    for (size_t i = 0; i < m->links; i++) {
        const struct step *s = &p->step[m->link[i]];
        for (uint32_t k = 0; k < s->writes; k++)
            bytes += (double)bytes_of(p, s->write[k]);
        change += too_much(r, bytes + (s->work == NO_BUFFER ? 0 : (double)bytes_of(p, s->work)));
    }
    return change;
}

static bool move_make(const struct repeating *r, int32_t buffer, struct move *m)
{
    const struct version *v = &r->version[buffer];
    *m = (struct move){.buffer = buffer, .from = v->before, .to = v->after};
    if (!counts(&r->p->buffer[buffer]) || v->before >= r->peak || v->after == UINT32_MAX ||
        !add_link(r, m, buffer, 0) || r->work + m->work > r->allowed)
        return false;
    m->gain = -change_before(r, m) - change_within(r, m);
    return m->gain > 0;
}

/* The best one at the peak. */
static bool find_move(struct repeating *r, struct move *best)
{
    struct move m;
    bool found = false;
    find_uses(r);
    for (size_t b = 0; b < r->p->buffers; b++)
        if (move_make(r, (int32_t)b, &m) && (!found || m.gain * best->work > best->gain * m.work)) {
            *best = m;
            found = true;
        }
    return found;
}

/* ---- making it so ---- */

static void replace(struct step *s, int32_t old, int32_t new)
{
    for (uint32_t k = 0; k < s->reads; k++)
        s->read[k] = s->read[k] == old ? new : s->read[k];
    const uint32_t operands = s->node ? s->node->arity : s->group ? 0 : 1;
    for (uint32_t k = 0; k < operands; k++)
        s->x[k].buffer = s->x[k].buffer == old ? new : s->x[k].buffer;
    for (size_t k = 0; s->group && k < s->group->slots; k++)
        s->group->slot[k].buffer = s->group->slot[k].buffer == old ? new : s->group->slot[k].buffer;
}

static void *copy_of(t2m_plan *p, const void *from, size_t n, size_t size)
{
    void *to = arena_new(&p->arena, n, size);
    if (to && n > 0)
        memcpy(to, from, n * size);
    return to;
}

/* A step of its own, with the same program. */
static bool copy_step(t2m_plan *p, const struct step *from, struct step *s)
{
    const size_t operands = from->node ? from->node->arity : from->group ? 0 : 1;
    *s = *from;
    s->read = copy_of(p, from->read, from->reads, sizeof *s->read);
    s->write = copy_of(p, from->write, from->writes, sizeof *s->write);
    s->x = copy_of(p, from->x, operands, sizeof *s->x);
    if (!s->read || !s->write || !s->x)
        return false;
    if (!from->group)
        return true;
    struct group *g = s->group = copy_of(p, from->group, 1, sizeof *g);
    if (!g || !(g->slot = copy_of(p, g->slot, g->slots, sizeof *g->slot)))
        return false;
    g->sum = copy_of(p, g->sum, g->sums, sizeof *g->sum);
    return g->sum;
}

/* A new buffer like the one that the step writes, in its place; the newest version of its value. */
static bool write_anew(struct repeating *r, struct step *s, uint32_t k)
{
    const int32_t old = s->write[k], value = r->version[old].value,
                  new = plan_buffer_new(r->c, BUFFER_MEMORY, r->p->buffer[old].numel, 0);
    if (new == NO_BUFFER || !add_versions(r))
        return false;
    r->version[new].value = value;
    r->version[new].next = r->version[value].newest;
    r->version[value].newest = new;
    s->write[k] = new;
    for (size_t i = 0; s->group && i < s->group->slots; i++)
        if (s->group->slot[i].buffer == old)
            s->group->slot[i].buffer = new;
    for (size_t i = 0; s->group && i < s->group->sums; i++)
        if (s->group->sum[i].buffer == old)
            s->group->sum[i].buffer = new;
    return true;
}

/* A step as the one at `from`, that reads what lives at m->to, or what was written anew: buffers
 * from `fresh` on. */
static bool repeat_step(struct repeating *r, const struct move *m, uint32_t from, int32_t fresh,
                        struct step *s)
{
    t2m_plan *p = r->p;
    if (!copy_step(p, &p->step[from], s))
        return false;
    for (uint32_t k = 0; k < s->reads; k++) {
        const int32_t old = p->step[from].read[k], value = r->version[old].value,
                      newest = r->version[value].newest;
        if (counts(&p->buffer[old]))
            replace(s, old, newest >= fresh ? newest : version_at(r, value, m->to));
    }
    for (uint32_t k = 0; k < s->writes; k++)
        if (!write_anew(r, s, k))
            return false;
    return true;
}

static bool move_do(struct repeating *r, const struct move *m)
{
    t2m_plan *p = r->p;
    const int32_t fresh = (int32_t)p->buffers;
    struct step chain[CHAIN];
    for (size_t i = 0; i < m->links; i++) {
        if (!repeat_step(r, m, m->link[i], fresh, &chain[i]))
            return false;
        if (chain[i].work != NO_BUFFER)
            chain[i].work = plan_buffer_new(r->c, BUFFER_MEMORY, p->buffer[chain[i].work].numel, 0);
    }
    if (!mem_grow(p->lib, (void **)&p->step, &r->step_capacity, p->steps + m->links,
                  sizeof *p->step))
        return false;
    memmove(p->step + m->to + m->links, p->step + m->to, (p->steps - m->to) * sizeof *p->step);
    memcpy(p->step + m->to, chain, m->links * sizeof *chain);
    p->steps += m->links;
    p->repeated += m->links;
    r->work += m->work;
    const int32_t again = r->version[r->version[m->buffer].value].newest;
    for (size_t i = m->to + m->links; i < p->steps; i++)
        replace(&p->step[i], m->buffer, again);
    return true;
}

enum outcome { FITS, STUCK, NO_MEMORY };

/* Moves until no more than the target is in use at the peak. */
static enum outcome lower_peak(struct repeating *r)
{
    for (;;) {
        struct move m;
        if (!look(r))
            return NO_MEMORY;
        if (r->live[r->peak] <= r->target)
            return FITS;
        if (!find_move(r, &m))
            return STUCK;
        if (!move_do(r, &m))
            return NO_MEMORY;
    }
}

t2m_status plan_repeat(struct compiling *c)
{
    enum { SMALLEST = 64 /* part of the memory by which the target is lowered at least */ };
    t2m_plan *p = c->plan;
    struct repeating r = {.c = c, .p = p, .step_capacity = p->steps, .target = p->most};
    enum outcome outcome = FITS;
    t2m_status status = T2M_OK;
    double all = 0;
    for (size_t i = 0; i < p->steps; i++)
        all += work_of_step(p, &p->step[i]);
    r.allowed = most_work * all;
    while (status == T2M_OK && outcome == FITS && p->memory > p->most) {
        outcome = lower_peak(&r);
        status = outcome == NO_MEMORY ? fail_memory(p->lib, sizeof *r.version) : plan_place(c);
        /* buffers do not lie without gaps */
        size_t less = p->memory > p->most ? p->memory - p->most : 0;
        less = less > p->most / SMALLEST ? less : p->most / SMALLEST + 1;
        r.target -= less < r.target ? less : r.target;
    }
    p->again = all > 0 ? r.work / all : 0;
    mem_free(p->lib, r.version);
    mem_free(p->lib, r.live);
    return status;
}
