/* data_table.c: a file's table as the numbers that tasks are made of. */
#include "task/tables.h"

static t2m_status fill(struct data_table *d, const struct schema *s, const struct table *t)
{
    t2m *lib = t->lib;
    size_t numbers;
    TRY(schema_numbers(s, t, &numbers));
    d->x = mem_new(lib, numbers, sizeof *d->x);
    d->y = mem_new(lib, t->rows, sizeof *d->y);
    return d->x && d->y ? schema_apply(s, t, d->x, d->y) : T2M_ENOMEM;
}

t2m_status data_table_make(struct data_table *out, struct schema **rules, const struct table *t,
                           const struct schema_options *o)
{
    struct schema *s;
    TRY(schema_find(t->lib, &s, t, o));
    struct data_table d = {.rows = t->rows, .columns = s->outputs, .classes = s->classes};
    const t2m_status status = fill(&d, s, t);
    if (status == T2M_OK)
        *out = d;
    else
        data_table_clear(t->lib, &d);
    if (status == T2M_OK && rules)
        *rules = s;
    else
        schema_free(s);
    return status;
}

void data_table_clear(t2m *lib, struct data_table *d)
{
    mem_free(lib, d->name);
    mem_free(lib, d->x);
    mem_free(lib, d->y);
    *d = (struct data_table){0};
}
