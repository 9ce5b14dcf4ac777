/* arrays.c: .npy and .npz. The header of a .npy is a Python dict literal of three known keys; it is
 * searched for them, not interpreted. */
#include "files/arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/source.h"

static t2m_status bad(t2m *lib, const char *name, const char *why)
{
    return refuse(lib, T2M_EDATA, "'%.200s' is not a usable array: %s", name, why);
}

static const struct {
    const char *descr;
    enum array_type type;
    size_t size;
} types[] = {{"|u1", ARRAY_U8, 1},  {"|b1", ARRAY_U8, 1},  {"<i4", ARRAY_I32, 4},
             {"<i8", ARRAY_I64, 8}, {"<f4", ARRAY_F32, 4}, {"<f8", ARRAY_F64, 8}};
enum { TYPES = sizeof types / sizeof *types };

/* What follows 'key': in the header, or NULL. */
static const char *after_key(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    if (!at)
        return NULL;
    at += strlen(quoted);
    return at + strspn(at, " ");
}

static bool read_shape(const char *s, struct array *a)
{
    if (!s || *s++ != '(')
        return false;
    for (a->rank = 0;; a->rank++) {
        s += strspn(s, " ,");
        if (*s == ')')
            return true;
        char *end;
        if (a->rank == MAX_RANK || *s < '0' || *s > '9')
            return false;
        a->dim[a->rank] = strtoll(s, &end, 10);
        s = end;
    }
}

static t2m_status read_header(t2m *lib, const char *name, const char *header, struct array *a,
                              size_t *size)
{
    const char *descr = after_key(header, "descr"), *order = after_key(header, "fortran_order");
    int t = 0;
    while (t < TYPES && (!descr || *descr != '\'' || strncmp(descr + 1, types[t].descr, 3) != 0))
        t++;
    if (t == TYPES)
        return bad(lib, name, "its numbers must be u1, i4, i8, f4 or f8, little endian");
    if (!order || strncmp(order, "False", 5) != 0)
        return bad(lib, name, "Fortran order is not read; save numpy.ascontiguousarray(x)");
    if (!read_shape(after_key(header, "shape"), a) ||
        !checked_numel(a->dim, a->rank, SIZE_MAX / 16, &a->count))
        return bad(lib, name, "its shape makes no sense");
    a->type = types[t].type;
    *size = types[t].size;
    return T2M_OK;
}

t2m_status array_parse(t2m *lib, const struct bytes *file, const char *name, struct array *out)
{
    struct reader r = {file->data, file->length, 0};
    const unsigned char *magic = reader_slice(&r, 8);
    struct array a = {0};
    size_t size = 0, length = 0;
    if (!magic || memcmp(magic, "\x93NUMPY", 6) != 0)
        return bad(lib, name, "it is no .npy file");
    const unsigned char *n = reader_slice(&r, magic[6] == 1 ? 2 : 4);
    if (!n)
        return bad(lib, name, "it is cut off");
    length = magic[6] == 1 ? n[0] | (size_t)n[1] << 8
                           : n[0] | (size_t)n[1] << 8 | (size_t)n[2] << 16 | (size_t)n[3] << 24;
    const unsigned char *raw = length < 65536 ? reader_slice(&r, length) : NULL;
    if (!raw)
        return bad(lib, name, "its header is cut off");
    char *header = mem_new(lib, length + 1, 1);
    if (!header)
        return T2M_ENOMEM;
    memcpy(header, raw, length);
    const t2m_status status = read_header(lib, name, header, &a, &size);
    mem_free(lib, header);
    TRY(status);
    if (a.count * size != file->length - r.at)
        return bad(lib, name, "its size does not fit its shape: it is cut off, or has extra bytes");
    a.data = mem_new(lib, a.count, size);
    if (!a.data)
        return T2M_ENOMEM;
    memcpy(a.data, file->data + r.at, a.count * size);
    *out = a;
    return T2M_OK;
}

double array_at(const struct array *a, size_t i)
{
    switch (a->type) {
    case ARRAY_U8:
        return ((const uint8_t *)a->data)[i];
    case ARRAY_I32:
        return ((const int32_t *)a->data)[i];
    case ARRAY_I64:
        return (double)((const int64_t *)a->data)[i];
    case ARRAY_F32:
        return (double)((const float *)a->data)[i];
    default:
        return ((const double *)a->data)[i];
    }
}

t2m_status array_encode(t2m *lib, const float *x, int rank, const int64_t *dim, struct bytes *out)
{
    struct text t;
    size_t count = 1;
    text_init(&t, lib);
    text_bytes(&t, "\x93NUMPY\x01\x00\x00\x00", 10);
    text_add(&t, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < rank; i++) {
        text_add(&t, "%lld,", (long long)dim[i]);
        count *= (size_t)dim[i];
    }
    text_add(&t, "), }");
    while ((t.length + 1) % 64 != 0 && !t.failed)
        text_add(&t, " ");
    text_add(&t, "\n");
    if (!t.failed) {
        t.data[8] = (char)((t.length - 10) & 255);
        t.data[9] = (char)((t.length - 10) >> 8);
    }
    text_bytes(&t, x, count * sizeof *x);
    if (t.failed) {
        text_clear(&t);
        return T2M_ENOMEM;
    }
    *out = (struct bytes){(unsigned char *)t.data, t.length};
    return T2M_OK;
}

/* ---- .npz ---- */

static t2m_status read_member(struct source *s, size_t i, struct array_set *out)
{
    struct bytes file;
    TRY(source_read(s, i, &file));
    t2m_status status = array_parse(s->lib, &file, s->names[i], &out->arrays[out->count]);
    mem_free(s->lib, file.data);
    TRY(status);
    const size_t n = strlen(s->names[i]);
    char *name = mem_new(s->lib, n + 1, 1);
    if (!name) {
        mem_free(s->lib, out->arrays[out->count].data);
        return T2M_ENOMEM;
    }
    memcpy(name, s->names[i], n - (text_ends(s->names[i], ".npy") ? 4 : 0));
    out->names[out->count++] = name;
    return T2M_OK;
}

t2m_status arrays_parse(t2m *lib, const char *path, struct array_set *out)
{
    struct source *s;
    TRY(source_open(lib, path, &s));
    *out = (struct array_set){.names = mem_new(lib, s->count, sizeof(char *)),
                              .arrays = mem_new(lib, s->count, sizeof(struct array))};
    t2m_status status = out->names && out->arrays ? T2M_OK : T2M_ENOMEM;
    for (size_t i = 0; i < s->count && status == T2M_OK; i++)
        status = read_member(s, i, out);
    source_close(s);
    if (status != T2M_OK)
        arrays_clear(lib, out);
    return status;
}

void arrays_clear(t2m *lib, struct array_set *s)
{
    for (size_t i = 0; s->names && i < s->count; i++) {
        mem_free(lib, s->names[i]);
        mem_free(lib, s->arrays[i].data);
    }
    mem_free(lib, s->names);
    mem_free(lib, s->arrays);
    *s = (struct array_set){0};
}

const struct array *arrays_find(const struct array_set *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->names[i], name) == 0)
            return &s->arrays[i];
    return NULL;
}
