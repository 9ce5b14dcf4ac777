/* test_schema_store.c: a table's rows and columns in any order give the same numbers; rules stored
 * and read again; rules that someone else wrote. */
#include "check_schema.h"

static const char *const first_file = "n,b,c,d,m,id,y\n"
                                      "1,yes,red,01/03/2024,,7,cat\n"
                                      "2.5,no,blue,13/03/2024,1,7,dog\n"
                                      "3,no,green,14/04/2024,2,7,cat\n";

/* ---- any order of rows and columns ---- */

enum { ROWS = 80, COLUMNS = 7 };

/* One cell of a table that has all kinds of columns. */
static void add_cell(struct text *s, size_t column, size_t row)
{
    struct random r = random_stream(5, column, row);
    static const char *const pair[] = {"yes", "no", "Yes", "NA"};
    static const char *const pet[] = {"cat", "dog", "cow"};
    const size_t k = random_below(&r, 1000);
    switch (column) {
    case 0:
        text_add(s, k % 9 ? "%zu.25" : "", k);
        break;
    case 1:
        text_add(s, "%s", pair[k % 4]);
        break;
    case 2:
        text_add(s, "c%zu", k % 5 * (k % 4)); /* some as frequent as others */
        break;
    case 3:
        text_add(s, "2024-%02zu-%02zu 1%zu:30", 1 + k % 12, 1 + k % 28, k % 3);
        break;
    case 4:
        text_add(s, "name %zu", row);
        break;
    case 5:
        text_add(s, "g%zu", k % 3);
        break;
    default:
        text_add(s, "%s", pet[k % 3]);
    }
}

static struct table *shuffled(t2m *lib, const size_t row[ROWS], const size_t column[COLUMNS])
{
    struct text s;
    text_init(&s, lib);
    for (size_t k = 0; k < COLUMNS; k++)
        text_add(&s, "%scolumn%zu", k ? "," : "", column[k]);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < COLUMNS; k++) {
            text_add(&s, k ? "," : "\n");
            add_cell(&s, column[k], row[i]);
        }
    struct table *t = parsed(lib, s.data);
    text_clear(&s);
    return t;
}

static size_t output_named(const struct schema *s, const char *name)
{
    char other[128];
    for (size_t i = 0; i < s->outputs; i++) {
        schema_output_name(s, i, other);
        if (strcmp(name, other) == 0)
            return i;
    }
    fail_msg("no output '%s'", name);
    return 0;
}

static void order_does_not_matter(void **state)
{
    const struct schema_options o = {.target = "column6", .classes = -1};
    struct random r = random_stream(1, 2, 3);
    size_t row[2][ROWS], column[2][COLUMNS];
    struct schema *s[2] = {NULL, NULL};
    static float x[2][ROWS * 64], y[2][ROWS];
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < ROWS; i++)
            row[k][i] = i;
        for (size_t i = 0; i < COLUMNS; i++)
            column[k][i] = i;
        if (k == 1) {
            random_choose(&r, row[k], ROWS, ROWS);
            random_choose(&r, column[k], COLUMNS, COLUMNS);
        }
        struct table *t = shuffled(*state, row[k], column[k]);
        assert_int_equal(schema_find(*state, &s[k], t, &o), T2M_OK);
        assert_in_range(s[k]->outputs, 20, 64);
        assert_int_equal(schema_apply(s[k], t, x[k], y[k]), T2M_OK);
        table_free(t);
    }
    assert_int_equal(s[0]->outputs, s[1]->outputs);
    for (size_t j = 0; j < s[1]->outputs; j++) {
        char name[128];
        schema_output_name(s[1], j, name);
        const size_t to = output_named(s[0], name);
        for (size_t i = 0; i < ROWS; i++)
            assert_memory_equal(&x[1][i * s[1]->outputs + j], &x[0][row[1][i] * s[0]->outputs + to],
                                sizeof(float));
    }
    for (size_t i = 0; i < ROWS; i++)
        assert_true(y[1][i] == y[0][row[1][i]]);
    schema_free(s[0]);
    schema_free(s[1]);
}

/* ---- stored and read again ---- */

static void same_again(t2m *lib, const struct schema *s, const struct table *t)
{
    char *json = NULL, *again = NULL;
    struct schema *read = NULL;
    struct text a, b;
    assert_int_equal(schema_text(s, &json), T2M_OK);
    if (schema_parse(lib, &read, json) != T2M_OK)
        fail_msg("%s: %s", t2m_errmsg(lib), json);
    assert_int_equal(schema_text(read, &again), T2M_OK);
    assert_string_equal(json, again);
    text_init(&a, lib);
    text_init(&b, lib);
    show(&a, s, t, true);
    show(&b, read, t, true);
    assert_string_equal(a.data, b.data);
    text_clear(&a);
    text_clear(&b);
    mem_free(lib, json);
    mem_free(lib, again);
    schema_free(read);
}

static void round_trips(void **state)
{
    size_t row[ROWS], column[COLUMNS];
    for (size_t i = 0; i < ROWS; i++)
        row[i] = i;
    for (size_t i = 0; i < COLUMNS; i++)
        column[i] = i;
    struct table *t = shuffled(*state, row, column);
    struct schema *s = NULL;
    assert_int_equal(schema_find(*state, &s, t, NULL), T2M_OK);
    same_again(*state, s, t);
    schema_free(s);
    table_free(t);
    static const char *const file[] = {
        "a;y\n1,5;1,5\n2;2\n", "\"q\"\"\\\xC3\xA4\",\"y,\"\n\"x\n\\\"\"\",1\nz,2.5\n,3\n",
        "a;b;y\nx;13/01/2024;yes\n;14/01/2024;NO\n", "a,y\n1,.5\n2,2\n"};
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        t = parsed(*state, file[i]);
        assert_int_equal(schema_find(*state, &s, t, NULL), T2M_OK);
        same_again(*state, s, t);
        schema_free(s);
        table_free(t);
    }
}

/* Of the whole, around one column; of one column. */
#define WHOLE(target, columns)                                                                     \
    "{\"schema\": \"t2m-columns/1\", \"target\": " target ", \"columns\": [" columns "]}"
#define COLUMN(members) WHOLE("\"y\"", "{\"name\": \"a\", " members "}")
#define NUMBER "{\"name\": \"n\", \"kind\": \"number\"}"

static void hostile_json(void **state)
{
    static const char *const good[] = {
        WHOLE("\"y\"", NUMBER),
        WHOLE("\"y\", \"classes\": [\"a\", \"b\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"No\", \"Yes\"], \"decimal_comma\": true", NUMBER),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\"], \"missing\": true"),
        COLUMN("\"kind\": \"date\", \"parts\": [\"days\", \"hour\"], \"slashes\": \"day first\""),
        WHOLE("\"y\"", NUMBER ", {\"name\": \"a\", \"kind\": \"dropped\", \"dropped\": \"empty\"}"),
    };
    static const char *const evil[] = {
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        "[[[[[[[[[[",
        "\"\\u0000\"",
        "{\"schema\": \"t2m-columns/2\", \"target\": \"y\", \"columns\": [" NUMBER "]}",
        "{\"schema\": 1, \"target\": \"y\", \"columns\": [" NUMBER "]}",
        "{\"target\": \"y\", \"columns\": [" NUMBER "]}",
        "{\"schema\": \"t2m-columns/1\", \"target\": \"y\"}",
        "{\"schema\": \"t2m-columns/1\", \"target\": \"y\", \"columns\": {}}",
        WHOLE("\"y\"", ""),
        WHOLE("3", NUMBER),
        WHOLE("\"y\\u0000\"", NUMBER),
        WHOLE("\"y\\n\"", NUMBER),
        WHOLE("\"n\"", NUMBER),
        WHOLE("\"y\", \"more\": 1", NUMBER),
        WHOLE("\"y\", \"target\": \"z\"", NUMBER),
        WHOLE("\"y\", \"decimal_comma\": 1", NUMBER),
        WHOLE("\"y\", \"classes\": [\"a\"]", NUMBER),
        WHOLE("\"y\", \"classes\": []", NUMBER),
        WHOLE("\"y\", \"classes\": [\"a\", \"a\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"b\", \"a\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"10\", \"9\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"1\", \"1.0\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"yes\", \"no\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"a\", \"b\\n\"]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"a\", 3]", NUMBER),
        WHOLE("\"y\", \"classes\": [\"\", \"a\"]", NUMBER),
        WHOLE("\"y\", \"classes\": \"ab\"", NUMBER),
        WHOLE("\"y\"", NUMBER ", " NUMBER),
        WHOLE("\"y\"", NUMBER ", 3"),
        WHOLE("\"y\"",
              NUMBER ", {\"name\": \"a\", \"kind\": \"category\", \"categories\": [\"x\"]}"),
        WHOLE("\"y\"", "{\"kind\": \"number\"}"),
        WHOLE("\"y\"", "{\"name\": 3, \"kind\": \"number\"}"),
        WHOLE("\"y\"", "{\"name\": \"\\u0001\", \"kind\": \"number\"}"),
        COLUMN("\"kind\": \"numbers\""),
        COLUMN("\"kind\": 0"),
        COLUMN("\"kind\": \"number\", \"first\": 5"),
        COLUMN("\"kind\": \"number\", \"missing\": false"),
        COLUMN("\"kind\": \"number\", \"missing\": \"true\""),
        COLUMN("\"kind\": \"number\", \"categories\": [\"a\", \"b\"]"),
        COLUMN("\"kind\": \"number\", \"others\": true"),
        COLUMN("\"kind\": \"number\", \"parts\": [\"days\"]"),
        COLUMN("\"kind\": \"number\", \"slashes\": \"day first\""),
        COLUMN("\"kind\": \"number\", \"dropped\": \"empty\""),
        COLUMN("\"kind\": \"category\""),
        COLUMN("\"kind\": \"category\", \"categories\": []"),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\"]"),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\", \"a\"]"),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\", \" \"]"),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\", \"b\\u0000\"]"),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\", null]"),
        COLUMN("\"kind\": \"category\", \"categories\": [\"a\", \"b\"], \"others\": true"),
        COLUMN("\"kind\": \"category\", \"categories\": "
               "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\", \"k\"]"),
        COLUMN("\"kind\": \"date\""),
        COLUMN("\"kind\": \"date\", \"parts\": []"),
        COLUMN("\"kind\": \"date\", \"parts\": [\"year\"]"),
        COLUMN("\"kind\": \"date\", \"parts\": [\"month\", \"days\"]"),
        COLUMN("\"kind\": \"date\", \"parts\": [\"days\", \"days\"]"),
        COLUMN("\"kind\": \"date\", \"parts\": [\"days\"], \"slashes\": \"none\""),
        COLUMN("\"kind\": \"date\", \"parts\": [\"days\"], \"slashes\": 1"),
        COLUMN("\"kind\": \"dropped\""),
        COLUMN("\"kind\": \"dropped\", \"dropped\": \"empty\""), /* nothing is left */
        COLUMN("\"kind\": \"dropped\", \"dropped\": 3"),
    };
    struct schema *s = NULL;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (schema_parse(*state, &s, good[i]) != T2M_OK)
            fail_msg("%s: %s", good[i], t2m_errmsg(*state));
        schema_free(s);
    }
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++)
        if (schema_parse(*state, &s, evil[i]) != T2M_EMODEL)
            fail_msg("taken, or another error: %s", evil[i]);
}

/* Each beginning of good JSON, and each byte of it changed: refused, or still something usable. */
static void damaged_json(void **state)
{
    struct schema *s = found(*state, first_file, NULL);
    struct table *t = parsed(*state, first_file);
    char *json = NULL;
    float x[64];
    assert_int_equal(schema_text(s, &json), T2M_OK);
    schema_free(s);
    const size_t n = strlen(json);
    for (size_t i = 0; i < 2 * n; i++) {
        const char kept = json[i % n];
        json[i % n] = i < n ? 0 : (char)(kept ^ (1 + (int)(i % 7)));
        if (schema_parse(*state, &s, json) == T2M_OK) {
            assert_true(s->outputs > 0 && s->outputs < 16);
            assert_in_range(-schema_apply(s, t, x, NULL), T2M_OK, -T2M_EDATA);
            schema_free(s);
        }
        json[i % n] = kept;
    }
    mem_free(*state, json);
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter), cmocka_unit_test(round_trips),
        cmocka_unit_test(hostile_json), cmocka_unit_test(damaged_json)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
