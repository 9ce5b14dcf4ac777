/* masks.c: pictures and their masks found for each other by name, the classes of the set, and one
 * pair at a time as pixels and ids. Everything lives in one arena. */
#include "files/masks.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/masks_reading.h"

enum { IDS = 254 }; /* 1..254 */

struct masks_impl {
    struct arena arena;
    struct source *source;
    enum mask_form form;
    struct words domains;
    size_t *image, *mask;  /* [pairs] numbers in the source */
    struct mask_list list; /* if listed */
    bool known[256];       /* ids that a mask may have */
};

static struct masks_impl *impl_of(const struct masks *m)
{
    return m->impl;
}

static t2m_status bad_member(const struct masks *m, const char *name, const char *why)
{
    return refuse(m->lib, T2M_EDATA, "'%.160s/%.120s': %s", m->path, name, why);
}

/* ---- pairs ---- */

struct pairing { /* keys of pictures and of masks, and which file of the source each is */
    struct masks *m;
    struct words pictures, masks, classes;
    size_t *picture_at, *mask_at;
};

static char *span_text(struct masks *m, const char *name, struct span s)
{
    char *copy = arena_new(&impl_of(m)->arena, s.length + 1, 1);
    if (copy)
        memcpy(copy, name + s.at, s.length);
    return copy;
}

/* The same text for a picture and its mask. A newline, which no name has, keeps folder and stem
 * apart. */
static const char *key_of(struct masks *m, const char *name, const struct mask_member *x)
{
    char *key = arena_new(&impl_of(m)->arena, x->folder.length + x->stem.length + 2, 1);
    if (!key)
        return NULL;
    memcpy(key, name + x->folder.at, x->folder.length);
    key[x->folder.length] = '\n';
    memcpy(key + x->folder.length + 1, name + x->stem.at, x->stem.length);
    return key;
}

static t2m_status add_member(struct pairing *p, size_t i, const struct mask_member *x)
{
    struct masks *m = p->m;
    const char *name = impl_of(m)->source->names[i], *key = key_of(m, name, x);
    const bool picture = x->role == MASK_IS_PICTURE;
    struct words *keys = picture ? &p->pictures : &p->masks;
    size_t *at = picture ? p->picture_at : p->mask_at;
    const size_t before = keys->count, k = key ? words_add(keys, key) : SIZE_MAX;
    if (k == SIZE_MAX)
        return T2M_ENOMEM;
    if (k < before)
        return refuse(m->lib, T2M_EDATA,
                      "'%.160s': '%.100s' and '%.100s' are two %s of one name; remove one", m->path,
                      impl_of(m)->source->names[at[k]], name, picture ? "pictures" : "masks");
    at[k] = i;
    return T2M_OK;
}

static t2m_status look_at(struct pairing *p, size_t i)
{
    const char *name = impl_of(p->m)->source->names[i];
    const struct mask_member x = mask_member_of(name, impl_of(p->m)->form);
    const bool folders = impl_of(p->m)->form == MASKS_FOLDERS;
    if (x.role == MASK_OF_NONE || x.role == MASK_IS_LIST)
        return T2M_OK;
    if (x.role == MASK_OTHER)
        return bad_member(p->m, name,
                          folders
                              ? "neither a picture (.png, .jpg) in images/ nor a mask (.png) in "
                                "masks/; move it out of the set"
                              : "neither a picture (.jpg) nor a mask (.png); move it out of "
                                "the set");
    if (x.role == MASK_IS_MASK && !text_ends(name, ".png"))
        return bad_member(p->m, name, "a mask as JPEG, which blurs ids; save it as PNG");
    if (!folders && x.class.length == 0)
        return bad_member(p->m, name,
                          "lies in no class folder; put pairs into a folder named as their class, "
                          "or into images/ and masks/");
    return add_member(p, i, &x);
}

static t2m_status make_pair(struct pairing *p, size_t k)
{
    struct masks *m = p->m;
    struct masks_impl *impl = m->impl;
    struct mask_pair *pair = &m->pair[k];
    const char *name = impl->source->names[p->picture_at[k]];
    const struct mask_member x = mask_member_of(name, impl->form);
    const size_t at = words_find(&p->masks, p->pictures.word[k]);
    if (at == SIZE_MAX)
        return bad_member(m, name,
                          impl->form == MASKS_FOLDERS
                              ? "a picture without a mask: masks/ has no .png of its name"
                              : "a picture without a mask: no .png of its name is beside it");
    impl->image[k] = p->picture_at[k];
    impl->mask[k] = p->mask_at[at];
    *pair = (struct mask_pair){name, impl->source->names[p->mask_at[at]], SIZE_MAX, 0};
    const char *domain = span_text(m, name, x.domain);
    if (!domain || (pair->domain = words_add(&impl->domains, domain)) == SIZE_MAX)
        return T2M_ENOMEM;
    if (impl->form == MASKS_FOLDERS)
        return T2M_OK;
    const char *class = span_text(m, name, x.class);
    return class && (pair->class = words_add(&p->classes, class)) != SIZE_MAX ? T2M_OK : T2M_ENOMEM;
}

static t2m_status find_lonely_masks(struct pairing *p)
{
    for (size_t k = 0; k < p->masks.count; k++)
        if (words_find(&p->pictures, p->masks.word[k]) == SIZE_MAX)
            return bad_member(p->m, impl_of(p->m)->source->names[p->mask_at[k]],
                              impl_of(p->m)->form == MASKS_FOLDERS
                                  ? "a mask without a picture: images/ has none of its name"
                                  : "a mask without a picture: no .jpg of its name is beside it");
    return T2M_OK;
}

static t2m_status find_pairs(struct pairing *p)
{
    struct masks *m = p->m;
    struct masks_impl *impl = m->impl;
    const size_t n = impl->source->count;
    p->picture_at = arena_new(&impl->arena, n, sizeof *p->picture_at);
    p->mask_at = arena_new(&impl->arena, n, sizeof *p->mask_at);
    if (!p->picture_at || !p->mask_at)
        return T2M_ENOMEM;
    for (size_t i = 0; i < n; i++)
        TRY(look_at(p, i));
    m->pairs = p->pictures.count;
    m->pair = arena_new(&impl->arena, m->pairs, sizeof *m->pair);
    impl->image = arena_new(&impl->arena, m->pairs, sizeof *impl->image);
    impl->mask = arena_new(&impl->arena, m->pairs, sizeof *impl->mask);
    if (!m->pair || !impl->image || !impl->mask)
        return T2M_ENOMEM;
    for (size_t k = 0; k < m->pairs; k++)
        TRY(make_pair(p, k));
    m->domains = impl->domains.count;
    m->domain = impl->domains.word;
    TRY(find_lonely_masks(p));
    return m->pairs ? T2M_OK
                    : refuse(m->lib, T2M_EDATA,
                             "'%.200s' has no pictures with masks: expected images/NAME.png with "
                             "masks/NAME.png, or class folders of NAME.jpg with NAME.png",
                             m->path);
}

/* ---- classes ---- */

static t2m_status read_list(struct masks *m, const struct bytes *file, const char *name)
{
    struct masks_impl *impl = m->impl;
    TRY(mask_list_read(&impl->arena, file, name, &impl->list));
    m->listed = true;
    m->classes = impl->list.classes;
    m->class = impl->list.class;
    for (size_t i = 0; i < m->classes; i++)
        impl->known[m->class[i].id] = true;
    return T2M_OK;
}

/* In the folder in which the source lies. */
static void path_beside(const char *source, struct text *out)
{
    size_t n = strlen(source);
    while (n > 1 && source[n - 1] == '/')
        n--;
    size_t base = n;
    while (base > 0 && source[base - 1] != '/')
        base--;
    const bool dots = (n - base == 1 && source[base] == '.') ||
                      (n - base == 2 && source[base] == '.' && source[base + 1] == '.');
    if (dots)
        text_add(out, "%.*s/../classes.csv", (int)n, source);
    else
        text_add(out, "%.*sclasses.csv", (int)base, source);
}

static t2m_status list_beside(struct masks *m)
{
    struct bytes file = {0};
    struct text path;
    text_init(&path, m->lib);
    path_beside(m->path, &path);
    t2m_status status = path.failed ? T2M_ENOMEM : T2M_OK;
    if (status == T2M_OK && store_exists(path.data)) {
        status = store_read(m->lib, path.data, m->lib->memory_limit, &file);
        if (status == T2M_OK)
            status = read_list(m, &file, path.data);
        mem_free(m->lib, file.data);
    }
    text_clear(&path);
    return status;
}

static t2m_status list_inside(struct masks *m, size_t i)
{
    struct source *s = impl_of(m)->source;
    struct bytes file;
    struct text name;
    TRY(source_read(s, i, &file));
    text_init(&name, m->lib);
    text_add(&name, "%s/%s", m->path, s->names[i]);
    const t2m_status status = name.failed ? T2M_ENOMEM : read_list(m, &file, name.data);
    text_clear(&name);
    mem_free(m->lib, file.data);
    return status;
}

static t2m_status find_list(struct masks *m)
{
    const struct source *s = impl_of(m)->source;
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < s->count; i++) {
        if (mask_member_of(s->names[i], impl_of(m)->form).role != MASK_IS_LIST)
            continue;
        if (found != SIZE_MAX)
            return refuse(m->lib, T2M_EDATA,
                          "'%.160s': '%.100s' and '%.100s' are two lists of classes; keep one, or "
                          "make two sets",
                          m->path, s->names[found], s->names[i]);
        found = i;
    }
    return found == SIZE_MAX ? list_beside(m) : list_inside(m, found);
}

static int by_name(const void *p, const void *q)
{
    return strcmp(((const struct mask_class *)p)->name, ((const struct mask_class *)q)->name);
}

static t2m_status classes_of_folders(struct masks *m, const struct words *folders)
{
    struct arena *a = &impl_of(m)->arena;
    char *none = arena_text(a, "");
    m->class = arena_new(a, folders->count, sizeof *m->class);
    if (!m->class || !none)
        return T2M_ENOMEM;
    m->classes = folders->count;
    for (size_t i = 0; i < m->classes; i++)
        if (!(m->class[i] = (struct mask_class){0, arena_text(a, folders->word[i]), none}).name)
            return T2M_ENOMEM;
    qsort(m->class, m->classes, sizeof *m->class, by_name);
    for (size_t i = 0; i < m->classes; i++)
        m->class[i].id = (unsigned)(i % IDS) + 1;
    return T2M_OK;
}

/* Pairs know the number of their folder; now it becomes that of the class of its name. */
static t2m_status number_folders(struct masks *m, const struct words *folders, struct words *names)
{
    for (size_t i = 0; i < m->classes; i++)
        if (words_add(names, m->class[i].name) == SIZE_MAX)
            return T2M_ENOMEM;
    for (size_t k = 0; k < m->pairs; k++) {
        const char *folder = folders->word[m->pair[k].class];
        m->pair[k].class = words_find(names, folder);
        if (m->pair[k].class == SIZE_MAX)
            return refuse(m->lib, T2M_EDATA,
                          "'%.160s': the folder '%.100s' names no class of %.160s; add it there or "
                          "rename it",
                          m->path, folder, impl_of(m)->list.name);
    }
    return T2M_OK;
}

static t2m_status find_classes(struct pairing *p)
{
    struct masks *m = p->m;
    TRY(find_list(m));
    if (impl_of(m)->form == MASKS_FOLDERS)
        return T2M_OK;
    if (!m->listed)
        TRY(classes_of_folders(m, &p->classes));
    struct words names;
    words_init(&names, m->lib);
    const t2m_status status = number_folders(m, &p->classes, &names);
    words_clear(&names);
    return status;
}

/* ---- all ---- */

static t2m_status open_all(struct masks *m)
{
    struct masks_impl *impl = m->impl;
    struct pairing p = {.m = m};
    TRY(source_open(m->lib, m->path, &impl->source));
    impl->form = mask_form_of(impl->source);
    words_init(&p.pictures, m->lib);
    words_init(&p.masks, m->lib);
    words_init(&p.classes, m->lib);
    t2m_status status = find_pairs(&p);
    if (status == T2M_OK)
        status = find_classes(&p);
    words_clear(&p.pictures);
    words_clear(&p.masks);
    words_clear(&p.classes);
    return status;
}

t2m_status masks_open(t2m *lib, struct masks **out, const char *path)
{
    struct masks *m = mem_new(lib, 1, sizeof *m);
    struct masks_impl *impl = mem_new(lib, 1, sizeof *impl);
    if (!m || !impl) {
        mem_free(lib, m);
        mem_free(lib, impl);
        return T2M_ENOMEM;
    }
    arena_init(&impl->arena, lib);
    words_init(&impl->domains, lib);
    *m = (struct masks){.lib = lib, .path = path, .impl = impl};
    const t2m_status status = open_all(m);
    if (status == T2M_OK)
        *out = m;
    else
        masks_close(m);
    return status;
}

void masks_close(struct masks *m)
{
    if (!m)
        return;
    t2m *lib = m->lib;
    struct masks_impl *impl = m->impl;
    source_close(impl->source);
    words_clear(&impl->domains);
    arena_clear(&impl->arena);
    mem_free(lib, impl);
    mem_free(lib, m);
}

/* ---- one pair ---- */

static t2m_status check_ids(const struct masks *m, const struct label *x, const char *name)
{
    const struct masks_impl *impl = m->impl;
    for (size_t i = 0; i < x->width * x->height; i++) {
        const unsigned char id = x->ids[i];
        if (id != 0 && id != MASK_IGNORE && !impl->known[id])
            return refuse(m->lib, T2M_EDATA,
                          "'%.200s': row %zu, column %zu: the id %d is not in %.120s; list it "
                          "there, or set such pixels to 0 or 255",
                          name, i / x->width + 1, i % x->width + 1, id, impl->list.name);
    }
    return T2M_OK;
}

static t2m_status check_label(const struct masks *m, const struct image *picture,
                              const struct label *x, const char *name)
{
    if (x->width != picture->width || x->height != picture->height)
        return refuse(m->lib, T2M_EDATA,
                      "'%.200s': the mask has %zu x %zu pixels, its picture %zu x %zu; save both "
                      "in one size",
                      name, x->width, x->height, picture->width, picture->height);
    return m->listed && impl_of(m)->form == MASKS_FOLDERS ? check_ids(m, x, name) : T2M_OK;
}

/* A file of the source, and what it is called in messages. */
static t2m_status read_member(struct masks *m, size_t i, struct bytes *file, struct text *name)
{
    struct source *s = impl_of(m)->source;
    text_init(name, m->lib);
    TRY(source_read(s, i, file));
    text_add(name, "%s/%s", m->path, s->names[i]);
    return name->failed ? T2M_ENOMEM : T2M_OK;
}

static t2m_status read_picture(struct masks *m, size_t i, struct image *out)
{
    struct bytes file = {0};
    struct text name;
    t2m_status status = read_member(m, impl_of(m)->image[i], &file, &name);
    if (status == T2M_OK)
        status = image_decode(m->lib, &file, name.data, out);
    text_clear(&name);
    mem_free(m->lib, file.data);
    return status;
}

static t2m_status read_label(struct masks *m, size_t i, const struct image *picture,
                             unsigned char **out)
{
    const struct masks_impl *impl = m->impl;
    const size_t class = m->pair[i].class;
    const struct label_rules rules = {
        .colour = impl->list.colour,
        .colours = impl->list.colours,
        .whole = class == SIZE_MAX ? 0 : (unsigned char)m->class[class].id};
    struct bytes file = {0};
    struct label x = {0};
    struct text name;
    t2m_status status = read_member(m, impl->mask[i], &file, &name);
    if (status == T2M_OK)
        status = label_decode(m->lib, &file, name.data, &rules, &x);
    if (status == T2M_OK)
        status = check_label(m, picture, &x, name.data);
    text_clear(&name);
    mem_free(m->lib, file.data);
    if (status == T2M_OK)
        *out = x.ids;
    else
        mem_free(m->lib, x.ids);
    return status;
}

t2m_status masks_read(struct masks *m, size_t i, struct image *picture, unsigned char **label)
{
    struct image x;
    if (i >= m->pairs)
        return refuse(m->lib, T2M_EUSAGE, "'%.200s' has %zu pictures, not %zu", m->path, m->pairs,
                      i + 1);
    TRY(read_picture(m, i, &x));
    const t2m_status status = read_label(m, i, &x, label);
    if (status == T2M_OK)
        *picture = x;
    else
        mem_free(m->lib, x.pixels);
    return status;
}

bool masks_only_white(const unsigned char *label, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (label[i] != 0 && label[i] != MASK_IGNORE)
            return false;
    return true;
}
