/* graphs.c: workloads that are no methods of the library, written on graph.h as a user would: W4, a
 * hypernetwork (a transformer over the rows of a task gives the weights of a small network), and
 * W7, five steps of training of a U-Net on five images (one step of Reptile). Blocks of tasks, or
 * images, are the jobs of the workers; their gradients are added in order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "bench.h"
#include "engine/compute/pool.h"
#include "nn/nn.h"

enum { MOST_JOBS = 5, MOST_INPUTS = 4 };

/* ---- parameters: pieces of one vector, taken one after the other ---- */

struct taking {
    t2m_graph *g;
    t2m_value theta;
    int64_t at;
    float *start; /* NULL: sizes are only counted */
    struct random random;
};

static t2m_value take(struct taking *t, int rank, const int64_t *dim, double spread)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dim[i];
    for (int64_t i = 0; t->start && i < count; i++)
        t->start[t->at + i] = spread > 0 ? (float)random_uniform(&t->random, -spread, spread) : 0;
    const t2m_value v = t2m_slice(t->g, t->theta, 0, t->at, count);
    t->at += count;
    return t2m_reshape(t->g, v, rank, dim);
}

static t2m_value linear(struct taking *t, t2m_value x, int64_t in, int64_t out)
{
    const double spread = 1 / sqrt((double)in);
    const t2m_value w = take(t, 2, (const int64_t[]){in, out}, spread);
    return nn_linear(t->g, x, w, take(t, 1, &out, spread));
}

static t2m_value norm(struct taking *t, t2m_value x, int64_t width)
{
    const t2m_value gamma = t2m_add(t->g, take(t, 1, &width, 0), t2m_constant(t->g, 1));
    return nn_layer_norm(t->g, x, gamma, take(t, 1, &width, 0));
}

/* ---- W4 ---- */

enum { ROWS = 128, QUERIES = 64, COLUMNS = 20, CLASSES = 10, WIDTH = 128, HEADS = 4, LAYERS = 4 };
enum { INNER = 512, HIDDEN = 32, TASKS = 16, BLOCK = 4 };

/* By tanh, (1 + tanh(u)) / 2 being sigmoid(2 u): fewer operations, here and in the gradient. */
static t2m_value gelu(t2m_graph *g, t2m_value x)
{
    const double twice_root = 2 * 0.7978845608028654; /* sqrt(2 / pi) */
    const t2m_value slope =
        t2m_axpy(g, 0.044715 * twice_root, t2m_square(g, x), t2m_constant(g, twice_root));
    return t2m_mul(g, x, t2m_sigmoid(g, t2m_mul(g, x, slope)));
}

static t2m_value attention(struct taking *t, t2m_value x)
{
    t2m_graph *g = t->g;
    const int64_t split[] = {ROWS, 3, HEADS, WIDTH / HEADS}, back[] = {ROWS, WIDTH};
    const t2m_value all =
        t2m_transpose(g, t2m_reshape(g, linear(t, norm(t, x, WIDTH), WIDTH, 3 * WIDTH), 4, split),
                      (const int[]){1, 2, 0, 3});
    t2m_value part[3];
    for (int i = 0; i < 3; i++)
        part[i] = t2m_reshape(g, t2m_slice(g, all, 0, i, 1), 3,
                              (const int64_t[]){HEADS, ROWS, WIDTH / HEADS});
    const t2m_value y =
        t2m_transpose(g, nn_attention(g, &(struct nn_attention){part[0], part[1], part[2], {0}}),
                      (const int[]){1, 0, 2});
    return linear(t, t2m_reshape(g, y, 2, back), WIDTH, WIDTH);
}

/* in: rows, their labels, query rows, their labels */
static t2m_value hypernetwork_loss(struct taking *t, const t2m_value *in)
{
    static const int64_t size[] = {COLUMNS, HIDDEN, HIDDEN, CLASSES};
    t2m_graph *g = t->g;
    t2m_value h = linear(t, in[0], COLUMNS, WIDTH), y = in[2];
    h = t2m_add(g, h,
                t2m_matmul(g, t2m_one_hot(g, in[1], CLASSES),
                           take(t, 2, (const int64_t[]){CLASSES, WIDTH}, 1)));
    for (int i = 0; i < LAYERS; i++) {
        h = t2m_add(g, h, attention(t, h));
        h = t2m_add(g, h,
                    linear(t, gelu(g, linear(t, norm(t, h, WIDTH), WIDTH, INNER)), INNER, WIDTH));
    }
    int64_t numel = 0, at = 0;
    for (int i = 0; i < 3; i++)
        numel += (size[i] + 1) * size[i + 1];
    const t2m_value pooled = t2m_broadcast(g, t2m_mean(g, norm(t, h, WIDTH), 0, 1), 0, 1);
    const t2m_value weights = linear(t, gelu(g, linear(t, pooled, WIDTH, INNER)), INNER, numel);
    for (int i = 0; i < 3; i++) {
        const int64_t count = size[i] * size[i + 1];
        const t2m_value w = t2m_reshape(g, t2m_slice(g, weights, 1, at, count), 2,
                                        (const int64_t[]){size[i], size[i + 1]}),
                        b = t2m_slice(g, weights, 1, at + count, size[i + 1]);
        y = t2m_add(g, t2m_matmul(g, y, w), b);
        y = i < 2 ? t2m_relu(g, y) : y;
        at += count + size[i + 1];
    }
    return nn_cross_entropy(g, y, in[3]);
}

/* ---- W7 ---- */

enum { SIDE = 64, IMAGES = 5 };

static t2m_value convolution(struct taking *t, t2m_value x, int64_t in, int64_t out, int64_t side)
{
    const double spread = 1 / sqrt((double)(in * side * side));
    const t2m_value f = take(t, 4, (const int64_t[]){side, side, in, out}, spread);
    return t2m_add(t->g, t2m_conv2d(t->g, x, f, 1, (int)side / 2), take(t, 1, &out, spread));
}

static t2m_value twice(struct taking *t, t2m_value x, int64_t in, int64_t out)
{
    x = t2m_relu(t->g, convolution(t, x, in, out, 3));
    return t2m_relu(t->g, convolution(t, x, out, out, 3));
}

/* Twice as wide and tall, half the channels, beside `like`. */
static t2m_value up(struct taking *t, t2m_value x, int64_t in, t2m_value like)
{
    const int64_t out = in / 2, side = t2m_dim(t->g, like, 1);
    const double spread = 1 / sqrt((double)(4 * out));
    const t2m_value f = take(t, 4, (const int64_t[]){2, 2, out, in}, spread);
    const t2m_value y =
        t2m_add(t->g, t2m_conv2d_input(t->g, x, f, 2, 0, side, side), take(t, 1, &out, spread));
    return t2m_concat(t->g, 3, (const t2m_value[]){y, like}, 2);
}

/* in: one image, its mask */
static t2m_value segmentation_loss(struct taking *t, const t2m_value *in)
{
    t2m_graph *g = t->g;
    const t2m_value a = twice(t, in[0], 3, 16), b = twice(t, t2m_max_pool(g, a, 2, 2), 16, 32),
                    c = twice(t, t2m_max_pool(g, b, 2, 2), 32, 64);
    const t2m_value d = twice(t, up(t, c, 64, b), 64, 32), e = twice(t, up(t, d, 32, a), 32, 16);
    return nn_binary_cross_entropy(g, convolution(t, e, 16, 1, 1), in[1]);
}

/* ---- running ---- */

struct graph_details {
    t2m_value (*loss)(struct taking *t, const t2m_value *in);
    size_t jobs, block, inputs, steps; /* steps: updates in one run */
    int rank[MOST_INPUTS];
    int64_t dim[MOST_INPUTS][4];
    int64_t classes[MOST_INPUTS]; /* of labels; 0: numbers */
    double rate;
};
const struct graph_details graph_w4 = {
    .loss = hypernetwork_loss,
    .jobs = TASKS / BLOCK,
    .block = BLOCK,
    .inputs = 4,
    .steps = 1,
    .rank = {2, 1, 2, 1},
    .dim = {{ROWS, COLUMNS}, {ROWS}, {QUERIES, COLUMNS}, {QUERIES}},
    .classes = {0, CLASSES, 0, CLASSES},
    .rate = 0.05};
const struct graph_details graph_w7 = {.loss = segmentation_loss,
                                       .jobs = IMAGES,
                                       .block = 1,
                                       .inputs = 2,
                                       .steps = 5,
                                       .rank = {4, 4},
                                       .dim = {{1, SIDE, SIDE, 3}, {1, SIDE, SIDE, 1}},
                                       .classes = {0, 2},
                                       .rate = 0.1};

struct running {
    t2m *lib;
    const struct graph_details *d;
    t2m_plan *plan, *update;
    t2m_workspace *workspace[256], *update_workspace;
    size_t numel;
    float *theta, *next, *gradient, *data[MOST_JOBS][MOST_INPUTS], loss[MOST_JOBS];
    double first_loss, last_loss;
};

/* The numbers of parameters; with g, the plan of a block: gradient and loss. */
static t2m_status compile_block(struct running *r, int64_t numel, int64_t *used)
{
    const struct graph_details *d = r->d;
    t2m_value in[1 + MOST_INPUTS], to[1 + MOST_INPUTS], all;
    struct taking t = {.start = r->theta, .random = random_stream(1, 0, 0)};
    TRY(t2m_graph_new(r->lib, &t.g));
    in[0] = to[0] = t.theta = t2m_input(t.g, "theta", 1, &numel);
    for (size_t i = 0; i < d->inputs; i++) {
        int64_t dim[5] = {(int64_t)d->block};
        memcpy(dim + 1, d->dim[i], sizeof d->dim[i]);
        in[1 + i] = t2m_input(t.g, "one", d->rank[i], d->dim[i]);
        to[1 + i] = t2m_input(t.g, "block", d->rank[i] + 1, dim);
    }
    const t2m_value loss = d->loss(&t, in + 1);
    *used = t.at;
    t2m_status status = t2m_graph_status(t.g);
    if (status == T2M_OK && r->theta) {
        t2m_vmap(t.g, (int64_t)d->block, in, to, 1 + d->inputs, &loss, &all, 1);
        const t2m_value sum = t2m_sum_all(t.g, all), out[] = {t2m_grad(t.g, sum, t.theta), sum};
        t2m_plan_options o = T2M_PLAN_OPTIONS_INIT;
        o.parallel = d->jobs == 1;
        status = t2m_compile(t.g, to, 1 + d->inputs, out, 2, &o, &r->plan);
    }
    t2m_graph_free(t.g);
    return status;
}

/* theta - rate mean of the gradients [jobs, numel] */
static t2m_status compile_update(struct running *r)
{
    t2m_graph *g;
    const int64_t dim[] = {(int64_t)r->d->jobs, (int64_t)r->numel};
    TRY(t2m_graph_new(r->lib, &g));
    const t2m_value in[] = {t2m_input(g, "theta", 1, dim + 1), t2m_input(g, "gradients", 2, dim)};
    const double share = -r->d->rate / (double)(r->d->jobs * r->d->block);
    const t2m_value out = t2m_axpy(g, share, t2m_sum(g, in[1], 0, 1), in[0]);
    const t2m_status status = t2m_compile(g, in, 2, &out, 1, NULL, &r->update);
    t2m_graph_free(g);
    return status == T2M_OK ? t2m_workspace_new(r->update, &r->update_workspace) : status;
}

static void draw_data(struct running *r)
{
    const struct graph_details *d = r->d;
    struct random random = random_stream(2, 0, 0);
    for (size_t j = 0; j < d->jobs; j++)
        for (size_t i = 0; i < d->inputs; i++) {
            size_t n = d->block;
            for (int a = 0; a < d->rank[i]; a++)
                n *= (size_t)d->dim[i][a];
            r->data[j][i] = mem_new(r->lib, n, sizeof(float));
            for (size_t k = 0; r->data[j][i] && k < n; k++)
                r->data[j][i][k] = d->classes[i] > 0
                                       ? (float)random_below(&random, (size_t)d->classes[i])
                                       : (float)random_normal(&random);
        }
}

static void one_job(void *ctx, size_t job, size_t worker)
{
    struct running *r = ctx;
    const void *in[1 + MOST_INPUTS] = {r->theta};
    for (size_t i = 0; i < r->d->inputs; i++)
        in[1 + i] = r->data[job][i];
    void *const out[] = {r->gradient + job * r->numel, r->loss + job};
    t2m_run(r->plan, r->workspace[worker], in, out);
}

static void run_steps(void *ctx)
{
    struct running *r = ctx;
    for (size_t i = 0; i < r->d->steps; i++) {
        pool_run(r->lib->pool, r->d->jobs, one_job, r);
        const void *const in[] = {r->theta, r->gradient};
        void *const out[] = {r->next};
        t2m_run(r->update, r->update_workspace, in, out);
        float *swap = r->theta;
        r->theta = r->next;
        r->next = swap;
    }
    r->last_loss = 0;
    for (size_t j = 0; j < r->d->jobs; j++)
        r->last_loss += (double)r->loss[j] / (double)(r->d->jobs * r->d->block);
    if (r->first_loss == 0)
        r->first_loss = r->last_loss;
}

static t2m_status make_running(struct running *r)
{
    int64_t numel = 1 << 24; /* more than there are: the first pass only counts */
    TRY(compile_block(r, numel, &numel));
    r->numel = (size_t)numel;
    r->theta = mem_new(r->lib, r->numel, sizeof(float));
    r->next = mem_new(r->lib, r->numel, sizeof(float));
    r->gradient = mem_new(r->lib, r->d->jobs * r->numel, sizeof(float));
    if (!r->theta || !r->next || !r->gradient)
        return T2M_ENOMEM;
    TRY(compile_block(r, numel, &numel));
    TRY(compile_update(r));
    for (size_t i = 0; i < pool_size(r->lib->pool); i++)
        TRY(t2m_workspace_new(r->plan, &r->workspace[i]));
    draw_data(r);
    return T2M_OK;
}

static void print_profile(const struct running *r)
{
    const void *in[1 + MOST_INPUTS] = {r->theta};
    for (size_t i = 0; i < r->d->inputs; i++)
        in[1 + i] = r->data[0][i];
    float loss;
    void *const out[] = {r->gradient, &loss};
    char *text = t2m_profile(r->plan, r->workspace[0], in, out, 5);
    printf("%s", text ? text : "");
    t2m_free(r->lib, text);
}

bool run_graph(t2m *lib, const struct workload *w, struct result *result)
{
    static struct running r;
    t2m_plan_info info;
    r = (struct running){.lib = lib, .d = w->details};
    const double begin = seconds_now();
    const bool good = make_running(&r) == T2M_OK;
    if (good) {
        result->compile = seconds_now() - begin;
        result->time = measure(run_steps, &r, settings.seconds);
        t2m_plan_describe(r.plan, &info);
        result->flops = info.flops * (double)(r.d->jobs * r.d->steps);
        result->memory = info.workspace_bytes;
        if (settings.profile)
            print_profile(&r);
        result->first_loss = r.first_loss;
        result->loss = r.last_loss;
    }
    for (size_t i = 0; i < pool_size(lib->pool); i++)
        t2m_workspace_free(r.workspace[i]);
    t2m_workspace_free(r.update_workspace);
    t2m_plan_free(r.plan);
    t2m_plan_free(r.update);
    float *const memory[] = {r.theta, r.next, r.gradient};
    for (size_t i = 0; i < 3; i++)
        mem_free(lib, memory[i]);
    for (size_t j = 0; j < r.d->jobs; j++)
        for (size_t i = 0; i < r.d->inputs; i++)
            mem_free(lib, r.data[j][i]);
    return good;
}
