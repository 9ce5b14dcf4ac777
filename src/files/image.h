/* image.h: PNG and JPEG to pixels, and pixels to the size and channels that a learner needs. */
#pragma once
#include "files/store.h"

struct image { /* pixels [height, width, channels], 0..255; freed by mem_free(lib, pixels) */
    size_t width, height, channels; /* channels 1 (grey) or 3 (red, green, blue) */
    unsigned char *pixels;
};

/* Decodes by the first bytes, not the name. Any PNG (palette, 1 to 16 bits; alpha laid on white) or
 * JPEG (also of inks, CMYK; turned upright as its EXIF orientation says). Of an animated PNG the
 * first picture is read. Limits: side 16,384, 64 Mpx, PNG chunks 8 MiB, 500 JPEG scans. `name` is
 * for messages; T2M_EDATA says what is wrong ("the PNG is cut off", "neither PNG nor JPEG", ...).
 */
t2m_status image_decode(t2m *lib, const struct bytes *file, const char *name, struct image *out);
/* to [height, width, channels]: averaged over the area of each pixel when shrinking, bilinear when
 * growing, and rounded to whole bytes once; grey = 0.299 r + 0.587 g + 0.114 b. With one channel a
 * picture that is brighter than 1/2 on average becomes its negative: paper is 0 and ink is 255,
 * however it was drawn. */
void image_bytes(const struct image *x, size_t height, size_t width, size_t channels,
                 unsigned char *to);
/* The same, light staying light with one channel too. */
void image_bytes_as(const struct image *x, size_t height, size_t width, size_t channels,
                    unsigned char *to);
enum { IMAGE_VALUES = 256 };
/* What the bytes are as numbers, in 0..1. */
void image_values(float value[IMAGE_VALUES]);
/* n of them. */
void image_numbers(const unsigned char *from, size_t n, float *to);
/* image_bytes and image_bytes_as as numbers. */
void image_scale(const struct image *x, size_t height, size_t width, size_t channels, float *to);
void image_scale_as(const struct image *x, size_t height, size_t width, size_t channels, float *to);
/* Writes grey or colour pixels as PNG into memory. */
t2m_status image_encode_png(t2m *lib, const struct image *x, struct bytes *out);
