/* table_known.c: the tasks of its training that a learner of tables keeps, to compare new ones
 * with: likeness.c says how. */
#include <stdio.h>

#include "mapping/tables.h"

enum { SEED = 4712 /* apart from the tasks of training and validation */ };

struct knowing {
    struct t2m_learner *l;
    const struct t2m_family *f;
    struct table_shape shape;
    t2m_plan *plan;
    t2m_workspace *w;
    struct table_task task;
    void *draw;
};

static t2m_status compile_t(struct knowing *k)
{
    const struct candidate *c = k->l->candidate;
    const struct table_use use = {.shape = k->shape};
    struct table_graph e;
    t2m_value in[TABLE_INPUTS];
    TRY(table_graph_make(k->l->lib, &c->structure, &c->parts, &use, &e));
    table_graph_inputs(&e, in);
    const t2m_status status = t2m_compile(e.g, in, TABLE_INPUTS, &e.t, 1, NULL, &k->plan);
    t2m_graph_free(e.g);
    return status;
}

static t2m_status name_task(const struct knowing *k, const struct data_table *from, size_t number)
{
    const struct table_shape *s = &k->shape;
    char name[160], table[64], kind[32] = "values";
    if (from)
        snprintf(table, sizeof table, "%.60s", from->name);
    else
        snprintf(table, sizeof table, "synthetic table %zu", number);
    if (s->classes)
        snprintf(kind, sizeof kind, "%d classes", (int)s->classes);
    snprintf(name, sizeof name, "%s: %d rows, %d columns, %s", table, (int)s->supports,
             (int)s->columns, kind);
    return likeness_name(k->l, number, name);
}

/* Each task has a shape of its own: where all had one of a few, any other would be unlike them. */
static t2m_status know_task(struct knowing *k, size_t number)
{
    t2m *lib = k->l->lib;
    const struct table_task *t = &k->task;
    TRY(compile_t(k));
    TRY(t2m_workspace_new(k->plan, &k->w));
    TRY(table_task_new(lib, &k->task, &k->shape, 1));
    if (!(k->draw = mem_new(lib, table_draw_room(k->f, &k->shape), 1)))
        return T2M_ENOMEM;
    const struct data_table *from =
        table_draw(k->f, &k->shape, SEED + k->l->seed, number, &k->task, k->draw);
    const void *const in[] = {k->l->phi, t->x_support, t->y_support, t->member,
                              t->place,  t->x_query,   t->y_query};
    void *const out[] = {k->l->known_t + number * TABLE_T};
    t2m_run(k->plan, k->w, in, out);
    return name_task(k, from, number);
}

t2m_status table_known_learn(struct t2m_learner *l, const struct t2m_family *f)
{
    t2m_status status = l->known ? T2M_OK : likeness_room(l, KNOWN_TASKS);
    for (size_t i = 0; i < l->known && status == T2M_OK; i++) {
        struct random r = random_stream(SEED + l->seed, 15, i);
        struct knowing k = {.l = l, .f = f, .shape = table_shape_draw(f, &r)};
        status = know_task(&k, i);
        mem_free(l->lib, k.draw);
        table_task_free(l->lib, &k.task);
        t2m_workspace_free(k.w);
        t2m_plan_free(k.plan);
    }
    return status;
}
