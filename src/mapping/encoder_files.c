/* encoder_files.c: reads the folder of a published encoder. Nothing of it is believed before it is
 * checked: sizes against bounds, tensors against sizes, pieces against the rows of their table. */
#include "mapping/encoder_files.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { PATH_SIZE = 4096, MAX_CONFIG = 4 << 20 /* bytes */, MAX_LAYERS = 256 };

/* ---- JSON files ---- */

static t2m_status path_of(const struct encoder_files *e, const char *name, char out[PATH_SIZE])
{
    if ((size_t)snprintf(out, PATH_SIZE, "%s/%s", e->folder, name) >= PATH_SIZE)
        return refuse(e->lib, T2M_EUSAGE, "the path of the encoder '%.100s...' is too long",
                      e->folder);
    return T2M_OK;
}

static bool has_file(const struct encoder_files *e, const char *name)
{
    char path[PATH_SIZE];
    return path_of(e, name, path) == T2M_OK && store_exists(path);
}

/* A config file. Numbers are read as real ones: some files have 10^30 for "no limit". */
struct config {
    const struct encoder_files *e;
    const char *name;
    json_t *root; /* NULL: the file is not there */
};

static t2m_status config_bad(const struct config *c, const char *why)
{
    return refuse(c->e->lib, T2M_EDATA, "'%.200s/%s': %s", c->e->folder, c->name, why);
}

static t2m_status config_read(struct config *c)
{
    char path[PATH_SIZE];
    struct bytes file;
    json_error_t error;
    c->root = NULL;
    if (!has_file(c->e, c->name))
        return T2M_OK;
    TRY(path_of(c->e, c->name, path));
    TRY(store_read(c->e->lib, path, MAX_CONFIG, &file));
    c->root = json_loadb((const char *)file.data, file.length, JSON_DECODE_INT_AS_REAL, &error);
    mem_free(c->e->lib, file.data);
    return c->root ? T2M_OK
                   : refuse(c->e->lib, T2M_EDATA, "'%.200s', line %d: is not JSON: %.100s", path,
                            error.line, error.text);
}

/* Its value, or `otherwise` if the key is missing or null. */
static bool config_flag(const struct config *c, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(c->root, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static const char *config_text(const struct config *c, const char *key)
{
    return json_string_value(json_object_get(c->root, key));
}

static double config_number(const struct config *c, const char *key, double otherwise)
{
    const json_t *value = json_object_get(c->root, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

/* ---- config.json ---- */

/* A size under its name in BERT or DistilBERT. */
struct size_row {
    const char *name, *distilled;
    int64_t least, most;
};
enum { WIDTH, LAYERS, HEADS, HIDDEN, POSITIONS, VOCABULARY, KINDS, SIZES };
static const struct size_row sizes[SIZES] = {
    [WIDTH] = {"hidden_size", "dim", 1, 1 << 14},
    [LAYERS] = {"num_hidden_layers", "n_layers", 1, MAX_LAYERS},
    [HEADS] = {"num_attention_heads", "n_heads", 1, 1 << 10},
    [HIDDEN] = {"intermediate_size", "hidden_dim", 1, 1 << 17},
    [POSITIONS] = {"max_position_embeddings", "max_position_embeddings", 2, 1 << 16},
    [VOCABULARY] = {"vocab_size", "vocab_size", 1, WORDPIECE_MAX},
    [KINDS] = {"type_vocab_size", NULL, 1, 1 << 10},
};

static t2m_status read_sizes(const struct config *c, bool distilled, int64_t size[SIZES])
{
    for (int i = 0; i < SIZES; i++) {
        const char *key = distilled ? sizes[i].distilled : sizes[i].name;
        const double v = key ? config_number(c, key, -1) : 0;
        if (key && !(v >= (double)sizes[i].least && v <= (double)sizes[i].most && v == floor(v)))
            return refuse(c->e->lib, T2M_EDATA,
                          "'%.200s/%s': %s must be a whole number from %lld to %lld", c->e->folder,
                          c->name, key, (long long)sizes[i].least, (long long)sizes[i].most);
        size[i] = (int64_t)v;
    }
    return size[WIDTH] % size[HEADS] == 0
               ? T2M_OK
               : refuse(c->e->lib, T2M_EDATA,
                        "'%.200s/%s': %lld heads do not divide a width of %lld", c->e->folder,
                        c->name, (long long)size[HEADS], (long long)size[WIDTH]);
}

static t2m_status read_activation(const struct config *c, struct bert_shape *s)
{
    static const struct {
        const char *name;
        enum bert_activation is;
    } known[] = {{"gelu", BERT_GELU},
                 {"relu", BERT_RELU},
                 {"gelu_new", BERT_GELU_TANH},
                 {"gelu_pytorch_tanh", BERT_GELU_TANH}};
    const char *name = config_text(c, s->distilled ? "activation" : "hidden_act");
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            s->activation = known[i].is;
            return T2M_OK;
        }
    return config_bad(c, "the activation (hidden_act) must be gelu, gelu_new, gelu_pytorch_tanh "
                         "or relu");
}

static t2m_status read_architecture(const struct config *c, struct bert_shape *s)
{
    const char *type = config_text(c, "model_type"),
               *places = config_text(c, "position_embedding_type");
    char shown[64];
    type = type ? type : "bert"; /* files of 2019 do not say */
    s->distilled = strcmp(type, "distilbert") == 0;
    if (!s->distilled && strcmp(type, "bert") != 0)
        return refuse(c->e->lib, T2M_EDATA,
                      "'%.200s/%s': model_type is '%s': only encoders of the types bert and "
                      "distilbert are read; all-MiniLM-L6-v2 is one",
                      c->e->folder, c->name, text_shown(type, strlen(type), shown));
    return !places || strcmp(places, "absolute") == 0
               ? T2M_OK
               : config_bad(c, "position_embedding_type must be absolute: encoders with other "
                               "positions are not read");
}

static t2m_status read_shape(const struct config *c, struct bert_shape *s)
{
    int64_t size[SIZES] = {0};
    if (!c->root)
        return refuse(c->e->lib, T2M_EDATA,
                      "'%.200s' has no config.json: give the folder of an encoder of the BERT "
                      "family, with config.json, vocab.txt and model.safetensors",
                      c->e->folder);
    TRY(read_architecture(c, s));
    TRY(read_sizes(c, s->distilled, size));
    s->width = size[WIDTH];
    s->layers = (size_t)size[LAYERS];
    s->heads = size[HEADS];
    s->hidden = size[HIDDEN];
    s->positions = size[POSITIONS];
    s->vocabulary = size[VOCABULARY];
    s->kinds = size[KINDS];
    s->epsilon = config_number(c, "layer_norm_eps", 1e-12); /* DistilBERT's never varies */
    if (!(s->epsilon >= 0 && s->epsilon <= 1))
        return config_bad(c, "layer_norm_eps must lie between 0 and 1");
    return read_activation(c, s);
}

/* ---- the other configs ---- */

static t2m_status read_rules(struct encoder_files *e, const struct config *tokenizer,
                             const struct config *sentences)
{
    const double none = INFINITY, of_tokenizer = config_number(tokenizer, "model_max_length", none),
                 most = config_number(sentences, "max_seq_length", of_tokenizer);
    struct wordpiece *w =
        e->words; /* whose rules so far are those of tokenizer.json, or the usual */
    const bool lower = config_flag(tokenizer, "do_lower_case", w->lower),
               strip = lower == w->lower ? w->strip_accents : lower;
    if (!(most >= 2))
        return config_bad(json_object_get(sentences->root, "max_seq_length") ? sentences
                                                                             : tokenizer,
                          "a text must be allowed at least two pieces");
    e->most = most < (double)e->shape.positions ? (size_t)most : (size_t)e->shape.positions;
    w->lower = lower || config_flag(sentences, "do_lower_case", false);
    w->strip_accents = config_flag(tokenizer, "strip_accents", strip);
    w->split_chinese = config_flag(tokenizer, "tokenize_chinese_chars", w->split_chinese);
    return T2M_OK;
}

/* Older files have a flag for each way, newer ones the name of one. */
static t2m_status read_pooling(struct encoder_files *e, const struct config *c)
{
    const char *mode = config_text(c, "pooling_mode");
    const bool first = mode ? strcmp(mode, "cls") == 0
                            : config_flag(c, "pooling_mode_cls_token", false),
               mean = mode ? strcmp(mode, "mean") == 0
                           : config_flag(c, "pooling_mode_mean_tokens", !first),
               other = config_flag(c, "pooling_mode_max_tokens", false) ||
                       config_flag(c, "pooling_mode_mean_sqrt_len_tokens", false) ||
                       config_flag(c, "pooling_mode_weightedmean_tokens", false) ||
                       config_flag(c, "pooling_mode_lasttoken", false);
    e->first = first;
    return first != mean && !other
               ? T2M_OK
               : config_bad(c, "vectors of pieces are joined in a way that is not known here: "
                               "only their mean (mean_tokens) and that of [CLS] (cls_token) are");
}

/* A list of what follows the encoder. */
static t2m_status check_modules(const struct config *c)
{
    size_t i;
    json_t *module;
    json_array_foreach(c->root, i, module)
    {
        const char *type = json_string_value(json_object_get(module, "type"));
        if (type && strstr(type, "Dense"))
            return config_bad(c, "there are layers behind the mean (Dense): such encoders are not "
                                 "read; all-MiniLM-L6-v2 has none");
    }
    return T2M_OK;
}

/* ---- weights ---- */

static t2m_status no_weights(const struct encoder_files *e)
{
    const char *why = "has no model.safetensors";
    if (has_file(e, "model.safetensors.index.json"))
        why = "has its weights in several files: join them to one, model.safetensors "
              "(max_shard_size of save_pretrained)";
    else if (has_file(e, "pytorch_model.bin"))
        why = "has its weights as pytorch_model.bin, a format that can run programs and is not "
              "read: save them as model.safetensors (safe_serialization of save_pretrained)";
    return refuse(e->lib, T2M_EDATA, "'%.200s' %s", e->folder, why);
}

/* By its name alone, or with the name of the model before it; norms had other names once. */
static const struct tensor_entry *find_part(const struct encoder_files *e, const char *name)
{
    static const char *const prefix[] = {"", "bert.", "distilbert."};
    static const char *const ending[][2] = {
        {"", ""}, {"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}};
    const struct tensor_entry *found = NULL;
    for (int i = 0; i < 9 && !found; i++) {
        const char *const *end = ending[i / 3];
        char full[128];
        if (text_ends(name, end[0])) {
            snprintf(full, sizeof full, "%s%.*s%s", prefix[i % 3],
                     (int)(strlen(name) - strlen(end[0])), name, end[1]);
            found = safetensors_find(e->tensors, full);
        }
    }
    return found;
}

static size_t part_numbers(const struct bert_part *p)
{
    return (size_t)p->dim[0] * (p->rank > 1 ? (size_t)p->dim[1] : 1);
}

static void shape_text(int rank, const int64_t *dim, char out[128])
{
    size_t n = 0;
    out[0] = 0;
    for (int i = 0; i < rank && n < 100; i++)
        n += (size_t)snprintf(out + n, 128 - n, "%s%lld", i ? ", " : "", (long long)dim[i]);
}

/* The tensor of a part, after it is seen to be as it should. */
static t2m_status check_part(const struct encoder_files *e, const struct bert_part *want,
                             const struct tensor_entry **out)
{
    const struct tensor_entry *t = find_part(e, want->name);
    char has[128], needs[128];
    if (!t)
        return refuse(e->lib, T2M_EDATA,
                      "'%.200s/model.safetensors': the tensor '%s' is missing: it is no encoder "
                      "of the type and with the layers that config.json says",
                      e->folder, want->name);
    if (!t->data)
        return refuse(e->lib, T2M_EDATA,
                      "'%.200s/model.safetensors': the tensor '%s' must be of type F32, F16 or "
                      "BF16",
                      e->folder, want->name);
    shape_text(t->rank, t->dim, has);
    shape_text(want->rank, want->dim, needs);
    if (strcmp(has, needs) != 0)
        return refuse(e->lib, T2M_EDATA,
                      "'%.200s/model.safetensors': the tensor '%s' has the shape [%s], but by "
                      "config.json it must be [%s]",
                      e->folder, want->name, has, needs);
    *out = t;
    return T2M_OK;
}

/* [out, in] -> [in, out], in squares that stay in L1 */
static void turn(const struct bert_part *p, const float *from, float *to)
{
    enum { SQUARE = 32 };
    const size_t rows = (size_t)p->dim[0], columns = (size_t)p->dim[1];
    for (size_t i = 0; i < rows; i += SQUARE)
        for (size_t j = 0; j < columns; j += SQUARE)
            for (size_t r = i; r < rows && r < i + SQUARE; r++)
                for (size_t c = j; c < columns && c < j + SQUARE; c++)
                    to[c * rows + r] = from[r * columns + c];
}

/* t [bert_parts]: the tensors, NULL where the model has none. numbers: of all; no more than the
 * file has. */
static t2m_status check_parts(const struct encoder_files *e, const struct tensor_entry **t,
                              size_t *numbers)
{
    *numbers = 0;
    for (size_t i = 0; i < bert_parts(&e->shape); i++) {
        struct bert_part p;
        bert_part_of(&e->shape, i, &p);
        if (!p.name[0])
            continue;
        TRY(check_part(e, &p, &t[i]));
        *numbers += t[i]->count;
    }
    return T2M_OK;
}

static void copy_parts(struct encoder_files *e, const struct tensor_entry *const *t)
{
    float *to = e->weights;
    for (size_t i = 0; i < bert_parts(&e->shape); i++) {
        struct bert_part p;
        bert_part_of(&e->shape, i, &p);
        if (!t[i])
            continue;
        if (p.turned)
            turn(&p, t[i]->data, to);
        else
            memcpy(to, t[i]->data, part_numbers(&p) * sizeof *to);
        e->part[i] = to;
        to += part_numbers(&p);
    }
}

/* Copied, so that all else that the file has can go. */
static t2m_status take_parts(struct encoder_files *e)
{
    const size_t parts = bert_parts(&e->shape);
    const struct tensor_entry **t = mem_new(e->lib, parts, sizeof *t);
    e->part = mem_new(e->lib, parts, sizeof *e->part);
    size_t numbers;
    t2m_status status = t && e->part ? check_parts(e, t, &numbers) : T2M_ENOMEM;
    if (status == T2M_OK) { /* not cleared: it is filled at once */
        e->weights = mem_resize(e->lib, NULL, numbers, sizeof *e->weights);
        status = e->weights ? T2M_OK : T2M_ENOMEM;
    }
    if (status == T2M_OK)
        copy_parts(e, t);
    mem_free(e->lib, t);
    return status;
}

static t2m_status read_weights(struct encoder_files *e)
{
    char path[PATH_SIZE];
    if (!has_file(e, "model.safetensors"))
        return no_weights(e);
    TRY(path_of(e, "model.safetensors", path));
    TRY(safetensors_read_foreign(e->lib, path, &e->tensors));
    TRY(take_parts(e));
    safetensors_free(e->tensors);
    e->tensors = NULL;
    return T2M_OK;
}

static t2m_status read_words(struct encoder_files *e)
{
    const bool plain = has_file(e, "vocab.txt");
    char path[PATH_SIZE];
    if (!plain && !has_file(e, "tokenizer.json"))
        return refuse(e->lib, T2M_EDATA,
                      "'%.200s' has no vocab.txt and no tokenizer.json: only encoders with pieces "
                      "of words as BERT has them are read",
                      e->folder);
    TRY(path_of(e, plain ? "vocab.txt" : "tokenizer.json", path));
    TRY((plain ? wordpiece_read : wordpiece_read_json)(e->lib, path, &e->words));
    const size_t pieces = e->words->pieces.count;
    return pieces == (size_t)e->shape.vocabulary
               ? T2M_OK
               : refuse(e->lib, T2M_EDATA,
                        "'%.200s' has %zu pieces, but by config.json there are %lld (vocab_size): "
                        "a file is cut off, or of another model",
                        path, pieces, (long long)e->shape.vocabulary);
}

/* ---- all ---- */

enum { CONFIG, TOKENIZER, SENTENCES, POOLING, MODULES, CONFIGS };

static t2m_status read_all(struct encoder_files *e, struct config c[CONFIGS])
{
    for (int i = 0; i < CONFIGS; i++)
        TRY(config_read(&c[i]));
    TRY(read_shape(&c[CONFIG], &e->shape));
    TRY(read_pooling(e, &c[POOLING]));
    TRY(check_modules(&c[MODULES]));
    TRY(read_words(e));
    TRY(read_rules(e, &c[TOKENIZER], &c[SENTENCES]));
    return read_weights(e);
}

t2m_status encoder_files_read(struct encoder_files *e, t2m *lib, const char *folder)
{
    *e = (struct encoder_files){.lib = lib, .folder = folder};
    struct config c[CONFIGS] = {[CONFIG] = {e, "config.json", NULL},
                                [TOKENIZER] = {e, "tokenizer_config.json", NULL},
                                [SENTENCES] = {e, "sentence_bert_config.json", NULL},
                                [POOLING] = {e, "1_Pooling/config.json", NULL},
                                [MODULES] = {e, "modules.json", NULL}};
    const t2m_status status = read_all(e, c);
    for (int i = 0; i < CONFIGS; i++)
        json_decref(c[i].root);
    e->folder = NULL;
    return status;
}

void encoder_files_close(struct encoder_files *e)
{
    wordpiece_free(e->words);
    safetensors_free(e->tensors);
    if (e->lib) {
        mem_free(e->lib, e->part);
        mem_free(e->lib, e->weights);
    }
    *e = (struct encoder_files){0};
}

uint64_t encoder_files_fingerprint(const struct encoder_files *e)
{
    const struct bert_shape *s = &e->shape;
    const int64_t rest[] = {s->distilled,  (int64_t)s->layers, s->heads,
                            s->activation, (int64_t)e->most,   e->first};
    uint64_t hash = hash_bytes(wordpiece_fingerprint(e->words), rest, sizeof rest);
    hash = hash_bytes(hash, &s->epsilon, sizeof s->epsilon);
    for (size_t i = 0; i < bert_parts(s); i++) {
        struct bert_part part;
        bert_part_of(s, i, &part);
        const size_t bytes = part_numbers(&part) * sizeof(float);
        const uint32_t sum = e->part[i] ? crc32c(0, e->part[i], bytes) : 0;
        hash = hash_bytes(hash, part.dim, sizeof part.dim);
        hash = hash_bytes(hash, &sum, sizeof sum);
    }
    return hash;
}
