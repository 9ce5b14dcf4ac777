/* represent.c: the parts of t. */
#include "task/represent.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned part;
} part_names[] = {{"set", REPRESENT_SET},
                  {"statistics", REPRESENT_STATISTICS},
                  {"probe", REPRESENT_PROBE},
                  {"concat", REPRESENT_CONCAT}};
enum { PARTS = sizeof part_names / sizeof *part_names, STATISTICS_OF_CLASSES = 8 };
static const double tiny = 1e-6; /* keeps logarithms of squares finite */

bool represent_parse(const char *text, unsigned *parts)
{
    *parts = 0;
    for (const char *p = text;; p++) {
        const size_t n = strcspn(p, ",");
        size_t i = 0;
        while (i < PARTS &&
               (strlen(part_names[i].name) != n || strncmp(part_names[i].name, p, n) != 0))
            i++;
        if (i == PARTS)
            return false;
        *parts |= part_names[i].part;
        p += n;
        if (!*p)
            return !(*parts & REPRESENT_CONCAT) || *parts == REPRESENT_CONCAT;
    }
}

void represent_text(unsigned parts, char out[32])
{
    int at = 0;
    out[0] = 0;
    for (size_t i = 0; i < PARTS; i++)
        if (parts & part_names[i].part)
            at += snprintf(out + at, 32 - (size_t)at, "%s%s", at ? "," : "", part_names[i].name);
}

static size_t statistics_size(const struct representation *r)
{
    return r->classes ? STATISTICS_OF_CLASSES : 4 * r->features + 9;
}

size_t represent_size(const struct representation *r)
{
    return (r->parts & REPRESENT_CONCAT ? r->examples * (r->features + 1) : 0) +
           (r->parts & REPRESENT_SET ? ENCODER_WIDTH : 0) +
           (r->parts & REPRESENT_STATISTICS ? statistics_size(r) : 0) +
           (r->parts & REPRESENT_PROBE ? r->probe : 0);
}

void represent_layout(const struct representation *r, struct layout *l)
{
    const int64_t in = (int64_t)r->features + !r->classes, width = ENCODER_WIDTH;
    if (r->parts & REPRESENT_SET) {
        layout_add(l, "encoder.weight1", 2, (const int64_t[]){in, width}, sqrt(6.0 / (double)in),
                   0);
        layout_add(l, "encoder.bias1", 1, &width, 0.5, 0);
        layout_add(l, "encoder.weight2", 2, (const int64_t[]){width, width},
                   sqrt(6.0 / (double)width), 0);
        layout_add(l, "encoder.bias2", 1, &width, 0, 0);
    }
    if (r->parts & REPRESENT_STATISTICS && !r->classes)
        layout_add(l, "encoder.log_penalty", 0, NULL, 0, 0);
}

/* ---- parts ---- */

struct ctx {
    t2m_graph *g;
    const struct layout *l;
    t2m_value phi;
    const struct represented *task;
    t2m_value list[24]; /* vectors that make t */
    size_t n;
};

static t2m_value take(const struct ctx *c, const char *name)
{
    return layout_take(c->g, c->l, c->phi, name);
}

static void put(struct ctx *c, t2m_value x)
{
    const int64_t all = -1;
    c->list[c->n++] = t2m_reshape(c->g, x, 1, &all);
}

static void put_number(struct ctx *c, double x)
{
    put(c, t2m_constant(c->g, x));
}

static t2m_value log_of_square(t2m_graph *g, t2m_value x)
{
    return t2m_log(g, t2m_add(g, x, t2m_constant(g, tiny)));
}

static t2m_value y_column(const struct ctx *c)
{
    const int64_t column[] = {t2m_dim(c->g, c->task->y, 0), 1};
    return t2m_reshape(c->g, c->task->y, 2, column);
}

/* The mean features of each class [classes, features]. */
static t2m_value class_means(const struct ctx *c, t2m_value *member)
{
    t2m_graph *g = c->g;
    *member = t2m_one_hot(g, c->task->y, c->task->classes);
    const t2m_value count = t2m_sum(g, *member, 0, 1);
    const t2m_value sum = t2m_matmul_t(g, *member, true, c->task->x, false);
    return t2m_mul(g, sum, t2m_broadcast(g, t2m_recip(g, count), 1, t2m_dim(g, c->task->x, 1)));
}

static void put_set(struct ctx *c)
{
    t2m_graph *g = c->g;
    t2m_value member;
    const t2m_value pair[] = {c->task->x, y_column(c)};
    const t2m_value items = c->task->classes ? class_means(c, &member) : t2m_concat(g, 1, pair, 2);
    t2m_value h =
        t2m_relu(g, nn_linear(g, items, take(c, "encoder.weight1"), take(c, "encoder.bias1")));
    h = t2m_relu(g, nn_linear(g, h, take(c, "encoder.weight2"), take(c, "encoder.bias2")));
    put(c, t2m_mean(g, h, 0, 1));
}

static void put_counts(struct ctx *c)
{
    put_number(c, c->task->classes > 0);
    put_number(c, c->task->classes == 0);
    put_number(c, log((double)t2m_dim(c->g, c->task->x, 0)));
    put_number(c, log((double)t2m_dim(c->g, c->task->x, 1)));
}

static void put_statistics_of_rows(struct ctx *c)
{
    t2m_graph *g = c->g;
    const t2m_value x = c->task->x, y = y_column(c);
    const double n = (double)t2m_dim(g, x, 0);
    const struct nn_ridge_prior prior = {.log_penalty = take(c, "encoder.log_penalty")};
    const struct nn_ridge landmark = nn_ridge_fit(g, x, y, &prior);
    const t2m_value x_mean = t2m_mean(g, x, 0, 1), y_mean = t2m_mean(g, y, 0, 1);
    const t2m_value dx = t2m_sub(g, x, x_mean), dy = t2m_sub(g, y, y_mean);
    const t2m_value x_var = t2m_mean(g, t2m_square(g, dx), 0, 1),
                    y_var = t2m_mean(g, t2m_square(g, dy), 0, 1);
    const t2m_value both = t2m_add(g, t2m_mul(g, x_var, y_var), t2m_constant(g, tiny));
    put(c, landmark.weight);
    put(c, landmark.bias);
    put_counts(c);
    put(c, y_mean);
    put(c, log_of_square(g, y_var));
    put(c, log_of_square(g, t2m_mean(g, t2m_square(g, t2m_sub(g, landmark.left_out, y)), 0, 1)));
    put(c,
        t2m_axpy(g, n > 1 ? 2 * log(n / (n - 1)) : 0, t2m_constant(g, 1),
                 log_of_square(g, y_var))); /* the mean of the others is farther by n / (n - 1) */
    put(c, x_mean);
    put(c, log_of_square(g, x_var));
    put(c, t2m_mul(g, t2m_mean(g, t2m_mul(g, dx, dy), 0, 1), t2m_rsqrt(g, both)));
}

static void put_statistics_of_classes(struct ctx *c)
{
    t2m_graph *g = c->g;
    t2m_value member;
    const t2m_value means = class_means(c, &member), centre = t2m_mean(g, means, 0, 1);
    const t2m_value off = t2m_sub(g, c->task->x, t2m_matmul(g, member, means));
    put_counts(c);
    put_number(c, log((double)c->task->classes));
    put(c, log_of_square(g, t2m_mean_all(g, t2m_square(g, off))));
    put(c, log_of_square(g, t2m_mean_all(g, t2m_square(g, t2m_sub(g, means, centre)))));
    put(c, log_of_square(g, t2m_mean_all(g, t2m_square(g, means))));
}

t2m_value represent_task(t2m_graph *g, const struct representation *r, const struct layout *l,
                         t2m_value phi, const struct represented *task)
{
    struct ctx c = {.g = g, .l = l, .phi = phi, .task = task};
    if (r->parts & REPRESENT_CONCAT) {
        const t2m_value pair[] = {task->x, y_column(&c)};
        put(&c, t2m_concat(g, 1, pair, 2));
    }
    if (r->parts & REPRESENT_SET)
        put_set(&c);
    if (r->parts & REPRESENT_STATISTICS && task->classes)
        put_statistics_of_classes(&c);
    if (r->parts & REPRESENT_STATISTICS && !task->classes)
        put_statistics_of_rows(&c);
    if (r->parts & REPRESENT_PROBE && task->probe.id)
        put(&c, task->probe);
    return t2m_concat(g, 0, c.list, c.n);
}
