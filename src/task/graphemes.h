/* graphemes.h: a text as the characters that a reader sees (grapheme clusters), normalised, so that
 * two spellings of one text are the same list.
 *
 * Normalisation: NFKC and case folding (by utf8proc); curly quotes become straight ones; joiners,
 * variation selectors, soft hyphens and other invisible format characters are left out (a joiner
 * still joins: a family emoji is one grapheme). Marks beyond 32 in a row are put in order in groups
 * of 32, so that no text takes quadratic time. */
#pragma once
#include "base/base.h"

enum grapheme_type {
    GRAPHEME_BLANK,  /* space, newline, control character */
    GRAPHEME_LETTER, /* of a script that has spaces between words; also a lone mark */
    GRAPHEME_DIGIT,
    GRAPHEME_ALONE, /* letter of a script without spaces: each is a word */
    GRAPHEME_SIGN   /* punctuation, symbol, emoji: each is a word */
};

/* Most bytes of a text, and most code points after normalisation (a code point may become 18). */
enum { GRAPHEMES_MAX = 1 << 20 };
/* Codes of graphemes of one code point are that; those of several are hashes with this bit. */
#define GRAPHEME_HASHED (UINT64_C(1) << 63)

struct graphemes {
    t2m *lib;
    size_t n;
    uint64_t *code; /* [n] */
    uint8_t *type;  /* [n] enum grapheme_type */
    int32_t *point; /* code points, while a text is read */
    size_t points, code_room, type_room, point_room;
};

void graphemes_init(struct graphemes *g, t2m *lib);
/* Replaces what is in g. T2M_EDATA: over GRAPHEMES_MAX bytes, or code points after normalisation,
 * or not UTF-8 (names the byte, from 1). No allocation if the room of earlier texts is enough. */
t2m_status graphemes_read(struct graphemes *g, const char *text, size_t length);
void graphemes_clear(struct graphemes *g);

/* One step of a hash over numbers; the result depends on their order. */
static inline uint64_t hash_step(uint64_t hash, uint64_t number)
{
    hash = (hash ^ number) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}
/* Its end: every bit depends on every bit (the finaliser of SplitMix64, Steele et al. 2014). */
static inline uint64_t hash_end(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94D049BB133111EB);
    return hash ^ hash >> 31;
}
