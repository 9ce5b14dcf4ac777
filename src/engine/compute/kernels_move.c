/* kernels_move.c: filling, copying, windows of pooling, rows of tables. */
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
        memcpy(y, x, n * sizeof(real));
    else if (stride == 0)
        for (size_t i = 0; i < n; i++)
            y[i] = *x;
    else
        for (size_t i = 0; i < n; i++)
            y[i] = x[(ptrdiff_t)i * stride];
}

/* The last two axes; a transposed pair goes in blocks, so that lines of cache are used whole. */
static real *copy_plane(const real *x, const size_t dim[2], const ptrdiff_t stride[2], real *y)
{
    enum { BLOCK = 16 };
    if (stride[0] == 1 && stride[1] > 1) {
        for (size_t j = 0; j < dim[1]; j += BLOCK)
            for (size_t i = 0; i < dim[0]; i++)
                for (size_t k = j; k < min_size(dim[1], j + BLOCK); k++)
                    y[i * dim[1] + k] = x[(ptrdiff_t)i + (ptrdiff_t)k * stride[1]];
    } else {
        for (size_t i = 0; i < dim[0]; i++)
            copy_row(x + (ptrdiff_t)i * stride[0], stride[1], dim[1], y + i * dim[1]);
    }
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

/* ---- windows ---- */

/* Place of window (n, oy, ox) in x. */
static size_t window_start(const struct window_shape *s, size_t window)
{
    const size_t ox = window % s->ow, oy = window / s->ow % s->oh, n = window / s->ow / s->oh;
    return ((n * s->h + oy * s->stride) * s->w + ox * s->stride) * s->c;
}

void WINDOW_ARGMAX(const struct window_shape *s, const void *vx, void *vindex)
{
    real *index = vindex, best[64];
    for (size_t i = 0; i < s->n * s->oh * s->ow; i++, index += s->c) {
        const real *x = (const real *)vx + window_start(s, i);
        for (size_t from = 0; from < s->c; from += 64) {
            const size_t count = min_size(64, s->c - from);
            memcpy(best, x + from, count * sizeof(real));
            memset(index + from, 0, count * sizeof(real));
            for (size_t k = 1; k < s->size * s->size; k++) {
                const real *v = x + (k / s->size * s->w + k % s->size) * s->c + from;
                for (size_t c = 0; c < count; c++) {
                    const bool wins = v[c] > best[c];
                    index[from + c] = wins ? (real)k : index[from + c];
                    best[c] = wins ? v[c] : best[c];
                }
            }
        }
    }
}

/* Distances from a window's first number to each of its places, for windows of up to 8 x 8. */
enum { NEAR = 64 };

static void window_places(const struct window_shape *s, size_t *place)
{
    for (size_t k = 0; k < s->size * s->size && k < NEAR; k++)
        place[k] = (k / s->size * s->w + k % s->size) * s->c;
}

static size_t place_of(const struct window_shape *s, const size_t *place, size_t k)
{
    return k < NEAR ? place[k] : (k / s->size * s->w + k % s->size) * s->c;
}

void WINDOW_GATHER(const struct window_shape *s, const void *vx, const void *vindex, void *vy)
{
    const real *index = vindex;
    real *y = vy;
    size_t place[NEAR];
    window_places(s, place);
    for (size_t i = 0; i < s->n * s->oh * s->ow; i++) {
        const real *x = (const real *)vx + window_start(s, i);
        for (size_t c = 0; c < s->c; c++)
            *y++ = x[place_of(s, place, (size_t)*index++) + c];
    }
}

void WINDOW_SCATTER(const struct window_shape *s, const void *vgy, const void *vindex, void *vgx)
{
    const real *gy = vgy, *index = vindex;
    size_t place[NEAR];
    window_places(s, place);
    memset(vgx, 0, s->n * s->h * s->w * s->c * sizeof(real));
    for (size_t i = 0; i < s->n * s->oh * s->ow; i++) {
        real *gx = (real *)vgx + window_start(s, i);
        for (size_t c = 0; c < s->c; c++)
            gx[place_of(s, place, (size_t)*index++) + c] += *gy++;
    }
}

/* ---- tables ---- */

/* The row, or `rows` when the index is none of 0 .. rows-1. */
static size_t row_of(real index, size_t rows)
{
    return index >= 0 && index < (real)rows ? (size_t)index : rows;
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
