/* test_phrase.c: texts as features: two spellings of a text are one, graphemes are never cut, bytes
 * of any kind come to an end soon, and the numbers stay what they are. */
#include "check_few.h"

#include "base/text.h"
#include "task/phrase.h"

static void make(struct phrase *p, const char *text, size_t n, unsigned kinds)
{
    if (phrase_make(p, text, n, kinds) != T2M_OK)
        fail_msg("%s", t2m_errmsg(p->lib));
}

/* Also checks what holds for every list of features. */
static void assert_same(t2m *lib, const char *a, const char *b)
{
    struct phrase p, q;
    phrase_init(&p, lib);
    phrase_init(&q, lib);
    make(&p, a, strlen(a), PHRASE_ALL);
    make(&q, b, strlen(b), PHRASE_ALL);
    if (p.n != q.n || p.words != q.words)
        fail_msg("'%s' has %zu features and %zu words, '%s' has %zu and %zu", a, p.n, p.words, b,
                 q.n, q.words);
    for (size_t i = 0; i < p.n; i++) {
        if (p.feature[i].hash != q.feature[i].hash)
            fail_msg("'%s' and '%s' differ", a, b);
        assert_int_equal(p.feature[i].count, q.feature[i].count);
        assert_int_equal(p.feature[i].kind, q.feature[i].kind);
        assert_true(p.feature[i].count > 0 &&
                    (i == 0 || p.feature[i - 1].hash < p.feature[i].hash));
    }
    phrase_clear(&p);
    phrase_clear(&q);
}

static size_t count(t2m *lib, const char *text, unsigned kinds)
{
    struct phrase p;
    phrase_init(&p, lib);
    make(&p, text, strlen(text), kinds);
    size_t sum = 0;
    for (size_t i = 0; i < p.n; i++)
        sum += p.feature[i].count;
    phrase_clear(&p);
    return sum;
}

/* ---- normalisation ---- */

static void one_text(void **state)
{
    static const char *const row[][2] = {
        {"Caf\xC3\xA9 na\xC3\xAFve", "Cafe\xCC\x81 nai\xCC\x88ve"}, /* NFC, NFD */
        {"\xE1\xBB\x87", "e\xCC\x82\xCC\xA3"},                      /* marks in any order */
        {"\xED\x95\x9C\xEA\xB8\x80", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x80\xE1\x85\xB3"
                                     "\xE1\x86\xAF"}, /* Hangul */
        {"MY CARD", "my card"},
        {"\xC3\x84RGER Stra\xC3\x9F"
         "e",
         "\xC3\xA4rger STRASSE"}, /* sharp s */
        {"\xCE\xA3\xCE\xAF\xCF\x83\xCF\x85\xCF\x86\xCE\xBF\xCF\x82",
         "\xCF\x83\xCE\xAF\xCF\x83\xCF\x85\xCF\x86\xCE\xBF\xCF\x83"}, /* final sigma */
        {"\xEF\xBC\xA8\xEF\xBD\x89\xEF\xBC\x81", "hi!"},              /* full width */
        {"\xEF\xAC\x81sh", "fish"},                                   /* ligature */
        {"\xEF\xBD\xB6\xEF\xBE\x9E", "\xE3\x82\xAC"},                 /* half width kana */
        {"don\xE2\x80\x99t", "don't"},
        {"\xE2\x80\x9Cyes\xE2\x80\x9D", "\"yes\""},
        {"\xE2\x9D\xA4\xEF\xB8\x8F", "\xE2\x9D\xA4"}, /* variation selector */
        {"co\xC2\xADop", "coop"},                     /* soft hyphen */
        {"a\xE2\x80\x8B"
         "b\xC2\xA0\x63\xE3\x80\x80\x64",
         "a b c d"}, /* other blanks */
        {"\xEF\xBB\xBFhi  there\r\n", "hi there"},
        {"", " \t\r\n\xE2\x80\xA8"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_same(*state, row[i][0], row[i][1]);
}

/* A soft hyphen is nothing, but sends a text past the short way of ASCII. */
static void ascii_as_all(void **state)
{
    struct random r = random_stream(5, 0, 0);
    char a[300], b[304];
    for (int round = 0; round < 2000; round++) {
        const size_t n = random_below(&r, round % 10 ? 40 : 299);
        for (size_t i = 0; i < n; i++)
            a[i] = (char)(round % 3 ? "ab 'Z9.\r\n"[random_below(&r, 9)]
                                    : 1 + (int)random_below(&r, 127));
        a[n] = 0;
        const size_t cut = random_below(&r, n + 1);
        snprintf(b, sizeof b, "%.*s\xC2\xAD%s", (int)cut, a, a + cut);
        assert_same(*state, a, b);
    }
}

/* ---- words and parts ---- */

static void words(void **state)
{
    static const struct {
        const char *text;
        size_t words;
    } row[] = {
        {"", 0},
        {"I'd like it.", 4},
        {"'quoted' rock 'n' roll", 8}, /* ' quoted ' rock ' n ' roll: these are signs */
        {"o'neill's", 1},
        {"90's", 3},
        {"C++ a_b", 6},
        {"x...", 4},
        {"3.14 \xD9\xA3", 4},
        {"\xE4\xBD\xA0\xE5\xA5\xBD world", 3}, /* ideographs */
        {"abc\xE4\xBD\xA0", 2},
        {"\xE0\xB8\x81\xE0\xB8\xB4\xE0\xB8\x99", 2}, /* Thai: a vowel sign stays */
        {"\xE3\x81\x8C\xE3\x81\x8B\xE3\x82\x99", 2}, /* Hiragana, composed or not */
        {"\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
         1},                                                     /* family */
        {"\xF0\x9F\x91\xA8\xF0\x9F\x91\xA9\xF0\x9F\x91\xA7", 3}, /* three people */
        {"\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD ok", 2},              /* with a colour of skin */
        {"\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7", 2}, /* two flags */
        {"\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xE0\xA5\x8D\xE0\xA4\xA4\xE0\xA5\x87", 1}, /* Hindi */
        {"\xCC\x81 \xE2\x80\x8D", 1}, /* a lone mark, a lone joiner */
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const size_t n = count(*state, row[i].text, PHRASE_WORD);
        if (n != row[i].words)
            fail_msg("'%s' has %zu words, not %zu", row[i].text, n, row[i].words);
        assert_int_equal(count(*state, row[i].text, PHRASE_PAIR), n ? n + 1 : 0);
        assert_int_equal(count(*state, row[i].text, PHRASE_SKIP), n > 2 ? n - 2 : 0);
        assert_int_equal(count(*state, row[i].text, PHRASE_START), n > 2 ? 2 : n);
    }
}

/* A word of n graphemes between two marks; signs have no parts. */
static void parts(void **state)
{
    static const char *const text[] = {"a",
                                       "cat",
                                       "e\xCC\x82\xCC\xA3x\xCC\xA3",
                                       "windows",
                                       "!",
                                       "\xE4\xBD\xA0",
                                       "\xF0\x9F\x91\x8D"};
    static const size_t length[] = {1, 3, 2, 7, 0, 0, 0};
    for (size_t i = 0; i < sizeof length / sizeof *length; i++)
        for (size_t n = 3; n <= 5; n++) {
            const size_t all = length[i] ? length[i] + 2 : 0;
            assert_int_equal(count(*state, text[i], (unsigned)PHRASE_PART_3 << (n - 3)),
                             all >= n ? all - n + 1 : 0);
        }
}

/* Kinds do not change each other, nor do texts read before. */
static void kinds(void **state)
{
    const char *const text = "Where is my card? My card, where?";
    struct phrase all, one;
    size_t sum = 0;
    phrase_init(&all, *state);
    phrase_init(&one, *state);
    make(&all, text, strlen(text), PHRASE_ALL);
    for (unsigned kind = 1; kind <= PHRASE_START; kind *= 2) {
        make(&one, "something else \xC3\xA4", 17, PHRASE_ALL);
        make(&one, text, strlen(text), kind);
        size_t at = 0;
        for (size_t i = 0; i < one.n; i++) {
            while (at < all.n && all.feature[at].hash != one.feature[i].hash)
                at++;
            assert_true(at < all.n && one.feature[i].kind == kind);
            assert_int_equal(all.feature[at].count, one.feature[i].count);
            assert_int_equal(all.feature[at].kind, kind);
        }
        sum += one.n;
    }
    assert_int_equal(sum, all.n);
    make(&one, text, strlen(text), 0);
    assert_int_equal(one.n, 0);
    phrase_clear(&all);
    phrase_clear(&one);
}

static bool has(const struct phrase *p, const struct feature *f)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->feature[i].hash == f->hash)
            return p->feature[i].kind == f->kind;
    return false;
}

/* Words in order have the hashes of the features, and share no part. */
static void words_in_order(void **state)
{
    const char *const text = "Hello, ha\xC3\xA4 hello";
    static const size_t at[] = {0, 5, 7, 11}, length[] = {5, 1, 3, 5}, n[] = {12, 0, 6, 12};
    struct phrase p, all;
    size_t next = 0;
    phrase_init(&p, *state);
    phrase_init(&all, *state);
    make(&all, text, strlen(text), PHRASE_ALL);
    assert_int_equal(phrase_words(&p, text, strlen(text), PHRASE_ALL), T2M_OK);
    assert_int_equal(p.words, 4);
    assert_int_equal(p.n, 0);
    for (size_t i = 0; i < 4; i++) {
        const struct feature word = {p.word[i].hash, 1, PHRASE_WORD};
        assert_true(has(&all, &word));
        assert_int_equal(p.word[i].at, at[i]);
        assert_int_equal(p.word[i].length, length[i]);
        assert_int_equal(p.word[i].part, next);
        assert_int_equal(p.word[i].parts, n[i]);
        next += n[i];
    }
    assert_int_equal(p.parts, next);
    for (size_t i = 0; i < next; i++)
        assert_true(has(&all, &p.part[i]) && (p.part[i].kind & PHRASE_PARTS));
    assert_true(p.word[0].hash == p.word[3].hash);
    assert_memory_equal(p.part, p.part + p.word[3].part, 12 * sizeof *p.part);
    phrase_clear(&p);
    phrase_clear(&all);
}

/* Learners keep numbers that were learned for these hashes. */
static void pinned(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        uint64_t sum; /* of hash * count */
    } row[] = {
        {"a", 5, 0x2ACE1397A92550F9},
        {"Where is my card?", 43, 0xC21943E041D9ED92},
        {"Don't \xC3\x84RGER me \xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD", 40, 0x81F57ADAFCDDFE76},
        {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x81", 10, 0x7401411A361E90A1},
    };
    struct phrase p;
    phrase_init(&p, *state);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint64_t sum = 0;
        make(&p, row[i].text, strlen(row[i].text), PHRASE_ALL);
        for (size_t k = 0; k < p.n; k++)
            sum += p.feature[k].hash * p.feature[k].count;
        if (p.n != row[i].n || sum != row[i].sum)
            fail_msg("'%s': %zu features, 0x%016llX", row[i].text, p.n, (unsigned long long)sum);
    }
    phrase_clear(&p);
}

/* ---- sizes and faults ---- */

static void fill(char *to, size_t n, const char *with)
{
    const size_t m = strlen(with);
    for (size_t i = 0; i < n; i++)
        to[i] = with[i % m];
}

/* The largest texts, made to be slow, in less than a second (a sanitizer takes some more). */
static void large(void **state)
{
    static const char *const with[] = {
        "word ", "a!", "ab ", "x", "\xCC\x81\xCC\xA3", "\xE4\xBD\xA0\n", "a\xCC\x81 "};
    const double allowed = getenv("T2M_SANITIZED") ? 20 : 2;
    char *text = malloc(GRAPHEMES_MAX + 1);
    struct phrase p;
    phrase_init(&p, *state);
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        const size_t n = GRAPHEMES_MAX / strlen(with[i]) * strlen(with[i]);
        const double start = seconds_now();
        fill(text, n, with[i]);
        make(&p, text, n, PHRASE_ALL);
        assert_true(seconds_now() - start < allowed);
        assert_true(p.words > 0 && p.n > 0);
    }
    fill(text, GRAPHEMES_MAX + 1, "a");
    assert_int_equal(phrase_make(&p, text, GRAPHEMES_MAX + 1, PHRASE_ALL), T2M_EDATA);
    fill(text, GRAPHEMES_MAX - 1, "\xEF\xB7\xBA"); /* each becomes 18 */
    assert_int_equal(phrase_make(&p, text, GRAPHEMES_MAX - 1, PHRASE_ALL), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(*state), "a text of more than 1048576 bytes or characters"));
    make(&p, "as before", 9, PHRASE_WORD);
    assert_int_equal(p.n, 2);
    phrase_clear(&p);
    free(text);
}

/* Many features are sorted in another way; each is found in the few of its part of the text. */
static void many_as_few(void **state)
{
    struct text s;
    struct phrase all, one;
    text_init(&s, *state);
    phrase_init(&all, *state);
    phrase_init(&one, *state);
    for (int i = 0; i < 3000; i++)
        text_add(&s, "%d ", i % 1500);
    make(&all, s.data, s.length, PHRASE_WORD | PHRASE_PART_4);
    for (int i = 0; i < 1500; i += 7) {
        char word[16];
        snprintf(word, sizeof word, "%d", i);
        make(&one, word, strlen(word), PHRASE_WORD);
        assert_int_equal(one.n, 1);
        assert_true(has(&all, one.feature));
    }
    for (size_t i = 0; i < all.n; i++) {
        assert_true(i == 0 || all.feature[i - 1].hash < all.feature[i].hash);
        assert_true(all.feature[i].kind != PHRASE_WORD || all.feature[i].count == 2);
    }
    phrase_clear(&all);
    phrase_clear(&one);
    text_clear(&s);
}

static void not_utf8(void **state)
{
    struct phrase p;
    phrase_init(&p, *state);
    assert_int_equal(phrase_make(&p, "ab\xFF", 3, PHRASE_ALL), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(*state), "byte 3 is 0xFF"));
    assert_int_equal(phrase_make(&p, "\xED\xA0\x80", 3, PHRASE_ALL), T2M_EDATA);
    assert_int_equal(phrase_make(&p, "\xE2\x82", 2, PHRASE_ALL), T2M_EDATA);
    phrase_clear(&p);
}

/* The n-th allocation fails, for every n; once there is room, none is needed. */
static void memory_runs_out(void **state)
{
    static const char *const text[] = {"Where is it?", "Wo ist der \xC3\x84rger, na?"};
    t2m *lib = few_open(SIZE_MAX);
    (void)state;
    assert_non_null(lib);
    for (size_t k = 0; k < 2; k++)
        for (size_t n = 0, done = 0; !done; n++) {
            struct phrase p;
            phrase_init(&p, lib);
            left = n;
            t2m_status status = phrase_make(&p, text[k], strlen(text[k]), PHRASE_ALL);
            assert_true(status == T2M_OK || (status == T2M_ENOMEM && p.n == 0));
            done = status == T2M_OK;
            left = 0;
            if (done)
                make(&p, text[k], strlen(text[k]), PHRASE_ALL);
            phrase_clear(&p);
        }
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text),        cmocka_unit_test(ascii_as_all),
        cmocka_unit_test(words),           cmocka_unit_test(parts),
        cmocka_unit_test(kinds),           cmocka_unit_test(words_in_order),
        cmocka_unit_test(pinned),          cmocka_unit_test(large),
        cmocka_unit_test(many_as_few),     cmocka_unit_test(not_utf8),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
