/* image.c: PNG by libpng, JPEG by libjpeg-turbo; scaling by area or bilinear. */
#include "files/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

enum { MAX_SIDE = 16384, MAX_PIXELS = 64 << 20, MAX_CHUNK = 8 << 20, MAX_SCANS = 500 };

static t2m_status bad(t2m *lib, const char *name, const char *why)
{
    return refuse(lib, T2M_EDATA, "'%.200s': %s", name, why);
}

static t2m_status check_size(t2m *lib, const char *name, size_t width, size_t height)
{
    if (width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE &&
        width * height <= MAX_PIXELS)
        return T2M_OK;
    return refuse(lib, T2M_EDATA,
                  "'%.200s': %zu x %zu pixels; sides of 1 to %d and at most %d million pixels are "
                  "read",
                  name, width, height, MAX_SIDE, MAX_PIXELS >> 20);
}

/* ---- PNG ---- */

struct png_reading {
    t2m *lib;
    const struct bytes *file;
    size_t at;
    const char *why;
    bool no_memory;
    png_structp png;
    png_infop info;
    unsigned char *pixels;
    png_bytep *rows;
    size_t width, height, channels;
};

static void on_read(png_structp png, png_bytep to, size_t n)
{
    struct png_reading *r = png_get_io_ptr(png);
    if (n > r->file->length - r->at) {
        r->why = "the PNG is cut off";
        png_error(png, "cut off");
    }
    memcpy(to, r->file->data + r->at, n);
    r->at += n;
}

static void on_error(png_structp png, png_const_charp text)
{
    struct png_reading *r = png_get_error_ptr(png);
    (void)text;
    if (!r->why)
        r->why = "the PNG is damaged";
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t n)
{
    struct png_reading *r = png_get_mem_ptr(png);
    void *p = mem_new(r->lib, n, 1);
    r->no_memory |= !p;
    return p;
}

static void on_free(png_structp png, png_voidp p)
{
    struct png_reading *r = png_get_mem_ptr(png);
    mem_free(r->lib, p);
}

/* Any PNG becomes 8-bit grey or colour; alpha is laid on white. */
static void png_transforms(struct png_reading *r)
{
    static const png_color_16 white = {.red = 255, .green = 255, .blue = 255, .gray = 255};
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    png_set_background(r->png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    r->channels = png_get_channels(r->png, r->info);
}

static void png_header(struct png_reading *r)
{
    png_set_user_limits(r->png, 1u << 30, 1u << 30); /* ours come next, with the sizes told */
    png_set_chunk_malloc_max(r->png, MAX_CHUNK);
    png_set_read_fn(r->png, r, on_read);
    png_read_info(r->png, r->info);
    r->width = png_get_image_width(r->png, r->info);
    r->height = png_get_image_height(r->png, r->info);
}

static void png_body(struct png_reading *r)
{
    png_read_image(r->png, r->rows);
}

/* The only place with a jump: `part` may leave through on_error. */
static bool png_guarded(struct png_reading *r, void (*part)(struct png_reading *r))
{
    if (setjmp(png_jmpbuf(r->png)))
        return false;
    part(r);
    return true;
}

static t2m_status png_fault(const struct png_reading *r, const char *name)
{
    return r->no_memory ? T2M_ENOMEM : bad(r->lib, name, r->why);
}

static t2m_status png_decode_all(struct png_reading *r, const char *name)
{
    if (!png_guarded(r, png_header))
        return png_fault(r, name);
    TRY(check_size(r->lib, name, r->width, r->height));
    if (!png_guarded(r, png_transforms))
        return png_fault(r, name);
    if (r->channels != 1 && r->channels != 3)
        return bad(r->lib, name, "this kind of PNG is not supported");
    r->pixels = mem_new(r->lib, r->width * r->height, r->channels);
    r->rows = mem_new(r->lib, r->height, sizeof *r->rows);
    if (!r->pixels || !r->rows)
        return T2M_ENOMEM;
    for (size_t i = 0; i < r->height; i++)
        r->rows[i] = r->pixels + i * r->width * r->channels;
    return png_guarded(r, png_body) ? T2M_OK : png_fault(r, name);
}

static t2m_status decode_png(t2m *lib, const struct bytes *file, const char *name,
                             struct image *out)
{
    struct png_reading r = {.lib = lib, .file = file};
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning, &r, on_malloc,
                                     on_free);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    const t2m_status status = r.info ? png_decode_all(&r, name) : T2M_ENOMEM;
    if (r.png)
        png_destroy_read_struct(&r.png, &r.info, NULL);
    mem_free(lib, r.rows);
    if (status == T2M_OK)
        *out = (struct image){r.width, r.height, r.channels, r.pixels};
    else
        mem_free(lib, r.pixels);
    return status;
}

/* ---- JPEG ---- */

/* A progressive file of many scans takes long for its size. */
static size_t count_scans(const struct bytes *file)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < file->length; i++)
        n += file->data[i] == 0xFF && file->data[i + 1] == 0xDA;
    return n;
}

static t2m_status decode_jpeg_with(t2m *lib, tjhandle tj, const struct bytes *file,
                                   const char *name, struct image *out)
{
    int width = 0, height = 0, sampling = -1, colours = -1; /* a file of tables sets none */
    if (tjDecompressHeader3(tj, file->data, file->length, &width, &height, &sampling, &colours) !=
            0 ||
        width < 1 || height < 1 || colours < 0)
        return bad(lib, name, "the JPEG is damaged or cut off");
    TRY(check_size(lib, name, (size_t)width, (size_t)height));
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        return bad(lib, name, "a JPEG for print (CMYK); save it as RGB");
    const size_t channels = colours == TJCS_GRAY ? 1 : 3;
    unsigned char *pixels = mem_new(lib, (size_t)width * (size_t)height, channels);
    if (!pixels)
        return T2M_ENOMEM;
    if (tjDecompress2(tj, file->data, file->length, pixels, width, 0, height,
                      channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_STOPONWARNING) != 0) {
        mem_free(lib, pixels);
        return bad(lib, name, "the JPEG is damaged or cut off");
    }
    *out = (struct image){(size_t)width, (size_t)height, channels, pixels};
    return T2M_OK;
}

static t2m_status decode_jpeg(t2m *lib, const struct bytes *file, const char *name,
                              struct image *out)
{
    if (count_scans(file) > MAX_SCANS)
        return bad(lib, name, "the JPEG has more than 500 scans");
    tjhandle tj = tjInitDecompress();
    if (!tj)
        return fail_memory(lib, 0);
    const t2m_status status = decode_jpeg_with(lib, tj, file, name, out);
    tjDestroy(tj);
    return status;
}

t2m_status image_decode(t2m *lib, const struct bytes *file, const char *name, struct image *out)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'},
                               jpeg[] = {0xFF, 0xD8, 0xFF};
    if (file->length == 0)
        return bad(lib, name, "the file is empty");
    if (file->length >= sizeof png && memcmp(file->data, png, sizeof png) == 0)
        return decode_png(lib, file, name, out);
    if (file->length >= sizeof jpeg && memcmp(file->data, jpeg, sizeof jpeg) == 0)
        return decode_jpeg(lib, file, name, out);
    return bad(lib, name, "neither PNG nor JPEG, whatever its name says");
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

/* Paper becomes 0 and ink 1, whichever of the two is dark in the picture. */
static void orient(float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    for (size_t i = 0; i < n && sum > 0.5 * (double)n; i++)
        x[i] = 1 - x[i];
}

void image_scale_as(const struct image *x, size_t height, size_t width, size_t channels, float *to)
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
                *to++ = (float)(sum / total / 255);
            }
        }
}

void image_scale(const struct image *x, size_t height, size_t width, size_t channels, float *out)
{
    image_scale_as(x, height, width, channels, out);
    if (channels == 1)
        orient(out, height * width);
}

/* ---- writing ---- */

t2m_status image_encode_png(t2m *lib, const struct image *x, struct bytes *out)
{
    png_image p = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)x->width,
                   .height = (png_uint_32)x->height,
                   .format = x->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(p);
    unsigned char *data = mem_new(lib, size, 1);
    if (!data)
        return T2M_ENOMEM;
    if (!png_image_write_to_memory(&p, data, &size, 0, x->pixels, 0, NULL)) {
        mem_free(lib, data);
        return refuse(lib, T2M_EFAIL, "cannot make a PNG: %s", p.message);
    }
    *out = (struct bytes){data, size};
    return T2M_OK;
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
