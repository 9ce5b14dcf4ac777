/* once.c: compile, run, forget. */
#include "mapping/once.h"

size_t value_numbers(const t2m_graph *g, t2m_value v)
{
    size_t n = 1;
    for (int k = 0; k < t2m_rank(g, v); k++)
        n *= (size_t)t2m_dim(g, v, k);
    return n;
}

t2m_status once_run(const struct once *o, t2m_precision precision, void *const *to)
{
    t2m_plan_options options = T2M_PLAN_OPTIONS_INIT;
    t2m_plan *plan;
    t2m_workspace *w;
    options.precision = precision;
    options.parallel = true;
    TRY(t2m_compile(o->g, o->in, o->ins, o->out, o->outs, &options, &plan));
    const t2m_status status = t2m_workspace_new(plan, &w);
    if (status == T2M_OK) {
        t2m_run(plan, w, o->from, to);
        t2m_workspace_free(w);
    }
    t2m_plan_free(plan);
    return status;
}

t2m_status once_results(t2m *lib, const struct once *o, float **result)
{
    for (size_t i = 0; i < o->outs; i++)
        if (!(result[i] = mem_new(lib, value_numbers(o->g, o->out[i]), sizeof **result)))
            return T2M_ENOMEM;
    return once_run(o, T2M_F32, (void *const *)result);
}
