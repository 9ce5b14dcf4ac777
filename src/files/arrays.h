/* arrays.h: numpy's .npy and .npz. Object arrays, Fortran order and big endian are refused; sizes
 * are compared with the file before memory is taken. */
#pragma once
#include "files/store.h"

enum array_type { ARRAY_U8, ARRAY_I32, ARRAY_I64, ARRAY_F32, ARRAY_F64 };

struct array { /* data is freed by mem_free(lib, data) */
    enum array_type type;
    int rank;
    int64_t dim[MAX_RANK];
    size_t count; /* elements */
    void *data;
};

t2m_status array_parse(t2m *lib, const struct bytes *file, const char *name, struct array *out);
/* Element i as a double, whatever the type. */
double array_at(const struct array *a, size_t i);
/* A .npy file of float32 in memory. */
t2m_status array_encode(t2m *lib, const float *x, int rank, const int64_t *dim, struct bytes *out);

struct array_set { /* the members of a .npz */
    size_t count;
    char **names; /* without .npy */
    struct array *arrays;
};
t2m_status arrays_parse(t2m *lib, const char *path, struct array_set *out);
void arrays_clear(t2m *lib, struct array_set *s);
const struct array *arrays_find(const struct array_set *s, const char *name); /* NULL: not there */
