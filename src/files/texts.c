/* texts.c: texts and labels as they come from the files, then classes in order and texts under two
 * labels. The readers of the formats are texts_json.c and texts_plain.c. */
#include "files/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "files/texts_reading.h"

/* ---- a text and its labels ---- */

t2m_status reading_begin(struct texts_reading *r, const char *file, const struct bytes *bytes)
{
    struct texts_impl *m = r->t->impl;
    r->at = (struct place){.lib = r->t->lib, .file = arena_text(&m->arena, file)};
    if (!size_add(m->bytes, bytes->length, &m->bytes) || m->bytes > r->t->lib->memory_limit)
        return refuse(r->t->lib, T2M_EDATA,
                      "the files up to '%.160s' have more than %zu bytes (--max-memory)", file,
                      r->t->lib->memory_limit);
    m->used = 0;
    m->room = bytes->length + 1;
    m->chunk = arena_new(&m->arena, m->room, 1);
    return r->at.file && m->chunk ? T2M_OK : T2M_ENOMEM;
}

t2m_status reading_check_length(const struct place *p, size_t length)
{
    return length <= TEXT_MAX
               ? T2M_OK
               : place_refuse(p, "a text of %zu bytes; at most %d are read", length, TEXT_MAX);
}

static bool invisible(int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
        return true;
    default:
        return false;
    }
}

static bool is_blank(const char *s, size_t n)
{
    for (size_t at = 0; at < n;) {
        int32_t point;
        const utf8proc_ssize_t length =
            utf8proc_iterate((const unsigned char *)s + at, (utf8proc_ssize_t)(n - at), &point);
        if (length <= 0 || !invisible(point))
            return false;
        at += (size_t)length;
    }
    return true;
}

/* A copy in the chunk of the file. */
static const char *keep(struct texts_impl *m, const char *s, size_t n)
{
    if (n >= m->room - m->used)
        return NULL;
    char *copy = m->chunk + m->used;
    memcpy(copy, s, n);
    copy[n] = 0;
    m->used += n + 1;
    return copy;
}

t2m_status reading_text(struct texts_reading *r, const char *text, size_t length)
{
    struct texts *t = r->t;
    TRY(reading_check_length(&r->at, length));
    if (!r->o.unlabelled && is_blank(text, length))
        return place_refuse(&r->at, "%s", length ? "the text is blank" : "the text is empty");
    if (t->n >= TEXTS_MAX)
        return place_refuse(&r->at, "more than %d texts", TEXTS_MAX);
    if (!mem_grow(t->lib, (void **)&t->item, &t->impl->item_room, t->n + 1, sizeof *t->item))
        return T2M_ENOMEM;
    const char *copy = keep(t->impl, text, length);
    if (!copy)
        return place_refuse(&r->at, "the text is longer than its file");
    t->item[t->n++] = (struct text_item){.text = copy,
                                         .length = length,
                                         .file = r->at.file,
                                         .line = r->at.line,
                                         .label_first = t->labels};
    return T2M_OK;
}

/* The number of a class, as they come. */
static t2m_status class_number(struct texts_reading *r, const char *label, size_t *out)
{
    struct texts_impl *m = r->t->impl;
    *out = words_find(&m->classes, label);
    if (*out != SIZE_MAX)
        return T2M_OK;
    if (m->classes.count >= TEXT_CLASSES_MAX)
        return place_refuse(&r->at,
                            "more than %d different labels; are they numbers to foretell, or texts "
                            "in the wrong column?",
                            TEXT_CLASSES_MAX);
    const char *copy = arena_text(&m->arena, label);
    *out = copy ? words_add(&m->classes, copy) : SIZE_MAX;
    return *out == SIZE_MAX ? T2M_ENOMEM : T2M_OK;
}

t2m_status reading_label(struct texts_reading *r, const char *label, size_t length)
{
    struct texts *t = r->t;
    struct text_item *item = &t->item[t->n - 1];
    size_t class;
    if (length > TEXT_LABEL_MAX)
        return place_refuse(&r->at, "a label of %zu bytes; at most %d are read", length,
                            TEXT_LABEL_MAX);
    if (strlen(label) != length)
        return place_refuse(&r->at, "the label has a NUL");
    if (is_blank(label, length))
        return place_refuse(&r->at, "%s", length ? "the label is blank" : "the label is empty");
    TRY(class_number(r, label, &class));
    for (size_t i = item->label_first; i < t->labels; i++)
        if (t->label[i] == class)
            return T2M_OK;
    if (!mem_grow(t->lib, (void **)&t->label, &t->impl->label_room, t->labels + 1,
                  sizeof *t->label))
        return T2M_ENOMEM;
    t->label[t->labels++] = class;
    item->label_count++;
    return T2M_OK;
}

/* ---- what is at a path ---- */

static bool is_json(const char *name)
{
    return text_ends(name, ".jsonl") || text_ends(name, ".ndjson") || text_ends(name, ".json");
}

static bool is_table(const char *name)
{
    return text_ends(name, ".csv") || text_ends(name, ".tsv");
}

/* `name` without .txt names the class. */
static t2m_status read_class(struct texts_reading *r, const struct bytes *bytes, const char *name)
{
    char class[TEXT_LABEL_MAX + 1];
    const size_t n = strlen(name) - strlen(".txt");
    if (r->o.values)
        return refuse(r->t->lib, T2M_EDATA, "'%.200s' is a class of texts; it has no numbers",
                      r->at.file);
    if (n >= sizeof class || !text_is_name(name))
        return refuse(r->t->lib, T2M_EDATA, "'%.200s' does not name a class", r->at.file);
    memcpy(class, name, n);
    class[n] = 0;
    const size_t before = r->t->n;
    TRY(reading_lines(r, bytes, class));
    return r->t->n > before ? T2M_OK
                            : refuse(r->t->lib, T2M_EDATA, "'%.200s' has no texts", r->at.file);
}

t2m_status reading_file(struct texts_reading *r, const struct bytes *bytes, const char *name,
                        const char *path)
{
    TRY(reading_begin(r, path, bytes));
    if (is_json(name))
        return reading_json(r, bytes);
    if (is_table(name))
        return reading_table(r, bytes);
    if (!text_ends(name, ".txt"))
        return refuse(r->t->lib, T2M_EDATA, "'%.200s' is no .jsonl, .csv, .tsv or .txt", path);
    return r->o.unlabelled ? reading_lines(r, bytes, NULL) : read_class(r, bytes, name);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

t2m_status reading_plain(struct texts_reading *r, const char *path)
{
    struct bytes bytes;
    const size_t before = r->t->n;
    TRY(store_read(r->t->lib, path, r->t->lib->memory_limit, &bytes));
    t2m_status status = reading_file(r, &bytes, base_name(path), path);
    mem_free(r->t->lib, bytes.data);
    if (status == T2M_OK && r->t->n == before)
        status = refuse(r->t->lib, T2M_EDATA, "'%.200s' has no texts", path);
    return status;
}

/* ---- classes in order ---- */

static int by_bytes(const void *p, const void *q)
{
    return strcmp(*(const char *const *)p, *(const char *const *)q);
}

static void sort_labels(size_t *label, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const size_t one = label[i];
        size_t at = i;
        for (; at > 0 && label[at - 1] > one; at--)
            label[at] = label[at - 1];
        label[at] = one;
    }
}

static t2m_status order_classes(struct texts *t)
{
    const struct words *found = &t->impl->classes;
    struct words sorted;
    t->classes = found->count;
    if (!(t->class_name = mem_new(t->lib, t->classes, sizeof *t->class_name)))
        return T2M_ENOMEM;
    if (t->classes == 0)
        return T2M_OK;
    memcpy(t->class_name, found->word, t->classes * sizeof *t->class_name);
    qsort(t->class_name, t->classes, sizeof *t->class_name, by_bytes);
    words_init(&sorted, t->lib);
    bool good = true;
    for (size_t i = 0; i < t->classes && good; i++)
        good = words_add(&sorted, t->class_name[i]) == i;
    for (size_t i = 0; i < t->labels && good; i++)
        t->label[i] = words_find(&sorted, found->word[t->label[i]]);
    words_clear(&sorted);
    for (size_t i = 0; i < t->n && good; i++)
        sort_labels(t->label + t->item[i].label_first, t->item[i].label_count);
    return good ? T2M_OK : T2M_ENOMEM;
}

/* ---- texts under two labels ---- */

static t2m_status warn(struct texts *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static t2m_status warn(struct texts *t, const char *format, ...)
{
    char sentence[ERRMSG_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (!mem_grow(t->lib, (void **)&t->warning, &t->impl->warning_room, t->warnings + 1,
                  sizeof *t->warning))
        return T2M_ENOMEM;
    t->warning[t->warnings] = arena_text(&t->impl->arena, sentence);
    return t->warning[t->warnings] ? t->warnings++, T2M_OK : T2M_ENOMEM;
}

static bool same_labels(const struct texts *t, const struct text_item *a, const struct text_item *b)
{
    return a->label_count == b->label_count &&
           memcmp(t->label + a->label_first, t->label + b->label_first,
                  a->label_count * sizeof *t->label) == 0;
}

/* "'a'", or "'a', 'b' ..." */
static const char *shown_labels(const struct texts *t, const struct text_item *x, char out[80])
{
    char shown[64];
    if (x->label_count == 0)
        return "no label";
    const char *name = t->class_name[t->label[x->label_first]];
    snprintf(out, 80, "'%s'%s", text_shown(name, strlen(name), shown),
             x->label_count > 1 ? " and others" : "");
    return out;
}

static t2m_status conflict(struct texts *t, const struct text_item *old,
                           const struct text_item *new)
{
    char text[64], a[80], b[80], file[160] = "";
    if (t->impl->conflicts++ >= TEXT_WARNINGS_MAX)
        return T2M_OK;
    text_shown(new->text, new->length, text);
    if (old->file != new->file)
        snprintf(file, sizeof file, " of %.120s", old->file);
    return warn(t, "%.120s: line %zu: '%s' is %s here, but %s in line %zu%s", new->file, new->line,
                text, shown_labels(t, new, a), shown_labels(t, old, b), old->line, file);
}

/* first[k] is the item where the k-th different text is met. */
static t2m_status compare(struct texts *t, struct words *seen, size_t *first)
{
    for (size_t i = 0; i < t->n; i++) {
        const size_t before = seen->count, k = words_add(seen, t->item[i].text);
        if (k == SIZE_MAX)
            return T2M_ENOMEM;
        if (k == before)
            first[k] = i;
        else if (!same_labels(t, &t->item[first[k]], &t->item[i]))
            TRY(conflict(t, &t->item[first[k]], &t->item[i]));
    }
    const size_t n = t->impl->conflicts;
    return n > TEXT_WARNINGS_MAX
               ? warn(t, "%zu more texts are under two labels", n - TEXT_WARNINGS_MAX)
               : T2M_OK;
}

static t2m_status find_conflicts(struct texts *t)
{
    struct words seen;
    size_t *first = mem_new(t->lib, t->n, sizeof *first);
    if (!first)
        return T2M_ENOMEM;
    words_init(&seen, t->lib);
    const t2m_status status = compare(t, &seen, first);
    words_clear(&seen);
    mem_free(t->lib, first);
    return status;
}

/* ---- all ---- */

static t2m_status read_all(struct texts_reading *r, const struct texts_paths *p)
{
    if (p->n == 0)
        return refuse(r->t->lib, T2M_EUSAGE, "no file of texts is given");
    for (size_t i = 0; i < p->n; i++)
        TRY(p->read(r, p->path[i]));
    TRY(order_classes(r->t));
    return r->t->labels ? find_conflicts(r->t) : T2M_OK;
}

t2m_status texts_read(t2m *lib, struct texts **out, const struct texts_paths *p,
                      const struct text_options *o)
{
    struct texts *t = mem_new(lib, 1, sizeof *t);
    struct texts_impl *impl = mem_new(lib, 1, sizeof *impl);
    if (!t || !impl) {
        mem_free(lib, t);
        mem_free(lib, impl);
        return T2M_ENOMEM;
    }
    arena_init(&impl->arena, lib);
    words_init(&impl->classes, lib);
    *t = (struct texts){.lib = lib, .impl = impl};
    struct texts_reading r = {.t = t};
    if (o)
        r.o = *o;
    r.o.text = r.o.text ? r.o.text : "text";
    r.o.label = r.o.label ? r.o.label : "label";
    const t2m_status status = read_all(&r, p);
    if (status == T2M_OK)
        *out = t;
    else
        texts_free(t);
    return status;
}

t2m_status texts_open_file(t2m *lib, struct texts **out, const char *path,
                           const struct text_options *o)
{
    const struct texts_paths p = {&path, 1, reading_plain};
    return texts_read(lib, out, &p, o);
}

void texts_free(struct texts *t)
{
    if (!t)
        return;
    t2m *lib = t->lib;
    words_clear(&t->impl->classes);
    arena_clear(&t->impl->arena);
    mem_free(lib, t->impl);
    mem_free(lib, t->item);
    mem_free(lib, t->label);
    mem_free(lib, t->class_name);
    mem_free(lib, t->warning);
    mem_free(lib, t);
}
