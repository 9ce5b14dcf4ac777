/* dense.c: structures that answer for each pixel: `unet:WIDTH,...`, one width for each scale, and
 * the light `fcn:WIDTH,...`. Norms are over groups of channels of one picture, so a picture's
 * answer does not depend on its neighbours and there are no statistics to keep. */
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>

enum { GROUP = 8 /* channels that share a norm (Wu and He 2018, section 4.1), if they divide */ };

struct taking { /* tensors of m by name */
    t2m_graph *g;
    struct layout layout;
    t2m_value m;
};

static t2m_value take(const struct taking *t, const char *place, int level, const char *part)
{
    char name[48];
    snprintf(name, sizeof name, "%s%d.%s", place, level + 1, part);
    return layout_take(t->g, &t->layout, t->m, name);
}

/* Numbers for each pixel by the layers: twice the first width. */
static int64_t learned(const struct structure *s)
{
    return 2 * s->hidden[0];
}

/* And waves of its colour and of its place, with which a linear head can tell any of these apart
 * (Rahimi and Recht 2007, algorithm 1): all that can be known of what is like nothing in the
 * training. */
enum { COLOUR_WAVES = 32, PLACE_WAVES = 16 };

/* ---- layouts ---- */

static size_t pixels_at(const struct structure *s, int level)
{
    return (size_t)((s->height >> level) * (s->width >> level));
}

struct laying { /* a layout, and what it is of */
    const struct structure *s;
    struct layout *l;
};

static void add_convolution(const struct laying *to, const char *place, int level, int number,
                            const int64_t filter[4])
{
    struct layout *l = to->l;
    char name[48];
    const double inputs = (double)(filter[0] * filter[1] * filter[2]);
    snprintf(name, sizeof name, "%s%d.filter%d", place, level + 1, number);
    layout_add(l, name, 4, filter, sqrt(6 / inputs), 0); /* He et al. 2015, before a ReLU */
    l->parameter[l->count - 1].places = pixels_at(to->s, level);
    snprintf(name, sizeof name, "%s%d.scale%d", place, level + 1, number);
    layout_add(l, name, 1, &filter[3], 0, 1);
    snprintf(name, sizeof name, "%s%d.bias%d", place, level + 1, number);
    layout_add(l, name, 1, &filter[3], 0, 0);
}

static void add_block(const struct laying *to, const char *place, int level, int64_t in,
                      int64_t out)
{
    add_convolution(to, place, level, 1, (const int64_t[]){3, 3, in, out});
    add_convolution(to, place, level, 2, (const int64_t[]){3, 3, out, out});
}

/* A linear map of the channels of a pixel; no norm follows. */
static void add_mixing(const struct laying *to, int level, int64_t in, int64_t out)
{
    char name[48];
    struct layout *l = to->l;
    snprintf(name, sizeof name, "out%d.filter", level + 1);
    layout_add(l, name, 4, (const int64_t[]){1, 1, in, out}, sqrt(1 / (double)in), 0);
    l->parameter[l->count - 1].places = pixels_at(to->s, level);
}

struct waves { /* NAME.filter, .phase and .size */
    const char *name;
    int64_t inputs, count;
    double width; /* of the kernel that they make: inputs so far apart are not alike */
};

/* The frequencies are drawn evenly, with the deviation of those of a Gaussian kernel. */
static void add_waves(const struct laying *to, const struct waves *w)
{
    char name[48];
    snprintf(name, sizeof name, "%s.filter", w->name);
    layout_add(to->l, name, 2, (const int64_t[]){w->inputs, w->count}, sqrt(3) / w->width, 0);
    to->l->parameter[to->l->count - 1].places = pixels_at(to->s, 0);
    snprintf(name, sizeof name, "%s.phase", w->name);
    layout_add(to->l, name, 1, &w->count, 3.141592653589793, 0);
    snprintf(name, sizeof name, "%s.size", w->name);
    layout_add(to->l, name, 0, NULL, 0, log(0.5));
}

static void add_seen(const struct laying *to)
{
    add_waves(to, &(struct waves){"colour", to->s->channels, COLOUR_WAVES, 0.15});
    add_waves(to, &(struct waves){"place", 2, PLACE_WAVES, 0.4});
    to->l->features = (size_t)(learned(to->s) + COLOUR_WAVES + PLACE_WAVES);
}

void unet_layout(const struct structure *s, struct layout *l)
{
    const struct laying to = {s, l};
    int64_t in = s->channels;
    for (int i = 0; i < s->layers; i++) {
        add_block(&to, "down", i, in, s->hidden[i]);
        in = s->hidden[i];
    }
    for (int i = s->layers - 2; i >= 0; i--) {
        add_block(&to, "up", i, in + s->hidden[i], s->hidden[i]);
        in = s->hidden[i];
    }
    add_mixing(&to, 0, in, learned(s));
    add_seen(&to);
}

void fcn_layout(const struct structure *s, struct layout *l)
{
    const struct laying to = {s, l};
    int64_t in = s->channels;
    for (int i = 0; i < s->layers; i++) {
        add_convolution(&to, "down", i, 1, (const int64_t[]){3, 3, in, s->hidden[i]});
        in = s->hidden[i];
        add_mixing(&to, i, in, learned(s));
    }
    add_seen(&to);
}

/* ---- forward ---- */

static t2m_value convolve(const struct taking *t, const char *place, int level, int number,
                          t2m_value x)
{
    t2m_graph *g = t->g;
    char part[3][16];
    static const char *const parts[] = {"filter", "scale", "bias"};
    for (int i = 0; i < 3; i++)
        snprintf(part[i], sizeof part[i], "%s%d", parts[i], number);
    const t2m_value y = t2m_conv2d(g, x, take(t, place, level, part[0]), 1, 1);
    const int64_t channels = t2m_dim(g, y, 3);
    return t2m_relu(g,
                    nn_group_norm(g, y, channels % GROUP ? 1 : channels / GROUP,
                                  take(t, place, level, part[1]), take(t, place, level, part[2])));
}

static t2m_value block(const struct taking *t, const char *place, int level, t2m_value x)
{
    return convolve(t, place, level, 2, convolve(t, place, level, 1, x));
}

static t2m_value mix(const struct taking *t, int level, t2m_value x)
{
    const int64_t n = t2m_dim(t->g, x, 0), h = t2m_dim(t->g, x, 1), w = t2m_dim(t->g, x, 2);
    const t2m_value filter = take(t, "out", level, "filter");
    const int64_t rows[] = {n * h * w, t2m_dim(t->g, x, 3)},
                  matrix[] = {t2m_dim(t->g, filter, 2), t2m_dim(t->g, filter, 3)},
                  back[] = {n, h, w, matrix[1]};
    return t2m_reshape(
        t->g, t2m_matmul(t->g, t2m_reshape(t->g, x, 2, rows), t2m_reshape(t->g, filter, 2, matrix)),
        4, back);
}

/* Each pixel becomes four. */
static t2m_value enlarge(t2m_graph *g, t2m_value x)
{
    const int64_t n = t2m_dim(g, x, 0), h = t2m_dim(g, x, 1), w = t2m_dim(g, x, 2),
                  c = t2m_dim(g, x, 3), apart[] = {n, h, 1, w, 1, c}, all[] = {n, h, 2, w, 2, c},
                  back[] = {n, 2 * h, 2 * w, c};
    return t2m_reshape(g, t2m_expand(g, t2m_reshape(g, x, 6, apart), 6, all), 4, back);
}

static t2m_value pixel_rows(t2m_graph *g, t2m_value x)
{
    const int64_t rows[] = {-1, t2m_dim(g, x, 3)};
    return t2m_reshape(g, x, 2, rows);
}

/* Row and column of each pixel from -1 to 1 [places, 2]. */
static t2m_value places_of(t2m_graph *g, const struct structure *s)
{
    const int64_t h = s->height, w = s->width, shape[2][3] = {{h, 1, 1}, {1, w, 1}},
                  all[] = {h, w, 1}, size[] = {h, w}, rows[] = {h * w, 2};
    t2m_value at[2];
    for (int i = 0; i < 2; i++) {
        const double step = 2 / (double)size[i];
        const t2m_value along =
            t2m_axpy(g, step, t2m_iota(g, size[i]), t2m_constant(g, 0.5 * step - 1));
        at[i] = t2m_expand(g, t2m_reshape(g, along, 3, shape[i]), 3, all);
    }
    return t2m_reshape(g, t2m_concat(g, 2, at, 2), 2, rows);
}

static struct taking taking_of(t2m_graph *g, const struct structure *s, t2m_value m)
{
    struct taking t = {.g = g, .m = m};
    structure_layout(s, &t.layout);
    return t;
}

/* x [n, inputs] -> [n, count] */
static t2m_value waves(const struct taking *t, const char *name, t2m_value x)
{
    static const char *const parts[] = {"filter", "phase", "size"};
    t2m_value of[3];
    for (int i = 0; i < 3; i++) {
        char full[48];
        snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        of[i] = layout_take(t->g, &t->layout, t->m, full);
    }
    const t2m_value y = t2m_sin(t->g, nn_linear(t->g, x, of[0], of[1]));
    return t2m_mul(t->g, t2m_exp(t->g, of[2]), y);
}

/* What the layers say of each pixel [n * places, learned], beside the waves of the pictures x. */
static t2m_value with_seen(const struct taking *t, const struct structure *s, t2m_value said,
                           t2m_value x)
{
    t2m_graph *g = t->g;
    const int64_t n = t2m_dim(g, x, 0), rows[] = {-1, s->channels},
                  all[] = {n * s->height * s->width, PLACE_WAVES};
    const t2m_value colour = waves(t, "colour", t2m_reshape(g, x, 2, rows)),
                    place = t2m_broadcast(g, waves(t, "place", places_of(g, s)), 0, n),
                    both[] = {said, colour, t2m_reshape(g, place, 2, all)};
    return t2m_concat(g, 1, both, 3);
}

/* Ronneberger et al. 2015, figure 1, with padding and norms. */
t2m_value unet_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                        struct norm_use *norm)
{
    const struct taking t = taking_of(g, s, m);
    const t2m_value picture = x;
    t2m_value beside[NN_MAX_LAYERS];
    (void)norm;
    for (int i = 0; i < s->layers; i++)
        beside[i] = x = block(&t, "down", i, i ? t2m_max_pool(g, x, 2, 2) : x);
    for (int i = s->layers - 2; i >= 0; i--) {
        const t2m_value both[] = {enlarge(g, x), beside[i]};
        x = block(&t, "up", i, t2m_concat(g, 3, both, 2));
    }
    return with_seen(&t, s, pixel_rows(g, mix(&t, 0, x)), picture);
}

/* A convolution at each scale; what they say is enlarged and added (Long et al. 2015, section 4.2).
 */
t2m_value fcn_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                       struct norm_use *norm)
{
    const struct taking t = taking_of(g, s, m);
    const t2m_value picture = x;
    t2m_value said[NN_MAX_LAYERS] = {{0}};
    (void)norm;
    for (int i = 0; i < s->layers; i++) {
        x = convolve(&t, "down", i, 1, i ? t2m_max_pool(g, x, 2, 2) : x);
        said[i] = mix(&t, i, x);
    }
    t2m_value sum = said[s->layers - 1];
    for (int i = s->layers - 2; i >= 0; i--)
        sum = t2m_add(g, enlarge(g, sum), said[i]);
    return with_seen(&t, s, pixel_rows(g, sum), picture);
}
