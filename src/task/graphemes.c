/* graphemes.c: normalisation and grapheme clusters by utf8proc; plain ASCII goes past it, with the
 * same result. */
#include "task/graphemes.h"

#include <utf8proc.h>

enum {
    MOST_MARKS = 32, /* that are put in order together; text for people has at most 4 or 5 */
    ONE_POINT = 64   /* room for the decomposition of one code point; the longest has 18 */
};

static const utf8proc_option_t FOLDED =
    UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD;

void graphemes_init(struct graphemes *g, t2m *lib)
{
    *g = (struct graphemes){.lib = lib};
}

void graphemes_clear(struct graphemes *g)
{
    mem_free(g->lib, g->code);
    mem_free(g->lib, g->type);
    mem_free(g->lib, g->point);
    graphemes_init(g, g->lib);
}

static bool reserve(struct graphemes *g, size_t n)
{
    return mem_grow(g->lib, (void **)&g->code, &g->code_room, n, sizeof *g->code) &&
           mem_grow(g->lib, (void **)&g->type, &g->type_room, n, sizeof *g->type);
}

/* ---- ASCII ---- */

static enum grapheme_type ascii_type(unsigned char c)
{
    if (c <= ' ' || c == 127)
        return GRAPHEME_BLANK;
    if (c >= 'a' && c <= 'z')
        return GRAPHEME_LETTER;
    return c >= '0' && c <= '9' ? GRAPHEME_DIGIT : GRAPHEME_SIGN;
}

static unsigned char ascii_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool is_ascii(const unsigned char *s, size_t n)
{
    unsigned char all = 0;
    for (size_t i = 0; i < n; i++)
        all |= s[i];
    return all < 128;
}

static void take_ascii(struct graphemes *g, const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = ascii_lower(s[i]);
        g->code[i] = c;
        g->type[i] = (uint8_t)ascii_type(c);
    }
    g->n = n;
}

/* ---- code points ---- */

static int32_t plain_quote(int32_t point)
{
    return point == 0x2018 || point == 0x2019   ? '\''
           : point == 0x201C || point == 0x201D ? '"'
                                                : point;
}

/* Seen by nobody, and of no use for grapheme breaks. Tags (flags of regions) and the joiner stay;
 * the zero width space is a blank. */
static bool invisible(int32_t point)
{
    if (point >= 0xFE00 && point <= 0xFE0F) /* variation selectors */
        return true;
    return utf8proc_category(point) == UTF8PROC_CATEGORY_CF && point != 0x200B && point != 0x200D &&
           !(point >= 0xE0020 && point <= 0xE007F);
}

static t2m_status too_long(const struct graphemes *g)
{
    return refuse(g->lib, T2M_EDATA, "a text of more than %d bytes or characters", GRAPHEMES_MAX);
}

static t2m_status add_point(struct graphemes *g, int32_t point)
{
    int last = 0;
    if (point < 128) {
        g->point[g->points++] = ascii_lower((unsigned char)point);
        return T2M_OK;
    }
    if (invisible(point))
        return T2M_OK;
    const utf8proc_ssize_t n =
        utf8proc_decompose_char(plain_quote(point), g->point + g->points, ONE_POINT, FOLDED, &last);
    if (n < 0 || n > ONE_POINT)
        return refuse(g->lib, T2M_EDATA, "U+%04X cannot be normalised", (unsigned)point);
    g->points += (size_t)n;
    return g->points > GRAPHEMES_MAX ? too_long(g) : T2M_OK;
}

static t2m_status decompose(struct graphemes *g, const unsigned char *s, size_t length)
{
    g->points = 0;
    for (size_t at = 0; at < length;) {
        int32_t point;
        const utf8proc_ssize_t n =
            utf8proc_iterate(s + at, (utf8proc_ssize_t)(length - at), &point);
        if (n <= 0)
            return refuse(g->lib, T2M_EDATA, "not text in UTF-8: byte %zu is 0x%02X", at + 1,
                          (unsigned)s[at]);
        if (!mem_grow(g->lib, (void **)&g->point, &g->point_room, g->points + ONE_POINT,
                      sizeof *g->point))
            return T2M_ENOMEM;
        TRY(add_point(g, point));
        at += (size_t)n;
    }
    return T2M_OK;
}

static int combining_class(int32_t point)
{
    return point < 0x300 ? 0 : (int)utf8proc_get_property(point)->combining_class;
}

/* Canonical order: marks in a row are sorted by their class, equal ones stay. */
static void order_marks(struct graphemes *g)
{
    size_t first = 0; /* of the marks that are sorted together */
    for (size_t i = 0; i < g->points; i++) {
        const int32_t mark = g->point[i];
        const int class = combining_class(mark);
        if (class == 0 || i - first == MOST_MARKS) {
            first = i + (class == 0);
            continue;
        }
        size_t at = i;
        for (; at > first && combining_class(g->point[at - 1]) > class; at--)
            g->point[at] = g->point[at - 1];
        g->point[at] = mark;
    }
}

/* ---- graphemes ---- */

/* Letters of scripts that are written without spaces between words. */
static bool without_spaces(int32_t point)
{
    static const int32_t range[][2] = {
        {0x0E00, 0x0EFF},   /* Thai, Lao */
        {0x1000, 0x109F},   /* Myanmar */
        {0x1780, 0x17FF},   /* Khmer */
        {0x1950, 0x19DF},   /* Tai Le, New Tai Lue */
        {0x1A20, 0x1AAF},   /* Tai Tham */
        {0x3005, 0x3007},   /* ideographic marks */
        {0x3040, 0x30FF},   /* Hiragana, Katakana */
        {0x3100, 0x312F},   /* Bopomofo */
        {0x31A0, 0x31BF},   /* more of it */
        {0x31F0, 0x31FF},   /* small Katakana */
        {0x3400, 0x4DBF},   /* ideographs */
        {0x4E00, 0xA4CF},   /* ideographs, Yi */
        {0xA980, 0xA9FF},   /* Javanese, more of Myanmar */
        {0xAA60, 0xAADF},   /* more of Myanmar, Tai Viet */
        {0xF900, 0xFAFF},   /* ideographs */
        {0x1B000, 0x1B16F}, /* old Kana */
        {0x20000, 0x3FFFF}, /* ideographs */
    };
    for (size_t i = 0; i < sizeof range / sizeof *range && point >= range[i][0]; i++)
        if (point <= range[i][1])
            return true;
    return false;
}

static enum grapheme_type point_type(int32_t point)
{
    if (point < 128)
        return ascii_type((unsigned char)point);
    if (point == 0x200B)
        return GRAPHEME_BLANK;
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return without_spaces(point) ? GRAPHEME_ALONE : GRAPHEME_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return without_spaces(point) && point >= 0x3000 ? GRAPHEME_ALONE : GRAPHEME_DIGIT;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF: /* a joiner or tag that joins nothing */
        return GRAPHEME_BLANK;
    default:
        return GRAPHEME_SIGN;
    }
}

/* Of the code points [first, end): the joiner says where they end, not what they are. */
static uint64_t code_of(const int32_t *point, size_t first, size_t end)
{
    uint64_t code = (uint64_t)point[first];
    size_t seen = 1;
    for (size_t i = first + 1; i < end; i++)
        if (point[i] != 0x200D) {
            code = hash_step(code, (uint64_t)point[i]);
            seen++;
        }
    return seen == 1 ? code : code | GRAPHEME_HASHED;
}

static void take_clusters(struct graphemes *g)
{
    utf8proc_int32_t state = 0;
    g->n = 0;
    for (size_t first = 0, i = 1; i <= g->points; i++) {
        if (i < g->points &&
            !utf8proc_grapheme_break_stateful(g->point[i - 1], g->point[i], &state))
            continue;
        g->code[g->n] = code_of(g->point, first, i);
        g->type[g->n++] = (uint8_t)point_type(g->point[first]);
        first = i;
    }
}

t2m_status graphemes_read(struct graphemes *g, const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    g->n = 0;
    if (length > GRAPHEMES_MAX)
        return too_long(g);
    if (is_ascii(s, length)) {
        if (!reserve(g, length))
            return T2M_ENOMEM;
        take_ascii(g, s, length);
        return T2M_OK;
    }
    TRY(decompose(g, s, length));
    order_marks(g);
    const utf8proc_ssize_t n = utf8proc_normalize_utf32(g->point, (utf8proc_ssize_t)g->points,
                                                        UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    g->points = n > 0 ? (size_t)n : 0;
    if (!reserve(g, g->points))
        return T2M_ENOMEM;
    take_clusters(g);
    return T2M_OK;
}
