/* schema_store.c: the rules as JSON, and back. What is read is checked to be what schema_find could
 * have made: whoever uses a schema need not check it again. Members that say nothing (false, no
 * categories) are left out. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "task/cells.h"
#include "task/classes.h"
#include "task/kinds.h"

static const char *const slashes_names[] = {"none", "day first", "month first"};

/* ---- writing ---- */

static void put_texts(struct text *x, const char *key, char *const *item, size_t n)
{
    if (n == 0)
        return;
    text_add(x, ", \"%s\": [", key);
    for (size_t i = 0; i < n; i++) {
        text_add(x, i ? ", " : "");
        text_json(x, item[i]);
    }
    text_add(x, "]");
}

static void put_text(struct text *x, const char *key, const char *value)
{
    text_add(x, ", \"%s\": ", key);
    text_json(x, value);
}

static void put_true(struct text *x, const char *key, bool value)
{
    if (value)
        text_add(x, ", \"%s\": true", key);
}

static void put_column(struct text *x, const struct schema_column *c)
{
    char *part[DATE_PARTS];
    size_t parts = 0;
    for (int k = 0; k < DATE_PARTS; k++)
        if (c->parts >> k & 1)
            part[parts++] = (char *)(uintptr_t)date_part_names[k];
    text_add(x, "{\"name\": ");
    text_json(x, c->name);
    put_text(x, "kind", kinds[c->kind].name);
    if (c->dropped)
        put_text(x, "dropped", c->dropped);
    put_true(x, "missing", c->missing);
    put_true(x, "decimal_comma", c->decimal_comma);
    put_texts(x, "categories", c->category, c->categories);
    put_true(x, "others", c->others);
    put_texts(x, "parts", part, parts);
    if (c->slashes != SLASHES_NONE)
        put_text(x, "slashes", slashes_names[c->slashes]);
    text_add(x, "}");
}

t2m_status schema_text(const struct schema *s, char **json)
{
    struct text x;
    text_init(&x, s->lib);
    text_add(&x, "{\"schema\": \"t2m-columns/1\", \"target\": ");
    text_json(&x, s->target);
    put_true(&x, "decimal_comma", s->target_decimal_comma);
    put_texts(&x, "classes", s->class, s->classes);
    text_add(&x, ", \"columns\": [");
    for (size_t i = 0; i < s->count; i++) {
        text_add(&x, i ? ",\n " : "\n ");
        put_column(&x, &s->column[i]);
    }
    text_add(&x, "]}");
    if (x.failed) {
        text_clear(&x);
        return T2M_ENOMEM;
    }
    *json = x.data;
    return T2M_OK;
}

/* ---- reading ---- */

struct reading {
    struct schema *s;
    const char *what; /* name of the column that is read; NULL: the whole */
};

static t2m_status bad(const struct reading *r, const char *why)
{
    char shown[64];
    if (!r->what)
        return refuse(r->s->lib, T2M_EMODEL, "the rules for columns are not usable: %s", why);
    return refuse(r->s->lib, T2M_EMODEL, "the rules for columns are not usable: column '%s': %s",
                  text_shown(r->what, strlen(r->what), shown), why);
}

/* The place of a text among names; or SIZE_MAX, also if it is no text. */
static size_t name_at(const json_t *value, const char *const *name, size_t n)
{
    const char *s = json_string_value(value);
    for (size_t i = 0; i < n && s; i++)
        if (strcmp(s, name[i]) == 0)
            return i;
    return SIZE_MAX;
}

static t2m_status read_text(const struct reading *r, const json_t *value, char **out)
{
    const char *s = json_string_value(value);
    if (!s)
        return bad(r, "a text is missing");
    *out = arena_text(&r->s->arena, s);
    return *out ? T2M_OK : T2M_ENOMEM;
}

/* A list of `least` to `most` different texts; no list: none. */
static t2m_status read_texts(const struct reading *r, const json_t *value, size_t most, size_t *n,
                             char ***out)
{
    struct words seen;
    const size_t count = json_array_size(value);
    t2m_status status = T2M_OK;
    if (!value)
        return T2M_OK;
    if (!json_is_array(value) || count == 0 || count > most)
        return bad(r, "a list of texts is empty or too long");
    *out = arena_new(&r->s->arena, count, sizeof **out);
    if (!*out)
        return T2M_ENOMEM;
    words_init(&seen, r->s->lib);
    for (size_t i = 0; i < count && status == T2M_OK; i++) {
        status = read_text(r, json_array_get(value, i), &(*out)[i]);
        const size_t number = status == T2M_OK ? words_add(&seen, (*out)[i]) : i;
        if (number == SIZE_MAX)
            status = T2M_ENOMEM;
        else if (number < i || (status == T2M_OK && cell_is_empty((*out)[i])))
            status = bad(r, "a text in a list is empty or there twice");
    }
    words_clear(&seen);
    *n = status == T2M_OK ? count : 0;
    return status;
}

/* A member that is true or not there. */
static t2m_status read_true(const struct reading *r, const json_t *value, bool *out)
{
    if (value && !json_is_true(value))
        return bad(r, "a member may only be true");
    *out = value != NULL;
    return T2M_OK;
}

static t2m_status read_parts(const struct reading *r, const json_t *value, unsigned *out)
{
    const size_t n = json_array_size(value);
    size_t before = SIZE_MAX;
    if (value && (!json_is_array(value) || n == 0))
        return bad(r, "the parts of the date are no list");
    for (size_t i = 0; i < n; i++) {
        const size_t k = name_at(json_array_get(value, i), date_part_names, DATE_PARTS);
        if (k == SIZE_MAX || (i > 0 && k <= before))
            return bad(r, "a part of the date is unknown or out of order");
        *out |= 1U << k;
        before = k;
    }
    return T2M_OK;
}

/* Members of an object that are not among the names. */
static bool has_strangers(const json_t *object, const char *const *name, size_t n)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        known += json_object_get(object, name[i]) != NULL;
    return !json_is_object(object) || known != json_object_size(object);
}

/* What is told must fit the kind. */
static t2m_status check_column(const struct reading *r, const struct schema_column *c)
{
    const bool category = c->kind == COLUMN_CATEGORY, date = c->kind == COLUMN_DATE,
               dropped = c->kind == COLUMN_DROPPED;
    if (category != (c->categories > 0) || (c->others && c->categories != SCHEMA_ONE_HOT - 1))
        return bad(r, "its categories do not fit its kind");
    if (c->categories == 1 && !c->missing)
        return bad(r, "one category and none missing is nothing to tell apart");
    if (date != (c->parts != 0) || (!date && c->slashes != SLASHES_NONE))
        return bad(r, "its parts of dates do not fit its kind");
    if (dropped != (c->dropped != NULL) || (dropped && c->missing))
        return bad(r, "it is dropped without a reason, or has one and is not");
    if (!text_is_name(c->name) || (dropped && !text_is_name(c->dropped)))
        return bad(r, "a name has a control character");
    return T2M_OK;
}

static t2m_status read_column(struct reading *r, const json_t *value, struct schema_column *c)
{
    static const char *const member[] = {"name",    "kind",          "dropped",
                                         "missing", "decimal_comma", "categories",
                                         "others",  "parts",         "slashes"};
    const json_t *slashes = json_object_get(value, "slashes"),
                 *dropped = json_object_get(value, "dropped");
    size_t kind = 0;
    r->what = NULL;
    if (has_strangers(value, member, sizeof member / sizeof *member))
        return bad(r, "a column has a member that is not known, or is no object");
    TRY(read_text(r, json_object_get(value, "name"), &c->name));
    r->what = c->name;
    const char *name = json_string_value(json_object_get(value, "kind"));
    while (kind < COLUMN_KINDS && (!name || strcmp(name, kinds[kind].name) != 0))
        kind++;
    if (kind == COLUMN_KINDS)
        return bad(r, "its kind is not known");
    c->kind = (enum column_kind)kind;
    if (dropped)
        TRY(read_text(r, dropped, &c->dropped));
    TRY(read_true(r, json_object_get(value, "missing"), &c->missing));
    TRY(read_true(r, json_object_get(value, "decimal_comma"), &c->decimal_comma));
    TRY(read_texts(r, json_object_get(value, "categories"), SCHEMA_ONE_HOT, &c->categories,
                   &c->category));
    TRY(read_true(r, json_object_get(value, "others"), &c->others));
    TRY(read_parts(r, json_object_get(value, "parts"), &c->parts));
    const size_t meant = slashes ? name_at(slashes, slashes_names, 3) : SLASHES_NONE;
    if (slashes && (meant == SIZE_MAX || meant == SLASHES_NONE))
        return bad(r, "its slashes are not known");
    c->slashes = (enum date_slashes)meant;
    return check_column(r, c);
}

static t2m_status read_columns(struct reading *r, const json_t *columns)
{
    struct schema *s = r->s;
    struct words names;
    const size_t n = json_array_size(columns);
    t2m_status status = T2M_OK;
    if (n == 0 || n > SCHEMA_COLUMNS)
        return bad(r, "there are no columns, or more than 65536");
    if (!(s->column = arena_new(&s->arena, n, sizeof *s->column)))
        return T2M_ENOMEM;
    words_init(&names, s->lib);
    bool more = words_add(&names, s->target) != SIZE_MAX;
    for (size_t i = 0; i < n && more; i++) {
        status = read_column(r, json_array_get(columns, i), &s->column[i]);
        const size_t number = status == T2M_OK ? words_add(&names, s->column[i].name) : 0;
        more = status == T2M_OK && number != SIZE_MAX;
        if (more && number <= i)
            status = bad(r, "two have this name");
        more = more && status == T2M_OK;
        s->count = i + 1;
    }
    words_clear(&names);
    if (status == T2M_OK && !more)
        return T2M_ENOMEM;
    r->what = NULL;
    return status;
}

static t2m_status read_all(struct schema *s, const json_t *root)
{
    static const char *const member[] = {"schema", "target", "decimal_comma", "classes", "columns"};
    static const char *const version[] = {"t2m-columns/1"};
    struct reading r = {.s = s};
    struct class_keys keys;
    if (has_strangers(root, member, sizeof member / sizeof *member))
        return bad(&r, "no object, or a member that is not known");
    if (name_at(json_object_get(root, "schema"), version, 1) == SIZE_MAX)
        return bad(&r, "they are not of the form t2m-columns/1");
    TRY(read_text(&r, json_object_get(root, "target"), &s->target));
    TRY(read_true(&r, json_object_get(root, "decimal_comma"), &s->target_decimal_comma));
    TRY(read_texts(&r, json_object_get(root, "classes"), SCHEMA_CLASSES, &s->classes, &s->class));
    if (!text_is_name(s->target) || s->classes == 1 || !classes_keys(s, &keys))
        return bad(&r, "the target or its classes make no sense");
    TRY(read_columns(&r, json_object_get(root, "columns")));
    kinds_lay_out(s);
    return s->outputs > 0 ? T2M_OK : bad(&r, "all columns are dropped");
}

t2m_status schema_parse(t2m *lib, struct schema **out, const char *json)
{
    json_error_t error;
    struct schema *s = mem_new(lib, 1, sizeof *s);
    if (!s)
        return T2M_ENOMEM;
    s->lib = lib;
    arena_init(&s->arena, lib);
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    const t2m_status status =
        root ? read_all(s, root)
             : refuse(lib, T2M_EMODEL,
                      "the rules for columns are not usable: line %d of the JSON: "
                      "%.100s",
                      error.line, error.text);
    json_decref(root);
    if (status == T2M_OK)
        *out = s;
    else
        schema_free(s);
    return status;
}

t2m_status schema_copy(const struct schema *s, struct schema **out)
{
    char *json;
    TRY(schema_text(s, &json));
    const t2m_status status = schema_parse(s->lib, out, json);
    mem_free(s->lib, json);
    return status;
}
