/* check_edit.h: a learner's or a model's file with something else in it and a checksum that fits.
 */
#pragma once
#include "check_files.h"

#include "files/safetensors_format.h"

enum { CHECK_MOST = 32 /* tensors, or keys */, CHECK_NUMBERS = 4096 };

/* One number of a tensor is another, or a text is; or a tensor is not there, or has rows more, all
 * of ones. */
struct edit {
    const char *tensor;
    size_t at; /* SIZE_MAX: the tensor is not there */
    float value;
    int rows;
    const char *key, *text;
};

/* The file with this edit, as the file `edited`. */
static inline void check_edit(t2m *lib, const char *model, const struct edit *e)
{
    struct tensor_file *f;
    struct tensor_entry tensor[CHECK_MOST];
    const char *key[CHECK_MOST], *text[CHECK_MOST];
    size_t tensors = 0, keys = 0;
    float changed[CHECK_NUMBERS];
    bool done = false;
    assert_int_equal(safetensors_read(lib, check_path(model), &f), T2M_OK);
    for (size_t i = 0; i < f->count; i++) {
        struct tensor_entry *t = &tensor[tensors];
        *t = f->tensors[i];
        const bool here = e->tensor && strcmp(t->name, e->tensor) == 0;
        done = done || here;
        if (here && e->at == SIZE_MAX)
            continue;
        tensors++;
        if (here) {
            assert_true(t->count <= CHECK_NUMBERS && e->at < t->count);
            memcpy(changed, t->data, t->count * sizeof *changed);
            changed[e->at] = e->value;
            for (const size_t last = t->count + (size_t)(e->rows * t->dim[1]); t->count < last;)
                changed[t->count++] = 1;
            t->dim[0] += e->rows;
            t->data = changed;
        }
    }
    for (size_t i = 0; i < f->meta_count; i++) {
        const bool here = e->key && strcmp(f->meta_keys[i], e->key) == 0;
        done = done || here;
        if (strcmp(f->meta_keys[i], "crc32c") == 0 || strncmp(f->meta_keys[i], "unit.", 5) == 0)
            continue; /* are written anew */
        key[keys] = f->meta_keys[i];
        text[keys++] = here ? e->text : f->meta_values[i];
    }
    assert_true(done);
    const struct tensor_writing w = {tensor, tensors, key, text, keys};
    assert_int_equal(safetensors_write(lib, check_path("edited"), &w, true), T2M_OK);
    safetensors_free(f);
}

/* The file with the bytes `from` of its header, which are there once, as `to`, as many, as the file
 * `edited`. */
static inline void check_patch(t2m *lib, const char *name, const char *from, const char *to)
{
    struct bytes file;
    char digits[SUM_DIGITS + 1];
    const size_t n = strlen(from);
    assert_int_equal(n, strlen(to));
    assert_int_equal(store_read(lib, check_path(name), 1 << 24, &file), T2M_OK);
    unsigned char *at = memmem(file.data, file.length, from, n);
    assert_non_null(at);
    memcpy(at, to, n);
    const size_t place = safetensors_sum_place(file.data, file.length);
    snprintf(digits, sizeof digits, "%08x", safetensors_sum(file.data, file.length, place));
    memcpy(file.data + place, digits, SUM_DIGITS);
    assert_int_equal(store_write(lib, check_path("edited"), &file, 1, true), T2M_OK);
    mem_free(lib, file.data);
}
