/* test_schema.c: tables of text as numbers for a model: every rule of docs/tables.md by which the
 * columns and the target are found, and every refusal. */
#include "check_schema.h"

/* ---- what columns are ---- */

static void kinds_of_columns(void **state)
{
    static const char *const row[][2] = {
        {"a,y\n1,1.5\n-2e1,2\n .5,3\n", "a / 1; -20; 0.5 / 1.5 2 3"},
        {"a,b,y\n1,,1.5\nNA,2,2\n-,1,3\nnull,NaN,3\n?,n/A,3\n",
         "a is missing, b, b is missing / 0 ~ 1; 1 2 0; 1 1 0; 1 ~ 1; 1 ~ 1 / 1.5 2 3 3 3"},
        {"a,y\n1,1.5\n\" \",2\n3,3\n", "a, a is missing / 1 0; ~ 1; 3 0 / 1.5 2 3"},
        {"a,y\nyes,1.5\nNO,2\n,3\nYes,4\n", "a, a is missing / 1 0; 0 0; ~ 1; 1 0 / 1.5 2 3 4"},
        {"a,b,y\nt,F,.5\nf,T,2\n", "a, b / 1 0; 0 1 / 0.5 2"},
        {"a,y\nyes,1.5\ntrue,2\nyes,3\n", "a = true / 0; 1; 0 / 1.5 2 3"}, /* no pair */
        {"c,y\nred,.5\nblue,2\nred,3\n", "c = blue / 0; 1; 0 / 0.5 2 3"},
        {"c,y\nred,.5\nblue,2\n,3\n", "c = red, c is missing / 1 0; 0 0; ~ 1 / 0.5 2 3"},
        {"c,y\nred,.5\nnone,2\nNA,3\n", /* words are categories beside others */
         "c = NA, c = none, c = red / 0 0 1; 0 1 0; 1 0 0 / 0.5 2 3"},
        {"c,y\nx,.5\n,2\nx,3\n", "c is missing / 0; 1; 0 / 0.5 2 3"},
        {"c,y\n3,.5\nb,2\n3,3\n4,1\n",
         "c = 3, c = 4, c = b / 1 0 0; 0 0 1; 1 0 0; 0 1 0 / 0.5 2 3 1"},
        {"a;y\n1,5;1,5\n2;2\n-,5;\"3\"\n", "a / 1.5; 2; -0.5 / 1.5 2 3"},
        {"a\ty\n1,5\t1.5\n2,5\t2\n", "a / 1.5; 2.5 / 1.5 2"},
        {"one,none,a,y\n7,,1,1.5\n7,NA,2,2\n7,-,3,3\n", "a / 1; 2; 3 / 1.5 2 3"}, /* dropped */
        {"one,a,y\n7,1,1.5\n7.0,2,2\n", "a / 1; 2 / 1.5 2"},
        {"a,b,y\n1,inf,.5\n2,x,2\n3,1e400,3\n", /* beside text these are text too */
         "a, b = 1e400, b = inf, b = x / 1 0 1 0; 2 0 0 1; 3 1 0 0 / 0.5 2 3"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        check(*state, row[i][0], NULL, NULL, row[i][1]);
}

/* As docs/tables.md tells it. */
static void the_example(void **state)
{
    check(*state,
          "colour;bought;size;new;price\n"
          "red;2024-03-01;1,5;yes;10,90\n"
          "blue;2024-03-04;2;no;12,00\n"
          "red;2024-04-01;;no;9,50\n",
          NULL, NULL,
          "colour = blue, bought: days, bought: month, bought: weekday, size, size is missing, new "
          "/ 0 8826 3 4 1.5 0 1; 1 8829 3 0 2 0 0; 0 8857 4 0 ~ 1 0 / 10.9 12 9.5");
}

static void dates(void **state)
{
    static const char *const row[][2] = {
        {"d,y\n2000-01-01,.5\n1999-12-31,2\n2024-02-29,3\n",
         "d: days, d: month, d: weekday / 0 1 5; -1 12 4; 8825 2 3 / 0.5 2 3"},
        {"d,y\n2024-03-04,.5\n2024-03-11,2\n", "d: days / 8829; 8836 / 0.5 2"},
        {"d,y\n2024-03-04T06:30,.5\n2024-03-04 12:45:36.5Z,2\nNA,3\n",
         "d: hour, d is missing / 6.5 0; 12.76 0; ~ 1 / 0.5 2 3"},
        {"d,y\n1.3.2024,.5\n02.03.2024,2\n", /* the day first, by the dots */
         "d: days, d: weekday / 8826 4; 8827 5 / 0.5 2"},
        {"d,y\n03/01/2024,.5\n03/13/2024,2\n", /* no month 13 */
         "d: days, d: weekday / 8826 4; 8838 2 / 0.5 2"},
        {"d,y\n01/03/2024,.5\n13/03/2024,2\n", "d: days, d: weekday / 8826 4; 8838 2 / 0.5 2"},
        {"d,y\n01/03/2024,.5\n02/03/2024,2\n", "d = 02/03/2024 / 0; 1 / 0.5 2"}, /* may be both */
        {"d,y\n13/03/2024,.5\n03/13/2024,2\n", "d = 13/03/2024 / 1; 0 / 0.5 2"},
        {"d,y\n2023-02-29,.5\n2024-03-01,2\n", "d = 2024-03-01 / 0; 1 / 0.5 2"},
        {"d,y\n2024-02-01 24:00,.5\n2024-03-01,2\n", "d = 2024-03-01 / 0; 1 / 0.5 2"},
        {"d,y\n2024-02-01x,.5\n2024-03-01,2\n", "d = 2024-03-01 / 0; 1 / 0.5 2"},
        {"d,a,y\n2024-02-03,1,.5\n2024-02-03,2,2\n", "a / 1; 2 / 0.5 2"}, /* constant */
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        check(*state, row[i][0], NULL, NULL, row[i][1]);
}

static void line_of_12(struct text *s, size_t i) /* category k occurs the more, the smaller k */
{
    const size_t k = i % 12 < 1 + i % 13 ? i % 12 : 0;
    text_add(s, "c%02zu,%zu,%zu.5\n", k, i % 7, i);
}

static void many_categories(void **state)
{
    char *file = made(*state, "c,a,y", 156, line_of_12);
    struct schema *s = found(*state, file, NULL);
    struct table *t = parsed(*state, "a,c\n1,c00\n2,c11\n3,new\n4,c03\n");
    char name[128];
    float x[4 * 11];
    assert_int_equal(s->outputs, 11);
    assert_true(s->column[0].others && s->column[0].categories == 9);
    assert_string_equal(s->column[0].category[0], "c00");
    schema_output_name(s, 9, name);
    assert_string_equal(name, "c: another");
    assert_int_equal(schema_apply(s, t, x, NULL), T2M_OK);
    for (size_t row = 0; row < 4; row++) {
        const size_t want[] = {0, 9, 9, 3};
        for (size_t i = 0; i < 10; i++)
            assert_true(x[row * 11 + i] == (i == want[row]));
        assert_true(x[row * 11 + 10] == (float)(row + 1));
    }
    table_free(t);
    schema_free(s);
    mem_free(*state, file);
}

static void line_of_11(struct text *s, size_t i)
{
    text_add(s, "c%zu,%zu.5\n", i % 11, i);
}

static void line_of_10(struct text *s, size_t i)
{
    text_add(s, "c%zu,%zu.5\n", i % 10, i);
}

static void ten_have_an_output_each(void **state)
{
    char *ten = made(*state, "c,y", 30, line_of_10), *eleven = made(*state, "c,y", 33, line_of_11);
    struct schema *a = found(*state, ten, NULL), *b = found(*state, eleven, NULL);
    assert_true(a->column[0].categories == 10 && !a->column[0].others && a->outputs == 10);
    assert_true(b->column[0].categories == 9 && b->column[0].others && b->outputs == 10);
    assert_string_equal(b->column[0].category[8], "c7"); /* c0 c1 c10 c2 ... by bytes */
    schema_free(a);
    schema_free(b);
    mem_free(*state, ten);
    mem_free(*state, eleven);
}

/* ---- identifiers ---- */

static void line_with_id(struct text *s, size_t i)
{
    text_add(s, "%zu,%zu,%zu,name-%zu,c%zu,%zu.5\n", i + 1, i, i + 1, i, i % 3, i);
}

static void line_with_long_text(struct text *s, size_t i)
{
    for (int k = 0; k < 10000; k++)
        text_add(s, "x");
    text_add(s, "%zu,%zu,%zu.5\n", i, i * i % 7, i);
}

static void identifiers(void **state)
{
    static const char *const why[] = {"an identifier", "an identifier", NULL, "an identifier",
                                      NULL};
    static const char *const counter[] = {"id", "ID",      "PassengerId", "Row no.",   "sample_nr",
                                          "",   "x-Index", "row:",        "Unnamed: 0"};
    static const char *const other[] = {"valid", "grid", "days", "nono", "throw"};
    char *file = made(*state, "id,row,count,name,c,y", 21, line_with_id), header[64];
    struct schema *s = found(*state, file, NULL);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(s->column[i].kind == COLUMN_DROPPED, why[i] != NULL);
        if (why[i])
            assert_string_equal(s->column[i].dropped, why[i]);
    }
    schema_free(s);
    mem_free(*state, file);
    file = made(*state, "id,row,count,name,c,y", 20, line_with_id); /* too few rows to say */
    s = found(*state, file, NULL);
    assert_true(s->column[0].kind == COLUMN_NUMBER && s->column[3].kind == COLUMN_CATEGORY);
    schema_free(s);
    mem_free(*state, file);
    for (size_t i = 0; i < sizeof counter / sizeof *counter + sizeof other / sizeof *other; i++) {
        const size_t n = sizeof counter / sizeof *counter;
        snprintf(header, sizeof header, "%s,b,c,d,e,y", i < n ? counter[i] : other[i - n]);
        file = made(*state, header, 30, line_with_id);
        s = found(*state, file, NULL);
        if ((s->column[0].kind == COLUMN_DROPPED) != (i < n))
            fail_msg("'%s'", header);
        schema_free(s);
        mem_free(*state, file);
    }
    file = made(*state, "long,a,y", 100, line_with_long_text);
    s = found(*state, file, NULL);
    assert_string_equal(s->column[0].dropped, "an identifier");
    schema_free(s);
    mem_free(*state, file);
}

/* ---- the target ---- */

static void targets(void **state)
{
    static const struct schema_options find = {.classes = -1}, value = {.classes = 0},
                                       class = {.classes = 1}, named = {"a", NULL, 0, -1};
    static const struct {
        const char *file;
        const struct schema_options *o;
        const char *want;
    } row[] = {
        {"target,a\n.5,1\n2,2\n", NULL, "a / 1; 2 / 0.5 2"},
        {"y,a\n.5,1\n2,2.5\n", NULL, "y / 0.5; 2 / 1 2.5"}, /* the last */
        {"y,a,target\n.5,1,q\n2,3,r\n", &named, "y, target = r / 0.5 0; 2 1 / 0 1 / 1, 3"},
        {"a,y\n1,cat\n2,Dog\n3,cat\n", &find, "a / 1; 2; 3 / 1 0 1 / Dog, cat"}, /* by bytes */
        {"a,y\n1,no\n2,Yes\n3,No\n", &find, "a / 1; 2; 3 / 0 1 0 / No, Yes"},
        {"a,y\n1,n\n2,Y\n3,n\n", &find, "a / 1; 2; 3 / 0 1 0 / n, Y"},
        {"a,y\n1,0\n2,1\n3,1.0\n", &find, "a / 1; 2; 3 / 0 1 1 / 0, 1"},
        {"a,y\n1,10\n2,9\n3,10\n", &find, "a / 1; 2; 3 / 1 0 1 / 9, 10"}, /* by value */
        {"a,y\n1,0\n2,1\n3,2\n", &find, "a / 1; 2; 3 / 0 1 2"},           /* 3 of 3 rows: values */
        {"a,y\n1,0\n2,1\n3,2\n", &class, "a / 1; 2; 3 / 0 1 2 / 0, 1, 2"},
        {"a,y\n1,0\n2,1\n3,1\n", &value, "a / 1; 2; 3 / 0 1 1"},
        {"a;y\n1;1,5\n2;0,5\n3;1,5\n", &class, "a / 1; 2; 3 / 1 0 1 / 0,5, 1,5"},
        {"a,y\n1,none\n2,x\n3,NA\n", &find, "a / 1; 2; 3 / 1 2 0 / NA, none, x"},
        {"a,y\n1,9\n2,1e39\n3,9\n", &class, "a / 1; 2; 3 / 1 0 1 / 1e39, 9"}, /* too large */
        {"a,y\n1,7\n2,x\n3,1e999\n", &class, "a / 1; 2; 3 / 1 2 0 / 1e999, 7, x"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        check(*state, row[i].file, NULL, row[i].o, row[i].want);
}

static void line_of_classes(struct text *s, size_t i)
{
    text_add(s, "%zu,%zu,%zu,k%zu\n", i * i % 11, i % 10, i % 11, i % 300);
}

static void few_whole_numbers_are_classes(void **state)
{
    char *file = made(*state, "a,b,c,d", 50, line_of_classes);
    struct schema_options o = {.target = "b", .classes = -1};
    struct schema *s = found(*state, file, &o);
    assert_int_equal(s->classes, 10); /* 10 of 50 / 5 */
    schema_free(s);
    o.target = "c";
    s = found(*state, file, &o);
    assert_int_equal(s->classes, 0); /* 11 */
    schema_free(s);
    mem_free(*state, file);
    file = made(*state, "a,b,c,d", 49, line_of_classes);
    o.target = "b";
    s = found(*state, file, &o);
    assert_int_equal(s->classes, 0); /* 10, but 49 / 5 are 9 */
    schema_free(s);
    mem_free(*state, file);
}

static void ignored_columns(void **state)
{
    const char *const name[] = {"b", "z"};
    struct schema_options o = {.ignore = name, .ignored = 1, .classes = -1};
    check(*state, "a,b,y\n1,9,.5\n2,8,2\n", NULL, &o, "a / 1; 2 / 0.5 2");
    check(*state, "a,y,b\n1,.5,9\n2,2,8\n", NULL, &o, "a / 1; 2 / 0.5 2"); /* no default target */
    struct schema *s = found(*state, "a,b,y\n1,9,.5\n2,inf,2\n", &o);
    assert_string_equal(s->column[1].dropped, "ignored");
    schema_free(s);
    o.target = "b";
    refused(*state, "a,b,y\n1,9,.5\n2,8,2\n", &o, "the target is among the columns to ignore");
    o.target = NULL;
    o.ignored = 2;
    refused(*state, "a,b,y\n1,9,.5\n", &o, "t.csv: no column 'z'; there are: a, b, y");
}

/* ---- refusals ---- */

static void line_with_typo(struct text *s, size_t i)
{
    text_add(s, i == 6 ? "3o,%zu.5\n" : i == 9 ? "NA,%zu.5\n" : "12,%zu.5\n", i);
}

static void line_with_typo_in_y(struct text *s, size_t i)
{
    text_add(s, i == 6 ? "%zu,1.O\n" : "%zu,1.5\n", i);
}

static void typing_errors(void **state)
{
    char *file = made(*state, "a,y", 22, line_with_typo);
    refused(*state, file, NULL,
            "t.csv: line 8, column 'a': '3o' is not a number, but 20 of 21 cells of the column "
            "are: probably a typo; correct it, or leave out the column with --ignore");
    mem_free(*state, file);
    file = made(*state, "a,y", 21, line_with_typo); /* 19 of 20: 95 percent */
    schema_free(found(*state, file, NULL));
    mem_free(*state, file);
    file = made(*state, "a,y", 19, line_with_typo);
    schema_free(found(*state, file, NULL));
    mem_free(*state, file);
    file = made(*state, "a,y", 25, line_with_typo_in_y);
    refused(*state, file, NULL, "line 8, column 'y': '1.O' is not a number, but 24 of 25");
    refused(*state, file, NULL, "or give another --target");
    mem_free(*state, file);
}

static void bad_tables(void **state)
{
    static const struct schema_options find = {.classes = -1}, value = {.classes = 0};
    static const struct {
        const char *file;
        const struct schema_options *o;
        const char *want;
    } row[] = {
        {"a,y\n1,.5\ninf,2\n", &find, "line 3, column 'a': 'inf' is infinite"},
        {"a,y\n1,.5\n-1e400,2\n", &find, "line 3, column 'a': '-1e400' is infinite"},
        {"a,y\n1e39,.5\n2,2\n", &find, "line 2, column 'a': '1e39' is infinite, or too large"},
        {"a,y\n1,Infinity\n2,2\n", &find, "line 2, column 'y': 'Infinity' is infinite"},
        {"a,y\n1,.5\n2,\n3,1\n", &find, "line 3, column 'y': the target is missing"},
        {"a,y\n1,.5\n2,NA\n3,1\n", &find, "line 3, column 'y': the target is missing"},
        {"a,y\n1,yes\n2,?\n3,no\n", &find, "line 3, column 'y': the target is missing"},
        {"a,y\n1,cat\n2,\n3,dog\n", &find, "line 3, column 'y': the target is missing"},
        {"a,y\n1,-\n2,-\n", &find, "line 2, column 'y': the target is missing"},
        {"a,y\n1,cat\n2,dog\n", &value, "line 2, column 'y': 'cat' is not a number, so"},
        {"a,y\n1,cat\n2,cat\n", &find, "the target 'y' has one class only, 'cat'"},
        {"a,y\n1,3\n2,3\n", &find, "the target 'y' has one class only, '3'"},
        {"a,y\n1,1\n2,1.0\n", &find, "the target 'y' has one class only, '1'"},
        {"a,y\n1,3\n2,3\n", &value, "line 2, column 'y': '3' is the target of all rows"},
        {"a,y\n1,.5\n2,.5\n", &find, "'.5' is the target of all rows"},
        {"a,y\n1,\"x\ty\"\n2,z\n", &find, "the class 'x?y' has a control character"},
        {"y\n1\n2.5\n", &find, "no column is left to learn from beside 'y'"},
        {"a,b,y\n1,,.5\n1,-,2\n", &find,
         "no column is left to learn from beside 'y': 'a' is constant, 'b' is empty"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, row[i].file, row[i].o, row[i].want);
    const struct schema_options o = {.target = "q", .classes = -1};
    refused(*state, "a,y\n1,2\n", &o, "t.csv: no column 'q'; there are: a, y");
}

static void too_many_classes(void **state)
{
    struct schema_options o = {.classes = -1};
    char *file = made(*state, "a,b,c,d", 300, line_of_classes);
    refused(*state, file, &o, "the target 'd' has 300 classes, 256 is the most; give another");
    mem_free(*state, file);
    file = made(*state, "a,b,y", 300, line_with_long_text);
    o.target = "y";
    o.classes = 1;
    refused(*state, file, &o, "has 300 classes, 256 is the most; give --regression or another");
    mem_free(*state, file);
    file = made(*state, "a,b,c,d", 256, line_of_classes);
    o.target = NULL;
    struct schema *s = found(*state, file, &o);
    assert_int_equal(s->classes, 256);
    schema_free(s);
    mem_free(*state, file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_of_columns),
                                       cmocka_unit_test(the_example),
                                       cmocka_unit_test(dates),
                                       cmocka_unit_test(many_categories),
                                       cmocka_unit_test(ten_have_an_output_each),
                                       cmocka_unit_test(identifiers),
                                       cmocka_unit_test(targets),
                                       cmocka_unit_test(few_whole_numbers_are_classes),
                                       cmocka_unit_test(ignored_columns),
                                       cmocka_unit_test(typing_errors),
                                       cmocka_unit_test(bad_tables),
                                       cmocka_unit_test(too_many_classes)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
