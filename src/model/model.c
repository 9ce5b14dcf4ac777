/* model.c: models in memory, as vectors, and at work. */
#include "model/model.h"

#include <math.h>
#include <string.h>

t2m_status model_new(t2m *lib, t2m_model **out, const struct structure *s, size_t classes,
                     size_t features)
{
    TRY(structure_check(lib, s));
    t2m_model *m = mem_new(lib, 1, sizeof *m);
    if (!m)
        return T2M_ENOMEM;
    m->lib = lib;
    m->structure = *s;
    structure_layout(s, &m->layout);
    m->classes = classes;
    m->features = features;
    m->m = mem_new(lib, m->layout.numel, sizeof *m->m);
    m->statistics = mem_new(lib, m->layout.statistics, sizeof *m->statistics);
    m->class = mem_new(lib, classes, sizeof *m->class);
    m->feature = mem_new(lib, features, sizeof *m->feature);
    m->scales = mem_new(lib, 2 * features + 2, sizeof *m->scales);
    if (!m->m || !m->statistics || !m->class || !m->feature || !m->scales) {
        t2m_model_free(m);
        return T2M_ENOMEM;
    }
    *out = m;
    return T2M_OK;
}

t2m_status model_prototype_room(t2m_model *m)
{
    m->prototype = mem_new(m->lib, m->classes, m->layout.features * sizeof *m->prototype);
    return m->prototype ? T2M_OK : T2M_ENOMEM;
}

t2m_status model_prototype_copy(const t2m_model *from, t2m_model *m)
{
    if (!from->prototype)
        return T2M_OK;
    TRY(model_prototype_room(m));
    memcpy(m->prototype, from->prototype, m->classes * m->layout.features * sizeof *m->prototype);
    memcpy(m->ridge, from->ridge, sizeof m->ridge);
    return T2M_OK;
}

static size_t count_bad(const float *x, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++)
        bad += !isfinite(x[i]);
    return bad;
}

t2m_status model_check_finite(const t2m_model *m, const char *where)
{
    const struct layout *l = &m->layout;
    const bool table = m->table.schema; /* whose interval and unit are numbers too */
    size_t bad = count_bad(m->m, l->numel) + count_bad(m->statistics, l->statistics);
    if (table)
        bad += count_bad(m->table.spread, 2) + count_bad(m->scales + 2 * m->features, 2);
    return bad == 0 ? T2M_OK
                    : refuse(m->lib, T2M_EDIVERGED,
                             "%zu of the model's %zu numbers are not finite; look for extreme "
                             "values %s",
                             bad, l->numel + l->statistics + (table ? 4 : 0), where);
}

static void forget_plan(t2m_model *m)
{
    t2m_workspace_free(m->workspace);
    t2m_plan_free(m->plan);
    mem_free(m->lib, m->x);
    mem_free(m->lib, m->y);
    mem_free(m->lib, m->none);
    m->workspace = NULL;
    m->plan = NULL;
    m->x = m->y = m->none = NULL;
    m->prepared = 0;
}

void t2m_model_free(t2m_model *m)
{
    if (!m)
        return;
    t2m *lib = m->lib;
    forget_plan(m);
    model_table_clear(m);
    vocabulary_free(m->vocabulary);
    mem_free(lib, m->prototype);
    for (size_t i = 0; m->class && i < m->classes; i++)
        mem_free(lib, m->class[i]);
    for (size_t i = 0; m->feature && i < m->features; i++)
        mem_free(lib, m->feature[i]);
    void *const memory[] = {m->m,      m->statistics, m->class, m->feature,
                            m->scales, m->method,     m->target};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(lib, memory[i]);
    mem_free(lib, m);
}

/* Numbers of an answer. */
static size_t outputs_of(const t2m_model *m)
{
    return (size_t)(m->structure.outputs * structure_places(&m->structure));
}

/* Numbers of an input as callers give it. */
static size_t inputs_of(const t2m_model *m)
{
    return m->features ? m->features : structure_input_size(&m->structure);
}

void t2m_model_describe(const t2m_model *m, t2m_model_info *out)
{
    *out = (t2m_model_info){.method = m->method,
                            .target = m->target,
                            .parameters = m->layout.numel,
                            .inputs = inputs_of(m),
                            .outputs = outputs_of(m),
                            .height = (size_t)m->structure.height,
                            .width = (size_t)m->structure.width,
                            .channels = (size_t)m->structure.channels,
                            .table = m->table.schema != NULL,
                            .masks = structure_is_dense(&m->structure),
                            .text = m->vocabulary || m->encoder,
                            .several = m->several};
    structure_text(&m->structure, out->structure);
}

int t2m_model_class_id(const t2m_model *m, size_t i)
{
    return i < m->classes && structure_is_dense(&m->structure) ? m->id[i] : -1;
}

size_t t2m_model_classes(const t2m_model *m)
{
    return m->classes;
}

const char *t2m_model_class(const t2m_model *m, size_t i)
{
    return i < m->classes ? m->class[i] : NULL;
}

const char *t2m_model_feature(const t2m_model *m, size_t i)
{
    return i < m->features ? m->feature[i] : NULL;
}

/* ---- step 2: the model as a vector ---- */

/* The structure code: kind, height, width, channels, outputs, layers, hidden sizes. Whole numbers
 * below 2^24 are exact as floats, so nothing is lost. */
enum { CODE = 6 + NN_MAX_LAYERS };

t2m_status t2m_model_vector(const t2m_model *m, float **vector, size_t *n)
{
    const struct structure *s = &m->structure;
    const size_t total = CODE + m->layout.numel + m->layout.statistics;
    float *v = mem_new(m->lib, total, sizeof *v);
    if (!v)
        return T2M_ENOMEM;
    const int64_t head[] = {(int64_t)s->kind, s->height,  s->width,
                            s->channels,      s->outputs, s->layers};
    for (int i = 0; i < 6; i++)
        v[i] = (float)head[i];
    for (int i = 0; i < s->layers; i++)
        v[6 + i] = (float)s->hidden[i];
    memcpy(v + CODE, m->m, m->layout.numel * sizeof *v);
    memcpy(v + CODE + m->layout.numel, m->statistics, m->layout.statistics * sizeof *v);
    *vector = v;
    *n = total;
    return T2M_OK;
}

static bool whole(float x, int64_t low, int64_t high, int64_t *out)
{
    if (!(x >= (float)low && x <= (float)high) || x != floorf(x))
        return false;
    *out = (int64_t)x;
    return true;
}

static t2m_status decode_structure(const t2m_model *like, const float *v, size_t n,
                                   struct structure *s)
{
    int64_t kind = 0, layers = 0;
    bool good = n >= CODE && whole(v[0], 0, NN_KINDS - 1, &kind) &&
                whole(v[1], 1, 1 << 20, &s->height) && whole(v[2], 1, 1 << 20, &s->width) &&
                whole(v[3], 1, 1 << 20, &s->channels) && whole(v[4], 1, 1 << 20, &s->outputs) &&
                whole(v[5], 0, NN_MAX_LAYERS, &layers);
    for (int64_t i = 0; good && i < layers; i++)
        good = whole(v[6 + i], 1, 1 << 20, &s->hidden[i]);
    s->kind = (enum nn_kind)kind;
    s->layers = (int)layers;
    if (!good)
        return refuse(like->lib, T2M_EUSAGE, "this vector begins with no structure code");
    return structure_check(like->lib, s);
}

static t2m_status copy_names(const t2m_model *like, t2m_model *m)
{
    m->method = mem_text(m->lib, like->method);
    m->encoder = like->encoder;
    memcpy(m->id, like->id, sizeof m->id);
    m->several = like->several;
    memcpy(m->table.spread, like->table.spread, sizeof m->table.spread);
    if (m->layout.features == like->layout.features)
        TRY(model_prototype_copy(like, m));
    if (like->vocabulary)
        TRY(vocabulary_copy(like->vocabulary, &m->vocabulary));
    if (like->table.schema) {
        TRY(model_table_copy(like, m));
        memcpy(m->scales, like->scales, (2 * m->features + 2) * sizeof *m->scales);
        return m->method ? T2M_OK : T2M_ENOMEM;
    }
    for (size_t i = 0; i < m->classes; i++)
        if (!(m->class[i] = mem_text(m->lib, like->class[i])))
            return T2M_ENOMEM;
    for (size_t i = 0; i < m->features; i++)
        if (!(m->feature[i] = mem_text(m->lib, like->feature[i])))
            return T2M_ENOMEM;
    memcpy(m->scales, like->scales, (2 * m->features + 2) * sizeof *m->scales);
    m->target = like->target ? mem_text(m->lib, like->target) : NULL;
    return m->method && (m->target || !like->target) ? T2M_OK : T2M_ENOMEM;
}

t2m_status t2m_model_from_vector(const t2m_model *like, t2m_model **out, const float *vector,
                                 size_t n)
{
    struct structure s = {0};
    t2m_model *m;
    TRY(decode_structure(like, vector, n, &s));
    if (s.outputs != like->structure.outputs || s.height != like->structure.height ||
        s.width != like->structure.width || s.channels != like->structure.channels)
        return refuse(like->lib, T2M_EUSAGE, "this vector is a model for other inputs or outputs");
    TRY(model_new(like->lib, &m, &s, like->classes, like->features));
    t2m_status status = copy_names(like, m);
    if (status == T2M_OK && n != CODE + m->layout.numel + m->layout.statistics)
        status =
            refuse(like->lib, T2M_EUSAGE, "a model of this structure is a vector of %zu, not %zu",
                   CODE + m->layout.numel + m->layout.statistics, n);
    if (status != T2M_OK) {
        t2m_model_free(m);
        return status;
    }
    memcpy(m->m, vector + CODE, m->layout.numel * sizeof *m->m);
    memcpy(m->statistics, vector + CODE + m->layout.numel,
           m->layout.statistics * sizeof *m->statistics);
    *out = m;
    return T2M_OK;
}

/* ---- models beside models ---- */

/* The same structure code, and so the same length. */
static bool same_code(const float *v, const float *w)
{
    for (int i = 0; i < CODE; i++)
        if (v[i] != w[i])
            return false;
    return true;
}

/* Both vectors, if the structures are the same. */
static t2m_status two_vectors(const t2m_model *a, const t2m_model *b, float *v[2], size_t *n)
{
    char first[96], second[96];
    TRY(t2m_model_vector(a, &v[0], n));
    const t2m_status status = t2m_model_vector(b, &v[1], n);
    if (status == T2M_OK && same_code(v[0], v[1]))
        return T2M_OK;
    mem_free(a->lib, v[0]);
    if (status != T2M_OK)
        return status;
    mem_free(a->lib, v[1]);
    structure_text(&a->structure, first);
    structure_text(&b->structure, second);
    return refuse(a->lib, T2M_EUSAGE,
                  "models of different structures or sizes cannot be compared: %s and %s", first,
                  second);
}

t2m_status t2m_model_distance(const t2m_model *a, const t2m_model *b, double *out)
{
    float *v[2];
    size_t n = 0;
    double sum = 0;
    TRY(two_vectors(a, b, v, &n));
    for (size_t i = CODE; i < n; i++)
        sum += ((double)v[0][i] - (double)v[1][i]) * ((double)v[0][i] - (double)v[1][i]);
    *out = sqrt(sum / (double)(n - CODE));
    mem_free(a->lib, v[0]);
    mem_free(a->lib, v[1]);
    return T2M_OK;
}

t2m_status t2m_model_between(const t2m_model *a, const t2m_model *b, double part, t2m_model **out)
{
    float *v[2];
    size_t n = 0;
    TRY(two_vectors(a, b, v, &n));
    for (size_t i = CODE; i < n; i++)
        v[0][i] = (float)((1 - part) * (double)v[0][i] + part * (double)v[1][i]);
    const t2m_status status = t2m_model_from_vector(a, out, v[0], n);
    mem_free(a->lib, v[0]);
    mem_free(a->lib, v[1]);
    return status;
}

/* ---- at work ---- */

/* What is said of logits y [n, classes]. A pixel [n * places] may also be of no class, whose logit
 * is 0. */
static t2m_value probabilities(const t2m_model *m, t2m_graph *g, t2m_value y)
{
    const int64_t n = t2m_dim(g, y, 0), classes = t2m_dim(g, y, 1), column[] = {n, 1};
    if (m->several)
        return t2m_sigmoid(g, y);
    if (!structure_is_dense(&m->structure))
        return t2m_softmax(g, y);
    const t2m_value all[] = {t2m_fill(g, 0, 2, column), y};
    return t2m_slice(g, t2m_softmax(g, t2m_concat(g, 1, all, 2)), 1, 1, classes);
}

t2m_status t2m_model_prepare(t2m_model *m, size_t n)
{
    const int64_t numel = (int64_t)m->layout.numel, statistics = (int64_t)m->layout.statistics;
    t2m_graph *g;
    if (n < 1 || n > 65536)
        return refuse(m->lib, T2M_EUSAGE, "a model is prepared for 1 to 65536 inputs, not %zu", n);
    forget_plan(m);
    TRY(t2m_graph_new(m->lib, &g));
    const t2m_value in[] = {t2m_input(g, "m", 1, &numel),
                            t2m_input(g, "norm statistics", 1, &statistics),
                            structure_input(g, &m->structure, "x", (int64_t)n)};
    struct norm_use norm = {NORM_GIVEN, in[1], {0}};
    const bool knows = m->classes > 0 && !m->several && structure_has_none(&m->structure);
    t2m_value y[2] = {structure_head(g, &m->structure, in[0],
                                     structure_features(g, &m->structure, in[0], in[2], &norm))};
    if (knows)
        y[1] = t2m_sigmoid(
            g, nn_none(g, &(struct nn_none){y[0], layout_take(g, &m->layout, in[0], "head.bias"),
                                            layout_take(g, &m->layout, in[0], "none")}));
    if (m->classes > 0)
        y[0] = probabilities(m, g, y[0]);
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    o.parallel = true;
    t2m_status status = t2m_compile(g, in, 3, y, knows ? 2 : 1, &o, &m->plan);
    t2m_graph_free(g);
    if (status == T2M_OK)
        status = t2m_workspace_new(m->plan, &m->workspace);
    if (status == T2M_OK) {
        m->x = mem_new(m->lib, n * structure_input_size(&m->structure), sizeof *m->x);
        m->y = mem_new(m->lib, n * outputs_of(m), sizeof *m->y);
        m->none = knows ? mem_new(m->lib, n, sizeof *m->none) : NULL;
        status = m->x && m->y && (m->none || !knows) ? T2M_OK : T2M_ENOMEM;
    }
    if (status == T2M_OK)
        m->prepared = n;
    else
        forget_plan(m);
    return status;
}

t2m_status t2m_model_predict(t2m_model *m, const float *x, size_t n, float *y)
{
    return t2m_model_judge(m, x, n, y, NULL);
}

t2m_status t2m_model_judge(t2m_model *m, const float *x, size_t n, float *y, float *none)
{
    const size_t inputs = structure_input_size(&m->structure), outputs = outputs_of(m);
    const bool table = m->table.schema;
    if (n > m->prepared)
        return refuse(m->lib, T2M_EUSAGE, "the model is prepared for %zu inputs, not %zu",
                      m->prepared, n);
    memset(m->x + n * inputs, 0, (m->prepared - n) * inputs * sizeof *x);
    if (table)
        marginals_apply(m->table.marginal, x, n, m->features, m->x);
    else
        memcpy(m->x, x, n * inputs * sizeof *x);
    for (size_t i = 0; m->features && !table && i < n * inputs; i++) {
        const float *scale = m->scales + 2 * (i % inputs);
        m->x[i] = (m->x[i] - scale[0]) / scale[1];
    }
    const void *const in[] = {m->m, m->statistics, m->x};
    void *const out[] = {m->y, m->none};
    t2m_run(m->plan, m->workspace, in, out);
    memcpy(y, m->y, n * outputs * sizeof *y);
    for (size_t i = 0; none && i < n; i++)
        none[i] = m->none ? m->none[i] : NAN;
    const bool scaled = m->features || m->vocabulary || m->encoder;
    for (size_t i = 0; scaled && !m->classes && i < n * outputs; i++)
        y[i] = y[i] * m->scales[2 * m->features + 1] + m->scales[2 * m->features];
    return T2M_OK;
}

bool t2m_model_interval(const t2m_model *m, double half_width[2])
{
    if ((!m->table.schema && !m->vocabulary && !m->encoder) || m->classes)
        return false;
    for (int i = 0; i < 2; i++)
        half_width[i] = (double)m->table.spread[i];
    return true;
}
