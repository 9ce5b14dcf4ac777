/* test_table.c: CSV and TSV as cells: delimiters, decimal commas, every refusal with its place. */
#include "check.h"

#include "base/text.h"
#include "base/words.h"
#include "files/table.h"

static t2m_status parse(t2m *lib, const char *text, struct table **t)
{
    struct bytes file = {(unsigned char *)(uintptr_t)text, strlen(text)};
    return table_parse(lib, &file, "t.csv", t);
}

static void refused(t2m *lib, const char *text, const char *want)
{
    struct table *t = NULL;
    assert_int_equal(parse(lib, text, &t), T2M_EDATA);
    if (!strstr(t2m_errmsg(lib), want))
        fail_msg("'%s' is not in: %s", want, t2m_errmsg(lib));
}

static void delimiters(void **state)
{
    static const struct {
        const char *text;
        char delimiter;
        size_t columns;
    } row[] = {
        {"a,b,c\n1,2,3\n", ',', 3},
        {"a;b;c\r\n1;2;3\r\n", ';', 3},
        {"a\tb\n1\t2\n", '\t', 2},
        {"\xEF\xBB\xBF"
         "a|b|c\n1|2|3",
         '|', 3},
        {"a\n1\n", ',', 1},
        {"a;b,c\n1;2,3\n", ',', 2}, /* a tie */
        {"a\tb|c\n1\t2|3\n", '\t', 2},
        {"a;b;c,d\n1;2;3\n", ';', 3},
        {"\"x,y,z\";b\n1;2\n", ';', 2},       /* not in quotes */
        {"\"x\n,,\"\"\";b\n1;2\n", '?', 0},   /* a name with a newline: refused, not misread */
        {"\r\n\na;b\n1;2\n", ';', 2},         /* empty lines above */
        {"a b\tc\n\t2\n \t\n3\t\n", '\t', 2}, /* empty cells between tabs */
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct table *t = NULL;
        const t2m_status status = parse(*state, row[i].text, &t);
        assert_int_equal(status, row[i].columns ? T2M_OK : T2M_EDATA);
        if (status == T2M_OK) {
            assert_int_equal(t->delimiter, row[i].delimiter);
            assert_int_equal(t->columns, row[i].columns);
        }
        table_free(t);
    }
}

static void cells_of_tabs(void **state)
{
    struct table *t = NULL;
    assert_int_equal(parse(*state, "a\tb\n\t 2 \n3\t\n\"x\ty\"\t\"\"\"\"\n", &t), T2M_OK);
    const char *const want[] = {"", "2", "3", "", "x\ty", "\""};
    assert_int_equal(t->rows, 3);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(t->cells[i], want[i]);
    table_free(t);
}

static void decimal_commas(void **state)
{
    struct table *t = NULL;
    double v = 0;
    const char *const text = "a;b;c;d\n1,5;1,5;1.5;1\n-2;2.5;2;,5\n1,5,2;1;1;\"-1,25e2\"\n";
    assert_int_equal(parse(*state, text, &t), T2M_OK);
    assert_true(t->decimal_comma[0] && t->decimal_comma[3]);
    assert_false(t->decimal_comma[1] || t->decimal_comma[2]); /* both; only points */
    assert_int_equal(table_number(t, 0, 0, &v), T2M_OK);
    assert_true(v == 1.5);
    assert_int_equal(table_number(t, 2, 3, &v), T2M_OK);
    assert_true(v == -125);
    assert_int_equal(table_number(t, 0, 1, &v), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(*state), "line 2, column 'b': '1,5' is not a number"));
    assert_false(table_value(t, 2, 0, &v));
    table_free(t);
    assert_int_equal(parse(*state, "a,b\n\"1,5\",2\n", &t), T2M_OK); /* not beside ',' */
    assert_false(t->decimal_comma[0] || table_value(t, 0, 0, &v));
    table_free(t);
}

/* Also where the first cell of a row has newlines. */
static void lines_of_rows(void **state)
{
    struct table *t = NULL;
    assert_int_equal(parse(*state, "a,b\n\n\"x\n\ny\",\"z\n\"\n\n1,2\n\"3\"\"\n\",4", &t), T2M_OK);
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->line[0], 3);
    assert_int_equal(t->line[1], 8);
    assert_int_equal(t->line[2], 9);
    table_free(t);
}

static void refusals(void **state)
{
    static const char *const row[][2] = {
        {"", "no rows; the file is empty"},
        {"\n\r\n", "no rows; the file is empty"},
        {"a;b\n", "no rows under the header"},
        {"a;b\n1;2\n3\n", "line 3: 1 fields, but the header has 2"},
        {"a\tb\n\n1\t2\t3\n", "line 3: 3 fields, but the header has 2"},
        {"a;b\n1;\"2\n3;4\n", "line 2: a quote is never closed (field 2)"},
        {"a;b\n1;\"2\"3\n", "line 2: a quote is open, closed too early, or followed by text (f"},
        {"a;b\n1;\xFF\n", "line 2: not text in UTF-8: byte 3 of the line is 0xFF"},
        {"\xFF\xFE"
         "a",
         "line 1: not text in UTF-8: byte 1 of the line is 0xFF"},
        {"a;b;a\n1;2;3\n", "line 1: two columns are called 'a'"},
        {"1;2,5;-3e4\n1;2;3\n", "line 1: a header line is missing"},
        {"1,2\n3,4\n", "line 1: a header line is missing"},
        {"\n1,1\n3,4\n", "line 2: a header line is missing"}, /* not: two of one name */
        {"a\tb\x01\n", "line 1: the name of a column has a control character"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, row[i][0], row[i][1]);
    struct table *t = NULL;
    char zero[] = "a,b\n1,\0\n";
    const struct bytes file = {(unsigned char *)zero, sizeof zero - 1};
    assert_int_equal(table_parse(*state, &file, "t.csv", &t), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(*state), "line 2: not text in UTF-8: byte 3 of"));
    assert_int_equal(parse(*state, "1,b\n3,4\n", &t), T2M_OK); /* one name is enough */
    table_free(t);
}

/* Columns may be called 0, 1, 2 where it is known that there are such. */
static void headers_of_numbers(void **state)
{
    static const char *const row[][2] = {
        {"1,1\n2,2\n",
         "line 1: two columns are called '1'; the first line has only numbers: if it"},
        {"1,2\n", "no rows under the header; the first line has only numbers: if it is a row, put"},
        {"a,a\n2,2\n", "line 1: two columns are called 'a'"},
    };
    struct table *t = NULL;
    const char *const text = "0;1,5;2\n7;8;9\n";
    const struct bytes file = {(unsigned char *)(uintptr_t)text, strlen(text)};
    assert_int_equal(table_parse_later(*state, &file, "t.csv", &t), T2M_OK);
    assert_int_equal(table_column(t, "1,5"), 1);
    assert_int_equal(t->rows, 1);
    assert_true(strlen(table_hint(t)) > 0);
    table_free(t);
    assert_int_equal(parse(*state, "0,a\n1,2\n", &t), T2M_OK);
    assert_string_equal(table_hint(t), "");
    table_free(t);
    for (size_t i = 0; i < 3; i++) {
        const struct bytes bad = {(unsigned char *)(uintptr_t)row[i][0], strlen(row[i][0])};
        assert_int_equal(table_parse_later(*state, &bad, "t.csv", &t), T2M_EDATA);
        if (!strstr(t2m_errmsg(*state), row[i][1]))
            fail_msg("'%s' is not in: %s", row[i][1], t2m_errmsg(*state));
    }
    assert_null(strstr(t2m_errmsg(*state), "only numbers"));
}

/* The widest header there may be, in far less than the minute that comparing all pairs takes. */
static void many_columns(void **state)
{
    enum { COLUMNS = 65536 };
    struct text s;
    struct table *t = NULL;
    text_init(&s, *state);
    for (int i = 0; i < COLUMNS; i++)
        text_add(&s, "%sa-long-beginning-%d", i ? "," : "", i);
    text_add(&s, "\n");
    for (int i = 0; i < COLUMNS; i++)
        text_add(&s, "%s%d", i ? "," : "", i);
    const double start = seconds_now();
    assert_int_equal(parse(*state, s.data, &t), T2M_OK);
    assert_true(seconds_now() - start < 2);
    for (int i = 0; i < COLUMNS; i += 997)
        assert_int_equal(table_column(t, t->header[i]), i);
    assert_int_equal(table_column(t, "a"), -1);
    table_free(t);
    s.data[strlen("a-long-beginning-0,a-long-beginning-")] = '0'; /* the second as the first */
    refused(*state, s.data, "two columns are called 'a-long-beginning-0'");
    text_clear(&s);
}

/* The short way gives the same bits as strtod. */
static void numbers(void **state)
{
    struct random r = random_stream(3, 0, 0);
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char s[64];
        double v;
        const int after = (int)random_below(&r, 18);
        const double scale = pow(10, random_uniform(&r, -3, 9));
        snprintf(s, sizeof s, "%+.*f", after, scale * random_uniform(&r, -1, 1));
        assert_true(text_number(s, strlen(s), &v));
        const double want = strtod(s, NULL);
        assert_memory_equal(&v, &want, sizeof v);
    }
}

static void word_sets(void **state)
{
    struct words w;
    static char word[1000][8];
    words_init(&w, *state);
    assert_true(words_find(&w, "a") == SIZE_MAX);
    for (size_t i = 0; i < 1000; i++) {
        snprintf(word[i], sizeof word[i], "%zu", i);
        assert_int_equal(words_add(&w, word[i]), i);
    }
    assert_int_equal(words_add(&w, "77"), 77);
    assert_int_equal(words_find(&w, "999"), 999);
    assert_true(words_find(&w, "1000") == SIZE_MAX && w.count == 1000);
    words_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delimiters),     cmocka_unit_test(cells_of_tabs),
        cmocka_unit_test(decimal_commas), cmocka_unit_test(lines_of_rows),
        cmocka_unit_test(refusals),       cmocka_unit_test(headers_of_numbers),
        cmocka_unit_test(many_columns),   cmocka_unit_test(numbers),
        cmocka_unit_test(word_sets)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
