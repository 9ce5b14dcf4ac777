/* text_model.c: models of texts: what they read. */
#include <string.h>

#include "base/text.h"
#include "files/texts.h"
#include "model/model.h"
#include "task/text_family.h"

t2m_status encoder_check(t2m *lib, const struct encoder_need *need)
{
    const struct text_encoder *e = &lib->encoder;
    if (need->fingerprint == 0 || (e->fingerprint == need->fingerprint && e->width == need->inputs))
        return T2M_OK;
    return refuse(lib, T2M_EUSAGE,
                  e->width ? "this %s was made with another sentence encoder than the "
                             "one that --encoder names"
                           : "this %s takes the vectors of a sentence encoder: name its "
                             "folder with --encoder",
                  need->what);
}

t2m_status model_encoder_check(const t2m_model *m)
{
    const struct encoder_need need = {"model", m->encoder, structure_input_size(&m->structure)};
    return encoder_check(m->lib, &need);
}

t2m_status model_text_read(const t2m_model *m, const char *path, float **x, size_t *n)
{
    const struct text_options options = {.unlabelled = true};
    const struct bag_use bags = bag_use_for(m->vocabulary, &m->structure);
    struct texts *t;
    TRY(model_encoder_check(m));
    TRY(texts_open_file(m->lib, &t, path, &options));
    const t2m_status status = texts_inputs(t, &bags, x);
    *n = t->n;
    texts_free(t);
    return status;
}

t2m_status t2m_model_line(const t2m_model *m, const t2m_line *line, float *x)
{
    if (!m->vocabulary && !m->encoder)
        return refuse(m->lib, T2M_EUSAGE, "this model does not take texts");
    const struct text_line from = {.file = "standard input",
                                   .number = line->number,
                                   .data = line->text,
                                   .length = line->length};
    const struct bag_use bags = bag_use_for(m->vocabulary, &m->structure);
    struct text text;
    float *made = NULL;
    text_init(&text, m->lib);
    t2m_status status = model_encoder_check(m);
    if (status == T2M_OK)
        status = text_line_read(&from, &text);
    struct text_item item = {.text = text.data ? text.data : "", .length = text.length};
    const struct texts one = {.lib = m->lib, .n = 1, .item = &item};
    if (status == T2M_OK)
        status = texts_inputs(&one, &bags, &made);
    if (status == T2M_OK)
        memcpy(x, made, structure_input_size(&m->structure) * sizeof *x);
    mem_free(m->lib, made);
    text_clear(&text);
    return status;
}
