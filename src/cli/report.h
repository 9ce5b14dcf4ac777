/* report.h: what t2m report measures (report_data.c, report_space.c) and how it becomes a page
 * (report_page.c, report_text.c, report_samples.c, report_pictures.c, report_plot.c,
 * report_style.c). Only report.c and these files use it. */
#pragma once
#include <stdbool.h>

#include "cli.h"

enum {
    REPORT_SHOTS = 6,    /* numbers of shots on the curve, at most */
    REPORT_PLACED = 60,  /* tasks in the two spaces */
    REPORT_POINTS = 101, /* of any space, at most */
    REPORT_SAMPLES = 6,  /* tasks whose predictions are shown; of pictures 3 */
    REPORT_GRID = 120,   /* inputs along a curve */
    REPORT_QUERIES = 50, /* of a task of rows, at most; built-in families have 100 */
    REPORT_LOG = 4096    /* lines of log.jsonl */
};

struct log_line {
    double step, loss, validation; /* NaN: not there */
};

struct space {   /* points by their first two principal components */
    size_t size; /* numbers of a vector; 0: there is no such space */
    double at[REPORT_POINTS][2];
    double part[2]; /* of the variance, 0..1 */
};
enum placement { BY_VECTOR, BY_PREDICTIONS, BY_COMMON_STRUCTURE };
struct placed_task {
    char *name, *structure;
    float *t, *m, *y; /* y: predictions on the common grid */
    size_t m_size;
    bool shown; /* in the space of the models */
};
struct spaces {
    size_t count, t_size, grid;
    float *grid_x;
    struct placed_task task[REPORT_PLACED];
    enum placement placement;
    struct space t, m;
};

struct sample { /* a task, its queries, and what the models answer */
    t2m_task *support, *query;
    float *x, *y, *query_x, *query_y; /* in the data's units; of masks y for each pixel */
    size_t asked; /* inputs that were predicted: a grid along the one feature, else the queries */
    float *asked_x, *generated, *tuned; /* [asked], of images tuned [asked, classes], of
                                           masks [asked, height, width, classes] */
};

struct table_report; /* report_table.h */
struct report {
    struct cli *c;
    t2m_learner *learner;
    t2m_family *family;
    t2m_learner_info l;
    t2m_family_info f;
    char command[2048], name[256]; /* name: of the learner */
    char run[CLI_PATH_SIZE + 8];   /* LEARNER.run; "" for a shipped one */
    t2m_episode_options episode;   /* of spaces and samples */
    size_t tasks, done, all;       /* done of all: for the progress line */
    double start;
    /* what was measured */
    struct log_line log[REPORT_LOG];
    size_t logged, points;
    t2m_eval_result point[REPORT_SHOTS]; /* one for each number of shots */
    char left_out[256];                  /* why some numbers of shots are not there, or "" */
    struct spaces spaces;
    size_t samples;
    struct sample sample[REPORT_SAMPLES];
    struct table_report *table; /* instead of all that, of learners of tables */
};

static inline bool report_is_of_pictures(const struct report *r)
{
    return r->f.images || r->f.masks;
}
/* Each measures its part; T2M_ECANCELLED after a signal. */
t2m_status report_curves(struct report *r);
t2m_status report_spaces(struct report *r);
t2m_status report_predictions(struct report *r);
/* Points of the vectors row [count] of so many numbers. */
void report_place(const float *const *row, size_t count, size_t size, struct space *out);
void report_log(struct report *r); /* what there is of it */
int report_tick(struct report *r, const t2m_progress *p, size_t part);
/* The point whose number of shots is nearest to that of the training. */
const t2m_eval_result *report_usual(const struct report *r);
/* What the model of another task is compared with: the generated one; where a method makes no t,
 * the tuned one, as all that it knows of a task comes from there. */
const t2m_eval_row *report_rival(const struct report *r);
bool report_wrong_is_worse(const struct report *r); /* the intervals do not overlap */

/* ---- the page ---- */

void report_page(FILE *f, const struct report *r);
/* All up to the heading, which is also the title, and all after the last section. */
void report_begin(FILE *f, const char *kicker, const char *name, const char *data);
void report_end(FILE *f);
void report_samples(FILE *f, const struct report *r);
void report_pictures(FILE *f, const struct report *r); /* their samples, of classes */
void report_masks(FILE *f, const struct report *r);    /* of masks */
extern const char report_css[], report_script[];
/* Text from data: escaped for HTML, also in attributes. */
void put_text(FILE *f, const char *text);
void put_bold(FILE *f, const char *text);
void put_count(FILE *f, size_t n);                          /* 12,345 */
void put_item(FILE *f, const char *name, const char *text); /* of a <dl> */
void put_program(FILE *f, const struct report *r); /* items: version, instructions; the command */
const char *report_method_doc(const char *method);

/* ---- plots: SVG that stretches, with labels in HTML that do not ---- */

struct axis {
    double low, high, step; /* step: between two ticks; 0: a round one is chosen */
    bool logarithmic;
    const char *label;
    const double *tick;           /* NULL: round numbers */
    const char *const *tick_name; /* NULL: the number itself */
    size_t ticks;
    double scale; /* of what the labels say: 100 for percent */
    const char *unit;
};
struct plot {
    FILE *f;
    struct axis x, y;
};
struct series { /* low and high: NULL, or bounds of the band around y */
    const double *x, *y, *low, *high;
    size_t n;
    const char *class, *name;
};
/* Widens to hold the numbers that are finite. */
void axis_hold(struct axis *a, const double *x, size_t n);
void axis_round(struct axis *a); /* ends on ticks; logarithmic from a factor of 20 on, if it may */
void plot_begin(struct plot *p, const char *class, const char *title);
void plot_band(struct plot *p, const struct series *s);
void plot_line(struct plot *p, const struct series *s);
/* Points; with a name each says what it is. */
void plot_points(struct plot *p, const struct series *s);
void plot_end(struct plot *p);
