/* test_table_damage.c: files of models of tables that anyone may have written, with a checksum that
 * fits: what is said of the columns is checked, the rules for cells too, and the structure beside
 * both. */
#include "check_edit.h"
#include "check_table.h"

#include "model/model.h"

static void refused(t2m *lib, const char *model, const struct edit *e, const char *want)
{
    t2m_model *m = NULL;
    check_edit(lib, model, e);
    const t2m_status status = t2m_model_open(lib, &m, check_path("edited"));
    if (status != T2M_EMODEL)
        fail_msg("%s: status %d, %s", e->tensor ? e->tensor : e->text, status, t2m_errmsg(lib));
    check_says(lib, "edited' is not a usable model: ");
    check_says(lib, want);
    assert_null(m);
}

static void the_file_itself_is_good(void **state)
{
    static const char *const model[] = {"classes", "values"};
    for (int i = 0; i < 2; i++) {
        const struct edit none = {.key = "method", .text = "tables"};
        t2m_model *m = NULL;
        check_edit(*state, model[i], &none);
        assert_int_equal(t2m_model_open(*state, &m, check_path("edited")), T2M_OK);
        t2m_model_free(m);
    }
}

static void columns_are_checked(void **state)
{
    enum { KNOTS = 2, VALUE = 3, RANK = VALUE + MARGINAL_KNOTS };
    static const struct edit row[] = {
        {.tensor = "data.columns", .at = 0, .value = NAN},
        {.tensor = "data.columns", .at = 0, .value = -1},
        {.tensor = "data.columns", .at = 0, .value = 0.5F},
        {.tensor = "data.columns", .at = 1, .value = 0}, /* twice the same */
        {.tensor = "data.columns", .at = 2, .value = 3},
        {.tensor = "data.columns", .at = 2, .value = 1e30F},
        {.tensor = "data.columns", .at = SIZE_MAX},
        {.tensor = "data.marginals", .at = 0, .value = NAN}, /* mean */
        {.tensor = "data.marginals", .at = 1, .value = 0},   /* scale */
        {.tensor = "data.marginals", .at = 1, .value = -1},
        {.tensor = "data.marginals", .at = 1, .value = INFINITY},
        {.tensor = "data.marginals", .at = KNOTS, .value = 1e9F},
        {.tensor = "data.marginals", .at = KNOTS, .value = MARGINAL_KNOTS + 1},
        {.tensor = "data.marginals", .at = KNOTS, .value = -1},
        {.tensor = "data.marginals", .at = KNOTS, .value = NAN},
        {.tensor = "data.marginals", .at = KNOTS, .value = 1.5F},
        {.tensor = "data.marginals", .at = KNOTS, .value = MARGINAL_KNOTS}, /* some are not there */
        {.tensor = "data.marginals", .at = VALUE, .value = 100},            /* not rising */
        {.tensor = "data.marginals", .at = VALUE + 1, .value = NAN},
        {.tensor = "data.marginals", .at = RANK, .value = NAN},
        {.tensor = "data.marginals", .at = RANK, .value = INFINITY},
        {.tensor = "data.marginals", .at = SIZE_MAX},
    };
    static const struct edit of_values[] = {
        {.tensor = "data.spread", .at = 0, .value = NAN},
        {.tensor = "data.spread", .at = 1, .value = -1},
        {.tensor = "data.spread", .at = 1, .value = INFINITY},
        {.tensor = "data.spread", .at = SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, "classes", &row[i], "what it says of its columns makes no sense");
    for (size_t i = 0; i < sizeof of_values / sizeof *of_values; i++)
        refused(*state, "values", &of_values[i], "what it says of its columns makes no sense");
}

static void schemas_are_checked(void **state)
{
#define RULES(rest) "{\"schema\": \"t2m-columns/1\", \"target\": \"y\", " rest "}"
    static const struct {
        const char *schema, *want;
    } row[] = {
        {"{", "the rules for columns are not usable: line 1 of the JSON"},
        {"[]", "no object, or a member that is not known"},
        {"{\"schema\": \"t2m-columns/2\"}", "not of the form t2m-columns/1"},
        {RULES("\"columns\": []"), "there are no columns"},
        {RULES("\"columns\": [{\"name\": \"a\", \"kind\": \"none\"}]"),
         "column 'a': its kind is not known"},
        {RULES("\"columns\": [{\"name\": \"a\", \"kind\": \"number\"}]"),
         "its structure makes no sense"}, /* no classes, and the model has three */
        {RULES("\"classes\": [\"a\", \"b\"], "
               "\"columns\": [{\"name\": \"a\", \"kind\": \"number\"}]"),
         "its structure makes no sense"},
        {RULES("\"classes\": [\"a\", \"b\", \"c\"], "
               "\"columns\": [{\"name\": \"a\", \"kind\": \"number\"}]"),
         "what it says of its columns makes no sense"}, /* which are two more */
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct edit e = {.key = "schema", .text = row[i].schema};
        refused(*state, "classes", &e, row[i].want);
    }
    const struct edit none = {.key = "schema", .text = ""};
    refused(*state, "classes", &none, "its structure makes no sense");
}

static void structures_are_checked(void **state)
{
    static const struct {
        const char *key, *text, *want;
    } row[] = {
        {"input", "1 4 2 3", "what it says of its columns makes no sense"},
        {"input", "1 2 2 3", "what it says of its columns makes no sense"},
        {"input", "1 3 2 2", "its structure makes no sense"},
        {"input", "2 3 1 3", "its structure makes no sense"},
        {"input", "1 3 1 3", "its structure makes no sense"},
        {"input", "1 6 1 3", "its structure makes no sense"},
        {"input", "1 1000000 2 3", "its structure makes no sense"},
        {"input", "1 99999999999999 2 3", "its structure makes no sense"},
        {"input", "1 -3 2 3", "its structure makes no sense"},
        {"input", "1 3 2", "its structure makes no sense"},
        {"structure", "kernel:7,4,4", "a tensor is missing or has another size"},
        {"structure", "kernel:2000000000,4,4", "makes no sense"},
        {"structure", "kernel:9", "a tensor is missing or has another size"},
        {"structure", "mlp:4,4", "a tensor is missing or has another size"},
        {"structure", "conv4:4", "makes no sense"},
        {"structure", "kernel", "a tensor is missing or has another size"},
        {"kind", "another", "it was not made by t2m build"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct edit e = {.key = row[i].key, .text = row[i].text};
        refused(*state, "classes", &e, row[i].want);
    }
}

static int setup(void **state)
{
    static const char *const csv[] = {
        "a,b,c,y\n1,2,3,x\n2,1,4,y\n3,5,1,z\n4,3,2,x\n5,1,1,y\n6,2,7,z\n7,3,2,x\n8,0,1,y\n",
        "a,b,c,y\n1,2,3,1.5\n2,1,4,2.5\n3,5,1,7\n4,3,2,4\n5,1,1,3\n"};
    static const char *const name[] = {"classes", "values"};
    if (check_files_setup(state))
        return -1;
    t2m_learner *l = check_learner(*state, "kernel:16,4,4");
    for (int i = 0; i < 2; i++) {
        t2m_model *m = check_build(*state, l, csv[i]);
        assert_int_equal(t2m_model_save(m, check_path(name[i]), false), T2M_OK);
        t2m_model_free(m);
    }
    t2m_learner_free(l);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_itself_is_good),
        cmocka_unit_test(columns_are_checked),
        cmocka_unit_test(schemas_are_checked),
        cmocka_unit_test(structures_are_checked),
    };
    return cmocka_run_group_tests(tests, setup, check_files_teardown);
}
