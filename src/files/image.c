/* image.c: which reader a picture needs; scaling by area or bilinear; PNG into memory. */
#include "files/image.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

#include "files/image_reading.h"

enum { MAX_SIDE = 16384, MAX_PIXELS = 64 << 20 };

/* ---- reading ---- */

t2m_status image_bad(t2m *lib, const char *name, const char *why)
{
    return refuse(lib, T2M_EDATA, "'%.200s': %s", name, why);
}

t2m_status image_check_size(t2m *lib, const char *name, size_t width, size_t height)
{
    if (width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE &&
        width * height <= MAX_PIXELS)
        return T2M_OK;
    return refuse(lib, T2M_EDATA,
                  "'%.200s': %zu x %zu pixels; sides of 1 to %d and at most %d million pixels are "
                  "read",
                  name, width, height, MAX_SIDE, MAX_PIXELS >> 20);
}

static bool begins(const struct bytes *file, const unsigned char *mark, size_t n)
{
    return file->length >= n && memcmp(file->data, mark, n) == 0;
}

bool image_is_png(const struct bytes *file)
{
    static const unsigned char mark[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    return begins(file, mark, sizeof mark);
}

bool image_is_jpeg(const struct bytes *file)
{
    static const unsigned char mark[] = {0xFF, 0xD8, 0xFF};
    return begins(file, mark, sizeof mark);
}

t2m_status image_decode(t2m *lib, const struct bytes *file, const char *name, struct image *out)
{
    if (file->length == 0)
        return image_bad(lib, name, "the file is empty");
    if (image_is_png(file))
        return image_read_png(lib, file, name, out);
    if (image_is_jpeg(file))
        return image_read_jpeg(lib, file, name, out);
    return image_bad(lib, name, "neither PNG nor JPEG, whatever its name says");
}

/* ---- scaling ---- */

static double channel_at(const struct image *x, size_t row, size_t column, size_t channel,
                         size_t channels)
{
    const unsigned char *p = x->pixels + (row * x->width + column) * x->channels;
    if (x->channels == channels)
        return p[channel];
    if (x->channels == 1)
        return p[0];
    return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

struct tap { /* the source pixels of one target pixel along one axis */
    size_t first, count;
    double weight_first, weight_last; /* of the outer pixels; those between have weight 1 */
};

static struct tap tap_of(size_t at, size_t from, size_t to)
{
    const double scale = (double)from / (double)to;
    if (from > to) { /* area */
        const double low = (double)at * scale, high = low + scale;
        const size_t first = (size_t)low;
        size_t last = (size_t)(high - 1e-9);
        last = last < from ? last : from - 1;
        struct tap t = {first, last - first + 1, (double)first + 1 - low, high - (double)last};
        if (t.count == 1)
            t.weight_first = t.weight_last = scale;
        return t;
    }
    double centre = ((double)at + 0.5) * scale - 0.5; /* bilinear */
    centre = centre < 0 ? 0 : centre;
    const size_t first = (size_t)centre;
    const double part = centre - (double)first;
    if (first + 1 >= from || part == 0)
        return (struct tap){first < from ? first : from - 1, 1, 1, 1};
    return (struct tap){first, 2, 1 - part, part};
}

static double weight_at(const struct tap *t, size_t i)
{
    return i == 0 ? t->weight_first : i + 1 == t->count ? t->weight_last : 1;
}

/* Paper becomes 0 and ink 255, whichever of the two is dark in the picture. */
static void orient(unsigned char *x, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n && 2 * sum > 255 * n; i++)
        x[i] = (unsigned char)(255 - x[i]);
}

void image_bytes_as(const struct image *x, size_t height, size_t width, size_t channels,
                    unsigned char *to)
{
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++) {
            const struct tap a = tap_of(i, x->height, height), b = tap_of(j, x->width, width);
            for (size_t c = 0; c < channels; c++) {
                double sum = 0, total = 0;
                for (size_t p = 0; p < a.count; p++)
                    for (size_t q = 0; q < b.count; q++) {
                        const double w = weight_at(&a, p) * weight_at(&b, q);
                        sum += w * channel_at(x, a.first + p, b.first + q, c, channels);
                        total += w;
                    }
                *to++ = (unsigned char)(sum / total + 0.5);
            }
        }
}

void image_bytes(const struct image *x, size_t height, size_t width, size_t channels,
                 unsigned char *to)
{
    image_bytes_as(x, height, width, channels, to);
    if (channels == 1)
        orient(to, height * width);
}

void image_values(float value[IMAGE_VALUES])
{
    for (int i = 0; i < IMAGE_VALUES; i++)
        value[i] = (float)(i / 255.0);
}

void image_numbers(const unsigned char *from, size_t n, float *to)
{
    float value[IMAGE_VALUES];
    image_values(value);
    for (size_t i = 0; i < n; i++)
        to[i] = value[from[i]];
}

/* n bytes become numbers, from the end, since they share their place. */
static void widen(float *x, size_t n)
{
    float value[IMAGE_VALUES];
    image_values(value);
    while (n-- > 0)
        x[n] = value[((const unsigned char *)x)[n]];
}

void image_scale_as(const struct image *x, size_t height, size_t width, size_t channels, float *to)
{
    image_bytes_as(x, height, width, channels, (unsigned char *)to);
    widen(to, height * width * channels);
}

void image_scale(const struct image *x, size_t height, size_t width, size_t channels, float *to)
{
    image_bytes(x, height, width, channels, (unsigned char *)to);
    widen(to, height * width * channels);
}

/* ---- writing ---- */

/* colour: of the palette, if the format has one. */
static t2m_status encode(t2m *lib, png_image *p, const unsigned char *pixels,
                         const unsigned char *colour, struct bytes *out)
{
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*p);
    unsigned char *data = mem_new(lib, size, 1);
    if (!data)
        return T2M_ENOMEM;
    if (!png_image_write_to_memory(p, data, &size, 0, pixels, 0, colour)) {
        mem_free(lib, data);
        return refuse(lib, T2M_EFAIL, "cannot make a PNG: %s", p->message);
    }
    *out = (struct bytes){data, size};
    return T2M_OK;
}

t2m_status image_encode_png(t2m *lib, const struct image *x, struct bytes *out)
{
    png_image p = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)x->width,
                   .height = (png_uint_32)x->height,
                   .format = x->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    return encode(lib, &p, x->pixels, NULL, out);
}

t2m_status t2m_png_encode(t2m *lib, unsigned char **png, size_t *n, const unsigned char *pixels,
                          size_t height, size_t width, size_t channels)
{
    const struct image x = {width, height, channels, (unsigned char *)(uintptr_t)pixels};
    struct bytes file = {0};
    TRY(image_encode_png(lib, &x, &file));
    *png = file.data;
    *n = file.length;
    return T2M_OK;
}

t2m_status t2m_png_encode_palette(t2m *lib, unsigned char **png, size_t *n,
                                  const unsigned char *numbers, size_t height, size_t width,
                                  const unsigned char *colour, size_t colours)
{
    png_image p = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)width,
                   .height = (png_uint_32)height,
                   .format = PNG_FORMAT_RGB_COLORMAP,
                   .colormap_entries = (png_uint_32)colours};
    struct bytes file = {0};
    if (colours < 1 || colours > 256)
        return refuse(lib, T2M_EUSAGE, "a PNG has 1 to 256 colours, not %zu", colours);
    for (size_t i = 0; i < height * width; i++)
        if (numbers[i] >= colours)
            return refuse(lib, T2M_EUSAGE, "row %zu, column %zu: number %d of %zu colours",
                          i / width + 1, i % width + 1, numbers[i], colours);
    TRY(encode(lib, &p, numbers, colour, &file));
    *png = file.data;
    *n = file.length;
    return T2M_OK;
}
