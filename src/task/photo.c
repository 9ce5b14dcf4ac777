/* photo.c: photographs changed at random, so that a learner sees a class in other places, sizes and
 * lights: a part of the picture is taken and stretched to the whole (Szegedy et al. 2015, "Going
 * deeper with convolutions", section 6), mirrored in half of the cases, in other colours (Howard
 * 2013, "Some improvements on deep convolutional neural network based image classification",
 * section 2). A quarter of the pictures stay as they are, since what is predicted is not changed.
 */
#include "task/photo.h"

#include <math.h>

#include "files/image.h"

/* Largest values at strength 1. */
static const double smaller = 0.45, /* of the side, less than the whole */
    longer = 0.2,                   /* logarithm of the root of the aspect */
    of_gain = 0.1, of_saturation = 0.4, of_contrast = 0.4, of_brightness = 0.2;
static const double least_side = 0.2; /* at any strength: less shows nothing of the class */

static double within(struct random *r, double most)
{
    return random_uniform(r, -most, most);
}

struct photo_change photo_change_draw(struct random *r, double strength)
{
    struct photo_change p = {.wide = 1, .high = 1, .gain = {1, 1, 1}};
    if (strength <= 0 || random_below(r, 4) == 0)
        return p;
    const double side = fmax(least_side, 1 - strength * random_uniform(r, 0, smaller)),
                 aspect = exp(strength * within(r, longer));
    p.flip = random_below(r, 2);
    p.wide = side * aspect;
    p.high = side / aspect;
    p.left = (1 - p.wide) * random_uniform(r, 0, 1);
    p.top = (1 - p.high) * random_uniform(r, 0, 1);
    for (int k = 0; k < 3; k++)
        p.gain[k] = 1 + strength * within(r, of_gain);
    p.saturation = strength * within(r, of_saturation);
    p.contrast = strength * within(r, of_contrast);
    p.brightness = strength * within(r, of_brightness);
    return p;
}

enum { ORDERS = 6 };
static const unsigned char orders[ORDERS][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1},
                                                {0, 2, 1}, {2, 1, 0}, {1, 0, 2}};

static void draw_part(struct photo_change *p, struct random *r, double least)
{
    const double side = fmax(least_side, random_uniform(r, least, 1)),
                 aspect = exp(0.5 * within(r, longer));
    p->wide = side * aspect;
    p->high = side / aspect;
    p->left = (1 - p->wide) * random_uniform(r, 0, 1);
    p->top = (1 - p->high) * random_uniform(r, 0, 1);
}

static void draw_colours(struct photo_change *p, struct random *r, double strength)
{
    for (int k = 0; k < 3; k++)
        p->gain[k] = exp(strength * within(r, 2 * of_gain));
    p->saturation = strength * within(r, of_saturation);
    p->contrast = strength * within(r, of_contrast);
    p->brightness = strength * within(r, of_brightness);
}

struct photo_change photo_change_of_task(struct random *r, double strength)
{
    struct photo_change p = {.gain = {1, 1, 1}};
    draw_part(&p, r, 1 - 0.5 * strength * smaller);
    draw_colours(&p, r, strength);
    p.flip = random_below(r, 2);
    if (random_below(r, 5) == 0) /* light and dark change places */
        p.contrast = -2 - p.contrast;
    if (strength > 0 && random_below(r, 3) == 0)
        p.exchange = random_below(r, ORDERS);
    return p;
}

struct photo_change photo_change_in_task(const struct photo_change *task, struct random *r,
                                         double strength)
{
    struct photo_change p = {.gain = {1, 1, 1}}, q = *task;
    draw_part(&p, r, 1 - 0.25 * strength * smaller);
    draw_colours(&p, r, 0.3 * strength);
    q.left +=
        q.wide * (q.flip ? 1 - p.left - p.wide : p.left); /* mirrored after the part is taken */
    q.top += q.high * p.top;
    q.wide *= p.wide;
    q.high *= p.high;
    q.flip = random_below(r, 2);
    for (int k = 0; k < 3; k++)
        q.gain[k] *= p.gain[k];
    q.saturation = (1 + q.saturation) * (1 + p.saturation) - 1;
    q.contrast = (1 + q.contrast) * (1 + p.contrast) - 1;
    q.brightness += p.brightness;
    return q;
}

/* A place of the old picture as one of its `side` pixels: mirrored at the edges. */
static size_t pixel(double at, size_t side)
{
    const double last = (double)side - 1;
    at = at < 0 ? -1 - at : at;
    at = at > last ? 2 * last + 1 - at : at;
    return (size_t)fmin(fmax(at, 0), last);
}

/* Where pixel x or y of the new picture lies in the old one; both count from the centre of the
 * first. */
static double source_x(const struct photo_change *p, size_t x, size_t width)
{
    const size_t from = p->flip ? width - 1 - x : x;
    return p->left * (double)width + ((double)from + 0.5) * p->wide - 0.5;
}

static double source_y(const struct photo_change *p, size_t y, size_t height)
{
    return p->top * (double)height + ((double)y + 0.5) * p->high - 0.5;
}

/* Two neighbours of the old picture, and the part of the second. */
struct between {
    size_t first, second;
    float part;
};

static struct between between(double at, size_t side)
{
    const double before = floor(at);
    return (struct between){pixel(before, side), pixel(before + 1, side), (float)(at - before)};
}

enum { STRIP = 256 /* columns at once, whose places are the same in all rows */ };

/* Bilinear, from column x on. */
static void take_strip(const struct photo_change *p, const unsigned char *from,
                       const size_t size[3], size_t x, float *to)
{
    const size_t height = size[0], width = size[1], channels = size[2],
                 count = width - x < STRIP ? width - x : STRIP;
    struct between column[STRIP];
    float value[IMAGE_VALUES];
    image_values(value);
    for (size_t i = 0; i < count; i++)
        column[i] = between(source_x(p, x + i, width), width);
    for (size_t y = 0; y < height; y++) {
        const struct between row = between(source_y(p, y, height), height);
        const unsigned char *const above = from + row.first * width * channels, *const below =
                                                                                    from +
                                                                                    row.second *
                                                                                        width *
                                                                                        channels;
        float *out = to + (y * width + x) * channels;
        for (size_t i = 0; i < count; i++) {
            const size_t a = column[i].first * channels, b = column[i].second * channels;
            for (size_t k = 0; k < channels; k++) {
                const float corner[4] = {value[above[a + k]], value[above[b + k]],
                                         value[below[a + k]], value[below[b + k]]},
                            top = corner[0] + column[i].part * (corner[1] - corner[0]),
                            low = corner[2] + column[i].part * (corner[3] - corner[2]);
                *out++ = top + row.part * (low - top);
            }
        }
    }
}

static void exchange(const unsigned char order[3], float *x, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, x += 3) {
        const float old[3] = {x[0], x[1], x[2]};
        for (int k = 0; k < 3; k++)
            x[k] = old[order[k]];
    }
}

/* Gains, then away from or towards grey, the picture's mean, and white. */
static void colour(const struct photo_change *p, float *x, size_t pixels, size_t channels)
{
    const float share = 1 / (float)channels, saturation = (float)p->saturation,
                contrast = (float)p->contrast, brightness = (float)p->brightness;
    float *at = x;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < channels; k++, at++) {
            *at *= (float)p->gain[k % 3];
            sum += (double)*at;
        }
    const float mean = (float)(sum / (double)(pixels * channels));
    for (size_t i = 0; i < pixels; i++, x += channels) {
        float grey = 0;
        for (size_t k = 0; k < channels; k++)
            grey += x[k] * share;
        for (size_t k = 0; k < channels; k++) {
            float y = x[k] + saturation * (x[k] - grey);
            y += contrast * (y - mean) + brightness;
            x[k] = y < 0 ? 0 : y > 1 ? 1 : y;
        }
    }
}

void photo_apply(const struct photo_change *p, const unsigned char *from, size_t height,
                 size_t width, size_t channels, float *to)
{
    const size_t size[] = {height, width, channels};
    for (size_t x = 0; x < width; x += STRIP)
        take_strip(p, from, size, x, to);
    if (channels == 3 && p->exchange)
        exchange(orders[p->exchange], to, height * width);
    colour(p, to, height * width, channels);
}

void photo_apply_labels(const struct photo_change *p, const unsigned char *from, size_t height,
                        size_t width, unsigned char *to)
{
    for (size_t y = 0; y < height; y++) {
        const size_t row = pixel(floor(source_y(p, y, height) + 0.5), height);
        for (size_t x = 0; x < width; x++)
            *to++ = from[row * width + pixel(floor(source_x(p, x, width) + 0.5), width)];
    }
}
