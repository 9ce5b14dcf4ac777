/* vocabulary.c: words that were seen often, and texts in their terms. */
#include "task/vocabulary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "nn/nn.h"

/* ---- words ---- */

t2m_status vocabulary_new(t2m *lib, struct vocabulary **out, size_t n)
{
    struct vocabulary *v = mem_new(lib, 1, sizeof *v);
    if (!v)
        return T2M_ENOMEM;
    *v = (struct vocabulary){.lib = lib, .n = n, .slots = 2};
    while (v->slots < 2 * n)
        v->slots *= 2;
    v->hash = mem_new(lib, n, sizeof *v->hash);
    v->seen = mem_new(lib, n, sizeof *v->seen);
    v->slot = mem_new(lib, v->slots, sizeof *v->slot);
    if (v->hash && v->seen && v->slot) {
        *out = v;
        return T2M_OK;
    }
    vocabulary_free(v);
    return T2M_ENOMEM;
}

void vocabulary_free(struct vocabulary *v)
{
    if (!v)
        return;
    mem_free(v->lib, v->hash);
    mem_free(v->lib, v->seen);
    mem_free(v->lib, v->slot);
    mem_free(v->lib, v);
}

/* The place of the hash in v->slot: its own, or the empty one where it would be. */
static size_t place_of(const struct vocabulary *v, uint64_t hash)
{
    size_t at = (size_t)hash & (v->slots - 1);
    while (v->slot[at] && v->hash[v->slot[at] - 1] != hash)
        at = (at + 1) & (v->slots - 1);
    return at;
}

bool vocabulary_index(struct vocabulary *v)
{
    bool good = true;
    for (size_t i = 0; i < v->n; i++) {
        const size_t at = place_of(v, v->hash[i]);
        good = good && v->slot[at] == 0 && v->seen[i] > 0;
        v->slot[at] = (uint32_t)i + 1;
    }
    return good;
}

t2m_status vocabulary_copy(const struct vocabulary *v, struct vocabulary **out)
{
    TRY(vocabulary_new(v->lib, out, v->n));
    memcpy((*out)->hash, v->hash, v->n * sizeof *v->hash);
    memcpy((*out)->seen, v->seen, v->n * sizeof *v->seen);
    vocabulary_index(*out);
    return T2M_OK;
}

/* Of a feature by the texts that have it, 0 .. NN_TEXT_BUCKETS - 1: doubling from one to the next.
 */
static size_t bucket_of(uint32_t seen)
{
    size_t bucket = 0;
    for (uint32_t limit = 1; limit <= seen && bucket + 1 < NN_TEXT_BUCKETS; limit *= 2)
        bucket++;
    return bucket;
}

/* ---- learning a vocabulary ---- */

struct word_count {
    uint64_t hash;
    size_t count;
};

static int by_hash(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int by_count(const void *a, const void *b)
{
    const struct word_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : by_hash(&x->hash, &y->hash);
}

/* Hashes [n], sorted, as counted ones; gives their number. */
static size_t count_runs(const uint64_t *hash, size_t n, struct word_count *out)
{
    size_t words = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || hash[i] != hash[i - 1])
            out[words++] = (struct word_count){hash[i], 0};
        out[words - 1].count++;
    }
    return words;
}

t2m_status vocabulary_learn(t2m *lib, struct vocabulary **out, const struct bag *const *text,
                            size_t n, size_t most)
{
    size_t all = 0, at = 0, words = 0;
    for (size_t i = 0; i < n; i++)
        all += text[i]->n;
    uint64_t *hash = mem_new(lib, all, sizeof *hash);
    struct word_count *count = mem_new(lib, all, sizeof *count);
    t2m_status status = hash && count ? T2M_OK : T2M_ENOMEM;
    if (status == T2M_OK) {
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < text[i]->n; k++)
                hash[at++] = text[i]->feature[k].hash;
        qsort(hash, all, sizeof *hash, by_hash);
        const size_t distinct = count_runs(hash, all, count);
        qsort(count, distinct, sizeof *count, by_count);
        while (words < distinct && words < most && count[words].count > 1)
            words++;
        status = vocabulary_new(lib, out, words);
    }
    for (size_t i = 0; status == T2M_OK && i < words; i++) {
        (*out)->hash[i] = count[i].hash;
        (*out)->seen[i] = (uint32_t)count[i].count;
    }
    if (status == T2M_OK)
        vocabulary_index(*out);
    mem_free(lib, hash);
    mem_free(lib, count);
    return status;
}

/* ---- in files ---- */

/* A hash is three whole numbers, each exact as a float. */
enum { NUMBERS = 4, SHIFT = 22, LOW = (1 << SHIFT) - 1, EXACT = 1 << 24 };

size_t vocabulary_numbers(const struct vocabulary *v)
{
    return v ? NUMBERS * v->n : 0;
}

struct tensor_entry vocabulary_tensor(const struct vocabulary *v, float *numbers)
{
    for (size_t i = 0; i < v->n; i++) {
        float *to = numbers + NUMBERS * i;
        to[0] = (float)(v->hash[i] & LOW);
        to[1] = (float)(v->hash[i] >> SHIFT & LOW);
        to[2] = (float)(v->hash[i] >> 2 * SHIFT);
        to[3] = (float)(v->seen[i] < EXACT ? v->seen[i] : EXACT);
    }
    return (struct tensor_entry){.name = "vocabulary",
                                 .rank = 2,
                                 .dim = {(int64_t)v->n, NUMBERS},
                                 .count = NUMBERS * v->n,
                                 .data = numbers};
}

static bool whole(float x, uint64_t most, uint64_t *out)
{
    if (!(x >= 0 && x <= (float)most) || x != floorf(x))
        return false;
    *out = (uint64_t)x;
    return true;
}

static bool take_word(struct vocabulary *v, size_t i, const float *x)
{
    uint64_t part[NUMBERS];
    if (!whole(x[0], LOW, &part[0]) || !whole(x[1], LOW, &part[1]) ||
        !whole(x[2], LOW >> 2, &part[2]) || !whole(x[3], EXACT, &part[3]))
        return false;
    v->hash[i] = part[0] | part[1] << SHIFT | part[2] << 2 * SHIFT;
    v->seen[i] = (uint32_t)part[3];
    return true;
}

t2m_status vocabulary_read(t2m *lib, const struct tensor_file *f, const struct structure *s,
                           struct vocabulary **out)
{
    const struct tensor_entry *t = safetensors_find(f, "vocabulary");
    struct vocabulary *v;
    if (!t || t->rank != 2 || t->dim[1] != NUMBERS || s->kind != NN_TEXT ||
        t->dim[0] > s->hidden[0])
        return T2M_EMODEL;
    TRY(vocabulary_new(lib, &v, (size_t)t->dim[0]));
    bool good = true;
    for (size_t i = 0; i < v->n && good; i++)
        good = take_word(v, i, t->data + NUMBERS * i);
    if (good && vocabulary_index(v)) {
        *out = v;
        return T2M_OK;
    }
    vocabulary_free(v);
    return T2M_EMODEL;
}

/* ---- texts ---- */

static uint32_t number_of(uint32_t bit)
{
    uint32_t number = 0;
    for (; bit > 1; bit /= 2)
        number++;
    return number;
}

t2m_status bag_make(struct bag *out, struct phrase *p, const char *text, size_t length)
{
    static const uint32_t order[NN_TEXT_KINDS] = {PHRASE_WORD,   PHRASE_START,  PHRASE_PAIR,
                                                  PHRASE_PART_4, PHRASE_PART_3, PHRASE_PART_5,
                                                  PHRASE_SKIP};
    TRY(phrase_make(p, text, length, PHRASE_ALL));
    struct bag_feature *f = mem_new(p->lib, p->n, sizeof *f);
    if (!f)
        return T2M_ENOMEM;
    size_t n = 0;
    for (size_t k = 0; k < NN_TEXT_KINDS; k++)
        for (size_t i = 0; i < p->n; i++)
            if (p->feature[i].kind == order[k])
                f[n++] = (struct bag_feature){p->feature[i].hash,
                                              (float)sqrt((double)p->feature[i].count),
                                              number_of(order[k])};
    *out = (struct bag){n, f};
    return T2M_OK;
}

void bag_clear(t2m *lib, struct bag *b)
{
    mem_free(lib, b->feature);
}

/* Another number of the hash, so that slots and places do not go together. */
static uint64_t mixed(uint64_t hash, uint64_t key)
{
    uint64_t x = hash + 0x9e3779b97f4a7c15u * (key + 1);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

enum { UNKNOWN = 0xffffffff };

static uint32_t word_of(const struct vocabulary *v, uint64_t hash)
{
    const uint32_t slot = v->slot[place_of(v, hash)];
    return slot ? slot - 1 : UNKNOWN;
}

void bag_count(const struct bag *b, const struct vocabulary *v, uint16_t *seen)
{
    for (size_t i = 0; i < b->n; i++) {
        const uint32_t word = word_of(v, b->feature[i].hash);
        if (word != UNKNOWN && seen[word] < UINT16_MAX)
            seen[word]++;
    }
}

/* Texts that have the word, without those of the episode's own classes. */
static uint32_t seen_of(const struct bag_use *u, uint32_t word)
{
    uint32_t seen = word == UNKNOWN ? 0 : u->vocabulary->seen[word];
    for (size_t i = 0; i < u->owners && seen > 0; i++)
        seen -= u->own[i][word] < seen ? u->own[i][word] : seen;
    return seen;
}

struct bag_use bag_use_for(const struct vocabulary *v, const struct structure *s)
{
    return (struct bag_use){
        .vocabulary = v, .slots = (size_t)s->hidden[1], .features = (size_t)s->width};
}

void bag_write(const struct bag *b, const struct bag_use *u, float *x)
{
    const uint64_t threshold = (uint64_t)(u->drop * 4294967296.0);
    size_t n = 0;
    for (size_t i = 0; i < b->n && n < u->features; i++) {
        const struct bag_feature *f = &b->feature[i];
        if (threshold > 0 && mixed(f->hash, u->key) >> 32 < threshold)
            continue;
        const uint32_t word = word_of(u->vocabulary, f->hash), seen = seen_of(u, word);
        const uint64_t own = mixed(f->hash, 0);
        const float slot = (float)((own >> 1) % u->slots + 1);
        float *to = x + n++ * NN_TEXT_CHANNELS;
        to[0] = seen > 0 ? (float)word : -1;
        to[1] = own & 1 ? slot : -slot;
        to[2] = f->count;
        to[3] = (float)(f->kind * NN_TEXT_BUCKETS + bucket_of(seen));
    }
    for (; n < u->features; n++) {
        float *to = x + n * NN_TEXT_CHANNELS;
        to[0] = -1;
        to[1] = to[2] = to[3] = 0;
    }
}
