/* step.c: one meta-step: tasks in blocks, their gradient, Adam. */
#include <math.h>
#include <string.h>

#include "mapping/fit.h"
#include "mapping/training.h"

enum { SMALL_TASK = 64 * 1024 /* numbers of activations: several such tasks go to a block */ };
static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

/* ---- plans ---- */

/* Numbers that the layers of one task make, about. */
static size_t activations(const struct t2m_learner *l, const struct episode_size *e)
{
    size_t numbers = 0;
    for (size_t k = 0; k < l->candidates; k++)
        numbers += structure_activations(&l->candidate[k].structure);
    return (e->supports + e->queries) * numbers;
}

/* Four blocks at least, if there are as many tasks: work for a few threads. */
static size_t block_size(const struct t2m_learner *l, const struct episode_size *e, size_t tasks)
{
    const size_t fit = SMALL_TASK / (activations(l, e) + 1), share = (tasks + 3) / 4;
    const size_t size = fit < share ? fit : share;
    return size > 0 ? size : 1;
}

struct block_graph {
    struct episode_graph e;
    t2m_value in[6], out[4];
};

t2m_value batched_input(t2m_graph *g, t2m_value like, size_t size)
{
    int64_t dim[T2M_MAX_RANK] = {(int64_t)size};
    const int rank = t2m_rank(g, like);
    for (int i = 0; i < rank; i++)
        dim[i + 1] = t2m_dim(g, like, i);
    return t2m_input(g, "tasks", rank + 1, dim);
}

/* From one task to a block of them: all four data inputs and all results get a task axis. */
static void map_tasks(struct block_graph *b, size_t size, t2m_value *results, size_t n)
{
    t2m_graph *g = b->e.g;
    t2m_value to[6] = {b->in[0], b->in[1]};
    for (int i = 2; i < 6; i++)
        to[i] = batched_input(g, b->in[i], size);
    t2m_value all[4];
    t2m_vmap(g, (int64_t)size, b->in, to, 6, results, all, n);
    memcpy(results, all, n * sizeof *all);
    memcpy(b->in, to, sizeof to);
}

static t2m_status compile_block(struct meta_step *s, size_t size, size_t most, t2m_plan **plan)
{
    const struct protocol *p = &s->protocol;
    struct block_graph b = {0};
    const struct episode_size size_of = episode_size(s->family, p);
    const struct episode_use use = {.supports = size_of.supports,
                                    .queries = size_of.queries,
                                    .outputs = learner_structure(s->l)->outputs,
                                    .training = true,
                                    .steps = s->l->steps};
    TRY(t2m_graph_new(s->l->lib, &b.e.g));
    t2m_graph *g = b.e.g;
    t2m_status status = episode_graph_make(s->l, &use, &b.e);
    if (status != T2M_OK) {
        t2m_graph_free(g);
        return status;
    }
    const t2m_value in[] = {b.e.phi,       b.e.statistics, b.e.x_support,
                            b.e.y_support, b.e.x_query,    b.e.y_query};
    memcpy(b.in, in, sizeof in);
    const bool reptile = s->l->method->meta == META_REPTILE;
    const int64_t none = 0;
    t2m_value seen = b.e.seen.id ? b.e.seen : t2m_fill(g, 0, 1, &none);
    t2m_value r[4] = {b.e.loss, b.e.tuned, seen, reptile ? b.e.reptile : b.e.loss};
    map_tasks(&b, size, r, 4);
    const t2m_value loss = t2m_sum_all(g, r[0]);
    const t2m_value gradient = reptile ? t2m_sum(g, r[3], 0, 1) : t2m_grad(g, loss, b.e.phi);
    const t2m_value out[] = {gradient, loss, r[1], t2m_sum(g, r[2], 0, 1)};
    t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
    o.parallel = s->blocks == 1; /* else the blocks are what the threads share */
    o.max_memory = most;
    status = t2m_compile(g, b.in, 6, out, 4, &o, plan);
    t2m_graph_free(g);
    return status;
}

/* The plans of all blocks; `most` is for both together. */
static t2m_status compile_blocks(void *ctx, size_t most, size_t *bytes)
{
    struct meta_step *s = ctx;
    const size_t plans = s->tasks % s->blocks != 0 ? 2 : 1;
    *bytes = 0;
    s->again = 0;
    for (size_t k = 0; k < plans; k++) {
        t2m_plan_info info;
        t2m_plan_free(s->plan[k]);
        s->plan[k] = NULL;
        TRY(compile_block(s, s->block - k, (most + plans - 1) / plans, &s->plan[k]));
        t2m_plan_describe(s->plan[k], &info);
        *bytes += info.workspace_bytes;
        s->again = info.again > s->again ? info.again : s->again;
    }
    return T2M_OK;
}

/* state [3, n], gradient [n], rate and the two corrections [] -> state after the step */
static t2m_status compile_adam(struct meta_step *s)
{
    t2m_graph *g;
    const int64_t n = (int64_t)s->l->numel;
    TRY(t2m_graph_new(s->l->lib, &g));
    t2m_value in[7], out[3];
    for (int i = 0; i < 4; i++)
        in[i] = t2m_input(g, "adam", 1, &n);
    for (int i = 4; i < 7; i++)
        in[i] = t2m_input(g, "adam", 0, NULL);
    out[1] = t2m_axpy(g, 1 - beta1, t2m_sub(g, in[3], in[1]), in[1]);
    out[2] = t2m_axpy(g, 1 - beta2, t2m_sub(g, t2m_square(g, in[3]), in[2]), in[2]);
    const t2m_value root =
        t2m_add(g, t2m_sqrt(g, t2m_mul(g, out[2], in[6])), t2m_constant(g, epsilon));
    const t2m_value step = t2m_div(g, t2m_mul(g, out[1], in[5]), root);
    out[0] = t2m_madd(g, t2m_neg(g, in[4]), step, in[0]);
    t2m_status status = t2m_compile(g, in, 7, out, 3, NULL, &s->adam);
    t2m_graph_free(g);
    return status == T2M_OK ? t2m_workspace_new(s->adam, &s->adam_workspace) : status;
}

/* ---- memory ---- */

/* What the steps are made of, whatever the jobs are. */
static t2m_status make_sums(struct meta_step *s)
{
    t2m *lib = s->l->lib;
    const size_t numel = s->l->numel;
    s->gradient = mem_new(lib, s->blocks * numel, sizeof *s->gradient);
    s->loss = mem_new(lib, s->blocks, sizeof *s->loss);
    s->seen = mem_new(lib, s->blocks * s->l->norms, sizeof *s->seen);
    s->metric = mem_new(lib, s->blocks, sizeof *s->metric);
    s->running = mem_new(lib, s->workers, sizeof *s->running);
    s->state = mem_new(lib, 3 * numel, sizeof *s->state);
    s->next = mem_new(lib, 3 * numel, sizeof *s->next);
    if (!s->gradient || !s->loss || !s->seen || !s->metric || !s->running || !s->state || !s->next)
        return T2M_ENOMEM;
    memcpy(s->state, s->l->phi, numel * sizeof *s->state);
    return T2M_OK;
}

/* Workspaces of all workers, where there are none. */
static t2m_status wake(struct meta_step *s)
{
    for (size_t i = 0; s->workspace && i < 2 * s->workers; i++)
        if (s->plan[i % 2] && !s->workspace[i])
            TRY(t2m_workspace_new(s->plan[i % 2], &s->workspace[i]));
    return T2M_OK;
}

void meta_step_rest(struct meta_step *s)
{
    for (size_t i = 0; s->workspace && i < 2 * s->workers; i++) {
        t2m_workspace_free(s->workspace[i]);
        s->workspace[i] = NULL;
    }
}

static t2m_status make_rooms(struct meta_step *s)
{
    t2m *lib = s->l->lib;
    const struct episode_size one = episode_size(s->family, &s->protocol);
    const size_t outputs = s->block * one.queries * one.outputs;
    s->workspace = mem_new(lib, 2 * s->workers, sizeof *s->workspace);
    s->episode = mem_new(lib, s->workers, sizeof *s->episode);
    s->outputs = mem_new(lib, s->workers, sizeof *s->outputs);
    if (!s->workspace || !s->episode || !s->outputs)
        return T2M_ENOMEM;
    for (size_t i = 0; i < s->workers; i++) {
        TRY(episodes_new(lib, &s->episode[i], s->family, &s->protocol, s->block));
        if (!(s->outputs[i] = mem_new(lib, outputs, sizeof(float))))
            return T2M_ENOMEM;
    }
    return wake(s);
}

/* Bytes of the arrays of make_sums and of what else is as long: the best phi, checkpoints. */
static size_t bytes_of_sums(const struct meta_step *s)
{
    enum { ARRAYS = 10 };
    return (s->blocks + ARRAYS) * (s->l->numel + s->l->norms) * sizeof(float);
}

static t2m_status start(struct meta_step *s, size_t max_memory)
{
    const struct episode_size e = episode_size(s->family, &s->protocol);
    TRY(compile_adam(s));
    if (s->l->kind == FAMILY_TABLES) {
        TRY(make_sums(s));
        return table_plans_new(s->l, s->family, true, &s->tables);
    }
    struct fitting f = {
        .lib = s->l->lib,
        .what = "training",
        .compile = compile_blocks,
        .ctx = s,
        .limit = max_memory,
        .each = s->block * sizeof(float) *
                (e.supports * (e.input + e.target) + e.queries * (e.input + e.target + e.outputs)),
        .other = bytes_of_sums(s),
        .workers = s->workers < s->blocks ? s->workers : s->blocks};
    TRY(fit_workers(&f));
    s->workers = f.workers;
    TRY(make_sums(s));
    return make_rooms(s);
}

t2m_status meta_step_new(struct meta_step *s, struct t2m_learner *l, const struct t2m_family *f,
                         const struct meta_use *use)
{
    const size_t tasks = use->tasks;
    *s = (struct meta_step){
        .l = l, .family = f, .tasks = tasks, .seed = l->seed, .draw = episode_draw};
    learner_protocol(l, &s->protocol);
    const struct episode_size size = episode_size(f, &s->protocol);
    const size_t most = l->kind == FAMILY_TABLES ? 1 : block_size(l, &size, tasks);
    s->blocks = (tasks + most - 1) / most;
    s->block = (tasks + s->blocks - 1) / s->blocks;
    s->workers = pool_size(l->lib->pool);
    const t2m_status status = start(s, use->max_memory);
    if (status != T2M_OK)
        meta_step_free(s);
    return status;
}

void meta_step_free(struct meta_step *s)
{
    t2m *lib = s->l->lib;
    meta_step_rest(s);
    for (size_t i = 0; i < s->workers; i++) {
        if (s->episode)
            episodes_free(lib, &s->episode[i]);
        if (s->outputs)
            mem_free(lib, s->outputs[i]);
    }
    void *const memory[] = {s->workspace, s->episode, s->outputs, s->gradient, s->loss,
                            s->seen,      s->metric,  s->running, s->state,    s->next};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        mem_free(lib, memory[i]);
    table_plans_free(s->tables);
    t2m_workspace_free(s->adam_workspace);
    t2m_plan_free(s->adam);
    t2m_plan_free(s->plan[0]);
    t2m_plan_free(s->plan[1]);
    *s = (struct meta_step){.l = s->l};
}

/* ---- running ---- */

static void one_block(void *ctx, size_t job, size_t worker)
{
    struct meta_step *s = ctx;
    const size_t least = s->tasks / s->blocks, larger = s->tasks % s->blocks,
                 first = job * least + (job < larger ? job : larger), size = least + (job < larger),
                 numel = s->l->numel, statistics = s->l->norms;
    const struct episode_size sizes = episode_size(s->family, &s->protocol);
    const size_t which = size != s->block;
    struct episode *e = &s->episode[worker];
    if (asked_to_stop(s->stop, s->stop_ctx, &s->stopped))
        return;
    for (size_t k = 0; k < size; k++) {
        struct episode one = episode_at(e, k, &sizes);
        s->draw(s->family, &s->protocol, s->seed, s->number * s->tasks + first + k, &one);
    }
    const void *const in[] = {s->state,     s->l->statistics, e->x_support,
                              e->y_support, e->x_query,       e->y_query};
    void *const out[] = {s->gradient + job * numel, s->loss + job, s->outputs[worker],
                         s->seen + job * statistics};
    const double begin = seconds_now();
    t2m_run(s->plan[which], s->workspace[2 * worker + which], in, out);
    /* a plan that runs alone has all workers */
    s->running[worker] +=
        (seconds_now() - begin) * (s->blocks == 1 ? (double)pool_size(s->l->lib->pool) : 1);
    s->metric[job] = 0;
    for (size_t k = 0; k < size; k++)
        s->metric[job] +=
            episode_metric(s->l->kind, s->outputs[worker] + k * sizes.queries * sizes.outputs,
                           e->y_query + k * sizes.queries * sizes.target, &sizes);
}

/* Row 0 of x [blocks, n] becomes the sum of all rows, in order, times factor. */
static void add_blocks(float *x, size_t blocks, size_t n, float factor)
{
    for (size_t b = 1; b < blocks; b++)
        for (size_t i = 0; i < n; i++)
            x[i] += x[b * n + i];
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

static void adam_run(struct meta_step *s, double rate)
{
    const size_t n = s->l->numel;
    const double t = (double)s->number + 1;
    const float step = (float)rate, c1 = (float)(1 / (1 - pow(beta1, t))),
                c2 = (float)(1 / (1 - pow(beta2, t)));
    const void *const in[] = {s->state, s->state + n, s->state + 2 * n, s->gradient, &step,
                              &c1,      &c2};
    void *const out[] = {s->next, s->next + n, s->next + 2 * n};
    const double begin = seconds_now();
    t2m_run(s->adam, s->adam_workspace, in, out);
    s->running[0] += seconds_now() - begin;
    float *swap = s->state;
    s->state = s->next;
    s->next = swap;
    memcpy(s->l->phi, s->state, n * sizeof *s->state);
}

t2m_status meta_step_run(struct meta_step *s, uint64_t number, double rate, double *loss,
                         double *metric)
{
    const float share = 1 / (float)s->tasks;
    const float momentum = 0.05F; /* of the running norm statistics */
    const size_t statistics = s->l->norms;
    const double begin = seconds_now();
    s->number = number;
    TRY(wake(s));
    lanes_run(&(struct lanes){.lib = s->l->lib,
                              .workers = s->workers,
                              .count = s->blocks,
                              .job = s->tables ? table_step_job : one_block,
                              .ctx = s});
    if (atomic_load(&s->stopped))
        return refuse(s->l->lib, T2M_ECANCELLED, "step %llu was stopped",
                      (unsigned long long)number + 1);
    add_blocks(s->gradient, s->blocks, s->l->numel, share);
    add_blocks(s->loss, s->blocks, 1, share);
    add_blocks(s->seen, s->blocks, statistics, share);
    *loss = (double)s->loss[0];
    *metric = 0;
    for (size_t b = 0; b < s->blocks; b++)
        *metric += s->metric[b];
    *metric /= (double)s->tasks;
    if (!isfinite(*loss))
        return refuse(s->l->lib, T2M_EDIVERGED,
                      "the loss of step %llu is not finite; lower --inner-rate or --meta-rate",
                      (unsigned long long)number + 1);
    adam_run(s, rate);
    for (size_t i = 0; i < statistics && s->l->tuned == TUNE_NOTHING; i++)
        s->l->statistics[i] += momentum * (s->seen[i] - s->l->statistics[i]);
    s->seconds += seconds_now() - begin;
    return T2M_OK;
}

double meta_step_outside(const struct meta_step *s)
{
    double running = 0;
    for (size_t i = 0; i < s->workers; i++)
        running += s->running[i];
    const double threads = (double)pool_size(s->l->lib->pool);
    return s->tables ? NAN : 1 - running / (s->seconds * threads);
}
