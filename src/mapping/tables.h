/* tables.h: learners of tables of any columns and classes. The task is represented by its columns,
 * its rows and itself; from that the hidden layers of a small network are made, column by column,
 * and its head is solved on the rows. The order of rows, of columns and of classes does not matter,
 * since nothing is learned of the place of any. */
#pragma once
#include "mapping/learner.h"
#include "task/tables.h"

struct table_use { /* what a graph is made for */
    struct table_shape shape;
    int steps;       /* of tuning; TABLE_STEPS: as in training */
    bool other_task; /* the rows that are seen are those of another task of this shape */
};
enum { TABLE_STEPS = 8, TABLE_MOST_STEPS = 64 };
/* T2M_EUSAGE if there are more of them than a program should have. */
t2m_status table_check_steps(t2m *lib, int steps);

struct table_graph {
    t2m_graph *g;
    /* inputs */
    t2m_value phi;
    t2m_value x_support, x_query; /* [n, columns, MARGINAL_VIEWS] */
    t2m_value y_support, y_query; /* [n] class numbers, or values in units of the support set */
    t2m_value member;             /* [supports, classes or TABLE_BINS] each row's share in each */
    t2m_value place;              /* [classes or TABLE_BINS] of bins: -1 .. 1; of classes: 0 */
    /* What t and the tokens are made from, and the sum over the rows in the first layer: x_support,
     * member and place, or further inputs like them. */
    struct table_seen {
        t2m_value x, member, place;
    } seen;
    /* results */
    t2m_value loss;   /* [] of the query set */
    t2m_value learn;  /* [] what learning makes small: the loss before tuning, which would take back
                         what is learned of its beginning, and that of the intervals after it */
    t2m_value output; /* [queries, outputs] logits, or values */
    t2m_value t;      /* [TABLE_T] */
    t2m_value m;      /* model vector */
    t2m_value off; /* [supports] of values: by how much left-out rows are off; of classes [1] 0 */
    t2m_value spread; /* [2] half-widths of intervals of 80 and 95 % of values; of classes 0 */
    struct table_prior {
        t2m_value scale;       /* [features]: how far from 0 the head's weights are thought to be */
        t2m_value log_penalty; /* [] of values; of classes 0 */
        t2m_value factor;      /* [2] spread in root mean squared errors of left-out rows; else 0 */
    } prior;                   /* with which the head was solved */
};
enum {
    TABLE_QUERIES = 64,                    /* of a task, unless its table is small */
    TABLE_SHAPED_ROWS = 8 + TABLE_QUERIES, /* of the smallest task beside synthetic ones */
    TABLE_LEAST_ROWS = 8                   /* of a table that has tasks at all */
};
enum {
    TABLE_SUPPORTS = 256, /* rows that the body of a model is made from, at most */
    TABLE_COLUMNS = 32    /* of a model, at most */
};
#define TABLE_LEAST_SQUARE 1e-6 /* of how far left-out rows are off, in units of the values */
#define TABLE_BIAS_INPUT 3.0    /* a bias of 3 is thought as likely as a weight of 1 */
enum { TABLE_T = 64 /* numbers of t, and of each token */, TABLE_FACTS = 4, TABLE_INPUTS = 7 };

/* A shape of the training on f: any, with TABLE_QUERIES queries, if there are synthetic tables;
 * else one that suits one of the tables, of all its columns and classes, if it has TABLE_LEAST_ROWS
 * (table_step.c). */
struct table_shape table_shape_draw(const struct t2m_family *f, struct random *r);
/* Whether models of tables can have it: kernel with two layers, or linear. */
bool table_structure_fits(const struct structure *s);
/* The structure of the models of a learner whose structure is this. */
struct structure table_model_structure(const struct structure *of_learner, size_t columns,
                                       size_t supports, size_t classes);
/* Appends the parameters of a learner whose models have this structure. */
void table_layout(const struct structure *s, struct layout *l);
/* Appends the whole of steps 1, 3, 4 and 5 for one task; makes the inputs too. */
t2m_status table_graph_make(t2m *lib, const struct structure *s, const struct layout *l,
                            const struct table_use *use, struct table_graph *e);
/* The inputs in the order in which the runs take them; those of another task come behind them. */
void table_graph_inputs(const struct table_graph *e, t2m_value in[TABLE_INPUTS]);

/* likeness_learn for learners of tables that make a t (table_known.c). */
t2m_status table_known_learn(struct t2m_learner *l, const struct t2m_family *f);
/* t2m_eval for learners of tables, on a family of tables (table_eval.c). */
t2m_status table_eval(const t2m_learner *l, const t2m_family *f, const t2m_eval_options *o,
                      t2m_eval_result *out);

/* The head of a model m [parameters] whose body is there, solved on more rows than its kernel has
 * centres; with the prior of a table_graph. */
struct table_head {
    struct structure structure;
    size_t rows;
    const float *x;      /* [rows, inputs] views */
    const float *target; /* [rows, outputs] shares in the classes, or values */
    bool classes;
    const float *scale;
    double log_penalty;
};
/* Fills in the head in m, and, of values, off [rows]: by how much left-out rows are off. */
t2m_status table_head_solve(t2m *lib, const struct table_head *h, float *m, float *off);
