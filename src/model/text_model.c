/* text_model.c: models of texts: what they read. */
#include <string.h>

#include "base/text.h"
#include "files/texts.h"
#include "model/model.h"
#include "task/text_family.h"

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

t2m_status encoder_check(t2m *lib, uint64_t fingerprint, const char *what)
{
    if (fingerprint == 0 || lib->encoder.fingerprint == fingerprint)
        return T2M_OK;
    return refuse(lib, T2M_EUSAGE,
                  lib->encoder.width ? "this %s was made with another sentence encoder than the "
                                       "one that --encoder names"
                                     : "this %s takes the vectors of a sentence encoder: name its "
                                       "folder with --encoder",
                  what);
}

/* x [n, inputs] of all texts. */
static t2m_status write_all(const t2m_model *m, const struct texts *t, float *x)
{
    const size_t inputs = structure_input_size(&m->structure);
    struct phrase p;
    t2m_status status = T2M_OK;
    phrase_init(&p, m->lib);
    for (size_t i = 0; i < t->n && status == T2M_OK; i++)
        status = write_input(m, &p, t->item[i].text, t->item[i].length, x + i * inputs);
    phrase_clear(&p);
    return status;
}

/* One text by the handle's encoder. */
static t2m_status encode(const t2m_model *m, const char *text, float *x)
{
    return m->lib->encoder.run(m->lib->encoder.ctx, &text, 1, x);
}

t2m_status model_text_read(const t2m_model *m, const char *path, float **x, size_t *n)
{
    const struct text_options options = {.unlabelled = true};
    const size_t inputs = structure_input_size(&m->structure);
    struct texts *t;
    float *to = NULL;
    TRY(encoder_check(m->lib, m->encoder, "model"));
    TRY(texts_open_file(m->lib, &t, path, &options));
    t2m_status status;
    if (m->encoder) {
        status = texts_encode(t, &to);
    } else {
        to = mem_new(m->lib, t->n, inputs * sizeof *to);
        status = to ? write_all(m, t, to) : T2M_ENOMEM;
    }
    *n = t->n;
    texts_free(t);
    if (status == T2M_OK)
        *x = to;
    else
        mem_free(m->lib, to);
    return status;
}

t2m_status t2m_model_line(const t2m_model *m, const char *line, size_t number, float *x)
{
    if (!m->vocabulary && !m->encoder)
        return refuse(m->lib, T2M_EUSAGE, "this model does not take texts");
    const struct text_line from = {
        .file = "standard input", .number = number, .data = line, .length = strlen(line)};
    struct text text;
    struct phrase p;
    text_init(&text, m->lib);
    phrase_init(&p, m->lib);
    t2m_status status = encoder_check(m->lib, m->encoder, "model");
    if (status == T2M_OK)
        status = text_line_read(&from, &text);
    if (status == T2M_OK && m->encoder)
        status = encode(m, text.data ? text.data : "", x);
    else if (status == T2M_OK)
        status = write_input(m, &p, text.data ? text.data : "", text.length, x);
    phrase_clear(&p);
    text_clear(&text);
    return status;
}
