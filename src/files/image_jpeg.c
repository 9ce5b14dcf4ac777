/* image_jpeg.c: JPEG by libjpeg-turbo: colours, grey or inks, upright as its EXIF says. */
#include <string.h>
#include <turbojpeg.h>

#include "files/image_reading.h"

enum { MAX_SCANS = 500 };

/* ---- orientation ---- */

struct exif { /* the TIFF block of an APP1 segment */
    const unsigned char *data;
    size_t length;
    bool little; /* its byte order */
};

/* A number of 2 or 4 bytes; 0 beyond the end. */
static size_t exif_number(const struct exif *e, size_t at, size_t bytes)
{
    size_t x = 0;
    if (at > e->length || bytes > e->length - at)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        x = x << 8 | e->data[at + (e->little ? bytes - 1 - i : i)];
    return x;
}

/* 1..8 as in EXIF 2.3, table 4 (tag 274); 1 if it is not told or the block is damaged: a picture
 * is not refused for it. */
static size_t exif_orientation(const struct exif *e)
{
    enum { TAG = 274, SHORT = 3, ENTRY = 12 };
    if (exif_number(e, 2, 2) != 42)
        return 1;
    const size_t first = exif_number(e, 4, 4), entries = exif_number(e, first, 2);
    for (size_t i = 0; i < entries; i++) {
        const size_t at = first + 2 + i * ENTRY;
        if (exif_number(e, at, 2) != TAG)
            continue;
        const size_t value = exif_number(e, at + 8, 2);
        return exif_number(e, at + 2, 2) == SHORT && value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}

/* Goes from marker to marker up to the first scan. */
static size_t orientation(const struct bytes *file)
{
    enum { APP1 = 0xE1, SCAN = 0xDA, HEAD = 4, NAME = 6 /* Exif, 0, 0 */ };
    const unsigned char *p = file->data;
    for (size_t at = 2; at + HEAD <= file->length && p[at] == 0xFF;) {
        const size_t marker = p[at + 1], length = (size_t)p[at + 2] << 8 | p[at + 3];
        if (marker == 0xFF) { /* a byte to fill up */
            at++;
            continue;
        }
        if (marker == SCAN || length < 2 || length > file->length - at - 2)
            break;
        const unsigned char *body = p + at + HEAD;
        if (marker == APP1 && length >= 2 + NAME + 8 && memcmp(body, "Exif\0", NAME) == 0) {
            const struct exif e = {body + NAME, length - 2 - NAME, body[NAME] == 'I'};
            return exif_orientation(&e);
        }
        at += 2 + length;
    }
    return 1;
}

/* Each of the eight is a swap of rows and columns, then of top and bottom, of left and right. */
static t2m_status turn(t2m *lib, size_t how, struct image *x)
{
    const bool swap = how >= 5, upside = how == 3 || how == 4 || how == 6 || how == 7,
               mirror = how == 2 || how == 3 || how == 7 || how == 8;
    const size_t height = swap ? x->width : x->height, width = swap ? x->height : x->width;
    if (how == 1)
        return T2M_OK;
    unsigned char *pixels = mem_new(lib, width * height, x->channels), *to = pixels;
    if (!pixels)
        return T2M_ENOMEM;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++, to += x->channels) {
            const size_t a = swap ? j : i, b = swap ? i : j;
            const size_t row = upside ? x->height - 1 - a : a,
                         column = mirror ? x->width - 1 - b : b;
            memcpy(to, x->pixels + (row * x->width + column) * x->channels, x->channels);
        }
    mem_free(lib, x->pixels);
    *x = (struct image){width, height, x->channels, pixels};
    return T2M_OK;
}

/* ---- pixels ---- */

/* A progressive file of many scans takes long for its size. */
static size_t count_scans(const struct bytes *file)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < file->length; i++)
        n += file->data[i] == 0xFF && file->data[i + 1] == 0xDA;
    return n;
}

/* Inks [n, 4] become colours [n, 3] in place. As Adobe writes them, and all do after it: 255 is no
 * ink. */
static void inks_to_colours(unsigned char *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            x[3 * i + c] = (unsigned char)((x[4 * i + c] * x[4 * i + 3] + 127) / 255);
}

static t2m_status read_pixels(t2m *lib, tjhandle tj, const struct bytes *file, const char *name,
                              struct image *out)
{
    int width = 0, height = 0, sampling = -1, colours = -1; /* a file of tables sets none */
    if (tjDecompressHeader3(tj, file->data, file->length, &width, &height, &sampling, &colours) !=
            0 ||
        width < 1 || height < 1 || colours < 0)
        return image_bad(lib, name, "the JPEG is damaged or cut off");
    TRY(image_check_size(lib, name, (size_t)width, (size_t)height));
    const bool inks = colours == TJCS_CMYK || colours == TJCS_YCCK;
    const size_t n = (size_t)width * (size_t)height, channels = colours == TJCS_GRAY ? 1 : 3;
    unsigned char *pixels = mem_new(lib, n, inks ? 4 : channels);
    if (!pixels)
        return T2M_ENOMEM;
    if (tjDecompress2(tj, file->data, file->length, pixels, width, 0, height,
                      inks            ? TJPF_CMYK
                      : channels == 1 ? TJPF_GRAY
                                      : TJPF_RGB,
                      TJFLAG_STOPONWARNING) != 0) {
        mem_free(lib, pixels);
        return image_bad(lib, name, "the JPEG is damaged or cut off");
    }
    if (inks)
        inks_to_colours(pixels, n);
    *out = (struct image){(size_t)width, (size_t)height, channels, pixels};
    return T2M_OK;
}

t2m_status image_read_jpeg(t2m *lib, const struct bytes *file, const char *name, struct image *out)
{
    struct image x = {0};
    if (count_scans(file) > MAX_SCANS)
        return image_bad(lib, name, "the JPEG has more than 500 scans");
    tjhandle tj = tjInitDecompress();
    if (!tj)
        return fail_memory(lib, 0);
    t2m_status status = read_pixels(lib, tj, file, name, &x);
    tjDestroy(tj);
    TRY(status);
    if ((status = turn(lib, orientation(file), &x)) == T2M_OK)
        *out = x;
    else
        mem_free(lib, x.pixels);
    return status;
}
