/* classes.h: the names of a target's classes, in order: numbers by value, no before yes, else by
 * bytes. Cells that mean the same class (1 and 1.0, yes and Yes) have one name, the spelling that
 * is first by bytes. */
#pragma once
#include "task/schema.h"

enum class_order { CLASSES_NUMBERS, CLASSES_TRUTHS, CLASSES_TEXT };

struct class_key { /* what names are compared by: the number, then the text */
    double number;
    const char *text;     /* "" where the number says all */
    const char *spelling; /* as in the file */
};

struct class_keys {
    enum class_order order;
    size_t count;
    struct class_key key[SCHEMA_CLASSES];
};

/* Fills s->classes and s->class from the cells of the column, none of which is missing. */
t2m_status classes_find(struct schema *s, const struct table *t, size_t column,
                        enum class_order order);
/* Keys of s->class; false if they are not as classes_find makes them: names, in order. */
bool classes_keys(const struct schema *s, struct class_keys *k);
/* Number of the class that a cell names, or SIZE_MAX. */
size_t classes_number(const struct class_keys *k, const struct table *t, size_t row, size_t column);
/* T2M_EDATA: the row has no target. */
t2m_status classes_missing(const struct table *t, size_t row, size_t column);
