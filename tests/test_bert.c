/* test_bert.c: published encoders: two tiny ones, made with what they must give by
 * tests/data/bert/make.py; what their files must be like, and what is said if they are not; memory
 * that runs out. */
#include "check_memory.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "files/safetensors.h"
#include "mapping/encoder.h"

enum { MOST = 16, WIDTH = 12, NAME = 128 };

static char folder[] = "/tmp/t2m-bert-XXXXXX";
static struct bytes texts_file;
static const char *text[MOST]; /* [texts] */
static size_t texts;
static const char *const files[] = {"config.json", "vocab.txt", "model.safetensors",
                                    "sentence_bert_config.json"};
enum { FILES = 4 };

static const char *path_of(const char *name)
{
    static char path[2][NAME];
    static int which;
    which ^= 1;
    snprintf(path[which], NAME, "%s/%s", folder, name);
    return path[which];
}

static void put(const char *name, const void *data, size_t n)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static struct bytes get(t2m *lib, const char *encoder, const char *name)
{
    struct bytes b;
    char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", TEST_DATA "/bert", encoder, name);
    if (store_read(lib, path, 1 << 20, &b) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return b;
}

static void forget(void)
{
    static const char *const others[] = {
        "tokenizer.json",    "tokenizer_config.json",        "modules.json",
        "pytorch_model.bin", "model.safetensors.index.json", "1_Pooling/config.json"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        unlink(path_of(others[i]));
    for (size_t i = 0; i < FILES; i++)
        unlink(path_of(files[i]));
}

/* A fresh copy of the encoder in the folder. */
static void copy_encoder(t2m *lib, const char *encoder)
{
    forget();
    for (size_t i = 0; i < FILES; i++) {
        const struct bytes b = get(lib, encoder, files[i]);
        put(files[i], b.data, b.length);
        mem_free(lib, b.data);
    }
}

/* The file of the copy with the first `from` in it replaced. */
static void edit(t2m *lib, const char *name, const char *from, const char *to)
{
    struct bytes b;
    struct text t;
    assert_int_equal(store_read(lib, path_of(name), 1 << 20, &b), T2M_OK);
    char *at = memmem(b.data, b.length, from, strlen(from));
    assert_non_null(at);
    const size_t before = (size_t)(at - (char *)b.data);
    text_init(&t, lib);
    text_bytes(&t, b.data, before);
    text_bytes(&t, to, strlen(to));
    text_bytes(&t, at + strlen(from), b.length - before - strlen(from));
    put(name, t.data, t.length);
    text_clear(&t);
    mem_free(lib, b.data);
}

static struct encoder *open_copy(t2m *lib)
{
    struct encoder *e = NULL;
    if (encoder_open(lib, &e, folder) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return e;
}

/* The copy is refused, and this is said. */
static void refused(t2m *lib, const char *want)
{
    struct encoder *e = NULL;
    const t2m_status status = encoder_open(lib, &e, folder);
    if (status != T2M_EDATA || !strstr(t2m_errmsg(lib), want) || !strstr(t2m_errmsg(lib), folder))
        fail_msg("status %d, '%s' is not in: %s", status, want, t2m_errmsg(lib));
    assert_null(e);
}

/* ---- vectors ---- */

static void check_vectors(t2m *lib, const char *expected)
{
    struct tensor_file *f = NULL;
    float *out = mem_new(lib, texts * WIDTH, sizeof *out);
    struct encoder *e = open_copy(lib);
    assert_int_equal(safetensors_read(lib, TEST_DATA "/bert/expected.safetensors", &f), T2M_OK);
    const struct tensor_entry *want = safetensors_find(f, expected);
    assert_non_null(want);
    assert_int_equal(want->count, texts * WIDTH);
    assert_int_equal(encoder_width(e), WIDTH);
    if (encoder_run(e, text, texts, out) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    for (size_t i = 0; i < texts * WIDTH; i++)
        if (!(fabs((double)out[i] - (double)want->data[i]) < 3e-6))
            fail_msg("%s, text %zu, number %zu: %g, not %g", expected, i / WIDTH, i % WIDTH,
                     (double)out[i], (double)want->data[i]);
    safetensors_free(f);
    encoder_free(e);
    mem_free(lib, out);
}

static void vectors(void **state)
{
    t2m *lib = *state;
    copy_encoder(lib, "bert");
    check_vectors(lib, "bert");
    edit(lib, "config.json", "\"gelu\"", "\"gelu_new\"");
    check_vectors(lib, "bert_tanh");
    edit(lib, "config.json", "gelu_new", "gelu");
    put("1_Pooling/config.json", "{\"pooling_mode\": \"cls\"}", 23);
    check_vectors(lib, "bert_first");
    copy_encoder(lib, "distilbert");
    check_vectors(lib, "distilbert");
}

/* The pieces may come in a tokenizer.json, the bound of a text in a tokenizer_config.json. */
static void other_files(void **state)
{
    t2m *lib = *state;
    struct text t;
    struct encoder *e;
    text_init(&t, lib);
    copy_encoder(lib, "bert");
    const struct bytes b = get(lib, "bert", "vocab.txt");
    text_add(&t, "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {");
    size_t n = 0;
    for (char *s = strtok((char *)b.data, "\n"); s; s = strtok(NULL, "\n"), n++) {
        text_add(&t, n ? ", " : "");
        text_json(&t, s);
        text_add(&t, ": %zu", n);
    }
    text_add(&t, "}}, \"normalizer\": {\"lowercase\": true}}");
    put("tokenizer.json", t.data, t.length);
    unlink(path_of("vocab.txt"));
    unlink(path_of("sentence_bert_config.json"));
    const char most[] = "{\"model_max_length\": 24}",
               none[] = "{\"model_max_length\": 1000000000000000019884624838656}";
    put("tokenizer_config.json", most, strlen(most));
    check_vectors(lib, "bert");
    put("tokenizer_config.json", none, strlen(none));
    e = open_copy(lib); /* as many as there are positions */
    const uint64_t was = encoder_fingerprint(e);
    encoder_free(e);
    edit(lib, "tokenizer.json", "\"lowercase\": true", "\"lowercase\": false");
    e = open_copy(lib);
    assert_true(encoder_fingerprint(e) != was);
    encoder_free(e);
    edit(lib, "tokenizer_config.json", "{", "{\"do_lower_case\": true, ");
    e = open_copy(lib);
    assert_true(encoder_fingerprint(e) == was);
    encoder_free(e);
    edit(lib, "tokenizer.json", ": 3,", ": 4,");
    refused(lib, "the number of the piece '[MASK]' is no whole number from 0 to");
    text_clear(&t);
    mem_free(lib, b.data);
}

/* Alone, together, in any order, on any number of threads: the same bits. */
static void same_bits(void **state)
{
    enum { MANY = 5000 }; /* more than a portion */
    t2m *lib = *state, *other = check_open(NULL, 3);
    const char **many = malloc(MANY * sizeof *many);
    float *out = malloc(sizeof(float) * MANY * WIDTH),
          *again = malloc(sizeof(float) * MANY * WIDTH), one[WIDTH];
    copy_encoder(lib, "bert");
    struct encoder *e = open_copy(lib), *on_three = open_copy(other);
    assert_true(encoder_fingerprint(e) == encoder_fingerprint(on_three));
    for (size_t i = 0; i < MANY; i++)
        many[i] = text[i * 7 % texts];
    assert_int_equal(encoder_run(e, many, MANY, out), T2M_OK);
    assert_int_equal(encoder_run(on_three, many, MANY, again), T2M_OK);
    assert_memory_equal(out, again, sizeof(float) * MANY * WIDTH);
    for (size_t i = 0; i < texts; i++) {
        assert_int_equal(encoder_run(on_three, many + i, 1, one), T2M_OK);
        assert_memory_equal(one, out + i * WIDTH, sizeof one);
    }
    assert_int_equal(encoder_run(e, many, 0, out), T2M_OK);
    encoder_free(e);
    encoder_free(on_three);
    t2m_close(other);
    free(many);
    free(out);
    free(again);
}

static void bad_texts(void **state)
{
    t2m *lib = *state;
    const char *const bad[] = {"good", "bad \xFF"};
    float out[2 * WIDTH];
    copy_encoder(lib, "bert");
    struct encoder *e = open_copy(lib);
    assert_int_equal(encoder_run(e, bad, 2, out), T2M_EDATA);
    assert_string_equal(t2m_errmsg(lib), "text 2: byte 5 is not UTF-8");
    encoder_free(e);
}

static void fingerprints(void **state)
{
    static const char *const change[][3] = {{"vocab.txt", "bank", "tank"},
                                            {"config.json", "1e-12", "1e-11"},
                                            {"config.json", "\"gelu\"", "\"relu\""},
                                            {"sentence_bert_config.json", "24", "23"}};
    t2m *lib = *state;
    copy_encoder(lib, "bert");
    struct encoder *e = open_copy(lib);
    const uint64_t was = encoder_fingerprint(e);
    encoder_free(e);
    for (size_t i = 0; i < 4; i++) {
        copy_encoder(lib, "bert");
        edit(lib, change[i][0], change[i][1], change[i][2]);
        e = open_copy(lib);
        assert_true(encoder_fingerprint(e) != was);
        encoder_free(e);
    }
    copy_encoder(lib, "bert");
    struct bytes b = get(lib, "bert", "model.safetensors");
    b.data[b.length - 1000] ^= 1; /* a number of the second layer */
    put("model.safetensors", b.data, b.length);
    mem_free(lib, b.data);
    e = open_copy(lib);
    assert_true(encoder_fingerprint(e) != was);
    encoder_free(e);
}

/* ---- folders that are refused ---- */

static void bad_configs(void **state)
{
    static const char *const at[][4] = {
        {"config.json", "\"bert\"", "\"roberta\"", "model_type is 'roberta': only encoders"},
        {"config.json", "absolute", "rotary", "position_embedding_type must be absolute"},
        {"config.json", "\"gelu\"", "\"silu\"", "hidden_act"},
        {"config.json", "1e-12", "2", "layer_norm_eps must lie"},
        {"config.json", "_heads\": 3", "_heads\": 5", "5 heads do not divide a width of 12"},
        {"config.json", "_heads\": 3", "_heads\": 0", "whole number from 1 to 1024"},
        {"config.json", "_layers\": 2", "_layers\": 1e9", "whole number from 1 to 256"},
        {"config.json", "_layers\": 2", "_layers\": 3",
         "'encoder.layer.2.attention.self.query.weight' is missing"},
        {"config.json", "hidden_size\": 12", "hidden_size\": 15", "has the shape ["},
        {"config.json", "hidden_size\": 12", "hidden_size\": 1.5", "hidden_size must be"},
        {"config.json", "hidden_size", "width", "hidden_size must be"},
        {"config.json", "_embeddings\": 40", "_embeddings\": 41",
         "has the shape [40, 12], but by config.json it must be [41, 12]"},
        {"config.json", "{", "[", "is not JSON"},
        {"vocab.txt", "pay\n", "", "pieces, but by config.json there are"},
        {"vocab.txt", "pay\n", "pay\npay\n", "is in line"},
        {"sentence_bert_config.json", "24", "1", "at least two pieces"},
        {"model.safetensors", "bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.gamme",
         "the tensor 'embeddings.LayerNorm.weight' is missing"},
        {"model.safetensors", "\"F32\",\"shape\":[40,12]", "\"I32\",\"shape\":[40,12]",
         "must be of type F32, F16 or BF16"},
    };
    t2m *lib = *state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        copy_encoder(lib, "bert");
        edit(lib, at[i][0], at[i][1], at[i][2]);
        refused(lib, at[i][3]);
    }
}

static void bad_folders(void **state)
{
    t2m *lib = *state;
    copy_encoder(lib, "bert");
    unlink(path_of("model.safetensors"));
    refused(lib, "has no model.safetensors");
    put("pytorch_model.bin", "x", 1);
    refused(lib, "save them as model.safetensors");
    put("model.safetensors.index.json", "{}", 2);
    refused(lib, "join them to one");
    unlink(path_of("vocab.txt"));
    refused(lib, "has no vocab.txt and no tokenizer.json");
    put("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {}}}", 39);
    refused(lib, "has no vocabulary of WordPiece");
    put("tokenizer.json", "{", 1);
    refused(lib, "is not JSON");
    put("1_Pooling/config.json", "{\"pooling_mode_max_tokens\": true}", 33);
    refused(lib, "only their mean");
    unlink(path_of("1_Pooling/config.json"));
    put("modules.json", "[{\"type\": \"sentence_transformers.models.Dense\"}]", 48);
    refused(lib, "layers behind the mean");
    unlink(path_of("config.json"));
    refused(lib, "has no config.json");
}

/* Cut at any place, a file is refused; with any byte changed it may be taken, but nothing breaks.
 */
static void damage(void **state)
{
    t2m *lib = *state;
    copy_encoder(lib, "distilbert");
    for (size_t i = 0; i < 3; i++) {
        struct bytes b = get(lib, "distilbert", files[i]);
        for (size_t n = 0; n < b.length; n += 1 + n / 64) {
            struct encoder *e = NULL;
            if (i == 1 && n + strlen("##op\n") > b.length)
                continue; /* the last piece, cut off, is a piece */
            put(files[i], b.data, n);
            const t2m_status status = encoder_open(lib, &e, folder);
            if ((status != T2M_EDATA && status != T2M_EMODEL) || !strstr(t2m_errmsg(lib), files[i]))
                fail_msg("%s cut to %zu: status %d, %s", files[i], n, status, t2m_errmsg(lib));
        }
        for (size_t at = 0; at < b.length; at += 1 + at / 64) {
            struct encoder *e = NULL;
            float out[WIDTH];
            b.data[at] ^= 4;
            put(files[i], b.data, b.length);
            if (encoder_open(lib, &e, folder) == T2M_OK)
                (void)encoder_run(e, text, 1, out);
            encoder_free(e);
            b.data[at] ^= 4;
        }
        put(files[i], b.data, b.length);
        mem_free(lib, b.data);
    }
}

static void weights_not_finite(void **state)
{
    t2m *lib = *state;
    float out[MOST * WIDTH];
    copy_encoder(lib, "bert");
    struct bytes b = get(lib, "bert", "model.safetensors");
    const size_t header = 8 + b.data[0] + 256 * (size_t)b.data[1];
    for (size_t i = header; i < header + 4800; i += 4)
        memcpy(b.data + i, "\0\0\xC0\x7F", 4);
    put("model.safetensors", b.data, b.length);
    mem_free(lib, b.data);
    struct encoder *e = open_copy(lib);
    assert_int_equal(encoder_run(e, text, texts, out), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(lib), "not finite (text 1)"));
    encoder_free(e);
}

/* ---- memory that runs out ---- */

static t2m_status whole_way(t2m *lib, void *ctx)
{
    struct encoder *e = NULL;
    float out[MOST * WIDTH];
    (void)ctx;
    t2m_status status = encoder_open(lib, &e, folder);
    if (status == T2M_OK)
        status = encoder_run(e, text, 3, out);
    encoder_free(e);
    return status;
}

static void memory_runs_out(void **state)
{
    t2m *lib = check_memory_open();
    for (int pieces_as_json = 0; pieces_as_json < 2; pieces_as_json++) {
        copy_encoder(*state, pieces_as_json ? "bert" : "distilbert");
        check_memory(lib, whole_way, NULL, 1);
    }
    check_memory_close(lib);
}

/* ---- all ---- */

static int set_up(void **state)
{
    char inner[NAME];
    if (!mkdtemp(folder) || check_setup(state))
        return -1;
    snprintf(inner, sizeof inner, "%s/1_Pooling", folder);
    texts_file = get(*state, ".", "texts.txt");
    char *s = (char *)texts_file.data;
    while (*s && texts < MOST) {
        text[texts++] = s;
        s = strchr(s, '\n');
        *s++ = 0;
    }
    return mkdir(inner, 0700);
}

static int tear_down(void **state)
{
    char inner[NAME];
    forget();
    snprintf(inner, sizeof inner, "%s/1_Pooling", folder);
    mem_free(*state, texts_file.data);
    return check_teardown(state) || rmdir(inner) || rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors),
                                       cmocka_unit_test(other_files),
                                       cmocka_unit_test(same_bits),
                                       cmocka_unit_test(bad_texts),
                                       cmocka_unit_test(fingerprints),
                                       cmocka_unit_test(bad_configs),
                                       cmocka_unit_test(bad_folders),
                                       cmocka_unit_test(damage),
                                       cmocka_unit_test(weights_not_finite),
                                       cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
