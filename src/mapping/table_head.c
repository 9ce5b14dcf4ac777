/* table_head.c: the head of a model of tables from many rows: the body is made from some of them,
 * and the head then solved on all, the kernel's centres being features (subset of regressors,
 * Rasmussen and Williams 2006, section 8.3.1). In double, since features of a kernel are nearly
 * dependent. */
#include <math.h>
#include <string.h>

#include "mapping/once.h"
#include "mapping/table_graph.h"

enum { STEPS = 60 };
static const double jitter = 1e-2; /* of the kernel's matrix, whose diagonal is about 1 to 10 */

struct solving {
    t2m_graph *g;
    t2m_value m, x, target, scale; /* inputs */
    t2m_value head, off;
    struct layout layout;
};

/* The penalty [f, f]: 1 for each plain feature and the bias, the kernel's matrix for the centres.
 */
static t2m_value penalty_of(const struct solving *v, const struct structure *s, int64_t plain)
{
    t2m_graph *g = v->g;
    const t2m_value one = nn_identity(g, plain);
    if (s->kind == NN_LINEAR)
        return one;
    const t2m_value centres = layout_take(g, &v->layout, v->m, "kernel.centres"),
                    kernel = nn_kernel(g, centres, centres,
                                       layout_take(g, &v->layout, v->m, "kernel.metric"),
                                       layout_take(g, &v->layout, v->m, "kernel.amplitude"));
    const int64_t n = t2m_dim(g, centres, 0);
    const t2m_value sure = t2m_axpy(g, jitter, nn_identity(g, n), kernel);
    return t2m_add(g, t2m_pad(g, t2m_pad(g, one, 0, 0, n), 1, 0, n),
                   t2m_pad(g, t2m_pad(g, sure, 0, plain, 0), 1, plain, 0));
}

static void make(struct solving *v, const struct table_head *h)
{
    t2m_graph *g = v->g;
    const struct structure *s = &h->structure;
    const int64_t rows = (int64_t)h->rows, centres = s->kind == NN_LINEAR ? 0 : s->hidden[0],
                  numel = (int64_t)v->layout.numel, plain = (int64_t)v->layout.features - centres,
                  column[] = {-1, 1};
    struct norm_use norm = {0};
    v->m = t2m_input(g, "m", 1, &numel);
    v->x = structure_input(g, s, "x", rows);
    v->target = t2m_input(g, "target", 2, (int64_t[]){rows, s->outputs});
    v->scale = t2m_input(g, "scale", 1, &plain);
    const t2m_value all = structure_features(g, s, v->m, v->x, &norm),
                    part[] = {t2m_mul(g, t2m_slice(g, all, 1, 0, plain), v->scale),
                              t2m_fill(g, TABLE_BIAS_INPUT, 2, (int64_t[]){rows, 1}),
                              t2m_slice(g, all, 1, plain, centres)},
                    x = t2m_concat(g, 1, part, 3), penalty = penalty_of(v, s, plain + 1);
    t2m_value w, shift = t2m_constant(g, 0);
    if (h->classes) {
        const struct nn_logistic r = nn_logistic_features(g, x, v->target, penalty, STEPS);
        const struct nn_calibration c = nn_calibrate(g, r.left_out, v->target);
        w = t2m_mul(g, r.weight, c.factor);
        shift = c.shift;
        v->off = t2m_fill(g, 0, 1, &rows);
    } else {
        const struct nn_ridge r =
            nn_ridge_features(g, x, v->target, t2m_scale(g, exp(h->log_penalty), penalty));
        w = r.weight;
        v->off = table_vector(g, t2m_sub(g, r.left_out, v->target));
    }
    const t2m_value in_order[] = {
        table_vector(g,
                     t2m_mul(g, t2m_slice(g, w, 0, 0, plain), t2m_reshape(g, v->scale, 2, column))),
        table_vector(g, t2m_slice(g, w, 0, plain + 1, centres)),
        table_vector(g, t2m_axpy(g, TABLE_BIAS_INPUT, t2m_slice(g, w, 0, plain, 1), shift))};
    v->head = t2m_concat(g, 0, in_order, 3);
}

static t2m_status widen(t2m *lib, const float *x, size_t n, double **out)
{
    double *y = mem_new(lib, n, sizeof *y);
    if (!y)
        return T2M_ENOMEM;
    for (size_t i = 0; i < n; i++)
        y[i] = (double)x[i];
    *out = y;
    return T2M_OK;
}

static t2m_status run(const struct solving *v, double *const in[4], double *head, double *off)
{
    const t2m_value from[] = {v->m, v->x, v->target, v->scale}, to[] = {v->head, v->off};
    const struct once once = {v->g, from, (const void *const *)in, 4, to, 2};
    void *const out[] = {head, off};
    return once_run(&once, T2M_F64, out);
}

t2m_status table_head_solve(t2m *lib, const struct table_head *h, float *m, float *off)
{
    struct solving v = {0};
    const struct structure *s = &h->structure;
    structure_layout(s, &v.layout);
    const size_t body = v.layout.body, count = v.layout.numel - body,
                 plain = v.layout.features - (s->kind == NN_LINEAR ? 0 : (size_t)s->hidden[0]);
    const float *const from[] = {m, h->x, h->target, h->scale};
    const size_t sizes[] = {v.layout.numel, h->rows * structure_input_size(s),
                            h->rows * (size_t)s->outputs, plain};
    double *in[4] = {NULL}, *head = mem_new(lib, count, sizeof *head),
           *wide_off = mem_new(lib, h->rows, sizeof *wide_off);
    t2m_status status = head && wide_off ? t2m_graph_new(lib, &v.g) : T2M_ENOMEM;
    for (int i = 0; i < 4 && status == T2M_OK; i++)
        status = widen(lib, from[i], sizes[i], &in[i]);
    if (status == T2M_OK) {
        make(&v, h);
        status = run(&v, in, head, wide_off);
    }
    for (size_t i = 0; i < count && status == T2M_OK; i++)
        m[body + i] = (float)head[i];
    for (size_t i = 0; i < h->rows && status == T2M_OK; i++)
        off[i] = (float)wide_off[i];
    for (int i = 0; i < 4; i++)
        mem_free(lib, in[i]);
    mem_free(lib, head);
    mem_free(lib, wide_off);
    t2m_graph_free(v.g);
    return status;
}
