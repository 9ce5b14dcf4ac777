/* label.c: masks to ids, by the kind of their PNG. */
#include "files/label.h"

#include <stdlib.h>
#include <string.h>

#include "files/image_reading.h"

enum { WHITE = 0xFFFFFF, BLACK = 0, NONE = -1 };

struct labelling {
    t2m *lib;
    const char *name;
    const struct label_rules *rules;
    const struct raster *from;
    unsigned char *ids;
};

/* Packed values become a byte each, without any scaling. */
static void as_label(png_structp png, png_infop info)
{
    (void)info;
    png_set_packing(png);
    png_set_strip_alpha(png);
}

static uint32_t rgb_of(const unsigned char *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static int by_rgb(const void *p, const void *q)
{
    const uint32_t a = ((const struct label_colour *)p)->rgb,
                   b = ((const struct label_colour *)q)->rgb;
    return (a > b) - (a < b);
}

/* The id of a listed colour, or NONE. */
static int listed(const struct label_rules *rules, uint32_t rgb)
{
    const struct label_colour key = {.rgb = rgb}, *found = NULL;
    if (rules->colours)
        found = bsearch(&key, rules->colour, rules->colours, sizeof key, by_rgb);
    return found ? found->id : NONE;
}

/* Also of white and black where they are not listed. */
static int id_of(const struct label_rules *rules, uint32_t rgb)
{
    const int id = listed(rules, rgb);
    return id != NONE ? id : rgb == WHITE ? LABEL_IGNORE : rgb == BLACK ? 0 : NONE;
}

/* ---- grey ---- */

static t2m_status grey(struct labelling *l)
{
    const struct raster *r = l->from;
    const size_t n = r->width * r->height;
    if (r->bytes == 1) {
        memcpy(l->ids, r->samples, n);
        return T2M_OK;
    }
    for (size_t i = 0; i < n; i++) {
        const unsigned char *p = r->samples + 2 * i;
        if (p[0])
            return refuse(l->lib, T2M_EDATA,
                          "'%.200s': row %zu, column %zu: the value %d; ids are 0 to 255", l->name,
                          i / r->width + 1, i % r->width + 1, p[0] << 8 | p[1]);
        l->ids[i] = p[1];
    }
    return T2M_OK;
}

/* ---- palette ---- */

static uint32_t palette_rgb(const struct raster *r, size_t index)
{
    return index < r->colours ? rgb_of(r->colour[index]) : BLACK;
}

/* Whether the colours that occur are those of the rules: map[index] is the id then. */
static bool map_palette(const struct labelling *l, unsigned char map[256])
{
    bool used[256] = {false}, some = false;
    for (size_t i = 0; i < l->from->width * l->from->height; i++)
        used[l->from->samples[i]] = true;
    for (size_t i = 0; i < 256; i++) {
        if (!used[i])
            continue;
        const uint32_t rgb = palette_rgb(l->from, i);
        const int id = i < l->from->colours ? id_of(l->rules, rgb) : NONE;
        if (id == NONE)
            return false;
        some |= listed(l->rules, rgb) > 0;
        map[i] = (unsigned char)id;
    }
    return some;
}

static t2m_status palette(struct labelling *l)
{
    unsigned char map[256] = {0};
    const bool colours = map_palette(l, map);
    for (size_t i = 0; i < l->from->width * l->from->height; i++)
        l->ids[i] = colours ? map[l->from->samples[i]] : l->from->samples[i];
    return T2M_OK;
}

/* ---- colours ---- */

static t2m_status bad_colour(const struct labelling *l, size_t i, uint32_t rgb)
{
    return refuse(l->lib, T2M_EDATA, "'%.200s': row %zu, column %zu: the colour #%06x %s", l->name,
                  i / l->from->width + 1, i % l->from->width + 1, (unsigned)rgb,
                  l->rules->colours
                      ? "is not in classes.csv; list it there, or save the mask without smoothing"
                      : "has no class; give classes.csv a column 'color' (#rrggbb), or save ids as "
                        "grey PNG");
}

static t2m_status colours(struct labelling *l)
{
    const struct raster *r = l->from;
    uint32_t last = BLACK;
    int id = id_of(l->rules, last);
    if (r->bytes == 2)
        return image_bad(l->lib, l->name, "a mask in colours of 16 bits; save it with 8 bits");
    for (size_t i = 0; i < r->width * r->height; i++) {
        const unsigned char *p = r->samples + 3 * i;
        const uint32_t rgb = rgb_of(p);
        if (l->rules->colours == 0)
            id = p[0] == p[1] && p[1] == p[2] ? p[0] : NONE;
        else if (rgb != last)
            id = id_of(l->rules, rgb);
        if (id == NONE)
            return bad_colour(l, i, rgb);
        last = rgb;
        l->ids[i] = (unsigned char)id;
    }
    return T2M_OK;
}

/* ---- one class alone ---- */

/* Black is background, in a palette too; where it has no black, its first colour is. */
static t2m_status whole(struct labelling *l)
{
    const struct raster *r = l->from;
    const size_t size = r->channels * r->bytes;
    bool black = false;
    for (size_t i = 0; i < r->colours; i++)
        black |= palette_rgb(r, i) == BLACK;
    for (size_t i = 0; i < r->width * r->height; i++) {
        const unsigned char *p = r->samples + i * size;
        bool set = false;
        for (size_t k = 0; k < size; k++)
            set |= p[k] != 0;
        if (black)
            set = palette_rgb(r, p[0]) != BLACK;
        l->ids[i] = set ? l->rules->whole : 0;
    }
    return T2M_OK;
}

/* ---- all ---- */

static t2m_status to_ids(struct labelling *l)
{
    if (l->rules->whole)
        return whole(l);
    if (l->from->colours)
        return palette(l);
    return l->from->channels == 1 ? grey(l) : colours(l);
}

t2m_status label_decode(t2m *lib, const struct bytes *file, const char *name,
                        const struct label_rules *rules, struct label *out)
{
    struct raster r;
    if (file->length == 0)
        return image_bad(lib, name, "the file is empty");
    if (image_is_jpeg(file))
        return image_bad(lib, name, "a mask as JPEG, which blurs ids; save it as PNG");
    if (!image_is_png(file))
        return image_bad(lib, name, "the mask is not a PNG, whatever its name says");
    TRY(raster_read(lib, file, name, as_label, &r));
    struct labelling l = {lib, name, rules, &r, mem_new(lib, r.height, r.width)};
    const t2m_status status = l.ids ? to_ids(&l) : T2M_ENOMEM;
    mem_free(lib, r.samples);
    if (status == T2M_OK)
        *out = (struct label){r.width, r.height, l.ids};
    else
        mem_free(lib, l.ids);
    return status;
}
