/* text.h: strings that grow, numbers read and written without a locale, UTF-8, and a bounded
 * reader for parsers: the only pointer arithmetic on file contents. */
#pragma once
#include "base/base.h"

struct text { /* always ends with a NUL when data is set; freed by text_clear */
    t2m *lib;
    char *data;
    size_t length, capacity;
    bool failed; /* memory ran out; later appends do nothing */
};
void text_init(struct text *t, t2m *lib);
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *t, const void *p, size_t n);
void text_json(struct text *t, const char *s); /* as a JSON string, with its quotes */
void text_clear(struct text *t);
/* Adds s as a line: a newline before it, unless it is the first, and those inside written \n, a
 * backslash \\. */
void text_line(struct text *t, const char *s, bool first);
/* The first n lines of s, as text_line wrote them; a missing line is empty. False if memory is out:
 * what was made so far is in out, which must be all NULL before. */
bool text_take_lines(t2m *lib, const char *s, size_t n, char **out);

/* Reads the whole of s [n] as a number, decimal point '.', no locale, spaces around it allowed.
 * False if it is not a number or not finite. */
bool text_number(const char *s, size_t n, double *out);
/* The same where it has a decimal comma, as 1,5; false if it has none. */
bool text_comma_number(const char *s, size_t n, double *out);
/* Place of the first byte that is not valid UTF-8 (no overlong forms, no surrogates), or n. */
size_t text_utf8_fault(const char *s, size_t n);
/* UTF-8 without control characters: fit for a name of a class, a column or a file. */
bool text_is_name(const char *s);
bool text_ends(const char *s, const char *suffix); /* ASCII letters in either case */
/* A copy fit for a message: control bytes as '?', at most 60 bytes. */
const char *text_shown(const char *s, size_t n, char out[64]);

struct reader {
    const unsigned char *data;
    size_t length, at;
};
bool reader_skip(struct reader *r, size_t n);
bool reader_u64(struct reader *r, uint64_t *out);              /* little endian */
const unsigned char *reader_slice(struct reader *r, size_t n); /* NULL if fewer are left */

/* CRC-32C (Castagnoli) of bytes; start with crc = 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* FNV-1a, 64 bits: fingerprints and hash tables, not security. Start with hash = 0. */
uint64_t hash_bytes(uint64_t hash, const void *p, size_t n);
