/* words.h: a set of texts, numbered as they come: names of columns, categories. The texts are
 * borrowed and must outlive the set. A hash table with open addressing, at most half full. */
#pragma once
#include "base/base.h"

struct words {
    t2m *lib;
    size_t count;
    const char **word; /* [count] */
    uint64_t *hash;    /* [count] */
    size_t *slot;      /* [slots]: number + 1, or 0 */
    size_t slots, word_capacity, hash_capacity;
};
void words_init(struct words *w, t2m *lib);
/* Its number, new or old; SIZE_MAX if memory is out. */
size_t words_add(struct words *w, const char *s);
/* Its number, or SIZE_MAX. */
size_t words_find(const struct words *w, const char *s);
void words_clear(struct words *w);
