/* check_picture.h: PNG of every kind and JPEG made in memory, and files of bytes. */
#pragma once
#include "check_files.h"

#include <png.h>
#include <sys/stat.h>
#include <turbojpeg.h>

#include "files/image.h"

struct check_png {
    png_uint_32 width, height;
    int type, depth;
    const char *samples; /* a byte each, also of less than 8 bits; of 16 bits two, the high first */
    png_color palette[4];
    int colours, interlace;
};

static inline void check_png_write(png_structp png, png_bytep data, size_t n)
{
    struct bytes *out = png_get_io_ptr(png);
    out->data = realloc(out->data, out->length + n);
    assert_non_null(out->data);
    memcpy(out->data + out->length, data, n);
    out->length += n;
}

/* Freed by free(data), as all bytes here. */
static inline struct bytes check_png(const struct check_png *x)
{
    struct bytes out = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &out, check_png_write, NULL);
    png_set_IHDR(png, info, x->width, x->height, x->depth, x->type, x->interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (x->colours)
        png_set_PLTE(png, info, x->palette, x->colours);
    png_write_info(png, info);
    png_set_packing(png);
    const size_t row = x->width * (size_t)(x->depth == 16 ? 2 : 1) * png_get_channels(png, info);
    png_bytep rows[64] = {0};
    for (size_t i = 0; i < x->height && i < 64; i++)
        rows[i] = (png_bytep)(uintptr_t)x->samples + i * row;
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return out;
}

/* Grey of 2 x 2 pixels. */
static inline struct bytes check_grey(const char *samples)
{
    const struct check_png x = {2, 2, PNG_COLOR_TYPE_GRAY, 8, samples, {{0}}, 0, 0};
    return check_png(&x);
}

/* Pixels of one of turbojpeg's formats. */
static inline struct bytes check_jpeg(const unsigned char *pixels, int width, int height,
                                      int format, int flags)
{
    unsigned char *data = NULL;
    unsigned long n = 0;
    tjhandle tj = tjInitCompress();
    assert_int_equal(tjCompress2(tj, pixels, width, 0, height, format, &data, &n,
                                 format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_444, 100, flags),
                     0);
    tjDestroy(tj);
    struct bytes out = {malloc(n), n};
    memcpy(out.data, data, n);
    tjFree(data);
    return out;
}

/* With `n` bytes put in at `at`. */
static inline void check_insert(struct bytes *x, size_t at, const void *p, size_t n)
{
    x->data = realloc(x->data, x->length + n);
    assert_non_null(x->data);
    memmove(x->data + at + n, x->data + at, x->length - at);
    memcpy(x->data + at, p, n);
    x->length += n;
}

/* The file of this name in the test's folder, with the folders above it; frees the bytes. */
static inline void check_put(const char *name, struct bytes x)
{
    char path[256];
    snprintf(path, sizeof path, "%s", check_path(name));
    for (char *at = strchr(path + strlen(check_folder) + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(path, 0777);
        *at = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(x.data, 1, x.length, f), x.length);
    assert_int_equal(fclose(f), 0);
    free(x.data);
}

static inline struct bytes check_text(const char *s)
{
    return (struct bytes){(unsigned char *)strdup(s), strlen(s)};
}
