/* compile.c: from a graph to a plan, and what a plan says about itself. */
#include "base/text.h"
#include "engine/compute/pool.h"
#include "engine/plan/plan.h"

static t2m_status check(const t2m_graph *g, const t2m_value *in, size_t n_in, const t2m_value *out,
                        size_t n_out)
{
    if (!graph_ok(g))
        return g->status;
    for (size_t i = 0; i < n_in; i++)
        if (in[i].id == 0 || in[i].id >= g->count || graph_node(g, in[i])->op != &op_input)
            return refuse(g->lib, T2M_EUSAGE, "compile: in[%zu] is not an input of this graph", i);
    for (size_t i = 0; i < n_out; i++)
        if (out[i].id == 0 || out[i].id >= g->count)
            return refuse(g->lib, T2M_EUSAGE, "compile: out[%zu] is not a value of this graph", i);
    return T2M_OK;
}

/* The constants in the plan's precision. */
static t2m_status keep_constants(struct compiling *c)
{
    t2m_plan *p = c->plan;
    p->constant = arena_new(&p->arena, p->constants, p->k->real_size);
    if (!p->constant)
        return fail_memory(p->lib, p->constants * p->k->real_size);
    for (size_t i = 0; i < p->constants; i++)
        p->k->fill(1, c->constant[i], (char *)p->constant + i * p->k->real_size);
    return T2M_OK;
}

static t2m_status build(struct compiling *c)
{
    TRY(plan_lower(c));
    TRY(plan_fuse(c));
    TRY(plan_emit(c));
    TRY(plan_schedule(c));
    return keep_constants(c);
}

t2m_status t2m_compile(t2m_graph *g, const t2m_value *in, size_t n_in, const t2m_value *out,
                       size_t n_out, const t2m_plan_options *options, t2m_plan **plan)
{
    const t2m_plan_options defaults = T2M_PLAN_OPTIONS_INIT;
    const t2m_plan_options *o = options ? options : &defaults;
    if (o->version != T2M_VERSION_1)
        return refuse(g->lib, T2M_EUSAGE, "compile: unknown version %d of the options", o->version);
    TRY(check(g, in, n_in, out, n_out));
    t2m_plan *p = mem_new(g->lib, 1, sizeof *p);
    if (!p)
        return fail_memory(g->lib, sizeof *p);
    p->lib = g->lib;
    p->k = o->precision == T2M_F64 ? g->lib->kernels_f64 : g->lib->kernels;
    p->unplanned = o->unplanned;
    p->parallel = o->parallel;
    p->most = o->unplanned ? 0 : o->max_memory;
    p->workers = o->parallel ? pool_size(g->lib->pool) : 1;
    p->inputs = n_in;
    p->outputs = n_out;
    arena_init(&p->arena, g->lib);
    struct compiling c = {.g = g, .plan = p, .in = in, .out = out, .n_in = n_in, .n_out = n_out};
    arena_init(&c.arena, g->lib);
    const t2m_status status = build(&c);
    arena_clear(&c.arena);
    mem_free(g->lib, c.unit);
    mem_free(g->lib, c.constant);
    if (status != T2M_OK)
        t2m_plan_free(p);
    else
        *plan = p;
    return status;
}

void t2m_plan_free(t2m_plan *plan)
{
    if (!plan)
        return;
    arena_clear(&plan->arena);
    mem_free(plan->lib, plan->buffer);
    mem_free(plan->lib, plan->step);
    mem_free(plan->lib, plan);
}

void t2m_plan_describe(const t2m_plan *plan, t2m_plan_info *info)
{
    *info = (t2m_plan_info){plan->steps, plan->nodes,    plan->memory,
                            plan->flops, plan->repeated, plan->again};
}

static void print_dims(struct text *t, const struct node *n)
{
    char shape[128];
    text_add(t, " %s", graph_shape_text(n, shape));
}

const char *plan_step_name(const struct step *s)
{
    return s->node ? s->node->op->name : s->group ? "group" : "copy";
}

void plan_print_shape(const t2m_plan *plan, struct text *t, const struct step *s)
{
    if (s->node) {
        print_dims(t, s->node);
        for (uint32_t k = 0; k < s->node->arity; k++)
            print_dims(t, s->in[k]);
    } else if (s->group) {
        text_add(t, " of %zu over %zu:", s->group->instructions + s->group->sums, s->group->numel);
        for (size_t i = 0; i < s->group->instructions; i++)
            text_add(t, " %s", op_pointwise[s->group->instruction[i].pointwise]->name);
        for (size_t i = 0; i < s->group->sums; i++)
            text_add(t, " sum");
    } else {
        text_add(t, " of %zu", plan->buffer[s->write[0]].numel);
    }
}

void plan_print_step(const t2m_plan *plan, struct text *t, const struct step *s)
{
    text_add(t, "%s", plan_step_name(s));
    plan_print_shape(plan, t, s);
    text_add(t, ";");
    for (uint32_t k = 0; k < s->reads; k++)
        text_add(t, " b%d", (int)s->read[k]);
    text_add(t, " ->");
    for (uint32_t k = 0; k < s->writes; k++)
        text_add(t, " b%d", (int)s->write[k]);
    text_add(t, "\n");
}

char *t2m_plan_print(const t2m_plan *plan)
{
    struct text t;
    text_init(&t, plan->lib);
    for (size_t i = 0; i < plan->steps; i++)
        plan_print_step(plan, &t, &plan->step[i]);
    if (t.failed)
        text_clear(&t);
    return t.data;
}
