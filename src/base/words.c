/* words.c: the hash table of words.h. */
#include "base/words.h"

#include <string.h>

#include "base/text.h"

enum { FIRST_SLOTS = 64 }; /* a power of two, as all sizes that follow */

void words_init(struct words *w, t2m *lib)
{
    *w = (struct words){.lib = lib};
}

/* Begins with an address, so that no file can be written whose words all meet in one slot. The
 * high bits of FNV are the better mixed. */
static uint64_t hash_of(const struct words *w, const char *s)
{
    const uint64_t h = hash_bytes((uint64_t)(uintptr_t)w->lib, s, strlen(s));
    return h ^ h >> 32;
}

/* The slot where s is, or where it belongs. */
static size_t slot_of(const struct words *w, const char *s, uint64_t hash)
{
    size_t at = hash & (w->slots - 1);
    while (w->slot[at]) {
        const size_t i = w->slot[at] - 1;
        if (w->hash[i] == hash && strcmp(w->word[i], s) == 0)
            break;
        at = (at + 1) & (w->slots - 1);
    }
    return at;
}

static bool widen(struct words *w)
{
    const size_t slots = w->slots ? 2 * w->slots : FIRST_SLOTS;
    size_t *slot = mem_new(w->lib, slots, sizeof *slot);
    if (!slot)
        return false;
    mem_free(w->lib, w->slot);
    w->slot = slot;
    w->slots = slots;
    for (size_t i = 0; i < w->count; i++) {
        size_t at = w->hash[i] & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    return true;
}

size_t words_add(struct words *w, const char *s)
{
    const uint64_t hash = hash_of(w, s);
    if (2 * w->count >= w->slots && !widen(w))
        return SIZE_MAX;
    size_t *slot = &w->slot[slot_of(w, s, hash)];
    if (*slot)
        return *slot - 1;
    const size_t n = w->count + 1;
    if (!mem_grow(w->lib, (void **)&w->word, &w->word_capacity, n, sizeof *w->word) ||
        !mem_grow(w->lib, (void **)&w->hash, &w->hash_capacity, n, sizeof *w->hash))
        return SIZE_MAX;
    w->word[w->count] = s;
    w->hash[w->count] = hash;
    *slot = n;
    return w->count++;
}

size_t words_find(const struct words *w, const char *s)
{
    if (w->count == 0)
        return SIZE_MAX;
    return w->slot[slot_of(w, s, hash_of(w, s))] - 1; /* an empty slot: 0 - 1 is SIZE_MAX */
}

void words_clear(struct words *w)
{
    mem_free(w->lib, w->word);
    mem_free(w->lib, w->hash);
    mem_free(w->lib, w->slot);
    words_init(w, w->lib);
}
