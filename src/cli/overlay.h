/* overlay.h: masks to look at: the colours of their classes, and those laid over the picture. */
#pragma once
#include <stdbool.h>

#include "cli.h"

enum { OVERLAY_COLOURS = 256 };
/* The colours of PASCAL VOC for all numbers, 0 black; a class that is alone is white. */
void overlay_palette(bool alone, unsigned char colour[OVERLAY_COLOURS][3]);
/* The same, but a class that is alone is red, to be seen on pictures. */
void overlay_ink(bool alone, unsigned char colour[OVERLAY_COLOURS][3]);
/* out [height, width, 3]: the picture, half its class's colour where it has one, and all of it at
 * the borders. */
void overlay_draw(const t2m_segmentation *s, unsigned char (*colour)[3], unsigned char *out);
