/* kernels_pointwise.c: the pointwise ops over arrays. Loops of fixed length over scalar code
 * without branches, which the compiler turns into vectors; what is left over goes through the same
 * loop by way of a padded copy, so a number's bits do not depend on its place. float functions:
 * polynomials of our own, a few units in the last place; double: the C library. */
#include "engine/compute/simd.h"

#include <math.h>

#if KERNELS_REAL == 32

INLINE uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

INLINE float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* The nearest whole number: adding 1.5 * 2^23 leaves no bits for the fraction. |x| < 2^22. */
INLINE float nearest(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

/* e^x = 2^n e^r, |r| <= ln 2 / 2, by the Taylor series to r^7; 2^n in two factors, as 2^n alone may
 * overflow or be subnormal. */
INLINE float real_exp(float x)
{
    const float low = -104.0f, high = 89.0f;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const float n = nearest(x * 1.44269504f);
    const float r = (x - n * 0.6923828125f) - n * 7.64368059945309e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const int32_t whole = (int32_t)(x == x ? n : 0), half = whole >> 1;
    const float a = from_bits((uint32_t)(half + 127) << 23),
                b = from_bits((uint32_t)(whole - half + 127) << 23);
    return p * a * b;
}

/* 2 atanh(s) = log((1 + s) / (1 - s)) for |s| <= 1/3 */
INLINE float twice_atanh(float s)
{
    const float q = s * s;
    float p = 1.0f / 15;
    p = p * q + 1.0f / 13;
    p = p * q + 1.0f / 11;
    p = p * q + 1.0f / 9;
    p = p * q + 1.0f / 7;
    p = p * q + 1.0f / 5;
    p = p * q + 1.0f / 3;
    return 2 * s + 2 * s * (q * p);
}

/* log x = n ln 2 + log m, sqrt(1/2) <= m < sqrt 2 */
INLINE float real_log(float x)
{
    const int small = x < 1.17549435e-38f;
    const float y = small ? x * 8388608.0f : x;
    const uint32_t u = bits_of(y) - 0x3F3504F3u; /* sqrt(1/2) */
    const float n = (float)((int32_t)u >> 23) - (small ? 23.0f : 0.0f);
    const float m = from_bits((u & 0x007FFFFFu) + 0x3F3504F3u);
    const float v = n * 0.6923828125f + (twice_atanh((m - 1) / (m + 1)) + n * 7.64368059945309e-4f);
    const float special = x == 0 ? -INFINITY : x > 0 ? x : NAN;
    return x > 0 && x < INFINITY ? v : special;
}

INLINE float real_sqrt(float x)
{
    return sqrtf(x);
}

/* Taylor series below 1/2, where (1 - e) / (1 + e) would cancel. */
INLINE float real_tanh(float x)
{
    const float a = x < 0 ? -x : x, q = x * x;
    const float e = real_exp(-2 * a);
    const float large = (1 - e) / (1 + e);
    float p = -929569.0f / 638512875.0f;
    p = p * q + 21844.0f / 6081075;
    p = p * q - 1382.0f / 155925;
    p = p * q + 62.0f / 2835;
    p = p * q - 17.0f / 315;
    p = p * q + 2.0f / 15;
    p = p * q - 1.0f / 3;
    const float small = x + x * (q * p);
    return a < 0.5f ? small : x < 0 ? -large : large;
}

INLINE float real_sigmoid(float x)
{
    return 1 / (1 + real_exp(-x));
}

/* max(x, 0) + log(1 + u), u = e^-|x|, as log(1 + u) = 2 atanh(u / (2 + u)) */
INLINE float real_softplus(float x)
{
    const float a = x < 0 ? -x : x, u = real_exp(-a);
    return (x < 0 ? 0 : x) + twice_atanh(u / (2 + u));
}

/* Taylor series below 1. From there 1 - e^(-x^2) q: q is e^(x^2) erfc x, a polynomial in
 * 1 / (1 + x / 2) of which the largest error of q e^(-x^2) on 1 .. 4.3 is least, 4e-11; beyond 4
 * the result is 1. */
INLINE float real_erf(float x)
{
    const float a = x < 0 ? -x : x, q = x * x, t = 1 / (1 + 0.5f * a);
    float p = 1.0f / 76204800; /* (-1)^n / (n! (2 n + 1)), n = 10 */
    p = p * q - 1.0f / 6894720;
    p = p * q + 1.0f / 685440;
    p = p * q - 1.0f / 75600;
    p = p * q + 1.0f / 9360;
    p = p * q - 1.0f / 1320;
    p = p * q + 1.0f / 216;
    p = p * q - 1.0f / 42;
    p = p * q + 1.0f / 10;
    p = p * q - 1.0f / 3;
    const float small = 1.12837917f * (x + x * (q * p));
    float r = -0.23080159f;
    r = r * t + 0.63667979f;
    r = r * t - 0.06446035f;
    r = r * t + 0.39680191f;
    r = r * t + 0.25970066f;
    r = r * t + 0.00182248f;
    const float large = 1 - real_exp(-q) * r;
    return a < 1 ? small : x < 0 ? -large : large;
}

/* sin(x + turns pi/2): pi/2 in three parts whose products with n < 2^13 are exact. */
INLINE float sine(float x, int32_t turns)
{
    const float n = nearest(x * 0.636619772f);
    const float r = ((x - n * 1.5703125f) - n * 4.837512969970703e-4f) - n * 7.549789954891882e-8f;
    const float q = r * r;
    float s = 1.0f / 362880, c = 1.0f / 40320;
    s = s * q - 1.0f / 5040;
    s = s * q + 1.0f / 120;
    s = s * q - 1.0f / 6;
    s = r + r * (q * s);
    c = c * q - 1.0f / 720;
    c = c * q + 1.0f / 24;
    c = c * q - 0.5f;
    c = 1 + q * c;
    const int32_t quarter = (int32_t)(n > -1e6f && n < 1e6f ? n : 0) + turns;
    const float v = quarter & 1 ? c : s;
    return quarter & 2 ? -v : v;
}

INLINE float real_sin(float x)
{
    return sine(x, 0);
}

INLINE float real_cos(float x)
{
    return sine(x, 1);
}

#else

#define real_exp exp
#define real_log log
#define real_sqrt sqrt
#define real_tanh tanh
#define real_erf erf
#define real_sin sin
#define real_cos cos

INLINE double real_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

INLINE double real_softplus(double x)
{
    return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
}

#endif

enum { BLOCK = 16 }; /* reals: one to four vectors */

/* y is no input, or just one of them: no number waits for another. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

#define LOOP(nm, count, ...)                                                                       \
    INLINE void nm##_##count(real *y, const real *p, const real *q, const real *r)                 \
    {                                                                                              \
        INDEPENDENT for (size_t i = 0; i < count; i++)                                             \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

#define ARRAYS(nm, inputs, ...)                                                                    \
    LOOP(nm, BLOCK, (void)q; (void)r; __VA_ARGS__)                                                 \
    void KERNEL(pointwise_##nm)(size_t n, void *vy, const void *vp, const void *vq,                \
                                const void *vr)                                                    \
    {                                                                                              \
        real *y = vy;                                                                              \
        const real *p = vp, *q = vq, *r = vr;                                                      \
        size_t i = 0;                                                                              \
        for (; i + BLOCK <= n; i += BLOCK)                                                         \
            nm##_BLOCK(y + i, p + i, inputs > 1 ? q + i : p + i, inputs > 2 ? r + i : p + i);      \
        if (i < n) {                                                                               \
            real part[4][BLOCK] = {{0}};                                                           \
            const size_t bytes = (n - i) * sizeof(real);                                           \
            memcpy(part[1], p + i, bytes);                                                         \
            if (inputs > 1)                                                                        \
                memcpy(part[2], q + i, bytes);                                                     \
            if (inputs > 2)                                                                        \
                memcpy(part[3], r + i, bytes);                                                     \
            nm##_BLOCK(part[0], part[1], part[2], part[3]);                                        \
            memcpy(y + i, part[0], bytes);                                                         \
        }                                                                                          \
    }

#define UNARY(nm, value, ...) ARRAYS(nm, 1, const real x = p[i]; y[i] = (value);)
#define BINARY(nm, value, ...) ARRAYS(nm, 2, const real a = p[i], b = q[i]; y[i] = (value);)
#define TERNARY(nm, value, ...)                                                                    \
    ARRAYS(nm, 3, const real c = p[i], a = q[i], b = r[i]; y[i] = (value);)
#include "engine/compute/pointwise.def"
