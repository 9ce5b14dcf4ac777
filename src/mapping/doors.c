/* doors.c: the public doors of families and tasks, where they meet learners. */
#include <stdio.h>
#include <string.h>

#include "files/image.h"
#include "files/texts.h"
#include "mapping/doors.h"
#include "mapping/text_build.h"
#include "task/mask_family.h"
#include "model/model.h"

static struct family_options options_for(const t2m_learner *l)
{
    if (!l || l->kind == FAMILY_TABLES)
        return (struct family_options){.classes = -1};
    const bool images = kind_has_classes(l->kind);
    const struct structure *s = learner_structure(l);
    return (struct family_options){.texts = l->kind == FAMILY_TEXTS,
                                   .vectors = l->encoder != 0,
                                   .height = images ? (size_t)s->height : 0,
                                   .width = images ? (size_t)s->width : 0,
                                   .channels = images ? (size_t)s->channels : 0,
                                   .features = images ? 0 : learner_input_size(l),
                                   .feature_names =
                                       images ? NULL : (const char *const *)l->feature_names,
                                   .target = images ? NULL : l->target,
                                   .classes = -1};
}

/* The learner's scales in the place of the family's own. */
static void take_scales(t2m_family *f, const t2m_learner *l)
{
    for (size_t i = 0; i < f->features; i++) {
        f->x_mean[i] = l->x_mean[i];
        f->x_scale[i] = l->x_scale[i];
    }
    f->y_mean = l->y_mean;
    f->y_scale = l->y_scale;
}

static t2m_status learner_encoder_check(const t2m_learner *l)
{
    const struct encoder_need need = {"learner", l->encoder, learner_input_size(l)};
    return encoder_check(l->lib, &need);
}

static t2m_status check_classes(t2m *lib, int classes)
{
    return classes >= -1 && classes <= 1
               ? T2M_OK
               : refuse(lib, T2M_EUSAGE, "classes is -1, 0 or 1, not %d", classes);
}

t2m_status t2m_family_open(t2m *lib, t2m_family **out, const char *const *paths, size_t n,
                           const t2m_family_options *options)
{
    const t2m_family_options defaults = T2M_FAMILY_OPTIONS_INIT, *o = options ? options : &defaults;
    struct family_options mine = options_for(o->learner);
    if (o->version != T2M_VERSION_1)
        return refuse(lib, T2M_EUSAGE, "unknown version %d of the options", o->version);
    TRY(check_classes(lib, o->classes));
    if (!o->learner)
        mine.vectors = lib->encoder.width > 0;
    else
        TRY(learner_encoder_check(o->learner));
    if (o->target)
        mine.target = o->target;
    if (o->image_size && !o->learner)
        mine.height = mine.width = o->image_size;
    if (o->channels && !o->learner)
        mine.channels = o->channels;
    mine.rotations = o->rotations;
    mine.split = o->split;
    mine.tables = o->tables || (o->learner && o->learner->kind == FAMILY_TABLES);
    mine.ignore = o->ignore;
    mine.ignored = o->ignored;
    mine.classes = o->classes;
    TRY(family_open(lib, out, paths, n, &mine));
    const bool fits = o->learner && (*out)->kind == o->learner->kind;
    if (fits && (*out)->kind == FAMILY_REGRESSION &&
        (*out)->features == learner_input_size(o->learner))
        take_scales(*out, o->learner);
    return T2M_OK;
}

/* ---- tasks ---- */

static t2m_task *task_room(const t2m_learner *l, size_t n, size_t classes)
{
    t2m_task *t = mem_new(l->lib, 1, sizeof *t);
    if (!t)
        return NULL;
    t->lib = l->lib;
    t->n = n;
    t->input = learner_input_size(l);
    t->classes = classes;
    t->x = mem_new(l->lib, n * t->input, sizeof *t->x);
    t->places = (size_t)structure_places(learner_structure(l));
    t->y = mem_new(l->lib, n * t->places, sizeof *t->y);
    t->scale = mem_new(l->lib, t->input + 1, sizeof *t->scale);
    t->class = mem_new(l->lib, classes, sizeof *t->class);
    for (size_t i = 0; i < classes && i < MASK_IGNORE - 1; i++)
        t->id[i] = (unsigned char)(i + 1); /* unless its files say otherwise */
    if (t->x && t->y && t->scale && t->class)
        return t;
    t2m_task_free(t);
    return NULL;
}

t2m_status task_new(const t2m_learner *l, t2m_task **out, size_t n, size_t classes)
{
    *out = task_room(l, n, classes);
    return *out ? T2M_OK : T2M_ENOMEM;
}

/* Numbers in the units of the learner's family become those that it takes. from: the task whose
 * examples tell the units, not yet scaled; t itself, but for queries. */
static void scale_task(const t2m_learner *l, t2m_task *t, const t2m_task *from)
{
    struct task_scale *s = t->scale, own = {0, 1};
    if (l->by_task) {
        task_scale_find(from->x, from->y, from->n, from->input, s);
        task_scale_apply(s, t->x, t->y, t->n, t->input);
    }
    for (size_t k = 0; k <= t->input; k++) {
        const bool target = k == t->input;
        const double mean = target ? l->y_mean : l->x_mean[k],
                     unit = target ? l->y_scale : l->x_scale[k];
        own = l->by_task ? s[k] : own;
        s[k] = (struct task_scale){mean + unit * own.shift, unit * own.unit};
    }
}

void t2m_task_free(t2m_task *t)
{
    if (!t)
        return;
    t2m *lib = t->lib;
    for (size_t i = 0; t->class && i < t->classes; i++)
        mem_free(lib, t->class[i]);
    for (size_t i = 0; t->column && i < t->input; i++)
        mem_free(lib, t->column[i]);
    for (size_t i = 0; i < t->warnings; i++)
        mem_free(lib, t->warning[i]);
    mem_free(lib, t->warning);
    mem_free(lib, t->class);
    mem_free(lib, t->column);
    mem_free(lib, t->name);
    mem_free(lib, t->x);
    mem_free(lib, t->y);
    mem_free(lib, t->scale);
    mem_free(lib, t->target);
    schema_free(t->schema);
    mem_free(lib, t);
}

t2m_status task_check(const t2m_learner *l, size_t n, size_t classes, const char *name)
{
    const bool images = kind_has_classes(l->kind);
    if (n < 1 || n > 100000)
        return refuse(l->lib, T2M_EDATA, "%s: a task has 1 to 100000 examples, not %zu", name, n);
    const bool masks = l->kind == FAMILY_MASKS;
    if (masks && (classes < 1 || classes > 254))
        return refuse(l->lib, T2M_EDATA, "%s has %zu classes; masks have 1 to 254", name, classes);
    if (images && !masks && (classes < 2 || classes > 65536))
        return refuse(l->lib, T2M_EDATA, "%s has %zu class%s; a classifier needs at least two",
                      name, classes, classes == 1 ? "" : "es");
    if (learner_ways_fixed(l) && classes != l->ways)
        return refuse(l->lib, T2M_EDATA, "%s has %zu class%s; this learner (%s) is for %zu", name,
                      classes, classes == 1 ? "" : "es", l->method->name, l->ways);
    if (l->represent & REPRESENT_CONCAT && n != l->shots)
        return refuse(l->lib, T2M_EDATA, "%s has %zu rows; this learner is for exactly %zu", name,
                      n, l->shots);
    return T2M_OK;
}

void class_inputs_write(const struct class_inputs *in, const struct example_class *c, float *x)
{
    const size_t size = structure_input_size(in->structure);
    const struct bag_use use = bag_use_for(in->vocabulary, in->structure);
    if (c->pixels)
        image_numbers(c->pixels, c->count * size, x);
    if (c->vector)
        memcpy(x, c->vector, c->count * size * sizeof *x);
    for (size_t i = 0; c->text && i < c->count; i++)
        bag_write(&c->text[i], &use, x + i * size);
}

static t2m_status task_of_classes(const t2m_learner *l, t2m_task **out, const t2m_family *f)
{
    const struct class_inputs inputs = {f, l->vocabulary, learner_structure(l)};
    size_t n = 0, at = 0;
    for (size_t i = 0; i < f->classes; i++)
        n += f->class[i].count;
    TRY(task_check(l, n, f->classes, f->name));
    t2m_task *t = task_room(l, n, f->classes);
    if (!t)
        return T2M_ENOMEM;
    for (size_t i = 0; i < f->classes; i++) {
        const struct example_class *c = &f->class[i];
        class_inputs_write(&inputs, c, t->x + at * t->input);
        for (size_t k = 0; k < c->count; k++)
            t->y[at++] = (float)i;
        if (!(t->class[i] = mem_text(l->lib, c->name))) {
            t2m_task_free(t);
            return T2M_ENOMEM;
        }
    }
    *out = t;
    return T2M_OK;
}

/* All pictures and all classes, of which each has its number. */
static t2m_status task_of_masks(const t2m_learner *l, t2m_task **out, const t2m_family *f)
{
    float number[256] = {[MASK_IGNORE] = -1};
    TRY(task_check(l, f->pictures, f->classes, f->name));
    if (f->domains > 1)
        return refuse(l->lib, T2M_EDATA, "'%s' holds %zu sets; a task is one of them", f->name,
                      f->domains);
    t2m_task *t = task_room(l, f->pictures, f->classes);
    if (!t)
        return T2M_ENOMEM;
    image_numbers(f->pixels, t->n * t->input, t->x);
    for (size_t i = 0; i < f->classes; i++)
        number[f->class[i].id] = (float)(i + 1);
    for (size_t i = 0; i < t->n * t->places; i++)
        t->y[i] = number[f->labels[i]];
    bool named = true;
    for (size_t i = 0; named && i < f->classes; i++) {
        t->id[i] = f->class[i].id;
        named = (t->class[i] = mem_text(l->lib, f->class[i].name)) != NULL;
    }
    if (named)
        *out = t;
    else
        t2m_task_free(t);
    return named ? T2M_OK : T2M_ENOMEM;
}

static t2m_status task_of_rows(const t2m_learner *l, t2m_task **out, const t2m_family *f)
{
    const struct regression_task *r = f->task;
    if (f->tasks != 1)
        return refuse(l->lib, T2M_EDATA, "'%s' holds %zu tasks; build takes one CSV with one task",
                      f->name, f->tasks);
    TRY(task_check(l, r->rows, 0, f->name));
    t2m_task *t = task_room(l, r->rows, 0);
    if (!t)
        return T2M_ENOMEM;
    for (size_t i = 0; i < r->rows; i++) {
        for (size_t k = 0; k < t->input; k++)
            t->x[i * t->input + k] =
                (float)((r->x[i * t->input + k] - l->x_mean[k]) / l->x_scale[k]);
        t->y[i] = (float)((r->y[i] - l->y_mean) / l->y_scale);
    }
    scale_task(l, t, t);
    *out = t;
    return T2M_OK;
}

static t2m_status check_options(const t2m_learner *l, const t2m_task_options *o)
{
    if (o->version != T2M_VERSION_1)
        return refuse(l->lib, T2M_EUSAGE, "unknown version %d of the options", o->version);
    TRY(check_classes(l->lib, o->classes));
    const bool texts = l->kind == FAMILY_TEXTS;
    if (l->kind != FAMILY_TABLES && (o->ignored || (o->classes != -1 && !texts)))
        return refuse(l->lib, T2M_EUSAGE,
                      "this learner (%s) is for data like those of its training: only with one of "
                      "tables can columns be ignored, and with one of those or of texts classes or "
                      "values asked for",
                      l->method->name);
    return T2M_OK;
}

/* A task as the family of files that lies at the path. */
static t2m_status task_of_family(const t2m_learner *l, t2m_task **out, const char *path,
                                 const struct family_options *o)
{
    static const char *const kinds[] = {
        [FAMILY_NONE] = "nothing",    [FAMILY_REGRESSION] = "rows of numbers",
        [FAMILY_IMAGES] = "pictures", [FAMILY_TABLES] = "tables",
        [FAMILY_TEXTS] = "texts",     [FAMILY_MASKS] = "pictures with masks"};
    t2m_family *f;
    TRY(family_open(l->lib, &f, &path, 1, o));
    t2m_status status;
    if (f->kind != l->kind)
        status = refuse(l->lib, T2M_EDATA, "this learner is for %s, but '%s' has %s",
                        kinds[l->kind], path, kinds[f->kind]);
    else if (f->builtin)
        status = refuse(l->lib, T2M_EUSAGE, "'%s' is a family, not one task", path);
    else
        status = f->kind == FAMILY_MASKS     ? task_of_masks(l, out, f)
                 : kind_has_classes(f->kind) ? task_of_classes(l, out, f)
                                             : task_of_rows(l, out, f);
    if (status == T2M_OK) {
        (*out)->warning = f->warning;
        (*out)->warnings = f->warnings;
        f->warning = NULL;
        f->warnings = 0;
    }
    t2m_family_free(f);
    return status;
}

/* Texts with one label each are a family of classes. */
static t2m_status task_of_texts(const t2m_learner *l, t2m_task **out, const char *path,
                                const struct family_options *o, bool values)
{
    const struct text_options options = {.label = o->target, .values = values};
    struct texts *t;
    TRY(texts_open(l->lib, &t, &path, 1, &options));
    const bool several = values || t->multi;
    const t2m_status status = several ? task_of_targets(l, out, t, values) : T2M_OK;
    texts_free(t);
    return several || status != T2M_OK ? status : task_of_family(l, out, path, o);
}

t2m_status t2m_task_open(const t2m_learner *l, t2m_task **out, const char *path,
                         const t2m_task_options *options)
{
    const t2m_task_options defaults = T2M_TASK_OPTIONS_INIT, *o = options ? options : &defaults;
    struct family_options family = options_for(l);
    TRY(check_options(l, o));
    if (l->kind == FAMILY_TABLES)
        return task_of_table(l, out, path, o);
    TRY(learner_encoder_check(l));
    if (o->target)
        family.target = o->target;
    return l->kind == FAMILY_TEXTS ? task_of_texts(l, out, path, &family, o->classes == 0)
                                   : task_of_family(l, out, path, &family);
}

t2m_status t2m_task_new(const t2m_learner *l, t2m_task **out, const float *x, const float *y,
                        size_t n, const char *const *classes, size_t n_classes)
{
    const bool images = kind_has_classes(l->kind);
    if (l->kind == FAMILY_TABLES)
        return refuse(l->lib, T2M_EUSAGE,
                      "a learner of tables has no number of columns by which to take rows from "
                      "memory; give it a CSV by t2m_task_open");
    TRY(task_check(l, n, n_classes, "the task"));
    const bool masks = l->kind == FAMILY_MASKS;
    const size_t places = (size_t)structure_places(learner_structure(l));
    for (size_t i = 0; masks && i < n * places; i++)
        if (!(y[i] >= -1 && y[i] <= (float)n_classes))
            return refuse(l->lib, T2M_EDATA, "pixel %zu of picture %zu has the class %g of %zu",
                          i % places, i / places, (double)y[i], n_classes);
    for (size_t i = 0; images && !masks && i < n; i++)
        if (!(y[i] >= 0 && y[i] < (float)n_classes))
            return refuse(l->lib, T2M_EDATA, "example %zu has the class number %g of %zu classes",
                          i, (double)y[i], n_classes);
    t2m_task *t = task_room(l, n, n_classes);
    if (!t)
        return T2M_ENOMEM;
    for (size_t i = 0; i < n * t->input; i++) {
        const size_t k = i % t->input;
        t->x[i] = images ? x[i] : (float)(((double)x[i] - l->x_mean[k]) / l->x_scale[k]);
    }
    for (size_t i = 0; i < n * places; i++)
        t->y[i] = images ? y[i] : (float)(((double)y[i] - l->y_mean) / l->y_scale);
    if (!images)
        scale_task(l, t, t);
    for (size_t i = 0; i < n_classes; i++)
        if (!(t->class[i] = mem_text(l->lib, classes[i]))) {
            t2m_task_free(t);
            return T2M_ENOMEM;
        }
    *out = t;
    return T2M_OK;
}

/* One of the two sets of an episode as a task. */
static t2m_status take_set(const t2m_learner *l, t2m_task **out, const t2m_family *f,
                           const struct episode *e, size_t classes, bool query)
{
    t2m_task *t = task_room(l, query ? e->queries : e->supports, classes);
    if (!t)
        return T2M_ENOMEM;
    memcpy(t->x, query ? e->x_query : e->x_support, t->n * t->input * sizeof(float));
    memcpy(t->y, query ? e->y_query : e->y_support, t->n * t->places * sizeof(float));
    bool good = (t->name = mem_text(l->lib, e->name)) != NULL;
    for (size_t i = 0; good && i < classes; i++)
        good = (t->class[i] = mem_text(l->lib, f->class[e->class[i]].name)) != NULL;
    if (good)
        *out = t;
    else
        t2m_task_free(t);
    return good ? T2M_OK : T2M_ENOMEM;
}

static t2m_status take_sets(const t2m_learner *l, t2m_task *out[2], const t2m_family *f,
                            const struct protocol *p, const t2m_episode_options *o)
{
    const size_t classes = kind_has_classes(l->kind) ? p->ways : 0;
    char name[EPISODE_NAME] = "";
    struct episode e;
    TRY(episodes_new(l->lib, &e, f, p, 1));
    e.name = name;
    e.class = mem_new(l->lib, classes, sizeof *e.class);
    t2m_status status = e.class ? T2M_OK : T2M_ENOMEM;
    if (status == T2M_OK) {
        episode_draw(f, p, o->seed, o->number, &e);
        status = take_set(l, &out[0], f, &e, classes, false);
    }
    if (status == T2M_OK)
        status = take_set(l, &out[1], f, &e, classes, true);
    if (status == T2M_OK && classes == 0) {
        scale_task(l, out[1], out[0]);
        scale_task(l, out[0], out[0]);
    }
    mem_free(l->lib, e.class);
    episodes_free(l->lib, &e);
    return status;
}

t2m_status t2m_episode_draw(const t2m_learner *l, t2m_task **support, t2m_task **query,
                            const t2m_family *f, const t2m_episode_options *o)
{
    const bool images = kind_has_classes(l->kind);
    const struct protocol p = {.ways = images ? o->ways : 1,
                               .shots = o->shots,
                               .queries = o->queries,
                               .even_queries = true,
                               .vocabulary = l->vocabulary,
                               .slots = (size_t)learner_structure(l)->hidden[1]};
    t2m_task *set[2] = {NULL};
    if (o->version != T2M_VERSION_1)
        return refuse(l->lib, T2M_EUSAGE, "unknown version %d of the options", o->version);
    if (l->kind == FAMILY_TABLES)
        return refuse(l->lib, T2M_EUSAGE,
                      "a task that is drawn from tables has no columns by name, which models of "
                      "tables need; give the CSV of one table by t2m_task_open");
    if (f->kind != l->kind || episode_input_size(f) != learner_input_size(l))
        return refuse(l->lib, T2M_EDATA, "'%s' does not fit this learner", f->name);
    TRY(episode_check(f, &p));
    TRY(task_check(l, episode_size(f, &p).supports, images ? p.ways : 0, f->name));
    const t2m_status status = take_sets(l, set, f, &p, o);
    if (status != T2M_OK) {
        t2m_task_free(set[0]);
        return status;
    }
    *support = set[0];
    if (query)
        *query = set[1];
    else
        t2m_task_free(set[1]);
    return T2M_OK;
}

t2m_status t2m_task_draw(const t2m_learner *l, t2m_task **out, const t2m_family *f, size_t ways,
                         size_t shots, uint64_t seed)
{
    t2m_episode_options o = T2M_EPISODE_OPTIONS_INIT;
    o.ways = ways;
    o.shots = shots;
    o.seed = seed;
    return t2m_episode_draw(l, out, NULL, f, &o);
}
