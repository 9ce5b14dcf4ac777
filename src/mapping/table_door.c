/* table_door.c: the table in a file as one task for a learner of tables: raw numbers with the rules
 * by which they were made. */
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "mapping/doors.h"
#include "task/tables.h"

static t2m_status check_path(const t2m_learner *l, const char *path)
{
    struct stat st;
    const char *what = NULL;
    if (strncmp(path, "builtin:", 8) == 0)
        return refuse(l->lib, T2M_EUSAGE, "'%.200s' is a family, not one task", path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        what = "is a folder";
    else if (!text_ends(path, ".csv") && !text_ends(path, ".tsv"))
        what = "is no .csv or .tsv";
    return what ? refuse(l->lib, T2M_EDATA, "'%.200s' %s; this learner takes the file of one table",
                         path, what)
                : T2M_OK;
}

/* Copies of the names; false if memory is out. */
static bool name_all(t2m_task *t)
{
    char name[128];
    t->class = mem_new(t->lib, t->classes, sizeof *t->class);
    t->column = mem_new(t->lib, t->input, sizeof *t->column);
    if (!t->class || !t->column)
        return false;
    for (size_t i = 0; i < t->classes; i++)
        if (!(t->class[i] = mem_text(t->lib, t->schema->class[i])))
            return false;
    for (size_t i = 0; i < t->input; i++) {
        schema_output_name(t->schema, i, name);
        if (!(t->column[i] = mem_text(t->lib, name)))
            return false;
    }
    return true;
}

static t2m_status take_table(const t2m_learner *l, t2m_task *t, const struct table *table,
                             const t2m_task_options *o)
{
    const struct schema_options rules = {o->target, o->ignore, o->ignored, o->classes};
    struct data_table d;
    TRY(task_check(l, table->rows, 0, table->name));
    TRY(data_table_make(&d, &t->schema, table, &rules));
    t->n = d.rows;
    t->input = d.columns;
    t->classes = d.classes;
    t->x = d.x;
    t->y = d.y;
    return name_all(t) ? T2M_OK : T2M_ENOMEM;
}

t2m_status task_of_table(const t2m_learner *l, t2m_task **out, const char *path,
                         const t2m_task_options *o)
{
    struct bytes file;
    struct table *table;
    TRY(check_path(l, path));
    TRY(store_read(l->lib, path, l->lib->memory_limit, &file));
    t2m_status status = table_parse(l->lib, &file, path, &table);
    mem_free(l->lib, file.data);
    TRY(status);
    t2m_task *t = mem_new(l->lib, 1, sizeof *t);
    status = T2M_ENOMEM;
    if (t) {
        t->lib = l->lib;
        status = take_table(l, t, table, o);
    }
    table_free(table);
    if (status == T2M_OK)
        *out = t;
    else
        t2m_task_free(t);
    return status;
}

bool t2m_task_dropped(const t2m_task *t, size_t i, const char **name, const char **why)
{
    for (size_t k = 0; t->schema && k < t->schema->count; k++) {
        const struct schema_column *c = &t->schema->column[k];
        if (c->kind != COLUMN_DROPPED || i-- > 0)
            continue;
        *name = c->name;
        *why = c->dropped;
        return true;
    }
    return false;
}
