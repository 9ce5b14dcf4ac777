/* test_plan.c: what a plan keeps in memory, and what it computes again. */
#include "check.h"

#include "engine/plan/plan.h"

enum { ROWS = 512, IN = 8, WIDTH = 512, OUT = 4, REST = 300000 };

/* Buffers of at least so many reals that groups write */
static size_t written_by_groups(const t2m_plan *plan, size_t numel)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->steps; i++)
        for (uint32_t k = 0; plan->step[i].group && k < plan->step[i].writes; k++)
            count += plan->buffer[plan->step[i].write[k]].numel >= numel;
    return count;
}

static void same_bits(t2m *lib, t2m_graph *g, const t2m_value *in, size_t n, t2m_value y)
{
    double *x[4];
    for (size_t i = 0; i < n; i++) {
        struct random r = random_stream(5, 6, i);
        x[i] = check_room(check_numel(g, in[i]));
        for (size_t k = 0; k < check_numel(g, in[i]); k++)
            x[i][k] = random_uniform(&r, -1, 1);
    }
    double *planned = check_run(lib, g, in, x, n, y, T2M_F32, false),
           *plain = check_run(lib, g, in, x, n, y, T2M_F32, true);
    assert_memory_equal(planned, plain, check_numel(g, y) * sizeof *plain);
    for (size_t i = 0; i < n; i++)
        free(x[i]);
    free(planned);
    free(plain);
}

/* The gradient of x (a x^2 + b), x = rows w + c, needs x, x^2 and a x^2 + b, all of which a few
 * operations make from the product again: groups write the result and its gradient only. */
static void chains_are_computed_again(void **state)
{
    t2m *lib = *state;
    t2m_graph *g;
    const int64_t rows[] = {ROWS, IN}, numel = IN * WIDTH + WIDTH + WIDTH * OUT + REST;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "theta", 1, &numel), t2m_input(g, "rows", 2, rows)};
    const t2m_value w = t2m_reshape(g, t2m_slice(g, in[0], 0, 0, IN * WIDTH), 2,
                                    (const int64_t[]){IN, WIDTH}),
                    c = t2m_slice(g, in[0], 0, IN * WIDTH, WIDTH),
                    v = t2m_reshape(g, t2m_slice(g, in[0], 0, IN * WIDTH + WIDTH, WIDTH * OUT), 2,
                                    (const int64_t[]){WIDTH, OUT}),
                    x = t2m_add(g, t2m_matmul(g, in[1], w), c),
                    slope = t2m_axpy(g, 0.3, t2m_square(g, x), t2m_constant(g, 0.7)),
                    y = t2m_matmul(g, t2m_mul(g, x, slope), v),
                    gradient = t2m_grad(g, t2m_sum_all(g, t2m_square(g, y)), in[0]);
    t2m_plan *plan = NULL;
    assert_int_equal(t2m_compile(g, in, 2, &gradient, 1, NULL, &plan), T2M_OK);
    assert_int_equal(written_by_groups(plan, (size_t)ROWS * WIDTH), 2);
    t2m_plan_free(plan);
    same_bits(lib, g, in, 2, gradient);
    t2m_graph_free(g);
}

/* Sums that are steps of their own, over at least so many numbers */
static size_t lone_sums(const t2m_plan *plan, size_t numel)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->steps; i++)
        count += plan->step[i].node && plan->step[i].node->op == &op_sum &&
                 plan->buffer[plan->step[i].read[0]].numel >= numel;
    return count;
}

/* The sums of x and of (x + c) d read x in one pass, though between them stands x + c, which waits
 * for the sum of x. */
static void readers_of_a_stage_meet(void **state)
{
    t2m *lib = *state;
    t2m_graph *g;
    const int64_t width = WIDTH;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "rows", 2, (const int64_t[]){ROWS, IN}),
                            t2m_input(g, "w", 2, (const int64_t[]){IN, WIDTH}),
                            t2m_input(g, "c", 1, &width),
                            t2m_input(g, "d", 2, (const int64_t[]){ROWS, WIDTH})};
    const t2m_value x = t2m_matmul(g, in[0], in[1]), sum = t2m_sum(g, x, 0, 1),
                    moved = t2m_add(g, x, in[2]), late = t2m_exp(g, t2m_mul(g, moved, sum)),
                    early = t2m_sum(g, t2m_mul(g, moved, in[3]), 0, 1),
                    y = t2m_mul(g, t2m_sum(g, late, 0, 1), early);
    t2m_plan *plan = NULL;
    assert_int_equal(t2m_compile(g, in, 4, &y, 1, NULL, &plan), T2M_OK);
    assert_int_equal(lone_sums(plan, (size_t)ROWS * WIDTH), 0);
    t2m_plan_free(plan);
    same_bits(lib, g, in, 4, y);
    t2m_graph_free(g);
}

/* A tile holds whole rows of what is repeated: biases of each task [7, 1, 40] are loaded once for
 * the 10 rows of a task, the same bias [40] for all once in all. */
static void tiles_hold_whole_rows(void **state)
{
    t2m *lib = *state;
    t2m_graph *g;
    const int64_t dim[] = {7, 10, 40}, bias[] = {7, 1, 40};
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "x", 3, dim), t2m_input(g, "each", 3, bias),
                            t2m_input(g, "one", 1, bias + 2)};
    for (int i = 1; i < 3; i++) {
        const t2m_value y = t2m_exp(g, t2m_relu(g, t2m_add(g, in[0], in[i])));
        t2m_plan *plan = NULL;
        assert_int_equal(t2m_compile(g, in, 3, &y, 1, NULL, &plan), T2M_OK);
        const struct group *group = plan->step[0].group;
        size_t loaded = 0;
        for (size_t k = 0; k < group->slots; k++)
            loaded += group->slot[k].kind == SLOT_LOADED;
        assert_int_equal(group->tile, i == 1 ? 400 : 480);
        assert_int_equal(loaded, i == 1);
        t2m_plan_free(plan);
        same_bits(lib, g, in, 3, y);
    }
    t2m_graph_free(g);
}

static t2m_value loss_of_halves(t2m_graph *g, t2m_value theta, t2m_value x)
{
    const t2m_value first = t2m_slice(g, theta, 0, 0, 3), last = t2m_slice(g, theta, 0, 3, 3);
    return t2m_sum_all(g, t2m_exp(g, t2m_mul(g, t2m_mul(g, first, last), x)));
}

/* Copies for many tasks compute the pieces of a step along a gradient apart: no concat is left. A
 * gradient with respect to the whole step, which then nothing uses, is refused. */
static void steps_are_taken_by_pieces(void **state)
{
    t2m *lib = *state;
    t2m_graph *g;
    const int64_t numel = 6, half = 3, all[] = {4, 3};
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value theta = t2m_input(g, "theta", 1, &numel), x = t2m_input(g, "x", 1, &half),
                    xs = t2m_input(g, "xs", 2, all),
                    step =
                        t2m_axpy(g, -0.1, t2m_grad(g, loss_of_halves(g, theta, x), theta), theta);
    const t2m_value y[] = {loss_of_halves(g, step, x), step}, in[] = {theta, xs};
    t2m_value many[2];
    t2m_vmap(g, 4, &x, &xs, 1, y, many, 2);
    t2m_plan *plan = NULL;
    assert_int_equal(t2m_compile(g, in, 2, many, 1, NULL, &plan), T2M_OK);
    for (size_t i = 0; i < plan->steps; i++)
        assert_false(plan->step[i].node && plan->step[i].node->op == &op_concat);
    t2m_plan_free(plan);
    same_bits(lib, g, in, 2, many[0]);
    t2m_grad(g, t2m_sum_all(g, many[0]), many[1]);
    assert_int_not_equal(t2m_graph_status(g), T2M_OK);
    t2m_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_are_computed_again), cmocka_unit_test(readers_of_a_stage_meet),
        cmocka_unit_test(tiles_hold_whole_rows), cmocka_unit_test(steps_are_taken_by_pieces)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
