/* mask_episode.c: episodes of pictures with masks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "task/mask_family.h"
#include "task/photo.h"

enum { MOST_PICTURES = 512, MOST_WAYS = 64 };

/* ---- which class, which pictures ---- */

/* Pictures that a class needs to be a task. */
static size_t needed(const struct protocol *p)
{
    return p->fewer ? 2 : p->shots + 1;
}

static bool may_be_task(const struct example_class *c, const struct protocol *p)
{
    return !c->left_out && c->count >= needed(p);
}

t2m_status mask_episode_check(const struct t2m_family *f, const struct protocol *p)
{
    size_t most = 0;
    if (p->shots < 1 || p->queries < 1 || p->ways < 1)
        return refuse(f->lib, T2M_EUSAGE, "--ways, --shots and --queries must be at least 1");
    if (p->shots + p->queries > MOST_PICTURES || p->ways > MOST_WAYS)
        return refuse(f->lib, T2M_EUSAGE, "at most %d pictures and %d classes in a task of masks",
                      MOST_PICTURES, MOST_WAYS);
    for (size_t i = 0; i < f->classes; i++)
        if (!f->class[i].left_out && f->class[i].count > most)
            most = f->class[i].count;
    return most >= needed(p)
               ? T2M_OK
               : refuse(
                     f->lib, T2M_EDATA,
                     "'%.200s': no class is in more than %zu pictures, and --shots %zu needs %zu",
                     f->name, most, p->shots, needed(p));
}

/* Classes are equally likely, but a set with four times as many has only twice as many tasks. */
static size_t draw_class(const struct t2m_family *f, const struct protocol *p, struct random *r)
{
    for (;;) {
        const size_t c = random_below(r, f->classes);
        size_t n = 0;
        for (size_t i = 0; i < f->classes; i++)
            n += f->class[i].domain == f->class[c].domain && may_be_task(&f->class[i], p);
        if (may_be_task(&f->class[c], p) && random_uniform(r, 0, 1) * sqrt((double)n) < 1)
            return c;
    }
}

struct cast {              /* the pictures of an episode: support first, then query */
    size_t shots, queries; /* those that there are; the arrays have room for more */
    size_t index[MOST_PICTURES];
};

/* The class is in all of them. In training half of its pictures at least are queries. */
static void draw_pictures(const struct example_class *c, const struct protocol *p, struct random *r,
                          struct cast *cast)
{
    const size_t want = p->shots + p->queries, n = want < c->count ? want : c->count;
    size_t *all = cast->index;
    cast->shots = p->shots;
    if (p->fewer) {
        cast->shots = 1 + random_below(r, p->shots);
        cast->shots = cast->shots < n / 2 ? cast->shots : n / 2;
    }
    cast->queries = n - cast->shots < p->queries ? n - cast->shots : p->queries;
    for (size_t i = 0; i < n; i++) { /* places in the list, all different (Floyd's sampling) */
        const size_t last = c->count - n + i, at = random_below(r, last + 1);
        bool taken = false;
        for (size_t k = 0; k < i; k++)
            taken = taken || all[k] == at;
        all[i] = taken ? last : at;
    }
    for (size_t i = n; i-- > 1;) {
        const size_t k = random_below(r, i + 1), swap = all[i];
        all[i] = all[k];
        all[k] = swap;
    }
    for (size_t i = 0; i < n; i++)
        all[i] = c->picture[all[i]];
}

/* ---- pictures and labels ---- */

struct changing { /* how the pictures of an episode are changed */
    struct random *r;
    double strength; /* 0: not at all */
    struct photo_change task;
};

/* Labels are written as bytes at the beginning of their floats. */
static void put_picture(const struct t2m_family *f, const struct changing *c, size_t picture,
                        float *x, float *y)
{
    const size_t n = family_places(f);
    const unsigned char *from = f->pixels + picture * n * f->channels;
    const unsigned char *label = f->labels + picture * n;
    if (c->strength > 0) {
        const struct photo_change change = photo_change_in_task(&c->task, c->r, c->strength);
        photo_apply(&change, from, f->height, f->width, f->channels, x);
        photo_apply_labels(&change, label, f->height, f->width, (unsigned char *)y);
    } else {
        image_numbers(from, n * f->channels, x);
        memcpy(y, label, n);
    }
}

/* How often each label is in the pictures whose labels begin at y. */
static void count_labels(const float *y, size_t pictures, size_t n, uint32_t count[256])
{
    memset(count, 0, 256 * sizeof *count);
    for (size_t i = 0; i < pictures; i++)
        for (size_t k = 0; k < n; k++)
            count[((const unsigned char *)(y + i * n))[k]]++;
}

/* Classes of the domain that are in the support and in the query set, beside the first. */
static size_t draw_others(const struct t2m_family *f, const struct protocol *p, struct random *r,
                          const struct episode *e, const struct cast *cast, size_t class[MOST_WAYS])
{
    uint32_t in[2][256];
    size_t chosen = 1, seen = 0;
    count_labels(e->y_support, cast->shots, family_places(f), in[0]);
    count_labels(e->y_query, cast->queries, family_places(f), in[1]);
    for (size_t i = 0; i < f->classes && p->ways > 1; i++) {
        const struct example_class *c = &f->class[i];
        if (c->domain != f->class[class[0]].domain || c->id == f->class[class[0]].id ||
            c->left_out || !in[0][c->id] || !in[1][c->id])
            continue;
        const size_t at = 1 + random_below(r, ++seen); /* each is equally likely to stay */
        if (chosen < p->ways)
            class[chosen++] = i;
        else if (at < p->ways)
            class[at] = i;
    }
    return chosen;
}

/* From bytes to numbers of the episode's classes, from the end, since they share their place. */
static void number_labels(const struct t2m_family *f, const size_t *class, size_t classes, float *y)
{
    float number[256] = {[MASK_IGNORE] = -1};
    for (size_t w = 0; w < classes; w++)
        number[f->class[class[w]].id] = (float)(w + 1);
    for (size_t k = family_places(f); k-- > 0;)
        y[k] = number[((const unsigned char *)y)[k]];
}

static void name_episode(const struct t2m_family *f, const size_t *class, size_t classes,
                         const struct protocol *p, struct episode *e)
{
    size_t at = 0;
    for (size_t w = 0; e->class && w < p->ways; w++)
        e->class[w] = class[w < classes ? w : 0];
    for (size_t w = 0; e->name && w < classes && at < EPISODE_NAME; w++)
        at += (size_t)snprintf(e->name + at, EPISODE_NAME - at, "%s%s", w ? ", " : "",
                               f->class[class[w]].name);
}

/* Room that no picture fills gets a copy of the first, of which nothing is known. */
static void fill_rest(float *x, float *y, size_t from, size_t to, size_t input, size_t n)
{
    for (size_t i = from; i < to; i++) {
        memcpy(x + i * input, x, input * sizeof *x);
        for (size_t k = 0; k < n; k++)
            y[i * n + k] = -1;
    }
}

void mask_episode_draw(const struct t2m_family *f, const struct protocol *p, struct random *r,
                       struct episode *e)
{
    const size_t n = family_places(f), input = n * f->channels;
    size_t class[MOST_WAYS] = {draw_class(f, p, r)};
    struct cast cast = {0};
    draw_pictures(&f->class[class[0]], p, r, &cast);
    const struct changing change = {r, p->augment, photo_change_of_task(r, p->augment)};
    for (size_t i = 0; i < cast.shots; i++)
        put_picture(f, &change, cast.index[i], e->x_support + i * input, e->y_support + i * n);
    for (size_t i = 0; i < cast.queries; i++)
        put_picture(f, &change, cast.index[cast.shots + i], e->x_query + i * input,
                    e->y_query + i * n);
    const size_t classes = draw_others(f, p, r, e, &cast, class);
    name_episode(f, class, classes, p, e);
    for (size_t i = 0; i < cast.shots; i++)
        number_labels(f, class, classes, e->y_support + i * n);
    for (size_t i = 0; i < cast.queries; i++)
        number_labels(f, class, classes, e->y_query + i * n);
    fill_rest(e->x_support, e->y_support, cast.shots, p->shots, input, n);
    fill_rest(e->x_query, e->y_query, cast.queries, p->queries, input, n);
}
