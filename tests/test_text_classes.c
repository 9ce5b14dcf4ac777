/* test_text_classes.c: classes go into and out of models without touching the others. */
#include "check_text.h"

static t2m_learner *learner, *ridge; /* of the handle of the group */

static t2m_model *added(t2m *lib, const t2m_model *m, const char *name)
{
    t2m_model *out = NULL;
    check_texts(lib, "more.jsonl", CLASSES, 2, SHOTS);
    if (t2m_model_add(m, &out, check_path("more.jsonl"), name) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return out;
}

static t2m_model *without(t2m *lib, const t2m_model *m, const char *name)
{
    t2m_model *out = NULL;
    if (t2m_model_remove(m, &out, name) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return out;
}

/* The others keep their ratios, and more of the new class's texts are its own than by chance. */
static void compare(t2m *lib, t2m_model *m, t2m_model *more)
{
    size_t right = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        float y[CLASSES], z[CLASSES + 1];
        struct text s;
        check_ask(lib, m, check_query(lib, i), y);
        check_ask(lib, more, check_query(lib, i), z);
        for (size_t c = 1; c < CLASSES; c++)
            assert_true(fabs(log((double)y[c] / (double)y[0]) - log((double)z[c] / (double)z[0])) <
                        1e-4);
        text_init(&s, lib);
        check_sentence(&s, CLASSES, 60 + i);
        check_ask(lib, more, s.data, z);
        text_clear(&s);
        size_t best = 0;
        for (size_t c = 1; c <= CLASSES; c++)
            best = z[c] > z[best] ? c : best;
        right += best == CLASSES;
    }
    assert_true(right > QUERIES / (CLASSES + 1));
}

static void one_more_and_one_less(void **state)
{
    t2m *lib = *state;
    const t2m_learner *const by[] = {learner, ridge};
    for (size_t i = 0; i < 2; i++) {
        t2m_model *m = check_usual_model(lib, by[i]), *more = added(lib, m, "class 4"),
                  *opened = NULL;
        check_save(m, "first");
        check_save(more, "more");
        compare(lib, m, more);
        assert_int_equal(t2m_model_open(lib, &opened, check_path("more")), T2M_OK);
        t2m_model *back = without(lib, opened, "class 4");
        check_save(back, "back");
        check_same_file("first", "back");
        t2m_model_free(back);
        t2m_model_free(opened);
        t2m_model_free(more);
        t2m_model_free(m);
    }
}

/* One by one or together: the same model; and in any place. */
static void as_if_built_together(void **state)
{
    t2m *lib = *state;
    t2m_model *m = check_usual_model(lib, learner), *more = added(lib, m, "class 5");
    struct text s;
    text_init(&s, lib);
    for (size_t c = 0; c <= CLASSES; c++) {
        char label[24];
        snprintf(label, sizeof label, "class %zu", c < CLASSES ? c : 5);
        check_lines(&s, c < CLASSES ? c : 5, label, 0, SHOTS);
    }
    check_keep("shots.jsonl", &s);
    t2m_model *whole = check_text_model(learner, lib, "shots.jsonl");
    for (size_t i = 0; i < QUERIES; i++) {
        float y[CLASSES + 1], z[CLASSES + 1];
        check_ask(lib, more, check_query(lib, i), y);
        check_ask(lib, whole, check_query(lib, i), z);
        for (size_t c = 0; c <= CLASSES; c++)
            assert_true(fabsf(y[c] - z[c]) < 1e-5F);
    }
    t2m_model *less = without(lib, whole, "class 1");
    assert_int_equal(t2m_model_classes(less), CLASSES);
    assert_string_equal(t2m_model_class(less, 1), "class 2");
    assert_string_equal(t2m_model_class(less, 3), "class 5");
    t2m_model_free(less);
    t2m_model_free(whole);
    t2m_model_free(more);
    t2m_model_free(m);
}

static void classes_that_cannot_be(void **state)
{
    t2m *lib = *state;
    t2m_model *m = check_usual_model(lib, learner), *two = NULL, *none = NULL;
    check_texts(lib, "more.jsonl", CLASSES, 2, SHOTS);
    assert_int_equal(t2m_model_add(m, &none, check_path("more.jsonl"), "class 1"), T2M_EUSAGE);
    check_says(lib, "the model has a class 'class 1' already");
    assert_int_equal(t2m_model_add(m, &none, check_path("more.jsonl"), "class 9"), T2M_EDATA);
    check_says(lib, "more.jsonl' has 2 classes, and no 'class 9'");
    assert_int_equal(t2m_model_add(m, &none, check_path("nowhere.jsonl"), "class 4"), T2M_EIO);
    assert_int_equal(t2m_model_remove(m, &none, "class 4"), T2M_EUSAGE);
    check_says(lib, "the model has no class 'class 4'");
    t2m_model *three = without(lib, m, "class 3");
    two = without(lib, three, "class 0");
    assert_int_equal(t2m_model_remove(two, &none, "class 1"), T2M_EUSAGE);
    check_says(lib, "the model has two classes, and a classifier needs at least two");
    assert_null(none);
    t2m_model_free(two);
    t2m_model_free(three);
    t2m_model_free(m);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_more_and_one_less),
                                       cmocka_unit_test(as_if_built_together),
                                       cmocka_unit_test(classes_that_cannot_be)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
