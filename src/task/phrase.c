/* phrase.c: words, their parts, and the features of a text by hash. p->part first takes all
 * features as they come (parts, then those of words), p->feature the same in order. */
#include "task/phrase.h"

#include <string.h>

enum { LEAST_PART = 3, MOST_PART = 5, BYTES = 8 /* of a hash */ };
enum { FEW = 4096 /* features that are sorted by one pass and insertion */ };

/* Beyond all code points. */
enum { BEGIN = 0x110000, END = 0x110001 };

static const uint64_t SEED = UINT64_C(0x7461736B326D6F64);

/* The same graphemes give other hashes for each kind. */
static uint64_t feature_hash(uint64_t hash, unsigned kind)
{
    return hash_end(hash + kind * UINT64_C(0xD1B54A32D192ED03));
}

void phrase_init(struct phrase *p, t2m *lib)
{
    *p = (struct phrase){.lib = lib};
    graphemes_init(&p->graphemes, lib);
}

void phrase_clear(struct phrase *p)
{
    mem_free(p->lib, p->feature);
    mem_free(p->lib, p->word);
    mem_free(p->lib, p->part);
    graphemes_clear(&p->graphemes);
    phrase_init(p, p->lib);
}

/* ---- words ---- */

static bool in_word(const struct graphemes *g, size_t at)
{
    if (g->type[at] == GRAPHEME_LETTER || g->type[at] == GRAPHEME_DIGIT)
        return true;
    return g->code[at] == '\'' && at + 1 < g->n && g->type[at - 1] == GRAPHEME_LETTER &&
           g->type[at + 1] == GRAPHEME_LETTER;
}

/* Where the word that begins at `at` ends. */
static size_t word_end(const struct graphemes *g, size_t at)
{
    const bool letters = g->type[at] == GRAPHEME_LETTER || g->type[at] == GRAPHEME_DIGIT;
    at++;
    while (letters && at < g->n && in_word(g, at))
        at++;
    return at;
}

static uint64_t word_hash(const struct graphemes *g, size_t at, size_t end)
{
    uint64_t hash = SEED;
    for (; at < end; at++)
        hash = hash_step(hash, g->code[at]);
    return feature_hash(hash, PHRASE_WORD);
}

static t2m_status split(struct phrase *p, const char *text, size_t length)
{
    struct graphemes *g = &p->graphemes;
    p->n = p->words = p->parts = 0;
    TRY(graphemes_read(g, text, length));
    for (size_t at = 0, end; at < g->n; at = end) {
        end = word_end(g, at);
        if (g->type[at] == GRAPHEME_BLANK)
            continue;
        if (!mem_grow(p->lib, (void **)&p->word, &p->word_room, p->words + 1, sizeof *p->word))
            return T2M_ENOMEM;
        p->word[p->words++] =
            (struct phrase_word){word_hash(g, at, end), (uint32_t)at, (uint32_t)(end - at), 0, 0};
    }
    return T2M_OK;
}

/* ---- features as they come ---- */

static void add(struct phrase *p, uint64_t hash, unsigned kind)
{
    p->part[p->parts++] = (struct feature){feature_hash(hash, kind), 1, kind};
}

/* Of ^word$, from each place: the hash of 3 graphemes goes on to 4 and 5. */
static void add_parts(struct phrase *p, struct phrase_word *w, unsigned kinds)
{
    const uint64_t *code = p->graphemes.code + w->at;
    const size_t n = w->length + 2;
    const uint8_t type = p->graphemes.type[w->at];
    w->part = (uint32_t)p->parts;
    if (type != GRAPHEME_LETTER && type != GRAPHEME_DIGIT)
        return;
    for (size_t first = 0; first + LEAST_PART <= n; first++) {
        uint64_t hash = SEED;
        for (size_t k = 0; k < MOST_PART && first + k < n; k++) {
            const size_t at = first + k;
            hash = hash_step(hash, at == 0 ? BEGIN : at == n - 1 ? END : code[at - 1]);
            if (k + 1 >= LEAST_PART && (kinds & (unsigned)PHRASE_PART_3 << (k + 1 - LEAST_PART)))
                add(p, hash, (unsigned)PHRASE_PART_3 << (k + 1 - LEAST_PART));
        }
    }
    w->parts = (uint32_t)p->parts - w->part;
}

/* Room for all that a text can have: a word of n graphemes has at most 3 n parts. */
static t2m_status make_parts(struct phrase *p, unsigned kinds)
{
    const size_t most = 3 * p->graphemes.n + 3 * p->words + 3;
    if (!mem_grow(p->lib, (void **)&p->part, &p->part_room, most, sizeof *p->part))
        return T2M_ENOMEM;
    for (size_t i = 0; i < p->words && (kinds & PHRASE_PARTS); i++)
        add_parts(p, &p->word[i], kinds);
    return T2M_OK;
}

static uint64_t two(uint64_t a, uint64_t b)
{
    return hash_step(hash_step(SEED, a), b);
}

static void add_words(struct phrase *p, unsigned kinds)
{
    const struct phrase_word *w = p->word;
    const size_t n = p->words;
    for (size_t i = 0; i < n && (kinds & PHRASE_WORD); i++)
        p->part[p->parts++] = (struct feature){w[i].hash, 1, PHRASE_WORD};
    for (size_t i = 0; i <= n && n && (kinds & PHRASE_PAIR); i++)
        add(p, two(i ? w[i - 1].hash : BEGIN, i < n ? w[i].hash : END), PHRASE_PAIR);
    for (size_t i = 2; i < n && (kinds & PHRASE_SKIP); i++)
        add(p, two(w[i - 2].hash, w[i].hash), PHRASE_SKIP);
    if (n > 0 && (kinds & PHRASE_START))
        add(p, hash_step(SEED, w[0].hash), PHRASE_START);
    if (n > 1 && (kinds & PHRASE_START))
        add(p, two(w[0].hash, w[1].hash), PHRASE_START);
}

/* ---- in order ---- */

/* A stable pass by one byte of the hash. */
static void sort_byte(const struct feature *from, struct feature *to, size_t n, int byte)
{
    uint32_t place[256] = {0};
    for (size_t i = 0; i < n; i++)
        place[from[i].hash >> 8 * byte & 255]++;
    for (uint32_t k = 0, sum = 0; k < 256; k++) {
        const uint32_t count = place[k];
        place[k] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[place[from[i].hash >> 8 * byte & 255]++] = from[i];
}

static void insert_each(struct feature *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct feature one = x[i];
        size_t at = i;
        for (; at > 0 && x[at - 1].hash > one.hash; at--)
            x[at] = x[at - 1];
        x[at] = one;
    }
}

/* p->part into p->feature. Few: by the first byte, which leaves little to insert. Many: by all
 * bytes, since the text may have been written to make insertion slow. */
static void sort(struct phrase *p)
{
    const size_t n = p->parts;
    if (n <= FEW) {
        sort_byte(p->part, p->feature, n, BYTES - 1);
        insert_each(p->feature, n);
        return;
    }
    for (int byte = 0; byte < BYTES; byte += 2) {
        sort_byte(p->part, p->feature, n, byte);
        sort_byte(p->feature, p->part, n, byte + 1);
    }
    memcpy(p->feature, p->part, n * sizeof *p->part);
}

static void merge_equal(struct phrase *p)
{
    p->n = 0;
    for (size_t i = 0; i < p->parts; i++)
        if (p->n > 0 && p->feature[p->n - 1].hash == p->feature[i].hash)
            p->feature[p->n - 1].count++;
        else
            p->feature[p->n++] = p->feature[i];
}

t2m_status phrase_words(struct phrase *p, const char *text, size_t length, unsigned kinds)
{
    TRY(split(p, text, length));
    return make_parts(p, kinds);
}

t2m_status phrase_make(struct phrase *p, const char *text, size_t length, unsigned kinds)
{
    TRY(phrase_words(p, text, length, kinds));
    add_words(p, kinds);
    if (!mem_grow(p->lib, (void **)&p->feature, &p->feature_room, p->parts, sizeof *p->feature))
        return T2M_ENOMEM;
    sort(p);
    merge_equal(p);
    p->parts = 0;
    for (size_t i = 0; i < p->words; i++)
        p->word[i].part = p->word[i].parts = 0;
    return T2M_OK;
}
