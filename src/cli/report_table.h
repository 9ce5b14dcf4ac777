/* report_table.h: what t2m report measures of a model of one table (report_table.c,
 * report_effect.c) and how it becomes a page (report_table_page.c). */
#pragma once
#include "explain.h"
#include "report.h"

enum {
    TABLE_EVERY = 4,      /* each of so many rows is held out */
    TABLE_HELD = 500,     /* rows that are held out, about, at most */
    TABLE_SHUFFLES = 5,   /* of a column */
    TABLE_CURVES = 6,     /* columns whose effect is shown */
    TABLE_CLASSES = 5,    /* ... on so many classes at most */
    TABLE_GRID = 40,      /* numbers of a column that are tried, at most */
    TABLE_AVERAGED = 200, /* rows that each is tried in, at most */
    TABLE_BINS = 10,      /* of the reliability diagram */
    TABLE_LABEL = 20
};

struct importance { /* of a column of the file, by all numbers that are made from it */
    const char *column;
    size_t first, count; /* of the model's inputs */
    double mean, sd;     /* over the shuffles: how much the loss grows */
};

struct effect {                /* of a column: what is foretold on average if it is so */
    const char *column, *name; /* name: of the number that is varied */
    bool levels;               /* the points are categories, which have labels */
    char label[TABLE_GRID][TABLE_LABEL];
    size_t points;
    double x[TABLE_GRID], y[TABLE_CLASSES][TABLE_GRID];
};

struct bin { /* of the probability of the likeliest class */
    double said, right;
    size_t rows;
};

struct table_report {
    const char *path;
    t2m_task *all, *rest, *held;
    t2m_model *model;
    t2m_build_report build;
    struct explanation task;
    size_t rows, inputs, outputs, classes; /* rows that are held out */
    size_t *place;                         /* [inputs] the task's column */
    float *x, *y, *p; /* [rows, inputs], [rows] the truth, [rows, outputs] what is foretold */
    double half_width[2];
    /* what was measured on the rows that are held out */
    double loss, metric, simple; /* log loss or root mean squared error; accuracy or part of the
                                    variance that is explained; loss without any column */
    double held_within[2];       /* parts of the rows in the intervals of 80 and 95 % */
    double calibration_error;
    struct bin bin[TABLE_BINS];
    struct space space; /* of t: this task, then those that the learner keeps; or none */
    size_t placed;
    const char *placed_name[REPORT_POINTS];
    /* of columns */
    size_t columns; /* of the file, that the model uses; the most important first */
    struct importance *importance;
    size_t shown[TABLE_CLASSES], shown_count; /* the most frequent classes */
    size_t effects;
    struct effect effect[TABLE_CURVES];
};

/* Builds a model of the table without the rows that are held out, and measures it on these. */
t2m_status report_table(struct report *r, const char *path, const char *target);
void report_table_free(struct table_report *t);
/* What each column does: report_effect.c. */
t2m_status report_importance(struct report *r);
t2m_status report_effects(struct report *r);
/* Of predictions p [rows, outputs] of the rows that are held out. */
double report_table_loss(const struct table_report *t, const float *p);
json_t *report_table_json(const struct table_report *t);
void report_table_page(FILE *f, const struct report *r);
