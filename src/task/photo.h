/* photo.h: random changes of colour photographs, and of the labels of their pixels, for training.
 * Called by episode.c, and by what draws tasks of pictures with labelled pixels. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/random.h"

/* The geometry and colour of one picture. Without any change: wide = high = 1, gain = 1, all else
 * 0. */
struct photo_change {
    bool flip;                   /* left and right */
    double left, top;            /* of the part that is taken, in sides of the picture */
    double wide, high;           /* of that part; what lies outside the picture is mirrored */
    size_t exchange;             /* of three channels: which of their orders, 0 the usual one */
    double gain[3];              /* of each channel */
    double saturation, contrast; /* a factor less 1 */
    double brightness;
};
/* A quarter of them are no change. strength 1: as in training; 0: no change. */
struct photo_change photo_change_draw(struct random *r, double strength);
/* A change that all pictures of a task of masks share, so that their colours and places still tell
 * as much of the class as before; and that of one of them. */
struct photo_change photo_change_of_task(struct random *r, double strength);
struct photo_change photo_change_in_task(const struct photo_change *task, struct random *r,
                                         double strength);
/* from [height, width, channels] bytes; to the same in 0..1. */
void photo_apply(const struct photo_change *p, const unsigned char *from, size_t height,
                 size_t width, size_t channels, float *to);
/* The same geometry for labels [height, width], one byte a pixel: the nearest. */
void photo_apply_labels(const struct photo_change *p, const unsigned char *from, size_t height,
                        size_t width, unsigned char *to);
