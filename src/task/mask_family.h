/* mask_family.h: pictures with masks (files/masks.h) as a family: a class and some pictures that
 * have it are a task. */
#pragma once
#include "files/masks.h"
#include "task/family.h"

enum { MASK_SIDE = 64 /* pixels, unless another size is asked for */ };
/* Adds the sets at the path, each a domain with classes of its own; pictures are scaled to the
 * family's size, a label is that of the middle of its pixel. Without a list of classes those that
 * occur are called by their numbers; masks of black and white have one class, `foreground`. A
 * picture counts for a class if a fifth of what is usual for the class is in it, at most 0.5 % of
 * its pixels, is there. T2M_EDATA: as masks_open and masks_read. */
t2m_status family_add_masks(struct t2m_family *f, const char *path, const struct family_options *o);
