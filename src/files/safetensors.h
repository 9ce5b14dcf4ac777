/* safetensors.h: named tensors and a table of strings in one file, as published by Hugging Face:
 * 8 bytes little-endian header length, JSON header, tensors without holes or overlap. Ours carry
 * the CRC-32C of the whole file (the 8 digits of the sum itself taken as zeros) as metadata
 * "crc32c". */
#pragma once
#include "files/store.h"

enum { SAFETENSORS_MAX_TENSORS = 65536, SAFETENSORS_MAX_HEADER = 16 << 20 };

struct tensor_type;
struct tensor_entry {
    const char *name;
    int rank;
    int64_t dim[MAX_RANK];
    size_t count;        /* elements */
    const float *data;   /* NULL: of a type that is not read, in files of others */
    float unit;          /* > 0: in ours, a byte for each number, which is so many of this unit */
    size_t first, bytes; /* where it stands behind the header: for the reader */
    const struct tensor_type *type;
};

struct tensor_file {
    t2m *lib;
    size_t count;
    struct tensor_entry *tensors; /* in order of the data */
    size_t meta_count;
    const char **meta_keys, **meta_values;
    bool checked; /* the file had a "crc32c" and it is right */
    struct tensor_file_impl *impl;
};

/* T2M_EMODEL with path and the fault (tensor, offset, sizes; or "the checksum does not fit: the
 * file is damaged"). */
t2m_status safetensors_read(t2m *lib, const char *path, struct tensor_file **out);
/* The same for files of others: F16 and BF16 are widened, and tensors of any other type but F32 (of
 * whole numbers, say) have data NULL. In ours F32 is read, and I8 with metadata "unit.NAME". */
t2m_status safetensors_read_foreign(t2m *lib, const char *path, struct tensor_file **out);
/* From memory: for the fuzzer; copies what it needs. The name is borrowed. */
struct tensor_origin {
    const char *name;
    bool foreign;
};
t2m_status safetensors_parse(t2m *lib, const struct bytes *file, const struct tensor_origin *from,
                             struct tensor_file **out);
void safetensors_free(struct tensor_file *f);
size_t safetensors_numbers(const struct tensor_file *f); /* of all tensors */
/* The power of two of which all x[n] are whole multiples, at most 127 of them, so that a byte holds
 * each without loss; 0: there is none. */
float safetensors_unit(const float *x, size_t n);
/* Rounds x[n], which are finite, to multiples of the least unit that holds them all. */
void safetensors_round(float *x, size_t n);
const struct tensor_entry *safetensors_find(const struct tensor_file *f, const char *name);
/* The numbers of the tensor `name` to `to` [count]; false if it is not there or has not so many. */
bool safetensors_take(const struct tensor_file *f, const char *name, size_t count, float *to);
const char *safetensors_meta(const struct tensor_file *f, const char *key); /* NULL: not there */

struct tensor_writing {
    const struct tensor_entry *tensors;
    size_t count;
    const char *const *meta_keys, *const *meta_values; /* "crc32c" is added */
    size_t meta_count;
};
/* How many bytes the file will have. T2M_EDATA, here and in writing: the texts are too long. */
t2m_status safetensors_size(t2m *lib, const struct tensor_writing *w, size_t *bytes);
/* The same input gives the same bytes. Data starts at a multiple of 64. */
t2m_status safetensors_write(t2m *lib, const char *path, const struct tensor_writing *w,
                             bool force);
