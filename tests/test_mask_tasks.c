/* test_mask_tasks.c: episodes of pictures with masks, what is measured on them, the control, and
 * masks as files. */
#include "check_masks.h"

#include "files/label.h"
#include "task/mask_bayes.h"

enum { SIDE = 8, PLACES = SIDE * SIDE, INPUT = 3 * PLACES, EPISODES = 300, WAYS = 3 };

/* ---- episodes ---- */

struct drawn {
    t2m_family *f;
    struct protocol p;
    struct episode e;
    size_t class[WAYS];
};

static void begin(struct drawn *d, t2m *lib, const struct protocol *p)
{
    *d = (struct drawn){.f = check_masks(lib, SIDE), .p = *p};
    assert_int_equal(mask_episode_check(d->f, p), T2M_OK);
    assert_int_equal(episodes_new(lib, &d->e, d->f, p, 1), T2M_OK);
    d->e.class = d->class;
}

static void end(struct drawn *d)
{
    episodes_free(d->f->lib, &d->e);
    t2m_family_free(d->f);
}

static size_t picture_of(const float *x)
{
    return (size_t)lroundf(x[1] * 255 / MASK_NUMBER);
}

static bool is_blank(const float *y)
{
    for (size_t i = 0; i < PLACES; i++)
        if (y[i] != -1)
            return false;
    return true;
}

/* What the pixel itself says that its label should be. */
static float label_of(const struct drawn *d, const float *pixel)
{
    const long said = lroundf(pixel[0] * 255 / MASK_SAYS);
    if (said == MASK_ODD)
        return -1;
    for (size_t w = 0; w < d->p.ways; w++)
        if (2 * d->f->class[d->class[w]].id == said)
            return (float)(w + 1);
    return 0;
}

/* The labels of a set agree with its pictures, which are all of the first class's domain; counts
 * the pictures and marks the classes that occur. */
static size_t check_set(const struct drawn *d, const float *x, const float *y, size_t n,
                        bool there[WAYS + 1])
{
    const struct example_class *first = &d->f->class[d->class[0]];
    size_t shown = 0;
    for (size_t i = 0; i < n; i++, x += INPUT, y += PLACES) {
        if (is_blank(y))
            continue;
        bool has_first = false;
        shown++;
        assert_int_equal(picture_of(x) >= MASK_FIRST_SET, first->domain);
        for (size_t k = 0; k < PLACES; k++) {
            assert_true(y[k] == label_of(d, x + 3 * k));
            has_first = has_first || y[k] == 1;
            if (y[k] > 0)
                there[(size_t)y[k]] = true;
        }
        assert_true(has_first);
    }
    return shown;
}

/* No picture twice, of those that are not blank. */
static void check_different(const struct drawn *d)
{
    bool seen[MASK_PICTURES] = {false};
    const size_t n = d->e.supports + d->e.queries;
    for (size_t i = 0; i < n; i++) {
        const bool query = i >= d->e.supports;
        const size_t at = query ? i - d->e.supports : i;
        const float *x = (query ? d->e.x_query : d->e.x_support) + at * INPUT,
                    *y = (query ? d->e.y_query : d->e.y_support) + at * PLACES;
        if (is_blank(y))
            continue;
        assert_false(seen[picture_of(x)]);
        seen[picture_of(x)] = true;
    }
}

static void labels_agree_with_pictures(void **state)
{
    struct drawn d;
    size_t several = 0, of_second_set = 0;
    begin(&d, *state, &(struct protocol){.ways = WAYS, .shots = 3, .queries = 3});
    for (uint64_t i = 0; i < EPISODES; i++) {
        bool given[WAYS + 1] = {false}, asked[WAYS + 1] = {false};
        episode_draw(d.f, &d.p, 5, i, &d.e);
        const size_t shots = check_set(&d, d.e.x_support, d.e.y_support, d.e.supports, given),
                     queries = check_set(&d, d.e.x_query, d.e.y_query, d.e.queries, asked);
        assert_int_equal(shots, 3);
        assert_true(queries >= 1);
        check_different(&d);
        for (size_t w = 1; w <= WAYS; w++)
            assert_true(given[w] == asked[w]); /* a class that is asked for was shown */
        several += given[2];
        of_second_set += d.f->class[d.class[0]].domain;
    }
    assert_true(several > EPISODES / 3);
    assert_in_range(of_second_set, EPISODES / 10, EPISODES / 2);
    end(&d);
}

/* Of fewer shots the room that is left holds nothing known. */
static void fewer_shots(void **state)
{
    struct drawn d;
    size_t count[5] = {0};
    begin(&d, *state, &(struct protocol){.ways = 1, .shots = 4, .queries = 4, .fewer = true});
    for (uint64_t i = 0; i < EPISODES; i++) {
        bool there[WAYS + 1] = {false};
        episode_draw(d.f, &d.p, 6, i, &d.e);
        const size_t shots = check_set(&d, d.e.x_support, d.e.y_support, d.e.supports, there);
        assert_in_range(shots, 1, 4);
        count[shots]++;
        check_different(&d);
        for (size_t k = shots; k < 4; k++) { /* the rest comes last, as copies of the first */
            assert_true(is_blank(d.e.y_support + k * PLACES));
            assert_memory_equal(d.e.x_support + k * INPUT, d.e.x_support, INPUT * sizeof(float));
        }
    }
    for (size_t k = 1; k <= 4; k++)
        assert_true(count[k] > EPISODES / 20);
    end(&d);
}

static void drawn_by_number(void **state)
{
    struct drawn d;
    float x[3 * INPUT], y[3 * PLACES];
    begin(&d, *state, &(struct protocol){.ways = 2, .shots = 3, .queries = 3, .augment = 1});
    episode_draw(d.f, &d.p, 7, 3, &d.e);
    memcpy(x, d.e.x_support, sizeof x);
    memcpy(y, d.e.y_query, sizeof y);
    episode_draw(d.f, &d.p, 7, 4, &d.e);
    assert_memory_not_equal(x, d.e.x_support, sizeof x);
    episode_draw(d.f, &d.p, 7, 3, &d.e);
    assert_memory_equal(x, d.e.x_support, sizeof x);
    assert_memory_equal(y, d.e.y_query, sizeof y);
    end(&d);
}

static void classes_left_out(void **state)
{
    struct drawn d;
    begin(&d, *state, &(struct protocol){.ways = WAYS, .shots = 1, .queries = 2});
    for (size_t c = 0; c < MASK_CLASSES; c++)
        d.f->class[c].left_out = c != 2;
    for (uint64_t i = 0; i < EPISODES / 10; i++) {
        bool there[WAYS + 1] = {false};
        episode_draw(d.f, &d.p, 8, i, &d.e);
        for (size_t w = 0; w < WAYS; w++)
            assert_int_equal(d.class[w], 2);
        check_set(&d, d.e.x_support, d.e.y_support, d.e.supports, there);
        assert_true(there[1] && !there[2] && !there[3]);
    }
    end(&d);
}

static void refused(void **state)
{
    static const struct {
        struct protocol p;
        t2m_status status;
        const char *says;
    } row[] = {
        {{.ways = 1, .shots = 0, .queries = 1}, T2M_EUSAGE, "at least 1"},
        {{.ways = 0, .shots = 1, .queries = 1}, T2M_EUSAGE, "at least 1"},
        {{.ways = 65, .shots = 1, .queries = 1}, T2M_EUSAGE, "at most"},
        {{.ways = 1, .shots = 300, .queries = 300}, T2M_EUSAGE, "at most"},
        {{.ways = 1, .shots = 12, .queries = 1}, T2M_EDATA, "in more than 12 pictures"},
    };
    t2m_family *f = check_masks(*state, SIDE);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(mask_episode_check(f, &row[i].p), row[i].status);
        check_says(*state, row[i].says);
    }
    t2m_family_free(f);
}

/* ---- what is measured ---- */

static void intersection_over_union(void **state)
{
    /* six pixels, two classes: the last is to be ignored */
    const float y[] = {2, 1, 3, -1, -1, -1, -2, 1, 1, 2, 5, 5}, truth[] = {1, 0, 1, 2, 2, -1},
                nothing[] = {0, 0, 0, 0, 0, -1};
    double dice;
    (void)state;
    /* said: 1, 1, none, 2, 2. Of class 1 one of two is right, of class 2 both */
    assert_true(fabs(masks_metric(y, truth, 6, 2, &dice) - (1.0 / 3 + 1) / 2) < 1e-12);
    assert_true(fabs(dice - 0.75) < 1e-12);
    assert_true(masks_metric(y, nothing, 6, 2, &dice) == 0 && dice == 0);
}

/* The log odds by the formula, of the few bins that occur. */
static void control_by_hand(void **state)
{
    t2m_family f = {.lib = *state, .kind = FAMILY_MASKS, .height = 1, .width = 8, .channels = 3};
    float x[8 * 3], y[8] = {1, 1, 0, 0, 0, 0, -1, -1}, odds[MASK_BAYES_BINS], said[8];
    for (size_t i = 0; i < 8; i++) /* class 1 is bright red, and so are two that are unknown */
        for (size_t k = 0; k < 3; k++)
            x[3 * i + k] = k == 0 && (y[i] == 1 || y[i] == -1) ? 1 : 0;
    const struct episode e = {
        .supports = 1, .queries = 1, .x_support = x, .y_support = y, .x_query = x, .y_query = y};
    mask_bayes_fit(&f, &e, 1, odds);
    mask_bayes_judge(&f, &e, 1, odds, said);
    const double colour = log((2 + 0.5) / (2 + 256)) - log(0.5 / (4 + 256)),
                 place = log((1 + 0.5) / (2 + 32)) - log(0.5 / (4 + 32)),
                 unseen = log(0.5 / (2 + 32)) - log(0.5 / (4 + 32)),
                 other = log(0.5 / (2 + 256)) - log((4 + 0.5) / (4 + 256)),
                 there = log(0.5 / (2 + 32)) - log(1.5 / (4 + 32));
    assert_true(fabs((double)said[0] - colour - place) < 1e-5);
    assert_true(fabs((double)said[7] - colour - unseen) < 1e-5);
    assert_true(fabs((double)said[3] - other - there) < 1e-5);
}

/* Colours tell nearly all in these pictures. */
static void control_knows_colours(void **state)
{
    struct drawn d;
    double dice, sum = 0;
    float odds[2 * MASK_BAYES_BINS], y[3 * PLACES * 2];
    begin(&d, *state, &(struct protocol){.ways = 2, .shots = 3, .queries = 3});
    for (uint64_t i = 0; i < 20; i++) {
        episode_draw(d.f, &d.p, 9, i, &d.e);
        mask_bayes_fit(d.f, &d.e, 2, odds);
        mask_bayes_judge(d.f, &d.e, 2, odds, y);
        sum += masks_metric(y, d.e.y_query, 3 * PLACES, 2, &dice) / 20;
    }
    end(&d);
}

/* ---- masks as files ---- */

static void palettes(void **state)
{
    static const size_t colours[] = {2, 3, 5, 17, 255, 256};
    static const struct label_rules none;
    unsigned char numbers[5 * 7], colour[256][3], *png = NULL;
    t2m *lib = *state;
    size_t n = 0;
    for (size_t i = 0; i < sizeof colour; i++)
        colour[i / 3][i % 3] = (unsigned char)(37 * i);
    for (size_t k = 0; k < sizeof colours / sizeof *colours; k++) {
        struct label back;
        for (size_t i = 0; i < sizeof numbers; i++)
            numbers[i] = (unsigned char)(i * 101 % colours[k]);
        assert_int_equal(
            t2m_png_encode_palette(lib, &png, &n, numbers, 5, 7, colour[0], colours[k]), T2M_OK);
        const struct bytes file = {png, n};
        assert_int_equal(label_decode(lib, &file, "a", &none, &back), T2M_OK);
        assert_true(back.height == 5 && back.width == 7);
        assert_memory_equal(back.ids, numbers, sizeof numbers);
        mem_free(lib, back.ids);
        t2m_free(lib, png);
    }
    numbers[8] = 4;
    assert_int_equal(t2m_png_encode_palette(lib, &png, &n, numbers, 5, 7, colour[0], 4),
                     T2M_EUSAGE);
    check_says(lib, "row 1, column");
    assert_int_equal(t2m_png_encode_palette(lib, &png, &n, numbers, 5, 7, colour[0], 257),
                     T2M_EUSAGE);
    check_says(lib, "not 257");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(labels_agree_with_pictures),
                                       cmocka_unit_test(fewer_shots),
                                       cmocka_unit_test(drawn_by_number),
                                       cmocka_unit_test(classes_left_out),
                                       cmocka_unit_test(refused),
                                       cmocka_unit_test(intersection_over_union),
                                       cmocka_unit_test(control_by_hand),
                                       cmocka_unit_test(control_knows_colours),
                                       cmocka_unit_test(palettes)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
