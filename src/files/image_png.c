/* image_png.c: PNG by libpng, with our memory, our limits and its errors as sentences. */
#include <setjmp.h>
#include <string.h>

#include "files/image_reading.h"

enum { MAX_CHUNK = 8 << 20 };

struct png_reading {
    t2m *lib;
    const struct bytes *file;
    size_t at;
    const char *why;
    bool no_memory;
    png_structp png;
    png_infop info;
    void (*prepare)(png_structp png, png_infop info);
    png_bytep *rows;
    struct raster raster;
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

/* ---- the parts that may jump out ---- */

static void read_header(struct png_reading *r)
{
    png_set_user_limits(r->png, 1u << 30, 1u << 30); /* ours come next, with the sizes told */
    png_set_chunk_malloc_max(r->png, MAX_CHUNK);
    png_set_read_fn(r->png, r, on_read);
    png_read_info(r->png, r->info);
    r->raster.width = png_get_image_width(r->png, r->info);
    r->raster.height = png_get_image_height(r->png, r->info);
}

static void keep_palette(struct png_reading *r)
{
    png_colorp colour = NULL;
    int n = 0;
    if (png_get_color_type(r->png, r->info) != PNG_COLOR_TYPE_PALETTE ||
        !png_get_PLTE(r->png, r->info, &colour, &n))
        return;
    for (size_t i = 0; i < (size_t)n && i < 256; i++, r->raster.colours++) {
        r->raster.colour[i][0] = colour[i].red;
        r->raster.colour[i][1] = colour[i].green;
        r->raster.colour[i][2] = colour[i].blue;
    }
}

static void set_up(struct png_reading *r)
{
    r->prepare(r->png, r->info);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    keep_palette(r);
    r->raster.channels = png_get_channels(r->png, r->info);
    r->raster.bytes = png_get_bit_depth(r->png, r->info) == 16 ? 2 : 1;
}

static void read_body(struct png_reading *r)
{
    png_read_image(r->png, r->rows);
    png_read_end(r->png, NULL); /* a file without its end was cut off, whatever is missing */
}

/* The only place with a jump: `part` may leave through on_error. */
static bool guarded(struct png_reading *r, void (*part)(struct png_reading *r))
{
    if (setjmp(png_jmpbuf(r->png)))
        return false;
    part(r);
    return true;
}

/* ---- all ---- */

static t2m_status fault(const struct png_reading *r, const char *name)
{
    return r->no_memory ? T2M_ENOMEM : image_bad(r->lib, name, r->why);
}

static t2m_status read_all(struct png_reading *r, const char *name)
{
    struct raster *x = &r->raster;
    if (!guarded(r, read_header))
        return fault(r, name);
    TRY(image_check_size(r->lib, name, x->width, x->height));
    if (!guarded(r, set_up))
        return fault(r, name);
    const size_t row = x->width * x->channels * x->bytes;
    if (png_get_rowbytes(r->png, r->info) != row)
        return image_bad(r->lib, name, "this kind of PNG is not supported");
    x->samples = mem_new(r->lib, x->height, row);
    r->rows = mem_new(r->lib, x->height, sizeof *r->rows);
    if (!x->samples || !r->rows)
        return T2M_ENOMEM;
    for (size_t i = 0; i < x->height; i++)
        r->rows[i] = x->samples + i * row;
    return guarded(r, read_body) ? T2M_OK : fault(r, name);
}

t2m_status raster_read(t2m *lib, const struct bytes *file, const char *name,
                       void (*prepare)(png_structp png, png_infop info), struct raster *out)
{
    struct png_reading r = {.lib = lib, .file = file, .prepare = prepare};
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning, &r, on_malloc,
                                     on_free);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    const t2m_status status = r.info ? read_all(&r, name) : T2M_ENOMEM;
    if (r.png)
        png_destroy_read_struct(&r.png, &r.info, NULL);
    mem_free(lib, r.rows);
    if (status == T2M_OK)
        *out = r.raster;
    else
        mem_free(lib, r.raster.samples);
    return status;
}

/* ---- pictures ---- */

/* Any PNG becomes 8-bit grey or colour; alpha is laid on white. */
static void as_picture(png_structp png, png_infop info)
{
    static const png_color_16 white = {.red = 255, .green = 255, .blue = 255, .gray = 255};
    (void)info;
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_background(png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
}

t2m_status image_read_png(t2m *lib, const struct bytes *file, const char *name, struct image *out)
{
    struct raster r;
    TRY(raster_read(lib, file, name, as_picture, &r));
    if (r.bytes == 1 && (r.channels == 1 || r.channels == 3)) {
        *out = (struct image){r.width, r.height, r.channels, r.samples};
        return T2M_OK;
    }
    mem_free(lib, r.samples);
    return image_bad(lib, name, "this kind of PNG is not supported");
}
