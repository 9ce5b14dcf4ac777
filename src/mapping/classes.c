/* classes.c: classes into and out of models whose head has a part of its own for each class, the
 * prototype, so that the others stay as they are to the last bit. */
#include <string.h>

#include "generate/heads.h"
#include "mapping/doors.h"
#include "mapping/once.h"
#include "model/model.h"

/* Of m: no more than these are needed to read examples as it takes them. */
static struct family_options options_for(const t2m_model *m)
{
    const struct structure *s = &m->structure;
    return (struct family_options){.height = (size_t)s->height,
                                   .width = (size_t)s->width,
                                   .channels = (size_t)s->channels,
                                   .texts = m->vocabulary || m->encoder,
                                   .vectors = m->encoder != 0,
                                   .classes = -1};
}

static t2m_status check_method(const t2m_model *m)
{
    const struct method *method = method_find(m->method);
    return method && method->head == HEAD_PROTOTYPES
               ? T2M_OK
               : refuse(m->lib, T2M_EUSAGE,
                        "classes can be added to models of the method protonet, and taken from "
                        "them; this one was built by %s",
                        m->method);
}

static size_t class_number(const t2m_model *m, const char *name)
{
    size_t i = 0;
    while (i < m->classes && strcmp(m->class[i], name) != 0)
        i++;
    return i;
}

static const struct parameter *head_of(const t2m_model *m, size_t which)
{
    return &m->layout.parameter[m->layout.count - 2 + which];
}

/* The model with room for `classes`; class i of m is number keep[i] there, or left out if that is
 * SIZE_MAX. */
static t2m_status copy_classes(const t2m_model *m, t2m_model **out, size_t classes,
                               const size_t *keep)
{
    struct structure s = m->structure;
    s.outputs = (int64_t)classes;
    TRY(model_new(m->lib, out, &s, classes, 0));
    t2m_model *to = *out;
    to->method = mem_text(m->lib, m->method);
    if (!to->method)
        return T2M_ENOMEM;
    to->encoder = m->encoder;
    if (m->vocabulary)
        TRY(vocabulary_copy(m->vocabulary, &to->vocabulary));
    memcpy(to->m, m->m, m->layout.body * sizeof *m->m);
    memcpy(to->statistics, m->statistics, m->layout.statistics * sizeof *m->m);
    const size_t features = m->layout.features, was = m->classes;
    for (size_t i = 0; i < was; i++) {
        if (keep[i] == SIZE_MAX)
            continue;
        for (size_t k = 0; k < features; k++)
            to->m[head_of(to, 0)->offset + k * classes + keep[i]] =
                m->m[head_of(m, 0)->offset + k * was + i];
        to->m[head_of(to, 1)->offset + keep[i]] = m->m[head_of(m, 1)->offset + i];
        if (!(to->class[keep[i]] = mem_text(m->lib, m->class[i])))
            return T2M_ENOMEM;
    }
    return T2M_OK;
}

/* ---- adding ---- */

/* weight [features], then bias, of the class of examples x [n, inputs]. */
static t2m_status prototype_of(const t2m_model *m, const float *x, size_t n, float **out)
{
    const int64_t numel = (int64_t)m->layout.numel, statistics = (int64_t)m->layout.statistics,
                  count = (int64_t)n, all = -1;
    t2m_graph *g;
    TRY(t2m_graph_new(m->lib, &g));
    const t2m_value in[] = {t2m_input(g, "m", 1, &numel),
                            t2m_input(g, "norm statistics", 1, &statistics),
                            structure_input(g, &m->structure, "x", count)};
    struct norm_use norm = {NORM_GIVEN, in[1], {0}};
    const t2m_value h = structure_features(g, &m->structure, in[0], in[2], &norm),
                    labels = t2m_fill(g, 0, 1, &count);
    const struct head head = head_prototypes(g, h, labels, 1);
    const t2m_value both[] = {t2m_reshape(g, head.weight, 1, &all), head.bias},
                    result = t2m_concat(g, 0, both, 2);
    const void *const from[] = {m->m, m->statistics, x};
    const struct once once = {g, in, from, 3, &result, 1};
    const t2m_status status = once_results(m->lib, &once, out);
    t2m_graph_free(g);
    return status;
}

static t2m_status find_class(const t2m_model *m, const t2m_family *f, const char *name,
                             const struct example_class **out)
{
    const bool images = !m->vocabulary && !m->encoder;
    if (f->kind != (images ? FAMILY_IMAGES : FAMILY_TEXTS))
        return refuse(m->lib, T2M_EDATA, "'%s' has no %s, which this model takes", f->name,
                      images ? "pictures" : "texts");
    for (size_t i = 0; i < f->classes; i++)
        if (strcmp(f->class[i].name, name) == 0) {
            *out = &f->class[i];
            return T2M_OK;
        }
    return refuse(m->lib, T2M_EDATA, "'%s' has %zu class%s, and no '%.100s'", f->name, f->classes,
                  f->classes == 1 ? "" : "es", name);
}

static t2m_status add_class(const t2m_model *m, t2m_model **out, const t2m_family *f,
                            const char *name)
{
    const struct example_class *c = NULL;
    if (class_number(m, name) < m->classes)
        return refuse(m->lib, T2M_EUSAGE, "the model has a class '%.100s' already", name);
    TRY(find_class(m, f, name, &c));
    const struct class_inputs inputs = {f, m->vocabulary, &m->structure};
    float *x = mem_new(m->lib, c->count, structure_input_size(&m->structure) * sizeof *x),
          *head = NULL;
    size_t *keep = mem_new(m->lib, m->classes, sizeof *keep);
    t2m_status status = x && keep ? T2M_OK : T2M_ENOMEM;
    if (status == T2M_OK) {
        class_inputs_write(&inputs, c, x);
        for (size_t i = 0; i < m->classes; i++)
            keep[i] = i;
        status = prototype_of(m, x, c->count, &head);
    }
    if (status == T2M_OK)
        status = copy_classes(m, out, m->classes + 1, keep);
    if (status == T2M_OK && !((*out)->class[m->classes] = mem_text(m->lib, name)))
        status = T2M_ENOMEM;
    if (status == T2M_OK) {
        t2m_model *to = *out;
        const size_t features = m->layout.features;
        for (size_t k = 0; k < features; k++)
            to->m[head_of(to, 0)->offset + k * to->classes + m->classes] = head[k];
        to->m[head_of(to, 1)->offset + m->classes] = head[features];
    }
    mem_free(m->lib, head);
    mem_free(m->lib, keep);
    mem_free(m->lib, x);
    return status;
}

t2m_status t2m_model_add(const t2m_model *m, t2m_model **out, const char *path, const char *name)
{
    const struct family_options o = options_for(m);
    t2m_family *f;
    t2m_model *made = NULL;
    TRY(check_method(m));
    TRY(encoder_check(m->lib, m->encoder, "model"));
    TRY(family_open(m->lib, &f, &path, 1, &o));
    const t2m_status status = add_class(m, &made, f, name);
    t2m_family_free(f);
    if (status == T2M_OK)
        *out = made;
    else
        t2m_model_free(made);
    return status;
}

/* ---- removing ---- */

t2m_status t2m_model_remove(const t2m_model *m, t2m_model **out, const char *name)
{
    TRY(check_method(m));
    const size_t gone = class_number(m, name);
    if (gone == m->classes)
        return refuse(m->lib, T2M_EUSAGE, "the model has no class '%.100s'", name);
    if (m->classes <= 2)
        return refuse(m->lib, T2M_EUSAGE,
                      "the model has two classes, and a classifier needs at least two");
    size_t *keep = mem_new(m->lib, m->classes, sizeof *keep);
    t2m_model *made = NULL;
    if (!keep)
        return T2M_ENOMEM;
    for (size_t i = 0; i < m->classes; i++)
        keep[i] = i == gone ? SIZE_MAX : i - (i > gone);
    const t2m_status status = copy_classes(m, &made, m->classes - 1, keep);
    mem_free(m->lib, keep);
    if (status == T2M_OK)
        *out = made;
    else
        t2m_model_free(made);
    return status;
}
