/* lines.h: the bytes of a text file as checked lines, and sentences that name a place in it. What
 * passes lines_check is UTF-8 without NUL, so it can be handed on as strings. */
#pragma once
#include "files/store.h"

struct place {
    t2m *lib;
    const char *file; /* its name, for messages */
    size_t line;      /* from 1 */
    size_t byte;      /* of the line, from 1; 0: not known */
};
/* T2M_EDATA "file: line 7, byte 3: ..." */
t2m_status place_refuse(const struct place *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* T2M_EDATA with line and byte unless s [n], which begins with the line p->line, is UTF-8 without
 * NUL; UTF-16 is named as such. */
t2m_status lines_check(const struct place *p, const char *s, size_t n);

struct lines {
    const char *data;
    size_t length, at;
    size_t number; /* of the newest line, from 1 */
};
/* Checks the file as above and begins after a byte order mark of UTF-8, if there is one. */
t2m_status lines_open(struct lines *l, t2m *lib, const struct bytes *file, const char *name);
/* The next line without its \n or \r\n; false at the end. */
bool lines_next(struct lines *l, const char **line, size_t *length);

/* Bytes of a mark at the beginning of s [n]: 3 or 0. */
size_t lines_mark(const char *s, size_t n);
