/* reading.c: files into families: tables become regression tasks or tables of their own columns,
 * pictures become classes. */
#include "task/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "files/arrays.h"
#include "files/image.h"
#include "files/source.h"
#include "files/table.h"
#include "task/mask_family.h"
#include "task/tables.h"
#include "task/text_family.h"

enum { DEFAULT_SIDE = 28 };

static t2m_status mixed(struct t2m_family *f, enum family_kind kind, const char *name)
{
    if (f->kind != FAMILY_NONE && f->kind != kind)
        return refuse(f->lib, T2M_EDATA,
                      "'%.200s': pictures, masks, tables and texts do not make one family", name);
    f->kind = kind;
    return T2M_OK;
}

/* ---- tables ---- */

struct columns { /* which column of a table is what */
    const struct table *t;
    int64_t task, target;
    size_t *feature; /* [features] */
};

static t2m_status find_target(struct columns *c, const char *wanted)
{
    if (wanted) {
        c->target = table_column(c->t, wanted);
        return c->target >= 0 ? T2M_OK : table_no_column(c->t, wanted);
    }
    c->target = table_column(c->t, "target");
    for (int64_t i = (int64_t)c->t->columns - 1; i >= 0 && c->target < 0; i--)
        if (i != c->task)
            c->target = i;
    return c->target >= 0 ? T2M_OK : table_no_column(c->t, "target");
}

/* The first table says which columns there are; later ones must have the same names. */
static t2m_status name_features(struct t2m_family *f, const struct columns *c,
                                const struct family_options *o)
{
    const size_t room = o->features ? o->features : c->t->columns;
    f->feature_names = mem_new(f->lib, room, sizeof *f->feature_names);
    f->target = mem_text(f->lib, c->t->header[c->target]);
    if (!f->feature_names || !f->target)
        return T2M_ENOMEM;
    for (size_t i = 0; i < room; i++) {
        const bool feature = o->features || ((int64_t)i != c->task && (int64_t)i != c->target);
        if (!feature)
            continue;
        f->feature_names[f->features] =
            mem_text(f->lib, o->features ? o->feature_names[i] : c->t->header[i]);
        if (!f->feature_names[f->features])
            return T2M_ENOMEM;
        f->features++;
    }
    return f->features ? T2M_OK
                       : refuse(f->lib, T2M_EDATA, "%.160s: no column is left beside the target",
                                c->t->name);
}

static t2m_status find_features(struct t2m_family *f, struct columns *c)
{
    c->feature = mem_new(f->lib, f->features, sizeof *c->feature);
    if (!c->feature)
        return T2M_ENOMEM;
    for (size_t i = 0; i < f->features; i++) {
        const int64_t at = table_column(c->t, f->feature_names[i]);
        if (at < 0)
            return table_no_column(c->t, f->feature_names[i]);
        c->feature[i] = (size_t)at;
    }
    return T2M_OK;
}

static struct regression_task *task_named(struct t2m_family *f, const char *name, size_t from)
{
    for (size_t i = from; i < f->tasks; i++)
        if (strcmp(f->task[i].name, name) == 0)
            return &f->task[i];
    struct regression_task *all = mem_resize(f->lib, f->task, f->tasks + 1, sizeof *all);
    if (!all)
        return NULL;
    f->task = all;
    all[f->tasks] = (struct regression_task){.name = mem_text(f->lib, name)};
    return all[f->tasks].name ? &all[f->tasks++] : NULL;
}

static t2m_status add_row(struct t2m_family *f, const struct columns *c, size_t row,
                          struct regression_task *task)
{
    const size_t n = f->features;
    if ((task->rows & (task->rows - 1)) == 0) { /* room for twice as many */
        const size_t room = task->rows ? 2 * task->rows : 1;
        double *x = mem_resize(f->lib, task->x, room * n, sizeof *x);
        if (!x)
            return T2M_ENOMEM;
        task->x = x;
        double *y = mem_resize(f->lib, task->y, room, sizeof *y);
        if (!y)
            return T2M_ENOMEM;
        task->y = y;
    }
    for (size_t i = 0; i < n; i++)
        TRY(table_number(c->t, row, c->feature[i], &task->x[task->rows * n + i]));
    TRY(table_number(c->t, row, (size_t)c->target, &task->y[task->rows]));
    task->rows++;
    return T2M_OK;
}

static t2m_status read_table(struct t2m_family *f, const struct table *t, const char *name,
                             const struct family_options *o)
{
    struct columns c = {.t = t, .task = table_column(t, "task")};
    const size_t from = f->tasks;
    t2m_status status = find_target(&c, o->target);
    if (status == T2M_OK && !f->feature_names)
        status = name_features(f, &c, o);
    if (status == T2M_OK)
        status = find_features(f, &c);
    for (size_t row = 0; row < t->rows && status == T2M_OK; row++) {
        const char *task = c.task >= 0 ? t->cells[row * t->columns + (size_t)c.task] : name;
        struct regression_task *to = task_named(f, task, from);
        status = to ? add_row(f, &c, row, to) : T2M_ENOMEM;
    }
    mem_free(f->lib, c.feature);
    return status;
}

/* A table of its own columns, by rules of its own. */
static t2m_status add_data(struct t2m_family *f, const struct table *t, const char *name,
                           const struct family_options *o)
{
    const struct schema_options rules = {o->target, o->ignore, o->ignored, o->classes};
    struct data_table *all = mem_resize(f->lib, f->table, f->tables + 1, sizeof *all);
    if (!all)
        return T2M_ENOMEM;
    f->table = all;
    struct data_table *d = &all[f->tables];
    TRY(data_table_make(d, NULL, t, &rules));
    f->tables++;
    const size_t sizes[] = {d->rows, d->columns, d->classes};
    f->fingerprint = hash_bytes(f->fingerprint, sizes, sizeof sizes);
    f->fingerprint = hash_bytes(f->fingerprint, d->x, d->rows * d->columns * sizeof *d->x);
    f->fingerprint = hash_bytes(f->fingerprint, d->y, d->rows * sizeof *d->y);
    d->name = mem_text(f->lib, name);
    return d->name ? T2M_OK : T2M_ENOMEM;
}

static t2m_status add_table(struct t2m_family *f, const struct bytes *file, const char *name,
                            const struct family_options *o)
{
    struct table *t;
    TRY(mixed(f, o->tables ? FAMILY_TABLES : FAMILY_REGRESSION, name));
    TRY(table_parse(f->lib, file, name, &t));
    const t2m_status status = o->tables ? add_data(f, t, name, o) : read_table(f, t, name, o);
    table_free(t);
    if (o->tables) /* their numbers are in it already */
        return status;
    f->fingerprint = hash_bytes(f->fingerprint, file->data, file->length);
    if (status == T2M_OK && f->target)
        f->fingerprint = hash_bytes(f->fingerprint, f->target, strlen(f->target));
    return status;
}

/* ---- pictures ---- */

/* Domains are numbered by the folder above the class. */
static size_t domain_of(struct t2m_family *f, const char *class, size_t from)
{
    const char *slash = strrchr(class, '/');
    const size_t n = slash ? (size_t)(slash - class) : 0;
    for (size_t i = from; i < f->classes; i++) {
        const char *other = strrchr(f->class[i].name, '/');
        const size_t m = other ? (size_t)(other - f->class[i].name) : 0;
        if (f->class[i].count > 0 && m == n && strncmp(f->class[i].name, class, n) == 0)
            return f->class[i].domain;
    }
    return f->domains++;
}

static void set_sizes(struct t2m_family *f, const struct family_options *o, size_t channels)
{
    if (f->height)
        return;
    f->height = o->height ? o->height : DEFAULT_SIDE;
    f->width = o->width ? o->width : DEFAULT_SIDE;
    f->channels = o->channels ? o->channels : channels;
}

static t2m_status add_picture(struct t2m_family *f, const struct bytes *file, const char *name,
                              const struct family_options *o, size_t from)
{
    struct image image;
    char class[2048];
    const char *slash = strrchr(name, '/');
    TRY(mixed(f, FAMILY_IMAGES, name));
    if (!slash)
        return refuse(
            f->lib, T2M_EDATA,
            "'%.200s' lies in no class folder; put the pictures of each class in a folder "
            "of its own",
            name);
    snprintf(class, sizeof class, "%.*s", (int)(slash - name), name);
    TRY(image_decode(f->lib, file, name, &image));
    set_sizes(f, o, image.channels);
    struct example_class *c = family_class(f, class, from);
    if (c && c->count == 0)
        c->domain = domain_of(f, class, from);
    unsigned char *to = c ? family_picture(f, c) : NULL;
    if (to)
        image_bytes(&image, f->height, f->width, f->channels, to);
    f->fingerprint =
        hash_bytes(f->fingerprint, image.pixels, image.width * image.height * image.channels);
    f->fingerprint = hash_bytes(f->fingerprint, class, strlen(class));
    mem_free(f->lib, image.pixels);
    return to ? T2M_OK : T2M_ENOMEM;
}

/* ---- .npz ---- */

static t2m_status check_arrays(struct t2m_family *f, const struct array *images,
                               const struct array *labels, const struct array *domain,
                               const char *path)
{
    if (!images || !labels || images->rank < 3 || images->rank > 4 || images->type != ARRAY_U8 ||
        labels->rank != 1 || labels->dim[0] != images->dim[0] ||
        (domain && domain->count != labels->count) ||
        (images->rank == 4 && images->dim[3] != 1 && images->dim[3] != 3) || images->dim[1] < 1 ||
        images->dim[2] < 1)
        return refuse(f->lib, T2M_EDATA,
                      "'%.200s' needs images [n, h, w] or [n, h, w, channels] of bytes, labels [n] "
                      "and, if there is, domain [n]",
                      path);
    return T2M_OK;
}

static t2m_status add_arrays(struct t2m_family *f, const struct array_set *s, const char *path,
                             const struct family_options *o)
{
    const struct array *images = arrays_find(s, "images"), *labels = arrays_find(s, "labels"),
                       *domain = arrays_find(s, "domain");
    TRY(mixed(f, FAMILY_IMAGES, path));
    TRY(check_arrays(f, images, labels, domain, path));
    const size_t from = f->classes, height = (size_t)images->dim[1], width = (size_t)images->dim[2],
                 channels = images->rank == 4 ? (size_t)images->dim[3] : 1,
                 size = height * width * channels;
    set_sizes(f, o, channels);
    f->fingerprint = hash_bytes(f->fingerprint, images->data, images->count);
    for (size_t i = 0; i < labels->count; i++) {
        const double label[] = {array_at(labels, i), domain ? array_at(domain, i) : 0};
        f->fingerprint = hash_bytes(f->fingerprint, label, sizeof label);
    }
    for (size_t i = 0; i < labels->count; i++) {
        char name[64];
        if (domain)
            snprintf(name, sizeof name, "%.0f/%.0f", array_at(domain, i), array_at(labels, i));
        else
            snprintf(name, sizeof name, "%.0f", array_at(labels, i));
        struct example_class *c = family_class(f, name, from);
        if (c && c->count == 0)
            c->domain = domain_of(f, name, from);
        unsigned char *to = c ? family_picture(f, c) : NULL;
        const struct image x = {width, height, channels, (unsigned char *)images->data + i * size};
        if (!to)
            return T2M_ENOMEM;
        image_bytes(&x, f->height, f->width, f->channels, to);
    }
    return T2M_OK;
}

/* Characters are given as 1 = ink in arrays of 0 and 1: these fill the range of a byte. */
static void widen(const struct array_set *s)
{
    const struct array *images = arrays_find(s, "images");
    unsigned char *p = images && images->type == ARRAY_U8 ? images->data : NULL;
    unsigned largest = 0;
    for (size_t i = 0; p && i < images->count; i++)
        largest = p[i] > largest ? p[i] : largest;
    for (size_t i = 0; p && largest == 1 && i < images->count; i++)
        p[i] = p[i] ? 255 : 0;
}

/* ---- texts ---- */

static t2m_status add_texts(struct t2m_family *f, const char *path, const struct family_options *o)
{
    TRY(mixed(f, FAMILY_TEXTS, path));
    return family_add_texts(f, path, o);
}

static t2m_status add_masks(struct t2m_family *f, const char *path, const struct family_options *o)
{
    TRY(mixed(f, FAMILY_MASKS, path));
    return family_add_masks(f, path, o);
}

static bool is_table(const char *name)
{
    return text_ends(name, ".csv") || text_ends(name, ".tsv");
}

static bool ignored(const char *name)
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    return strcmp(base, "index.csv") == 0 || strncmp(base, "README", 6) == 0;
}

struct holding { /* what all files of a folder or .zip are, if it is this */
    bool texts, masks;
};

static t2m_status look_into(t2m *lib, const char *path, bool tables, struct holding *out)
{
    struct source *s;
    size_t texts = 0, others = 0;
    TRY(source_open(lib, path, &s));
    for (size_t i = 0; i < s->count; i++)
        if (!ignored(s->names[i])) {
            const bool text = text_file(s->names[i]) || (tables && is_table(s->names[i]));
            texts += text;
            others += !text;
        }
    *out = (struct holding){.texts = texts > 0 && others == 0, .masks = masks_recognise(s)};
    source_close(s);
    return T2M_OK;
}

/* ---- what is at a path ---- */

static t2m_status add_file(struct t2m_family *f, struct source *s, size_t i,
                           const struct family_options *o, size_t from)
{
    const char *name = s->names[i];
    struct bytes file;
    const bool table = is_table(name);
    const bool picture =
        text_ends(name, ".png") || text_ends(name, ".jpg") || text_ends(name, ".jpeg");
    if (ignored(name))
        return T2M_OK;
    if (!table && !picture)
        return refuse(f->lib, T2M_EDATA, "'%.160s/%.160s' is no .png, .jpg, .csv or .tsv", s->path,
                      name);
    TRY(source_read(s, i, &file));
    const t2m_status status =
        table ? add_table(f, &file, name, o) : add_picture(f, &file, name, o, from);
    mem_free(f->lib, file.data);
    return status;
}

static t2m_status read_source(struct t2m_family *f, const char *path,
                              const struct family_options *o)
{
    struct source *s;
    const size_t from = f->classes;
    TRY(source_open(f->lib, path, &s));
    t2m_status status = T2M_OK;
    for (size_t i = 0; i < s->count && status == T2M_OK; i++)
        status = add_file(f, s, i, o, from);
    source_close(s);
    if (status == T2M_OK && f->kind == FAMILY_NONE)
        status =
            refuse(f->lib, T2M_EDATA,
                   "'%.200s' is empty: expected pictures in class folders, images/ with masks/, "
                   "tables (.csv or .tsv), or texts (.jsonl, or a .txt for each class)",
                   path);
    return status;
}

t2m_status family_read(struct t2m_family *f, const char *path, const struct family_options *o)
{
    struct stat st;
    struct holding holds = {.texts = text_file(path) || (is_table(path) && o->texts)};
    const bool many = stat(path, &st) == 0 && (S_ISDIR(st.st_mode) || text_ends(path, ".zip"));
    if (many)
        TRY(look_into(f->lib, path, o->texts, &holds));
    if (holds.texts)
        return add_texts(f, path, o);
    if (holds.masks)
        return add_masks(f, path, o);
    if (many)
        return read_source(f, path, o);
    if (text_ends(path, ".npz")) {
        struct array_set s;
        TRY(arrays_parse(f->lib, path, &s));
        widen(&s);
        const t2m_status status = add_arrays(f, &s, path, o);
        arrays_clear(f->lib, &s);
        return status;
    }
    struct bytes file;
    TRY(store_read(f->lib, path, f->lib->memory_limit, &file));
    const t2m_status status =
        is_table(path)
            ? add_table(f, &file, path, o)
            : refuse(f->lib, T2M_EDATA,
                     "'%.200s' is no folder, .zip, .npz, .csv, .tsv, .jsonl or .txt", path);
    mem_free(f->lib, file.data);
    return status;
}

/* ---- rotations ---- */

static void turn(const unsigned char *x, size_t side, size_t channels, int quarter,
                 unsigned char *y)
{
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            const size_t from[4][2] = {
                {i, j}, {j, side - 1 - i}, {side - 1 - i, side - 1 - j}, {side - 1 - j, i}};
            memcpy(y + (i * side + j) * channels,
                   x + (from[quarter][0] * side + from[quarter][1]) * channels, channels);
        }
}

t2m_status family_rotate(struct t2m_family *f)
{
    const size_t classes = f->classes, size = f->height * f->width * f->channels;
    if (f->kind != FAMILY_IMAGES || f->height != f->width)
        return refuse(f->lib, T2M_EUSAGE,
                      "--rotations is for square pictures of classes; leave it out");
    struct example_class *all = mem_resize(f->lib, f->class, 4 * classes, sizeof *all);
    if (!all)
        return T2M_ENOMEM;
    f->class = all;
    f->fingerprint = hash_bytes(f->fingerprint, "turned", 6);
    for (size_t i = classes; i < 4 * classes; i++) {
        const struct example_class *from = &all[i % classes];
        char name[2100];
        const int quarter = (int)(i / classes);
        snprintf(name, sizeof name, "%.2048s turned by %d", from->name, 90 * quarter);
        all[i] = (struct example_class){.name = mem_text(f->lib, name),
                                        .domain = from->domain,
                                        .pixels = mem_new(f->lib, from->count, size)};
        f->classes++;
        if (!all[i].name || !all[i].pixels)
            return T2M_ENOMEM;
        all[i].count = from->count;
        for (size_t k = 0; k < from->count; k++)
            turn(from->pixels + k * size, f->height, f->channels, quarter,
                 all[i].pixels + k * size);
    }
    return T2M_OK;
}
