/* masks_list.c: a classes.csv: ids, names, splits and colours of the classes in masks. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/masks_reading.h"
#include "files/table.h"

enum { ABSENT = -1, LAST_ID = 254 };

struct list_reading {
    struct arena *a;
    const struct table *t;
    struct mask_list *out;
    int64_t id, name, split, hex, part[3]; /* columns, or ABSENT */
    bool seen[LAST_ID + 1];                /* ids */
    struct words names;
};

static const char *cell(const struct list_reading *r, size_t row, int64_t column)
{
    return r->t->cells[row * r->t->columns + (size_t)column];
}

static t2m_status find_columns(struct list_reading *r)
{
    static const char *const part[] = {"red", "green", "blue"};
    r->id = table_column(r->t, "id");
    r->name = table_column(r->t, "name");
    r->split = table_column(r->t, "split");
    r->hex = table_column(r->t, "color");
    if (r->hex == ABSENT)
        r->hex = table_column(r->t, "colour");
    if (r->id == ABSENT || r->name == ABSENT)
        return table_no_column(r->t, r->id == ABSENT ? "id" : "name");
    bool some = false;
    for (int i = 0; i < 3; i++) {
        r->part[i] = table_column(r->t, part[i]);
        some |= r->part[i] != ABSENT;
    }
    for (int i = 0; i < 3 && some; i++)
        if (r->part[i] == ABSENT)
            return table_no_column(r->t, part[i]);
    return T2M_OK;
}

/* A whole number of 0 to `last`. */
static t2m_status read_whole(const struct list_reading *r, size_t row, int64_t column,
                             unsigned last, unsigned *out)
{
    double v;
    TRY(table_number(r->t, row, (size_t)column, &v));
    if (!(v >= 0 && v <= last) || v != (double)(unsigned)v)
        return table_bad_cell(r->t, row, (size_t)column,
                              last == LAST_ID ? "is no id: they are 0, the background, to 254"
                                              : "is no whole number from 0 to 255");
    *out = (unsigned)v;
    return T2M_OK;
}

/* ---- colours ---- */

static bool hex_colour(const char *s, uint32_t *out)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (s[0] != '#' || strlen(s) != 7)
        return false;
    *out = 0;
    for (int i = 1; i < 7; i++) {
        const char *at = strchr(digits, s[i]);
        if (!at)
            return false;
        *out = *out << 4 | (uint32_t)((at - digits) % 16);
    }
    return true;
}

/* In the column that names it; a row may have none. */
static t2m_status read_colour(const struct list_reading *r, size_t row, bool *has, uint32_t *rgb)
{
    *has = false;
    *rgb = 0;
    if (r->hex != ABSENT) {
        const char *s = cell(r, row, r->hex);
        *has = *s != 0;
        return !*has || hex_colour(s, rgb)
                   ? T2M_OK
                   : table_bad_cell(r->t, row, (size_t)r->hex, "is no colour like #00ff7f");
    }
    if (r->part[0] == ABSENT ||
        (!*cell(r, row, r->part[0]) && !*cell(r, row, r->part[1]) && !*cell(r, row, r->part[2])))
        return T2M_OK;
    for (int i = 0; i < 3; i++) {
        unsigned v = 0;
        TRY(read_whole(r, row, r->part[i], 255, &v));
        *rgb = *rgb << 8 | v;
    }
    *has = true;
    return T2M_OK;
}

static t2m_status add_colour(struct list_reading *r, size_t row, unsigned id)
{
    struct mask_list *out = r->out;
    uint32_t rgb;
    bool has;
    TRY(read_colour(r, row, &has, &rgb));
    if (!has)
        return T2M_OK;
    size_t at = out->colours;
    for (; at > 0 && out->colour[at - 1].rgb >= rgb; at--)
        if (out->colour[at - 1].rgb == rgb)
            return table_bad_cell(r->t, row, (size_t)(r->hex == ABSENT ? r->part[0] : r->hex),
                                  "is the colour of another class too");
    memmove(out->colour + at + 1, out->colour + at, (out->colours - at) * sizeof *out->colour);
    out->colour[at] = (struct label_colour){rgb, (unsigned char)id};
    out->colours++;
    return T2M_OK;
}

/* ---- rows ---- */

static t2m_status add_name(struct list_reading *r, size_t row)
{
    const char *name = cell(r, row, r->name);
    const size_t before = r->names.count, column = (size_t)r->name;
    if (!*name)
        return table_bad_cell(r->t, row, column, "is no name; each class needs one");
    if (!text_is_name(name))
        return table_bad_cell(r->t, row, column, "is no name: it has control characters");
    const size_t at = words_add(&r->names, name);
    if (at == SIZE_MAX)
        return T2M_ENOMEM;
    return at == before ? T2M_OK
                        : table_bad_cell(r->t, row, column, "is the name of another class too");
}

static t2m_status add_row(struct list_reading *r, size_t row)
{
    struct mask_class *class = &r->out->class[r->out->classes];
    unsigned id = 0;
    TRY(read_whole(r, row, r->id, LAST_ID, &id));
    if (r->seen[id])
        return table_bad_cell(r->t, row, (size_t)r->id, "is the id of another class too");
    r->seen[id] = true;
    TRY(add_name(r, row));
    TRY(add_colour(r, row, id));
    if (id == 0)
        return T2M_OK;
    const char *split = r->split == ABSENT ? "" : cell(r, row, r->split);
    if (!text_is_name(split))
        return table_bad_cell(r->t, row, (size_t)r->split, "has control characters");
    *class =
        (struct mask_class){id, arena_text(r->a, cell(r, row, r->name)), arena_text(r->a, split)};
    r->out->classes++;
    return class->name && class->split ? T2M_OK : T2M_ENOMEM;
}

static t2m_status read_rows(struct list_reading *r)
{
    struct mask_list *out = r->out;
    out->class = arena_new(r->a, LAST_ID + 1, sizeof *out->class);
    out->colour = arena_new(r->a, LAST_ID + 1, sizeof *out->colour);
    if (!out->class || !out->colour)
        return T2M_ENOMEM;
    TRY(find_columns(r));
    for (size_t i = 0; i < r->t->rows; i++)
        TRY(add_row(r, i));
    return out->classes
               ? T2M_OK
               : refuse(r->a->lib, T2M_EDATA, "%.160s: no class but the background", r->t->name);
}

t2m_status mask_list_read(struct arena *a, const struct bytes *file, const char *name,
                          struct mask_list *out)
{
    struct table *t;
    struct mask_list list = {.name = arena_text(a, name)};
    if (!list.name)
        return T2M_ENOMEM;
    TRY(table_parse(a->lib, file, list.name, &t));
    struct list_reading r = {.a = a, .t = t, .out = &list};
    words_init(&r.names, a->lib);
    const t2m_status status = read_rows(&r);
    words_clear(&r.names);
    table_free(t);
    if (status == T2M_OK)
        *out = list;
    return status;
}
