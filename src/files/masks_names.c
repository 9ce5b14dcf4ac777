/* masks_names.c: what the names in a source say: pictures, masks, their domains and classes. */
#include <string.h>

#include "base/text.h"
#include "files/masks_reading.h"

static size_t base_at(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? (size_t)(slash - name) + 1 : 0;
}

static bool is_jpeg(const char *name)
{
    return text_ends(name, ".jpg") || text_ends(name, ".jpeg");
}

static bool is_picture(const char *name)
{
    return is_jpeg(name) || text_ends(name, ".png");
}

static bool left_out(const char *base)
{
    return strncmp(base, "README", 6) == 0 || strncmp(base, "LICENSE", 7) == 0 || base[0] == '.';
}

/* Length of the name up to its ending. */
static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name + base_at(name), '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static bool part_is(const char *name, struct span part, const char *what)
{
    return part.length == strlen(what) && strncmp(name + part.at, what, part.length) == 0;
}

/* The innermost folder images or masks; its length is 0 if there is none. */
static struct span kind_folder(const char *name)
{
    struct span found = {0};
    for (size_t at = 0; strchr(name + at, '/');) {
        const struct span part = {at, strcspn(name + at, "/")};
        if (part_is(name, part, "images") || part_is(name, part, "masks"))
            found = part;
        at += part.length + 1;
    }
    return found;
}

/* ---- the form ---- */

struct name_counts {
    size_t pictures, pairs; /* pairs: NAME.jpg and NAME.png beside each other */
    bool images, masks;     /* folders of these names */
};

static bool paired(const char *a, const char *b)
{
    const size_t n = stem_length(a);
    return (is_jpeg(a) ? text_ends(b, ".png") : text_ends(a, ".png") && is_jpeg(b)) &&
           stem_length(b) == n && strncmp(a, b, n) == 0;
}

static struct name_counts count(const struct source *s)
{
    struct name_counts c = {0};
    for (size_t i = 0; i < s->count; i++) {
        const struct span kind = kind_folder(s->names[i]);
        if (!is_picture(s->names[i]))
            continue;
        c.pictures++;
        c.images |= part_is(s->names[i], kind, "images");
        c.masks |= part_is(s->names[i], kind, "masks");
        c.pairs += i > 0 && paired(s->names[i - 1], s->names[i]);
    }
    return c;
}

bool masks_recognise(const struct source *s)
{
    const struct name_counts c = count(s);
    return (c.images && c.masks) || (c.pairs > 0 && 4 * c.pairs >= c.pictures);
}

enum mask_form mask_form_of(const struct source *s)
{
    const struct name_counts c = count(s);
    if (c.images && c.masks)
        return MASKS_FOLDERS;
    return c.pairs == 0 && (c.images || c.masks) ? MASKS_FOLDERS : MASKS_CLASSES;
}

/* ---- one name ---- */

static struct span before(size_t at)
{
    return (struct span){0, at > 0 ? at - 1 : 0};
}

static void in_folders(const char *name, struct mask_member *m)
{
    const struct span kind = kind_folder(name);
    if (kind.length == 0)
        return;
    const size_t stem = kind.at + kind.length + 1;
    m->domain = m->folder = before(kind.at);
    m->stem = (struct span){stem, stem_length(name) - stem};
    m->role = part_is(name, kind, "images") ? MASK_IS_PICTURE : MASK_IS_MASK;
}

static void in_classes(const char *name, struct mask_member *m)
{
    const size_t base = base_at(name);
    m->folder = before(base);
    m->stem = (struct span){base, stem_length(name) - base};
    m->role = is_jpeg(name) ? MASK_IS_PICTURE : MASK_IS_MASK;
    for (size_t i = 0; i < m->folder.length; i++)
        if (name[i] == '/')
            m->class.at = i + 1;
    m->class.length = m->folder.length - m->class.at;
    m->domain = before(m->class.at);
}

struct mask_member mask_member_of(const char *name, enum mask_form form)
{
    struct mask_member m = {.role = MASK_OTHER};
    const char *base = name + base_at(name);
    if (strcmp(base, "classes.csv") == 0)
        m.role = MASK_IS_LIST;
    else if (left_out(base))
        m.role = MASK_OF_NONE;
    else if (is_picture(name) && form == MASKS_FOLDERS)
        in_folders(name, &m);
    else if (is_picture(name))
        in_classes(name, &m);
    return m;
}
