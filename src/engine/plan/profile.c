/* profile.c: where the time of a plan goes. Runs it step by step with a clock, which the ordinary
 * run does not look at, and says for each step what it takes and how near the machine it comes. */
#include "base/text.h"
#include "engine/plan/plan.h"

#include <string.h>

struct cost {
    double seconds, flops, bytes;
};

double plan_step_flops(const struct step *s)
{
    return s->node && s->node->op->flops ? s->node->op->flops(s->node, s->in) : 0;
}

/* What a step touches of a buffer. */
static double touched(const t2m_plan *p, const struct step *s, int32_t buffer)
{
    const size_t most = s->group ? s->group->numel : p->buffer[s->write[0]].numel,
                 numel = p->buffer[buffer].numel;
    return (double)(numel < most ? numel : most);
}

double plan_step_bytes(const t2m_plan *p, const struct step *s)
{
    double reals = 0;
    for (uint32_t k = 0; s->node && k < s->node->arity; k++)
        reals += (double)node_numel(s->in[k]);
    for (uint32_t k = 0; !s->node && k < s->reads; k++)
        reals += touched(p, s, s->read[k]);
    for (uint32_t k = 0; k < s->writes; k++)
        reals += (double)p->buffer[s->write[k]].numel;
    return reals * (double)p->k->real_size;
}

static void print_cost(struct text *t, const struct cost *c, double total)
{
    const double time = c->seconds > 0 ? c->seconds : 1e-9;
    text_add(t, "%6.2f %% %10.1f us %7.1f GFLOP/s %6.1f GB/s  ", 100 * c->seconds / total,
             c->seconds * 1e6, c->flops / time * 1e-9, c->bytes / time * 1e-9);
}

/* One line for each kind of step, in the order in which they first come. */
static void print_kinds(const t2m_plan *p, const struct cost *cost, double total, struct text *t)
{
    for (size_t i = 0; i < p->steps; i++) {
        const char *name = plan_step_name(&p->step[i]);
        struct cost sum = {0};
        size_t count = 0;
        bool known = false;
        for (size_t j = 0; j < p->steps; j++)
            if (strcmp(plan_step_name(&p->step[j]), name) == 0) {
                known = known || j < i;
                sum.seconds += cost[j].seconds;
                sum.flops += cost[j].flops;
                sum.bytes += cost[j].bytes;
                count++;
            }
        if (known)
            continue;
        print_cost(t, &sum, total);
        text_add(t, "%s, %zu steps\n", name, count);
    }
}

static void time_steps(const t2m_plan *p, t2m_workspace *w, size_t runs, struct cost *cost)
{
    for (size_t r = 0; r < runs; r++)
        for (size_t i = 0; i < p->steps; i++) {
            const double begin = seconds_now();
            plan_run_step(&p->step[i], w);
            const double time = seconds_now() - begin;
            if (r == 0 || time < cost[i].seconds)
                cost[i].seconds = time;
        }
    w->runs += runs;
}

char *t2m_profile(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out,
                  size_t runs)
{
    struct cost *cost = mem_new(plan->lib, plan->steps, sizeof *cost), all = {0};
    struct text t;
    if (!cost)
        return NULL;
    plan_bind(plan, w, in, out);
    time_steps(plan, w, runs > 0 ? runs : 1, cost);
    for (size_t i = 0; i < plan->steps; i++) {
        const struct step *s = &plan->step[i];
        cost[i].flops = plan_step_flops(s);
        cost[i].bytes = plan_step_bytes(plan, s);
        all.seconds += cost[i].seconds;
        all.flops += cost[i].flops;
        all.bytes += cost[i].bytes;
    }
    const double total = all.seconds > 0 ? all.seconds : 1e-9;
    text_init(&t, plan->lib);
    for (size_t i = 0; i < plan->steps; i++) {
        print_cost(&t, &cost[i], total);
        plan_print_step(plan, &t, &plan->step[i]);
    }
    print_kinds(plan, cost, total, &t);
    print_cost(&t, &all, total);
    text_add(&t, "all, %zu steps\n", plan->steps);
    mem_free(plan->lib, cost);
    if (t.failed)
        text_clear(&t);
    return t.data;
}
