/* augment.c: pictures bent at random, so that an episode has classes and drawings that the family
 * does not. One warp is drawn for a class and makes another class of it (Rotations as classes:
 * Santoro et al. 2016, "One-shot learning with memory-augmented neural networks", section 4.1); one
 * is drawn for each picture and makes another drawing (affine distortions: Koch et al. 2015,
 * "Siamese neural networks for one-shot image recognition", section 3.3; smooth displacements:
 * Simard et al. 2003, "Best practices for convolutional neural networks", section 2). */
#include "task/augment.h"

#include <math.h>

#include "files/image.h"

struct most { /* largest values at strength 1; a picture reaches from -1 to 1 */
    double angle, stretch, shear, shift, wave; /* radians, logarithm, ... */
};
static const struct most of_class = {0.35, 0.25, 0.25, 0, 0.10},
                         of_picture = {0.17, 0.12, 0.12, 0.12, 0.05};

static double within(struct random *r, double most)
{
    return random_uniform(r, -most, most);
}

static struct warp draw(struct random *r, const struct most *m, double strength)
{
    const struct most s = {strength * m->angle, strength * m->stretch, strength * m->shear,
                           strength * m->shift, strength * m->wave};
    const double angle = within(r, s.angle), shear = within(r, s.shear),
                 wide = exp(within(r, s.stretch)), high = exp(within(r, s.stretch));
    struct warp w = {.a = {{wide * cos(angle), high * (shear * cos(angle) - sin(angle))},
                           {wide * sin(angle), high * (shear * sin(angle) + cos(angle))}}};
    w.level = random_uniform(r, 0.3, 0.55);
    for (int i = 0; i < 2; i++) {
        w.shift[i] = within(r, s.shift);
        w.wave[i] = within(r, s.wave);
        for (int k = 0; k < 2; k++) {
            w.frequency[i][k] = random_uniform(r, 1, 4);
            w.phase[i][k] = within(r, 3.141592653589793);
        }
    }
    return w;
}

struct warp warp_class(struct random *r, double strength)
{
    struct warp w = draw(r, &of_class, strength);
    if (random_below(r, 2)) /* mirrored */
        w.a[0][0] = -w.a[0][0], w.a[1][0] = -w.a[1][0];
    return w;
}

struct warp warp_picture(struct random *r, double strength)
{
    return draw(r, &of_picture, strength);
}

/* Where the point p of the new picture comes from. */
static void move(const struct warp *w, double p[2])
{
    double to[2];
    for (int i = 0; i < 2; i++)
        to[i] = w->a[i][0] * p[0] + w->a[i][1] * p[1] + w->shift[i] +
                w->wave[i] * sin(w->frequency[i][0] * p[0] + w->phase[i][0]) *
                    sin(w->frequency[i][1] * p[1] + w->phase[i][1]);
    p[0] = to[0];
    p[1] = to[1];
}

struct picture { /* and what its bytes are as numbers */
    const unsigned char *pixels;
    size_t height, width, channels;
    float value[IMAGE_VALUES];
};

/* Bilinear; 0 outside. y and x count pixels from the centre of the first. */
static void sample(const struct picture *from, double x, double y, float *out)
{
    const double left = floor(x), top = floor(y);
    for (size_t k = 0; k < from->channels; k++)
        out[k] = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            const double u = left + i, v = top + j;
            if (u < 0 || v < 0 || u >= (double)from->width || v >= (double)from->height)
                continue;
            const float part = (float)((1 - fabs(x - u)) * (1 - fabs(y - v)));
            const unsigned char *pixel =
                from->pixels + ((size_t)v * from->width + (size_t)u) * from->channels;
            for (size_t k = 0; k < from->channels; k++)
                out[k] += part * from->value[pixel[k]];
        }
}

/* A drawing in ink and paper stays one: bilinear values in between are cut at the picture's level.
 */
static void cut(const unsigned char *from, size_t n, float level, float *to)
{
    for (size_t i = 0; i < n; i++)
        if (from[i] != 0 && from[i] != IMAGE_VALUES - 1)
            return;
    for (size_t i = 0; i < n; i++)
        to[i] = to[i] > level;
}

void warp_apply(const struct warp *class, const struct warp *picture, const unsigned char *from,
                size_t height, size_t width, size_t channels, float *to)
{
    struct picture of = {.pixels = from, .height = height, .width = width, .channels = channels};
    float *const first = to;
    const double half[2] = {(double)width / 2, (double)height / 2};
    image_values(of.value);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++, to += channels) {
            double p[2] = {((double)x + 0.5) / half[0] - 1, ((double)y + 0.5) / half[1] - 1};
            move(picture, p);
            if (class)
                move(class, p);
            sample(&of, (p[0] + 1) * half[0] - 0.5, (p[1] + 1) * half[1] - 0.5, to);
        }
    cut(from, height * width * channels, (float)picture->level, first);
}
