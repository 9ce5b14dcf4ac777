/* test_text_damage.c: files of learners and models of texts that anyone may have written, with a
 * checksum that fits: the vocabulary and the bytes are checked. */
#include "check_edit.h"
#include "check_text.h"

enum { WORDS = 100 };

static const struct kind {
    const char *file, *title;
} kinds[] = {{"learner", "edited' is not a usable learner: "},
             {"model", "edited' is not a usable model: "}};

/* Opens the file `edited`. */
static t2m_status opened(t2m *lib, const struct kind *k)
{
    t2m_learner *l = NULL;
    t2m_model *m = NULL;
    const bool learner = k == kinds;
    const t2m_status status = learner ? t2m_learner_open(lib, &l, check_path("edited"))
                                      : t2m_model_open(lib, &m, check_path("edited"));
    t2m_learner_free(l);
    t2m_model_free(m);
    return status;
}

static void refused(t2m *lib, const struct kind *k, const char *title, const char *want)
{
    assert_int_equal(opened(lib, k), T2M_EMODEL);
    check_says(lib, title);
    check_says(lib, want);
}

static void the_files_themselves_are_good(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        const struct edit none = {.key = "method", .text = "protonet"};
        check_edit(*state, kinds[i].file, &none);
        assert_int_equal(opened(*state, &kinds[i]), T2M_OK);
        check_same_file(kinds[i].file, "edited");
    }
}

static void vocabularies_are_checked(void **state)
{
    enum { LOW, MIDDLE, HIGH, SEEN, NEXT };
    static const struct edit row[] = {
        {.tensor = "vocabulary", .at = SIZE_MAX},
        {.tensor = "vocabulary", .at = LOW, .value = NAN},
        {.tensor = "vocabulary", .at = LOW, .value = -1},
        {.tensor = "vocabulary", .at = LOW, .value = 0.5F},
        {.tensor = "vocabulary", .at = LOW, .value = 1 << 22},
        {.tensor = "vocabulary", .at = MIDDLE, .value = INFINITY},
        {.tensor = "vocabulary", .at = HIGH, .value = 1 << 20},
        {.tensor = "vocabulary", .at = SEEN, .value = 0},
        {.tensor = "vocabulary", .at = SEEN, .value = -3},
        {.tensor = "vocabulary", .at = SEEN, .value = 1e30F},
        {.tensor = "vocabulary", .at = SEEN, .value = 2, .rows = 1}, /* more than the structure */
    };
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
            check_edit(*state, kinds[k].file, &row[i]);
            refused(*state, &kinds[k], kinds[k].title, "its vocabulary makes no sense");
        }
    }
}

/* The hash of the first word is that of the second. */
static void words_are_different(void **state)
{
    for (size_t k = 0; k < 2; k++) {
        struct tensor_file *f;
        float hash[3];
        assert_int_equal(safetensors_read(*state, check_path(kinds[k].file), &f), T2M_OK);
        memcpy(hash, safetensors_find(f, "vocabulary")->data + 4, sizeof hash);
        safetensors_free(f);
        const char *from = kinds[k].file;
        for (size_t i = 0; i < 3; i++) {
            const struct edit e = {.tensor = "vocabulary", .at = i, .value = hash[i]};
            check_edit(*state, from, &e);
            from = "edited";
        }
        refused(*state, &kinds[k], kinds[k].title, "its vocabulary makes no sense");
    }
}

static void other_tensors_are_checked(void **state)
{
    static const char *const name[] = {"text.rarity", "text.word", "text.vector", "text.scale"};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
            const struct edit e = {.tensor = name[i], .at = SIZE_MAX};
            check_edit(*state, kinds[k].file, &e);
            refused(*state, &kinds[k], kinds[k].title, "a tensor is missing or has another size");
        }
    static const char *const structure[] = {"text:100,64",    "text:0,64,8", "text:100,0,8",
                                            "text:100,64,-8", "mlp:4",       "text:99999999,64,8"};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof structure / sizeof *structure; i++) {
            const struct edit e = {.key = "structure", .text = structure[i]};
            check_edit(*state, kinds[k].file, &e);
            refused(*state, &kinds[k], kinds[k].title, "");
        }
}

/* A byte of a tensor counts a unit, a power of two. */
static void units_are_checked(void **state)
{
    static const char *const unit[] = {"0000000000", "1e30000000", "-.00390625", "nan       ",
                                       "0.0039062x", "0.00390626", "          ", "0x1p+90000"};
    for (size_t k = 0; k < 2; k++) {
        struct tensor_file *f;
        char was[64], to[64];
        assert_int_equal(safetensors_read(*state, check_path(kinds[k].file), &f), T2M_OK);
        const char *own = safetensors_meta(f, "unit.text.vector");
        assert_non_null(own); /* it is in bytes */
        snprintf(was, sizeof was, "\"unit.text.vector\":\"%s\"", own);
        snprintf(to, sizeof to, "\"xnit.text.vector\":\"%s\"", own);
        check_patch(*state, kinds[k].file, was, to);
        refused(*state, &kinds[k], "edited': tensor 'text.vector': ", "its bytes have no unit");
        for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
            snprintf(to, sizeof to, "\"unit.text.vector\":\"%-*.*s\"", (int)strlen(own),
                     (int)strlen(own), unit[i]);
            check_patch(*state, kinds[k].file, was, to);
            refused(*state, &kinds[k], "edited': tensor 'text.vector': ", "its bytes have no unit");
        }
        safetensors_free(f);
    }
}

static void data_are_checked(void **state)
{
    static const char *const data[] = {"images", "rows", "tables", "none"};
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        const struct edit e = {.key = "data", .text = data[i]};
        check_edit(*state, "learner", &e);
        refused(*state, kinds, kinds->title, "no sense");
    }
}

static int setup(void **state)
{
    if (check_files_setup(state) != 0)
        return -1;
    t2m_learner *l = check_text_learner(*state, "protonet", 2);
    assert_int_equal(t2m_learner_save(l, check_path("learner"), true), T2M_OK);
    check_texts(*state, "shots.jsonl", 0, 3, 2);
    t2m_model *m = check_text_model(l, *state, "shots.jsonl");
    check_save(m, "model");
    t2m_model_free(m);
    t2m_learner_free(l);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_files_themselves_are_good),
                                       cmocka_unit_test(vocabularies_are_checked),
                                       cmocka_unit_test(words_are_different),
                                       cmocka_unit_test(other_tensors_are_checked),
                                       cmocka_unit_test(units_are_checked),
                                       cmocka_unit_test(data_are_checked)};
    return cmocka_run_group_tests(tests, setup, check_files_teardown);
}
