/* lines.c: see lines.h. */
#include "files/lines.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

t2m_status place_refuse(const struct place *p, const char *format, ...)
{
    char why[ERRMSG_SIZE], byte[32] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (p->byte)
        snprintf(byte, sizeof byte, ", byte %zu", p->byte);
    return refuse(p->lib, T2M_EDATA, "%.160s: line %zu%s: %s", p->file, p->line, byte, why);
}

/* By its mark, or by the zero beside the first letter. */
static bool is_utf16(const char *s, size_t n)
{
    return n > 1 && (memcmp(s, "\xFF\xFE", 2) == 0 || memcmp(s, "\xFE\xFF", 2) == 0 ||
                     (s[0] == 0) != (s[1] == 0));
}

t2m_status lines_check(const struct place *from, const char *s, size_t n)
{
    const size_t fault = text_utf8_fault(s, n);
    const char *zero = memchr(s, 0, fault);
    const size_t at = zero ? (size_t)(zero - s) : fault;
    struct place p = *from;
    size_t begin = 0;
    if (at == n)
        return T2M_OK;
    for (size_t i = 0; i < at; i++)
        if (s[i] == '\n') {
            p.line++;
            begin = i + 1;
        }
    return place_refuse(&p, "not text in UTF-8: byte %zu of the line is 0x%02X; %ssave as UTF-8",
                        at - begin + 1, (unsigned)(unsigned char)s[at],
                        is_utf16(s, n) ? "the file is UTF-16: " : "");
}

size_t lines_mark(const char *s, size_t n)
{
    return n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

t2m_status lines_open(struct lines *l, t2m *lib, const struct bytes *file, const char *name)
{
    const struct place first = {.lib = lib, .file = name, .line = 1};
    const char *s = (const char *)file->data;
    *l = (struct lines){.data = s, .length = file->length, .at = lines_mark(s, file->length)};
    return lines_check(&first, s, file->length);
}

bool lines_next(struct lines *l, const char **line, size_t *length)
{
    if (l->at >= l->length)
        return false;
    const char *s = l->data + l->at, *end = memchr(s, '\n', l->length - l->at);
    size_t n = end ? (size_t)(end - s) : l->length - l->at;
    l->at += n + 1;
    l->number++;
    n -= n > 0 && s[n - 1] == '\r';
    *line = s;
    *length = n;
    return true;
}
