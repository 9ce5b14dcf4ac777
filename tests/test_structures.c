/* test_structures.c: structures for pictures: slopes beside differences, statistics, sizes. */
#include "check.h"

#include "mapping/learner.h"

static struct structure parse(t2m *lib, const char *text, int64_t side)
{
    struct structure s;
    assert_int_equal(structure_parse(lib, text, &s), T2M_OK);
    s.height = s.width = side;
    s.channels = 2;
    s.outputs = 3;
    assert_int_equal(structure_check(lib, &s), T2M_OK);
    return s;
}

static const char *const pictures[] = {"conv4:2", "resnet:2,3", "resnet:2"};
enum { PICTURES = sizeof pictures / sizeof *pictures, IMAGES = 5, SIDE = 16 };

/* d sum(weight features^2) / dm along a random direction, in double, by the graph and by
 * differences; of the norms of the batch and of given ones. */
static void slopes(void **state)
{
    t2m *lib = *state;
    for (int i = 0; i < 2 * PICTURES; i++) {
        const struct structure s = parse(lib, pictures[i / 2], SIDE);
        struct layout l;
        t2m_graph *g;
        structure_layout(&s, &l);
        assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
        const int64_t numel = (int64_t)l.numel, statistics = (int64_t)l.statistics;
        const t2m_value in[] = {t2m_input(g, "m", 1, &numel), structure_input(g, &s, "x", IMAGES),
                                t2m_input(g, "given", 1, &statistics),
                                t2m_input(g, "direction", 1, &numel)};
        struct norm_use norm = {i % 2 ? NORM_GIVEN : NORM_BATCH, in[2], {0}};
        const t2m_value h = structure_features(g, &s, in[0], in[1], &norm);
        assert_int_equal(t2m_dim(g, h, 1), l.features);
        assert_int_equal(check_numel(g, norm.seen), l.statistics);
        const t2m_value weight = t2m_sin(g, t2m_iota(g, (int64_t)l.features)),
                        y = t2m_sum_all(g, t2m_mul(g, t2m_square(g, h), weight)),
                        gradient = t2m_grad(g, y, in[0]),
                        slope = t2m_sum_all(g, t2m_mul(g, gradient, in[3]));
        double *x[] = {check_room(l.numel), check_room(IMAGES * SIDE * SIDE * 2),
                       check_room(l.statistics), check_room(l.numel)};
        const size_t size[] = {l.numel, IMAGES * SIDE * SIDE * 2, l.statistics, l.numel};
        struct random r = random_stream(3, 4, (uint64_t)i);
        for (int k = 0; k < 4; k++)
            for (size_t n = 0; n < size[k]; n++)
                x[k][n] = k == 2 ? random_uniform(&r, 0.5, 1) : random_normal(&r);
        double *exact = check_run(lib, g, in, x, 4, slope, T2M_F64, false), sum[2];
        const double step = 1e-7;
        for (int k = 0; k < 2; k++) {
            for (size_t n = 0; n < l.numel; n++)
                x[0][n] += (k ? -2 : 1) * step * x[3][n];
            double *value = check_run(lib, g, in, x, 4, y, T2M_F64, false);
            sum[k] = *value;
            free(value);
        }
        if (!(fabs((sum[0] - sum[1]) / (2 * step) - *exact) < 1e-5 * fabs(*exact)))
            fail_msg("%s: %g, not %g", pictures[i / 2], *exact, (sum[0] - sum[1]) / (2 * step));
        for (int k = 0; k < 4; k++)
            free(x[k]);
        free(exact);
        t2m_graph_free(g);
    }
}

/* A learner begins with means of 0 and variances of 1, norm by norm. */
static void statistics(void **state)
{
    t2m *lib = *state;
    const struct structure s = parse(lib, "resnet:2,3", SIDE);
    struct candidate c = {.structure = s};
    const struct t2m_learner l = {.lib = lib, .candidates = 1, .candidate = &c};
    const int width[] = {2, 2, 2, 3, 3, 3, 3};
    float start[36];
    size_t at = 0;
    structure_layout(&s, &c.layout);
    assert_int_equal(c.layout.statistics, 36);
    learner_start_statistics(&l, start);
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 2 * width[i]; k++)
            assert_true(start[at++] == (k < width[i] ? 0 : 1));
}

static void sizes(void **state)
{
    t2m *lib = *state;
    const struct structure conv4 = parse(lib, "conv4:2", SIDE),
                           res = parse(lib, "resnet:2,3", SIDE);
    struct structure deep = parse(lib, "resnet:1,1,1,1,1", 32);
    char text[96];
    structure_text(&res, text);
    assert_string_equal(text, "resnet:2,3");
    assert_int_equal(structure_macs(&conv4), 36 * (256 + 64 + 16 + 4) + 2 * 3);
    assert_int_equal(structure_macs(&res), 256 * 36 + 64 * (36 + 4 + 54) + 16 * (81 + 6) + 3 * 3);
    assert_int_equal(structure_activations(&conv4), 512 + 2 * (256 + 64 + 16 + 4));
    deep.height = 31;
    assert_int_equal(structure_check(lib, &deep), T2M_EUSAGE);
    assert_non_null(
        strstr(t2m_errmsg(lib), "resnet needs images of at least 32 x 32, not 31 x 32"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slopes),
        cmocka_unit_test(statistics),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
