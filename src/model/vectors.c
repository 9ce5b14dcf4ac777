/* vectors.c: vectors of tasks and models in files of numpy. Apart from model.c, so that a program
 * with a model that runs alone need not be linked with archives and arrays. */
#include "files/arrays.h"
#include "model/model.h"

t2m_status t2m_vectors_save(t2m *lib, const char *path, const float *x, size_t rows, size_t columns,
                            bool force)
{
    const int64_t dim[] = {(int64_t)rows, (int64_t)columns};
    struct bytes file;
    TRY(array_encode(lib, x, rows == 1 ? 1 : 2, dim + (rows == 1), &file));
    const t2m_status status = store_write(lib, path, &file, 1, force);
    mem_free(lib, file.data);
    return status;
}

t2m_status t2m_vectors_open(t2m *lib, float **x, size_t *n, const char *path)
{
    struct bytes file;
    struct array a;
    TRY(store_read(lib, path, lib->memory_limit, &file));
    t2m_status status = array_parse(lib, &file, path, &a);
    mem_free(lib, file.data);
    if (status != T2M_OK)
        return status;
    float *out = mem_new(lib, a.count, sizeof *out);
    for (size_t i = 0; out && i < a.count; i++)
        out[i] = (float)array_at(&a, i);
    mem_free(lib, a.data);
    if (!out)
        return T2M_ENOMEM;
    *x = out;
    *n = a.count;
    return T2M_OK;
}
