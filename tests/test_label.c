/* test_label.c: ids out of PNG of every kind, colours by a list, and every refusal with its place.
 */
#include "check_picture.h"

#include "files/label.h"

/* Black paper, white paper; and no colours. */
static const struct label_colour LIST[] = {{0x000000, 0}, {0x0000FF, 7}, {0xFF0000, 3}},
                                 PALE[] = {{0x0000FF, 7}, {0xFFFFFF, 0}};
static const struct label_rules PLAIN = {0}, COLOURS = {LIST, 3, 0}, WHITE_PAPER = {PALE, 2, 0},
                                ONE = {NULL, 0, 9}, ONE_LISTED = {LIST, 3, 9};

struct label_case { /* a mask of 2 x 2 */
    int type, depth;
    const char *samples;
    const char *palette; /* a letter a colour: black, white, red, blue, a grey */
    const struct label_rules *rules;
    const char *want; /* four ids, or a part of the refusal */
};

static struct bytes mask_of(const struct label_case *c)
{
    static const png_color colour[] = {['k'] = {0, 0, 0},
                                       ['w'] = {255, 255, 255},
                                       ['r'] = {255, 0, 0},
                                       ['b'] = {0, 0, 255},
                                       ['g'] = {9, 9, 9}};
    struct check_png x = {2, 2, c->type, c->depth, c->samples, {{0}}, 0, 0};
    for (; c->palette[x.colours]; x.colours++)
        x.palette[x.colours] = colour[(unsigned char)c->palette[x.colours]];
    return check_png(&x);
}

enum {
    GREY = PNG_COLOR_TYPE_GRAY,
    GREY_ALPHA = PNG_COLOR_TYPE_GRAY_ALPHA,
    PALETTE = PNG_COLOR_TYPE_PALETTE,
    RGB = PNG_COLOR_TYPE_RGB,
    RGBA = PNG_COLOR_TYPE_RGB_ALPHA
};

static void ids(void **state)
{
    static const struct label_case row[] = {
        {GREY, 8, "\0\1\xFE\xFF", "", &PLAIN, "\0\1\xFE\xFF"},
        {GREY, 8, "\0\1\xFE\xFF", "", &COLOURS, "\0\1\xFE\xFF"},
        {GREY, 1, "\0\1\1\0", "", &PLAIN, "\0\1\1\0"},
        {GREY, 2, "\0\1\2\3", "", &PLAIN, "\0\1\2\3"},
        {GREY, 4, "\0\1\2\xF", "", &PLAIN, "\0\1\2\xF"},
        {GREY, 16, "\0\0\0\1\0\2\0\xFF", "", &PLAIN, "\0\1\2\xFF"},
        {GREY_ALPHA, 8, "\0\xFF\1\0\2\7\3\xFF", "", &PLAIN, "\0\1\2\3"},
        {GREY_ALPHA, 16, "\0\0\7\7\0\1\0\0\0\2\0\0\0\3\0\0", "", &PLAIN, "\0\1\2\3"},
        /* The index is the id, */
        {PALETTE, 2, "\0\1\2\3", "rrbk", &PLAIN, "\0\1\2\3"},
        {PALETTE, 8, "\0\1\1\0", "kg", &COLOURS, "\0\1\1\0"},
        {PALETTE, 1, "\0\1\1\0", "kw", &COLOURS, "\0\1\1\0"},
        /* or all colours that occur are listed. */
        {PALETTE, 2, "\0\1\2\0", "rbkg", &COLOURS, "\3\7\0\3"},
        {PALETTE, 2, "\0\1\2\0", "rwk", &COLOURS, "\3\xFF\0\3"},
        {PALETTE, 2, "\0\1\1\0", "wb", &WHITE_PAPER, "\0\7\7\0"},
        {RGB, 8, "\xFF\0\0\0\0\xFF\0\0\0\xFF\xFF\xFF", "", &COLOURS, "\3\7\0\xFF"},
        {RGB, 8, "\xFF\xFF\xFF\0\0\xFF\0\0\0\0\0\xFF", "", &WHITE_PAPER, "\0\7\0\7"},
        {RGBA, 8, "\xFF\0\0\0\0\0\xFF\1\0\0\0\2\xFF\xFF\xFF\3", "", &COLOURS, "\3\7\0\xFF"},
        {RGB, 8, "\0\0\0\1\1\1\2\2\2\xFF\xFF\xFF", "", &PLAIN, "\0\1\2\xFF"},
        /* One class alone. */
        {GREY, 8, "\0\1\x80\xFF", "", &ONE, "\0\x9\x9\x9"},
        {GREY, 16, "\0\0\0\1\1\0\xFF\xFF", "", &ONE, "\0\x9\x9\x9"},
        {RGB, 8, "\0\0\0\0\0\1\xFF\xFF\xFF\0\0\0", "", &ONE, "\0\x9\x9\0"},
        {RGB, 16, "\0\0\0\0\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\0\0", "", &ONE_LISTED,
         "\0\x9\x9\0"},
        {PALETTE, 2, "\0\1\1\0", "wk", &ONE, "\x9\0\0\x9"},
        {PALETTE, 2, "\0\1\2\0", "rwb", &ONE, "\0\x9\x9\0"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct bytes file = mask_of(&row[i]);
        struct label x;
        if (label_decode(*state, &file, "a.png", row[i].rules, &x) != T2M_OK)
            fail_msg("%s", t2m_errmsg(*state));
        assert_int_equal(x.width * x.height, 4);
        if (memcmp(x.ids, row[i].want, 4) != 0)
            fail_msg("row %zu: %d %d %d %d", i, x.ids[0], x.ids[1], x.ids[2], x.ids[3]);
        mem_free(*state, x.ids);
        free(file.data);
    }
}

static void refused(t2m *lib, struct bytes file, const struct label_rules *rules, const char *want)
{
    struct label x;
    if (label_decode(lib, &file, "a.png", rules, &x) != T2M_EDATA)
        fail_msg("not refused: %s", want);
    check_says(lib, "'a.png': ");
    check_says(lib, want);
    free(file.data);
}

static void faults(void **state)
{
    static const struct label_case row[] = {
        {GREY, 16, "\0\0\0\1\0\2\1\0", "", &PLAIN,
         "row 2, column 2: the value 256; ids are 0 to 255"},
        {RGB, 8, "\0\0\0\1\1\1\1\1\2\0\0\0", "", &PLAIN,
         "row 2, column 1: the colour #010102 has no class; give classes.csv a column 'color' "
         "(#rrggbb), or save ids as grey PNG"},
        {RGB, 8, "\0\0\0\xFE\0\0\0\0\0\0\0\0", "", &COLOURS,
         "row 1, column 2: the colour #fe0000 is not in classes.csv; list it there, or save the "
         "mask without smoothing"},
        {RGB, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "", &COLOURS,
         "a mask in colours of 16 bits; save it with 8 bits"},
    };
    static const unsigned char grey[64] = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        refused(*state, mask_of(&row[i]), row[i].rules, row[i].want);
    refused(*state, check_jpeg(grey, 8, 8, TJPF_GRAY, 0), &PLAIN,
            "a mask as JPEG, which blurs ids; save it as PNG");
    refused(*state, check_text("GIF89a"), &PLAIN, "the mask is not a PNG");
    refused(*state, check_text(""), &PLAIN, "the file is empty");
    struct bytes large = check_grey("\0\1\2\3");
    memcpy(large.data + 16, "\0\0\x3F\0\0\0\x3F\0\x8\0\0\0\0\xFB\x59\x49\xAF", 17);
    refused(*state, large, &PLAIN, "16128 x 16128 pixels; sides of 1 to 16384 and at most 64");
}

static void cut_off(void **state)
{
    const struct label_case mask = {PALETTE, 2, "\0\1\2\0", "rbk", &COLOURS, ""};
    struct bytes file = mask_of(&mask);
    for (size_t n = 0; n < file.length; n++) {
        struct bytes part = {malloc(n + 1), n};
        memcpy(part.data, file.data, n);
        refused(*state, part, &COLOURS, n == 0 ? "empty" : n < 8 ? "not a PNG" : "cut off");
    }
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids), cmocka_unit_test(faults),
                                       cmocka_unit_test(cut_off)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
