/* kernels_distance.c: sums of absolute differences between rows, and what their gradients need.
 * Columns of the result lie in the lanes: b is turned over first. */
#include "engine/compute/simd.h"

#if KERNELS_REAL == 64
typedef int64_t lane_mask __attribute__((vector_size(LANES * sizeof(int64_t))));
#else
typedef int32_t lane_mask __attribute__((vector_size(LANES * sizeof(int32_t))));
#endif

size_t DISTANCE_WORK(const struct distance_shape *s)
{
    return sizeof(real) * s->k * padded(s->m);
}

/* b [m, k] as [k, padded m], zeros at the end of rows */
static void turn(const struct distance_shape *s, const real *b, real *turned)
{
    const size_t stride = padded(s->m);
    for (size_t c = 0; c < s->k; c++)
        for (size_t j = s->m; j < stride; j++)
            turned[c * stride + j] = 0;
    TRANSPOSE(&(struct matrix){s->m, s->k, s->k}, b, turned, stride);
}

INLINE vec absolute(vec x)
{
    return (vec)((lane_mask)x & ~(lane_mask)(-(vec){0}));
}

/* value * the sign of a - b */
INLINE vec signed_by(vec a, vec b, vec value)
{
    const lane_mask v = (lane_mask)value;
    return (vec)(v & (lane_mask)(a > b)) - (vec)(v & (lane_mask)(a < b));
}

INLINE vec all_lanes(real x)
{
    return x - (vec){0};
}

enum { TOGETHER = 4 /* vectors of sums */ };

/* `vectors` of a row of y: sums over c of |a - b|, or of u times the sign of a - b. */
INLINE void sums(const struct distance_shape *s, const real *a, const real *u, const real *b,
                 size_t vectors, vec sum[TOGETHER])
{
    const size_t stride = padded(s->m);
    for (size_t k = 0; k < vectors; k++)
        sum[k] = (vec){0};
    for (size_t c = 0; c < s->k; c++, b += stride) {
        const vec x = all_lanes(a[c]), v = all_lanes(u ? u[c] : 0);
        for (size_t k = 0; k < vectors; k++)
            sum[k] += u ? signed_by(x, load(b + k * LANES), v) : absolute(x - load(b + k * LANES));
    }
}

INLINE void row_of_sums(const struct distance_shape *s, const real *a, const real *u,
                        const real *turned, real *y)
{
    size_t j = 0;
    vec sum[TOGETHER];
    for (; j + TOGETHER * LANES <= s->m; j += TOGETHER * LANES) {
        sums(s, a, u, turned + j, TOGETHER, sum);
        for (size_t k = 0; k < TOGETHER; k++)
            store(y + j + k * LANES, sum[k]);
    }
    for (; j < s->m; j += LANES) {
        sums(s, a, u, turned + j, 1, sum);
        put(y + j, sum[0], s->m - j);
    }
}

INLINE void all_sums(const struct distance_shape *s, const real *a, const real *b, const real *u,
                     real *y, real *turned)
{
    for (size_t i = 0; i < s->batch; i++, a += s->a_batch, b += s->b_batch) {
        turn(s, b, turned);
        for (size_t row = 0; row < s->n; row++, y += s->m)
            row_of_sums(s, a + row * s->k, u ? u + i * s->c_batch + row * s->k : NULL, turned, y);
    }
}

void DISTANCE(const struct distance_shape *s, const void *a, const void *b, void *y, void *work)
{
    all_sums(s, a, b, NULL, y, work);
}

void DISTANCE_PUSH(const struct distance_shape *s, const void *a, const void *b, const void *u,
                   void *y, void *work)
{
    all_sums(s, a, b, u, y, work);
}

/* Sum over j of g times the sign of a - b. */
INLINE real pull(const struct distance_shape *s, real a, const real *b, const real *g)
{
    const vec x = all_lanes(a);
    vec sum = {0};
    for (size_t j = 0; j < s->m; j += LANES)
        sum += signed_by(x, load(b + j), get(g + j, s->m - j));
    return sum_lanes(sum);
}

void DISTANCE_INPUT(const struct distance_shape *s, const void *va, const void *vb, const void *vg,
                    void *vy, void *work)
{
    const real *a = va, *b = vb, *g = vg, *turned = work;
    real *y = vy;
    for (size_t i = 0; i < s->batch; i++, a += s->a_batch, b += s->b_batch, g += s->c_batch) {
        turn(s, b, work);
        for (size_t row = 0; row < s->n; row++)
            for (size_t c = 0; c < s->k; c++)
                *y++ = pull(s, a[row * s->k + c], turned + c * padded(s->m), g + row * s->m);
    }
}
