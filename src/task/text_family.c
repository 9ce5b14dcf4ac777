/* text_family.c: labelled texts as classes of bags of features. */
#include "task/text_family.h"

#include <string.h>

#include "base/text.h"
#include "files/texts.h"
#include "task/vocabulary.h"

enum { TEXT_FEATURES = 256 /* of an input: of a text of some thirty words, all */ };

bool text_file(const char *name)
{
    static const char *const ends[] = {".jsonl", ".ndjson", ".json", ".txt"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (text_ends(name, ends[i]))
            return true;
    return false;
}

static t2m_status add_text(struct t2m_family *f, struct example_class *c, struct phrase *p,
                           const struct text_item *t)
{
    if ((c->count & (c->count - 1)) == 0) {
        struct bag *all = mem_resize(f->lib, c->text, c->count ? 2 * c->count : 1, sizeof *all);
        if (!all)
            return T2M_ENOMEM;
        c->text = all;
    }
    TRY(bag_make(&c->text[c->count], p, t->text, t->length));
    c->count++;
    return T2M_OK;
}

/* The class of the text; what the data are known by grows. */
static struct example_class *class_of(struct t2m_family *f, const struct texts *t,
                                      const struct text_item *item)
{
    struct example_class *c = family_class(f, t->class_name[t->label[item->label_first]], 0);
    if (c && c->count == 0)
        c->domain = f->domains - 1;
    f->fingerprint = hash_bytes(f->fingerprint, item->text, item->length);
    f->fingerprint = c ? hash_bytes(f->fingerprint, c->name, strlen(c->name)) : 0;
    return c;
}

static t2m_status add_vectors(struct t2m_family *f, const struct texts *t)
{
    float *vector = NULL;
    t2m_status status = texts_encode(t, &vector);
    for (size_t i = 0; i < t->n && status == T2M_OK; i++) {
        struct example_class *c = class_of(f, t, &t->item[i]);
        float *to = c ? family_vector(f, c) : NULL;
        if (to)
            memcpy(to, vector + i * f->channels, f->channels * sizeof *to);
        else
            status = T2M_ENOMEM;
    }
    mem_free(f->lib, vector);
    return status;
}

static t2m_status add_bags(struct t2m_family *f, const struct texts *t)
{
    struct phrase p;
    t2m_status status = T2M_OK;
    phrase_init(&p, f->lib);
    for (size_t i = 0; i < t->n && status == T2M_OK; i++) {
        struct example_class *c = class_of(f, t, &t->item[i]);
        status = c ? add_text(f, c, &p, &t->item[i]) : T2M_ENOMEM;
    }
    phrase_clear(&p);
    return status;
}

static t2m_status add_warnings(struct t2m_family *f, const struct texts *t)
{
    char **all = mem_resize(f->lib, f->warning, f->warnings + t->warnings, sizeof *all);
    if (!all)
        return T2M_ENOMEM;
    f->warning = all;
    for (size_t i = 0; i < t->warnings; i++) {
        if (!(all[f->warnings] = mem_text(f->lib, t->warning[i])))
            return T2M_ENOMEM;
        f->warnings++;
    }
    return T2M_OK;
}

static t2m_status add_all(struct t2m_family *f, const struct texts *t, const char *path,
                          bool vectors)
{
    f->domains++;
    if (t->warnings > 0)
        TRY(add_warnings(f, t));
    if (t->multi)
        return refuse(f->lib, T2M_EDATA,
                      "'%.200s' has texts with several labels; a family has texts with one", path);
    return vectors ? add_vectors(f, t) : add_bags(f, t);
}

t2m_status family_add_texts(struct t2m_family *f, const char *path, const struct family_options *o)
{
    const struct text_options options = {.label = o->target};
    struct texts *t;
    f->height = 1;
    f->width = o->vectors ? 1
               : o->texts ? o->width
                          : TEXT_FEATURES; /* texts: as a learner has it */
    f->channels = o->vectors ? f->lib->encoder.width : NN_TEXT_CHANNELS;
    TRY(texts_open(f->lib, &t, &path, 1, &options));
    const t2m_status status = add_all(f, t, path, o->vectors);
    texts_free(t);
    return status;
}

t2m_status family_count_words(const struct t2m_family *f, const struct vocabulary *v,
                              uint16_t **out)
{
    size_t all;
    uint16_t *own = size_mul(f->classes, v->n, &all) ? mem_new(f->lib, all, sizeof *own) : NULL;
    if (!own)
        return T2M_ENOMEM;
    for (size_t c = 0; c < f->classes; c++)
        for (size_t i = 0; i < f->class[c].count; i++)
            bag_count(&f->class[c].text[i], v, own + c * v->n);
    *out = own;
    return T2M_OK;
}

t2m_status family_vocabulary(const struct t2m_family *f, size_t most, struct vocabulary **out)
{
    size_t n = 0;
    for (size_t c = 0; c < f->classes; c++)
        n += f->class[c].count;
    const struct bag **text = mem_new(f->lib, n, sizeof *text);
    if (!text)
        return T2M_ENOMEM;
    n = 0;
    for (size_t c = 0; c < f->classes; c++)
        for (size_t i = 0; i < f->class[c].count; i++)
            text[n++] = &f->class[c].text[i];
    const t2m_status status = vocabulary_learn(f->lib, out, text, n, most);
    mem_free(f->lib, text);
    return status;
}
