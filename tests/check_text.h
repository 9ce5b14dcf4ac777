/* check_text.h: what the tests of models of texts share: made-up texts, a small learner, models and
 * what they say. */
#pragma once
#include "check_files.h"

#include "base/text.h"

enum { CLASSES = 4, SHOTS = 3, QUERIES = 10 }; /* of the usual model */
enum { CHECK_WORDS = 6 /* of a class alone */, CHECK_COMMON = 30 /* of all classes */ };

static inline void check_word(struct text *s, uint64_t number)
{
    struct random r = random_stream(3, 1, number);
    for (size_t n = 2 + random_below(&r, 2); n > 0; n--)
        text_add(s, "%c%c", "bdfgklmnprst"[random_below(&r, 12)], "aeiou"[random_below(&r, 5)]);
}

/* Text k of class c: two words of its own, four that all have. */
static inline void check_sentence(struct text *s, size_t c, size_t k)
{
    struct random r = random_stream(4, c, k);
    for (int i = 0; i < 6; i++) {
        text_add(s, i ? " " : "");
        check_word(s, i % 3 == 1 ? 1000 + c * CHECK_WORDS + random_below(&r, CHECK_WORDS)
                                 : random_below(&r, CHECK_COMMON));
    }
}

/* Texts first .. first + n of class c, in JSON, a line each. */
static inline void check_lines(struct text *s, size_t c, const char *label, size_t first, size_t n)
{
    for (size_t k = first; k < first + n; k++) {
        text_add(s, "{\"text\":\"");
        check_sentence(s, c, k);
        text_add(s, "\",\"label\":");
        text_json(s, label);
        text_add(s, "}\n");
    }
}

static inline void check_keep(const char *name, struct text *s)
{
    assert_false(s->failed);
    check_write(name, s->data);
    text_clear(s);
}

/* A file of classes first .. first + classes, `n` texts each, called by their number. */
static inline void check_texts(t2m *lib, const char *name, size_t first, size_t classes, size_t n)
{
    struct text s;
    text_init(&s, lib);
    for (size_t c = first; c < first + classes; c++) {
        char label[24];
        snprintf(label, sizeof label, "class %zu", c);
        check_lines(&s, c, label, 0, n);
    }
    check_keep(name, &s);
}

static inline t2m_family *check_family(t2m *lib, const char *name)
{
    t2m_family *f = NULL;
    const char *const path = check_path(name);
    if (t2m_family_open(lib, &f, &path, 1, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return f;
}

static inline t2m_train_options check_training(const char *method, size_t steps)
{
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    o.method = method;
    o.structure = "text:100,64,8";
    o.steps = steps;
    o.queries = 2;
    o.meta_batch = 2;
    o.validation_tasks = 3;
    return o;
}

static inline t2m_learner *check_text_learner(t2m *lib, const char *method, size_t steps)
{
    const t2m_train_options o = check_training(method, steps);
    t2m_learner *l = NULL;
    check_texts(lib, "train.jsonl", 100, 8, 5);
    t2m_family *f = check_family(lib, "train.jsonl");
    if (t2m_train(lib, &l, f, &o, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_family_free(f);
    return l;
}

/* The model of the texts in the file. */
static inline t2m_model *check_text_model(const t2m_learner *l, t2m *lib, const char *name)
{
    t2m_task *t = NULL;
    t2m_model *m = NULL;
    if (t2m_task_open(l, &t, check_path(name), NULL) != T2M_OK ||
        t2m_build(l, &m, t, NULL, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_task_free(t);
    return m;
}

/* Probabilities [classes] of one text. */
static inline void check_ask(t2m *lib, t2m_model *m, const char *text, float *y)
{
    t2m_model_info info;
    t2m_model_describe(m, &info);
    const t2m_line line = {text, strlen(text), 1};
    float *x = malloc(info.inputs * sizeof *x);
    assert_non_null(x);
    if (t2m_model_line(m, &line, x) != T2M_OK || t2m_model_prepare(m, 1) != T2M_OK ||
        t2m_model_predict(m, x, 1, y) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    free(x);
}

/* The model of the first classes. */
static inline t2m_model *check_usual_model(t2m *lib, const t2m_learner *l)
{
    check_texts(lib, "shots.jsonl", 0, CLASSES, SHOTS);
    return check_text_model(l, lib, "shots.jsonl");
}

/* A text that the model has not seen, of class i % CLASSES. */
static inline const char *check_query(t2m *lib, size_t i)
{
    static char out[200];
    struct text s;
    text_init(&s, lib);
    check_sentence(&s, i % CLASSES, 50 + i);
    snprintf(out, sizeof out, "%s", s.data);
    text_clear(&s);
    return out;
}

static inline size_t check_class(const t2m_model *m, const char *name)
{
    size_t k = 0;
    while (k < t2m_model_classes(m) && strcmp(t2m_model_class(m, k), name) != 0)
        k++;
    return k;
}

static inline void check_same_file(const char *a, const char *b)
{
    enum { MOST = 1 << 17 };
    static char bytes[2][MOST];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(check_path(i ? b : a), "rb");
        assert_non_null(f);
        n[i] = fread(bytes[i], 1, MOST, f);
        assert_int_equal(fclose(f), 0);
        assert_in_range(n[i], 1, MOST - 1);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
}

static inline void check_save(const t2m_model *m, const char *name)
{
    assert_int_equal(t2m_model_save(m, check_path(name), true), T2M_OK);
}
