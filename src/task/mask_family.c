/* mask_family.c: sets of pictures with masks become numbers in memory, and which pictures have
 * which class. Episodes of them are drawn in mask_episode.c. */
#include "task/mask_family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

/* ---- pictures ---- */

/* Room for one picture more, doubled when it is full. */
static t2m_status grow(struct t2m_family *f)
{
    const size_t n = f->pictures, room = n ? 2 * n : 1;
    if ((n & (n - 1)) != 0)
        return T2M_OK;
    unsigned char *pixels = mem_resize(f->lib, f->pixels, room, family_places(f) * f->channels);
    if (!pixels)
        return T2M_ENOMEM;
    f->pixels = pixels;
    unsigned char *labels = mem_resize(f->lib, f->labels, room, family_places(f));
    if (!labels)
        return T2M_ENOMEM;
    f->labels = labels;
    return T2M_OK;
}

/* The label in the middle of each new pixel. */
static void scale_labels(const struct t2m_family *f, const unsigned char *from,
                         const struct image *size, unsigned char *to)
{
    for (size_t i = 0; i < f->height; i++)
        for (size_t j = 0; j < f->width; j++)
            *to++ = from[(2 * i + 1) * size->height / (2 * f->height) * size->width +
                         (2 * j + 1) * size->width / (2 * f->width)];
}

static t2m_status add_pair(struct t2m_family *f, struct masks *m, size_t i)
{
    struct image picture;
    unsigned char *label;
    TRY(masks_read(m, i, &picture, &label));
    const t2m_status status = grow(f);
    if (status == T2M_OK) {
        const size_t n = picture.width * picture.height;
        image_bytes_as(&picture, f->height, f->width, f->channels,
                       f->pixels + f->pictures * family_places(f) * f->channels);
        scale_labels(f, label, &picture, f->labels + f->pictures * family_places(f));
        f->fingerprint = hash_bytes(f->fingerprint, picture.pixels, n * picture.channels);
        f->fingerprint = hash_bytes(f->fingerprint, label, n);
        f->pictures++;
    }
    mem_free(f->lib, picture.pixels);
    mem_free(f->lib, label);
    return status;
}

/* ---- classes ---- */

struct census { /* of the pictures [first, f->pictures) of a domain */
    size_t first;
    size_t *only;     /* [pictures] the class whose folder it is in, or SIZE_MAX */
    uint32_t *pixels; /* [pictures, 256] how often each label is there */
};

static void count_labels(const struct t2m_family *f, const struct census *c)
{
    for (size_t i = c->first; i < f->pictures; i++)
        for (size_t k = 0; k < family_places(f); k++)
            c->pixels[(i - c->first) * 256 + f->labels[i * family_places(f) + k]]++;
}

static bool occurs(const struct t2m_family *f, const struct census *c, size_t id)
{
    for (size_t i = 0; i < f->pictures - c->first; i++)
        if (c->pixels[i * 256 + id])
            return true;
    return false;
}

/* Pixels of class number `class` in picture i of the domain. */
static uint32_t pixels_of(const struct census *c, size_t i, size_t class, size_t id)
{
    return c->only[i] == SIZE_MAX || c->only[i] == class ? c->pixels[i * 256 + id] : 0;
}

/* Masks of black and white are drawn as 0 and 255: white is the class then. */
static void white_is_one(struct t2m_family *f, const struct census *c)
{
    for (size_t id = 1; id < MASK_IGNORE; id++)
        if (occurs(f, c, id))
            return;
    for (size_t i = c->first * family_places(f); i < f->pictures * family_places(f); i++)
        f->labels[i] = f->labels[i] == MASK_IGNORE;
    memset(c->pixels, 0, (f->pictures - c->first) * 256 * sizeof *c->pixels);
    count_labels(f, c);
}

static int by_size(const void *p, const void *q)
{
    const uint32_t a = *(const uint32_t *)p, b = *(const uint32_t *)q;
    return (a > b) - (a < b);
}

struct sought { /* a class: its number in the set's list, its id */
    size_t class, id;
};

/* Fewest pixels with which a picture counts. */
static t2m_status fewest_pixels(const struct t2m_family *f, const struct census *c,
                                const struct sought *what, uint32_t *out)
{
    uint32_t *sizes = mem_new(f->lib, f->pictures - c->first, sizeof *sizes);
    size_t n = 0;
    if (!sizes)
        return T2M_ENOMEM;
    for (size_t i = 0; i < f->pictures - c->first; i++)
        if (pixels_of(c, i, what->class, what->id))
            sizes[n++] = pixels_of(c, i, what->class, what->id);
    qsort(sizes, n, sizeof *sizes, by_size);
    const uint32_t fifth = n ? sizes[n / 2] / 5 : 0, most = (uint32_t)(family_places(f) / 200);
    *out = fifth < most ? fifth : most;
    *out = *out ? *out : 1;
    mem_free(f->lib, sizes);
    return T2M_OK;
}

static t2m_status add_class(struct t2m_family *f, const struct census *c, const struct sought *what,
                            const char *name)
{
    struct example_class *to = family_class(f, name, f->classes); /* a new one in any case */
    uint32_t fewest = 0;
    if (!to)
        return T2M_ENOMEM;
    to->domain = f->domains;
    to->id = (unsigned char)what->id;
    to->picture = mem_new(f->lib, f->pictures - c->first, sizeof *to->picture);
    if (!to->picture)
        return T2M_ENOMEM;
    TRY(fewest_pixels(f, c, what, &fewest));
    for (size_t i = 0; i < f->pictures - c->first; i++)
        if (pixels_of(c, i, what->class, what->id) >= fewest)
            to->picture[to->count++] = (uint32_t)(c->first + i);
    return T2M_OK;
}

/* Those of the list, or those that occur. */
static t2m_status add_classes(struct t2m_family *f, const struct masks *m, const struct census *c,
                              const char *split)
{
    size_t ids = 0;
    for (size_t id = 1; id < MASK_IGNORE && !m->classes; id++)
        ids += occurs(f, c, id);
    for (size_t i = 0; i < m->classes; i++) {
        if (!occurs(f, c, m->class[i].id))
            continue;
        TRY(add_class(f, c, &(struct sought){i, m->class[i].id}, m->class[i].name));
        f->class[f->classes - 1].left_out = split && strcmp(m->class[i].split, split) != 0;
    }
    for (size_t id = 1; id < MASK_IGNORE && !m->classes; id++) {
        char name[16];
        snprintf(name, sizeof name, "%zu", id);
        if (occurs(f, c, id))
            TRY(add_class(f, c, &(struct sought){SIZE_MAX, id}, ids == 1 ? "foreground" : name));
    }
    return T2M_OK;
}

/* ---- a set ---- */

static t2m_status add_domain(struct t2m_family *f, struct masks *m, size_t domain,
                             const char *split)
{
    struct census c = {.first = f->pictures, .only = mem_new(f->lib, m->pairs, sizeof *c.only)};
    t2m_status status = c.only ? T2M_OK : T2M_ENOMEM;
    for (size_t i = 0; i < m->pairs && status == T2M_OK; i++)
        if (m->pair[i].domain == domain) {
            c.only[f->pictures - c.first] = m->pair[i].class;
            status = add_pair(f, m, i);
        }
    c.pixels = mem_new(f->lib, (f->pictures - c.first) * 256, sizeof *c.pixels);
    if (status == T2M_OK && !c.pixels)
        status = T2M_ENOMEM;
    if (status == T2M_OK) {
        count_labels(f, &c);
        if (!m->listed && m->classes == 0)
            white_is_one(f, &c);
        status = add_classes(f, m, &c, split);
    }
    mem_free(f->lib, c.only);
    mem_free(f->lib, c.pixels);
    f->domains++;
    return status;
}

bool t2m_holds_masks(t2m *lib, const char *path)
{
    struct stat st;
    struct source *s;
    const bool many = stat(path, &st) == 0 && (S_ISDIR(st.st_mode) || text_ends(path, ".zip"));
    if (!many || source_open(lib, path, &s) != T2M_OK)
        return false;
    const bool holds = masks_recognise(s);
    source_close(s);
    return holds;
}

t2m_status family_add_masks(struct t2m_family *f, const char *path, const struct family_options *o)
{
    struct masks *m;
    const size_t first = f->classes;
    if (!f->height) {
        f->height = o->height ? o->height : MASK_SIDE;
        f->width = o->width ? o->width : MASK_SIDE;
        f->channels = o->channels ? o->channels : 3;
    }
    TRY(masks_open(f->lib, &m, path));
    t2m_status status = T2M_OK;
    for (size_t d = 0; d < m->domains && status == T2M_OK; d++)
        status = add_domain(f, m, d, o->split);
    masks_close(m);
    size_t tasks = 0;
    for (size_t i = first; i < f->classes; i++)
        tasks += !f->class[i].left_out;
    if (status == T2M_OK && tasks == 0)
        status = refuse(f->lib, T2M_EDATA, "'%.200s': no mask has a pixel of a class%s%.60s%s",
                        path, o->split ? " of the split '" : "", o->split ? o->split : "",
                        o->split ? "'" : "");
    return status;
}
