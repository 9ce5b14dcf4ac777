/* test_photo.c: random changes of photographs and of the labels of their pixels. */
#include "check_few.h"

#include <math.h>

#include "files/image.h"
#include "task/photo.h"

enum { HIGH = 12, WIDE = 17, PIXELS = HIGH * WIDE, NUMBERS = 3 * PIXELS };

/* x [n], and the same as numbers. */
static void picture(unsigned char *x, size_t n, float *numbers)
{
    struct random r = random_stream(5, 6, 7);
    for (size_t i = 0; i < n; i++)
        x[i] = (unsigned char)random_below(&r, 256);
    image_numbers(x, n, numbers);
}

static void no_change_gives_the_same_pixels(void **state)
{
    unsigned char x[NUMBERS];
    float same[NUMBERS], y[NUMBERS];
    struct random r = random_stream(1, 2, 3);
    (void)state;
    const struct photo_change none = photo_change_draw(&r, 0);
    picture(x, NUMBERS, same);
    photo_apply(&none, x, HIGH, WIDE, 3, y);
    assert_memory_equal(same, y, sizeof y);
}

static void a_flip_twice_is_none(void **state)
{
    unsigned char x[NUMBERS], mirrored[NUMBERS];
    float same[NUMBERS], y[NUMBERS], z[NUMBERS];
    struct random r = random_stream(1, 2, 3);
    (void)state;
    struct photo_change flip = photo_change_draw(&r, 0);
    flip.flip = true;
    picture(x, NUMBERS, same);
    photo_apply(&flip, x, HIGH, WIDE, 3, y);
    assert_memory_not_equal(same, y, sizeof y);
    for (size_t i = 0; i < NUMBERS; i++)
        mirrored[i] = (unsigned char)lroundf(255 * y[i]);
    photo_apply(&flip, mirrored, HIGH, WIDE, 3, z);
    assert_memory_equal(same, z, sizeof z);
}

/* Each of the six orders takes every channel once, and none is another's. */
static void channels_change_places(void **state)
{
    unsigned char x[NUMBERS];
    float same[NUMBERS], y[NUMBERS];
    bool seen[27] = {false};
    struct random r = random_stream(1, 2, 3);
    (void)state;
    struct photo_change p = photo_change_draw(&r, 0);
    picture(x, NUMBERS, same);
    for (p.exchange = 0; p.exchange < 6; p.exchange++) {
        int from[3] = {-1, -1, -1};
        photo_apply(&p, x, HIGH, WIDE, 3, y);
        for (int to = 0; to < 3; to++)
            for (int k = 0; k < 3; k++)
                if (y[to] == same[k] && y[NUMBERS - 3 + to] == same[NUMBERS - 3 + k])
                    from[to] = k;
        assert_true(from[0] >= 0 && from[1] >= 0 && from[2] >= 0);
        assert_true(from[0] != from[1] && from[1] != from[2] && from[2] != from[0]);
        const int order = 9 * from[0] + 3 * from[1] + from[2];
        assert_false(seen[order]);
        seen[order] = true;
    }
}

/* A picture of two values, which are its labels. */
static void labels_follow_pixels(void **state)
{
    unsigned char label[PIXELS], moved[PIXELS], x[PIXELS];
    float y[PIXELS];
    (void)state;
    for (size_t i = 0; i < PIXELS; i++) {
        label[i] = (unsigned char)(i % WIDE < WIDE / 2 + i / WIDE % 2 ? 0 : 1);
        x[i] = (unsigned char)(255 * label[i]);
    }
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct random r = random_stream(seed, 0, 0);
        struct photo_change p = photo_change_draw(&r, 1);
        for (int k = 0; k < 3; k++)
            p.gain[k] = 1;
        p.saturation = p.contrast = p.brightness = 0;
        photo_apply(&p, x, HIGH, WIDE, 1, y);
        photo_apply_labels(&p, label, HIGH, WIDE, moved);
        for (size_t i = 0; i < PIXELS; i++) /* the nearest of four has a quarter of the weight */
            assert_true(moved[i] ? y[i] > 0.249F : y[i] < 0.751F);
    }
}

static void values_stay_values_and_seeds_decide(void **state)
{
    unsigned char x[NUMBERS];
    float unchanged[NUMBERS], y[NUMBERS], again[NUMBERS];
    size_t same = 0;
    (void)state;
    picture(x, NUMBERS, unchanged);
    for (uint64_t seed = 0; seed < 400; seed++)
        for (int strength = 1; strength <= 4; strength += 3) {
            struct random r = random_stream(seed, 0, 0), s = r;
            const struct photo_change p = photo_change_draw(&r, strength),
                                      q = photo_change_draw(&s, strength);
            photo_apply(&p, x, HIGH, WIDE, 3, y);
            photo_apply(&q, x, HIGH, WIDE, 3, again);
            assert_memory_equal(y, again, sizeof y);
            for (size_t i = 0; i < NUMBERS; i++)
                assert_true(y[i] >= 0 && y[i] <= 1);
            same += memcmp(unchanged, y, sizeof y) == 0;
        }
    assert_true(same > 160 && same < 240); /* about a quarter of 800 */
}

/* The part of a part, mirrored or not, is what doing one after the other gives. */
static void changes_of_a_task_are_joined(void **state)
{
    enum { SIDE = 64, LARGE = SIDE * SIDE };
    static unsigned char x[LARGE], once[LARGE], twice[LARGE], together[LARGE];
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        x[i] = (unsigned char)(i % SIDE / 8 + 8 * (i / SIDE / 8)); /* squares of 8 x 8 */
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct random r = random_stream(seed, 0, 0), s = r;
        const struct photo_change task = photo_change_of_task(&r, 1);
        s = r;
        const struct photo_change all = photo_change_in_task(&task, &r, 1);
        struct photo_change none = photo_change_of_task(&(struct random){0}, 0);
        none.flip = false;
        none.left = none.top = 0;
        none.wide = none.high = 1;
        struct photo_change own = photo_change_in_task(&none, &s, 1);
        assert_true(fabs(all.wide - task.wide * own.wide) < 1e-12);
        /* the picture is mirrored by chance, not with its task */
        own.flip = all.flip != task.flip;
        photo_apply_labels(&task, x, SIDE, SIDE, once);
        photo_apply_labels(&own, once, SIDE, SIDE, twice);
        photo_apply_labels(&all, x, SIDE, SIDE, together);
        size_t other = 0;
        for (size_t i = 0; i < LARGE; i++)
            other += twice[i] != together[i];
        assert_true(other < LARGE / 4); /* pixels at the edges of the squares, rounded twice */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_change_gives_the_same_pixels),
        cmocka_unit_test(a_flip_twice_is_none),
        cmocka_unit_test(channels_change_places),
        cmocka_unit_test(labels_follow_pixels),
        cmocka_unit_test(changes_of_a_task_are_joined),
        cmocka_unit_test(values_stay_values_and_seeds_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
