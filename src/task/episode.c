/* episode.c: drawing episodes. Every random choice comes from the stream (seed, episode number). */
#include <stdio.h>
#include <string.h>

#include "files/image.h"
#include "task/augment.h"
#include "task/family.h"
#include "task/photo.h"
#include "task/vocabulary.h"
#include "task/scale.h"

enum { MAX_WAYS = 1024, MAX_CHOICE = 4096, MAX_SCALED = 1024 };

size_t episode_input_size(const struct t2m_family *f)
{
    return kind_has_classes(f->kind) ? f->height * f->width * f->channels : f->features;
}

struct episode_size episode_size(const struct t2m_family *f, const struct protocol *p)
{
    const bool masks = f->kind == FAMILY_MASKS;
    const size_t each = masks ? 1 : p->ways, places = masks ? family_places(f) : 1;
    return (struct episode_size){.supports = each * p->shots,
                                 .queries = each * p->queries,
                                 .input = episode_input_size(f),
                                 .target = places,
                                 .outputs = kind_has_classes(f->kind) ? p->ways * places : 1};
}

/* ---- checks ---- */

static t2m_status check_rows(const struct t2m_family *f, const struct protocol *p)
{
    for (size_t i = 0; i < f->tasks; i++)
        if (f->task[i].rows < p->shots + p->queries)
            return refuse(f->lib, T2M_EDATA,
                          "task '%.60s' has %zu rows, fewer than %zu shots + %zu queries; lower "
                          "--shots or --queries",
                          f->task[i].name, f->task[i].rows, p->shots, p->queries);
    return f->tasks > 0 || f->builtin ? T2M_OK
                                      : refuse(f->lib, T2M_EDATA, "'%s' has no tasks", f->name);
}

static size_t largest_domain(const struct t2m_family *f)
{
    size_t most = 0;
    for (size_t d = 0; d < f->domains; d++) {
        size_t n = 0;
        for (size_t i = 0; i < f->classes; i++)
            n += f->class[i].domain == d;
        most = n > most ? n : most;
    }
    return most;
}

t2m_status episode_check(const struct t2m_family *f, const struct protocol *p)
{
    if (p->shots < 1 || p->queries < 1)
        return refuse(f->lib, T2M_EUSAGE, "--shots and --queries must be at least 1");
    if (p->ways > MAX_WAYS || p->shots > MAX_CHOICE / 2 || p->queries > MAX_CHOICE / 2)
        return refuse(f->lib, T2M_EUSAGE, "at most %d ways, %d shots and %d queries", MAX_WAYS,
                      MAX_CHOICE / 2, MAX_CHOICE / 2);
    if (p->by_task && (f->kind != FAMILY_REGRESSION || f->features > MAX_SCALED))
        return refuse(f->lib, T2M_EUSAGE, "--scale-by-task is for rows of at most %d columns",
                      MAX_SCALED);
    if (f->kind == FAMILY_REGRESSION)
        return check_rows(f, p);
    if (f->kind == FAMILY_MASKS)
        return mask_episode_check(f, p);
    const size_t classes = p->within_domain ? largest_domain(f) : f->classes;
    if (p->ways < 2)
        return refuse(f->lib, T2M_EUSAGE, "--ways must be at least 2");
    if (classes < p->ways)
        return refuse(f->lib, T2M_EDATA, "'%s' has %zu classes%s, fewer than --ways %zu", f->name,
                      classes, p->within_domain ? " in its largest domain" : "", p->ways);
    for (size_t i = 0; i < f->classes; i++)
        if (f->class[i].count < p->shots + p->queries)
            return refuse(
                f->lib, T2M_EDATA,
                "class '%.60s' has %zu examples, fewer than %zu shots + %zu queries; lower "
                "--shots or --queries",
                f->class[i].name, f->class[i].count, p->shots, p->queries);
    return T2M_OK;
}

/* ---- regression ---- */

static void draw_builtin(const struct t2m_family *f, const struct protocol *p, struct random *r,
                         struct episode *e)
{
    const struct builtin *b = f->builtin;
    double curve[4];
    b->draw(r, curve);
    if (e->name)
        b->formula(curve, e->name, EPISODE_NAME);
    for (size_t i = 0; i < p->shots; i++) {
        const double x = random_uniform(r, b->low, b->high);
        e->x_support[i] = (float)x;
        e->y_support[i] = (float)(b->value(curve, x) + b->noise * random_normal(r));
    }
    for (size_t i = 0; i < p->queries; i++) {
        const double part = p->queries > 1 ? (double)i / (double)(p->queries - 1) : 0.5;
        const double x = p->even_queries ? b->low + part * (b->high - b->low)
                                         : random_uniform(r, b->low, b->high);
        e->x_query[i] = (float)x;
        e->y_query[i] = (float)b->value(curve, x);
    }
}

/* Moves `take` random places of index to its front (a partial shuffle). */
static void choose(struct random *r, size_t *index, size_t n, size_t take)
{
    for (size_t i = 0; i < n; i++)
        index[i] = i;
    random_choose(r, index, n, take);
}

static void put_row(const struct t2m_family *f, const struct regression_task *t, size_t row,
                    float *x, float *y)
{
    for (size_t j = 0; j < f->features; j++)
        x[j] = (float)((t->x[row * f->features + j] - f->x_mean[j]) / f->x_scale[j]);
    *y = (float)((t->y[row] - f->y_mean) / f->y_scale);
}

/* Rows are shuffled in a table of MAX_CHOICE; a longer task gives a random window of that length.
 */
static void draw_rows(const struct t2m_family *f, const struct protocol *p, struct random *r,
                      struct episode *e)
{
    const struct regression_task *t = &f->task[random_below(r, f->tasks)];
    if (e->name)
        snprintf(e->name, EPISODE_NAME, "%s", t->name);
    size_t index[MAX_CHOICE];
    const size_t n = t->rows < MAX_CHOICE ? t->rows : MAX_CHOICE,
                 first = t->rows > n ? random_below(r, t->rows - n + 1) : 0;
    choose(r, index, n, p->shots + p->queries);
    for (size_t i = 0; i < p->shots; i++)
        put_row(f, t, first + index[i], e->x_support + i * f->features, e->y_support + i);
    for (size_t i = 0; i < p->queries; i++)
        put_row(f, t, first + index[p->shots + i], e->x_query + i * f->features, e->y_query + i);
}

/* ---- examples of classes ---- */

static size_t draw_class(const struct t2m_family *f, const struct protocol *p, struct random *r,
                         const size_t *taken, size_t count)
{
    for (;;) {
        const size_t c = random_below(r, f->classes);
        bool again = false;
        for (size_t i = 0; i < count; i++)
            again = again || taken[i] == c ||
                    (p->within_domain && f->class[c].domain != f->class[taken[0]].domain);
        if (!again)
            return c;
    }
}

/* The first class decides the domain; one whose domain is too small for the ways is passed over. */
static size_t first_class(const struct t2m_family *f, const struct protocol *p, struct random *r)
{
    for (;;) {
        const size_t c = random_below(r, f->classes);
        size_t n = 0;
        for (size_t i = 0; i < f->classes; i++)
            n += f->class[i].domain == f->class[c].domain;
        if (!p->within_domain || n >= p->ways)
            return c;
    }
}

/* Pictures in colour are taken for photographs, those of one channel for drawings. */
static bool is_colour(const struct t2m_family *f)
{
    return f->channels == 3;
}

/* With augmentation half of the classes are as the family has them, and half of their images too:
 * an image that was bent is a little blurred, and a learner has to know the sharp ones as well. */
static void put_image(const struct t2m_family *f, double strength, const struct warp *class,
                      struct random *r, const unsigned char *from, float *to)
{
    if (strength > 0 && is_colour(f)) {
        const struct photo_change change = photo_change_draw(r, strength);
        photo_apply(&change, from, f->height, f->width, f->channels, to);
    } else if (strength > 0 && (class || random_below(r, 2))) {
        const struct warp picture = warp_picture(r, strength);
        warp_apply(class, &picture, from, f->height, f->width, f->channels, to);
    } else {
        image_numbers(from, episode_input_size(f), to);
    }
}

/* Class w of the episode: which one, and its name behind those before it. */
static const struct example_class *name_class(const struct t2m_family *f, size_t class, size_t w,
                                              struct episode *e)
{
    const struct example_class *c = &f->class[class];
    if (e->class)
        e->class[w] = class;
    if (e->name && w < EPISODE_NAME) {
        const size_t at = w ? strlen(e->name) : 0;
        snprintf(e->name + at, EPISODE_NAME - at, "%s%s", w ? ", " : "", c->name);
    }
    return c;
}

/* Which of the class's examples; support first, then query. */
static void choose_examples(const struct example_class *c, const struct protocol *p,
                            struct random *r, size_t index[MAX_CHOICE])
{
    choose(r, index, c->count < MAX_CHOICE ? c->count : MAX_CHOICE, p->shots + p->queries);
}

/* Where the input of example i of class w goes; its label is set. */
static float *example_at(const struct protocol *p, struct episode *e, size_t size, size_t w,
                         size_t i)
{
    const bool query = i >= p->shots;
    const size_t at = query ? w * p->queries + i - p->shots : w * p->shots + i;
    (query ? e->y_query : e->y_support)[at] = (float)w;
    return (query ? e->x_query : e->x_support) + at * size;
}

/* Pictures, or texts as vectors. */
static void draw_images(const struct t2m_family *f, const struct protocol *p, struct random *r,
                        struct episode *e)
{
    const size_t size = episode_input_size(f);
    size_t taken[MAX_WAYS], index[MAX_CHOICE];
    for (size_t w = 0; w < p->ways; w++) {
        taken[w] = w ? draw_class(f, p, r, taken, w) : first_class(f, p, r);
        const struct example_class *c = name_class(f, taken[w], w, e);
        struct warp bent;
        const bool new_class = p->augment > 0 && !is_colour(f) && random_below(r, 2);
        if (new_class)
            bent = warp_class(r, p->augment);
        choose_examples(c, p, r, index);
        for (size_t i = 0; i < p->shots + p->queries; i++) {
            float *to = example_at(p, e, size, w, i);
            if (c->vector)
                memcpy(to, c->vector + index[i] * size, size * sizeof *to);
            else
                put_image(f, p->augment, new_class ? &bent : NULL, r, c->pixels + index[i] * size,
                          to);
        }
    }
}

static const double text_drop = 0.3;

static void draw_texts(const struct t2m_family *f, const struct protocol *p, struct random *r,
                       struct episode *e)
{
    const size_t size = episode_input_size(f);
    size_t taken[MAX_WAYS], index[MAX_CHOICE];
    const uint16_t *own[MAX_WAYS];
    for (size_t w = 0; w < p->ways; w++) {
        taken[w] = w ? draw_class(f, p, r, taken, w) : first_class(f, p, r);
        own[w] = p->own ? p->own + taken[w] * p->vocabulary->n : NULL;
    }
    const struct bag_use use = {.vocabulary = p->vocabulary,
                                .slots = p->slots,
                                .features = f->width,
                                .own = own,
                                .owners = p->own ? p->ways : 0,
                                .drop = text_drop * p->augment,
                                .key = random_u64(r)};
    for (size_t w = 0; w < p->ways; w++) {
        const struct example_class *c = name_class(f, taken[w], w, e);
        choose_examples(c, p, r, index);
        for (size_t i = 0; i < p->shots + p->queries; i++)
            bag_write(&c->text[index[i]], &use, example_at(p, e, size, w, i));
    }
}

/* The support set tells the units of the whole episode. */
static void scale_by_task(const struct t2m_family *f, const struct protocol *p, struct episode *e)
{
    struct task_scale scale[MAX_SCALED + 1];
    if (e->unit)
        *e->unit = 1;
    if (!p->by_task)
        return;
    task_scale_find(e->x_support, e->y_support, p->shots, f->features, scale);
    task_scale_apply(scale, e->x_support, e->y_support, p->shots, f->features);
    task_scale_apply(scale, e->x_query, e->y_query, p->queries, f->features);
    if (e->unit)
        *e->unit = scale[f->features].unit;
}

void episode_draw(const struct t2m_family *f, const struct protocol *p, uint64_t seed,
                  uint64_t number, struct episode *e)
{
    struct random r = random_stream(seed, 1, number);
    if (f->kind == FAMILY_MASKS)
        mask_episode_draw(f, p, &r, e);
    else if (f->kind == FAMILY_TEXTS && p->vocabulary)
        draw_texts(f, p, &r, e);
    else if (kind_has_classes(f->kind))
        draw_images(f, p, &r, e);
    else if (f->builtin)
        draw_builtin(f, p, &r, e);
    else
        draw_rows(f, p, &r, e);
    scale_by_task(f, p, e);
}
