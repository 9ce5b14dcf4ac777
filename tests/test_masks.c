/* test_masks.c: sets of pictures with masks, in folders and zips, with and without a list of
 * classes; every refusal names its file. */
#include "check_memory.h"
#include "check_picture.h"

#include <zip.h>

#include "base/text.h"
#include "files/masks.h"

/* ---- sets ---- */

struct set_file {
    const char *name;
    const char *content; /* of a PNG, of 2 x 2 pixels, each as a character: '0' is 0, '/' is 255 */
};

static bool is_jpeg(const char *name)
{
    return text_ends(name, ".jpg") || text_ends(name, ".jpeg");
}

static struct bytes bytes_of(const struct set_file *x)
{
    static const unsigned char grey[4] = {10, 20, 30, 40};
    char ids[4];
    if (is_jpeg(x->name))
        return check_jpeg(grey, 2, 2, TJPF_GRAY, 0);
    if (!text_ends(x->name, ".png"))
        return check_text(x->content);
    for (int i = 0; i < 4; i++)
        ids[i] = (char)(x->content[i] - '0');
    return check_grey(ids);
}

/* A set of at most eight files in the folder `name`. */
static const char *folder_of(const char *name, const struct set_file *x)
{
    char path[128];
    snprintf(path, sizeof path, "rm -rf %s", check_path(name));
    assert_int_equal(system(path), 0);
    mkdir(check_path(name), 0777);
    for (int i = 0; i < 8 && x[i].name; i++) {
        snprintf(path, sizeof path, "%s/%s", name, x[i].name);
        check_put(path, bytes_of(&x[i]));
    }
    return check_path(name);
}

static const char *zip_of(const char *name, const struct set_file *x)
{
    struct bytes file[8] = {{0}};
    zip_t *z = zip_open(check_path(name), ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(z);
    for (int i = 0; i < 8 && x[i].name; i++) {
        file[i] = bytes_of(&x[i]);
        zip_source_t *from = zip_source_buffer(z, file[i].data, file[i].length, 0);
        assert_true(zip_file_add(z, x[i].name, from, 0) >= 0);
    }
    assert_int_equal(zip_close(z), 0);
    for (int i = 0; i < 8; i++)
        free(file[i].data);
    return check_path(name);
}

static struct masks *opened(t2m *lib, const char *path)
{
    struct masks *m = NULL;
    if (masks_open(lib, &m, path) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return m;
}

/* "picture mask ids [class name] [@domain]; ..." */
static void assert_set(t2m *lib, const char *path, const char *want)
{
    struct masks *m = opened(lib, path);
    struct text s;
    text_init(&s, lib);
    for (size_t i = 0; i < m->pairs; i++) {
        const struct mask_pair *pair = &m->pair[i];
        struct image x;
        unsigned char *label;
        if (masks_read(m, i, &x, &label) != T2M_OK)
            fail_msg("%s", t2m_errmsg(lib));
        text_add(&s, "%s%s %s", i ? "; " : "", pair->image, pair->mask);
        for (size_t k = 0; k < x.width * x.height; k++)
            text_add(&s, "%s%d", k ? "," : " ", label[k]);
        if (pair->class != SIZE_MAX)
            text_add(&s, " %s", m->class[pair->class].name);
        if (*m->domain[pair->domain])
            text_add(&s, " @%s", m->domain[pair->domain]);
        mem_free(lib, x.pixels);
        mem_free(lib, label);
    }
    assert_string_equal(s.data, want);
    text_clear(&s);
    masks_close(m);
}

/* "id name split; ..." */
static void assert_classes(t2m *lib, const char *path, bool listed, const char *want)
{
    struct masks *m = opened(lib, path);
    struct text s;
    text_init(&s, lib);
    text_add(&s, "%s", "");
    for (size_t i = 0; i < m->classes; i++)
        text_add(&s, "%s%u %s %s", i ? "; " : "", m->class[i].id, m->class[i].name,
                 m->class[i].split);
    assert_string_equal(s.data, want);
    assert_int_equal(m->listed, listed);
    text_clear(&s);
    masks_close(m);
}

/* In a folder and in a zip, when opened or when its first picture is read. */
static void refused(t2m *lib, const struct set_file *x, const char *want)
{
    for (int zip = 0; zip < 2; zip++) {
        struct masks *m = NULL;
        struct image picture;
        unsigned char *label;
        const char *path = zip ? zip_of("bad.zip", x) : folder_of("bad", x);
        t2m_status status = masks_open(lib, &m, path);
        if (status == T2M_OK)
            status = masks_read(m, 0, &picture, &label);
        if (status != T2M_EDATA)
            fail_msg("not refused: %s", want);
        masks_close(m);
        check_says(lib, zip ? "bad.zip" : "bad");
        check_says(lib, want);
    }
}

/* ---- forms ---- */

static void folders(void **state)
{
    static const struct set_file set[] = {{"images/a.png", "1234"}, {"images/b.JPG", NULL},
                                          {"images/c.jpeg", NULL},  {"masks/a.png", "0123"},
                                          {"masks/b.png", "0000"},  {"masks/c.PNG", "0001"},
                                          {"README.md", "a set"},   {NULL, NULL}};
    static const char want[] =
        "images/a.png masks/a.png 0,1,2,3; images/b.JPG masks/b.png 0,0,0,0; "
        "images/c.jpeg masks/c.PNG 0,0,0,1";
    assert_set(*state, folder_of("set", set), want);
    assert_set(*state, zip_of("set.zip", set), want);
    assert_classes(*state, check_path("set"), false, "");
}

static void domains(void **state)
{
    static const struct set_file set[] = {{"all/two/images/a.png", "1111"},
                                          {"all/two/masks/a.png", "0020"},
                                          {"all/one/images/a.png", "1111"},
                                          {"all/one/masks/a.png", "0010"},
                                          {"all/one/.hidden", ""},
                                          {"all/one/LICENSE.txt", "free"},
                                          {NULL, NULL}};
    assert_set(*state, zip_of("set.zip", set),
               "all/one/images/a.png all/one/masks/a.png 0,0,1,0 @all/one; "
               "all/two/images/a.png all/two/masks/a.png 0,0,2,0 @all/two");
}

static void class_folders(void **state)
{
    static const struct set_file set[] = {{"dog/1.jpg", NULL},
                                          {"dog/1.png", "0120"},
                                          {"cat/x.jpg", NULL},
                                          {"cat/x.png", "0/00"},
                                          {NULL, NULL}},
                                 deep[] = {{"old/dog/1.jpg", NULL},
                                           {"old/dog/1.png", "0010"},
                                           {"new/dog/1.jpeg", NULL},
                                           {"new/dog/1.png", "0100"},
                                           {"new/classes.csv", "id,name\n4,cat\n7,dog\n"},
                                           {NULL, NULL}};
    assert_set(*state, folder_of("set", set),
               "cat/x.jpg cat/x.png 0,1,0,0 cat; dog/1.jpg dog/1.png 0,2,2,0 dog");
    assert_classes(*state, check_path("set"), false, "1 cat ; 2 dog ");
    assert_set(*state, zip_of("set.zip", deep),
               "new/dog/1.jpeg new/dog/1.png 0,7,0,0 dog @new; "
               "old/dog/1.jpg old/dog/1.png 0,0,7,0 dog @old");
    assert_classes(*state, check_path("set.zip"), true, "4 cat ; 7 dog ");
}

/* Ids of more folders than there are begin again; the class is that of the pair all the same. */
static void many_class_folders(void **state)
{
    char name[64];
    for (int i = 0; i < 256; i++)
        for (int mask = 0; mask < 2; mask++) {
            const struct set_file x = {mask ? "a.png" : "a.jpg", "0110"};
            snprintf(name, sizeof name, "many/%03d/%s", i, x.name);
            check_put(name, bytes_of(&x));
        }
    struct masks *m = opened(*state, check_path("many"));
    assert_int_equal(m->classes, 256);
    assert_string_equal(m->class[255].name, "255");
    assert_int_equal(m->class[253].id, 254);
    assert_int_equal(m->class[255].id, 2);
    masks_close(m);
}

static void recognised(void **state)
{
    static const struct {
        struct set_file set[8];
        bool want;
    } row[] = {
        {{{"images/a.png", "0000"}, {"masks/a.png", "0000"}}, true},
        {{{"a/images/a.png", "0000"}, {"a/masks/b.png", "0000"}, {"x.txt", ""}}, true},
        {{{"cat/a.jpg", NULL}, {"cat/a.png", "0000"}}, true},
        {{{"cat/a.jpg", NULL}, {"cat/a.png", "0000"}, {"cat/b.jpg", NULL}}, true},
        {{{"images/cat/a.jpg", NULL}, {"images/cat/a.png", "0000"}}, true},
        {{{"cat/a.jpg", NULL}, {"dog/a.png", "0000"}}, false},
        {{{"cat/a.png", "0000"}, {"cat/b.png", "0000"}}, false},
        {{{"images/a.png", "0000"}, {"images/b.png", "0000"}}, false},
        {{{"a/1.jpg", NULL},
          {"a/1.png", "0000"},
          {"a/2.jpg", NULL},
          {"b/3.jpg", NULL},
          {"b/4.jpg", NULL}},
         false},
        {{{"a.csv", "a,b"}}, false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct source *s;
        assert_int_equal(source_open(*state, folder_of("set", row[i].set), &s), T2M_OK);
        if (masks_recognise(s) != row[i].want)
            fail_msg("row %zu", i);
        source_close(s);
    }
}

static void black_and_white(void **state)
{
    static const unsigned char white[] = {0, 255, 0}, ids[] = {0, 255, 1};
    (void)state;
    assert_true(masks_only_white(white, 3) && masks_only_white(ids, 2));
    assert_false(masks_only_white(ids, 3));
}

/* ---- lists ---- */

static void lists(void **state)
{
    static const struct {
        const char *content, *want;
    } row[] = {
        {"id,name\n1,cat\n254,dog\n", "1 cat ; 254 dog "},
        {"n,split,name,id\n9,val,\"a, b\",3\n9,,c,2\n", "3 a, b val; 2 c "},
        {"id;name;color\n0;background;#000000\n1;cat;#FFaa00\n2;dog;\n", "1 cat ; 2 dog "},
        {"id,name,red,green,blue\n1,cat,1,2,3\n2,dog,,,\n", "1 cat ; 2 dog "},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct set_file set[] = {{"images/a.png", "0000"},
                                       {"masks/a.png", "0000"},
                                       {"classes.csv", row[i].content},
                                       {NULL, NULL}};
        assert_classes(*state, folder_of("set", set), true, row[i].want);
        assert_classes(*state, zip_of("set.zip", set), true, row[i].want);
    }
}

/* Beside the source, however its path is written; one inside comes first. */
static void list_beside(void **state)
{
    static const struct set_file set[] = {{"images/a.png", "0000"},
                                          {"masks/a.png", "0000"},
                                          {NULL, NULL}},
                                 own[] = {{"images/a.png", "0000"},
                                          {"masks/a.png", "0000"},
                                          {"classes.csv", "id,name\n2,own"},
                                          {NULL, NULL}};
    char here[256], slash[256];
    check_write("classes.csv", "id,name\n1,beside\n");
    zip_of("set.zip", set);
    snprintf(slash, sizeof slash, "%s//", folder_of("set", set));
    assert_classes(*state, check_path("set.zip"), true, "1 beside ");
    assert_classes(*state, slash, true, "1 beside ");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(check_path("set")), 0);
    assert_classes(*state, ".", true, "1 beside ");
    assert_int_equal(chdir(".."), 0);
    assert_classes(*state, "set.zip", true, "1 beside ");
    assert_int_equal(chdir(here), 0);
    assert_classes(*state, folder_of("set", own), true, "2 own ");
    assert_int_equal(remove(check_path("classes.csv")), 0);
}

/* A mask in colours, black and white being what they mostly are. */
static void colours(void **state)
{
    static const struct check_png mask = {
        2, 2, PNG_COLOR_TYPE_RGB, 8, "\0\0\0\0\0\0\xFF\xFF\xFF\1\2\3", {{0}}, 0, 0};
    static const struct set_file set[] = {
        {"images/a.png", "0000"},
        {"classes.csv", "id,name,colour\n5,dog,#ff0000\n9,cat,#010203\n"},
        {NULL, NULL}};
    folder_of("set", set);
    check_put("set/masks/a.png", check_png(&mask));
    assert_set(*state, check_path("set"), "images/a.png masks/a.png 0,0,255,9");
}

static void bad_lists(void **state)
{
    static const struct {
        const char *content, *want;
    } row[] = {
        {"id,title\n1,cat\n", "no column 'name'; there are: id, title"},
        {"name\ncat\n", "no column 'id'; there are: name"},
        {"id,name\nx,cat\n", "line 2, column 'id': 'x' is not a number"},
        {"id,name\n1.5,cat\n",
         "line 2, column 'id': '1.5' is no id: they are 0, the background, to "
         "254"},
        {"id,name\n1,cat\n255,dog\n", "line 3, column 'id': '255' is no id"},
        {"id,name\n-1,cat\n", "line 2, column 'id': '-1' is no id"},
        {"id,name\n1,cat\n1,dog\n", "line 3, column 'id': '1' is the id of another class too"},
        {"id,name\n1,cat\n2,cat\n",
         "line 3, column 'name': 'cat' is the name of another class too"},
        {"id,name\n1,\n", "line 2, column 'name': '' is no name"},
        {"id,name\n1,\"a\nb\"\n", "line 2, column 'name': 'a?b' is no name"},
        {"id,name,split\n1,a,\"x\ny\"\n", "line 2, column 'split': 'x?y' has control characters"},
        {"id,name\n0,background\n", "no class but the background"},
        {"id,name\n", "no rows"},
        {"id,name\n1\n", "line 2"},
        {"id,name,color\n1,a,red\n", "line 2, column 'color': 'red' is no colour like #00ff7f"},
        {"id,name,color\n1,a,#12345g\n", "'#12345g' is no colour"},
        {"id,name,colour\n1,a,#010203\n2,b,#010203\n",
         "line 3, column 'colour': '#010203' is the colour of another class too"},
        {"id,name,red,green\n1,a,1,2\n", "no column 'blue'"},
        {"id,name,red,green,blue\n1,a,1,2,256\n",
         "line 2, column 'blue': '256' is no whole number from 0 to 255"},
        {"id,name,red,green,blue\n1,a,1,,2\n", "line 2, column 'green': '' is not a number"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct set_file set[] = {{"images/a.png", "0000"},
                                       {"masks/a.png", "0000"},
                                       {"classes.csv", row[i].content},
                                       {NULL, NULL}};
        refused(*state, set, row[i].want);
    }
}

/* ---- refusals of sets ---- */

static void faults(void **state)
{
    static const struct {
        struct set_file set[8];
        const char *want;
    } row[] = {
        {{{"images/a.png", "0000"}, {"images/b.png", "0000"}, {"masks/a.png", "0000"}},
         "/images/b.png': a picture without a mask: masks/ has no .png of its name"},
        {{{"images/a.png", "0000"}, {"masks/a.png", "0000"}, {"masks/b.png", "0000"}},
         "/masks/b.png': a mask without a picture: images/ has none of its name"},
        {{{"a/images/1.png", "0000"}, {"b/masks/1.png", "0000"}},
         "/a/images/1.png': a picture without a mask"},
        {{{"images/a.jpg", NULL}, {"images/a.png", "0000"}, {"masks/a.png", "0000"}},
         "'images/a.jpg' and 'images/a.png' are two pictures of one name; remove one"},
        {{{"images/a.jpg", NULL}, {"masks/a.PNG", "0000"}, {"masks/a.png", "0000"}},
         "'masks/a.PNG' and 'masks/a.png' are two masks of one name"},
        {{{"images/a.jpg", NULL}, {"masks/a.jpg", NULL}},
         "/masks/a.jpg': a mask as JPEG, which blurs ids; save it as PNG"},
        {{{"images/a.png", "0000"}, {"masks/a.png", "0000"}, {"images/a.xml", ""}},
         "/images/a.xml': neither a picture (.png, .jpg) in images/ nor a mask (.png) in masks/"},
        {{{"images/a.png", "0000"}, {"masks/a.png", "0000"}, {"more/a.png", "0000"}},
         "/more/a.png': neither a picture"},
        {{{"a.jpg", NULL}, {"a.png", "0000"}}, "/a.jpg': lies in no class folder"},
        {{{"cat/a.jpg", NULL}, {"cat/a.png", "0000"}, {"cat/b.jpg", NULL}},
         "/cat/b.jpg': a picture without a mask: no .png of its name is beside it"},
        {{{"cat/a.jpg", NULL}, {"cat/a.png", "0000"}, {"cat/b.png", "0000"}},
         "/cat/b.png': a mask without a picture: no .jpg of its name is beside it"},
        {{{"cat/a.jpg", NULL}, {"cat/a.png", "0000"}, {"cat/b.gif", ""}},
         "/cat/b.gif': neither a picture (.jpg) nor a mask (.png)"},
        {{{"cat/a.jpg", NULL}, {"cat/a.png", "0000"}, {"classes.csv", "id,name\n1,dog\n"}},
         "the folder 'cat' names no class of "},
        {{{"images/a.png", "0000"},
          {"masks/a.png", "0000"},
          {"classes.csv", "id,name\n1,a\n"},
          {"images/classes.csv", "id,name\n1,b\n"}},
         "'classes.csv' and 'images/classes.csv' are two lists of classes; keep one"},
        {{{"images/a.png", "0000"}, {"masks/a.png", "0012"}, {"classes.csv", "id,name\n1,a\n"}},
         "/masks/a.png': row 2, column 2: the id 2 is not in "},
        {{{"README", "nothing"}},
         "has no pictures with masks: expected images/NAME.png with masks/NAME.png, or class"},
        {{{"images/a.jpg", NULL}}, "/images/a.jpg': a picture without a mask"},
        {{{"masks/a.png", "0000"}}, "/masks/a.png': a mask without a picture"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, row[i].set, row[i].want);
}

static void faults_of_one_pair(void **state)
{
    static const struct set_file set[] = {
        {"images/a.png", "0000"}, {"masks/a.png", "0000"}, {NULL, NULL}};
    static const struct check_png wide = {3, 2, PNG_COLOR_TYPE_GRAY, 8, "123456", {{0}}, 0, 0};
    struct image x;
    unsigned char *label;
    folder_of("set", set);
    check_put("set/masks/a.png", check_png(&wide));
    struct masks *m = opened(*state, check_path("set"));
    assert_int_equal(masks_read(m, 0, &x, &label), T2M_EDATA);
    check_says(*state, "/set/masks/a.png': the mask has 3 x 2 pixels, its picture 2 x 2; save both "
                       "in one size");
    check_put("set/images/a.png", check_text("GIF89a"));
    assert_int_equal(masks_read(m, 0, &x, &label), T2M_EDATA);
    check_says(*state, "/set/images/a.png': neither PNG nor JPEG");
    remove(check_path("set/images/a.png"));
    assert_int_equal(masks_read(m, 0, &x, &label), T2M_EIO);
    assert_int_equal(masks_read(m, 1, &x, &label), T2M_EUSAGE);
    masks_close(m);
    assert_int_equal(masks_open(*state, &m, check_path("none")), T2M_EIO);
}

/* ---- memory ---- */

static t2m_status read_set(t2m *lib, void *ctx)
{
    char path[256];
    struct masks *m = NULL;
    struct image x;
    unsigned char *label;
    snprintf(path, sizeof path, "%s", check_path(ctx));
    TRY(masks_open(lib, &m, path));
    const t2m_status status = masks_read(m, 0, &x, &label);
    masks_close(m);
    if (status == T2M_OK) {
        mem_free(lib, x.pixels);
        mem_free(lib, label);
    }
    return status;
}

static void memory_runs_out(void **state)
{
    static const struct set_file set[] = {{"images/a.png", "0000"},
                                          {"masks/a.png", "0120"},
                                          {"classes.csv", "id,name,color\n1,a,#ff0000\n2,b,\n"},
                                          {NULL, NULL}},
                                 classes[] = {{"x/a/1.jpg", NULL},
                                              {"x/a/1.png", "0120"},
                                              {"x/b/1.jpg", NULL},
                                              {"x/b/1.png", "0120"},
                                              {NULL, NULL}};
    char folder[] = "memory", zip[] = "memory.zip", beside[] = "beside.zip";
    t2m *lib = check_memory_open();
    (void)state;
    folder_of(folder, set);
    zip_of(zip, classes);
    check_memory(lib, read_set, folder, 1);
    check_memory(lib, read_set, zip, 1);
    check_write("classes.csv", "id,name\n1,a\n2,b\n");
    zip_of(beside, classes);
    check_memory(lib, read_set, beside, 1);
    assert_int_equal(remove(check_path("classes.csv")), 0);
    check_memory_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders),        cmocka_unit_test(domains),
        cmocka_unit_test(class_folders),  cmocka_unit_test(many_class_folders),
        cmocka_unit_test(recognised),     cmocka_unit_test(black_and_white),
        cmocka_unit_test(lists),          cmocka_unit_test(list_beside),
        cmocka_unit_test(colours),        cmocka_unit_test(bad_lists),
        cmocka_unit_test(faults),         cmocka_unit_test(faults_of_one_pair),
        cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, check_files_setup, check_files_teardown);
}
