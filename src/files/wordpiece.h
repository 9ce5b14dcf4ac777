/* wordpiece.h: a text as numbers of word pieces, as the encoders of the BERT family take it (Devlin
 * et al. 2019, "BERT: pre-training of deep bidirectional transformers"; WordPiece: Wu et al. 2016,
 * "Google's neural machine translation system", section 4.1). First the text is cut into words:
 * control characters are dropped; white space, and marks of punctuation and Chinese characters as
 * words of their own, part words; accents go (canonical decomposition, then marks that take no
 * room), capitals become small. Then each word is cut, from the left, into the longest pieces that
 * the vocabulary has; those that do not begin a word are written there with "##". A word that
 * cannot be cut, or of more than 100 characters, is the one piece [UNK].
 *
 * Invariant: numbers of pieces are 0 .. count - 1, the lines of the file. Once read it is not
 * changed, so many threads may encode at once. */
#pragma once
#include "base/words.h"
#include "files/store.h"

enum {
    WORDPIECE_MAX = 1 << 24,       /* pieces: their numbers are exact as floats */
    WORDPIECE_MAX_FILE = 64 << 20, /* bytes of a vocabulary */
    WORDPIECE_LETTERS = 100,       /* of a word that is cut into pieces */
    WORDPIECE_SPECIALS = 5
};

struct wordpiece {
    t2m *lib;
    /* Rules of the model: true unless its makers say otherwise; set before the first use. */
    bool lower, strip_accents, split_chinese;
    struct words pieces;
    size_t longest;                      /* bytes of a piece */
    int32_t special[WORDPIECE_SPECIALS]; /* numbers, or -1: enum wordpiece_special */
    struct arena arena;
};
enum wordpiece_special { PIECE_UNK, PIECE_CLS, PIECE_SEP, PIECE_PAD, PIECE_MASK };

/* Reads a vocab.txt: a piece a line, in UTF-8. T2M_EDATA names file and line: an empty line, one
 * that is there twice, not UTF-8; or says that [UNK], [CLS] or [SEP] is missing. Freed by
 * wordpiece_free. */
t2m_status wordpiece_read(t2m *lib, const char *path, struct wordpiece **out);
/* The vocabulary of a tokenizer.json, which some models have in its place, and its rules. */
t2m_status wordpiece_read_json(t2m *lib, const char *path, struct wordpiece **out);
/* The same as wordpiece_read from memory: for the fuzzer; copies what it needs. */
t2m_status wordpiece_parse(t2m *lib, const struct bytes *file, const char *name,
                           struct wordpiece **out);
void wordpiece_free(struct wordpiece *w); /* NULL is allowed */
/* Of pieces and rules. */
uint64_t wordpiece_fingerprint(const struct wordpiece *w);

/* [CLS], the pieces of the text, [SEP] to id [most], most >= 2; returns how many these are. What
 * does not fit is cut off at the end, before [SEP], and not looked at. "[MASK]" and the like in a
 * text are the pieces of these names. Bytes that are not UTF-8 are dropped. Allocates nothing. */
size_t wordpiece_encode(const struct wordpiece *w, const char *text, int32_t *id, size_t most);
