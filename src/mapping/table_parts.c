/* table_parts.c: the parameters of a learner of tables: the tensors that tables.c takes by name. */
#include <math.h>
#include <stdio.h>

#include "mapping/tables.h"

enum { WIDTH = TABLE_T, FACTS = TABLE_FACTS, VIEWS = MARGINAL_VIEWS, RANK = 16 /* of W - W0 */ };

/* Where a name has a weight [in, out], and what else. */
struct part {
    const char *name;
    int in, out;   /* 0: no weight; UNITS1 and so on: of the structure */
    double spread; /* times the root of 3 / in */
    bool bias, scale;
};
enum { UNITS1 = -1, UNITS2 = -2, VIEWS_UNITS1 = -3 };

static const struct part encoder[] = {
    {"cells", VIEWS, WIDTH, 1.4, true, false},
    {"cells2", WIDTH, WIDTH, 1.4, true, false},
    {"class1", 0, WIDTH, 0, true, false},
    {"class1.cells", WIDTH, WIDTH, 1.4, false, false},
    {"class1.facts", 2, WIDTH, 0.5, false, false},
    {"columns1", 0, WIDTH, 0, true, true},
    {"columns1.classes", WIDTH, WIDTH, 1, false, false},
    {"columns1.all", WIDTH, WIDTH, 1, false, false},
    {"columns1.facts", FACTS, WIDTH, 1, false, false},
    {"cells3", 0, WIDTH, 0, true, false},
    {"cells3.cells", WIDTH, WIDTH, 1, false, false},
    {"cells3.columns", WIDTH, WIDTH, 1, false, false},
    {"rows", 0, WIDTH, 0, true, true},
    {"rows.self", WIDTH, WIDTH, 1, false, false},
    {"rows.class", WIDTH, WIDTH, 1, false, false},
    {"rows.all", WIDTH, WIDTH, 1, false, false},
    {"cells4", 0, WIDTH, 0, true, false},
    {"cells4.cells", WIDTH, WIDTH, 1, false, false},
    {"cells4.columns", WIDTH, WIDTH, 1, false, false},
    {"cells4.rows", WIDTH, WIDTH, 1, false, false},
    {"class2", 0, WIDTH, 0, true, false},
    {"class2.cells", WIDTH, WIDTH, 1.4, false, false},
    {"class2.classes", WIDTH, WIDTH, 1, false, false},
    {"columns2", 0, WIDTH, 0, true, true},
    {"columns2.classes", WIDTH, WIDTH, 1, false, false},
    {"columns2.all", WIDTH, WIDTH, 1, false, false},
    {"columns2.before", WIDTH, WIDTH, 1, false, false},
    {"task", 0, TABLE_T, 0, true, true},
    {"task.columns", WIDTH, TABLE_T, 1, false, false},
    {"task.rows", WIDTH, TABLE_T, 1, false, false},
    {"task.facts", FACTS, TABLE_T, 1, false, false},
    {"columns3", 0, WIDTH, 0, true, true},
    {"columns3.self", WIDTH, WIDTH, 1, false, false},
    {"columns3.task", TABLE_T, WIDTH, 1, false, false},
    {"unit1.columns", WIDTH, VIEWS_UNITS1, 1, false, false},
    {"unit1.share", WIDTH, VIEWS_UNITS1, 0.3, false, false},
    {"unit1.rows", WIDTH, UNITS1, 3, false, false},
    {"unit1.gain", TABLE_T, UNITS1, 0.03, false, false},
    {"unit1.shift", TABLE_T, UNITS1, 0.1, false, false},
    {"unit2.left", UNITS1, RANK, 1, false, false},
    {"unit2.right", RANK, UNITS2, 1, false, false},
    {"unit2.code", TABLE_T, RANK, 0.1, false, false},
    {"unit2.gain", TABLE_T, UNITS2, 0.03, false, false},
    {"unit2.shift", TABLE_T, UNITS2, 0.1, false, false},
    {"head.columns", WIDTH, VIEWS, 0.1, false, false},
    {"head.task", TABLE_T, VIEWS, 0.1, false, false},
    {"head1", TABLE_T, UNITS1, 0.1, false, false},
    {"head2", TABLE_T, UNITS2, 0.1, false, false},
    {"metric", WIDTH, NN_METRICS - 1, 0.1, false, false},
    {"metric.task", TABLE_T, NN_METRICS, 0.1, false, false},
    {"amplitude", TABLE_T, NN_METRICS, 0.1, false, false},
    {"plain", TABLE_T, 1, 0.1, false, false},
    {"penalty", TABLE_T, 1, 0.1, false, false},
    {"spread", TABLE_T, 2, 0.03, false, false},
};

static int64_t size_of(const struct structure *s, int size)
{
    return size >= 0        ? size
           : size == UNITS1 ? s->hidden[1]
           : size == UNITS2 ? s->hidden[2]
                            : VIEWS * s->hidden[1];
}

static void add(struct layout *l, const char *name, const char *part, int rank, const int64_t *dim,
                double spread, double start)
{
    char full[48];
    snprintf(full, sizeof full, "%.30s.%.16s", name, part);
    layout_add(l, full, rank, dim, spread, start);
}

/* Numbers that all tasks share, of the places where t changes them. */
static void add_shared(const struct structure *s, struct layout *l)
{
    const int64_t units[] = {s->hidden[1], s->hidden[2]}, metrics = NN_METRICS, one = 1;
    add(l, "unit1.gain", "shared", 1, &units[0], 0.5, 0);
    add(l, "unit1.shift", "shared", 1, &units[0], 1, 0);
    add(l, "unit2", "shared", 2, units, sqrt(3.0 / (double)units[0]), 0);
    add(l, "unit2.gain", "shared", 1, &units[1], 0.5, 0);
    add(l, "unit2.shift", "shared", 1, &units[1], 1, 0);
    add(l, "head1", "shared", 1, &units[0], 0, -1.5);
    add(l, "head2", "shared", 1, &units[1], 0, -1.5);
    add(l, "metric.task", "shared", 1, &metrics, 1, 0.5);
    add(l, "amplitude", "shared", 1, &metrics, 0, 1);
    add(l, "plain", "shared", 1, &one, 0, 0);
}

bool table_structure_fits(const struct structure *s)
{
    return s->kind == NN_LINEAR || (s->kind == NN_KERNEL && s->layers == 3);
}

void table_layout(const struct structure *s, struct layout *l)
{
    const int64_t views[] = {1, VIEWS}, two = 2;
    for (size_t i = 0; s->kind != NN_LINEAR && i < sizeof encoder / sizeof *encoder; i++) {
        const struct part *p = &encoder[i];
        const int64_t dim[] = {size_of(s, p->in), size_of(s, p->out)};
        if (dim[0])
            add(l, p->name, "weight", 2, dim, p->spread * sqrt(3.0 / (double)dim[0]), 0);
        if (p->bias)
            add(l, p->name, "bias", 1, &dim[1], 0, 0);
        if (p->scale)
            add(l, p->name, "scale", 1, &dim[1], 0, 1);
    }
    if (s->kind != NN_LINEAR)
        add_shared(s, l);
    add(l, "head", "views", 2, views, 0, -1);
    add(l, "penalty", "shared", 1, &(int64_t){1}, 0, 0.5);
    add(l, "spread", "shared", 1, &two, 0, 0.4);
}
