/* mask_statistics.h: step 1 for pictures with masks: the task in some numbers that anyone can
 * check, in closed form and without any that are learned, so that they stand beside every method.
 * Called by mapping, which compares tasks by them. */
#pragma once
#include <stddef.h>

enum { MASK_T = 22 };
struct mask_task {
    const float *x, *y; /* [pictures, height, width, channels] in 0 .. 1, [.., height, width]: 0 no
                           class, 1 .. classes, below 0 not known */
    size_t pictures, height, width, channels, classes;
};
/* The mean over the classes that have pixels of, for the class against the rest:
 *
 *   t[0]        log odds that a pixel is of the class
 *   t[1..12]    four each of light, red against green, blue against both: mean in it, mean
 *               outside, logarithms of the standard deviations in it and outside
 *   t[13..14]   texture: logarithms of the mean change of light from a pixel to its neighbour, in
 *               it and outside
 *   t[15]       the same across its border
 *   t[16]       distance of the two means, in standard deviations, as a logarithm
 *   t[17]       length of the border beside the root of the area, as a logarithm
 *   t[18..21]   mean row of its pixels, its standard deviation, the same of columns, in sides
 *
 * Of one channel the two colours are 0. Neither the order of the pictures nor that of the classes
 * matters, but for rounding; pixels that are not known have no part. How many pictures there are
 * does not count, since no task is harder for having more. */
void mask_statistics(const struct mask_task *task, float t[MASK_T]);
