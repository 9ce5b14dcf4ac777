/* kernels_conv.c: convolution and its two transposes as products over a canvas: a zero-padded copy
 * of a group of images that stays in cache and makes every patch a regular walk, so there are no
 * border cases. Forward: rows = pixels, sum over taps. Filter gradient: rows = taps, sum over
 * pixels. Input gradient: the forward pass over the gradient with the filter turned round and its
 * channels exchanged; or, where strides would spread it over zeros and where images have too few
 * channels for vectors, one product with all taps at once whose parts are then added up. */
#include "engine/compute/canvas.h"

enum {
    GROUP = 64 * 1024, /* reals of canvas at a time: 256 KiB, a part of L2 */
    REDUCE = 8 * 1024, /* reals of canvas and gradient between two updates of the filter gradient */
    PIXELS = 96        /* of the gradient at a time, where its parts are added up */
};

static struct canvas canvas_forward(const struct conv_shape *s)
{
    return (struct canvas){s->h + 2 * s->pad, s->w + 2 * s->pad, s->in,
                           (ptrdiff_t)s->pad, (ptrdiff_t)s->pad, 1};
}

static struct canvas canvas_input(const struct conv_shape *s)
{
    return (struct canvas){s->h + s->kh - 1,
                           s->w + s->kw - 1,
                           s->out,
                           (ptrdiff_t)s->kh - 1 - (ptrdiff_t)s->pad,
                           (ptrdiff_t)s->kw - 1 - (ptrdiff_t)s->pad,
                           s->stride};
}

static size_t group_of(const struct canvas *c, size_t n)
{
    return min_size(n, max_size(1, GROUP / max_size(1, canvas_reals(c))));
}

/* A side of a canvas with room for whole tiles for so many pixels of the result */
static size_t whole_tiles(size_t pixels)
{
    return (pixels + WINOGRAD_PIXELS - 1) / WINOGRAD_PIXELS * WINOGRAD_PIXELS + 2;
}

static struct winograd winograd_forward(const struct conv_shape *s, real *work)
{
    struct winograd q = {canvas_forward(s), {s->h, s->w}, {s->oh, s->ow}, s->n, s->out, {0}, work};
    q.canvas.h = whole_tiles(s->oh);
    q.canvas.w = whole_tiles(s->ow);
    return q;
}

static struct winograd winograd_input(const struct conv_shape *s, real *work)
{
    struct winograd q = {canvas_input(s), {s->oh, s->ow}, {s->h, s->w}, s->n, s->in, {0}, work};
    q.canvas.h = whole_tiles(s->h);
    q.canvas.w = whole_tiles(s->w);
    return q;
}

/* ---- memory ---- */

struct parts {
    real *canvas, *filter, *panel, *taps;
    size_t bytes;
};

static bool adds_parts(const struct conv_shape *s)
{
    return s->stride > 1 || s->in < LANES / 2;
}

static struct parts divide(const struct conv_shape *s, void *work)
{
    const struct canvas a = canvas_forward(s), b = canvas_input(s);
    const size_t canvas = max_size(group_of(&a, s->n) * canvas_reals(&a),
                                   group_of(&b, s->n) * canvas_reals(&b)),
                 filter = s->kh * s->kw * s->in * s->out,
                 taps = s->kh * s->kw * max_size(s->in, s->out),
                 pixels = REDUCE / max_size(1, s->in + s->out) + s->oh * s->ow;
    struct parts p = {.canvas = work};
    if (work) { /* else only the size is wanted */
        p.filter = p.canvas + canvas;
        p.panel = p.filter + filter;
        p.taps = p.panel + PRODUCT_PANEL(max_size(taps, pixels));
    }
    p.bytes = sizeof(real) * (canvas + filter + PRODUCT_PANEL(max_size(taps, pixels)) +
                              (adds_parts(s) ? PIXELS * s->kh * s->kw * s->in : 0));
    return p;
}

/* The turned filter, then what the products take. */
static size_t winograd_filter_reals(const struct conv_shape *s)
{
    return (9 * s->in * s->out + 15) / 16 * 16;
}

size_t CONV_WORK(const struct conv_shape *s)
{
    const size_t plain = WINOGRAD_FITS(s, false) ? 0 : divide(s, NULL).bytes;
    if (!WINOGRAD_FITS(s, true))
        return plain;
    const struct winograd forward = winograd_forward(s, NULL), input = winograd_input(s, NULL);
    return max_size(plain,
                    sizeof(real) * (winograd_filter_reals(s) +
                                    max_size(WINOGRAD_REALS(&forward), WINOGRAD_REALS(&input))));
}

/* A part has some rows of tiles, or some images, of what conv_forward and conv_input give: enough
 * of them for the work on the filter, which every part does, to be little beside the rest. Of the
 * gradient of the filter it has some columns. */
size_t CONV_UNITS(const struct conv_shape *s, bool filter)
{
    enum { TILES = 12 };
    const size_t pixels = WINOGRAD_PIXELS * WINOGRAD_PIXELS;
    if (filter)
        return (s->out + LANES - 1) / LANES;
    if (!WINOGRAD_FITS(s, false))
        return s->n;
    return max_size(1, s->n * s->oh * s->ow / (TILES * pixels));
}

static struct share columns_of(const struct conv_shape *s)
{
    return share_of(s, CONV_UNITS(s, true));
}

/* The images of a part */
struct images {
    struct conv_shape s;
    size_t x, y; /* where they begin */
};

static struct images images_of(const struct conv_shape *s)
{
    const struct share share = share_of(s, s->n);
    struct images i = {*s, share.first * s->h * s->w * s->in, share.first * s->oh * s->ow * s->out};
    i.s.n = share.end - share.first;
    return i;
}

/* ---- forward ---- */

/* y [n, oh, ow, columns] = patches of the canvas, `stride` apart, times filter [taps, columns] */
struct patches {
    struct canvas canvas;
    struct picture from, to;
    size_t kh, kw, stride, columns;
    bool drawn; /* the picture itself serves as canvas */
};

/* The taps of pixel `at` that lie in a picture of `size`, `before` of padding before it */
struct span {
    size_t first, count;
};

static struct span span_of(ptrdiff_t at, ptrdiff_t before, size_t size, size_t taps)
{
    const ptrdiff_t start = at - before, first = start < 0 ? -start : 0,
                    end = (ptrdiff_t)size - start < (ptrdiff_t)taps ? (ptrdiff_t)size - start
                                                                    : (ptrdiff_t)taps;
    return (struct span){(size_t)first, end > first ? (size_t)(end - first) : 0};
}

/* Whether a quarter or more of the taps lies in the padding, in pictures that come in numbers. */
static bool is_sparse(const struct patches *q, size_t n)
{
    enum { IMAGES = 4 };
    size_t wide = 0, tall = 0;
    if (q->stride != 1 || q->canvas.spread != 1 || n < IMAGES)
        return false;
    for (size_t i = 0; i < q->to.h; i++)
        tall += span_of((ptrdiff_t)i, q->canvas.top, q->from.h, q->kh).count;
    for (size_t i = 0; i < q->to.w; i++)
        wide += span_of((ptrdiff_t)i, q->canvas.left, q->from.w, q->kw).count;
    return 4 * tall * wide <= 3 * q->to.h * q->kh * q->to.w * q->kw;
}

/* Pixel (y, x) of all results: only taps that lie in the pictures, which so need no canvas. */
static void pixel_run(const struct patches *q, size_t n, size_t y, size_t x, struct product g,
                      const real *filter)
{
    const size_t channels = q->canvas.channels;
    const struct span tall = span_of((ptrdiff_t)y, q->canvas.top, q->from.h, q->kh),
                      wide = span_of((ptrdiff_t)x, q->canvas.left, q->from.w, q->kw);
    const real *from = g.a;
    g.c += (y * q->to.w + x) * q->columns;
    g.inner = wide.count * channels;
    if (tall.count * wide.count == 0)
        for (size_t i = 0; i < n; i++)
            memset(g.c + i * g.c_stride, 0, sizeof(real) * q->columns);
    for (size_t k = tall.first; k < tall.first + tall.count && wide.count > 0; k++) {
        const size_t line = (size_t)((ptrdiff_t)(y + k) - q->canvas.top),
                     pixel = (size_t)((ptrdiff_t)(x + wide.first) - q->canvas.left);
        g.a = from + (line * q->from.w + pixel) * channels;
        g.b = filter + (k * q->kw + wide.first) * channels * q->columns;
        g.accumulate = k > tall.first;
        PRODUCT_RUN(&g);
    }
}

static void pixels_run(const struct patches *q, size_t n, const real *x, const real *filter,
                       real *y, const struct parts *p)
{
    const struct product g = {.a = x,
                              .rows = n,
                              .row_x = n,
                              .row_y = 1,
                              .x_step = (ptrdiff_t)(q->from.h * q->from.w * q->canvas.channels),
                              .outer = 1,
                              .steps = 1,
                              .a_stride = 1,
                              .columns = q->columns,
                              .b_stride = q->columns,
                              .c = y,
                              .c_stride = q->to.h * q->to.w * q->columns,
                              .panel = p->panel};
    for (size_t i = 0; i < q->to.h * q->to.w; i++)
        pixel_run(q, n, i / q->to.w, i % q->to.w, g, filter);
}

static void patches_run(const struct patches *q, size_t n, const real *x, const real *filter,
                        real *y, const struct parts *p)
{
    const struct canvas *c = &q->canvas;
    const size_t group = group_of(c, n), line = c->w * c->channels;
    struct product g = {.a = p->canvas,
                        .row_x = q->to.w,
                        .row_y = q->to.h,
                        .x_step = (ptrdiff_t)(q->stride * c->channels),
                        .y_step = (ptrdiff_t)(q->stride * line),
                        .z_step = (ptrdiff_t)canvas_reals(c),
                        .outer = 1,
                        .steps = q->kh,
                        .inner = q->kw * c->channels,
                        .a_step = (ptrdiff_t)line,
                        .a_stride = 1,
                        .b = filter,
                        .columns = q->columns,
                        .b_stride = q->columns,
                        .c_stride = q->columns,
                        .panel = p->panel};
    if (is_sparse(q, n)) {
        pixels_run(q, n, x, filter, y, p);
        return;
    }
    if (!q->drawn)
        clear(c, p->canvas, group);
    for (size_t i = 0; i < n; i += group) {
        const size_t count = min_size(group, n - i);
        const real *from = x + i * q->from.h * q->from.w * c->channels;
        if (q->drawn)
            g.a = from;
        else
            draw(c, from, q->from, p->canvas, count);
        g.rows = count * q->to.h * q->to.w;
        g.c = y + i * q->to.h * q->to.w * q->columns;
        PRODUCT_RUN(&g);
    }
}

static void forward_plain(const struct conv_shape *s, const real *x, const real *f, real *y,
                          void *work)
{
    const struct parts p = divide(s, work);
    const struct patches q = {canvas_forward(s), {s->h, s->w}, {s->oh, s->ow}, s->kh, s->kw,
                              s->stride,         s->out,       s->pad == 0};
    if (s->in == 0)
        memset(y, 0, sizeof(real) * s->batch * s->n * s->oh * s->ow * s->out);
    for (size_t i = 0; i < s->batch && s->in > 0; i++)
        patches_run(&q, s->n, x + i * s->x_batch, f + i * s->filter_batch, y + i * s->y_batch, &p);
}

void CONV_FORWARD(const struct conv_shape *s, const void *vx, const void *vf, void *vy, void *work)
{
    const real *x = vx, *f = vf;
    real *y = vy;
    if (!WINOGRAD_FITS(s, false)) {
        const struct images m = images_of(s);
        forward_plain(&m.s, x + m.x, f, y + m.y, work);
        return;
    }
    struct winograd w = winograd_forward(s, work);
    w.share = share_of(s, WINOGRAD_ROWS(&w));
    for (size_t i = 0; i < s->batch; i++)
        WINOGRAD_PRODUCT(&w, x + i * s->x_batch, f + i * s->filter_batch, y + i * s->y_batch);
}

/* ---- input gradient ---- */

/* to [kh, kw, out, in]: taps in reverse order, channels exchanged */
static void turn_filter(const struct conv_shape *s, const real *f, real *to)
{
    const size_t taps = s->kh * s->kw, size = s->in * s->out;
    for (size_t t = 0; t < taps; t++) {
        real *turned = to + (taps - 1 - t) * size;
        TRANSPOSE(&(struct matrix){s->in, s->out, s->out}, f + t * size, turned, s->in);
    }
}

static void input_turned(const struct conv_shape *s, const real *gy, const real *filter, real *gx,
                         const struct parts *p)
{
    const struct patches q = {canvas_input(s), {s->oh, s->ow}, {s->h, s->w}, s->kh, s->kw, 1,
                              s->in,           false};
    patches_run(&q, s->n, gy, filter, gx, p);
}

/* Adds the parts [count, kh, kw, in] of the pixels from `first` on to their places. */
static void add_parts(const struct conv_shape *s, const real *part, size_t first, size_t count,
                      real *canvas)
{
    const size_t run = s->kw * s->in, line = (s->w + 2 * s->pad) * s->in;
    for (size_t i = first; i < first + count; i++) {
        real *to = canvas + i / s->ow * s->stride * line + i % s->ow * s->stride * s->in;
        for (size_t y = 0; y < s->kh; y++, part += run, to += line)
            add_reals(run, part, to);
    }
}

/* One image; filter [out, kh kw in] */
static void input_image(const struct conv_shape *s, const real *gy, const real *filter, real *gx,
                        const struct parts *p)
{
    const struct canvas c = canvas_forward(s);
    real *canvas = s->pad > 0 ? p->canvas : gx;
    const size_t taps = s->kh * s->kw * s->in, pixels = s->oh * s->ow, line = s->w * s->in;
    struct product g = {.row_x = pixels,
                        .row_y = 1,
                        .x_step = (ptrdiff_t)s->out,
                        .outer = 1,
                        .steps = 1,
                        .inner = s->out,
                        .a_stride = 1,
                        .b = filter,
                        .columns = taps,
                        .b_stride = taps,
                        .c = p->taps,
                        .c_stride = taps,
                        .panel = p->panel};
    memset(canvas, 0, sizeof(real) * canvas_reals(&c));
    for (size_t i = 0; i < pixels; i += PIXELS) {
        g.rows = min_size(PIXELS, pixels - i);
        g.a = gy + i * s->out;
        PRODUCT_RUN(&g);
        add_parts(s, p->taps, i, g.rows, canvas);
    }
    for (size_t y = 0; y < s->h && s->pad > 0; y++)
        memcpy(gx + y * line, canvas + ((y + s->pad) * c.w + s->pad) * s->in, sizeof(real) * line);
}

static void input_parts(const struct conv_shape *s, const real *gy, const real *filter, real *gx,
                        const struct parts *p)
{
    for (size_t n = 0; n < s->n; n++)
        input_image(s, gy + n * s->oh * s->ow * s->out, filter, gx + n * s->h * s->w * s->in, p);
}

static void input_plain(const struct conv_shape *s, const real *gy, const real *f, real *gx,
                        void *work)
{
    const struct parts p = divide(s, work);
    const struct matrix filter = {s->kh * s->kw * s->in, s->out, s->out};
    if (s->out == 0)
        memset(gx, 0, sizeof(real) * s->batch * s->n * s->h * s->w * s->in);
    for (size_t i = 0; i < s->batch && s->out > 0; i++) {
        const real *gyi = gy + i * s->y_batch, *fi = f + i * s->filter_batch;
        const bool new = i == 0 || s->filter_batch != 0;
        if (adds_parts(s)) {
            if (new)
                TRANSPOSE(&filter, fi, p.filter, filter.rows);
            input_parts(s, gyi, p.filter, gx + i * s->x_batch, &p);
        } else {
            if (new)
                turn_filter(s, fi, p.filter);
            input_turned(s, gyi, p.filter, gx + i * s->x_batch, &p);
        }
    }
}

void CONV_INPUT(const struct conv_shape *s, const void *vgy, const void *vf, void *vgx, void *work)
{
    const real *gy = vgy, *f = vf;
    real *gx = vgx, *turned = work;
    if (!WINOGRAD_FITS(s, false)) {
        const struct images m = images_of(s);
        input_plain(&m.s, gy + m.y, f, gx + m.x, work);
        return;
    }
    struct winograd w = winograd_input(s, turned + winograd_filter_reals(s));
    w.share = share_of(s, WINOGRAD_ROWS(&w));
    for (size_t i = 0; i < s->batch; i++) {
        turn_filter(s, f + i * s->filter_batch, turned);
        WINOGRAD_PRODUCT(&w, gy + i * s->y_batch, turned, gx + i * s->x_batch);
    }
}

/* ---- filter gradient ---- */

/* Adds the part of one group of images, `a` its canvas, to gf; in blocks of lines (or of whole
 * small images) that stay in L1. */
static void filter_group(const struct conv_shape *s, struct product g, const real *a,
                         const real *gy, size_t count)
{
    const size_t per_line = max_size(1, s->ow * (s->in + s->out)),
                 lines = max_size(1, REDUCE / per_line), images = lines / s->oh;
    const struct canvas c = canvas_forward(s);
    const size_t line = s->stride * c.w * c.channels;
    for (size_t i = 0; i < count; i += max_size(1, images))
        for (size_t y = 0; y < s->oh; y += images ? s->oh : lines) {
            g.a = a + i * canvas_reals(&c) + y * line;
            g.outer = images ? min_size(images, count - i) : 1;
            g.a_outer = (ptrdiff_t)canvas_reals(&c);
            g.steps = images ? s->oh : min_size(lines, s->oh - y);
            g.a_step = (ptrdiff_t)line;
            g.b = gy + (i * s->oh + y) * s->ow * s->out;
            PRODUCT_RUN(&g);
        }
}

static void filter_one(const struct conv_shape *s, const real *x, const real *gy, real *gf,
                       const struct parts *p)
{
    const struct canvas c = canvas_forward(s);
    const struct share columns = columns_of(s);
    const size_t group = group_of(&c, s->n), first = columns.first * LANES,
                 end = min_size(columns.end * LANES, s->out);
    const struct product g = {.rows = s->kh * s->kw * s->in,
                              .row_x = s->kw * s->in,
                              .row_y = s->kh,
                              .x_step = 1,
                              .y_step = (ptrdiff_t)(c.w * c.channels),
                              .inner = s->ow,
                              .a_stride = (ptrdiff_t)(s->stride * s->in),
                              .c = gf + first,
                              .columns = end - first,
                              .b_stride = s->out,
                              .c_stride = s->out,
                              .accumulate = true,
                              .panel = p->panel};
    for (size_t i = 0; i < g.rows; i++)
        memset(g.c + i * s->out, 0, sizeof(real) * g.columns);
    if (s->pad > 0)
        clear(&c, p->canvas, group);
    for (size_t i = 0; i < s->n && g.rows > 0; i += group) {
        const size_t count = min_size(group, s->n - i);
        const real *from = x + i * s->h * s->w * s->in;
        if (s->pad > 0)
            draw(&c, from, (struct picture){s->h, s->w}, p->canvas, count);
        filter_group(s, g, s->pad > 0 ? p->canvas : from, gy + i * s->oh * s->ow * s->out + first,
                     count);
    }
}

void CONV_FILTER(const struct conv_shape *s, const void *vx, const void *vgy, void *vgf, void *work)
{
    const real *x = vx, *gy = vgy;
    real *gf = vgf;
    if (WINOGRAD_FITS(s, true)) {
        struct winograd w = winograd_forward(s, work);
        w.share = columns_of(s);
        for (size_t i = 0; i < s->batch; i++)
            WINOGRAD_FILTER(&w, x + i * s->x_batch, gy + i * s->y_batch, gf + i * s->filter_batch);
        return;
    }
    const struct parts p = divide(s, work);
    for (size_t i = 0; i < s->batch; i++)
        filter_one(s, x + i * s->x_batch, gy + i * s->y_batch, gf + i * s->filter_batch, &p);
}
