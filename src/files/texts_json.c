/* texts_json.c: a JSON object a line, by jansson, whose length is bounded first. Bytes that a
 * message names count in the line, from 1. jansson's memory is not counted by the allocator hook.
 */
#include <jansson.h>
#include <string.h>

#include "files/texts_reading.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t first_byte(const char *s, size_t n)
{
    size_t at = 0;
    while (at < n && is_space(s[at]))
        at++;
    return at;
}

static t2m_status bad_json(const struct place *p, const json_error_t *e)
{
    struct place at = *p;
    if (json_error_code(e) == json_error_out_of_memory)
        return fail_memory(p->lib, TEXT_MAX);
    at.byte = e->position > 0 ? (size_t)e->position : 1;
    return place_refuse(
        &at, "not a JSON object: %.160s%s", e->text,
        json_error_code(e) == json_error_premature_end_of_input ? "; is the line cut off?" : "");
}

/* NULs in strings are let through here, to be refused by a sentence of our own. */
static t2m_status parse(const struct place *p, const char *line, size_t n, json_t **out)
{
    json_error_t e;
    const size_t first = first_byte(line, n);
    if (n > TEXT_LINE_MAX)
        return place_refuse(p, "a line of %zu bytes; at most %d are read", n, TEXT_LINE_MAX);
    if (line[first] != '{')
        return place_refuse(p,
                            "not a JSON object such as {\"text\": \"...\", \"label\": \"...\"}%s",
                            line[first] == '[' ? "; put each object on a line of its own, without "
                                                 "the brackets of a list"
                                               : "");
    *out = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    return *out ? T2M_OK : bad_json(p, &e);
}

/* The member that holds the text, as a string without NUL. */
static t2m_status find_text(const struct place *p, const json_t *object, const char *member,
                            const json_t **out)
{
    const json_t *text = json_object_get(object, member);
    if (!text)
        return place_refuse(p, "there is no \"%.60s\"", member);
    if (!json_is_string(text))
        return place_refuse(p, "\"%.60s\" is not a text in quotes", member);
    if (memchr(json_string_value(text), 0, json_string_length(text)))
        return place_refuse(p, "\"%.60s\" has a NUL", member);
    *out = text;
    return T2M_OK;
}

/* ---- labels ---- */

enum { NUMBER_SIZE = 64, SHORT_DIGITS = 15, ALL_DIGITS = 17 };

static void write_number(const json_t *x, char out[NUMBER_SIZE])
{
    double back;
    for (size_t digits = SHORT_DIGITS; digits <= ALL_DIGITS; digits++) {
        const size_t n =
            json_dumpb(x, out, NUMBER_SIZE - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        out[n < NUMBER_SIZE ? n : 0] = 0;
        if (json_is_integer(x) || (text_number(out, n, &back) && back == json_real_value(x)))
            return;
    }
}

static t2m_status add_label(struct texts_reading *r, const json_t *x)
{
    char number[NUMBER_SIZE];
    if (json_is_string(x))
        return reading_label(r, json_string_value(x), json_string_length(x));
    if (json_is_boolean(x))
        return json_is_true(x) ? reading_label(r, "true", 4) : reading_label(r, "false", 5);
    if (!json_is_number(x))
        return place_refuse(&r->at, "\"%.60s\" %s", r->o.label,
                            json_is_null(x) ? "is null" : "is or has an object or a list in it");
    write_number(x, number);
    return reading_label(r, number, strlen(number));
}

static t2m_status add_list(struct texts_reading *r, const json_t *list)
{
    r->t->multi = true;
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(add_label(r, json_array_get(list, i)));
    return T2M_OK;
}

static t2m_status add_target(struct texts_reading *r, const json_t *object)
{
    const json_t *label = json_object_get(object, r->o.label);
    if (!label)
        return place_refuse(&r->at, "there is no \"%.60s\"", r->o.label);
    if (!r->o.values)
        return json_is_array(label) ? add_list(r, label) : add_label(r, label);
    if (!json_is_number(label))
        return place_refuse(&r->at, "\"%.60s\" is not a number", r->o.label);
    r->t->item[r->t->n - 1].value = json_number_value(label);
    return T2M_OK;
}

/* ---- lines ---- */

static t2m_status add_object(struct texts_reading *r, const json_t *object)
{
    const json_t *text = NULL;
    TRY(find_text(&r->at, object, r->o.text, &text));
    TRY(reading_text(r, json_string_value(text), json_string_length(text)));
    return r->o.unlabelled ? T2M_OK : add_target(r, object);
}

t2m_status reading_json(struct texts_reading *r, const struct bytes *bytes)
{
    struct lines l;
    const char *line;
    size_t n;
    TRY(lines_open(&l, r->t->lib, bytes, r->at.file));
    while (lines_next(&l, &line, &n)) {
        json_t *object = NULL;
        r->at.line = l.number;
        if (first_byte(line, n) == n)
            continue;
        TRY(parse(&r->at, line, n, &object));
        const t2m_status status = add_object(r, object);
        json_decref(object);
        TRY(status);
    }
    return T2M_OK;
}

/* ---- one line of a stream ---- */

static t2m_status add_text_of(const struct place *p, const struct text_line *line, struct text *out)
{
    json_t *object = NULL;
    const json_t *text = NULL;
    TRY(parse(p, line->data, line->length, &object));
    t2m_status status = find_text(p, object, line->member ? line->member : "text", &text);
    if (status == T2M_OK)
        status = reading_check_length(p, json_string_length(text));
    if (status == T2M_OK)
        text_bytes(out, json_string_value(text), json_string_length(text));
    json_decref(object);
    return status;
}

/* Without the mark at the beginning of a stream and the newline. */
static struct text_line trimmed(struct text_line line)
{
    const size_t mark = line.number == 1 ? lines_mark(line.data, line.length) : 0;
    line.data += mark;
    line.length -= mark;
    line.length -= line.length > 0 && line.data[line.length - 1] == '\n';
    line.length -= line.length > 0 && line.data[line.length - 1] == '\r';
    return line;
}

t2m_status text_line_read(const struct text_line *in, struct text *out)
{
    const struct place p = {.lib = out->lib, .file = in->file, .line = in->number};
    const struct text_line line = trimmed(*in);
    const size_t first = first_byte(line.data, line.length);
    out->length = 0;
    text_bytes(out, "", 0);
    TRY(lines_check(&p, line.data, line.length));
    if (first < line.length && line.data[first] == '{') {
        TRY(add_text_of(&p, &line, out));
    } else {
        TRY(reading_check_length(&p, line.length));
        text_bytes(out, line.data, line.length);
    }
    return out->failed ? T2M_ENOMEM : T2M_OK;
}
