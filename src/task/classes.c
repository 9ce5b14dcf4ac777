/* classes.c: the different cells of a target, sorted; those of one meaning are one class. */
#include "task/classes.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "task/cells.h"
#include "task/survey.h"

/* As the survey of the column decides: the order follows from the names alone. */
static bool name_number(const char *name, bool comma, double *out)
{
    const size_t n = strlen(name);
    return ((comma && text_comma_number(name, n, out)) || text_number(name, n, out)) &&
           survey_is_float(*out);
}

/* False if the name does not fit the order. */
static bool key_of(enum class_order order, bool comma, const char *name, struct class_key *k)
{
    *k = (struct class_key){0, order == CLASSES_TEXT ? name : "", name};
    if (order == CLASSES_NUMBERS)
        return name_number(name, comma, &k->number);
    const int word = cell_truth(name);
    if (order == CLASSES_TRUTHS)
        k->number = word & 1;
    return order == CLASSES_TEXT || word >= 0;
}

static int compare(const struct class_key *a, const struct class_key *b)
{
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return strcmp(a->text, b->text);
}

static int by_key_and_spelling(const void *a, const void *b)
{
    const struct class_key *p = a, *q = b;
    const int order = compare(p, q);
    return order ? order : strcmp(p->spelling, q->spelling);
}

/* ---- finding them ---- */

static t2m_status check_count(const struct schema *s, const struct table *t, size_t n,
                              const struct class_key *key, enum class_order order)
{
    char shown[64], name[64];
    text_shown(s->target, strlen(s->target), name);
    if (n < 2)
        return refuse(s->lib, T2M_EDATA,
                      "%.160s: the target '%s' has one class only, '%s', so there is nothing to "
                      "learn; give another --target",
                      t->name, name, text_shown(key->spelling, strlen(key->spelling), shown));
    if (n > SCHEMA_CLASSES)
        return refuse(s->lib, T2M_EDATA,
                      "%.160s: the target '%s' has %zu classes, %d is the most; give %sanother "
                      "--target",
                      t->name, name, n, SCHEMA_CLASSES,
                      order == CLASSES_NUMBERS ? "--regression or " : "");
    return T2M_OK;
}

static t2m_status name_classes(struct schema *s, const struct table *t, struct class_key *key,
                               size_t n, enum class_order order)
{
    size_t classes = 0;
    qsort(key, n, sizeof *key, by_key_and_spelling);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare(&key[classes - 1], &key[i]) != 0)
            key[classes++] = key[i];
    TRY(check_count(s, t, classes, key, order));
    for (size_t i = 0; i < classes; i++)
        if (!text_is_name(key[i].spelling)) {
            char shown[64];
            return refuse(s->lib, T2M_EDATA, "%.160s: the class '%s' has a control character",
                          t->name, text_shown(key[i].spelling, strlen(key[i].spelling), shown));
        }
    s->class = arena_new(&s->arena, classes, sizeof *s->class);
    if (!s->class)
        return T2M_ENOMEM;
    for (s->classes = 0; s->classes < classes; s->classes++)
        if (!(s->class[s->classes] = arena_text(&s->arena, key[s->classes].spelling)))
            return T2M_ENOMEM;
    return T2M_OK;
}

t2m_status classes_find(struct schema *s, const struct table *t, size_t column,
                        enum class_order order)
{
    struct words spellings;
    bool good = true;
    words_init(&spellings, s->lib);
    for (size_t row = 0; row < t->rows && good; row++)
        good = words_add(&spellings, t->cells[row * t->columns + column]) != SIZE_MAX;
    struct class_key *key = good ? mem_new(s->lib, spellings.count, sizeof *key) : NULL;
    t2m_status status = T2M_ENOMEM;
    if (key) {
        for (size_t i = 0; i < spellings.count; i++)
            key_of(order, s->target_decimal_comma, spellings.word[i], &key[i]);
        status = name_classes(s, t, key, spellings.count, order);
    }
    mem_free(s->lib, key);
    words_clear(&spellings);
    return status;
}

/* ---- using them ---- */

static enum class_order order_of(const struct schema *s)
{
    double v;
    size_t numbers = 0;
    for (size_t i = 0; i < s->classes; i++) {
        const char *name = s->class[i];
        numbers += name_number(name, s->target_decimal_comma, &v);
    }
    if (numbers == s->classes)
        return CLASSES_NUMBERS;
    const int no = s->classes == 2 ? cell_truth(s->class[0]) : -1;
    const bool pair = no >= 0 && (no | 1) == (cell_truth(s->class[1]) | 1);
    return pair ? CLASSES_TRUTHS : CLASSES_TEXT;
}

bool classes_keys(const struct schema *s, struct class_keys *k)
{
    if (s->classes > SCHEMA_CLASSES)
        return false;
    k->order = order_of(s);
    k->count = s->classes;
    for (size_t i = 0; i < s->classes; i++) {
        const char *name = s->class[i];
        key_of(k->order, s->target_decimal_comma, name, &k->key[i]);
        if (!text_is_name(name) || (i > 0 && compare(&k->key[i - 1], &k->key[i]) >= 0))
            return false;
    }
    return true;
}

size_t classes_number(const struct class_keys *k, const struct table *t, size_t row, size_t column)
{
    struct class_key cell;
    const char *text = t->cells[row * t->columns + column];
    if (k->order == CLASSES_NUMBERS) { /* by the decimal point of this table */
        cell = (struct class_key){0, "", text};
        if (!table_value(t, row, column, &cell.number))
            return SIZE_MAX;
    } else if (!key_of(k->order, false, text, &cell)) {
        return SIZE_MAX;
    }
    size_t low = 0, high = k->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = compare(&cell, &k->key[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}

t2m_status classes_missing(const struct table *t, size_t row, size_t column)
{
    char name[64];
    return refuse(t->lib, T2M_EDATA,
                  "%.160s: line %zu, column '%s': the target is missing; fill it in, or leave out "
                  "the row",
                  t->name, t->line[row],
                  text_shown(t->header[column], strlen(t->header[column]), name));
}
