/* table_represent.c: step 1 for tables: what a column does in each class, pooled over the rows, and
 * how well it tells the classes apart make the column's token; what a row has in all columns,
 * beside the rows of its class, makes the row's; a second round lets each see the other (an
 * exchangeable matrix, Hartford et al. 2018, equation 4, pooled by class). */
#include <math.h>
#include <stdio.h>

#include "mapping/table_graph.h"

enum { WIDTH = TABLE_T, FACTS = TABLE_FACTS };

/* ---- layers ---- */

/* Each token by its own statistics, then ReLU; x [n, WIDTH]. */
static t2m_value token(const struct table_ctx *c, const char *name, t2m_value x)
{
    return t2m_relu(
        c->g, nn_layer_norm(c->g, x, table_take(c, name, "scale"), table_take(c, name, "bias")));
}

static t2m_value relu_sum(const struct table_ctx *c, const char *name, const t2m_value *x, size_t n)
{
    t2m_value sum = table_take(c, name, "bias");
    for (size_t i = 0; i < n; i++)
        sum = t2m_add(c->g, sum, x[i]);
    return t2m_relu(c->g, sum);
}

/* [a, b] -> [1, a, b] or [a, 1, b] */
static t2m_value with_axis(t2m_graph *g, t2m_value x, int at)
{
    const int64_t front[] = {1, t2m_dim(g, x, 0), t2m_dim(g, x, 1)},
                  middle[] = {t2m_dim(g, x, 0), 1, t2m_dim(g, x, 1)};
    return t2m_reshape(g, x, 3, at ? middle : front);
}

/* [rows, ..] -> [classes, ..]: the mean of each class */
static t2m_value class_means(const struct table_ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const int rank = t2m_rank(g, x);
    int64_t dim[3] = {t2m_dim(g, c->share, 1)};
    const int64_t flat[] = {t2m_dim(g, x, 0), -1};
    for (int i = 1; i < rank; i++)
        dim[i] = t2m_dim(g, x, i);
    const t2m_value mean = t2m_matmul_t(g, c->share, true, t2m_reshape(g, x, 2, flat), false);
    return t2m_reshape(g, mean, rank, dim);
}

/* ---- what is known of the classes and the columns ---- */

/* [classes, 2]: place, logarithm of the part of the rows */
static t2m_value class_facts(const struct table_ctx *c, t2m_value part)
{
    t2m_graph *g = c->g;
    const int64_t column[] = {-1, 1};
    const t2m_value both[] = {
        t2m_reshape(g, c->e->seen.place, 2, column),
        t2m_reshape(g, t2m_log(g, t2m_add(g, part, t2m_constant(g, tiny))), 2, column)};
    return t2m_concat(g, 1, both, 2);
}

/* How much of a column's variance lies between the classes (the correlation ratio), as log odds,
 * for each view, and how much there is to know it from [columns, FACTS]. */
static t2m_value column_facts(const struct table_ctx *c, t2m_value part)
{
    t2m_graph *g = c->g;
    const t2m_value x = c->e->seen.x, mean = t2m_mean(g, x, 0, 1);
    const int64_t classes = t2m_dim(g, part, 0), weight[] = {classes, 1, 1}, column[] = {1, 2};
    const t2m_value all =
        t2m_add(g, t2m_mean(g, t2m_square(g, t2m_sub(g, x, mean)), 0, 1), t2m_constant(g, tiny));
    const t2m_value off = t2m_square(g, t2m_sub(g, class_means(c, x), mean));
    const t2m_value between = t2m_sum(g, t2m_mul(g, off, t2m_reshape(g, part, 3, weight)), 0, 1);
    const t2m_value within = t2m_max(g, t2m_sub(g, all, between), t2m_scale(g, tiny, all));
    const t2m_value odds = t2m_log(g, t2m_div(g, t2m_axpy(g, tiny, all, between), within));
    const t2m_value sizes[] = {t2m_fill(g, log((double)c->shape->supports), 2, (int64_t[]){1, 1}),
                               t2m_fill(g, log((double)classes), 2, (int64_t[]){1, 1})};
    const t2m_value pair[] = {
        t2m_scale(g, 0.3, odds),
        t2m_expand(g, t2m_scale(g, 0.3, t2m_reshape(g, t2m_concat(g, 1, sizes, 2), 2, column)), 2,
                   (int64_t[]){c->shape->columns, 2})};
    return t2m_concat(g, 1, pair, 2);
}

/* ---- step 1: tokens, and t ---- */

/* One round for the columns: what each does in each class, and over all rows. x [rows, columns,
 * WIDTH] */
static void see_columns(struct table_ctx *c, const char *of_class, const char *of_column,
                        t2m_value x, t2m_value class, t2m_value before)
{
    t2m_graph *g = c->g;
    char name[3][48];
    for (int i = 0; i < 3; i++)
        snprintf(name[i], sizeof name[i], "%.30s.%s", i ? of_column : of_class,
                 i == 0   ? "cells"
                 : i == 1 ? "classes"
                          : "all");
    const t2m_value all = t2m_mean(g, x, 0, 1), in_class = class_means(c, x);
    const t2m_value off = t2m_sub(g, in_class, with_axis(g, all, 0));
    const t2m_value parts[] = {table_times(c, name[0], off), with_axis(g, class, 1)};
    const t2m_value pooled = t2m_mean(g, relu_sum(c, of_class, parts, 2), 0, 1);
    const t2m_value sum[] = {table_times(c, name[1], pooled), table_times(c, name[2], all)};
    c->columns = token(c, of_column, t2m_add(g, t2m_add(g, sum[0], sum[1]), before));
}

/* One round for the rows: each beside its class and all rows. x [rows, columns, WIDTH] */
static void see_rows(struct table_ctx *c, t2m_value x)
{
    t2m_graph *g = c->g;
    const t2m_value row = t2m_mean(g, x, 1, 1), all = t2m_mean(g, row, 0, 1);
    const t2m_value off = t2m_sub(g, class_means(c, row), all);
    const t2m_value own = t2m_matmul(g, c->e->seen.member, off);
    const t2m_value sum =
        t2m_add(g, table_times(c, "rows.self", row), table_times(c, "rows.class", own));
    c->classes = off;
    c->rows = token(
        c, "rows",
        t2m_add(g, sum, table_times(c, "rows.all", t2m_reshape(g, all, 2, (int64_t[]){1, WIDTH}))));
}

static t2m_value task_facts(const struct table_ctx *c)
{
    t2m_graph *g = c->g;
    const struct table_shape *s = c->shape;
    const double fact[] = {log((double)s->supports), log((double)s->columns),
                           s->classes ? log((double)s->classes) : 0, s->classes == 0};
    t2m_value one[FACTS];
    for (int i = 0; i < FACTS; i++)
        one[i] = t2m_fill(g, fact[i] / 3, 2, (int64_t[]){1, 1});
    return t2m_concat(g, 1, one, FACTS);
}

void table_represent(struct table_ctx *c)
{
    t2m_graph *g = c->g;
    struct table_graph *e = c->e;
    const t2m_value count = t2m_sum(g, e->seen.member, 0, 1);
    const t2m_value some = t2m_max(g, count, t2m_constant(g, tiny));
    const t2m_value part = t2m_scale(g, 1 / (double)c->shape->supports, count);
    c->share = t2m_mul(g, e->seen.member, t2m_recip(g, some));
    const t2m_value cell =
        t2m_relu(g, t2m_add(g, table_times(c, "cells", e->seen.x), table_take(c, "cells", "bias")));
    const t2m_value x =
        t2m_relu(g, t2m_add(g, table_times(c, "cells2", cell), table_take(c, "cells2", "bias")));
    see_columns(c, "class1", "columns1", x, table_times(c, "class1.facts", class_facts(c, part)),
                table_times(c, "columns1.facts", column_facts(c, part)));
    const t2m_value with_column[] = {table_times(c, "cells3.cells", x),
                                     with_axis(g, table_times(c, "cells3.columns", c->columns), 0)};
    see_rows(c, relu_sum(c, "cells3", with_column, 2));
    const t2m_value with_row[] = {table_times(c, "cells4.cells", x),
                                  with_axis(g, table_times(c, "cells4.columns", c->columns), 0),
                                  with_axis(g, table_times(c, "cells4.rows", c->rows), 1)};
    see_columns(c, "class2", "columns2", relu_sum(c, "cells4", with_row, 3),
                table_times(c, "class2.classes", c->classes),
                table_times(c, "columns2.before", c->columns));
    const t2m_value of_columns = t2m_mean(g, c->columns, 0, 1),
                    of_rows = t2m_mean(g, c->rows, 0, 1);
    const int64_t row[] = {1, WIDTH};
    const t2m_value sum =
        t2m_add(g, table_times(c, "task.columns", t2m_reshape(g, of_columns, 2, row)),
                t2m_add(g, table_times(c, "task.rows", t2m_reshape(g, of_rows, 2, row)),
                        table_times(c, "task.facts", task_facts(c))));
    e->t = token(c, "task", sum); /* [1, TABLE_T] */
    c->columns = token(c, "columns3",
                       t2m_add(g, table_times(c, "columns3.self", c->columns),
                               table_times(c, "columns3.task", e->t)));
}
