/* kernels_move.c: filling, copying, rows of tables. */
#include "engine/compute/simd.h"

void FILL(size_t n, double value, void *vy)
{
    real *y = vy;
    for (size_t i = 0; i < n; i++)
        y[i] = (real)value;
}

void IOTA(size_t n, void *vy)
{
    real *y = vy;
    for (size_t i = 0; i < n; i++)
        y[i] = (real)i;
}

/* ---- copies ---- */

static void copy_row(const real *x, ptrdiff_t stride, size_t n, real *y)
{
    if (stride == 1)
        copy_reals(n, x, y);
    else if (stride == 0)
        for (size_t i = 0; i < n; i++)
            y[i] = *x;
    else
        for (size_t i = 0; i < n; i++)
            y[i] = x[(ptrdiff_t)i * stride];
}

/* The last two axes */
static real *copy_plane(const real *x, const size_t dim[2], const ptrdiff_t stride[2], real *y)
{
    if (stride[0] == 1 && stride[1] > 1)
        TRANSPOSE(&(struct matrix){dim[1], dim[0], (size_t)stride[1]}, x, y, dim[1]);
    else
        for (size_t i = 0; i < dim[0]; i++)
            copy_row(x + (ptrdiff_t)i * stride[0], stride[1], dim[1], y + i * dim[1]);
    return y + dim[0] * dim[1];
}

void COPY(const struct copy_shape *s, const void *vx, void *vy)
{
    const real *x = vx;
    real *y = vy;
    size_t at[MAX_RANK] = {0}, planes = 1;
    if (s->rank < 2) {
        copy_row(x, s->rank ? s->stride[0] : 1, s->rank ? s->dim[0] : 1, y);
        return;
    }
    const int outer = s->rank - 2;
    for (int i = 0; i < outer; i++)
        planes *= s->dim[i];
    for (size_t p = 0; p < planes; p++) {
        y = copy_plane(x, s->dim + outer, s->stride + outer, y);
        for (int i = outer - 1; i >= 0; i--) {
            x += s->stride[i];
            if (++at[i] < s->dim[i])
                break;
            x -= s->stride[i] * (ptrdiff_t)s->dim[i];
            at[i] = 0;
        }
    }
}

/* ---- tables ---- */

/* The row, or `rows` when the index is none of 0 .. rows-1. */
static size_t row_of(real index, size_t rows)
{
    const real most = 2147483648; /* sizes are below 2^31; `rows` may lie between two reals */
    return index >= 0 && index < most ? min_size((size_t)index, rows) : rows;
}

void GATHER(const struct gather_shape *s, const void *vtable, const void *vindex, void *vvalues)
{
    real *values = vvalues;
    for (size_t b = 0; b < s->batch; b++) {
        const real *table = (const real *)vtable + b * s->table_batch,
                   *index = (const real *)vindex + b * s->index_batch;
        for (size_t i = 0; i < s->count; i++, values += s->width) {
            const size_t row = row_of(index[i], s->rows);
            if (row < s->rows)
                memcpy(values, table + row * s->width, s->width * sizeof(real));
            else
                memset(values, 0, s->width * sizeof(real));
        }
    }
}

void SCATTER_ADD(const struct gather_shape *s, const void *vvalues, const void *vindex,
                 void *vtable)
{
    real *table = vtable;
    memset(table, 0, s->batch * s->rows * s->width * sizeof(real));
    for (size_t b = 0; b < s->batch; b++, table += s->rows * s->width) {
        const real *values = (const real *)vvalues + b * s->values_batch,
                   *index = (const real *)vindex + b * s->index_batch;
        for (size_t i = 0; i < s->count; i++, values += s->width) {
            const size_t row = row_of(index[i], s->rows);
            real *to = table + row * s->width;
            for (size_t j = 0; j < s->width && row < s->rows; j++)
                to[j] += values[j];
        }
    }
}
