/* store_model.c: models in files, and the files that they take as input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/image.h"
#include "files/safetensors.h"
#include "files/table.h"
#include "model/model.h"

/* ---- writing ---- */

static void list(struct text *t, char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_line(t, names[i], i == 0);
}

/* Whether it foretells a number from a text. */
static bool is_score(const t2m_model *m)
{
    return (m->vocabulary || m->encoder) && m->classes == 0;
}

static size_t put_tensors(const t2m_model *m, struct tensor_entry *t, float *words)
{
    size_t n = 0;
    for (; n < m->layout.count; n++) {
        const struct parameter *p = &m->layout.parameter[n];
        t[n] = (struct tensor_entry){
            .name = p->name, .rank = p->rank, .count = p->count, .data = m->m + p->offset};
        memcpy(t[n].dim, p->dim, sizeof p->dim);
        t[n].unit = p->coarse ? safetensors_unit(t[n].data, p->count) : 0;
    }
    if (m->layout.statistics > 0)
        t[n++] = (struct tensor_entry){.name = "norm.statistics",
                                       .rank = 1,
                                       .dim = {(int64_t)m->layout.statistics},
                                       .count = m->layout.statistics,
                                       .data = m->statistics};
    if (m->table.schema)
        n += model_table_tensors(m, t + n);
    if (m->vocabulary)
        t[n++] = vocabulary_tensor(m->vocabulary, words);
    if (m->prototype) {
        const size_t count = m->classes * m->layout.features;
        t[n++] = (struct tensor_entry){.name = "prototypes",
                                       .rank = 2,
                                       .dim = {(int64_t)m->classes, (int64_t)m->layout.features},
                                       .count = count,
                                       .data = m->prototype,
                                       .unit = safetensors_unit(m->prototype, count)};
        t[n++] = (struct tensor_entry){.name = "ridge",
                                       .rank = 1,
                                       .dim = {MODEL_LATER},
                                       .count = MODEL_LATER,
                                       .data = m->ridge};
    }
    if (is_score(m))
        t[n++] = (struct tensor_entry){
            .name = "data.spread", .rank = 1, .dim = {2}, .count = 2, .data = m->table.spread};
    if (m->features > 0 || is_score(m))
        t[n++] = (struct tensor_entry){.name = "data.scales",
                                       .rank = 2,
                                       .dim = {(int64_t)m->features + 1, 2},
                                       .count = 2 * m->features + 2,
                                       .data = m->scales};
    return n;
}

enum { IDS_TEXT = 4 * 256 }; /* numbers of three digits */

static void list_ids(const t2m_model *m, char out[IDS_TEXT])
{
    out[0] = 0;
    for (size_t i = 0, at = 0; i < m->classes && i < 255; i++)
        at += (size_t)snprintf(out + at, IDS_TEXT - at, "%s%d", i ? " " : "", m->id[i]);
}

/* Writes the model's file; with no path, only says how many bytes it has. */
static t2m_status store(const t2m_model *m, const char *path, bool force, size_t *bytes)
{
    char structure[96], input[96], *schema = NULL;
    struct text classes, features;
    struct tensor_entry *t = mem_new(m->lib, m->layout.count + 6 + MODEL_TABLE_TENSORS, sizeof *t);
    float *words = mem_new(m->lib, vocabulary_numbers(m->vocabulary), sizeof *words);
    if (!t || !words) {
        mem_free(m->lib, t);
        mem_free(m->lib, words);
        return T2M_ENOMEM;
    }
    text_init(&classes, m->lib);
    text_init(&features, m->lib);
    t2m_status status = m->table.schema ? schema_text(m->table.schema, &schema) : T2M_OK;
    list(&classes, m->class, schema ? 0 : m->classes); /* the schema has them */
    list(&features, m->feature, schema ? 0 : m->features);
    structure_text(&m->structure, structure);
    snprintf(input, sizeof input, "%lld %lld %lld %lld", (long long)m->structure.height,
             (long long)m->structure.width, (long long)m->structure.channels,
             (long long)m->structure.outputs);
    char encoder[17], ids[IDS_TEXT];
    snprintf(encoder, sizeof encoder, "%016llx", (unsigned long long)m->encoder);
    const char *key[10] = {"kind",   "version", "structure", "input",
                           "method", "classes", "features",  "target"},
               *value[10] = {"task2model model",
                             "1",
                             structure,
                             input,
                             m->method,
                             classes.data ? classes.data : "",
                             features.data ? features.data : "",
                             m->target && !schema ? m->target : ""};
    size_t keys = 8;
    if (schema || m->encoder) {
        key[keys] = schema ? "schema" : "encoder";
        value[keys++] = schema ? schema : encoder;
    }
    if (structure_is_dense(&m->structure)) {
        list_ids(m, ids);
        key[keys] = "ids";
        value[keys++] = ids;
    }
    if (m->several) {
        key[keys] = "labels";
        value[keys++] = "several";
    }
    const struct tensor_writing w = {t, put_tensors(m, t, words), key, value, keys};
    if (classes.failed || features.failed)
        status = T2M_ENOMEM;
    if (status == T2M_OK)
        status =
            path ? safetensors_write(m->lib, path, &w, force) : safetensors_size(m->lib, &w, bytes);
    text_clear(&classes);
    text_clear(&features);
    mem_free(m->lib, schema);
    mem_free(m->lib, words);
    mem_free(m->lib, t);
    return status;
}

t2m_status t2m_model_save(const t2m_model *m, const char *path, bool force)
{
    return store(m, path, force, NULL);
}

t2m_status t2m_model_bytes(const t2m_model *m, size_t *bytes)
{
    return store(m, NULL, false, bytes);
}

/* ---- reading ---- */

static t2m_status bad(t2m *lib, const char *path, const char *what)
{
    return refuse(lib, T2M_EMODEL, "'%.200s' is not a usable model: %s", path, what);
}

static const char *meta(const struct tensor_file *f, const char *key)
{
    const char *v = safetensors_meta(f, key);
    return v ? v : "";
}

static size_t count_lines(const char *s)
{
    size_t n = *s != 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static t2m_status read_numbers(t2m_model *m, const struct tensor_file *f, const char *path)
{
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct parameter *p = &m->layout.parameter[i];
        if (!safetensors_take(f, p->name, p->count, m->m + p->offset))
            return bad(m->lib, path, "a tensor is missing or has another size");
    }
    if (m->layout.statistics &&
        !safetensors_take(f, "norm.statistics", m->layout.statistics, m->statistics))
        return bad(m->lib, path, "its norm statistics are missing");
    if (safetensors_find(f, "prototypes")) {
        TRY(model_prototype_room(m));
        if (!safetensors_take(f, "prototypes", m->classes * m->layout.features, m->prototype) ||
            !safetensors_take(f, "ridge", MODEL_LATER, m->ridge))
            return bad(m->lib, path, "what it keeps for new classes makes no sense");
    }
    if (is_score(m) && (!safetensors_take(f, "data.spread", 2, m->table.spread) ||
                        !(m->table.spread[0] >= 0 && m->table.spread[1] >= 0)))
        return bad(m->lib, path, "its intervals are missing");
    if ((m->features || is_score(m)) &&
        !safetensors_take(f, "data.scales", 2 * m->features + 2, m->scales))
        return bad(m->lib, path, "the scales of its columns are missing");
    return T2M_OK;
}

/* Its kind, its structure, and whether it is whole. */
static t2m_status read_structure(t2m *lib, const struct tensor_file *f, const char *path,
                                 struct structure *s)
{
    long long in[4];
    if (strcmp(meta(f, "kind"), "task2model model") != 0)
        return bad(lib, path,
                   strcmp(meta(f, "kind"), "task2model learner") == 0
                       ? "it is a learner; make a model from it with t2m build"
                       : "it was not made by t2m build");
    if (!f->checked)
        return bad(lib, path, "it has no checksum");
    if (structure_parse(lib, meta(f, "structure"), s) != T2M_OK ||
        sscanf(meta(f, "input"), "%lld %lld %lld %lld", &in[0], &in[1], &in[2], &in[3]) != 4)
        return bad(lib, path, "its structure makes no sense");
    s->height = in[0];
    s->width = in[1];
    s->channels = in[2];
    s->outputs = in[3];
    if (structure_check(lib, s) != T2M_OK)
        return bad(lib, path, "its structure makes no sense");
    struct layout layout;
    structure_layout(s, &layout);
    return layout.numel + layout.statistics <= safetensors_numbers(f) /* before memory is taken */
               ? T2M_OK
               : bad(lib, path, "a tensor is missing or has another size");
}

static t2m_status read_names(t2m_model *m, const struct tensor_file *f)
{
    t2m *lib = m->lib;
    m->target = m->classes ? NULL : mem_text(lib, meta(f, "target"));
    return (m->classes || m->target) &&
                   text_take_lines(lib, meta(f, "classes"), m->classes, m->class) &&
                   text_take_lines(lib, meta(f, "features"), m->features, m->feature)
               ? T2M_OK
               : T2M_ENOMEM;
}

/* Numbers from 1 to 254, all different, one for each class. */
static bool read_ids(t2m_model *m, const char *text)
{
    bool taken[256] = {[0] = true, [255] = true};
    char *end;
    for (size_t i = 0; i < m->classes; i++, text = end) {
        const long id = strtol(text, &end, 10);
        if (end == text || id < 0 || id > 255 || taken[id] || i >= 254)
            return false;
        taken[id] = true;
        m->id[i] = (unsigned char)id;
    }
    return *text == 0;
}

static t2m_status read_table(t2m_model *m, const struct tensor_file *f, const char *path,
                             struct schema *schema)
{
    TRY(model_table_start(m, schema));
    if (!model_table_read(m, f))
        return bad(m->lib, path, "what it says of its columns makes no sense");
    return model_table_name(m);
}

/* Whether the structure is one for these classes, or a value, and these columns. */
static bool structure_fits(const struct tensor_file *f, const struct structure *s,
                           const struct schema *schema, size_t classes, size_t features)
{
    const bool text = s->kind == NN_TEXT || *meta(f, "encoder");
    if (classes ? classes != (size_t)s->outputs : s->outputs != 1)
        return false;
    if (structure_is_dense(s) && (schema || classes < 1 || features > 0))
        return false;
    if (schema)
        return features * MARGINAL_VIEWS == structure_input_size(s) &&
               s->channels == MARGINAL_VIEWS;
    return classes || features == structure_input_size(s) || (features == 0 && text);
}

/* Takes the schema in any case. */
static t2m_status read_whole(t2m *lib, const struct tensor_file *f, const char *path,
                             const struct structure *s, struct schema *schema, t2m_model **out)
{
    const size_t classes = schema ? schema->classes : count_lines(meta(f, "classes")),
                 features = schema ? (size_t)s->width : count_lines(meta(f, "features"));
    if (!structure_fits(f, s, schema, classes, features)) {
        schema_free(schema);
        return bad(lib, path, "its structure makes no sense");
    }
    t2m_status status = model_new(lib, out, s, classes, features);
    if (status != T2M_OK) {
        schema_free(schema);
        return status;
    }
    t2m_model *m = *out;
    status = schema ? read_table(m, f, path, schema) : read_names(m, f);
    m->method = mem_text(lib, meta(f, "method"));
    unsigned long long encoder = 0;
    if (*meta(f, "encoder") && (sscanf(meta(f, "encoder"), "%llx", &encoder) != 1 || !encoder))
        return bad(lib, path, "what it says of its encoder makes no sense");
    m->encoder = encoder;
    m->several = strcmp(meta(f, "labels"), "several") == 0;
    if (status == T2M_OK && s->kind == NN_TEXT) {
        status = vocabulary_read(lib, f, s, &m->vocabulary);
        if (status == T2M_EMODEL)
            return bad(lib, path, "its vocabulary makes no sense");
    }
    if (structure_is_dense(s) && !read_ids(m, meta(f, "ids")))
        return bad(lib, path, "what it says of its classes makes no sense");
    if (status == T2M_OK && !m->method)
        status = T2M_ENOMEM;
    return status == T2M_OK ? read_numbers(m, f, path) : status;
}

static t2m_status read_model(t2m *lib, const struct tensor_file *f, const char *path,
                             t2m_model **out)
{
    struct structure s = {0};
    struct schema *schema = NULL;
    TRY(read_structure(lib, f, path, &s));
    const char *const rules = meta(f, "schema");
    const t2m_status status = *rules ? schema_parse(lib, &schema, rules) : T2M_OK;
    if (status == T2M_EMODEL)
        return bad(lib, path, lib->errmsg);
    TRY(status);
    return read_whole(lib, f, path, &s, schema, out);
}

t2m_status t2m_model_open(t2m *lib, t2m_model **out, const char *path)
{
    struct tensor_file *f;
    t2m_model *m = NULL;
    TRY(safetensors_read(lib, path, &f));
    const t2m_status status = read_model(lib, f, path, &m);
    safetensors_free(f);
    if (status == T2M_OK)
        *out = m;
    else
        t2m_model_free(m);
    return status;
}

/* ---- inputs ---- */

static t2m_status read_picture(const t2m_model *m, const struct bytes *file, const char *name,
                               float *x)
{
    struct image image;
    TRY(image_decode(m->lib, file, name, &image));
    (structure_is_dense(&m->structure) ? image_scale_as : image_scale)(
        &image, (size_t)m->structure.height, (size_t)m->structure.width,
        (size_t)m->structure.channels, x);
    mem_free(m->lib, image.pixels);
    return T2M_OK;
}

static t2m_status read_rows(const t2m_model *m, const struct table *t, float **x, size_t *n)
{
    *n = t->rows;
    if (m->table.schema)
        return model_table_rows(m, t, x);
    float *to = mem_new(m->lib, t->rows * m->features, sizeof *to);
    t2m_status status = to ? T2M_OK : T2M_ENOMEM;
    for (size_t k = 0; k < m->features && status == T2M_OK; k++) {
        const int64_t column = table_column(t, m->feature[k]);
        if (column < 0)
            status = refuse(m->lib, T2M_EDATA, "%.160s: no column '%.60s', which the model needs%s",
                            t->name, m->feature[k], table_hint(t));
        for (size_t i = 0; i < t->rows && status == T2M_OK; i++) {
            double v;
            status = table_number(t, i, (size_t)column, &v);
            if (status == T2M_OK)
                to[i * m->features + k] = (float)v;
        }
    }
    if (status != T2M_OK) {
        mem_free(m->lib, to);
        return status;
    }
    *x = to;
    return T2M_OK;
}

t2m_status t2m_model_read(const t2m_model *m, const char *path, float **x, size_t *n)
{
    struct bytes file;
    struct table *t;
    if (m->vocabulary || m->encoder)
        return model_text_read(m, path, x, n);
    TRY(store_read(m->lib, path, m->lib->memory_limit, &file));
    t2m_status status;
    if (m->features == 0) {
        float *to = mem_new(m->lib, structure_input_size(&m->structure), sizeof *to);
        status = to ? read_picture(m, &file, path, to) : T2M_ENOMEM;
        if (status == T2M_OK) {
            *x = to;
            *n = 1;
        } else {
            mem_free(m->lib, to);
        }
    } else {
        status = table_parse_later(m->lib, &file, path, &t);
        if (status == T2M_OK) {
            status = read_rows(m, t, x, n);
            table_free(t);
        }
    }
    mem_free(m->lib, file.data);
    return status;
}
