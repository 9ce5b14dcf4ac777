/* simd.h: number type and vectors of the kernel files, which are compiled once per instruction set
 * and precision with -DKERNELS_ISA=base|avx2|avx512 -DKERNELS_REAL=32|64. Vectors are the
 * compiler's own vector type; only loads and stores of a part of a vector need intrinsics. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/compute/kernels.h"

/* Rows of a tile of TILE_VECTORS vectors, of fewer (TILE_ROWS_NARROW), and of one */
#if KERNELS_REAL == 64
typedef double real;
enum { LANES = 2, TILE_ROWS = 6, TILE_ROWS_NARROW = 6, TILE_ROWS_ONE = 12, TILE_VECTORS = 2 };
#elif defined __AVX512F__
#include <immintrin.h>
typedef float real;
/* 24 sums, 4 of b: 28 of 32 registers */
enum { LANES = 16, TILE_ROWS = 6, TILE_ROWS_NARROW = 8, TILE_ROWS_ONE = 8, TILE_VECTORS = 4 };
#elif defined __AVX2__
#include <immintrin.h>
typedef float real;
/* 12 sums, 2 of b, 1 of a: 15 of 16 registers */
enum { LANES = 8, TILE_ROWS = 6, TILE_ROWS_NARROW = 6, TILE_ROWS_ONE = 12, TILE_VECTORS = 2 };
#elif defined __aarch64__
typedef float real;
/* more would spill */
enum { LANES = 4, TILE_ROWS = 5, TILE_ROWS_NARROW = 5, TILE_ROWS_ONE = 8, TILE_VECTORS = 4 };
#else
typedef float real;
enum { LANES = 4, TILE_ROWS = 6, TILE_ROWS_NARROW = 6, TILE_ROWS_ONE = 12, TILE_VECTORS = 2 };
#endif

typedef real vec __attribute__((vector_size(LANES * sizeof(real))));
typedef vec vec_at __attribute__((aligned(sizeof(real)), may_alias)); /* at any real */

#define INLINE static inline __attribute__((always_inline))
#define JOIN3(a, b) a##_##b
#define JOIN2(a, b) JOIN3(a, b)
#if KERNELS_REAL == 64
#define KERNEL(name) JOIN2(name, f64)
#else
#define KERNEL(name) JOIN2(name, KERNELS_ISA)
#endif

INLINE vec load(const real *p)
{
    return *(const vec_at *)p;
}

INLINE void store(real *p, vec v)
{
    *(vec_at *)p = v;
}

/* The first `count` numbers at p, zeros after them; nothing beyond is touched. */
INLINE vec load_part(const real *p, size_t count)
{
#if KERNELS_REAL == 32 && defined __AVX512F__
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#elif KERNELS_REAL == 32 && defined __AVX2__
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return (vec)_mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(mask + 8 - count)));
#else
    vec v = {0};
    for (size_t i = 0; i < count; i++)
        v[i] = p[i];
    return v;
#endif
}

INLINE void store_part(real *p, vec v, size_t count)
{
#if KERNELS_REAL == 32 && defined __AVX512F__
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
#elif KERNELS_REAL == 32 && defined __AVX2__
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    _mm256_maskstore_ps(p, _mm256_loadu_si256((const __m256i *)(mask + 8 - count)), (__m256)v);
#else
    for (size_t i = 0; i < count; i++)
        p[i] = v[i];
#endif
}

/* Half a vector, and as much of it as is there; only where such halves gain (HALF_LANES > 0). */
#if KERNELS_REAL == 32 && defined __AVX512F__
enum { HALF_LANES = LANES / 2 };
typedef real half_vec __attribute__((vector_size(HALF_LANES * sizeof(real))));

INLINE half_vec lower_half(vec v)
{
    return (half_vec)_mm512_castps512_ps256((__m512)v);
}

INLINE half_vec load_half(const real *p, size_t count)
{
    return (half_vec)_mm256_maskz_loadu_ps((__mmask8)((1u << count) - 1), p);
}

INLINE void store_half(real *p, half_vec v, size_t count)
{
    _mm256_mask_storeu_ps(p, (__mmask8)((1u << count) - 1), (__m256)v);
}
#else
enum { HALF_LANES = 0 };
typedef vec half_vec;

INLINE half_vec lower_half(vec v)
{
    return v;
}

INLINE half_vec load_half(const real *p, size_t count)
{
    return load_part(p, count);
}

INLINE void store_half(real *p, half_vec v, size_t count)
{
    store_part(p, v, count);
}
#endif

INLINE size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

INLINE size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* n, or the next number that fills whole vectors */
INLINE size_t padded(size_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* The sum of the lanes: halves are added, then quarters, and so on. */
INLINE real sum_lanes(vec v)
{
    real lane[LANES];
    store(lane, v);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

/* A vector, or the `count` numbers that are left of one */
INLINE vec get(const real *p, size_t count)
{
    return count < LANES ? load_part(p, count) : load(p);
}

INLINE void put(real *p, vec v, size_t count)
{
    if (count < LANES)
        store_part(p, v, count);
    else
        store(p, v);
}

/* y = x, for short rows, where a call of memcpy would show */
INLINE void copy_reals(size_t n, const real *x, real *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store(y + i, load(x + i));
    if (i < n)
        store_part(y + i, load_part(x + i, n - i), n - i);
}

/* y += x */
INLINE void add_reals(size_t n, const real *x, real *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store(y + i, load(y + i) + load(x + i));
    if (i < n)
        store_part(y + i, load_part(y + i, n - i) + load_part(x + i, n - i), n - i);
}

/* ---- the functions of each file, for the table ---- */

#define MATMUL_WORK KERNEL(matmul_work)
#define MATMUL KERNEL(matmul)
#define CONV_WORK KERNEL(conv_work)
#define CONV_UNITS KERNEL(conv_units)
#define CONV_FORWARD KERNEL(conv_forward)
#define CONV_INPUT KERNEL(conv_input)
#define CONV_FILTER KERNEL(conv_filter)
#define PRODUCT_RUN KERNEL(product_run)
#define TRANSPOSE KERNEL(transpose)

size_t MATMUL_WORK(const struct matmul_shape *s);
void MATMUL(const struct matmul_shape *s, const void *a, const void *b, void *c, void *work);
size_t CONV_WORK(const struct conv_shape *s);
size_t CONV_UNITS(const struct conv_shape *s, bool filter);
void CONV_FORWARD(const struct conv_shape *s, const void *x, const void *f, void *y, void *work);
void CONV_INPUT(const struct conv_shape *s, const void *gy, const void *f, void *gx, void *work);
void CONV_FILTER(const struct conv_shape *s, const void *x, const void *gy, void *gf, void *work);

#define REDUCE_SUM KERNEL(reduce_sum)
#define REDUCE_ADD KERNEL(reduce_add)
#define REDUCE_MAX KERNEL(reduce_max)
void REDUCE_SUM(const struct reduce_shape *s, const void *x, void *y);
void REDUCE_ADD(const struct reduce_shape *s, const void *x, void *y);
void REDUCE_MAX(const struct reduce_shape *s, const void *x, void *y);

#define FILL KERNEL(fill)
#define IOTA KERNEL(iota)
#define COPY KERNEL(copy)
#define WINDOW_ARGMAX KERNEL(window_argmax)
#define WINDOW_GATHER KERNEL(window_gather)
#define WINDOW_SCATTER KERNEL(window_scatter)
#define GATHER KERNEL(gather)
#define SCATTER_ADD KERNEL(scatter_add)
void FILL(size_t n, double value, void *y);
void IOTA(size_t n, void *y);
void COPY(const struct copy_shape *s, const void *x, void *y);
void WINDOW_ARGMAX(const struct window_shape *s, const void *x, const void *sign, void *index);
void WINDOW_GATHER(const struct window_shape *s, const void *x, const void *index, void *y);
void WINDOW_SCATTER(const struct window_shape *s, const void *gy, const void *index, void *gx);
void GATHER(const struct gather_shape *s, const void *table, const void *index, void *values);
void SCATTER_ADD(const struct gather_shape *s, const void *values, const void *index, void *table);

#define SOLVE_SPD_WORK KERNEL(solve_spd_work)
#define SOLVE_SPD KERNEL(solve_spd)
size_t SOLVE_SPD_WORK(const struct solve_shape *s);
void SOLVE_SPD(const struct solve_shape *s, const void *a, const void *b, void *x, void *work);

#define INVERSE_SPD_WORK KERNEL(inverse_spd_work)
#define INVERSE_SPD KERNEL(inverse_spd)
size_t INVERSE_SPD_WORK(const struct solve_shape *s);
void INVERSE_SPD(const struct solve_shape *s, const void *a, void *y, void *work);

#define DISTANCE_WORK KERNEL(distance_work)
#define DISTANCE KERNEL(distance)
#define DISTANCE_INPUT KERNEL(distance_input)
#define DISTANCE_PUSH KERNEL(distance_push)
size_t DISTANCE_WORK(const struct distance_shape *s);
void DISTANCE(const struct distance_shape *s, const void *a, const void *b, void *y, void *work);
void DISTANCE_INPUT(const struct distance_shape *s, const void *a, const void *b, const void *gy,
                    void *y, void *work);
void DISTANCE_PUSH(const struct distance_shape *s, const void *a, const void *b, const void *u,
                   void *y, void *work);

#define UNARY(name, ...) pointwise_fn KERNEL(pointwise_##name);
#define BINARY UNARY
#define TERNARY UNARY
#include "engine/compute/pointwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY

/* ---- the product behind matmul and convolution (kernels_product.c) ---- */

/* c[i, j] (+)= sum over o, s, p of a(i)[o a_outer + s a_step + p a_stride] b[(o, s, p), j], where
 * a(i) walks over rows: i counts x in 0 .. row_x-1, then y in 0 .. row_y-1, then z, with these
 * distances. A matrix has row_x rows; a padded image gives its patches in this form. */
struct product {
    const real *a;
    size_t rows, row_x, row_y;
    ptrdiff_t x_step, y_step, z_step;
    size_t outer, steps, inner;
    ptrdiff_t a_outer, a_step, a_stride;
    const real *b;
    bool b_transposed; /* b[q, j] is at b + j b_stride + q, not at b + q b_stride + j */
    real *c;
    size_t columns, b_stride, c_stride;
    bool accumulate;
    real *panel; /* PRODUCT_PANEL reals, for packed columns of b */
};
#define PRODUCT_PANEL(depth) ((depth)*TILE_VECTORS * LANES)
void PRODUCT_RUN(const struct product *g);

/* Terms of a sum taken at a time where it is one run (outer = 1); deeper panels are never packed.
 * 640 reals by 64 columns are 160 KiB, a part of L2, and a 3 x 3 filter of 64 channels stays whole.
 */
enum { PRODUCT_DEPTH = 640 };

struct matrix {
    size_t rows, columns, stride; /* of rows, in reals */
};
/* y [columns, rows], its rows y_stride apart = x transposed */
void TRANSPOSE(const struct matrix *m, const real *x, real *y, size_t y_stride);
