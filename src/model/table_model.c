/* table_model.c: what models of tables have besides others: the rules by which cells become
 * numbers, the columns that are taken, and their marginals. */
#include <math.h>
#include <string.h>

#include "files/safetensors.h"
#include "model/model.h"

static const char columns_name[] = "data.columns", marginals_name[] = "data.marginals",
                  spread_name[] = "data.spread";
enum { MARGINAL_FLOATS = sizeof(struct marginal) / sizeof(float) };

t2m_status model_table_start(t2m_model *m, struct schema *schema)
{
    struct model_table *t = &m->table;
    t->schema = schema;
    t->place = mem_new(m->lib, m->features, sizeof *t->place);
    t->marginal = mem_new(m->lib, m->features, sizeof *t->marginal);
    if (!t->place || !t->marginal)
        return T2M_ENOMEM;
    for (size_t i = 0; i <= m->features; i++)
        m->scales[2 * i + 1] = 1;
    for (size_t i = 0; i < m->classes; i++)
        if (!(m->class[i] = mem_text(m->lib, schema->class[i])))
            return T2M_ENOMEM;
    m->target = m->classes ? NULL : mem_text(m->lib, schema->target);
    return m->classes || m->target ? T2M_OK : T2M_ENOMEM;
}

t2m_status model_table_name(t2m_model *m)
{
    for (size_t i = 0; i < m->features; i++) {
        char name[128];
        schema_output_name(m->table.schema, (size_t)m->table.place[i], name);
        if (!(m->feature[i] = mem_text(m->lib, name)))
            return T2M_ENOMEM;
    }
    return T2M_OK;
}

t2m_status model_table_copy(const t2m_model *from, t2m_model *m)
{
    struct schema *schema;
    TRY(schema_copy(from->table.schema, &schema));
    TRY(model_table_start(m, schema));
    memcpy(m->table.place, from->table.place, m->features * sizeof *m->table.place);
    memcpy(m->table.marginal, from->table.marginal, m->features * sizeof *m->table.marginal);
    memcpy(m->table.spread, from->table.spread, sizeof m->table.spread);
    return model_table_name(m);
}

void model_table_clear(t2m_model *m)
{
    schema_free(m->table.schema);
    mem_free(m->lib, m->table.place);
    mem_free(m->lib, m->table.marginal);
    m->table = (struct model_table){0};
}

t2m_status model_table_rows(const t2m_model *m, const struct table *t, float **x)
{
    const size_t outputs = m->table.schema->outputs, n = m->features;
    size_t numbers;
    TRY(schema_numbers(m->table.schema, t, &numbers));
    float *all = mem_new(m->lib, numbers, sizeof *all);
    t2m_status status = all ? schema_apply(m->table.schema, t, all, NULL) : T2M_ENOMEM;
    float *chosen = status == T2M_OK ? mem_new(m->lib, t->rows * n, sizeof *chosen) : NULL;
    if (status == T2M_OK && !chosen)
        status = T2M_ENOMEM;
    for (size_t i = 0; i < t->rows * n && status == T2M_OK; i++)
        chosen[i] = all[i / n * outputs + (size_t)m->table.place[i % n]];
    mem_free(m->lib, all);
    if (status == T2M_OK)
        *x = chosen;
    return status;
}

/* ---- in files ---- */

size_t model_table_tensors(const t2m_model *m, struct tensor_entry *t)
{
    const int64_t n = (int64_t)m->features;
    t[0] = (struct tensor_entry){
        .name = columns_name, .rank = 1, .dim = {n}, .count = m->features, .data = m->table.place};
    t[1] = (struct tensor_entry){.name = marginals_name,
                                 .rank = 2,
                                 .dim = {n, MARGINAL_FLOATS},
                                 .count = m->features * MARGINAL_FLOATS,
                                 .data = (const float *)m->table.marginal};
    t[2] = (struct tensor_entry){
        .name = spread_name, .rank = 1, .dim = {2}, .count = 2, .data = m->table.spread};
    return m->classes ? 2 : 3;
}

static bool marginal_is_sound(const struct marginal *m)
{
    const bool numbers = isfinite(m->mean) && isfinite(m->scale) && m->scale > 0;
    if (!numbers || !(m->knots >= 0 && m->knots <= MARGINAL_KNOTS) || m->knots != floorf(m->knots))
        return false;
    for (size_t k = 0; k < (size_t)m->knots; k++)
        if (!isfinite(m->value[k]) || !isfinite(m->rank[k]) ||
            (k > 0 && !(m->value[k] > m->value[k - 1])))
            return false;
    return true;
}

bool model_table_read(t2m_model *m, const struct tensor_file *f)
{
    struct model_table *t = &m->table;
    if (!safetensors_take(f, columns_name, m->features, t->place) ||
        !safetensors_take(f, marginals_name, m->features * MARGINAL_FLOATS, (float *)t->marginal) ||
        (!m->classes && !safetensors_take(f, spread_name, 2, t->spread)))
        return false;
    for (size_t i = 0; i < m->features; i++)
        if (!(t->place[i] >= 0 && t->place[i] < (float)t->schema->outputs) ||
            t->place[i] != floorf(t->place[i]) || (i > 0 && !(t->place[i] > t->place[i - 1])) ||
            !marginal_is_sound(&t->marginal[i]))
            return false;
    return t->spread[0] >= 0 && t->spread[1] >= 0 && isfinite(t->spread[0] + t->spread[1]);
}
