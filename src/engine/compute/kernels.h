/* kernels.h: the arithmetic of every op as one table of functions per instruction set and
 * precision. Arrays are dense rows of `real` (float or double), last axis fastest, unless strides
 * are given (in reals). The same inputs give the same bits in every call: no kernel depends on
 * threads, addresses or earlier calls. `work` is the caller's memory, 64-byte aligned, of at least
 * the size that the *_work function of the same shape says. No kernel allocates. Sizes may be 0.
 * Called by the plan (engine/plan) and by the self-test. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum pointwise {
#define UNARY(name, ...) POINTWISE_##name,
#define BINARY(name, ...) POINTWISE_##name,
#define TERNARY(name, ...) POINTWISE_##name,
#include "engine/compute/pointwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
    POINTWISE_COUNT
};

/* y [n] = f(a [n], b [n], c [n]); unary uses a = x, binary a and b, ternary a = c, b = a, c = b of
 * pointwise.def (in the order of the op's inputs). y may be one of the inputs. */
typedef void pointwise_fn(size_t n, void *y, const void *a, const void *b, const void *c);

/* c [batch, m, n] = op(a) op(b); a is [m, k] or, transposed, stored [k, m]; b [k, n] or stored
 * [n, k]. a_batch, b_batch: reals from one item of the batch to the next (0: the same for all). */
struct matmul_shape {
    size_t batch, m, n, k;
    bool a_transposed, b_transposed;
    size_t a_batch, b_batch;
};

/* x [batch, n, h, w, in], filter [batch, kh, kw, in, out], y [batch, n, oh, ow, out]; zero padding
 * `pad` on all four sides; oh = (h + 2 pad - kh) / stride + 1. The *_batch strides are those of x
 * (or gx), filter (or gfilter) and y (or gy); 0 means one for all, allowed for inputs only. */
struct conv_shape {
    size_t batch, n, h, w, in, out, kh, kw, stride, pad, oh, ow;
    size_t x_batch, filter_batch, y_batch;
    size_t part, parts; /* of the result: this of so many (0: all) of its conv_units, in order */
};

struct reduce_shape { /* x [outer, reduce, inner] -> y [outer, inner] */
    size_t outer, reduce, inner;
};

struct copy_shape { /* y dense [dim[0], ..., dim[rank-1]] from x with strides, which may be 0 */
    int rank;
    size_t dim[MAX_RANK];
    ptrdiff_t stride[MAX_RANK];
};

struct window_shape { /* x [n, h, w, c] -> y [n, oh, ow, c]; square windows of `size` every `stride`
                       */
    size_t n, h, w, c, size, stride, oh, ow;
    size_t groups; /* argmax: rows of `sign`, each for as many images */
};

struct gather_shape { /* table [batch, rows, width], index [batch, count], values [batch, count,
                         width]; the *_batch strides may be 0 for inputs */
    size_t batch, rows, count, width;
    size_t table_batch, index_batch, values_batch;
};

struct solve_shape { /* a [batch, n, n], b [batch, n, m] -> x [batch, n, m] */
    size_t batch, n, m;
    size_t a_batch, b_batch;
};

struct distance_shape { /* a [batch, n, k], b [batch, m, k]; the third array is as the result of
                           distance, or as a */
    size_t batch, n, m, k;
    size_t a_batch, b_batch, c_batch;
};

struct kernels {
    const char *isa; /* "base", "avx2", "avx512", "neon" */
    size_t real_size;
    pointwise_fn *pointwise[POINTWISE_COUNT];

    size_t (*matmul_work)(const struct matmul_shape *s);
    void (*matmul)(const struct matmul_shape *s, const void *a, const void *b, void *c, void *work);

    size_t (*conv_work)(const struct conv_shape *s); /* enough for each of the three */
    /* Into how many parts conv_filter, or the two others, can be cut, if batch = 1: of the same
     * bits, whatever the number. */
    size_t (*conv_units)(const struct conv_shape *s, bool filter);
    void (*conv_forward)(const struct conv_shape *s, const void *x, const void *filter, void *y,
                         void *work);
    void (*conv_input)(const struct conv_shape *s, const void *gy, const void *filter, void *gx,
                       void *work);
    void (*conv_filter)(const struct conv_shape *s, const void *x, const void *gy, void *gfilter,
                        void *work);

    /* Sums of long rows (inner = 1) are taken in chunks of REDUCE_CHUNK, other sums row by row, so
     * that a sum fed by pieces (y += each piece, with reduce_add) has the same bits. */
    void (*reduce_sum)(const struct reduce_shape *s, const void *x, void *y);
    void (*reduce_add)(const struct reduce_shape *s, const void *x, void *y); /* y += */
    void (*reduce_max)(const struct reduce_shape *s, const void *x, void *y); /* reduce = 0: -inf */

    void (*fill)(size_t n, double value, void *y);
    void (*iota)(size_t n, void *y); /* 0, 1, 2, ... */
    void (*copy)(const struct copy_shape *s, const void *x, void *y);

    /* index: place of the largest value in its window, of the smallest where sign [groups, c] < 0
     * (first at ties), 0 .. size*size-1, as real */
    void (*window_argmax)(const struct window_shape *s, const void *x, const void *sign,
                          void *index);
    void (*window_gather)(const struct window_shape *s, const void *x, const void *index, void *y);
    /* gx [n, h, w, c] = transposed of gather: zero, then gx[place] += gy */
    void (*window_scatter)(const struct window_shape *s, const void *gy, const void *index,
                           void *gx);

    /* An index outside 0 .. rows-1 reads as zeros and adds nothing. */
    void (*gather)(const struct gather_shape *s, const void *table, const void *index,
                   void *values);
    void (*scatter_add)(const struct gather_shape *s, const void *values, const void *index,
                        void *table); /* table is zeroed first; adds in order of index */

    /* x = inverse((a + a^T) / 2) b by Cholesky; a not positive definite: x is all NaN */
    size_t (*solve_spd_work)(const struct solve_shape *s);
    void (*solve_spd)(const struct solve_shape *s, const void *a, const void *b, void *x,
                      void *work);
    /* y = inverse((a + a^T) / 2), of s n and a_batch; a not positive definite: y is all NaN */
    size_t (*inverse_spd_work)(const struct solve_shape *s);
    void (*inverse_spd)(const struct solve_shape *s, const void *a, void *y, void *work);

    /* y [n, m] = sum over k of |a - b|; gradient gy [n, m] -> y [n, k], with respect to a; change u
     * [n, k] of a -> y [n, m], of the distances */
    size_t (*distance_work)(const struct distance_shape *s); /* enough for each of the three */
    void (*distance)(const struct distance_shape *s, const void *a, const void *b, void *y,
                     void *work);
    void (*distance_input)(const struct distance_shape *s, const void *a, const void *b,
                           const void *gy, void *y, void *work);
    void (*distance_push)(const struct distance_shape *s, const void *a, const void *b,
                          const void *u, void *y, void *work);
};

enum { REDUCE_CHUNK = 512 }; /* reals: 2 KiB, a few of them fit in L1 */

/* All float32 tables that this processor can run, slowest ("base") first. */
size_t kernels_available(const struct kernels *const **list);
/* The table named (a name of kernels_available), or the fastest when name is NULL; NULL: no such.
 */
const struct kernels *kernels_choose(const char *name);
extern const struct kernels kernels_f64; /* plain C, double */
/* Compares every function of k with plain loops on small shapes; NULL if all agree to 1e-5, else
 * the name of the first that does not. Takes under 2 ms. Needs no heap. */
const char *kernels_self_test(const struct kernels *k);
