/* test_repeat.c: plans that compute values again rather than keep them: the same bits as those that
 * keep all, in less memory, for the meta-gradient of every method. */
#include "check_few.h"

#include "engine/plan/plan.h"
#include "mapping/training.h"

enum { WAYS = 3, SHOTS = 3, QUERIES = 4, SIDE = 16, STEPS = 3, INPUTS = 6 };

static struct t2m_learner *learner(t2m *lib, const struct method *m, bool images)
{
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    l->lib = lib;
    learner_method(l, m);
    l->kind = images ? FAMILY_IMAGES : FAMILY_REGRESSION;
    l->ways = images ? WAYS : 1;
    const struct structure like = {.height = images ? SIDE : 1,
                                   .width = images ? SIDE : 1,
                                   .channels = images ? 1 : 2,
                                   .outputs = (int64_t)l->ways};
    assert_int_equal(learner_structures(l, images ? "conv4:8" : "mlp:32,32", &like), T2M_OK);
    l->shots = SHOTS;
    l->queries = QUERIES;
    l->steps = m->tuned == TUNE_NOTHING ? 0 : STEPS;
    l->rate = 0.1;
    assert_int_equal(learner_start(l, 0), T2M_OK);
    return l;
}

struct problem { /* loss and meta-gradient of one task */
    t2m_graph *g;
    t2m_value in[INPUTS], out[2];
    float *x[INPUTS], loss;
    float *gradient, *again;
    size_t numel;
};

static void make(const struct t2m_learner *l, struct problem *p)
{
    const size_t ways = l->ways;
    struct episode_graph e = {0};
    const struct episode_use use = {.supports = ways * SHOTS,
                                    .queries = ways * QUERIES,
                                    .outputs = (int64_t)ways,
                                    .training = true,
                                    .steps = l->steps};
    assert_int_equal(t2m_graph_new(l->lib, &e.g), T2M_OK);
    assert_int_equal(episode_graph_make(l, &use, &e), T2M_OK);
    *p = (struct problem){
        .g = e.g,
        .in = {e.phi, e.statistics, e.x_support, e.y_support, e.x_query, e.y_query},
        .out = {e.loss, t2m_grad(e.g, e.loss, e.phi)},
        .numel = l->numel};
    struct random r = random_stream(3, 0, 0);
    for (int i = 0; i < INPUTS; i++) {
        const size_t n = check_numel(e.g, p->in[i]);
        p->x[i] = malloc((n ? n : 1) * sizeof(float));
        for (size_t k = 0; k < n; k++)
            p->x[i][k] =
                i % 2 && l->kind == FAMILY_IMAGES ? (float)(k % ways) : (float)random_normal(&r);
    }
    memcpy(p->x[0], l->phi, l->numel * sizeof(float));
    memcpy(p->x[1], l->statistics, l->norms * sizeof(float));
    p->gradient = malloc(l->numel * sizeof(float));
    p->again = malloc(l->numel * sizeof(float));
}

static void clear(struct problem *p)
{
    for (int i = 0; i < INPUTS; i++)
        free(p->x[i]);
    free(p->gradient);
    free(p->again);
    t2m_graph_free(p->g);
}

static t2m_plan_info run(t2m *lib, struct problem *p, const t2m_plan_options *o, float *loss,
                         float *gradient)
{
    t2m_plan *plan;
    t2m_workspace *w;
    t2m_plan_info info;
    void *const out[] = {loss, gradient};
    if (t2m_compile(p->g, p->in, INPUTS, p->out, 2, o, &plan) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    assert_int_equal(t2m_workspace_new(plan, &w), T2M_OK);
    t2m_run(plan, w, (const void *const *)p->x, out);
    t2m_plan_describe(plan, &info);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    return info;
}

/* Less and less memory, down to what is surely too little; returns the least that was taken, as a
 * part of all. */
static double same_bits(const struct t2m_learner *l, bool parallel)
{
    static const double parts[] = {0.9, 0.7, 0.5, 0.3, 0};
    struct problem p;
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    double least = 1;
    o.parallel = parallel;
    make(l, &p);
    const t2m_plan_info whole = run(l->lib, &p, &o, &p.loss, p.gradient);
    assert_int_equal(whole.repeated, 0);
    assert_true(isfinite(p.loss));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        float loss = 0;
        o.max_memory = (size_t)(parts[i] * (double)whole.workspace_bytes) + 1;
        memset(p.again, 0, p.numel * sizeof(float));
        const t2m_plan_info info = run(l->lib, &p, &o, &loss, p.again);
        assert_memory_equal(&loss, &p.loss, sizeof loss);
        assert_memory_equal(p.again, p.gradient, p.numel * sizeof(float));
        assert_int_equal(info.steps, whole.steps + info.repeated);
        assert_true(info.again >= 0 && info.again <= 1 && (info.again > 0) == (info.repeated > 0));
        assert_true(info.flops == whole.flops);
        least = fmin(least, (double)info.workspace_bytes / (double)whole.workspace_bytes);
    }
    clear(&p);
    return least;
}

static void every_method(void **state)
{
    for (size_t i = 0; i < method_count; i++)
        for (int images = 0; images < 2; images++) {
            const struct method *m = &methods[i];
            if (strcmp(m->name, "tables") == 0 || (!images && m->head == HEAD_PROTOTYPES) ||
                (!images && m->decode == DECODE_ALL))
                continue;
            struct t2m_learner *l = learner(*state, m, images);
            const double least = same_bits(l, false);
            if (images && m->tuned == TUNE_WEIGHTS && m->meta == META_EXACT && !(least < 0.6))
                fail_msg("%s: %.2f of the memory is the least", m->name, least);
            t2m_learner_free(l);
        }
}

static void plans_in_parts(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 3; threads += 2) {
        t2m *lib = check_open(NULL, threads);
        struct t2m_learner *l = learner(lib, method_find("maml"), true);
        assert_true(same_bits(l, true) < 0.6);
        t2m_learner_free(l);
        t2m_close(lib);
    }
}

/* As much as is asked for, where that can be: memory is not more than the limit. */
static void keeps_to_the_limit(void **state)
{
    struct t2m_learner *l = learner(*state, method_find("maml"), true);
    struct problem p;
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    make(l, &p);
    const size_t whole = run(*state, &p, &o, &p.loss, p.gradient).workspace_bytes;
    for (size_t part = 95; part >= 60; part -= 5) {
        o.max_memory = whole / 100 * part;
        const t2m_plan_info info = run(*state, &p, &o, &p.loss, p.gradient);
        if (info.workspace_bytes > o.max_memory || info.repeated == 0)
            fail_msg("%zu bytes of %zu, %zu steps again", info.workspace_bytes, o.max_memory,
                     info.repeated);
    }
    clear(&p);
    t2m_learner_free(l);
}

static void memory_runs_out(void **state)
{
    const int64_t dim[] = {64, 64};
    bool done = false;
    (void)state;
    for (size_t n = 0; !done; n++) {
        t2m *lib = few_open(n);
        t2m_graph *g = NULL;
        t2m_plan *plan = NULL;
        t2m_status status = lib ? t2m_graph_new(lib, &g) : T2M_ENOMEM;
        if (status == T2M_OK) {
            const t2m_value x = t2m_input(g, "x", 2, dim);
            t2m_value h = x;
            for (int i = 0; i < 6; i++)
                h = t2m_tanh(g, t2m_matmul(g, h, x));
            const t2m_value y = t2m_grad(g, t2m_sum_all(g, h), x);
            t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
            o.max_memory = 5 * 64 * 64 * sizeof(float);
            status = t2m_compile(g, &x, 1, &y, 1, &o, &plan);
        }
        assert_true(status == T2M_OK || status == T2M_ENOMEM);
        done = status == T2M_OK;
        assert_true(!done || plan->repeated > 0);
        t2m_plan_free(plan);
        t2m_graph_free(g);
        t2m_close(lib);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method), cmocka_unit_test(plans_in_parts),
        cmocka_unit_test(keeps_to_the_limit), cmocka_unit_test(memory_runs_out)};
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
