/* check_schema.h: what the tests of schemas share: a schema from the text of a file, and all that
 * it makes of a file as one line of text. */
#pragma once
#include "check.h"

#include "base/text.h"
#include "task/schema.h"

static inline struct table *parsed(t2m *lib, const char *text)
{
    struct table *t = NULL;
    struct bytes file = {(unsigned char *)(uintptr_t)text, strlen(text)};
    if (table_parse(lib, &file, "t.csv", &t) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return t;
}

static inline struct schema *found(t2m *lib, const char *text, const struct schema_options *o)
{
    struct schema *s = NULL;
    struct table *t = parsed(lib, text);
    if (schema_find(lib, &s, t, o) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    table_free(t);
    return s;
}

static inline void show_numbers(struct text *out, const float *x, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns; i++) {
        text_add(out, "%s", i == 0 ? "" : i % columns ? " " : "; ");
        if (isnan(x[i]))
            text_add(out, "~");
        else
            text_add(out, "%g", (double)x[i]);
    }
}

/* "name, name: x x; x x: y y (classes)" */
static inline void show(struct text *out, const struct schema *s, const struct table *t,
                        bool target)
{
    float *x = calloc(t->rows * s->outputs, sizeof *x), *y = calloc(t->rows, sizeof *y);
    char name[128];
    if (schema_apply(s, t, x, target ? y : NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(s->lib));
    for (size_t i = 0; i < s->outputs; i++) {
        schema_output_name(s, i, name);
        text_add(out, "%s%s", i ? ", " : "", name);
    }
    text_add(out, " / ");
    show_numbers(out, x, t->rows, s->outputs);
    if (target) {
        text_add(out, " / ");
        show_numbers(out, y, 1, t->rows);
    }
    for (size_t i = 0; i < s->classes; i++)
        text_add(out, "%s%s", i ? ", " : " / ", s->class[i]);
    free(x);
    free(y);
}

/* The rules of one file applied to another (NULL: the same). */
static inline void check(t2m *lib, const char *file, const char *later,
                         const struct schema_options *o, const char *want)
{
    struct text got;
    struct schema *s = found(lib, file, o);
    struct table *t = parsed(lib, later ? later : file);
    text_init(&got, lib);
    show(&got, s, t, !later);
    assert_string_equal(got.data, want);
    text_clear(&got);
    table_free(t);
    schema_free(s);
}

static inline void refused(t2m *lib, const char *file, const struct schema_options *o,
                           const char *want)
{
    struct schema *s = NULL;
    struct table *t = parsed(lib, file);
    const t2m_status status = schema_find(lib, &s, t, o);
    if (status == T2M_OK)
        fail_msg("not refused: %s", file);
    if (!strstr(t2m_errmsg(lib), want))
        fail_msg("'%s' is not in: %s", want, t2m_errmsg(lib));
    table_free(t);
}

/* `rows` lines by one format with the row's number from 0, below a header. */
static inline char *made(t2m *lib, const char *header, size_t rows,
                         void line(struct text *, size_t))
{
    struct text s;
    text_init(&s, lib);
    text_add(&s, "%s\n", header);
    for (size_t i = 0; i < rows; i++)
        line(&s, i);
    assert_false(s.failed);
    return s.data;
}
