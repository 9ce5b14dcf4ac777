/* kernels_window.c: windows of pooling, a vector of channels at a time. Every place of a window is
 * looked at, and only that of the index counts: so vectors need no table, and an index that is no
 * place reads 0 and adds nothing. */
#include "engine/compute/simd.h"

typedef __typeof__((vec){0} > (vec){0}) choice; /* all bits or none, in each lane */

INLINE vec choose(choice wins, vec a, vec b)
{
    return (vec)((wins & (choice)a) | (~wins & (choice)b));
}

struct window { /* reals from line to line and from pixel to pixel */
    size_t size, line, pixel;
};

static struct window window_of(const struct window_shape *s)
{
    return (struct window){s->size, s->w * s->c, s->c};
}

/* Place of window i = (n, oy, ox) in x. */
static size_t window_start(const struct window_shape *s, size_t i)
{
    const size_t ox = i % s->ow, oy = i / s->ow % s->oh, n = i / s->ow / s->oh;
    return ((n * s->h + oy * s->stride) * s->w + ox * s->stride) * s->c;
}

/* ---- the place of the largest ---- */

/* The first largest, or the first NaN, so that NaN does not vanish; the smallest where sign < 0. */
INLINE void argmax_vector(const struct window *w, const real *x, const real *sign, real *index,
                          size_t count)
{
    const choice flip = (get(sign, count) < 0) & (choice)(-(vec){0}); /* the sign bit */
    vec best = (vec)((choice)get(x, count) ^ flip), place = {0}, at = {0};
    for (size_t y = 0; y < w->size; y++)
        for (size_t i = 0; i < w->size; i++, at += 1) {
            const real *from = x + y * w->line + i * w->pixel;
            const vec value = (vec)((choice)get(from, count) ^ flip);
            const choice wins = ~(value <= best) & (best == best);
            best = choose(wins, value, best);
            place = choose(wins, at, place);
        }
    put(index, place, count);
}

void WINDOW_ARGMAX(const struct window_shape *s, const void *vx, const void *vsign, void *vindex)
{
    const struct window w = window_of(s);
    const size_t windows = s->n * s->oh * s->ow, group = windows / max_size(1, s->groups);
    real *index = vindex;
    for (size_t i = 0; i < windows; i++, index += s->c) {
        const real *x = (const real *)vx + window_start(s, i),
                   *sign = (const real *)vsign + i / group * s->c;
        size_t c = 0;
        for (; c + LANES <= s->c; c += LANES)
            argmax_vector(&w, x + c, sign + c, index + c, LANES);
        if (c < s->c)
            argmax_vector(&w, x + c, sign + c, index + c, s->c - c);
    }
}

/* ---- the numbers there ---- */

INLINE void gather_vector(const struct window *w, const real *x, const real *index, real *y,
                          size_t count)
{
    const vec place = get(index, count);
    vec value = {0}, at = {0};
    for (size_t l = 0; l < w->size; l++)
        for (size_t i = 0; i < w->size; i++, at += 1)
            value = choose(place == at, get(x + l * w->line + i * w->pixel, count), value);
    put(y, value, count);
}

void WINDOW_GATHER(const struct window_shape *s, const void *vx, const void *vindex, void *vy)
{
    const struct window w = window_of(s);
    const real *index = vindex;
    real *y = vy;
    for (size_t i = 0; i < s->n * s->oh * s->ow; i++, index += s->c, y += s->c) {
        const real *x = (const real *)vx + window_start(s, i);
        size_t c = 0;
        for (; c + LANES <= s->c; c += LANES)
            gather_vector(&w, x + c, index + c, y + c, LANES);
        if (c < s->c)
            gather_vector(&w, x + c, index + c, y + c, s->c - c);
    }
}

/* ---- the way back ---- */

/* Windows that meet write each number once; those that overlap add to what is there. */
INLINE void scatter_vector(const struct window *w, const real *gy, const real *index, real *gx,
                           bool add, size_t count)
{
    const vec place = get(index, count), value = get(gy, count);
    vec at = {0};
    for (size_t l = 0; l < w->size; l++)
        for (size_t i = 0; i < w->size; i++, at += 1) {
            real *to = gx + l * w->line + i * w->pixel;
            const vec here = choose(place == at, value, (vec){0});
            put(to, add ? get(to, count) + here : here, count);
        }
}

/* Zeros for the lines and columns that no window reaches; stride = size */
static void clear_rest(const struct window_shape *s, real *gx)
{
    const size_t line = s->w * s->c, wide = s->ow * s->size * s->c, tall = s->oh * s->size;
    for (size_t i = 0; i < s->n * s->h; i++)
        if (i % s->h < tall)
            memset(gx + i * line + wide, 0, (line - wide) * sizeof(real));
        else
            memset(gx + i * line, 0, line * sizeof(real));
}

void WINDOW_SCATTER(const struct window_shape *s, const void *vgy, const void *vindex, void *vgx)
{
    const struct window w = window_of(s);
    const real *gy = vgy, *index = vindex;
    const bool add = s->stride != s->size;
    if (add)
        memset(vgx, 0, s->n * s->h * s->w * s->c * sizeof(real));
    else
        clear_rest(s, vgx);
    for (size_t i = 0; i < s->n * s->oh * s->ow; i++, index += s->c, gy += s->c) {
        real *gx = (real *)vgx + window_start(s, i);
        size_t c = 0;
        for (; c + LANES <= s->c; c += LANES)
            scatter_vector(&w, gy + c, index + c, gx + c, add, LANES);
        if (c < s->c)
            scatter_vector(&w, gy + c, index + c, gx + c, add, s->c - c);
    }
}
