/* text_vectors.c: texts as inputs; apart from families, since models alone need no more. */
#include "files/texts.h"
#include "task/text_family.h"
#include "task/vocabulary.h"

t2m_status texts_encode(const struct texts *t, float **out)
{
    const struct text_encoder *e = &t->lib->encoder;
    const char **text = mem_new(t->lib, t->n, sizeof *text);
    float *to = mem_new(t->lib, t->n, e->width * sizeof *to);
    t2m_status status = text && to ? T2M_OK : T2M_ENOMEM;
    for (size_t i = 0; i < t->n && status == T2M_OK; i++)
        text[i] = t->item[i].text;
    if (status == T2M_OK)
        status = e->run(e->ctx, text, t->n, to);
    mem_free(t->lib, text);
    if (status == T2M_OK)
        *out = to;
    else
        mem_free(t->lib, to);
    return status;
}

static t2m_status write_bags(const struct texts *t, const struct bag_use *bags, float *x)
{
    const size_t inputs = bags->features * NN_TEXT_CHANNELS;
    struct phrase p;
    t2m_status status = T2M_OK;
    phrase_init(&p, t->lib);
    for (size_t i = 0; i < t->n && status == T2M_OK; i++) {
        struct bag bag;
        status = bag_make(&bag, &p, t->item[i].text, t->item[i].length);
        if (status != T2M_OK)
            break;
        bag_write(&bag, bags, x + i * inputs);
        bag_clear(t->lib, &bag);
    }
    phrase_clear(&p);
    return status;
}

t2m_status texts_inputs(const struct texts *t, const struct bag_use *bags, float **x)
{
    if (!bags->vocabulary)
        return texts_encode(t, x);
    float *to = mem_new(t->lib, t->n, bags->features * NN_TEXT_CHANNELS * sizeof *to);
    const t2m_status status = to ? write_bags(t, bags, to) : T2M_ENOMEM;
    if (status == T2M_OK)
        *x = to;
    else
        mem_free(t->lib, to);
    return status;
}
