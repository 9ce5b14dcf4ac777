/* family.c: families from what a user has: a formula, CSVs, folders or zips of images, arrays. */
#include "task/family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "task/reading.h"
#include "task/tables.h"
#include "task/vocabulary.h"

static const char builtin_prefix[] = "builtin:", builtin_tables[] = "builtin:tables";

static const double usual_real_part = 0.7;

static t2m_status open_builtin(t2m_family *f, const char *path)
{
    if (strcmp(path, builtin_tables) == 0) {
        f->kind = FAMILY_TABLES;
        f->prior = true;
        f->real_part = usual_real_part;
        f->fingerprint = hash_bytes(f->fingerprint, path, strlen(path));
        return T2M_OK;
    }
    f->kind = FAMILY_REGRESSION;
    f->builtin = builtin_find(path + sizeof builtin_prefix - 1);
    if (!f->builtin) {
        char names[128];
        builtin_names(names);
        return refuse(f->lib, T2M_EUSAGE, "unknown family '%.60s'; there are %s", path, names);
    }
    f->fingerprint = hash_bytes(0, path, strlen(path));
    f->features = 1;
    f->feature_names = mem_new(f->lib, 1, sizeof *f->feature_names);
    f->target = mem_text(f->lib, "y");
    if (!f->feature_names || !f->target || !(f->feature_names[0] = mem_text(f->lib, "x")))
        return T2M_ENOMEM;
    return T2M_OK;
}

/* Mean and scale (standard deviation, or 1) of a column. */
static void measure(const struct t2m_family *f, size_t column, double *mean, double *scale)
{
    double sum = 0, squares = 0, n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < f->tasks; i++)
            for (size_t r = 0; r < f->task[i].rows; r++) {
                const double v =
                    column < f->features ? f->task[i].x[r * f->features + column] : f->task[i].y[r];
                if (pass == 0) {
                    sum += v;
                    n++;
                } else {
                    squares += (v - sum / n) * (v - sum / n);
                }
            }
    *mean = n > 0 ? sum / n : 0;
    *scale = n > 1 && squares > 0 ? sqrt(squares / n) : 1;
}

t2m_status family_measure(struct t2m_family *f)
{
    f->x_mean = mem_new(f->lib, f->features, sizeof *f->x_mean);
    f->x_scale = mem_new(f->lib, f->features, sizeof *f->x_scale);
    if (!f->x_mean || !f->x_scale)
        return T2M_ENOMEM;
    f->y_scale = 1;
    for (size_t j = 0; j < f->features; j++)
        f->x_scale[j] = 1;
    for (size_t j = 0; j < f->features && !f->builtin; j++)
        measure(f, j, &f->x_mean[j], &f->x_scale[j]);
    if (!f->builtin)
        measure(f, f->features, &f->y_mean, &f->y_scale);
    return T2M_OK;
}

struct example_class *family_class(struct t2m_family *f, const char *name, size_t from)
{
    for (size_t i = f->classes; i-- > from;)
        if (strcmp(f->class[i].name, name) == 0)
            return &f->class[i];
    struct example_class *all = mem_resize(f->lib, f->class, f->classes + 1, sizeof *all);
    if (!all)
        return NULL;
    f->class = all;
    all[f->classes] = (struct example_class){.name = mem_text(f->lib, name)};
    return all[f->classes].name ? &all[f->classes++] : NULL;
}

/* Room for one more example of the class in all[count, size], which doubles when it is full. */
static bool grow(struct t2m_family *f, const struct example_class *c, void **all, size_t size)
{
    if ((c->count & (c->count - 1)) != 0)
        return true;
    void *larger = mem_resize(f->lib, *all, c->count ? 2 * c->count : 1, size);
    *all = larger ? larger : *all;
    return larger;
}

unsigned char *family_picture(struct t2m_family *f, struct example_class *c)
{
    const size_t size = episode_input_size(f);
    void *all = c->pixels;
    const bool grown = grow(f, c, &all, size);
    c->pixels = all;
    return grown ? c->pixels + c->count++ * size : NULL;
}

float *family_vector(struct t2m_family *f, struct example_class *c)
{
    const size_t size = episode_input_size(f);
    void *all = c->vector;
    const bool grown = grow(f, c, &all, size * sizeof *c->vector);
    c->vector = all;
    return grown ? c->vector + c->count++ * size : NULL;
}

static t2m_status open_one(t2m_family *f, const char *path, const struct family_options *o)
{
    if (strncmp(path, builtin_prefix, sizeof builtin_prefix - 1) == 0)
        return open_builtin(f, path);
    return family_read(f, path, o);
}

t2m_status family_open(t2m *lib, t2m_family **out, const char *const *paths, size_t n,
                       const struct family_options *options)
{
    struct family_options mine = *options, *const o = &mine;
    for (size_t i = 0; i < n; i++) /* others are joined to it */
        mine.tables = mine.tables || strcmp(paths[i], builtin_tables) == 0;
    if (n == 0)
        return refuse(lib, T2M_EUSAGE, "no family was given");
    if (!mine.tables && (mine.ignored || mine.classes != -1))
        return refuse(lib, T2M_EUSAGE,
                      "'%.200s' is no family of tables: only of those columns can be ignored, and "
                      "classes or values asked for",
                      paths[0]);
    t2m_family *f = mem_new(lib, 1, sizeof *f);
    if (!f)
        return T2M_ENOMEM;
    f->lib = lib;
    f->name = mem_text(lib, paths[0]);
    t2m_status status = f->name ? T2M_OK : T2M_ENOMEM;
    for (size_t i = 0; i < n && status == T2M_OK; i++) {
        status = open_one(f, paths[i], o);
        if (status == T2M_OK && f->builtin && n > 1)
            status =
                refuse(lib, T2M_EUSAGE, "'%.60s' cannot be joined with other families", paths[i]);
    }
    if (status == T2M_OK && o->rotations)
        status = family_rotate(f);
    if (status == T2M_OK)
        status = f->kind == FAMILY_REGRESSION ? family_measure(f) : T2M_OK;
    if (status == T2M_OK)
        *out = f;
    else
        t2m_family_free(f);
    return status;
}

void t2m_family_free(t2m_family *f)
{
    if (!f)
        return;
    t2m *lib = f->lib;
    for (size_t i = 0; i < f->tasks; i++) {
        mem_free(lib, f->task[i].name);
        mem_free(lib, f->task[i].x);
        mem_free(lib, f->task[i].y);
    }
    for (size_t i = 0; i < f->tables; i++)
        data_table_clear(lib, &f->table[i]);
    mem_free(lib, f->table);
    for (size_t i = 0; i < f->classes; i++) {
        mem_free(lib, f->class[i].name);
        mem_free(lib, f->class[i].pixels);
        mem_free(lib, f->class[i].vector);
        mem_free(lib, f->class[i].picture);
        for (size_t k = 0; f->class[i].text && k < f->class[i].count; k++)
            bag_clear(lib, &f->class[i].text[k]);
        mem_free(lib, f->class[i].text);
    }
    for (size_t i = 0; f->feature_names && i < f->features; i++)
        mem_free(lib, f->feature_names[i]);
    for (size_t i = 0; i < f->warnings; i++)
        mem_free(lib, f->warning[i]);
    void *const memory[] = {f->task,    f->class, f->feature_names, f->target, f->x_mean,
                            f->x_scale, f->name,  f->warning,       f->pixels, f->labels};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(lib, memory[i]);
    mem_free(lib, f);
}

const char *t2m_family_warning(const t2m_family *f, size_t i)
{
    return i < f->warnings ? f->warning[i] : NULL;
}

void t2m_family_describe(const t2m_family *f, t2m_family_info *out)
{
    *out = (t2m_family_info){.name = f->name,
                             .images = f->kind == FAMILY_IMAGES,
                             .texts = f->kind == FAMILY_TEXTS,
                             .masks = f->kind == FAMILY_MASKS,
                             .tasks = f->tasks,
                             .any_columns = f->kind == FAMILY_TABLES,
                             .tables = f->tables,
                             .endless = f->builtin || f->prior,
                             .features = f->features,
                             .classes = f->classes,
                             .domains = f->domains,
                             .height = f->height,
                             .width = f->width,
                             .channels = f->channels};
    for (size_t i = 0; i < f->classes; i++)
        out->examples += f->class[i].count;
    if (f->kind == FAMILY_MASKS)
        out->examples = f->pictures;
    for (size_t i = 0; i < f->tasks + f->classes; i++) { /* one of the two is 0 */
        const size_t n = f->tasks ? f->task[i].rows : f->class[i].count;
        out->fewest = i == 0 || n < out->fewest ? n : out->fewest;
    }
}
