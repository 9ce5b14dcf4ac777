/* test_text_models.c: from texts to a model and its answers: what does not matter changes nothing.
 */
#include "check_stop.h"
#include "check_text.h"

#include <sys/stat.h>

static t2m_learner *learner, *ridge; /* of the handle of the group */

/* A model of the texts in a file of this content. */
static t2m_model *model_of(t2m *lib, struct text *s)
{
    check_keep("shots.jsonl", s);
    return check_text_model(learner, lib, "shots.jsonl");
}

static t2m_model *usual_model(t2m *lib)
{
    return check_usual_model(lib, learner);
}

/* ---- what does not matter ---- */

/* Shots in another order, under other names: turned[c] is what class c is called. */
static void order_and_names(void **state)
{
    static const char *const turned[CLASSES] = {"class 2", "x", "class 0", "class 1"};
    struct text s;
    t2m_model *plain = usual_model(*state);
    text_init(&s, *state);
    for (size_t k = SHOTS; k-- > 0;)
        for (size_t i = 0; i < CLASSES; i++)
            check_lines(&s, (3 * i + 2) % CLASSES, turned[(3 * i + 2) % CLASSES], k, 1);
    t2m_model *other = model_of(*state, &s);
    assert_string_equal(t2m_model_class(other, 0), turned[2]); /* as they are met */
    size_t right = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        float y[CLASSES], z[CLASSES];
        check_ask(*state, plain, check_query(*state, i), y);
        check_ask(*state, other, check_query(*state, i), z);
        size_t best = 0;
        for (size_t c = 0; c < CLASSES; c++) {
            assert_true(fabsf(y[c] - z[check_class(other, turned[c])]) < 1e-5F);
            best = y[c] > y[best] ? c : best;
        }
        right += best == i % CLASSES;
    }
    assert_true(right > QUERIES / 2); /* they say something */
    t2m_model_free(plain);
    t2m_model_free(other);
}

static void neighbours(void **state)
{
    t2m *lib = *state;
    t2m_model *m = usual_model(lib);
    float *x = NULL, all[QUERIES * CLASSES], one[CLASSES];
    size_t n = 0;
    struct text s;
    text_init(&s, lib);
    for (size_t i = 0; i < QUERIES; i++)
        text_add(&s, "%s\n", check_query(lib, i));
    check_keep("new.txt", &s);
    assert_int_equal(t2m_model_read(m, check_path("new.txt"), &x, &n), T2M_OK);
    assert_int_equal(n, QUERIES);
    assert_int_equal(t2m_model_prepare(m, QUERIES), T2M_OK);
    assert_int_equal(t2m_model_predict(m, x, QUERIES, all), T2M_OK);
    t2m_free(lib, x);
    for (size_t i = 0; i < QUERIES; i++) {
        check_ask(lib, m, check_query(lib, i), one);
        assert_memory_equal(one, all + i * CLASSES, sizeof one);
    }
    t2m_model_free(m);
}

static void same_answers(t2m *lib, t2m_model *m, const char *a, const char *b)
{
    float y[CLASSES], z[CLASSES];
    check_ask(lib, m, a, y);
    check_ask(lib, m, b, z);
    assert_memory_equal(y, z, sizeof y);
}

/* Compatibility forms, case, marks before or after they are put together, kinds of blanks. */
static void spellings(void **state)
{
    t2m_model *m = usual_model(*state);
    same_answers(*state, m, "caf\xC3\xA9 bagi", "cafe\xCC\x81 bagi");
    same_answers(*state, m, "BaGi \xC3\x89T\xC3\x89", "bagi \xC3\xA9t\xC3\xA9");
    same_answers(*state, m, "\xEF\xAC\x81sh", "fish"); /* a ligature */
    same_answers(*state, m, " bagi\t\xC2\xA0lona\n", "bagi lona");
    same_answers(*state, m, "{\"text\": \"bagi \\u00e9\"}", "bagi \xC3\xA9");
    t2m_model_free(m);
}

/* JSON, CSV and a folder of lines say the same. */
static void forms(void **state)
{
    struct text json, csv;
    char folder[96], lines[160];
    text_init(&json, *state);
    text_init(&csv, *state);
    snprintf(folder, sizeof folder, "%s", check_path("classes"));
    assert_int_equal(mkdir(folder, 0700), 0);
    text_add(&csv, "label,text\r\n");
    for (size_t c = 0; c < CLASSES; c++) {
        struct text all;
        char label[24];
        text_init(&all, *state);
        snprintf(label, sizeof label, "class %zu", c);
        check_lines(&json, c, label, 0, SHOTS);
        for (size_t k = 0; k < SHOTS; k++) {
            text_add(&csv, "class %zu,\"", c);
            check_sentence(&csv, c, k);
            text_add(&csv, "\"\r\n");
            check_sentence(&all, c, k);
            text_add(&all, "\n");
        }
        snprintf(lines, sizeof lines, "classes/%s.txt", label);
        check_keep(lines, &all);
    }
    check_keep("form.jsonl", &json);
    check_keep("form.csv", &csv);
    static const char *const name[] = {"form.jsonl", "form.csv", "classes"};
    for (size_t i = 0; i < 3; i++) {
        t2m_model *m = check_text_model(learner, *state, name[i]);
        check_save(m, i ? "other" : "first");
        t2m_model_free(m);
        check_same_file("first", i ? "other" : "first");
    }
}

/* ---- odd texts ---- */

/* Of more words than an input has room for some count, whatever their order. */
static void long_texts(void **state)
{
    t2m *lib = *state;
    enum { MANY = 150000 /* words, some 900 kB */, SOME = 400 };
    struct text s, back;
    float y[CLASSES];
    t2m_model *m = usual_model(lib);
    text_init(&s, lib);
    text_init(&back, lib);
    for (size_t i = 0; i < MANY; i++) {
        check_word(&s, i);
        check_word(&back, MANY - 1 - i);
        text_add(&s, " ");
        text_add(&back, " ");
    }
    assert_in_range(s.length, MANY * 5, 1 << 20);
    same_answers(lib, m, s.data, back.data);
    text_clear(&back);
    text_clear(&s);
    text_add(&s, "{\"text\":\"");
    for (size_t i = 0; i < SOME; i++) {
        check_word(&s, 5000 + i);
        text_add(&s, " ");
    }
    text_add(&s, "\",\"label\":\"long\"}\n");
    check_lines(&s, 1, "short", 0, 2);
    t2m_model *other = model_of(lib, &s);
    check_ask(lib, other, check_query(lib, 1), y);
    assert_string_equal(t2m_model_class(other, 1), "short");
    assert_true(y[1] > y[0]);
    t2m_model_free(other);
    t2m_model_free(m);
}

/* An answer, the same for all that have no features. */
static void texts_that_say_nothing(void **state)
{
    t2m_model *m = usual_model(*state);
    float y[CLASSES], sum = 0;
    check_ask(*state, m, "", y);
    for (size_t c = 0; c < CLASSES; c++) {
        assert_true(y[c] > 0 && y[c] < 1);
        sum += y[c];
    }
    assert_true(fabsf(sum - 1) < 1e-5F);
    same_answers(*state, m, "", " \t\n");
    same_answers(*state, m, "", "{\"text\": \"\"}");
    same_answers(*state, m, "", "\xE2\x80\x8B"); /* of no width */
    check_ask(*state, m, "\xE0\xB8\x81\xE0\xB9\x87 qwxyz", y);
    for (size_t c = 0; c < CLASSES; c++)
        assert_true(y[c] > 0 && y[c] < 1);
    t2m_model_free(m);
}

/* Names as they are, through a file. */
static void names(void **state)
{
    static const char *const name[CLASSES] = {"say \"hi\"", "two\nlines\r", "back\\slash\\n",
                                              "\xC3\xA9, 1"};
    struct text s;
    t2m_model *m = NULL;
    text_init(&s, *state);
    for (size_t c = 0; c < CLASSES; c++)
        check_lines(&s, c, name[c], 0, 1);
    t2m_model *made = model_of(*state, &s);
    check_save(made, "names");
    assert_int_equal(t2m_model_open(*state, &m, check_path("names")), T2M_OK);
    for (size_t c = 0; c < CLASSES; c++)
        assert_string_equal(t2m_model_class(m, c), name[c]);
    check_save(m, "again");
    check_same_file("names", "again");
    t2m_model_free(m);
    t2m_model_free(made);
}

static void bad_lines(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *want;
    } row[] = {
        {"a\0b\n", 4, "standard input: line 7: not text in UTF-8: byte 2 of the line is 0x00"},
        {"a\xE4\n", 3, "standard input: line 7: not text in UTF-8: byte 2"},
        {"{\"text\": 7}", 11, "standard input: line 7: \"text\" is not a text in quotes"},
        {"{\"text\": \"a", 11, "line 7"},
    };
    t2m_model *m = usual_model(*state);
    t2m_model_info info;
    t2m_model_describe(m, &info);
    float *x = malloc(info.inputs * sizeof *x);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const t2m_line line = {row[i].bytes, row[i].n, 7};
        assert_int_equal(t2m_model_line(m, &line, x), T2M_EDATA);
        check_says(*state, row[i].want);
    }
    free(x);
    t2m_model_free(m);
}

static void warnings(void **state)
{
    t2m_task *t = NULL;
    check_write("two.jsonl",
                "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"a\",\"label\":\"y\"}\n");
    assert_int_equal(t2m_task_open(learner, &t, check_path("two.jsonl"), NULL), T2M_OK);
    assert_non_null(t2m_task_warning(t, 0));
    assert_non_null(strstr(t2m_task_warning(t, 0), "two.jsonl: line 2: 'a' is 'y' here, but 'x'"));
    assert_null(t2m_task_warning(t, 1));
    t2m_task_free(t);
    t2m_family *f = check_family(*state, "two.jsonl");
    assert_non_null(t2m_family_warning(f, 0));
    assert_null(t2m_family_warning(f, 1));
    t2m_family_free(f);
    check_write("one.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n");
    assert_int_equal(t2m_task_open(learner, &t, check_path("one.jsonl"), NULL), T2M_EDATA);
    check_says(*state, "one.jsonl has 1 class; a classifier needs at least two");
}

/* ---- files and vectors ---- */

static void vectors(void **state)
{
    const t2m_learner *const by[] = {learner, ridge};
    for (size_t i = 0; i < 2; i++) {
        float *v = NULL;
        size_t n = 0;
        t2m_model *m = check_usual_model(*state, by[i]), *again = NULL;
        assert_int_equal(t2m_model_vector(m, &v, &n), T2M_OK);
        assert_int_equal(t2m_model_from_vector(m, &again, v, n), T2M_OK);
        check_save(m, "first");
        check_save(again, "again");
        check_same_file("first", "again");
        t2m_free(*state, v);
        t2m_model_free(again);
        t2m_model_free(m);
    }
}

/* A task that is drawn from a family is the classes of one. */
static void drawn(void **state)
{
    t2m_episode_options o = T2M_EPISODE_OPTIONS_INIT;
    t2m_task *support = NULL, *queries = NULL;
    t2m_model *m = NULL;
    t2m_family_options as = T2M_FAMILY_OPTIONS_INIT;
    t2m_family *f = NULL;
    const char *const path = check_path("train.jsonl");
    as.learner = learner;
    assert_int_equal(t2m_family_open(*state, &f, &path, 1, &as), T2M_OK);
    o.ways = 3;
    o.shots = 2;
    o.queries = 1;
    assert_int_equal(t2m_episode_draw(learner, &support, &queries, f, &o), T2M_OK);
    assert_int_equal(t2m_task_classes(support), 3);
    assert_int_equal(t2m_task_examples(support), 6);
    assert_int_equal(strncmp(t2m_task_class(queries, 2), "class 10", 8), 0);
    assert_int_equal(t2m_build(learner, &m, support, NULL, NULL), T2M_OK);
    t2m_model_free(m);
    t2m_task_free(support);
    t2m_task_free(queries);
    t2m_family_free(f);
}

/* ---- training ---- */

static t2m_status train(size_t threads, const char *output, bool resume)
{
    t2m *lib = check_open(NULL, threads);
    t2m_train_options o = check_training(NULL, 5);
    o.meta_batch = 4;
    return check_stopped(lib, check_family(lib, "train.jsonl"), o, output, resume);
}

static void threads_and_stops(void **state)
{
    (void)state;
    stop_at = 0;
    assert_int_equal(train(1, "whole", false), T2M_OK);
    const size_t total = asked;
    assert_int_equal(train(3, "parts", false), T2M_OK);
    check_same_file("whole", "parts");
    for (size_t k = 1; k <= total; k += 3) {
        stop_at = k;
        unlink(check_path("parts"));
        assert_int_equal(train(1 + k % 2, "parts", false), T2M_ECANCELLED);
        stop_at = 0;
        assert_int_equal(train(2 - k % 2, "parts", true), T2M_OK);
        check_same_file("whole", "parts");
    }
}

static int setup(void **state)
{
    if (check_files_setup(state) != 0)
        return -1;
    ridge = check_text_learner(*state, "ridge", 20);
    learner = check_text_learner(*state, "protonet", 20);
    return 0;
}

static int teardown(void **state)
{
    t2m_learner_free(learner);
    t2m_learner_free(ridge);
    return check_files_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_names), cmocka_unit_test(neighbours),
        cmocka_unit_test(spellings),       cmocka_unit_test(forms),
        cmocka_unit_test(long_texts),      cmocka_unit_test(texts_that_say_nothing),
        cmocka_unit_test(names),           cmocka_unit_test(bad_lines),
        cmocka_unit_test(warnings),        cmocka_unit_test(vectors),
        cmocka_unit_test(drawn),           cmocka_unit_test(threads_and_stops)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
