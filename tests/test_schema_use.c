/* test_schema_use.c: the rules found in one file applied to later ones; long names, large tables,
 * memory that runs out. */
#include "check_schema.h"

static const char *const first_file = "n,b,c,d,m,id,y\n"
                                      "1,yes,red,01/03/2024,,7,cat\n"
                                      "2.5,no,blue,13/03/2024,1,7,dog\n"
                                      "3,no,green,14/04/2024,2,7,cat\n";

/* ---- later files ---- */

static void later_files(void **state)
{
    t2m *lib = *state;
    check(lib, first_file, "d;c;n;b;x;m\n2024-03-02;red;1,5;Y;?;3\n15/04/2024;pink;;maybe;1;-\n",
          NULL,
          "n, b, c = blue, c = green, c = red, d: days, d: month, d: weekday, m, m is missing / "
          "1.5 1 0 0 1 8827 3 5 3 0; ~ ~ 0 0 0 8871 4 0 ~ 1 / cat, dog");
    check(lib, "c,y\nred,.5\nblue,2\nblue,3\n", "c\nred\nblue\ngreen\n\"\"\nBlue\n", NULL,
          "c = red / 1; 0; 0; 0");
}

static void bad_later_files(void **state)
{
    static const char *const row[][2] = {
        {"n,b,c\n1,yes,red\n", "t.csv: 2 of the columns needed are missing: 'd', 'm'"},
        {"n,b,c,d\n1,yes,red,-\n", "t.csv: 1 of the columns needed is missing: 'm'"},
        {"n,b,c,d,m\n\n1x,yes,red,-,1\n", "line 3, column 'n': '1x' is not a number"},
        {"n,b,c,d,m\n1,yes,red,-,1\ninf,yes,red,-,1\n", "line 3, column 'n': 'inf' is not a num"},
        {"n,b,c,d,m\n-2e38,yes,red,-,1\n1e39,yes,red,-,1\n", "'1e39' is too large for a model"},
        {"n,b,c,d,m\n1,yes,red,03/13/2024,1\n", "column 'd': '03/13/2024' is not a date"},
        {"n,b,c,d,m,y\n1,yes,red,-,1,cow\n", "column 'y': 'cow' is none of the classes cat, dog"},
        {"n,b,c,d,m,y\n1,yes,red,-,1,cat\n1,yes,red,-,1,\n", "line 3, column 'y': the target is m"},
        {"n,b,c,d,m,z\n1,yes,red,-,1,cow\n", "no column 'y'"},
    };
    struct schema *s = found(*state, first_file, NULL);
    float x[32], y[2];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct table *t = parsed(*state, row[i][0]);
        const bool target = strstr(row[i][0], "cow") || strstr(row[i][0], "cat");
        assert_int_equal(schema_apply(s, t, x, target ? y : NULL), T2M_EDATA);
        if (!strstr(t2m_errmsg(*state), row[i][1]))
            fail_msg("'%s' is not in: %s", row[i][1], t2m_errmsg(*state));
        table_free(t);
    }
    schema_free(s);
    s = found(*state, "d,y\n2024-01-01,.5\n2024-01-02,2\n", NULL);
    struct table *t = parsed(*state, "d\n01/02/2024\n");
    assert_int_equal(schema_apply(s, t, x, NULL), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(*state), "'01/02/2024' may mean two days"));
    table_free(t);
    schema_free(s);
}

/* ---- names, size, memory ---- */

static void names_fit(void **state)
{
    char file[1024], name[128];
    size_t n = 0;
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(file + n, sizeof file - n, "\xC3\xA4");
    n += (size_t)snprintf(file + n, sizeof file - n, ",y\na");
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(file + n, sizeof file - n, "\xE2\x82\xAC");
    snprintf(file + n, sizeof file - n, ",1\nb,2.5\nb,3\n");
    struct schema *s = found(*state, file, NULL);
    schema_output_name(s, 0, name);
    assert_int_equal(text_utf8_fault(name, strlen(name)), strlen(name));
    assert_non_null(strstr(name, "... = a\xE2\x82\xAC"));
    schema_free(s);
}

static void wide_line(struct text *s, size_t i)
{
    for (size_t k = 0; k < 200; k++) {
        const size_t v = (i * 7919 + k * 104729) % 9973;
        if (k % 4 == 0)
            text_add(s, "%zu.%zu,", v, k);
        else if (k % 4 == 1)
            text_add(s, "category %zu,", v % 50);
        else if (k % 4 == 2)
            text_add(s, "2024-01-%02zu,", 1 + v % 31);
        else
            text_add(s, "text %zu,", v * 31 + i);
    }
    text_add(s, "%zu.5\n", i);
}

/* 2 million cells: well under a second on one core; the bound is for sanitizers and busy machines.
 */
static void large_tables(void **state)
{
    struct text header;
    text_init(&header, *state);
    for (int k = 0; k < 200; k++)
        text_add(&header, "column %d,", k);
    text_add(&header, "y");
    char *file = made(*state, header.data, 10000, wide_line);
    const double start = seconds_now();
    struct table *t = parsed(*state, file);
    const double parsed_at = seconds_now();
    struct schema *s = NULL;
    assert_int_equal(schema_find(*state, &s, t, NULL), T2M_OK);
    const double found_at = seconds_now();
    float *x = malloc(t->rows * s->outputs * sizeof *x), *y = malloc(t->rows * sizeof *y);
    assert_int_equal(schema_apply(s, t, x, y), T2M_OK);
    const double end = seconds_now();
    printf("2 million cells: parsed in %.2f s, found in %.2f s, applied in %.2f s\n",
           parsed_at - start, found_at - parsed_at, end - found_at);
    assert_true(end - start < 20);
    assert_int_equal(s->outputs, 50 + 500 + 2 * 50);
    free(x);
    free(y);
    schema_free(s);
    table_free(t);
    mem_free(*state, file);
    text_clear(&header);
}

static size_t calls, fail_at, live;

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *p = ++calls == fail_at ? NULL : malloc(size);
    live += p != NULL;
    return p;
}

static void *resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    void *p = ++calls == fail_at ? NULL : realloc(old, size);
    live += p && !old;
    return p;
}

static void release(void *ctx, void *p)
{
    (void)ctx;
    live -= p != NULL;
    free(p);
}

static t2m_status whole_way(t2m *lib)
{
    struct table *t = NULL;
    struct schema *s = NULL, *again = NULL;
    char *json = NULL;
    float x[64], y[3];
    struct bytes file = {(unsigned char *)(uintptr_t)first_file, strlen(first_file)};
    t2m_status status = table_parse(lib, &file, "t.csv", &t);
    if (status == T2M_OK)
        status = schema_find(lib, &s, t, NULL);
    if (status == T2M_OK)
        status = schema_text(s, &json);
    if (status == T2M_OK)
        status = schema_parse(lib, &again, json);
    if (status == T2M_OK)
        status = schema_apply(again, t, x, y);
    mem_free(lib, json);
    schema_free(s);
    schema_free(again);
    table_free(t);
    return status;
}

/* Each allocation fails once: an error comes back and nothing leaks. */
static void memory_runs_out(void **state)
{
    const t2m_allocator memory = {allocate, resize, release, NULL};
    t2m_options o = T2M_OPTIONS_INIT;
    t2m *lib = NULL;
    (void)state;
    o.alloc = &memory;
    o.threads = 1;
    assert_int_equal(t2m_open(&lib, &o, NULL), T2M_OK);
    const size_t before = live;
    calls = 0;
    assert_int_equal(whole_way(lib), T2M_OK);
    const size_t all = calls;
    assert_true(all > 20);
    for (size_t k = 1; k <= all; k++) {
        calls = 0;
        fail_at = k;
        assert_int_equal(whole_way(lib), T2M_ENOMEM);
        assert_int_equal(live, before);
    }
    fail_at = 0;
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(later_files),
                                       cmocka_unit_test(bad_later_files),
                                       cmocka_unit_test(names_fit), cmocka_unit_test(large_tables),
                                       cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
