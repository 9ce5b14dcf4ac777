/* phrase.h: a text as features that can be learned from: words, neighbours and parts of words, each
 * a number of 64 bits (a hash) that depends on the text alone, not on the machine.
 *
 * Words (of the graphemes of graphemes.h): a run of letters, digits and marks; an apostrophe
 * between two letters belongs to it. Each punctuation mark, symbol and emoji is a word, and each
 * grapheme of a script without spaces (Chinese, Japanese, Thai). Parts are n-grams of graphemes of
 * ^word$; words that are one sign or one such grapheme have none.
 *
 * A phrase belongs to one thread at a time; it may be used for one text after the other. */
#pragma once
#include "task/graphemes.h"

/* Bits. PAIR: two neighbouring words, or one and the begin or end of the text. SKIP: two words with
 * one between. START: the first word; the first two. */
enum phrase_kind {
    PHRASE_WORD = 1,
    PHRASE_PAIR = 2,
    PHRASE_SKIP = 4,
    PHRASE_PART_3 = 8,
    PHRASE_PART_4 = 16,
    PHRASE_PART_5 = 32,
    PHRASE_START = 64,
    PHRASE_PARTS = PHRASE_PART_3 | PHRASE_PART_4 | PHRASE_PART_5,
    PHRASE_ALL = 127
};

struct feature {
    uint64_t hash;
    uint32_t count; /* how often it occurs in the text, > 0 */
    uint32_t kind;  /* one bit of enum phrase_kind */
};

struct phrase_word {
    uint64_t hash;        /* that of its feature PHRASE_WORD */
    uint32_t at, length;  /* in graphemes of the normalised text, blanks counted */
    uint32_t part, parts; /* phrase.part[part .. part + parts), in the order of their first
                             grapheme, shorter ones first */
};

struct phrase {
    t2m *lib;
    size_t n;
    struct feature *feature; /* [n] by hash, which are distinct */
    size_t words;
    struct phrase_word *word; /* [words] in order */
    size_t parts;
    struct feature *part; /* [parts] by word, count 1; only after phrase_words */
    struct graphemes graphemes;
    size_t feature_room, word_room, part_room;
};

void phrase_init(struct phrase *p, t2m *lib);
/* Makes the features of these kinds. An empty text has none. T2M_EDATA: as graphemes_read. No
 * allocation if the room of earlier texts is enough. p->word has no parts after this. */
t2m_status phrase_make(struct phrase *p, const char *text, size_t length, unsigned kinds);
/* Makes words in order with those of their parts that kinds has, instead of features: n is 0. */
t2m_status phrase_words(struct phrase *p, const char *text, size_t length, unsigned kinds);
void phrase_clear(struct phrase *p);
