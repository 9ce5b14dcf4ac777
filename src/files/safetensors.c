/* safetensors.c: reading and writing of the format. The header is JSON, read by jansson with its
 * length bounded; tensors are checked to follow each other without holes up to the end. */
#include "files/safetensors.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DIGITS = 8, ALIGN = 64 };
static const char sum_key[] = "\"crc32c\":\"";

struct tensor_file_impl {
    struct arena arena;
    const char *name;
    bool foreign;     /* types other than F32 are taken */
    size_t data_size; /* bytes after the header */
    const unsigned char *data;
};

static t2m_status bad(struct tensor_file *f, const char *why)
{
    return refuse(f->lib, T2M_EMODEL, "'%.160s' is not a usable model file: %s", f->impl->name,
                  why);
}

static t2m_status bad_tensor(struct tensor_file *f, const char *tensor, const char *why)
{
    char shown[64];
    return refuse(f->lib, T2M_EMODEL, "'%.160s': tensor '%s': %s", f->impl->name,
                  text_shown(tensor, strlen(tensor), shown), why);
}

/* ---- the checksum ---- */

/* Place of the 8 digits in the header, or 0. */
static size_t sum_place(const unsigned char *file, size_t end)
{
    const size_t n = sizeof sum_key - 1;
    for (size_t i = 8; i + n + DIGITS <= end; i++)
        if (memcmp(file + i, sum_key, n) == 0)
            return i + n;
    return 0;
}

static uint32_t sum_of(const unsigned char *file, size_t length, size_t place)
{
    uint32_t crc = crc32c(0, file, place);
    crc = crc32c(crc, "00000000", DIGITS);
    return crc32c(crc, file + place + DIGITS, length - place - DIGITS);
}

static t2m_status check_sum(struct tensor_file *f, const struct bytes *file, size_t header_end)
{
    const char *digits = safetensors_meta(f, "crc32c");
    const size_t place = sum_place(file->data, header_end);
    char want[DIGITS + 1];
    if (!digits)
        return T2M_OK;
    if (place == 0)
        return bad(f, "the checksum is not where it should be");
    snprintf(want, sizeof want, "%08x", sum_of(file->data, file->length, place));
    if (strcmp(want, digits) != 0)
        return bad(f, "the checksum does not fit: the file is damaged");
    f->checked = true;
    return T2M_OK;
}

/* Metadata that say what the bytes of a tensor count. */
#define UNIT_PREFIX "unit."
enum { UNIT_NAME = 80, UNIT_KEY = UNIT_NAME + sizeof UNIT_PREFIX };

/* ---- reading ---- */

/* IEEE 754 binary16: 1 + 5 + 10 bits */
static float half_value(const unsigned char *p)
{
    const unsigned u = p[0] | (unsigned)p[1] << 8, fraction = u & 0x3FF;
    const int exponent = u >> 10 & 0x1F;
    const float size = exponent == 0x1F ? (fraction ? NAN : INFINITY)
                       : exponent       ? ldexpf((float)(1024 + fraction), exponent - 25)
                                        : ldexpf((float)fraction, -24);
    return u >> 15 ? -size : size;
}

/* The upper half of a float */
static float brain_value(const unsigned char *p)
{
    const uint32_t u = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static float float_value(const unsigned char *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

static float byte_value(const unsigned char *p)
{
    return (float)(*p < 128 ? *p : *p - 256);
}

static const struct tensor_type {
    const char *name;
    size_t size;
    float (*value)(const unsigned char *p); /* NULL: not read */
} types[] = {{"F32", 4, float_value}, {"F16", 2, half_value}, {"BF16", 2, brain_value},
             {"F64", 8, NULL},        {"I64", 8, NULL},       {"I32", 4, NULL},
             {"I16", 2, NULL},        {"I8", 1, byte_value},        {"U64", 8, NULL},
             {"U32", 4, NULL},        {"U16", 2, NULL},       {"U8", 1, NULL},
             {"BOOL", 1, NULL}};

static const struct tensor_type *type_of(const char *name, bool foreign)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return foreign || i == 0 || types[i].value == byte_value ? &types[i] : NULL;
    return NULL;
}

static bool read_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static t2m_status read_shape(struct tensor_file *f, const json_t *shape, struct tensor_entry *t)
{
    if (!json_is_array(shape) || json_array_size(shape) > MAX_RANK)
        return bad_tensor(f, t->name, "shape must be a list of at most 8 sizes");
    t->rank = (int)json_array_size(shape);
    for (int i = 0; i < t->rank; i++) {
        size_t n;
        if (!read_size(json_array_get(shape, (size_t)i), &n) || n > INT32_MAX)
            return bad_tensor(f, t->name, "a size is not a whole number from 0 to 2^31 - 1");
        t->dim[i] = (int64_t)n;
    }
    return checked_numel(t->dim, t->rank, SIZE_MAX / 8, &t->count)
               ? T2M_OK
               : bad_tensor(f, t->name, "the shape is too large");
}

static t2m_status read_tensor(struct tensor_file *f, const json_t *value, struct tensor_entry *t)
{
    const json_t *type = json_object_get(value, "dtype"),
                 *offsets = json_object_get(value, "data_offsets");
    size_t first, end;
    if (!json_is_object(value) || json_object_size(value) != 3 || !json_is_string(type))
        return bad_tensor(f, t->name, "needs dtype, shape and data_offsets");
    const struct tensor_type *kind = type_of(json_string_value(type), f->impl->foreign);
    if (!kind)
        return bad_tensor(f, t->name,
                          f->impl->foreign ? "its dtype is not known"
                                           : "only numbers of type F32 are read");
    TRY(read_shape(f, json_object_get(value, "shape"), t));
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &first) ||
        !read_size(json_array_get(offsets, 1), &end))
        return bad_tensor(f, t->name, "data_offsets must be two places");
    if (first > end || end > f->impl->data_size || (end - first) / kind->size != t->count ||
        (end - first) % kind->size != 0)
        return bad_tensor(f, t->name, "its place in the file does not fit its shape");
    t->first = first;
    t->bytes = end - first;
    t->type = kind;
    return T2M_OK;
}

static int by_place(const void *p, const void *q)
{
    const struct tensor_entry *a = p, *b = q;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* Of bytes of ours, from the metadata; false if it is not there. */
static bool read_unit(const struct tensor_file *f, struct tensor_entry *t)
{
    char key[UNIT_KEY];
    snprintf(key, sizeof key, UNIT_PREFIX "%.*s", UNIT_NAME, t->name);
    const char *unit = safetensors_meta(f, key);
    return unit && sscanf(unit, "%g", &t->unit) == 1 && t->unit > 0 && t->unit <= 1;
}

/* Floats are used where they stand, if they stand even. */
static t2m_status take_numbers(struct tensor_file *f, struct tensor_entry *t)
{
    const unsigned char *from = f->impl->data + t->first;
    if (t->type == types && t->first % sizeof(float) == 0) {
        t->data = (const float *)(const void *)from;
    } else if (t->type->value && (t->type->value != byte_value || !f->impl->foreign)) {
        if (t->type->value == byte_value && !read_unit(f, t))
            return bad_tensor(f, t->name, "its bytes have no unit");
        float *to = arena_new(&f->impl->arena, t->count, sizeof *to);
        if (!to)
            return T2M_ENOMEM;
        for (size_t i = 0; i < t->count; i++)
            to[i] = t->type->value(from + i * t->type->size) * (t->unit > 0 ? t->unit : 1);
        t->data = to;
    }
    return T2M_OK;
}

static t2m_status read_meta(struct tensor_file *f, const json_t *meta)
{
    const char *key;
    json_t *value;
    if (!json_is_object(meta))
        return bad(f, "__metadata__ must be a table of texts");
    f->meta_keys = arena_new(&f->impl->arena, json_object_size(meta), sizeof *f->meta_keys);
    f->meta_values = arena_new(&f->impl->arena, json_object_size(meta), sizeof *f->meta_values);
    if (!f->meta_keys || !f->meta_values)
        return T2M_ENOMEM;
    json_object_foreach((json_t *)(uintptr_t)meta, key, value)
    {
        if (!json_is_string(value))
            return bad(f, "__metadata__ must be a table of texts");
        f->meta_keys[f->meta_count] = arena_text(&f->impl->arena, key);
        f->meta_values[f->meta_count] = arena_text(&f->impl->arena, json_string_value(value));
        if (!f->meta_keys[f->meta_count] || !f->meta_values[f->meta_count])
            return T2M_ENOMEM;
        f->meta_count++;
    }
    return T2M_OK;
}

static t2m_status read_entries(struct tensor_file *f, json_t *root)
{
    const char *key;
    json_t *value;
    if (!json_is_object(root) || json_object_size(root) > SAFETENSORS_MAX_TENSORS)
        return bad(f, "the header is not a table of at most 65536 tensors");
    f->tensors = arena_new(&f->impl->arena, json_object_size(root), sizeof *f->tensors);
    if (!f->tensors)
        return T2M_ENOMEM;
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) {
            TRY(read_meta(f, value));
            continue;
        }
        struct tensor_entry *t = &f->tensors[f->count];
        t->name = arena_text(&f->impl->arena, key);
        if (!t->name)
            return T2M_ENOMEM;
        TRY(read_tensor(f, value, t));
        f->count++;
    }
    qsort(f->tensors, f->count, sizeof *f->tensors, by_place);
    size_t at = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->tensors[i].first != at)
            return bad_tensor(f, f->tensors[i].name, "tensors overlap, or leave a hole");
        at += f->tensors[i].bytes;
    }
    if (at != f->impl->data_size)
        return bad(f, "it is cut off, or has extra bytes");
    for (size_t i = 0; i < f->count; i++) /* now that no byte is in two tensors */
        TRY(take_numbers(f, &f->tensors[i]));
    return T2M_OK;
}

static t2m_status parse(struct tensor_file *f, const struct bytes *file)
{
    struct reader r = {file->data, file->length, 0};
    uint64_t length;
    json_error_t error;
    if (!reader_u64(&r, &length))
        return bad(f, "it is shorter than 8 bytes");
    if (length > SAFETENSORS_MAX_HEADER || length > file->length - 8)
        return bad(f, "the header is longer than the file: it is cut off, or of another kind");
    const char *text = (const char *)reader_slice(&r, (size_t)length);
    f->impl->data_size = file->length - r.at;
    unsigned char *data = arena_new(&f->impl->arena, f->impl->data_size, 1); /* aligned */
    if (!data)
        return T2M_ENOMEM;
    memcpy(data, file->data + r.at, f->impl->data_size);
    f->impl->data = data;
    json_t *root = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return bad(f, "the header is not JSON");
    t2m_status status = read_entries(f, root);
    json_decref(root);
    return status == T2M_OK ? check_sum(f, file, r.at) : status;
}

t2m_status safetensors_parse(t2m *lib, const struct bytes *file, const struct tensor_origin *from,
                             struct tensor_file **out)
{
    struct tensor_file *f = mem_new(lib, 1, sizeof *f);
    struct tensor_file_impl *impl = mem_new(lib, 1, sizeof *impl);
    if (!f || !impl) {
        mem_free(lib, f);
        mem_free(lib, impl);
        return T2M_ENOMEM;
    }
    f->lib = lib;
    f->impl = impl;
    arena_init(&impl->arena, lib);
    impl->name = from->name;
    impl->foreign = from->foreign;
    const t2m_status status = parse(f, file);
    if (status != T2M_OK)
        safetensors_free(f);
    else
        *out = f;
    return status;
}

static t2m_status read_whole(t2m *lib, const struct tensor_origin *from, struct tensor_file **out)
{
    struct bytes file;
    TRY(store_read(lib, from->name, lib->memory_limit, &file));
    const t2m_status status = safetensors_parse(lib, &file, from, out);
    mem_free(lib, file.data);
    return status;
}

t2m_status safetensors_read(t2m *lib, const char *path, struct tensor_file **out)
{
    return read_whole(lib, &(struct tensor_origin){path, false}, out);
}

t2m_status safetensors_read_foreign(t2m *lib, const char *path, struct tensor_file **out)
{
    return read_whole(lib, &(struct tensor_origin){path, true}, out);
}

void safetensors_free(struct tensor_file *f)
{
    if (!f)
        return;
    t2m *lib = f->lib;
    arena_clear(&f->impl->arena);
    mem_free(lib, f->impl);
    mem_free(lib, f);
}

size_t safetensors_numbers(const struct tensor_file *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += f->tensors[i].count;
    return n;
}

const struct tensor_entry *safetensors_find(const struct tensor_file *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->tensors[i].name, name) == 0)
            return &f->tensors[i];
    return NULL;
}

bool safetensors_take(const struct tensor_file *f, const char *name, size_t count, float *to)
{
    const struct tensor_entry *t = safetensors_find(f, name);
    if (!t || !t->data || t->count != count)
        return false;
    memcpy(to, t->data, count * sizeof *to);
    return true;
}

const char *safetensors_meta(const struct tensor_file *f, const char *key)
{
    for (size_t i = 0; i < f->meta_count; i++)
        if (strcmp(f->meta_keys[i], key) == 0)
            return f->meta_values[i];
    return NULL;
}

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
    text_add(t, "{\"__metadata__\":{%s00000000\"", sum_key);
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
        const size_t place = sum_place(data, 8 + header.length);
        char digits[DIGITS + 1];
        snprintf(digits, sizeof digits, "%08x", sum_of(data, file->length, place));
        memcpy(data + place, digits, DIGITS);
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
