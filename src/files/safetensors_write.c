/* safetensors_write.c: writing of the format, and numbers that fit in a byte each. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "files/safetensors_format.h"

enum { ALIGN = 64 };

/* ---- numbers in a byte ---- */

enum { MOST = 127, COARSEST = 0, FINEST = -40 /* exponents of units */ };

/* The least exponent of a unit for which |x| <= MOST units; COARSEST + 1: none. */
static int exponent_for(const float *x, size_t n)
{
    float most = 0;
    int e = FINEST;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[i]));
    while (e <= COARSEST && !(most <= MOST * ldexpf(1, e)))
        e++;
    return e;
}

float safetensors_unit(const float *x, size_t n)
{
    const int e = exponent_for(x, n);
    const float unit = ldexpf(1, e);
    for (size_t i = 0; i < n; i++)
        if (x[i] / unit != rintf(x[i] / unit) || (x[i] == 0 && signbit(x[i])))
            return 0;
    return e <= COARSEST ? unit : 0;
}

void safetensors_round(float *x, size_t n)
{
    const float unit = ldexpf(1, exponent_for(x, n));
    for (size_t i = 0; i < n; i++)
        x[i] = rintf(x[i] / unit) * unit + 0.0F; /* no negative zero */
}

/* ---- writing ---- */

static size_t entry_bytes(const struct tensor_entry *e)
{
    return e->count * (e->unit > 0 ? 1 : sizeof(float));
}

/* Freed by text_clear in any case. */
static t2m_status put_header(t2m *lib, struct text *t, const struct tensor_writing *w)
{
    size_t at = 0;
    text_init(t, lib);
    text_add(t, "{\"__metadata__\":{" SUM_KEY "00000000\"");
    for (size_t i = 0; i < w->meta_count; i++) {
        text_add(t, ",");
        text_json(t, w->meta_keys[i]);
        text_add(t, ":");
        text_json(t, w->meta_values[i]);
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->tensors[i].unit > 0)
            text_add(t, ",\"" UNIT_PREFIX "%.*s\":\"%.9g\"", UNIT_NAME, w->tensors[i].name,
                     (double)w->tensors[i].unit);
    text_add(t, "}");
    for (size_t i = 0; i < w->count; i++) {
        const struct tensor_entry *e = &w->tensors[i];
        text_add(t, ",");
        text_json(t, e->name);
        text_add(t, ":{\"dtype\":\"%s\",\"shape\":[", e->unit > 0 ? "I8" : "F32");
        for (int k = 0; k < e->rank; k++)
            text_add(t, "%s%lld", k ? "," : "", (long long)e->dim[k]);
        text_add(t, "],\"data_offsets\":[%zu,%zu]}", at, at + entry_bytes(e));
        at += entry_bytes(e);
    }
    text_add(t, "}");
    while ((t->length + 8) % ALIGN != 0 && !t->failed)
        text_add(t, " ");
    if (t->failed)
        return T2M_ENOMEM;
    return t->length <= SAFETENSORS_MAX_HEADER
               ? T2M_OK
               : refuse(lib, T2M_EDATA,
                        "names and texts take %zu bytes, and a file has room for %d: shorten the "
                        "names of columns, classes or categories",
                        t->length, SAFETENSORS_MAX_HEADER);
}

static void put_numbers(struct text *file, const struct tensor_entry *e)
{
    signed char some[1024];
    size_t n = 0;
    if (e->unit <= 0)
        text_bytes(file, e->data, entry_bytes(e));
    for (size_t i = 0; i < e->count && e->unit > 0; i++) {
        some[n++] = (signed char)(e->data[i] / e->unit);
        if (n == sizeof some || i + 1 == e->count) {
            text_bytes(file, some, n);
            n = 0;
        }
    }
}

static t2m_status encode(t2m *lib, const struct tensor_writing *w, struct text *file)
{
    struct text header;
    t2m_status status = put_header(lib, &header, w);
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header.length >> 8 * i);
    text_bytes(file, length, 8);
    text_bytes(file, header.data ? header.data : "", header.length);
    for (size_t i = 0; i < w->count; i++)
        put_numbers(file, &w->tensors[i]);
    if (status == T2M_OK && file->failed)
        status = T2M_ENOMEM;
    if (status == T2M_OK) {
        unsigned char *data = (unsigned char *)file->data;
        const size_t place = safetensors_sum_place(data, 8 + header.length);
        char digits[SUM_DIGITS + 1];
        snprintf(digits, sizeof digits, "%08x", safetensors_sum(data, file->length, place));
        memcpy(data + place, digits, SUM_DIGITS);
    }
    text_clear(&header);
    return status;
}

t2m_status safetensors_size(t2m *lib, const struct tensor_writing *w, size_t *bytes)
{
    struct text header;
    const t2m_status status = put_header(lib, &header, w);
    *bytes = 8 + header.length;
    for (size_t i = 0; i < w->count; i++)
        *bytes += entry_bytes(&w->tensors[i]);
    text_clear(&header);
    return status;
}

t2m_status safetensors_write(t2m *lib, const char *path, const struct tensor_writing *w, bool force)
{
    struct text file;
    text_init(&file, lib);
    t2m_status status = encode(lib, w, &file);
    if (status == T2M_OK) {
        const struct bytes piece = {(unsigned char *)file.data, file.length};
        status = store_write(lib, path, &piece, 1, force);
    }
    text_clear(&file);
    return status;
}
