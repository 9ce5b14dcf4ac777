/* wordpiece.c: a vocabulary, and the cutting of texts by it. A text goes by once, character by
 * character; the word that grows is kept up to its 100th letter, since a longer one is [UNK]. */
#include "files/wordpiece.h"

#include <jansson.h>
#include <string.h>
#include <utf8proc.h>

#include "base/text.h"

static const char *const special_names[WORDPIECE_SPECIALS] = {
    [PIECE_UNK] = "[UNK]", [PIECE_CLS] = "[CLS]",   [PIECE_SEP] = "[SEP]",
    [PIECE_PAD] = "[PAD]", [PIECE_MASK] = "[MASK]",
};

/* ---- the vocabulary ---- */

static t2m_status bad_line(t2m *lib, const char *name, size_t line, const char *why)
{
    return refuse(lib, T2M_EDATA, "'%.200s', line %zu: %s", name, line, why);
}

/* The next piece; `s` lives in the arena. Its number is that of its line, from 0. */
static t2m_status add_piece(struct wordpiece *w, const char *name, const char *s, size_t length)
{
    const size_t line = w->pieces.count + 1;
    if (length == 0)
        return bad_line(w->lib, name, line, "is empty; a vocabulary has one piece a line");
    if (strlen(s) != length || text_utf8_fault(s, length) != length)
        return bad_line(w->lib, name, line, "is not UTF-8 text");
    if (line > WORDPIECE_MAX)
        return bad_line(w->lib, name, line, "a vocabulary has at most 16777216 pieces");
    const size_t number = words_add(&w->pieces, s);
    if (number == SIZE_MAX)
        return T2M_ENOMEM;
    if (number + 1 != line) {
        char shown[64];
        return refuse(w->lib, T2M_EDATA, "'%.200s', line %zu: the piece '%s' is in line %zu too",
                      name, line, text_shown(s, length, shown), number + 1);
    }
    w->longest = length > w->longest ? length : w->longest;
    return T2M_OK;
}

static t2m_status add_lines(struct wordpiece *w, const char *name, char *text, size_t length)
{
    for (char *s = text, *end = text + length; s < end;) {
        char *stop = memchr(s, '\n', (size_t)(end - s)), *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > s && stop[-1] == '\r')
            stop--;
        *stop = 0; /* the text has one byte more */
        TRY(add_piece(w, name, s, (size_t)(stop - s)));
        s = next;
    }
    return T2M_OK;
}

static t2m_status find_specials(struct wordpiece *w, const char *name)
{
    for (int i = 0; i < WORDPIECE_SPECIALS; i++) {
        const size_t number = words_find(&w->pieces, special_names[i]);
        w->special[i] = number == SIZE_MAX ? -1 : (int32_t)number;
        if (number == SIZE_MAX && i <= PIECE_SEP)
            return refuse(w->lib, T2M_EDATA,
                          "'%.200s': the piece %s is missing: it is cut off, or no vocabulary of "
                          "WordPiece",
                          name, special_names[i]);
    }
    return T2M_OK;
}

static struct wordpiece *new_wordpiece(t2m *lib)
{
    struct wordpiece *w = mem_new(lib, 1, sizeof *w);
    if (!w)
        return NULL;
    w->lib = lib;
    w->lower = w->strip_accents = w->split_chinese = true;
    words_init(&w->pieces, lib);
    arena_init(&w->arena, lib);
    return w;
}

void wordpiece_free(struct wordpiece *w)
{
    if (!w)
        return;
    words_clear(&w->pieces);
    arena_clear(&w->arena);
    mem_free(w->lib, w);
}

static t2m_status finish(struct wordpiece *w, t2m_status status, const char *name,
                         struct wordpiece **out)
{
    if (status == T2M_OK)
        status = find_specials(w, name);
    if (status == T2M_OK)
        *out = w;
    else
        wordpiece_free(w);
    return status;
}

t2m_status wordpiece_parse(t2m *lib, const struct bytes *file, const char *name,
                           struct wordpiece **out)
{
    struct wordpiece *w = new_wordpiece(lib);
    char *text = w ? arena_new(&w->arena, file->length + 1, 1) : NULL;
    if (!text) {
        wordpiece_free(w);
        return T2M_ENOMEM;
    }
    memcpy(text, file->data, file->length);
    return finish(w, add_lines(w, name, text, file->length), name, out);
}

t2m_status wordpiece_read(t2m *lib, const char *path, struct wordpiece **out)
{
    struct bytes file;
    TRY(store_read(lib, path, WORDPIECE_MAX_FILE, &file));
    const t2m_status status = wordpiece_parse(lib, &file, path, out);
    mem_free(lib, file.data);
    return status;
}

/* {"piece": number, ..}: piece [n], each number once. */
static t2m_status order_pieces(struct wordpiece *w, const char *name, const json_t *vocabulary,
                               const char **piece)
{
    const size_t n = json_object_size(vocabulary);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)vocabulary, key, value)
    {
        char shown[64];
        const json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
        if (number < 0 || (size_t)number >= n || piece[number])
            return refuse(w->lib, T2M_EDATA,
                          "'%.160s': the number of the piece '%s' is no whole number from 0 to "
                          "%zu, or another piece has it too",
                          name, text_shown(key, strlen(key), shown), n - 1);
        if (!(piece[number] = arena_text(&w->arena, key)))
            return T2M_ENOMEM;
    }
    return T2M_OK;
}

static bool json_flag(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static t2m_status add_json(struct wordpiece *w, const char *name, const json_t *root)
{
    const json_t *model = json_object_get(root, "model"),
                 *vocabulary = json_object_get(model, "vocab"),
                 *rules = json_object_get(root, "normalizer");
    const char *type = json_string_value(json_object_get(model, "type"));
    if ((type && strcmp(type, "WordPiece") != 0) || !json_is_object(vocabulary))
        return refuse(w->lib, T2M_EDATA,
                      "'%.200s' has no vocabulary of WordPiece: only encoders of the BERT family "
                      "with such a one are read",
                      name);
    w->lower = json_flag(rules, "lowercase", true);
    w->strip_accents = json_flag(rules, "strip_accents", w->lower);
    w->split_chinese = json_flag(rules, "handle_chinese_chars", true);
    const size_t n = json_object_size(vocabulary);
    const char **piece = arena_new(&w->arena, n, sizeof *piece);
    if (!piece)
        return T2M_ENOMEM;
    TRY(order_pieces(w, name, vocabulary, piece));
    for (size_t i = 0; i < n; i++)
        TRY(add_piece(w, name, piece[i], strlen(piece[i])));
    return T2M_OK;
}

t2m_status wordpiece_read_json(t2m *lib, const char *path, struct wordpiece **out)
{
    struct bytes file;
    json_error_t error;
    TRY(store_read(lib, path, WORDPIECE_MAX_FILE, &file));
    json_t *root = json_loadb((const char *)file.data, file.length, 0, &error);
    mem_free(lib, file.data);
    if (!root)
        return refuse(lib, T2M_EDATA, "'%.160s', line %d: is not JSON: %.160s", path, error.line,
                      error.text);
    struct wordpiece *w = new_wordpiece(lib);
    t2m_status status = w ? add_json(w, path, root) : T2M_ENOMEM;
    json_decref(root);
    return w ? finish(w, status, path, out) : status;
}

uint64_t wordpiece_fingerprint(const struct wordpiece *w)
{
    const unsigned char rules[] = {w->lower, w->strip_accents, w->split_chinese};
    uint64_t hash = hash_bytes(0, rules, sizeof rules);
    for (size_t i = 0; i < w->pieces.count; i++)
        hash = hash_bytes(hash, w->pieces.word[i], strlen(w->pieces.word[i]) + 1);
    return hash;
}

/* ---- kinds of characters ---- */

/* Controls, formats and private ones; and the sign for what could not be read. Unassigned ones stay
 * and make their word unknown, since some are letters of a later Unicode. */
static bool is_dropped(int32_t c)
{
    const utf8proc_category_t kind = utf8proc_category(c);
    return c == 0 || c == 0xFFFD || kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF ||
           kind == UTF8PROC_CATEGORY_CO || kind == UTF8PROC_CATEGORY_CS;
}

static bool is_space(int32_t c)
{
    const utf8proc_category_t kind = utf8proc_category(c);
    return c == '\t' || c == '\n' || c == '\r' || kind == UTF8PROC_CATEGORY_ZS ||
           kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
}

/* In ASCII all that is no letter, digit or control, so $ and + too. */
static bool is_punctuation(int32_t c)
{
    const utf8proc_category_t kind = utf8proc_category(c);
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126) || (kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO);
}

/* Blocks of CJK unified and compatibility ideographs: these are written without spaces; Japanese
 * and Korean letters are not among them. */
static bool is_chinese(int32_t c)
{
    static const int32_t block[][2] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                       {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                       {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    for (size_t i = 0; i < sizeof block / sizeof *block; i++)
        if (c >= block[i][0] && c <= block[i][1])
            return true;
    return false;
}

/* ---- texts ---- */

enum { LETTER_BYTES = 4, WORD_BYTES = WORDPIECE_LETTERS * LETTER_BYTES };

struct cutting {
    const struct wordpiece *w;
    int32_t *id;
    size_t count, most;    /* pieces so far; room, without that for [SEP] */
    char word[WORD_BYTES]; /* the word that grows */
    size_t length, letters;
};

static void put_piece(struct cutting *c, int32_t number)
{
    if (c->count < c->most)
        c->id[c->count++] = number;
}

/* The longest piece that the word has from `start` on: its number and its bytes; or -1. */
static int32_t longest_piece(const struct cutting *c, size_t start, size_t *bytes)
{
    char key[2 + WORD_BYTES + 1] = "##";
    const size_t mark = start ? 2 : 0, most = c->w->longest - (mark < c->w->longest ? mark : 0);
    size_t n = c->length - start;
    memcpy(key + mark, c->word + start, n);
    for (; n > 0; n--) {
        if (n > most || (n < c->length - start && (c->word[start + n] & 0xC0) == 0x80))
            continue; /* too long, or within a character */
        key[mark + n] = 0;
        const size_t number = words_find(&c->w->pieces, key);
        if (number != SIZE_MAX) {
            *bytes = n;
            return (int32_t)number;
        }
    }
    return -1;
}

static void end_word(struct cutting *c)
{
    int32_t piece[WORDPIECE_LETTERS];
    size_t pieces = 0;
    bool whole = c->letters <= WORDPIECE_LETTERS;
    for (size_t start = 0, bytes = 0; whole && start < c->length; start += bytes) {
        piece[pieces] = longest_piece(c, start, &bytes);
        whole = piece[pieces++] >= 0;
    }
    if (!whole)
        put_piece(c, c->w->special[PIECE_UNK]);
    for (size_t i = 0; whole && i < pieces; i++)
        put_piece(c, piece[i]);
    c->length = c->letters = 0;
}

static void put_letter(struct cutting *c, int32_t letter)
{
    if (++c->letters <= WORDPIECE_LETTERS)
        c->length += (size_t)utf8proc_encode_char(letter, (unsigned char *)c->word + c->length);
}

static void put_small(struct cutting *c, int32_t letter)
{
    enum { I_WITH_DOT = 0x130, DOT_ABOVE = 0x307 }; /* its small form alone is two characters */
    if (c->w->lower && letter == I_WITH_DOT) {
        put_letter(c, 'i');
        put_letter(c, DOT_ABOVE);
        return;
    }
    if (c->w->lower)
        letter = utf8proc_tolower(letter);
    const bool alone = is_punctuation(letter);
    if (alone)
        end_word(c);
    put_letter(c, letter);
    if (alone)
        end_word(c);
}

/* The parts of a character are not put in canonical order with those of its neighbours: that
 * matters to marks only, and of these only those that take room are left. */
static void put_character(struct cutting *c, int32_t character)
{
    enum { PARTS = 32 }; /* the longest decomposition has 18, compatible ones counted */
    int32_t part[PARTS] = {character};
    int class = UTF8PROC_BOUNDCLASS_START;
    utf8proc_ssize_t n = 1;
    if (c->w->strip_accents)
        n = utf8proc_decompose_char(character, part, PARTS, UTF8PROC_DECOMPOSE, &class);
    for (utf8proc_ssize_t i = 0; i < n && i < PARTS; i++)
        if (!c->w->strip_accents || utf8proc_category(part[i]) != UTF8PROC_CATEGORY_MN)
            put_small(c, part[i]);
}

static void take_character(struct cutting *c, int32_t character)
{
    const bool space = is_space(character), alone = c->w->split_chinese && is_chinese(character);
    if (is_dropped(character) && !space)
        return;
    if (space || alone)
        end_word(c);
    if (!space)
        put_character(c, character);
    if (alone)
        end_word(c);
}

/* The special piece that is written at s, or WORDPIECE_SPECIALS. */
static int special_at(const struct wordpiece *w, const char *s)
{
    int i = 0;
    while (i < WORDPIECE_SPECIALS &&
           (w->special[i] < 0 || strncmp(s, special_names[i], strlen(special_names[i])) != 0))
        i++;
    return i;
}

size_t wordpiece_encode(const struct wordpiece *w, const char *text, int32_t *id, size_t most)
{
    struct cutting c = {.w = w, .id = id, .most = most - 1};
    size_t left = strlen(text);
    put_piece(&c, w->special[PIECE_CLS]);
    while (left > 0 && c.count < c.most) {
        const int special = *text == '[' ? special_at(w, text) : WORDPIECE_SPECIALS;
        utf8proc_ssize_t step = 1;
        int32_t character = 0;
        if (special < WORDPIECE_SPECIALS) {
            end_word(&c);
            put_piece(&c, w->special[special]);
            step = (utf8proc_ssize_t)strlen(special_names[special]);
        } else {
            step = utf8proc_iterate((const unsigned char *)text,
                                    (utf8proc_ssize_t)(left < LETTER_BYTES ? left : LETTER_BYTES),
                                    &character);
            if (step > 0)
                take_character(&c, character);
        }
        step = step > 0 ? step : 1;
        text += step;
        left -= (size_t)step;
    }
    end_word(&c);
    id[c.count++] = w->special[PIECE_SEP];
    return c.count;
}
