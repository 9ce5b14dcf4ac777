/* augment.h: random smooth warps of pictures, for training. Called by episode.c. */
#pragma once
#include "base/random.h"

/* x -> a x + shift + wave * (sin of x) * (sin of y), in coordinates from -1 to 1; it gives the
 * point of the old picture for one of the new. */
struct warp {
    double a[2][2], shift[2], wave[2], frequency[2][2], phase[2][2];
    double level; /* of a drawing in two values: what is above counts as ink */
};
struct warp warp_class(struct random *r, double strength); /* strong: makes another class */
struct warp warp_picture(struct random *r,
                         double strength); /* weak: makes another drawing of the same class */
/* from [height, width, channels] bytes; to the same in 0..1; 0 comes in from outside. class: NULL
 * for none. */
void warp_apply(const struct warp *class, const struct warp *picture, const unsigned char *from,
                size_t height, size_t width, size_t channels, float *to);
