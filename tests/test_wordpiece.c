/* test_wordpiece.c: texts as pieces of words, vocabularies that are refused, and weights in files
 * of others. */
#include "check.h"

#include "base/text.h"
#include "files/safetensors.h"
#include "files/wordpiece.h"

/* ---- pieces ---- */

static const char vocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\ncafe\nCafé\n"
    "i\n!\n$\n中\n文\nᄒ\n##ᅡ\n##ᆫ\n한\nx\n##x\n'\nss\n.\ni̇\n";

static struct wordpiece *parse(t2m *lib, const char *s, size_t n)
{
    const struct bytes b = {(unsigned char *)(uintptr_t)s, n};
    struct wordpiece *w = NULL;
    if (wordpiece_parse(lib, &b, "vocab.txt", &w) != T2M_OK)
        return NULL;
    return w;
}

static void check_pieces(const struct wordpiece *w, const char *s, const char *want)
{
    int32_t id[64];
    struct text t;
    text_init(&t, w->lib);
    const size_t n = wordpiece_encode(w, s, id, 64);
    for (size_t i = 1; i + 1 < n; i++)
        text_add(&t, "%s%s", i > 1 ? " " : "", w->pieces.word[id[i]]);
    assert_string_equal(t.data, want);
    text_clear(&t);
}

static void pieces(void **state)
{
    static const char *const at[][2] = {
        {"", ""},
        {" \t\r\n\xC2\xA0\xE2\x80\xA8", ""},
        {"UNAFFABLE unaffable!", "un ##aff ##able un ##aff ##able !"},
        {"caf\xC3\xA9 cafe\xCC\x81 CAF\xC3\x89", "cafe cafe cafe"},
        {"\xC4\xB0", "i"},
        {"ca\xC2\xAD"
         "fe ca\xEF\xBF\xBD\x01"
         "fe",
         "cafe cafe"},
        {"unable un able", "un ##able un [UNK]"},
        {"中文x", "中 文 x"},
        {"한", "ᄒ ##ᅡ ##ᆫ"},
        {"$!x'", "$ ! x '"},
        {"[MASK]x[SEP] [mask] [MAS", "[MASK] x [SEP] [UNK] [UNK] [UNK] [UNK] [UNK]"},
        {"\xF0\x9F\x98\x80 x", "[UNK] x"},
    };
    t2m *lib = *state;
    struct wordpiece *w = parse(lib, vocabulary, sizeof vocabulary - 1);
    assert_non_null(w);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        check_pieces(w, at[i][0], at[i][1]);
    w->strip_accents = false;
    check_pieces(w, "Café \xC4\xB0 한", "[UNK] i̇ 한");
    w->lower = false;
    check_pieces(w, "Café X 中文", "Café [UNK] 中 文");
    w->split_chinese = false;
    check_pieces(w, "中文 中", "[UNK] 中");
    wordpiece_free(w);
}

/* A word of 100 letters is cut, one of 101 is not; a text is cut off before [SEP]. */
static void long_texts(void **state)
{
    struct wordpiece *w = parse(*state, vocabulary, sizeof vocabulary - 1);
    char word[102];
    int32_t id[200];
    memset(word, 'x', sizeof word);
    word[101] = 0;
    assert_non_null(w);
    assert_int_equal(wordpiece_encode(w, word, id, 200), 3);
    assert_int_equal(id[1], w->special[PIECE_UNK]);
    assert_int_equal(wordpiece_encode(w, word + 1, id, 200), 102);
    for (size_t most = 2; most < 102; most++) {
        memset(id, -1, sizeof id);
        assert_int_equal(wordpiece_encode(w, word + 1, id, most), most);
        assert_int_equal(id[most - 1], w->special[PIECE_SEP]);
        assert_int_equal(id[most], -1);
    }
    wordpiece_free(w);
}

static void bad_vocabularies(void **state)
{
    static const struct {
        const char *s;
        size_t n;
        const char *want;
    } at[] = {
        {"[UNK]\n[CLS]\n\n[SEP]\n", 20, "'vocab.txt', line 3: is empty"},
        {"[UNK]\n[CLS]\n[SEP]\na\nb\na\n", 24, "line 6: the piece 'a' is in line 4 too"},
        {"[UNK]\n\xFF\n[CLS]\n[SEP]\n", 20, "line 2: is not UTF-8"},
        {"[UNK]\na\0b\n[CLS]\n[SEP]\n", 22, "line 2: is not UTF-8"},
        {"[UNK]\n[CLS]\n[SE", 15, "the piece [SEP] is missing"},
        {"", 0, "the piece [UNK] is missing"},
    };
    t2m *lib = *state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_null(parse(lib, at[i].s, at[i].n));
        if (!strstr(t2m_errmsg(lib), at[i].want))
            fail_msg("'%s' is not in: %s", at[i].want, t2m_errmsg(lib));
    }
}

/* ---- files of others ---- */

static void foreign_numbers(void **state)
{
    static const char header[] =
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[7],\"data_offsets\":[1,15]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        "\"c\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[15,19]},"
        "\"d\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[19,23]}}";
    static const unsigned char data[] = {9,    0, 0x3C, 0,    0xC0, 0xFF, 0x7B, 1, 0, 0,    0x7C, 0,
                                         0xFC, 1, 0x7E, 0x80, 0x3F, 0x40, 0xC0, 0, 0, 0x20, 0x40};
    const float half[] = {1, -2, 65504, 5.9604645e-8F, INFINITY, -INFINITY};
    unsigned char raw[512] = {(sizeof header - 1) & 255, (sizeof header - 1) >> 8};
    struct tensor_file *f = NULL;
    t2m *lib = *state;
    memcpy(raw + 8, header, sizeof header - 1);
    memcpy(raw + 8 + sizeof header - 1, data, sizeof data);
    const struct bytes file = {raw, 8 + sizeof header - 1 + sizeof data};
    if (safetensors_parse(lib, &file, &(struct tensor_origin){"x", true}, &f) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    const float *a = safetensors_find(f, "a")->data, *c = safetensors_find(f, "c")->data;
    assert_memory_equal(a, half, sizeof half);
    assert_true(isnan(a[6]));
    assert_null(safetensors_find(f, "b")->data);
    assert_true(c[0] == 1 && c[1] == -3);
    assert_true(*safetensors_find(f, "d")->data == 2.5F);
    safetensors_free(f);
    assert_int_equal(safetensors_parse(lib, &file, &(struct tensor_origin){"x", false}, &f),
                     T2M_EMODEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces), cmocka_unit_test(long_texts),
                                       cmocka_unit_test(bad_vocabularies),
                                       cmocka_unit_test(foreign_numbers)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
