/* test_parallel.c: plans whose large steps are cut into parts: the same bits for any number of
 * threads and as an uncut plan, also when the threads are busy. */
#include "check.h"

#include "engine/compute/pool.h"
#include "engine/plan/plan.h"

enum { IMAGES = 75, SIDE = 14, CHANNELS = 24, WIDTH = 96, OUTPUTS = 3 };

struct net {
    t2m_graph *g;
    t2m_value in[4], out[OUTPUTS];
    float *x[4], *y[OUTPUTS];
    size_t numel[OUTPUTS];
};

/* Convolutions (by fewer products; and plain ones, strided), pooling, a concat, a transposed copy,
 * a product, pointwise work, and their gradients. */
static void make(t2m *lib, struct net *n)
{
    const int64_t image[] = {IMAGES, SIDE, SIDE, CHANNELS}, filter[] = {3, 3, CHANNELS, CHANNELS},
                  flat[] = {-1, CHANNELS},
                  matrix[] = {CHANNELS, WIDTH}, *const dim[] = {image, filter, matrix, flat};
    const int rank[] = {4, 4, 2};
    assert_int_equal(t2m_graph_new(lib, &n->g), T2M_OK);
    for (int i = 0; i < 3; i++)
        n->in[i] = t2m_input(n->g, "x", rank[i], dim[i]);
    t2m_graph *g = n->g;
    const t2m_value h = t2m_relu(g, t2m_conv2d(g, n->in[0], n->in[1], 1, 1));
    const t2m_value pooled = t2m_max_pool(g, h, 2, 2);
    const t2m_value turned = t2m_transpose(g, h, (const int[]){3, 0, 1, 2});
    const t2m_value product = t2m_matmul(g, t2m_reshape(g, h, 2, flat), n->in[2]);
    const t2m_value joined = t2m_concat(g, 3, (const t2m_value[]){h, n->in[0]}, 2);
    const t2m_value strided = t2m_conv2d(g, n->in[0], n->in[1], 2, 1);
    const t2m_value all[] = {t2m_sum_all(g, t2m_tanh(g, product)),
                             t2m_sum_all(g, t2m_square(g, pooled)), t2m_sum_all(g, t2m_sin(g, h)),
                             t2m_sum_all(g, t2m_square(g, strided)),
                             t2m_sum_all(g, t2m_cos(g, joined))};
    const t2m_value loss =
        t2m_add(g, t2m_add(g, t2m_add(g, all[0], all[3]), all[4]), t2m_add(g, all[1], all[2]));
    n->out[0] = t2m_grad(g, loss, n->in[0]);
    n->out[1] = t2m_grad(g, loss, n->in[1]);
    n->out[2] = turned;
    struct random r = random_stream(5, 0, 0);
    for (int i = 0; i < 3; i++) {
        const size_t size = check_numel(g, n->in[i]);
        n->x[i] = malloc(size * sizeof(float));
        for (size_t k = 0; k < size; k++)
            n->x[i][k] = (float)(0.3 * random_normal(&r));
    }
    for (int i = 0; i < OUTPUTS; i++) {
        n->numel[i] = check_numel(g, n->out[i]);
        n->y[i] = malloc(n->numel[i] * sizeof(float));
    }
}

static void clear(struct net *n)
{
    for (int i = 0; i < 3; i++)
        free(n->x[i]);
    for (int i = 0; i < OUTPUTS; i++)
        free(n->y[i]);
    t2m_graph_free(n->g);
}

struct running {
    const t2m_plan *plan;
    t2m_workspace *w;
    struct net *n;
};

static void run(void *ctx, size_t job, size_t worker)
{
    const struct running *r = ctx;
    (void)worker;
    if (job == 0)
        t2m_run(r->plan, r->w, (const void *const *)r->n->x, (void *const *)r->n->y);
}

static t2m_plan *compile(t2m *lib, struct net *n, bool parallel)
{
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    t2m_plan *plan = NULL;
    o.parallel = parallel;
    if (t2m_compile(n->g, n->in, 3, n->out, OUTPUTS, &o, &plan) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return plan;
}

/* in_job: within a call of the pool, whose threads are then not free. */
static void results(t2m *lib, bool parallel, bool in_job, struct net *n)
{
    make(lib, n);
    t2m_plan *plan = compile(lib, n, parallel);
    struct running r = {plan, NULL, n};
    assert_int_equal(t2m_workspace_new(plan, &r.w), T2M_OK);
    if (in_job)
        pool_run(lib->pool, 2, run, &r);
    else
        run(&r, 0, 0);
    t2m_workspace_free(r.w);
    t2m_plan_free(plan);
}

static void same_bits_for_any_threads(void **state)
{
    (void)state;
    struct net one, other;
    t2m *single = check_open(NULL, 1);
    results(single, true, false, &one);
    for (size_t threads = 2; threads <= 5; threads++)
        for (int in_job = 0; in_job < 2; in_job++) {
            t2m *lib = check_open(NULL, threads);
            results(lib, true, in_job, &other);
            for (int i = 0; i < OUTPUTS; i++)
                assert_memory_equal(one.y[i], other.y[i], one.numel[i] * sizeof(float));
            clear(&other);
            t2m_close(lib);
        }
    clear(&one);
    t2m_close(single);
}

static void same_bits_as_uncut(void **state)
{
    (void)state;
    struct net cut, whole;
    t2m *lib = check_open(NULL, 3);
    results(lib, true, false, &cut);
    results(lib, false, false, &whole);
    for (int i = 0; i < OUTPUTS; i++)
        assert_memory_equal(whole.y[i], cut.y[i], cut.numel[i] * sizeof(float));
    clear(&cut);
    clear(&whole);
    t2m_close(lib);
}

/* Each kind of step is cut in this net, and nothing is in a plan that did not ask for it. */
static void what_is_cut(void **state)
{
    (void)state;
    struct net n;
    t2m *lib = check_open(NULL, 2);
    make(lib, &n);
    for (int parallel = 0; parallel < 2; parallel++) {
        t2m_plan *plan = compile(lib, &n, parallel);
        size_t calls = 0, groups = 0, convolutions = 0, concats = 0, copies = 0;
        for (size_t i = 0; i < plan->steps; i++) {
            const struct step *s = &plan->step[i];
            assert_true(s->parts >= 1);
            if (s->parts == 1)
                continue;
            calls += s->node != NULL;
            groups += s->group != NULL;
            convolutions +=
                s->node && (s->node->op == &op_conv2d || s->node->op == &op_conv2d_input ||
                            s->node->op == &op_conv2d_filter);
            concats += s->node && s->node->op == &op_concat;
            copies += !s->node && !s->group;
        }
        if (parallel)
            assert_true(calls >= 8 && groups >= 1 && convolutions == 6 && concats == 1 &&
                        copies >= 1);
        else
            assert_true(calls + groups + copies == 0);
        t2m_plan_free(plan);
    }
    clear(&n);
    t2m_close(lib);
}

/* Two threads of the caller run plans of one handle at once: one gets the pool, both get results.
 */
static void busy(void *ctx, size_t job, size_t worker)
{
    struct running *r = ctx;
    run(r + job, 0, worker);
}

static void runs_beside_each_other(void **state)
{
    (void)state;
    struct net n[2];
    struct running r[2];
    struct pool *callers = NULL;
    t2m *lib = check_open(NULL, 2);
    assert_int_equal(pool_new(lib, 2, &callers), T2M_OK);
    t2m_plan *plan[2];
    for (int i = 0; i < 2; i++) {
        make(lib, &n[i]);
        plan[i] = compile(lib, &n[i], true);
        r[i] = (struct running){plan[i], NULL, &n[i]};
        assert_int_equal(t2m_workspace_new(plan[i], &r[i].w), T2M_OK);
    }
    for (int round = 0; round < 5; round++)
        pool_run(callers, 2, busy, r);
    for (int i = 0; i < OUTPUTS; i++)
        assert_memory_equal(n[0].y[i], n[1].y[i], n[0].numel[i] * sizeof(float));
    for (int i = 0; i < 2; i++) {
        t2m_workspace_free(r[i].w);
        t2m_plan_free(plan[i]);
        clear(&n[i]);
    }
    pool_free(callers);
    t2m_close(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_for_any_threads), cmocka_unit_test(same_bits_as_uncut),
        cmocka_unit_test(what_is_cut), cmocka_unit_test(runs_beside_each_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
