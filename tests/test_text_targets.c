/* test_text_targets.c: texts with several labels, or with a value: what models of them say, and
 * that files and vectors keep them. */
#include "check_edit.h"
#include "check_text.h"

enum { TEXTS = 24, LABELS = 3 };

static t2m_learner *learner; /* by ridge */

/* Text i has the words of label k if bit k of i is set; its value is how many it has. */
static void put_text(struct text *s, size_t i)
{
    struct random r = random_stream(8, 1, i);
    for (size_t k = 0; k < LABELS; k++)
        if (i >> k & 1) {
            check_word(s, 2000 + 10 * k + random_below(&r, 2));
            text_add(s, " ");
        }
    for (int k = 0; k < 3; k++) {
        check_word(s, random_below(&r, CHECK_COMMON));
        text_add(s, " ");
    }
}

static size_t value_of(size_t i)
{
    return (i & 1) + (i >> 1 & 1) + (i >> 2 & 1);
}

static void put_label(struct text *s, size_t i, bool values)
{
    if (values) {
        text_add(s, "%zu", value_of(i));
        return;
    }
    text_add(s, "[");
    for (size_t k = 0, put = 0; k < LABELS; k++)
        if (i >> k & 1)
            text_add(s, "%s\"label %zu\"", put++ ? "," : "", k);
    text_add(s, "]");
}

/* The texts in the order of step * i + 1. */
static void write_texts(t2m *lib, const char *name, bool values, size_t step)
{
    struct text s;
    text_init(&s, lib);
    for (size_t k = 0; k < TEXTS; k++) {
        const size_t i = (step * k + 1) % TEXTS;
        text_add(&s, "{\"text\":\"");
        put_text(&s, i);
        text_add(&s, "\",\"label\":");
        put_label(&s, i, values);
        text_add(&s, "}\n");
    }
    check_keep(name, &s);
}

static t2m_model *model_of(t2m *lib, bool values, size_t step)
{
    t2m_task_options o = T2M_TASK_OPTIONS_INIT;
    t2m_task *t = NULL;
    t2m_model *m = NULL;
    o.classes = values ? 0 : -1;
    write_texts(lib, "texts.jsonl", values, step);
    if (t2m_task_open(learner, &t, check_path("texts.jsonl"), &o) != T2M_OK ||
        t2m_build(learner, &m, t, NULL, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    t2m_column column;
    assert_false(t2m_task_column(learner, t, 0, &column));
    t2m_task_free(t);
    return m;
}

/* What the model says of new text i. */
static void ask(t2m *lib, t2m_model *m, size_t i, float *y)
{
    struct text s;
    text_init(&s, lib);
    put_text(&s, i);
    check_ask(lib, m, s.data, y);
    text_clear(&s);
}

static void order_does_not_matter(void **state)
{
    for (int values = 0; values < 2; values++) {
        t2m_model *m = model_of(*state, values, 1), *other = model_of(*state, values, 7);
        assert_int_equal(t2m_model_classes(m), values ? 0 : LABELS);
        for (size_t i = 40; i < 56; i++) {
            float y[LABELS], z[LABELS];
            ask(*state, m, i, y);
            ask(*state, other, i, z);
            for (size_t k = 0; k < (values ? 1 : LABELS); k++)
                assert_true(fabsf(y[k] - z[k]) < 2e-3F);
        }
        t2m_model_free(m);
        t2m_model_free(other);
    }
}

static void answers_are_right(void **state)
{
    float y[LABELS];
    size_t right = 0;
    double error = 0, half_width[2];
    t2m_model *labels = model_of(*state, false, 1), *values = model_of(*state, true, 1);
    t2m_model_info info;
    t2m_model_describe(labels, &info);
    assert_true(info.several && info.text);
    assert_true(t2m_model_interval(values, half_width));
    assert_true(half_width[0] > 0 && half_width[1] >= half_width[0]);
    for (size_t i = 40; i < 56; i++) {
        ask(*state, labels, i, y);
        for (size_t k = 0; k < LABELS; k++)
            right += (y[k] > 0.5F) == (i >> k & 1);
        ask(*state, values, i, y);
        error += pow((double)y[0] - (double)value_of(i), 2);
    }
    assert_true(right > 16 * LABELS * 8 / 10);
    assert_true(error / 16 < 0.7); /* 0.75 for their mean */
    t2m_model_free(labels);
    t2m_model_free(values);
}

static void files_and_vectors(void **state)
{
    for (int values = 0; values < 2; values++) {
        t2m_model *m = model_of(*state, values, 1), *opened = NULL, *again = NULL, *none = NULL;
        float *v = NULL;
        size_t n = 0;
        check_save(m, "first");
        assert_int_equal(t2m_model_open(*state, &opened, check_path("first")), T2M_OK);
        assert_int_equal(t2m_model_vector(opened, &v, &n), T2M_OK);
        assert_int_equal(t2m_model_from_vector(opened, &again, v, n), T2M_OK);
        check_save(again, "again");
        check_same_file("first", "again");
        assert_int_equal(t2m_model_remove(m, &none, "label 0"), T2M_EUSAGE);
        check_says(*state, "build it anew");
        t2m_free(*state, v);
        t2m_model_free(again);
        t2m_model_free(opened);
        t2m_model_free(m);
    }
}

static void damage(void **state)
{
    static const struct edit row[] = {
        {.tensor = "data.spread", .at = SIZE_MAX},
        {.tensor = "data.spread", .at = 0, .value = -1},
        {.tensor = "data.spread", .at = 1, .value = NAN},
        {.tensor = "data.scales", .at = SIZE_MAX},
    };
    t2m_model *m = model_of(*state, true, 1), *none = NULL;
    check_save(m, "score");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        check_edit(*state, "score", &row[i]);
        assert_int_equal(t2m_model_open(*state, &none, check_path("edited")), T2M_EMODEL);
        check_says(*state, "are missing");
    }
    t2m_model_free(m);
}

static void refusals(void **state)
{
    t2m_task *t = NULL;
    t2m_task_options o = T2M_TASK_OPTIONS_INIT;
    t2m_learner *other = check_text_learner(*state, "protonet", 1);
    write_texts(*state, "texts.jsonl", false, 1);
    assert_int_equal(t2m_task_open(other, &t, check_path("texts.jsonl"), NULL), T2M_EUSAGE);
    check_says(*state, "need a learner by ridge; this one is by protonet");
    t2m_learner_free(other);
    check_write("few.jsonl", "{\"text\":\"a\",\"label\":[\"x\",\"y\"]}\n"
                             "{\"text\":\"a\",\"label\":[]}\n");
    assert_int_equal(t2m_task_open(learner, &t, check_path("few.jsonl"), NULL), T2M_EDATA);
    check_says(*state, "2 texts; at least 3 are needed");
    o.classes = 0;
    check_write("word.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n");
    assert_int_equal(t2m_task_open(learner, &t, check_path("word.jsonl"), &o), T2M_EDATA);
    check_says(*state, "word.jsonl: line 1: \"label\" is not a number");
    check_write("three.jsonl", "{\"text\":\"a\",\"label\":[\"x\"]}\n{\"text\":\"a\",\"label\":[]}\n"
                               "{\"text\":\"b\",\"label\":[\"y\"]}\n");
    assert_int_equal(t2m_task_open(learner, &t, check_path("three.jsonl"), NULL), T2M_OK);
    assert_non_null(t2m_task_warning(t, 0));
    assert_non_null(strstr(t2m_task_warning(t, 0), "'a' is no label here, but 'x' in line 1"));
    t2m_task_free(t);
}

static int setup(void **state)
{
    if (check_files_setup(state) != 0)
        return -1;
    learner = check_text_learner(*state, "ridge", 20);
    return 0;
}

static int teardown(void **state)
{
    t2m_learner_free(learner);
    return check_files_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter), cmocka_unit_test(answers_are_right),
        cmocka_unit_test(files_and_vectors), cmocka_unit_test(damage), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
