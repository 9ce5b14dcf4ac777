/* test_ops.c: walks the table of ops. For every op, variant and odd size: gradients of orders 1 to
 * 3 against central differences in double, jvp against vjp, vmap against a loop over tasks, the
 * plan against the unplanned run bit for bit, every instruction set against the plain one. */
#include "check.h"

#include "engine/compute/kernels.h"

static const int64_t sizes[] = {0, 1, 7, 8, 9, 31, 33};
enum { SIZES = sizeof sizes / sizeof *sizes, ORDERS = 3, TASKS = 3 };

struct example { /* an op's sample with numbers */
    t2m_graph *g;
    const struct op *op;
    struct sample s;
    t2m_value y;
    t2m_value in[SAMPLE_MAX_INPUTS];
    double *x[SAMPLE_MAX_INPUTS];
};

static void draw(const struct sample_input *in, const t2m_graph *g, struct random *r, double *x)
{
    const size_t n = check_numel(g, in->value);
    const int rank = t2m_rank(g, in->value);
    const size_t side = rank ? (size_t)t2m_dim(g, in->value, -1) : 1;
    for (size_t i = 0; i < n; i++) {
        x[i] = random_uniform(r, in->low, in->high);
        if (in->whole)
            x[i] = floor(x[i]);
        x[i] = (double)(float)x[i];
    }
    for (size_t i = 0; in->diagonal != 0 && i < n; i += side * side)
        for (size_t k = 0; k < side; k++)
            x[i + k * side + k] += in->diagonal;
}

/* False when the op has no such variant. */
static bool example_make(struct example *e, t2m *lib, const struct op *op, int variant,
                         int64_t size)
{
    *e = (struct example){.op = op, .s = {.variant = variant, .size = size}};
    if (!op->sample)
        return false;
    assert_int_equal(t2m_graph_new(lib, &e->g), T2M_OK);
    e->y = op->sample(e->g, &e->s);
    if (t2m_graph_status(e->g) != T2M_OK)
        fail_msg("%s: %s", op->name, t2m_errmsg(lib));
    if (!e->y.id) {
        t2m_graph_free(e->g);
        return false;
    }
    struct random r = random_stream(7, (uint64_t)variant, (uint64_t)size);
    for (size_t i = 0; i < e->s.count; i++) {
        e->in[i] = e->s.input[i].value;
        e->x[i] = check_room(check_numel(e->g, e->in[i]));
        draw(&e->s.input[i], e->g, &r, e->x[i]);
    }
    return true;
}

static void example_free(struct example *e)
{
    for (size_t i = 0; i < e->s.count; i++)
        free(e->x[i]);
    t2m_graph_free(e->g);
}

static double *example_run(struct example *e, t2m *lib, t2m_value y, t2m_precision p,
                           bool unplanned)
{
    return check_run(lib, e->g, e->in, e->x, e->s.count, y, p, unplanned);
}

/* ---- gradients ---- */

/* A constant of pseudo-random numbers shaped like v: sin(a k + b). */
static t2m_value weights(t2m_graph *g, t2m_value v, double b)
{
    const t2m_value k = t2m_iota(g, (int64_t)check_numel(g, v));
    int64_t dim[8];
    for (int i = 0; i < t2m_rank(g, v); i++)
        dim[i] = t2m_dim(g, v, i);
    const t2m_value w = t2m_sin(g, t2m_add(g, t2m_scale(g, 1.7, k), t2m_constant(g, b)));
    return t2m_reshape(g, w, t2m_rank(g, v), dim);
}

static t2m_value inner_product(t2m_graph *g, t2m_value a, t2m_value b)
{
    return t2m_sum_all(g, t2m_mul(g, a, b));
}

static double at_shift(struct example *e, t2m *lib, t2m_value loss, double h)
{
    struct example moved = *e;
    for (size_t i = 0; i < e->s.count; i++) {
        const size_t n = check_numel(e->g, e->in[i]);
        moved.x[i] = check_room(n);
        for (size_t k = 0; k < n; k++)
            moved.x[i][k] =
                e->x[i][k] + (e->s.input[i].whole ? 0 : h * sin(1.7 * (double)k + (double)i));
    }
    double *v = example_run(&moved, lib, loss, T2M_F64, false);
    const double result = *v;
    free(v);
    for (size_t i = 0; i < e->s.count; i++)
        free(moved.x[i]);
    return result;
}

/* The derivative along a direction, and the same by central differences, three times over. */
static void check_gradients(struct example *e, t2m *lib)
{
    const double h = 1e-4;
    t2m_value loss = inner_product(e->g, t2m_sin(e->g, e->y), weights(e->g, e->y, 0.3));
    for (int order = 1; order <= ORDERS; order++) {
        t2m_value next = t2m_constant(e->g, 0), grad[SAMPLE_MAX_INPUTS];
        t2m_value forward = t2m_constant(e->g, 0);
        t2m_vjp(e->g, loss, t2m_constant(e->g, 1), e->in, e->s.count, grad);
        for (size_t i = 0; i < e->s.count; i++) {
            if (e->s.input[i].whole)
                continue;
            const t2m_value v = weights(e->g, e->in[i], (double)i);
            next = t2m_add(e->g, next, inner_product(e->g, grad[i], v));
            if (order == 1)
                forward = t2m_add(e->g, forward, t2m_jvp(e->g, loss, e->in[i], v));
        }
        double *exact = example_run(e, lib, next, T2M_F64, false);
        const double far =
                         (at_shift(e, lib, loss, 2 * h) - at_shift(e, lib, loss, -2 * h)) / (4 * h),
                     near = (at_shift(e, lib, loss, h) - at_shift(e, lib, loss, -h)) / (2 * h),
                     slope = (4 * near - far) / 3; /* Richardson: error h^4 */
        if (!(fabs(*exact - slope) <= 1e-6 * (1 + fabs(slope))))
            fail_msg("%s variant %d size %d order %d: %.12g, by differences %.12g", e->op->name,
                     e->s.variant, (int)e->s.size, order, *exact, slope);
        if (order == 1) {
            double *v = example_run(e, lib, forward, T2M_F64, false);
            if (!(fabs(*v - *exact) <= 1e-9 * (1 + fabs(*exact))))
                fail_msg("%s variant %d size %d: jvp %.12g, vjp %.12g", e->op->name, e->s.variant,
                         (int)e->s.size, *v, *exact);
            free(v);
        }
        free(exact);
        loss = next;
    }
}

/* ---- vmap ---- */

/* Task t has its own numbers for the inputs whose bit is set in `batched`. */
static void check_vmap(struct example *e, t2m *lib, unsigned batched)
{
    t2m_graph *g = e->g;
    struct random r = random_stream(8, 0, 0);
    t2m_value to[SAMPLE_MAX_INPUTS], all;
    double *x[SAMPLE_MAX_INPUTS];
    for (size_t i = 0; i < e->s.count; i++) {
        const size_t n = check_numel(g, e->in[i]);
        int64_t dim[8] = {TASKS};
        for (int k = 0; k < t2m_rank(g, e->in[i]); k++)
            dim[k + 1] = t2m_dim(g, e->in[i], k);
        const bool many = batched >> i & 1;
        to[i] = many ? t2m_input(g, "task", t2m_rank(g, e->in[i]) + 1, dim) : e->in[i];
        x[i] = check_room(TASKS * n);
        for (size_t t = 0; t < TASKS; t++)
            draw(&e->s.input[i], g, &r, x[i] + (many ? t * n : 0));
    }
    t2m_vmap(g, TASKS, e->in, to, e->s.count, &e->y, &all, 1);
    double *together = check_run(lib, g, to, x, e->s.count, all, T2M_F64, false);
    const size_t n_y = check_numel(g, e->y);
    for (size_t t = 0; t < TASKS; t++) {
        double *one_x[SAMPLE_MAX_INPUTS];
        for (size_t i = 0; i < e->s.count; i++)
            one_x[i] = x[i] + (batched >> i & 1 ? t * check_numel(g, e->in[i]) : 0);
        double *one = check_run(lib, g, e->in, one_x, e->s.count, e->y, T2M_F64, false);
        for (size_t k = 0; k < n_y; k++)
            if (!(fabs(one[k] - together[t * n_y + k]) <= 1e-12 * (1 + fabs(one[k]))))
                fail_msg("%s variant %d size %d: vmap task %d gives %.17g, alone %.17g",
                         e->op->name, e->s.variant, (int)e->s.size, (int)t, together[t * n_y + k],
                         one[k]);
        free(one);
    }
    free(together);
    for (size_t i = 0; i < e->s.count; i++)
        free(x[i]);
}

/* ---- plans and instruction sets ---- */

static void check_plan(struct example *e, t2m *lib, t2m_value y, t2m_precision p)
{
    double *planned = example_run(e, lib, y, p, false), *plain = example_run(e, lib, y, p, true);
    if (memcmp(planned, plain, check_numel(e->g, y) * sizeof *plain) != 0)
        fail_msg("%s variant %d size %d: the plan changes bits", e->op->name, e->s.variant,
                 (int)e->s.size);
    free(planned);
    free(plain);
}

static void check_isa(struct example *e, t2m *lib, t2m_value y)
{
    const struct kernels *const *list, *mine = lib->kernels;
    const size_t n = kernels_available(&list), n_y = check_numel(e->g, y);
    lib->kernels = list[0];
    double *base = example_run(e, lib, y, T2M_F32, false);
    for (size_t i = 1; i < n; i++) {
        lib->kernels = list[i];
        double *other = example_run(e, lib, y, T2M_F32, false);
        for (size_t k = 0; k < n_y; k++)
            if (!(fabs(other[k] - base[k]) <= 1e-5 * (1 + fabs(base[k]))))
                fail_msg("%s variant %d size %d: %s %.9g, base %.9g", e->op->name, e->s.variant,
                         (int)e->s.size, list[i]->isa, other[k], base[k]);
        free(other);
    }
    free(base);
    lib->kernels = mine;
}

static void check_example(struct example *e, t2m *lib)
{
    t2m_value grad[SAMPLE_MAX_INPUTS];
    const t2m_value loss = t2m_sum_all(e->g, t2m_tanh(e->g, e->y));
    t2m_vjp(e->g, loss, t2m_constant(e->g, 1), e->in, e->s.count, grad);
    check_plan(e, lib, e->y, T2M_F32);
    check_plan(e, lib, e->y, T2M_F64);
    check_isa(e, lib, e->y);
    for (size_t i = 0; i < e->s.count; i++)
        check_plan(e, lib, grad[i], T2M_F32);
    for (unsigned batched = 1; batched < 1u << e->s.count; batched++)
        check_vmap(e, lib, batched);
    check_gradients(e, lib);
}

static void check_op(t2m *lib, const struct op *op)
{
    struct example e;
    for (int variant = 0;; variant++) {
        int made = 0;
        for (size_t i = 0; i < SIZES; i++) {
            if (!example_make(&e, lib, op, variant, sizes[i]))
                continue;
            made++;
            check_example(&e, lib);
            example_free(&e);
        }
        if (!made)
            return;
    }
}

/* ---- operands that are parts of larger arrays ---- */

/* The example with each operand cut out of an input that is wider along `axis`, counted from the
 * end: the same bits. */
static void check_parts(struct example *e, t2m *lib, int axis)
{
    t2m_value wide[SAMPLE_MAX_INPUTS], part[SAMPLE_MAX_INPUTS], y;
    double *x[SAMPLE_MAX_INPUTS];
    for (size_t i = 0; i < e->s.count; i++) {
        const int rank = t2m_rank(e->g, e->in[i]), at = rank > axis ? rank - 1 - axis : 0;
        int64_t dim[8] = {0}, inner = 1;
        for (int k = 0; k < rank; k++) {
            dim[k] = t2m_dim(e->g, e->in[i], k);
            inner *= k >= at ? dim[k] : 1;
        }
        const int64_t step = rank && dim[at] ? inner / dim[at] : 1;
        dim[at] += 3 * (rank > 0);
        wide[i] = t2m_input(e->g, "wide", rank, dim);
        part[i] = rank ? t2m_slice(e->g, wide[i], at, 2, dim[at] - 3) : wide[i];
        const size_t n = check_numel(e->g, wide[i]);
        x[i] = check_room(n);
        for (size_t k = 0; k < n; k++)
            x[i][k] = 77;
        for (size_t k = 0; k < check_numel(e->g, e->in[i]); k++)
            x[i][rank ? (int64_t)k / inner * (inner + 3 * step) + 2 * step + (int64_t)k % inner
                      : (int64_t)k] = e->x[i][k];
    }
    t2m_replay(e->g, e->in, part, e->s.count, &e->y, &y, 1);
    double *whole = example_run(e, lib, e->y, T2M_F32, false),
           *parts = check_run(lib, e->g, wide, x, e->s.count, y, T2M_F32, false);
    if (memcmp(whole, parts, check_numel(e->g, y) * sizeof *parts) != 0)
        fail_msg("%s variant %d size %d: other numbers of a part along axis -%d", e->op->name,
                 e->s.variant, (int)e->s.size, axis + 1);
    free(whole);
    free(parts);
    for (size_t i = 0; i < e->s.count; i++)
        free(x[i]);
}

static void operands_as_parts(void **state)
{
    t2m *lib = check_open(NULL, 1);
    struct example e;
    (void)state;
    for (size_t i = 0; i < op_count + POINTWISE_COUNT; i++) {
        const struct op *op = i < op_count ? op_table[i] : op_pointwise[i - op_count];
        for (int variant = 0; example_make(&e, lib, op, variant, 9); variant++) {
            for (int axis = 0; axis < 4; axis++)
                check_parts(&e, lib, axis);
            example_free(&e);
        }
    }
    t2m_close(lib);
}

static void every_op(void **state)
{
    t2m *lib = check_open(NULL, 1);
    (void)state;
    for (size_t i = 0; i < POINTWISE_COUNT; i++)
        check_op(lib, op_pointwise[i]);
    for (size_t i = 0; i < op_count; i++)
        check_op(lib, op_table[i]);
    t2m_close(lib);
}

/* Arrays beyond the caches, where values are computed again rather than kept: a norm and its
 * gradient, [tasks, rows, columns] and, after a reshape, with other axes. */
static void large_arrays(void **state)
{
    t2m *lib = check_open(NULL, 1);
    const int64_t dim[] = {1, 3000, 100}, rows[] = {3000, 100};
    t2m_graph *g;
    (void)state;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value x = t2m_input(g, "x", 3, dim), mean = t2m_mean(g, x, 0, 2),
                    centred = t2m_sub(g, x, mean), var = t2m_mean(g, t2m_square(g, centred), 0, 2),
                    y = t2m_relu(g,
                                 t2m_mul(g, t2m_reshape(g, centred, 2, rows), t2m_rsqrt(g, var))),
                    loss = inner_product(g, y, weights(g, y, 1)), gx = t2m_grad(g, loss, x);
    const t2m_value all[] = {y, loss, gx, t2m_grad(g, inner_product(g, gx, weights(g, gx, 2)), x)};
    double *numbers = check_room(check_numel(g, x));
    struct random r = random_stream(9, 0, 0);
    for (size_t i = 0; i < check_numel(g, x); i++)
        numbers[i] = (double)(float)random_normal(&r);
    for (size_t i = 0; i < 4; i++)
        for (int p = 0; p < 2; p++) {
            const t2m_precision precision = p ? T2M_F64 : T2M_F32;
            double *planned = check_run(lib, g, &x, &numbers, 1, all[i], precision, false),
                   *plain = check_run(lib, g, &x, &numbers, 1, all[i], precision, true);
            assert_memory_equal(planned, plain, check_numel(g, all[i]) * sizeof *plain);
            free(planned);
            free(plain);
        }
    free(numbers);
    t2m_graph_free(g);
    t2m_close(lib);
}

/* A profile has a line for every step, and computes what a run computes. */
static void profile(void **state)
{
    t2m *lib = check_open(NULL, 1);
    const int64_t dim[] = {20, 20};
    float x[400], run[400], profiled[400];
    t2m_graph *g;
    t2m_plan *plan;
    t2m_workspace *w;
    t2m_plan_info info;
    (void)state;
    for (int i = 0; i < 400; i++)
        x[i] = (float)i * 0.01F;
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in = t2m_input(g, "x", 2, dim), y = t2m_exp(g, t2m_matmul(g, in, in));
    assert_int_equal(t2m_compile(g, &in, 1, &y, 1, NULL, &plan), T2M_OK);
    assert_int_equal(t2m_workspace_new(plan, &w), T2M_OK);
    const void *from = x;
    void *to = run, *other = profiled;
    t2m_run(plan, w, &from, &to);
    char *text = t2m_profile(plan, w, &from, &other, 2);
    assert_non_null(text);
    assert_memory_equal(run, profiled, sizeof run);
    t2m_plan_describe(plan, &info);
    assert_int_equal(info.steps, 2);
    assert_non_null(strstr(text, "matmul [20, 20]"));
    assert_non_null(strstr(text, "all, 2 steps"));
    t2m_free(lib, text);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(g);
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_op),
                                       cmocka_unit_test(operands_as_parts),
                                       cmocka_unit_test(large_arrays), cmocka_unit_test(profile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
