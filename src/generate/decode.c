/* decode.c: bodies from codes, one row of a table for each way. */
#include "generate/decode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double tiny = 1e-8; /* keeps the slope of a root finite */

size_t decode_code_size(enum decode kind, size_t numel)
{
    const size_t size[] = {[DECODE_NOTHING] = 0,
                           [DECODE_CONTEXT] = CONTEXT_SIZE,
                           [DECODE_BASES] = BASES_SIZE,
                           [DECODE_ALL] = numel};
    return size[kind];
}

/* Tensors of theta0 in the layout. */
static size_t tensors(const struct layout *model, size_t numel)
{
    size_t n = 0;
    while (n < model->count && model->parameter[n].offset + model->parameter[n].count <= numel)
        n++;
    return n;
}

/* The bias that comes first. */
static const struct parameter *first_bias(const struct layout *model)
{
    for (size_t i = 0; i < model->count; i++)
        if (strstr(model->parameter[i].name, ".bias"))
            return &model->parameter[i];
    return NULL;
}

bool decode_fits(enum decode kind, const struct layout *model, size_t numel)
{
    const struct parameter *p = first_bias(model);
    return kind != DECODE_CONTEXT || (p && p->offset + p->count <= numel);
}

/* A tensor as a matrix [rows, columns]; vectors have no rows. */
static void as_matrix(const struct parameter *p, int64_t dim[2])
{
    dim[1] = p->rank ? p->dim[p->rank - 1] : 1;
    dim[0] = (int64_t)p->count / dim[1];
}

static void basis_name(const struct parameter *p, const char *side, char out[48])
{
    snprintf(out, 48, "basis.%.28s%s", p->name, side);
}

void decode_layout(enum decode kind, const struct layout *model, size_t numel, struct layout *parts)
{
    char name[48];
    const int64_t k = BASES_SIZE;
    if (kind == DECODE_CONTEXT) {
        const int64_t dim[] = {CONTEXT_SIZE, (int64_t)first_bias(model)->count};
        layout_add(parts, "context.weight", 2, dim, sqrt(3.0 / CONTEXT_SIZE), 0);
    }
    for (size_t i = 0; kind == DECODE_BASES && i < tensors(model, numel); i++) {
        const struct parameter *p = &model->parameter[i];
        int64_t dim[2];
        as_matrix(p, dim);
        basis_name(p, p->rank > 1 ? ".right" : "", name);
        layout_add(parts, name, 2, (const int64_t[]){k, dim[1]}, 1 / sqrt((double)k), 0);
        if (p->rank < 2)
            continue;
        basis_name(p, ".left", name);
        layout_add(parts, name, 2, (const int64_t[]){dim[0], k}, sqrt(3.0 / (double)dim[0]), 0);
    }
}

static t2m_value take(t2m_graph *g, const struct decoder *d, const struct parameter *p,
                      const char *side)
{
    char name[48];
    basis_name(p, side, name);
    return layout_take(g, d->parts, d->phi, name);
}

/* ---- from z to a model ---- */

static t2m_value shift_bias(t2m_graph *g, const struct decoder *d, t2m_value theta0, t2m_value z)
{
    const struct parameter *p = first_bias(d->model);
    const int64_t row[] = {1, CONTEXT_SIZE}, all = -1, at = (int64_t)p->offset,
                  n = (int64_t)p->count;
    const t2m_value weight = layout_take(g, d->parts, d->phi, "context.weight");
    const t2m_value shift = t2m_matmul(g, t2m_reshape(g, z, 2, row), weight);
    const t2m_value bias = t2m_slice(g, theta0, 0, at, n);
    const t2m_value pieces[] = {t2m_slice(g, theta0, 0, 0, at),
                                t2m_add(g, bias, t2m_reshape(g, shift, 1, &all)),
                                t2m_slice(g, theta0, 0, at + n, (int64_t)d->numel - at - n)};
    return t2m_concat(g, 0, pieces, 3);
}

static t2m_value add_bases(t2m_graph *g, const struct decoder *d, t2m_value theta0, t2m_value z)
{
    const size_t n = tensors(d->model, d->numel);
    t2m_value change[NN_MAX_PARAMETERS];
    const int64_t row[] = {1, BASES_SIZE}, all = -1;
    for (size_t i = 0; i < n; i++) {
        const struct parameter *p = &d->model->parameter[i];
        const t2m_value mixed = p->rank > 1 ? t2m_mul(g, take(g, d, p, ".left"), z)
                                            : t2m_reshape(g, z, 2, row),
                        right = take(g, d, p, p->rank > 1 ? ".right" : "");
        change[i] = t2m_reshape(g, t2m_matmul(g, mixed, right), 1, &all);
    }
    if (n == 0) /* all of the model is its head */
        return theta0;
    return t2m_add(g, theta0, t2m_concat(g, 0, change, n));
}

static t2m_value add_all(t2m_graph *g, const struct decoder *d, t2m_value theta0, t2m_value z)
{
    (void)d;
    return t2m_add(g, theta0, z);
}

static t2m_value nothing(t2m_graph *g, const struct decoder *d, t2m_value theta0, t2m_value z)
{
    (void)g, (void)d, (void)z;
    return theta0;
}

t2m_value decode_model(t2m_graph *g, const struct decoder *d, t2m_value theta0, t2m_value z)
{
    static t2m_value (*const decode[])(t2m_graph *, const struct decoder *, t2m_value,
                                       t2m_value) = {[DECODE_NOTHING] = nothing,
                                                     [DECODE_CONTEXT] = shift_bias,
                                                     [DECODE_BASES] = add_bases,
                                                     [DECODE_ALL] = add_all};
    return decode[d->kind](g, d, theta0, z);
}

/* ---- the probe ---- */

size_t decode_probe_size(enum decode kind, const struct layout *model, size_t numel)
{
    return tensors(model, numel) + (kind == DECODE_BASES ? BASES_SIZE : 0);
}

t2m_value decode_probe(t2m_graph *g, const struct decoder *d, t2m_value gradient)
{
    const size_t n = tensors(d->model, d->numel);
    t2m_value list[NN_MAX_PARAMETERS + 1];
    const int64_t one = 1, k = BASES_SIZE;
    t2m_value z = t2m_fill(g, 0, 1, &k);
    for (size_t i = 0; i < n; i++) {
        const struct parameter *p = &d->model->parameter[i];
        const t2m_value piece = t2m_slice(g, gradient, 0, (int64_t)p->offset, (int64_t)p->count);
        const t2m_value square = t2m_mean(g, t2m_square(g, piece), 0, 1);
        int64_t dim[2];
        as_matrix(p, dim);
        list[i] = t2m_reshape(g, t2m_sqrt(g, t2m_add(g, square, t2m_constant(g, tiny))), 1, &one);
        if (d->kind != DECODE_BASES)
            continue;
        const t2m_value right = take(g, d, p, p->rank > 1 ? ".right" : ""),
                        matrix = t2m_reshape(g, piece, 2, dim);
        const t2m_value left =
            p->rank > 1
                ? t2m_matmul_t(g, take(g, d, p, ".left"), true, matrix, false) /* [k, columns] */
                : t2m_expand(g, matrix, 2, (const int64_t[]){BASES_SIZE, dim[1]});
        z = t2m_add(g, z, t2m_sum(g, t2m_mul(g, left, right), 1, 1));
    }
    list[n] = d->kind == DECODE_BASES ? z : t2m_fill(g, 0, 1, &(int64_t){0});
    return t2m_concat(g, 0, list, n + 1);
}
