/* text_model.c: models of texts: what they read. */
#include <string.h>

#include "base/text.h"
#include "files/texts.h"
#include "model/model.h"

/* x [inputs] */
static t2m_status write_input(const t2m_model *m, struct phrase *p, const char *text, size_t length,
                              float *x)
{
    const struct bag_use use = {.vocabulary = m->vocabulary,
                                .slots = (size_t)m->structure.hidden[1],
                                .features = (size_t)m->structure.width};
    struct bag bag;
    TRY(bag_make(&bag, p, text, length));
    bag_write(&bag, &use, x);
    bag_clear(m->lib, &bag);
    return T2M_OK;
}

t2m_status model_text_read(const t2m_model *m, const char *path, float **x, size_t *n)
{
    const struct text_options options = {.unlabelled = true};
    const size_t inputs = structure_input_size(&m->structure);
    struct texts *t;
    TRY(texts_open_file(m->lib, &t, path, &options));
    struct phrase p;
    phrase_init(&p, m->lib);
    float *to = mem_new(m->lib, t->n, inputs * sizeof *to);
    t2m_status status = to ? T2M_OK : T2M_ENOMEM;
    for (size_t i = 0; i < t->n && status == T2M_OK; i++)
        status = write_input(m, &p, t->item[i].text, t->item[i].length, to + i * inputs);
    *n = t->n;
    phrase_clear(&p);
    texts_free(t);
    if (status == T2M_OK)
        *x = to;
    else
        mem_free(m->lib, to);
    return status;
}

t2m_status t2m_model_line(const t2m_model *m, const char *line, size_t number, float *x)
{
    if (!m->vocabulary)
        return refuse(m->lib, T2M_EUSAGE, "this model does not take texts");
    const struct text_line from = {
        .file = "standard input", .number = number, .data = line, .length = strlen(line)};
    struct text text;
    struct phrase p;
    text_init(&text, m->lib);
    phrase_init(&p, m->lib);
    t2m_status status = text_line_read(&from, &text);
    if (status == T2M_OK)
        status = write_input(m, &p, text.data ? text.data : "", text.length, x);
    phrase_clear(&p);
    text_clear(&text);
    return status;
}
