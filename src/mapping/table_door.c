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
        t->places = 1;
        status = take_table(l, t, table, o);
    }
    table_free(table);
    if (status == T2M_OK)
        *out = t;
    else
        t2m_task_free(t);
    return status;
}

/* ---- some rows of it ---- */

static t2m_status copy_rows(t2m_task *t, const t2m_task *from, const size_t *row)
{
    TRY(schema_copy(from->schema, &t->schema));
    t->x = mem_new(t->lib, t->n * t->input, sizeof *t->x);
    t->y = mem_new(t->lib, t->n, sizeof *t->y);
    if (!t->x || !t->y || !name_all(t))
        return T2M_ENOMEM;
    for (size_t i = 0; i < t->n; i++) {
        memcpy(t->x + i * t->input, from->x + row[i] * t->input, t->input * sizeof *t->x);
        t->y[i] = from->y[row[i]];
    }
    return T2M_OK;
}

static t2m_status task_of_rows(const t2m_task *from, const size_t *row, size_t n, t2m_task **out)
{
    t2m_task *t = mem_new(from->lib, 1, sizeof *t);
    if (!t)
        return T2M_ENOMEM;
    t->lib = from->lib;
    t->places = 1;
    t->n = n;
    t->input = from->input;
    t->classes = from->classes;
    const t2m_status status = copy_rows(t, from, row);
    if (status == T2M_OK)
        *out = t;
    else
        t2m_task_free(t);
    return status;
}

/* order [n]: first the rows of the rest, then those that are held out. Returns how many those are.
 */
static size_t hold_out(const t2m_task *t, size_t every, size_t *seen, size_t *order)
{
    size_t first = 0, last = t->n;
    for (size_t i = 0; i < t->n; i++) {
        size_t *class = &seen[t->classes ? (size_t)t->y[i] : 0];
        order[++*class % every ? first++ : --last] = i;
    }
    for (size_t i = last, k = t->n; i + 1 < k; i++) { /* these came in backwards */
        const size_t row = order[i];
        order[i] = order[--k];
        order[k] = row;
    }
    return t->n - last;
}

t2m_status t2m_task_split(const t2m_task *t, t2m_task **rest, t2m_task **held, size_t every)
{
    t2m_task *part[2] = {NULL};
    if (!t->schema || every < 2)
        return refuse(t->lib, T2M_EUSAGE,
                      t->schema ? "every %zuth row cannot be held out: two is the least"
                                : "only a task of a table can be split",
                      every);
    size_t *order = mem_new(t->lib, t->n, sizeof *order),
           *seen = mem_new(t->lib, t->classes + 1, sizeof *seen);
    t2m_status status = order && seen ? T2M_OK : T2M_ENOMEM;
    const size_t n = status == T2M_OK ? hold_out(t, every, seen, order) : 0;
    if (status == T2M_OK && n == 0)
        status =
            refuse(t->lib, T2M_EDATA, "the table has %zu rows, too few to hold out every %zuth%s",
                   t->n, every, t->classes ? " of each class" : "");
    if (status == T2M_OK)
        status = task_of_rows(t, order, t->n - n, &part[0]);
    if (status == T2M_OK)
        status = task_of_rows(t, order + t->n - n, n, &part[1]);
    mem_free(t->lib, seen);
    mem_free(t->lib, order);
    if (status != T2M_OK) {
        t2m_task_free(part[0]);
        return status;
    }
    *rest = part[0];
    *held = part[1];
    return T2M_OK;
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
