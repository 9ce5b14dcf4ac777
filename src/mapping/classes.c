/* classes.c: classes into and out of models, while the others stay as they are to the last bit. A
 * prototype is a class's own; by ridge regression a new class is solved against the prototypes of
 * the others, which such a model keeps. */
#include <math.h>
#include <string.h>

#include "files/safetensors.h"
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
    if (structure_is_dense(&m->structure))
        return refuse(
            m->lib, T2M_EUSAGE,
            "classes go into and out of models that give one label; this one gives masks: "
            "build it anew");
    if (m->several || (m->classes == 0 && (m->vocabulary || m->encoder)))
        return refuse(m->lib, T2M_EUSAGE,
                      "classes go into and out of models that give one label; this one gives %s: "
                      "build it anew",
                      m->several ? "several" : "a value");
    return m->prototype || (method && method->head == HEAD_PROTOTYPES)
               ? T2M_OK
               : refuse(m->lib, T2M_EUSAGE,
                        "classes can be added to models of pictures and texts by protonet or "
                        "ridge, and taken from them; this one was built by %s",
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
    if (m->prototype)
        TRY(model_prototype_room(to));
    memcpy(to->ridge, m->ridge, sizeof m->ridge);
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
        if (m->prototype)
            memcpy(to->prototype + keep[i] * features, m->prototype + i * features,
                   features * sizeof *m->prototype);
        if (!(to->class[keep[i]] = mem_text(m->lib, m->class[i])))
            return T2M_ENOMEM;
    }
    return T2M_OK;
}

/* ---- adding ---- */

/* weight [features], bias, prototype [features] of the class of examples x [n, inputs]. */
static t2m_status head_of_class(const t2m_model *m, const float *x, size_t n, float **out)
{
    const int64_t numel = (int64_t)m->layout.numel, statistics = (int64_t)m->layout.statistics,
                  count = (int64_t)n, all = -1, later = MODEL_LATER,
                  means[] = {(int64_t)m->classes, (int64_t)m->layout.features};
    t2m_graph *g;
    TRY(t2m_graph_new(m->lib, &g));
    const t2m_value in[] = {t2m_input(g, "m", 1, &numel),
                            t2m_input(g, "norm statistics", 1, &statistics),
                            structure_input(g, &m->structure, "x", count),
                            t2m_input(g, "prototypes", 2, means), t2m_input(g, "ridge", 1, &later)};
    struct norm_use norm = {NORM_GIVEN, in[1], {0}};
    const t2m_value h = structure_features(g, &m->structure, in[0], in[2], &norm),
                    labels = t2m_fill(g, 0, 1, &count);
    const struct head head =
        m->prototype ? head_ridge_later(g, h, in[3], in[4]) : head_prototypes(g, h, labels, 1);
    const t2m_value parts[] = {t2m_reshape(g, head.weight, 1, &all), head.bias,
                               t2m_mean(g, h, 0, 1)},
                    result = t2m_concat(g, 0, parts, 3);
    const void *const from[] = {m->m, m->statistics, x, m->prototype, m->ridge};
    const struct once once = {g, in, from, m->prototype ? 5 : 3, &result, 1};
    const t2m_status status = once_results(m->lib, &once, out);
    t2m_graph_free(g);
    return status;
}

/* The class of this name, or NULL. */
static const struct example_class *class_named(const t2m_family *f, const char *name)
{
    for (size_t i = 0; i < f->classes; i++)
        if (strcmp(f->class[i].name, name) == 0)
            return &f->class[i];
    return NULL;
}

static t2m_status check_examples(const t2m_model *m, const t2m_family *f, const char *name)
{
    const bool images = !m->vocabulary && !m->encoder;
    if (class_number(m, name) < m->classes)
        return refuse(m->lib, T2M_EUSAGE, "the model has a class '%.100s' already", name);
    if (f->kind != (images ? FAMILY_IMAGES : FAMILY_TEXTS))
        return refuse(m->lib, T2M_EDATA, "'%s' has no %s, which this model takes", f->name,
                      images ? "pictures" : "texts");
    return class_named(f, name) ? T2M_OK
                                : refuse(m->lib, T2M_EDATA, "'%s' has %zu class%s, and no '%.100s'",
                                         f->name, f->classes, f->classes == 1 ? "" : "es", name);
}

/* The mean as coarse as the prototypes that there are. */
static void put_prototype(const t2m_model *m, const float *mean, float *to)
{
    const size_t features = m->layout.features;
    const float unit = safetensors_unit(m->prototype, m->classes * features);
    for (size_t k = 0; k < features; k++)
        to[k] = unit > 0 ? unit * fmaxf(-127, fminf(rintf(mean[k] / unit), 127)) + 0.0F : mean[k];
}

/* m with the class of this head (head_of_class). */
static t2m_status join_class(const t2m_model *m, t2m_model **out, const float *head,
                             const char *name)
{
    const size_t features = m->layout.features, last = m->classes;
    size_t *keep = mem_new(m->lib, m->classes, sizeof *keep);
    if (!keep)
        return T2M_ENOMEM;
    for (size_t i = 0; i < m->classes; i++)
        keep[i] = i;
    const t2m_status status = copy_classes(m, out, m->classes + 1, keep);
    mem_free(m->lib, keep);
    TRY(status);
    t2m_model *to = *out;
    for (size_t k = 0; k < features; k++)
        to->m[head_of(to, 0)->offset + k * to->classes + last] = head[k];
    to->m[head_of(to, 1)->offset + last] = head[features];
    if (m->prototype)
        put_prototype(m, head + features + 1, to->prototype + last * features);
    TRY(model_check_finite(to, "in the examples of the class"));
    return (to->class[last] = mem_text(m->lib, name)) ? T2M_OK : T2M_ENOMEM;
}

static t2m_status add_class(const t2m_model *m, t2m_model **out, const t2m_family *f,
                            const char *name)
{
    TRY(check_examples(m, f, name));
    const struct example_class *c = class_named(f, name);
    const struct class_inputs inputs = {f, m->vocabulary, &m->structure};
    float *x = mem_new(m->lib, c->count, structure_input_size(&m->structure) * sizeof *x),
          *head = NULL;
    if (!x)
        return T2M_ENOMEM;
    class_inputs_write(&inputs, c, x);
    t2m_status status = head_of_class(m, x, c->count, &head);
    if (status == T2M_OK)
        status = join_class(m, out, head, name);
    mem_free(m->lib, head);
    mem_free(m->lib, x);
    return status;
}

t2m_status t2m_model_add(const t2m_model *m, t2m_model **out, const char *path, const char *name)
{
    const struct family_options o = options_for(m);
    t2m_family *f;
    t2m_model *made = NULL;
    TRY(check_method(m));
    TRY(model_encoder_check(m));
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
