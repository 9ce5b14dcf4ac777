/* graph.h: the engine of task2model. A function is a graph; its gradient is a graph too.
 *
 * Constructors append nodes to a graph and return values. grad, vjp, jvp, vmap and replay append
 * ordinary nodes, so they nest in any order. compile turns a graph into an immutable plan; run
 * executes the plan and allocates nothing.
 *
 * Errors: the first mistake (shapes that do not fit, out of memory) poisons the graph: every later
 * constructor returns the null value (id 0), and t2m_compile reports the sentence. So model code
 * needs no error branches. Threads: a graph belongs to one thread at a time; a plan may be run by
 * many threads at once, each with its own workspace.
 *
 * Values have no number type: a plan runs in float (T2M_F32) or double (T2M_F64). Class numbers and
 * indices are ordinary values that hold whole numbers. Shapes are written [rows, columns]; the last
 * axis is contiguous. Images are channels-last: [n, height, width, channels]. */
#ifndef TASK2MODEL_GRAPH_H
#define TASK2MODEL_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../task2model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct t2m_graph t2m_graph;
typedef struct t2m_plan t2m_plan;
typedef struct t2m_workspace t2m_workspace;
typedef struct t2m_value {
    uint32_t id;
} t2m_value;

/* ---- a graph ---- */

/* The library must outlive the graph. Freed by t2m_graph_free, plans made from it live on. */
t2m_status t2m_graph_new(t2m *lib, t2m_graph **out);
void t2m_graph_free(t2m_graph *g);
/* T2M_OK, or the status of the first mistake (its sentence is in t2m_errmsg). */
t2m_status t2m_graph_status(const t2m_graph *g);
/* Poisons the graph with a sentence of your own. */
t2m_value t2m_graph_fail(t2m_graph *g, const char *format, ...);
/* Names the nodes that follow, for messages; nests; end with t2m_scope(g, NULL). */
void t2m_scope(t2m_graph *g, const char *name);
/* One line per live node of y: id, op, shape, inputs. Caller frees with t2m_free. NULL on failure.
 */
char *t2m_graph_print(t2m_graph *g, t2m_value y);
size_t t2m_graph_size(const t2m_graph *g); /* nodes */

int t2m_rank(const t2m_graph *g, t2m_value x);
int64_t t2m_dim(const t2m_graph *g, t2m_value x, int axis); /* axis < 0 counts from the end */

/* ---- leaves ---- */
t2m_value t2m_input(t2m_graph *g, const char *name, int rank, const int64_t *dim);
t2m_value t2m_constant(t2m_graph *g, double value);                           /* shape [] */
t2m_value t2m_fill(t2m_graph *g, double value, int rank, const int64_t *dim); /* all the same */
t2m_value t2m_iota(t2m_graph *g, int64_t n); /* [n]: 0, 1, 2, ... */

/* ---- pointwise: operands of unlike shapes are broadcast as in numpy ---- */
t2m_value t2m_neg(t2m_graph *g, t2m_value x);
t2m_value t2m_exp(t2m_graph *g, t2m_value x);
t2m_value t2m_log(t2m_graph *g, t2m_value x);
t2m_value t2m_sqrt(t2m_graph *g, t2m_value x);
t2m_value t2m_recip(t2m_graph *g, t2m_value x);
t2m_value t2m_rsqrt(t2m_graph *g, t2m_value x);
t2m_value t2m_tanh(t2m_graph *g, t2m_value x);
t2m_value t2m_sigmoid(t2m_graph *g, t2m_value x);
t2m_value t2m_softplus(t2m_graph *g, t2m_value x);
t2m_value t2m_erf(t2m_graph *g, t2m_value x);
t2m_value t2m_sin(t2m_graph *g, t2m_value x);
t2m_value t2m_cos(t2m_graph *g, t2m_value x);
t2m_value t2m_relu(t2m_graph *g, t2m_value x);
t2m_value t2m_step(t2m_graph *g, t2m_value x);
t2m_value t2m_abs(t2m_graph *g, t2m_value x);
t2m_value t2m_add(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_sub(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_mul(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_div(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_max(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_less(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_equal(t2m_graph *g, t2m_value a, t2m_value b);
t2m_value t2m_select(t2m_graph *g, t2m_value c, t2m_value a, t2m_value b); /* c != 0 ? a : b */
t2m_value t2m_madd(t2m_graph *g, t2m_value c, t2m_value a, t2m_value b);   /* c a + b */
t2m_value t2m_scale(t2m_graph *g, double factor, t2m_value x);
t2m_value t2m_axpy(t2m_graph *g, double factor, t2m_value x, t2m_value y); /* factor x + y */
t2m_value t2m_square(t2m_graph *g, t2m_value x);

/* ---- shape: no arithmetic; most are views and cost nothing ---- */
/* One dimension may be -1: what is left. */
t2m_value t2m_reshape(t2m_graph *g, t2m_value x, int rank, const int64_t *dim);
/* Axis i of the result is axis order[i] of x. */
t2m_value t2m_transpose(t2m_graph *g, t2m_value x, const int *order);
t2m_value t2m_swap(t2m_graph *g, t2m_value x); /* the last two axes exchanged */
t2m_value t2m_slice(t2m_graph *g, t2m_value x, int axis, int64_t start, int64_t size);
t2m_value t2m_pad(t2m_graph *g, t2m_value x, int axis, int64_t before, int64_t after); /* zeros */
t2m_value t2m_concat(t2m_graph *g, int axis, const t2m_value *x, size_t n);
/* A new axis of `size` equal copies at place `axis`. */
t2m_value t2m_broadcast(t2m_graph *g, t2m_value x, int axis, int64_t size);
/* numpy's broadcast_to. */
t2m_value t2m_expand(t2m_graph *g, t2m_value x, int rank, const int64_t *dim);

/* ---- reductions over the `count` axes from `first` on, which vanish; first < 0 counts from the
 * end ---- */
t2m_value t2m_sum(t2m_graph *g, t2m_value x, int first, int count);
t2m_value t2m_mean(t2m_graph *g, t2m_value x, int first, int count);
t2m_value t2m_maximum(t2m_graph *g, t2m_value x, int first, int count); /* gradient split at ties */
t2m_value t2m_sum_all(t2m_graph *g, t2m_value x);
t2m_value t2m_mean_all(t2m_graph *g, t2m_value x);

/* ---- linear algebra ---- */
/* [.., m, k] x [.., k, n] -> [.., m, n]; leading axes equal, or absent in one of the two. */
t2m_value t2m_matmul(t2m_graph *g, t2m_value a, t2m_value b);
/* The same with a stored [.., k, m] if a_transposed, b stored [.., n, k] if b_transposed. */
t2m_value t2m_matmul_t(t2m_graph *g, t2m_value a, bool a_transposed, t2m_value b,
                       bool b_transposed);
/* inverse((a + a') / 2) b by Cholesky: a [.., n, n], b [.., n, m]. NaN if a is not positive
 * definite. */
t2m_value t2m_solve_spd(t2m_graph *g, t2m_value a, t2m_value b);

/* inverse((a + a') / 2): a [.., n, n]. NaN if a is not positive definite. */
t2m_value t2m_inverse_spd(t2m_graph *g, t2m_value a);

/* Sums of absolute differences between rows: a [n, k], b [m, k] -> [n, m], or both and the result
 * with one leading axis. */
t2m_value t2m_distance(t2m_graph *g, t2m_value a, t2m_value b);

/* ---- convolution family (cross-correlation, as usual): x [.., n, h, w, in], filter [.., kh, kw,
 * in, out] -> [.., n, oh, ow, out], oh = (h + 2 pad - kh) / stride + 1. With `..` (at most one
 * axis) every item has its own filter. conv2d_input and conv2d_filter are its two transposes. ----
 */
t2m_value t2m_conv2d(t2m_graph *g, t2m_value x, t2m_value filter, int stride, int pad);
t2m_value t2m_conv2d_input(t2m_graph *g, t2m_value gy, t2m_value filter, int stride, int pad,
                           int64_t h, int64_t w);
t2m_value t2m_conv2d_filter(t2m_graph *g, t2m_value x, t2m_value gy, int stride, int pad,
                            int64_t kh, int64_t kw);
/* Square windows of `size` every `stride`; rows and columns left over are dropped. */
t2m_value t2m_max_pool(t2m_graph *g, t2m_value x, int size, int stride);
/* The smallest number of a window in the channels where direction [channels] is negative: so
 * pooling can stand before a multiplication by direction, with the same result. */
t2m_value t2m_max_pool_toward(t2m_graph *g, t2m_value x, t2m_value direction, int size, int stride);
t2m_value t2m_mean_pool(t2m_graph *g, t2m_value x, int size); /* stride = size */

/* ---- tables: index holds whole numbers; one outside 0 .. rows-1 reads zeros, adds nothing ---- */
/* table [.., rows, width], index [.., count] -> [.., count, width] */
t2m_value t2m_gather(t2m_graph *g, t2m_value table, t2m_value index);
/* values [.., count, width], index [.., count] -> [.., rows, width] */
t2m_value t2m_scatter_add(t2m_graph *g, t2m_value values, t2m_value index, int64_t rows);
/* labels [..] of whole numbers -> [.., classes] of 0 and 1 */
t2m_value t2m_one_hot(t2m_graph *g, t2m_value labels, int64_t classes);

/* ---- over the last axis ---- */
t2m_value t2m_softmax(t2m_graph *g, t2m_value x);
t2m_value t2m_log_softmax(t2m_graph *g, t2m_value x);

/* ---- transforms: graph to graph ---- */

/* The same numbers; gradients do not pass. */
t2m_value t2m_stop_gradient(t2m_graph *g, t2m_value x);
/* d y / d wrt, y of shape []; the shape of wrt. Any order: apply it again. wrt is an input, or a
 * value that was computed; a mere slice, reshape, concat, number, multiple or sum is refused, since
 * the graph simplifies through these as it grows. For a gradient there: make it at an input, then
 * t2m_replay it with the value. */
t2m_value t2m_grad(t2m_graph *g, t2m_value y, t2m_value wrt);
/* The product gy' (d y / d wrt[i]) for each i; gy has the shape of y. */
void t2m_vjp(t2m_graph *g, t2m_value y, t2m_value gy, const t2m_value *wrt, size_t n,
             t2m_value *out);
/* The product (d y / d x) v, of the shape of y; v has the shape of x. */
t2m_value t2m_jvp(t2m_graph *g, t2m_value y, t2m_value x, t2m_value v);
/* out[i] = y[i] computed with to[j] in the place of from[j]; shapes are equal. */
void t2m_replay(t2m_graph *g, const t2m_value *from, const t2m_value *to, size_t n,
                const t2m_value *y, t2m_value *out, size_t n_y);
/* out[i] [size, shape of y[i]]: y computed for each of `size` tasks. to[j] is [size, shape of
 * from[j]] (an item per task) or has the shape of from[j] (the same for all tasks). */
void t2m_vmap(t2m_graph *g, int64_t size, const t2m_value *from, const t2m_value *to, size_t n,
              const t2m_value *y, t2m_value *out, size_t n_y);

/* ---- compile and run ---- */

typedef enum t2m_precision { T2M_F32, T2M_F64 } t2m_precision;

typedef struct t2m_plan_options {
    int version; /* T2M_VERSION_1 */
    t2m_precision precision;
    bool unplanned; /* one buffer and one kernel call per node: the oracle for tests */
    /* Large steps are cut into parts, on which all threads of the handle work: for a plan that runs
     * alone, not as one of many. The bits do not depend on that, nor on the number of threads.
     * While the threads are busy with another run, the caller's thread does all parts. */
    bool parallel;
    /* Bytes that a workspace may take; 0: any. Where it would be more, values are computed again
     * rather than kept, as long as that does not take more than the work itself: the same bits, in
     * less memory and more time. If it cannot be so little, it is as little as was found. */
    size_t max_memory;
} t2m_plan_options;
#define T2M_PLAN_OPTIONS_INIT                                                                      \
    {                                                                                              \
        T2M_VERSION_1, T2M_F32, false, false, 0                                                    \
    }

typedef struct t2m_plan_info {
    size_t steps;           /* kernel calls in one run */
    size_t nodes;           /* live nodes */
    size_t workspace_bytes; /* memory that each workspace takes */
    double flops;           /* of products, convolutions and solves; a multiply-add is 2 */
    size_t repeated;        /* of the steps: those whose values were not kept (max_memory) */
    double again;           /* the time they take, about, as a part of that of all others */
} t2m_plan_info;

/* Compiles the values out[n_out] as functions of in[n_in] (values made by t2m_input). An input that
 * out needs and that is not in `in` is an error. Freed by t2m_plan_free. The graph may be freed
 * before. options may be NULL. */
t2m_status t2m_compile(t2m_graph *g, const t2m_value *in, size_t n_in, const t2m_value *out,
                       size_t n_out, const t2m_plan_options *options, t2m_plan **plan);
void t2m_plan_free(t2m_plan *plan);
void t2m_plan_describe(const t2m_plan *plan, t2m_plan_info *info);
/* One line per step; caller frees with t2m_free. NULL on failure. */
char *t2m_plan_print(const t2m_plan *plan);
t2m_status t2m_workspace_new(const t2m_plan *plan, t2m_workspace **out);
void t2m_workspace_free(t2m_workspace *w);
/* in[i] points at the numbers of in[i] (float or double as compiled), out[i] at room for those of
 * out[i]. Allocates nothing and cannot fail. No out may overlap an in or another out. */
void t2m_run(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out);
/* Runs the plan `runs` times and says where the time goes: for each step, for each kind of step and
 * for all, the share, the shortest time, GFLOP/s and GB/s. Caller frees with t2m_free. NULL on
 * failure. */
char *t2m_profile(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out,
                  size_t runs);

/* Where the time of a handle that measures it went, as text: the steps of all plans whose
 * workspaces are freed, by op and shape, the slowest first; and of each thread the part of the time
 * since t2m_open in steps, in waiting for the others and elsewhere. Caller frees with t2m_free;
 * NULL on failure, or if nothing is measured (t2m_options.profile). */
char *t2m_profile_print(t2m *lib);

#ifdef __cplusplus
}
#endif
#endif
