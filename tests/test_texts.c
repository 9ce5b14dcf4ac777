/* test_texts.c: labelled texts from all forms of files, and every refusal with its place. */
#include "check_few.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "base/text.h"
#include "files/texts.h"

static char folder[] = "/tmp/t2m-texts-XXXXXX";

/* The file of this name in the folder, with these bytes. */
static const char *file_of(const char *name, const char *bytes, size_t n)
{
    static char path[4][128];
    static int which;
    which = (which + 1) % 4;
    snprintf(path[which], sizeof path[which], "%s/%s", folder, name);
    FILE *f = fopen(path[which], "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path[which];
}

static const char *file(const char *name, const char *content)
{
    return file_of(name, content, strlen(content));
}

static struct texts *opened(t2m *lib, const char *path, const struct text_options *o)
{
    struct texts *t = NULL;
    if (texts_open(lib, &t, &path, 1, o) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return t;
}

static void says(t2m *lib, const char *want)
{
    if (!strstr(t2m_errmsg(lib), want))
        fail_msg("'%s' is not in: %s", want, t2m_errmsg(lib));
}

static void refused(t2m *lib, const char *path, const struct text_options *o, const char *want)
{
    struct texts *t = NULL;
    if (texts_open(lib, &t, &path, 1, o) != T2M_EDATA || t)
        fail_msg("not refused: %s", want);
    says(lib, want);
}

/* "line text = label, label; ..." or "line text ~ value", and the classes. */
static void assert_texts(struct texts *t, const char *want)
{
    struct text s;
    text_init(&s, t->lib);
    for (size_t i = 0; i < t->n; i++) {
        const struct text_item *x = &t->item[i];
        assert_int_equal(strlen(x->text), x->length);
        text_add(&s, "%s%zu %s", i ? "; " : "", x->line, x->text);
        for (size_t k = 0; k < x->label_count; k++)
            text_add(&s, "%s%s", k ? ", " : " = ", t->class_name[t->label[x->label_first + k]]);
        if (x->value != 0)
            text_add(&s, " ~ %g", x->value);
    }
    assert_string_equal(s.data, want);
    for (size_t i = 1; i < t->classes; i++)
        assert_true(strcmp(t->class_name[i - 1], t->class_name[i]) < 0);
    text_clear(&s);
    texts_free(t);
}

/* ---- forms ---- */

static const struct text_options VALUES = {.values = true}, UNLABELLED = {.unlabelled = true},
                                 NAMED = {.text = "body", .label = "kind"};

static void json(void **state)
{
    static const struct {
        const char *content, *want;
        const struct text_options *o;
    } row[] = {
        {"{\"text\": \"b\", \"label\": \"y\"}\n{\"label\":\"x\",\"id\":[1,{}],\"text\":\"a\"}",
         "1 b = y; 2 a = x", NULL},
        {"\xEF\xBB\xBF\r\n{\"text\":\"a\",\"label\":1}\r\n "
         "\t\r\n{\"text\":\"b\",\"label\":-0.5}\r\n",
         "2 a = 1; 4 b = -0.5", NULL},
        {"{\"text\":\"a\",\"label\":true}\n{\"text\":\"b\",\"label\":0.1}\n",
         "1 a = true; 2 b = 0.1", NULL},
        {"{\"text\":\"a\",\"label\":0.30000000000000004}", "1 a = 0.30000000000000004", NULL},
        {"{\"text\":\"a\",\"label\":[\"y\",\"x\",\"y\"]}\n{\"text\":\"b\",\"label\":[]}\n"
         "{\"text\":\"c\",\"label\":\"z\"}",
         "1 a = x, y; 2 b; 3 c = z", NULL},
        {"{\"text\":\"say \\\"hi\\\"\\n\\u00e4\\ud83d\\ude00\",\"label\":\"a \\\"b\\\"\\nc\"}",
         "1 say \"hi\"\n\xC3\xA4\xF0\x9F\x98\x80 = a \"b\"\nc", NULL},
        {"{\"body\":\"a\",\"kind\":\"k\",\"text\":7,\"label\":null}", "1 a = k", &NAMED},
        {"{\"text\":\"a\",\"label\":2}\n{\"text\":\"b\",\"label\":-1.5}", "1 a ~ 2; 2 b ~ -1.5",
         &VALUES},
        {"{\"text\":\"a\"}\n{\"text\":\"\",\"label\":null}\n{\"text\":\" \"}", "1 a; 2 ; 3  ",
         &UNLABELLED},
        {"{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"a\",\"label\":\"x\"}", "1 a = x; 2 a = x",
         NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_texts(opened(*state, file("a.jsonl", row[i].content), row[i].o), row[i].want);
    struct texts *t = opened(*state, file("a.json", row[4].content), NULL);
    assert_true(t->multi && t->labels == 3 && t->item[0].label_count == 2);
    texts_free(t);
}

static void tables(void **state)
{
    static const struct {
        const char *name, *content, *want;
        const struct text_options *o;
    } row[] = {
        {"a.csv", "id,text,label\n1,\"a, b\",x\n2,\"c\n\"\"d\"\"\",\"y\nz\"\n3,e,x\n",
         "2 a, b = x; 3 c\n\"d\" = y\nz; 6 e = x", NULL},
        {"a.tsv", "text\tlabel\r\na, b\t1\r\n", "2 a, b = 1", NULL},
        {"a.tsv", "kind\tbody\nx\ta\n", "2 a = x", &NAMED},
        {"a.csv", "text,label\na,2.5\nb,-1\n", "2 a ~ 2.5; 3 b ~ -1", &VALUES},
        {"a.csv", "text\na\n\"\"\"\"\nb\n", "2 a; 3 \"; 4 b", &UNLABELLED},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_texts(opened(*state, file(row[i].name, row[i].content), row[i].o), row[i].want);
}

static void lines_and_folders(void **state)
{
    struct texts *t = NULL;
    const char *const path[] = {file("b.txt", "one\n\ntwo\r\n"),
                                file("a.txt", "\xEF\xBB\xBFthree")};
    assert_int_equal(texts_open(*state, &t, path, 2, NULL), T2M_OK);
    assert_string_equal(t->item[2].file, path[1]);
    assert_texts(t, "1 one = b; 3 two = b; 1 three = a");
    assert_int_equal(texts_open(*state, &t, path, 2, &UNLABELLED), T2M_OK);
    assert_texts(t, "1 one; 3 two; 1 three");
    refused(*state, path[0], &VALUES, "/b.txt' is a class of texts; it has no numbers");
    char below[128];
    snprintf(below, sizeof below, "%s/classes", folder);
    assert_int_equal(mkdir(below, 0700), 0);
    refused(*state, below, NULL, "/classes' has no texts: expected a .txt for each class");
    file("classes/not paid.txt", "where is it\n");
    file("classes/card.txt", "lost\nstolen\n");
    file("classes/README.md", "what this is");
    file("classes/more.jsonl", "{\"text\":\"gone\",\"label\":\"card\"}");
    t = opened(*state, below, NULL);
    assert_non_null(strstr(t->item[3].file, "/classes/not paid.txt"));
    assert_texts(t, "1 lost = card; 2 stolen = card; 1 gone = card; 1 where is it = not paid");
    file("classes/empty.txt", "\n \n");
    refused(*state, below, NULL, "/classes/empty.txt' has no texts");
    texts_free(opened(*state, below, &UNLABELLED));
    file("classes/picture.png", "");
    refused(*state, below, &UNLABELLED, "/classes/picture.png' is no .jsonl, .csv, .tsv or .txt");
    assert_int_equal(texts_open(*state, &t, path, 0, NULL), T2M_EUSAGE);
    const char *const none = "/nowhere/a.jsonl";
    t = NULL;
    assert_int_equal(texts_open(*state, &t, &none, 1, NULL), T2M_EIO);
    assert_null(t);
}

static void zips(void **state)
{
    static const char *const entry[][2] = {{"order.txt", "late"}, {"card.txt", "lost"}};
    char path[128];
    snprintf(path, sizeof path, "%s/a.zip", folder);
    zip_t *zip = zip_open(path, ZIP_CREATE, NULL);
    assert_non_null(zip);
    for (size_t i = 0; i < 2; i++) {
        zip_source_t *from = zip_source_buffer(zip, entry[i][1], strlen(entry[i][1]), 0);
        assert_true(zip_file_add(zip, entry[i][0], from, 0) >= 0);
    }
    assert_int_equal(zip_close(zip), 0);
    struct texts *t = opened(*state, path, NULL);
    assert_non_null(strstr(t->item[0].file, "/a.zip/card.txt"));
    assert_texts(t, "1 lost = card; 1 late = order");
}

/* Of all files together. */
static void limits(void **state)
{
    t2m *lib = *state;
    const char *const path[] = {file("a.txt", "0123456789"), file("b.txt", "0123456789")};
    const size_t limit = lib->memory_limit;
    struct texts *t = NULL;
    lib->memory_limit = 19;
    const t2m_status status = texts_open(lib, &t, path, 2, NULL);
    lib->memory_limit = limit;
    assert_int_equal(status, T2M_EDATA);
    says(lib, "/b.txt' have more than 19 bytes");
}

/* ---- refusals ---- */

static void bad_json(void **state)
{
    static const struct {
        const char *content, *want;
        const struct text_options *o;
    } row[] = {
        {"", "/a.jsonl' has no texts", NULL},
        {"\n  \n", "/a.jsonl' has no texts", NULL},
        {"\n{\"text\":\"\",\"label\":\"x\"}", "a.jsonl: line 2: the text is empty", NULL},
        {"{\"text\":\" \\u00a0\\n\\u200b\",\"label\":\"x\"}", "line 1: the text is blank", NULL},
        {"{\"label\":\"x\"}", "line 1: there is no \"text\"", NULL},
        {"{\"label\":\"x\"}", "line 1: there is no \"body\"", &NAMED},
        {"{\"text\":null,\"label\":\"x\"}", "line 1: \"text\" is not a text in quotes", NULL},
        {"{\"text\":7}", "line 1: \"text\" is not a text in quotes", &UNLABELLED},
        {"{\"text\":\"a\\u0000b\",\"label\":\"x\"}", "line 1: \"text\" has a NUL", NULL},
        {"{\"text\":\"a\",\"label\":\"x\\u0000\"}", "line 1: the label has a NUL", NULL},
        {"{\"text\":\"a\"}", "line 1: there is no \"label\"", NULL},
        {"{\"text\":\"a\",\"label\":null}", "line 1: \"label\" is null", NULL},
        {"{\"text\":\"a\",\"label\":{\"a\":1}}", "line 1: \"label\" is or has an object or a list",
         NULL},
        {"{\"text\":\"a\",\"label\":[\"x\",[\"y\"]]}", "line 1: \"label\" is or has an object or",
         NULL},
        {"{\"text\":\"a\",\"label\":[null]}", "line 1: \"label\" is null", NULL},
        {"{\"text\":\"a\",\"label\":\"\"}", "line 1: the label is empty", NULL},
        {"{\"text\":\"a\",\"label\":\" \"}", "line 1: the label is blank", NULL},
        {"{\"text\":\"a\",\"label\":\"1\"}", "line 1: \"label\" is not a number", &VALUES},
        {"{\"text\":\"a\",\"label\":true}", "line 1: \"label\" is not a number", &VALUES},
        {"{\"text\":\"a\",\"label\":1e999}", "line 1, byte 25: not a JSON object: real number ov",
         &VALUES},
        {"{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"la",
         "line 2, byte 15: not a JSON obj", NULL},
        {"{\"text\":\"b\"", "; is the line cut off?", NULL},
        {"{\"text\":\"b\",\"label\":\"x\n\"}", "line 1, byte 22: not a JSON object", NULL},
        {"{\"text\":\"a\",\"text\":\"b\",\"label\":\"x\"}",
         "line 1, byte 18: not a JSON object: duplicate object key", NULL},
        {"{\"text\":\"a\",\"label\":\"x\"} {}", "line 1, byte 26: not a JSON object: end of file",
         NULL},
        {"{'text':'a'}", "line 1, byte 2: not a JSON object: string or '}' expected", NULL},
        {"{\"text\":\"\\ud800\"}", "line 1, byte ", NULL},
        {"[{\"text\":\"a\",\"label\":\"x\"}]",
         "line 1: not a JSON object such as {\"text\": \"...\"", NULL},
        {"[", "put each object on a line of its own", NULL},
        {"7", "line 1: not a JSON object such as", NULL},
        {"{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\xE4\"}",
         "a.jsonl: line 2: not text in UTF-8: byte 11 of the line is 0xE4; save as UTF-8", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, file("a.jsonl", row[i].content), row[i].o, row[i].want);
}

static void bad_tables(void **state)
{
    static const struct {
        const char *content, *want;
        const struct text_options *o;
    } row[] = {
        {"", "a.csv: no rows; the file is empty", NULL},
        {"text,label\n", "a.csv: no rows under the header", NULL},
        {"text,class\na,x\n", "a.csv: no column 'label'; there are: text, class", NULL},
        {"body,label\na,x\n", "a.csv: no column 'text'; there are: body, label", &UNLABELLED},
        {"text,label\n,x\n", "a.csv: line 2: the text is empty", NULL},
        {"text,label\n\"\n \",x\n", "a.csv: line 2: the text is blank", NULL},
        {"text,label\na,x\nb,\n", "a.csv: line 3: the label is empty", NULL},
        {"text,label\na,1\nb,x\n", "a.csv: line 3, column 'label': 'x' is not a number", &VALUES},
        {"text,label\na,b,x\n", "a.csv: line 2: 3 fields, but the header has 2", NULL},
        {"text,label\n\"a,x\n", "a.csv: line 2: a quote is never closed", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, file("a.csv", row[i].content), row[i].o, row[i].want);
}

static void bad_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *want;
    } row[] = {
        {"a\nb\0c\n", 6, ": line 2: not text in UTF-8: byte 2 of the line is 0x00; save"},
        {"\xFF\xFE\x61\0", 4, "byte 1 of the line is 0xFF; the file is UTF-16: save as UTF-8"},
        {"\xFE\xFF\0a", 4, "byte 1 of the line is 0xFE; the file is UTF-16: save as UTF-8"},
        {"a\0b\0", 4, "byte 2 of the line is 0x00; the file is UTF-16: save as UTF-8"},
        {"ok\n\xC3\xA4\xC3", 6, ": line 2: not text in UTF-8: byte 3 of the line is 0xC3"},
        {"\xED\xA0\x80", 3, ": line 1: not text in UTF-8: byte 1"},
    };
    static const char *const name[] = {"x.txt", "x.jsonl", "x.csv"};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        for (size_t k = 0; k < 3; k++)
            refused(*state, file_of(name[k], row[i].bytes, row[i].n), NULL, row[i].want);
}

/* ---- sizes ---- */

/* `n` letters between two strings. */
static char *long_text(const char *before, size_t n, const char *after)
{
    char *s = malloc(strlen(before) + n + strlen(after) + 1);
    assert_non_null(s);
    strcpy(s, before);
    memset(s + strlen(before), 'x', n);
    strcpy(s + strlen(before) + n, after);
    return s;
}

static void sizes(void **state)
{
    static const char *const form[][3] = {{"a.jsonl", "{\"text\":\"", "\",\"label\":\"y\"}"},
                                          {"a.csv", "text,label\n", ",y\n"},
                                          {"a.txt", "", "\n"}};
    for (size_t i = 0; i < 3; i++)
        for (size_t over = 0; over < 2; over++) {
            char *s = long_text(form[i][1], TEXT_MAX + over, form[i][2]);
            const char *const path = file(form[i][0], s);
            free(s);
            if (over) {
                refused(*state, path, NULL,
                        i == 1 ? "a field over 1 MiB" : ": line 1: a text of 1048577 bytes");
                continue;
            }
            struct texts *t = opened(*state, path, NULL);
            assert_int_equal(t->item[0].length, TEXT_MAX);
            texts_free(t);
        }
    char *s = long_text("{\"text\":\"a\",\"label\":\"", TEXT_LABEL_MAX + 1, "\"}");
    refused(*state, file("a.jsonl", s), NULL, "line 1: a label of 1001 bytes; at most 1000");
    free(s);
    s = long_text("\n{\"text\":\"", TEXT_LINE_MAX, "\"}");
    refused(*state, file("a.jsonl", s), NULL, "line 2: a line of 8388619 bytes; at most 8388608");
    free(s);
}

static void many_classes(void **state)
{
    struct text s;
    text_init(&s, *state);
    for (int i = 0; i < TEXT_CLASSES_MAX; i++)
        text_add(&s, "{\"text\":\"a%d\",\"label\":%d}\n", i, i);
    struct texts *t = opened(*state, file("a.jsonl", s.data), NULL);
    assert_int_equal(t->classes, TEXT_CLASSES_MAX);
    for (size_t i = 0; i < t->n; i++)
        assert_int_equal(atoi(t->class_name[t->label[i]]), i);
    texts_free(t);
    text_add(&s, "{\"text\":\"b\",\"label\":\"b\"}\n");
    refused(*state, file("a.jsonl", s.data), NULL, "line 1001: more than 1000 different labels");
    text_clear(&s);
}

static void one_text_two_labels(void **state)
{
    struct text s;
    const char *const path[] = {
        file("b.jsonl", "{\"text\":\"t1\",\"label\":\"y\"}"),
        file("a.jsonl",
             "{\"text\":\"t1\",\"label\":\"x\"}\n{\"text\":\"t2\",\"label\":\"y\"}\n"
             "{\"text\":\"t2\",\"label\":[\"x\",\"y\"]}\n{\"text\":\"t1\",\"label\":\"y\"}")};
    struct texts *t = NULL;
    assert_int_equal(texts_open(*state, &t, path, 2, NULL), T2M_OK);
    assert_int_equal(t->warnings, 2);
    assert_non_null(
        strstr(t->warning[0], "a.jsonl: line 1: 't1' is 'x' here, but 'y' in line 1 of "));
    assert_non_null(strstr(t->warning[0], "/b.jsonl"));
    assert_non_null(
        strstr(t->warning[1], "line 3: 't2' is 'x' and others here, but 'y' in line 2"));
    texts_free(t);
    text_init(&s, *state);
    for (int i = 0; i < 30; i++)
        text_add(&s, "{\"text\":\"t%d\",\"label\":%d}\n", i % 15, i / 15);
    t = opened(*state, file("a.jsonl", s.data), NULL);
    assert_int_equal(t->warnings, TEXT_WARNINGS_MAX + 1);
    assert_string_equal(t->warning[TEXT_WARNINGS_MAX], "5 more texts are under two labels");
    texts_free(t);
    t = opened(*state, file("a.jsonl", s.data), &VALUES);
    assert_int_equal(t->warnings, 0);
    texts_free(t);
    text_clear(&s);
}

/* ---- a stream ---- */

static void one_line(void **state)
{
    static const struct {
        const char *line, *want; /* NULL: refused */
        size_t number;
    } row[] = {
        {"where is my card?\r\n", "where is my card?", 1},
        {"\xEF\xBB\xBFhi\n", "hi", 1},
        {"\xEF\xBB\xBFhi", "\xEF\xBB\xBFhi", 2},
        {"", "", 1},
        {"  \n", "  ", 1},
        {" {\"text\": \"a\\nb\", \"label\": null}\n", "a\nb", 1},
        {"{not JSON}", NULL, 7},
        {"{\"label\": 1}", NULL, 7},
        {"a\xFF", NULL, 7},
        {"[\"a\"]", "[\"a\"]", 1},
    };
    struct text out;
    text_init(&out, *state);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct text_line line = {.file = "standard input",
                                       .number = row[i].number,
                                       .data = row[i].line,
                                       .length = strlen(row[i].line)};
        assert_int_equal(text_line_read(&line, &out), row[i].want ? T2M_OK : T2M_EDATA);
        if (row[i].want)
            assert_string_equal(out.data, row[i].want);
        else
            says(*state, "standard input: line 7");
    }
    char *s = long_text("", TEXT_MAX + 1, "");
    const struct text_line line = {"standard input", 1, s, TEXT_MAX + 1, NULL};
    assert_int_equal(text_line_read(&line, &out), T2M_EDATA);
    free(s);
    text_clear(&out);
}

/* ---- memory ---- */

/* The n-th allocation fails, for every n. */
static void memory_runs_out(void **state)
{
    const char *const path[] = {
        file("a.jsonl",
             "{\"text\":\"a\",\"label\":[\"x\",\"y\"]}\n{\"text\":\"a\",\"label\":\"y\"}"),
        file("a.csv", "text,label\na,x\n"), file("a.txt", "a\nb\n")};
    t2m *lib = few_open(SIZE_MAX);
    (void)state;
    assert_non_null(lib);
    for (size_t n = 0, done = 0; !done; n++) {
        struct texts *t = NULL;
        left = n;
        const t2m_status status = texts_open(lib, &t, path, 3, NULL);
        assert_true(status == T2M_OK || (status == T2M_ENOMEM && !t));
        done = status == T2M_OK;
        if (done)
            assert_int_equal(t->n, 5);
        texts_free(t);
    }
    left = SIZE_MAX;
    t2m_close(lib);
}

static int setup(void **state)
{
    return mkdtemp(folder) ? check_setup(state) : -1;
}

static int teardown(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) || check_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(tables),
        cmocka_unit_test(lines_and_folders),
        cmocka_unit_test(zips),
        cmocka_unit_test(limits),
        cmocka_unit_test(bad_json),
        cmocka_unit_test(bad_tables),
        cmocka_unit_test(bad_bytes),
        cmocka_unit_test(sizes),
        cmocka_unit_test(many_classes),
        cmocka_unit_test(one_text_two_labels),
        cmocka_unit_test(one_line),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
