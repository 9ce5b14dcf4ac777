/* learner.c: learners in files: tensors of phi under their names, and what they are as metadata. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/safetensors.h"
#include "mapping/tables.h"

/* ---- metadata: a list of keys and texts ---- */

enum { MAX_META = 40 };
struct meta {
    const char *key[MAX_META];
    char value[MAX_META][1024];
    const char *value_at[MAX_META];
    size_t count;
};

static void put(struct meta *m, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put(struct meta *m, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->value[m->count], sizeof m->value[0], format, args);
    va_end(args);
    m->key[m->count] = key;
    m->value_at[m->count] = m->value[m->count];
    m->count++;
}

static const char *const kind_names[] = {"none", "rows", "images", "tables", "texts", "masks"};

static void describe(const struct t2m_learner *l, struct meta *m)
{
    char structure[STRUCTURES_TEXT], represent[32];
    const struct structure *s = learner_structure(l);
    learner_structures_text(l, structure);
    put(m, "kind", "task2model learner");
    put(m, "version", "1");
    put(m, "method", "%s", l->method->name);
    put(m, "structure", "%s", structure);
    put(m, "data", "%s", kind_names[l->kind]);
    put(m, "input", "%lld %lld %lld %lld", (long long)s->height, (long long)s->width,
        (long long)s->channels, (long long)s->outputs);
    represent_text(l->represent, represent);
    put(m, "represent", "%s", represent);
    put(m, "decode", "%s", decode_names[l->decode]);
    put(m, "tune", "%s", tuned_names[l->tuned]);
    put(m, "steps", "%d %d", l->steps, l->eval_steps);
    put(m, "rate", "%.17g", l->rate);
    put(m, "scale", "%s", l->by_task ? "task" : "family");
    put(m, "episode", "%zu %zu %zu", l->ways, l->shots, l->queries);
    put(m, "seed", "%llu", (unsigned long long)l->seed);
    put(m, "fingerprint", "%016llx", (unsigned long long)l->fingerprint);
    put(m, "trained_steps", "%zu", l->trained_steps);
    put(m, "family", "%s", l->family);
    put(m, "settings", "%s", l->settings);
    put(m, "results", "%s", l->results);
    put(m, "target", "%s", l->target ? l->target : "");
    if (l->encoder)
        put(m, "encoder", "%016llx", (unsigned long long)l->encoder);
}

enum { TENSOR_NAME = 72 }; /* 20 digits, a dot, and the 47 letters of a name in a layout */
/* What a learner's file is made of. */
struct saving {
    struct meta *meta;
    struct tensor_entry *tensor;
    char (*name)[TENSOR_NAME]; /* of the tensors of phi */
    size_t n;
    float *words;             /* of texts: the vocabulary */
    float *scale;             /* of rows: mean and scale of each column, then of the target */
    struct text names, known; /* lines */
};

static void put_lines(struct saving *s, const char *key, const struct text *lines)
{
    s->meta->key[s->meta->count] = key;
    s->meta->value_at[s->meta->count++] = lines->failed ? "" : lines->data;
}

/* The shares of phi, one after the other: those of the candidates, then the chooser's. */
static const struct layout *share(const struct t2m_learner *l, size_t i, size_t *at)
{
    *at = i < l->candidates ? l->candidate[i].at : l->numel - l->chooser.numel;
    return i < l->candidates ? &l->candidate[i].parts : &l->chooser;
}

/* Of several candidates the number stands before the name. */
static void tensor_name(const struct t2m_learner *l, size_t share, const struct parameter *p,
                        char out[TENSOR_NAME])
{
    if (l->candidates > 1 && share < l->candidates)
        snprintf(out, TENSOR_NAME, "%zu.%s", share + 1, p->name);
    else
        snprintf(out, TENSOR_NAME, "%s", p->name);
}

static void put_parameters(const struct t2m_learner *l, struct saving *s)
{
    for (size_t k = 0; k <= l->candidates; k++) {
        size_t at;
        const struct layout *parts = share(l, k, &at);
        for (size_t i = 0; i < parts->count; i++) {
            const struct parameter *p = &parts->parameter[i];
            struct tensor_entry *t = &s->tensor[s->n];
            tensor_name(l, k, p, s->name[s->n]);
            *t = (struct tensor_entry){.name = s->name[s->n++],
                                       .rank = p->rank,
                                       .count = p->count,
                                       .data = l->phi + at + p->offset};
            t->unit = p->coarse ? safetensors_unit(t->data, p->count) : 0;
            memcpy(t->dim, p->dim, sizeof p->dim);
        }
    }
    s->tensor[s->n++] = (struct tensor_entry){.name = "norm.statistics",
                                              .rank = 1,
                                              .dim = {(int64_t)l->norms},
                                              .count = l->norms,
                                              .data = l->statistics};
}

static void put_scales(const struct t2m_learner *l, struct saving *s)
{
    const size_t features = learner_input_size(l);
    for (size_t i = 0; i < features; i++) {
        s->scale[2 * i] = (float)l->x_mean[i];
        s->scale[2 * i + 1] = (float)l->x_scale[i];
        text_line(&s->names, l->feature_names[i], i == 0);
    }
    s->scale[2 * features] = (float)l->y_mean;
    s->scale[2 * features + 1] = (float)l->y_scale;
    s->tensor[s->n++] = (struct tensor_entry){.name = "data.scales",
                                              .rank = 2,
                                              .dim = {(int64_t)features + 1, 2},
                                              .count = 2 * features + 2,
                                              .data = s->scale};
    put_lines(s, "features", &s->names);
}

static void put_known(const struct t2m_learner *l, struct saving *s)
{
    const size_t size = learner_t_size(l);
    s->tensor[s->n++] = (struct tensor_entry){.name = "known.t",
                                              .rank = 2,
                                              .dim = {(int64_t)l->known, (int64_t)size},
                                              .count = l->known * size,
                                              .data = l->known_t};
    for (size_t i = 0; i < l->known; i++)
        text_line(&s->known, l->known_name[i], i == 0);
    put_lines(s, "known", &s->known);
}

static t2m_status write_parts(const struct t2m_learner *l, struct saving *s, const char *path,
                              bool force)
{
    describe(l, s->meta);
    put_parameters(l, s);
    if (l->kind == FAMILY_REGRESSION)
        put_scales(l, s);
    if (l->vocabulary)
        s->tensor[s->n++] = vocabulary_tensor(l->vocabulary, s->words);
    if (l->known > 0)
        put_known(l, s);
    const struct tensor_writing w = {s->tensor, s->n, s->meta->key, s->meta->value_at,
                                     s->meta->count};
    return s->names.failed || s->known.failed ? T2M_ENOMEM
                                              : safetensors_write(l->lib, path, &w, force);
}

t2m_status t2m_learner_save(const t2m_learner *l, const char *path, bool force)
{
    struct saving s = {.meta = mem_new(l->lib, 1, sizeof *s.meta)};
    size_t tensors = 4, at;
    for (size_t k = 0; k <= l->candidates; k++)
        tensors += share(l, k, &at)->count;
    s.tensor = mem_new(l->lib, tensors, sizeof *s.tensor);
    s.name = mem_new(l->lib, tensors, sizeof *s.name);
    s.scale = mem_new(l->lib, 2 * learner_input_size(l) + 2, sizeof *s.scale);
    s.words = mem_new(l->lib, vocabulary_numbers(l->vocabulary), sizeof *s.words);
    text_init(&s.names, l->lib);
    text_init(&s.known, l->lib);
    const t2m_status status = s.meta && s.tensor && s.name && s.scale && s.words
                                  ? write_parts(l, &s, path, force)
                                  : T2M_ENOMEM;
    text_clear(&s.names);
    text_clear(&s.known);
    mem_free(l->lib, s.words);
    mem_free(l->lib, s.scale);
    mem_free(l->lib, s.name);
    mem_free(l->lib, s.tensor);
    mem_free(l->lib, s.meta);
    return status;
}

/* ---- reading ---- */

static t2m_status bad(t2m *lib, const char *path, const char *what)
{
    return refuse(lib, T2M_EMODEL, "'%.200s' is not a usable learner: %s", path, what);
}

static const char *meta(const struct tensor_file *f, const char *key)
{
    const char *v = safetensors_meta(f, key);
    return v ? v : "";
}

/* Settings in which the learner may differ from its method's row. */
static bool read_changes(struct t2m_learner *l, const struct tensor_file *f)
{
    const char *decode = meta(f, "decode"), *tune = meta(f, "tune");
    const size_t d = name_find(decode_names, 4, decode), t = name_find(tuned_names, 5, tune);
    if (*decode)
        l->decode = (enum decode)d;
    if (*tune)
        l->tuned = (enum tuned)t;
    return d <= (*decode ? 3 : 4) && t <= (*tune ? 4 : 5) &&
           method_may_decode(l->method, l->decode) && method_may_tune(l->method, l->tuned);
}

static bool read_settings(struct t2m_learner *l, const struct tensor_file *f,
                          struct structure *like)
{
    long long in[4];
    unsigned long long seed, fingerprint, encoder = 0;
    const struct method *m = method_find(meta(f, "method"));
    if (!m)
        return false;
    learner_method(l, m);
    if (sscanf(meta(f, "input"), "%lld %lld %lld %lld", &in[0], &in[1], &in[2], &in[3]) != 4 ||
        (l->method->represent && !represent_parse(meta(f, "represent"), &l->represent)) ||
        sscanf(meta(f, "steps"), "%d %d", &l->steps, &l->eval_steps) != 2 || l->steps < 0 ||
        l->steps > 1000 || l->eval_steps < 0 || l->eval_steps > 1000 ||
        sscanf(meta(f, "rate"), "%lf", &l->rate) != 1 || !isfinite(l->rate) ||
        sscanf(meta(f, "episode"), "%zu %zu %zu", &l->ways, &l->shots, &l->queries) != 3 ||
        l->ways > 65536 || l->shots > 65536 || l->queries > 65536 ||
        sscanf(meta(f, "seed"), "%llu", &seed) != 1 ||
        sscanf(meta(f, "fingerprint"), "%llx", &fingerprint) != 1 ||
        sscanf(meta(f, "trained_steps"), "%zu", &l->trained_steps) != 1)
        return false;
    if (!read_changes(l, f))
        return false;
    l->by_task = strcmp(meta(f, "scale"), "task") == 0;
    const size_t kind = name_find(kind_names, 6, meta(f, "data"));
    if (kind < FAMILY_REGRESSION || kind > FAMILY_MASKS)
        return false;
    l->kind = (enum family_kind)kind;
    *like =
        (struct structure){.height = in[0], .width = in[1], .channels = in[2], .outputs = in[3]};
    if (*meta(f, "encoder") && (sscanf(meta(f, "encoder"), "%llx", &encoder) != 1 || !encoder))
        return false;
    l->encoder = encoder;
    l->fingerprint = fingerprint;
    l->seed = seed;
    snprintf(l->family, sizeof l->family, "%s", meta(f, "family"));
    snprintf(l->settings, sizeof l->settings, "%s", meta(f, "settings"));
    snprintf(l->results, sizeof l->results, "%s", meta(f, "results"));
    return true;
}

static bool read_phi(struct t2m_learner *l, const struct tensor_file *f)
{
    bool good = true;
    for (size_t k = 0; k <= l->candidates; k++) {
        size_t at;
        const struct layout *parts = share(l, k, &at);
        for (size_t i = 0; i < parts->count; i++) {
            const struct parameter *p = &parts->parameter[i];
            char name[TENSOR_NAME];
            tensor_name(l, k, p, name);
            good = good && safetensors_take(f, name, p->count, l->phi + at + p->offset);
        }
    }
    return good;
}

static t2m_status read_scales(struct t2m_learner *l, const struct tensor_file *f, const char *path)
{
    const size_t n = learner_input_size(l);
    const struct tensor_entry *scales = safetensors_find(f, "data.scales");
    if (!scales || scales->count != 2 * n + 2)
        return bad(l->lib, path, "the scales of its columns are missing");
    l->x_mean = mem_new(l->lib, n, sizeof *l->x_mean);
    l->x_scale = mem_new(l->lib, n, sizeof *l->x_scale);
    l->feature_names = mem_new(l->lib, n, sizeof *l->feature_names);
    l->target = mem_text(l->lib, meta(f, "target"));
    if (!l->x_mean || !l->x_scale || !l->feature_names || !l->target ||
        !text_take_lines(l->lib, meta(f, "features"), n, l->feature_names))
        return T2M_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        l->x_mean[i] = (double)scales->data[2 * i];
        l->x_scale[i] = (double)scales->data[2 * i + 1];
    }
    l->y_mean = (double)scales->data[2 * n];
    l->y_scale = (double)scales->data[2 * n + 1];
    return T2M_OK;
}

static t2m_status read_known(struct t2m_learner *l, const struct tensor_file *f, const char *path)
{
    const struct tensor_entry *t = safetensors_find(f, "known.t");
    if (!t)
        return T2M_OK;
    const size_t size = learner_t_size(l), known = size ? t->count / size : 0;
    if (known < 1 || t->count % size)
        return bad(l->lib, path, "its known tasks make no sense");
    TRY(likeness_room(l, known));
    memcpy(l->known_t, t->data, t->count * sizeof *l->known_t);
    return text_take_lines(l->lib, meta(f, "known"), known, l->known_name) ? T2M_OK : T2M_ENOMEM;
}

/* Whether the structures are such as models of these data have. */
static bool structures_fit(const struct t2m_learner *l)
{
    const bool bags = l->kind == FAMILY_TEXTS && !l->encoder, tables = l->kind == FAMILY_TABLES;
    for (size_t i = 0; i < l->candidates; i++)
        if ((l->candidate[i].structure.kind == NN_TEXT) != bags ||
            structure_is_dense(&l->candidate[i].structure) != (l->kind == FAMILY_MASKS))
            return false;
    return (!bags && !tables) ||
           (l->candidates == 1 && (bags || table_structure_fits(learner_structure(l))));
}

static t2m_status read_learner(struct t2m_learner *l, const struct tensor_file *f, const char *path)
{
    if (strcmp(meta(f, "kind"), "task2model learner") != 0)
        return bad(l->lib, path,
                   strcmp(meta(f, "kind"), "task2model model") == 0
                       ? "it is a model (made by t2m build); a learner is made by t2m train"
                       : "it was not made by t2m train");
    if (!f->checked)
        return bad(l->lib, path, "it has no checksum");
    struct structure like;
    if (!read_settings(l, f, &like))
        return bad(l->lib, path, "its settings make no sense");
    const t2m_status named = learner_structures(l, meta(f, "structure"), &like);
    if (named == T2M_ENOMEM)
        return named;
    if (named != T2M_OK || !structures_fit(l))
        return bad(l->lib, path, "its structure makes no sense");
    for (size_t i = 0; i < l->candidates; i++) { /* before memory is taken */
        struct layout layout;
        structure_layout(&l->candidate[i].structure, &layout);
        if (layout.body > safetensors_numbers(f))
            return bad(l->lib, path, "a tensor is missing or has another size");
    }
    const t2m_status status = learner_room(l);
    if (status == T2M_ENOMEM)
        return status;
    if (status != T2M_OK)
        return bad(l->lib, path, "its settings make no sense");
    if (!read_phi(l, f))
        return bad(l->lib, path, "a tensor is missing or has another size");
    if (!safetensors_take(f, "norm.statistics", l->norms, l->statistics))
        return bad(l->lib, path, "its norm statistics are missing");
    TRY(read_known(l, f, path));
    if (l->kind == FAMILY_TEXTS && !l->encoder) {
        const t2m_status words = vocabulary_read(l->lib, f, learner_structure(l), &l->vocabulary);
        return words == T2M_EMODEL ? bad(l->lib, path, "its vocabulary makes no sense") : words;
    }
    return l->kind == FAMILY_REGRESSION ? read_scales(l, f, path) : T2M_OK;
}

t2m_status t2m_learner_open(t2m *lib, t2m_learner **out, const char *path)
{
    struct tensor_file *f = NULL;
    TRY(safetensors_read(lib, path, &f));
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    t2m_status status = l ? T2M_OK : T2M_ENOMEM;
    if (l) {
        l->lib = lib;
        status = read_learner(l, f, path);
    }
    safetensors_free(f);
    if (status == T2M_OK)
        *out = l;
    else
        t2m_learner_free(l);
    return status;
}

void t2m_learner_free(t2m_learner *l)
{
    if (!l)
        return;
    t2m *lib = l->lib;
    for (size_t i = 0; l->feature_names && i < learner_input_size(l); i++)
        mem_free(lib, l->feature_names[i]);
    for (size_t i = 0; l->known_name && i < l->known; i++)
        mem_free(lib, l->known_name[i]);
    void *const memory[] = {l->known_t,    l->known_name, l->phi,
                            l->statistics, l->candidate,  l->feature_names,
                            l->x_mean,     l->x_scale,    l->target};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(lib, memory[i]);
    vocabulary_free(l->vocabulary);
    mem_free(lib, l);
}

void t2m_learner_describe(const t2m_learner *l, t2m_learner_info *out)
{
    const struct structure *s = learner_structure(l);
    *out = (t2m_learner_info){.method = l->method->name,
                              .family = l->family,
                              .settings = l->settings,
                              .target = l->target,
                              .results = l->results,
                              .images = l->kind == FAMILY_IMAGES,
                              .tables = l->kind == FAMILY_TABLES,
                              .texts = l->kind == FAMILY_TEXTS,
                              .masks = l->kind == FAMILY_MASKS,
                              .parameters = l->numel,
                              .ways = l->ways,
                              .shots = l->shots,
                              .trained_steps = l->trained_steps,
                              .features = learner_input_size(l),
                              .height = (size_t)s->height,
                              .width = (size_t)s->width,
                              .channels = (size_t)s->channels,
                              .ways_fixed = learner_ways_fixed(l),
                              .inner_steps = l->steps,
                              .eval_steps = l->eval_steps,
                              .inner_rate = l->rate,
                              .seed = l->seed};
    learner_structures_text(l, out->structure);
}

bool t2m_method_describe(size_t i, const char **name, const char **doc)
{
    if (i >= method_count)
        return false;
    *name = methods[i].name;
    *doc = methods[i].doc;
    return true;
}
