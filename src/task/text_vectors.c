/* text_vectors.c: texts by the handle's encoder; apart, since models alone need no more. */
#include "files/texts.h"
#include "task/text_family.h"

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
