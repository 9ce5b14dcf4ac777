/* text.c: growing strings, numbers without a locale, UTF-8, bounded reading, checksums. */
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing strings ---- */

void text_init(struct text *t, t2m *lib)
{
    *t = (struct text){.lib = lib};
    text_bytes(t, "", 0);
}

void text_bytes(struct text *t, const void *p, size_t n)
{
    if (t->failed || !mem_grow(t->lib, (void **)&t->data, &t->capacity, t->length + n + 1, 1)) {
        t->failed = true;
        return;
    }
    if (n)
        memcpy(t->data + t->length, p, n);
    t->length += n;
    t->data[t->length] = 0;
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    if (n < 0 || t->failed ||
        !mem_grow(t->lib, (void **)&t->data, &t->capacity, t->length + (size_t)n + 1, 1)) {
        t->failed = true;
    } else {
        vsnprintf(t->data + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void text_json(struct text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            text_add(t, "\\%c", *s);
        else if ((unsigned char)*s < 32)
            text_add(t, "\\u%04x", (unsigned)*s);
        else
            text_bytes(t, s, 1);
    text_add(t, "\"");
}

void text_clear(struct text *t)
{
    mem_free(t->lib, t->data);
    t->data = NULL;
    t->length = t->capacity = 0;
}

void text_line(struct text *t, const char *s, bool first)
{
    text_bytes(t, "\n", !first);
    for (; *s; s++)
        if (*s == '\n' || *s == '\\')
            text_add(t, *s == '\n' ? "\\n" : "\\\\");
        else
            text_bytes(t, s, 1);
}

bool text_take_lines(t2m *lib, const char *s, size_t n, char **out)
{
    for (size_t i = 0; i < n; i++) {
        const char *const end = s + strcspn(s, "\n");
        char *to = out[i] = mem_new(lib, (size_t)(end - s) + 1, 1);
        if (!to)
            return false;
        for (; s < end; s++) {
            const bool marked = *s == '\\' && s + 1 < end;
            s += marked;
            *to++ = marked && *s == 'n' ? '\n' : *s;
        }
        s += *s == '\n';
    }
    return true;
}

/* ---- numbers ---- */

static size_t digits(const char *s, size_t at, size_t n)
{
    while (at < n && s[at] >= '0' && s[at] <= '9')
        at++;
    return at;
}

static bool is_number(const char *s, size_t n)
{
    size_t at = n > 0 && (s[0] == '+' || s[0] == '-');
    size_t next = digits(s, at, n), count = next - at;
    at = next;
    if (at < n && s[at] == '.') {
        next = digits(s, at + 1, n);
        count += next - at - 1;
        at = next;
    }
    if (at < n && (s[at] == 'e' || s[at] == 'E')) {
        at++;
        at += at < n && (s[at] == '+' || s[at] == '-');
        next = digits(s, at, n);
        if (next == at)
            return false;
        at = next;
    }
    return count > 0 && at == n;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Most numbers of a table: without exponent, at most 15 digits. Digits and power of ten are then
 * exact as doubles, so the one division is rounded once, as strtod rounds (Clinger 1990). */
static bool short_number(const char *s, size_t n, double *out)
{
    enum { EXACT_DIGITS = 15 };
    const bool negative = s[0] == '-';
    double value = 0, unit = 1;
    size_t at = s[0] == '-' || s[0] == '+', count = 0;
    bool point = false;
    for (; at < n; at++) {
        if (s[at] == '.') {
            point = true;
        } else if (s[at] == 'e' || s[at] == 'E' || ++count > EXACT_DIGITS) {
            return false;
        } else {
            value = 10 * value + (s[at] - '0');
            unit *= point ? 10 : 1;
        }
    }
    *out = negative ? -(value / unit) : value / unit;
    return true;
}

/* The number is laid out with the point of the current locale before strtod sees it. */
bool text_number(const char *s, size_t n, double *out)
{
    char copy[400], zero[24];
    while (n > 0 && is_space(s[0])) {
        s++;
        n--;
    }
    while (n > 0 && is_space(s[n - 1]))
        n--;
    if (n == 0 || n > 300 || !is_number(s, n))
        return false;
    if (short_number(s, n, out))
        return true;
    snprintf(zero, sizeof zero, "%.1f", 0.0); /* "0.0" or "0,0"; the point may be several bytes */
    const size_t point = strlen(zero) - 2;
    char *to = copy;
    for (size_t i = 0; i < n; i++)
        if (s[i] == '.') {
            memcpy(to, zero + 1, point);
            to += point;
        } else {
            *to++ = s[i];
        }
    *to = 0;
    const double value = strtod(copy, NULL);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool text_comma_number(const char *s, size_t n, double *out)
{
    char copy[304];
    if (n > sizeof copy || !memchr(s, ',', n) || memchr(s, '.', n))
        return false;
    for (size_t i = 0; i < n; i++)
        copy[i] = s[i] == ',' ? '.' : s[i];
    return text_number(copy, n, out);
}

/* ---- text ---- */

/* Length of the valid sequence at s, 0 if there is none (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    const unsigned char a = s[0], b = n > 1 ? s[1] : 0;
    const size_t length = a < 0x80   ? 1
                          : a < 0xC2 ? 0
                          : a < 0xE0 ? 2
                          : a < 0xF0 ? 3
                          : a < 0xF5 ? 4
                                     : 0;
    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    const bool bad = (a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) ||
                     (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F);
    return bad ? 0 : length;
}

size_t text_utf8_fault(const char *s, size_t n)
{
    size_t at = 0;
    while (at < n) {
        const size_t length = utf8_length((const unsigned char *)s + at, n - at);
        if (length == 0)
            return at;
        at += length;
    }
    return n;
}

bool text_is_name(const char *s)
{
    const size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 32 || s[i] == 127)
            return false;
    return text_utf8_fault(s, n) == n;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_ends(const char *s, const char *suffix)
{
    const size_t n = strlen(s), m = strlen(suffix);
    if (m > n)
        return false;
    for (size_t i = 0; i < m; i++)
        if (lower(s[n - m + i]) != lower(suffix[i]))
            return false;
    return true;
}

const char *text_shown(const char *s, size_t n, char out[64])
{
    size_t shown = n > 60 ? 57 : n;
    while (n > 60 && shown > 0 && (s[shown] & 0xC0) == 0x80) /* no character is cut in two */
        shown--;
    for (size_t i = 0; i < shown; i++)
        out[i] = (unsigned char)s[i] < 32 || s[i] == 127 ? '?' : s[i];
    memcpy(out + shown, n > 60 ? "..." : "", n > 60 ? 4 : 1);
    return out;
}

/* ---- bounded reading ---- */

bool reader_skip(struct reader *r, size_t n)
{
    return reader_slice(r, n) != NULL;
}

const unsigned char *reader_slice(struct reader *r, size_t n)
{
    if (n > r->length - r->at)
        return NULL;
    const unsigned char *p = r->data + r->at;
    r->at += n;
    return p;
}

bool reader_u64(struct reader *r, uint64_t *out)
{
    const unsigned char *p = reader_slice(r, 8);
    if (!p)
        return false;
    *out = 0;
    for (int i = 0; i < 8; i++)
        *out |= (uint64_t)p[i] << 8 * i;
    return true;
}

/* ---- checksums ---- */

enum { CRC_SLICES = 8 }; /* bytes at a time (Kounavis and Berry 2005, "slicing") */

/* table[k][b]: what byte b does k bytes later. */
static void crc_tables(uint32_t table[CRC_SLICES][256])
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        table[0][b] = crc;
    }
    for (int k = 1; k < CRC_SLICES; k++)
        for (uint32_t b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    const unsigned char *s = p;
    uint32_t table[CRC_SLICES][256];
    crc_tables(table);
    crc = ~crc;
    for (; n >= CRC_SLICES; n -= CRC_SLICES, s += CRC_SLICES) {
        uint32_t next = 0;
        for (int k = 0; k < CRC_SLICES; k++) {
            const uint32_t byte = k < 4 ? s[k] ^ (crc >> (8 * k) & 255) : s[k];
            next ^= table[CRC_SLICES - 1 - k][byte];
        }
        crc = next;
    }
    for (; n > 0; n--, s++)
        crc = crc >> 8 ^ table[0][(crc ^ *s) & 255];
    return ~crc;
}

uint64_t hash_bytes(uint64_t hash, const void *p, size_t n)
{
    const unsigned char *s = p;
    hash ^= 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ s[i]) * 0x100000001B3u;
    return hash;
}
