/* test_table_tune.c: what is tuned and solved for tables. Steps of tuning follow the slope of the
 * error of left-out rows, written down here in plain C; they find the column that matters; and the
 * head solved on many rows is the small one where both can be had. */
#include "check.h"

#include "mapping/table_tune.h"
#include "mapping/tables.h"

enum { METRICS = NN_METRICS, MOST_ROWS = 40, MOST_COLUMNS = 6 };
enum { NUMBERS = METRICS * MOST_COLUMNS + METRICS + 2 };
static const double rate = 0.7, hold = 0.7; /* of a step, in logarithms; beside all rows */

/* A table, and what the knobs are: metric [METRICS, columns], amplitude [METRICS], the factor of
 * the plain product, the penalty. */
struct problem {
    size_t rows, columns, outputs;
    double place[MOST_ROWS * MOST_COLUMNS], plain[MOST_ROWS * MOST_ROWS], target[MOST_ROWS * 2];
    int steps;
};

static size_t numbers(const struct problem *p)
{
    return METRICS * p->columns + METRICS + 2;
}

/* ---- the objective in plain C ---- */

/* a [n, n] becomes its inverse (Gauss and Jordan; a is positive definite). */
static void invert(double *a, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const double pivot = a[k * n + k];
        a[k * n + k] = 1;
        for (size_t j = 0; j < n; j++)
            a[k * n + j] /= pivot;
        for (size_t i = 0; i < n; i++) {
            const double factor = a[i * n + k];
            if (i == k)
                continue;
            a[i * n + k] = 0;
            for (size_t j = 0; j < n; j++)
                a[i * n + j] -= factor * a[k * n + j];
        }
    }
}

static double system_at(const struct problem *p, const double *knob, size_t i, size_t k)
{
    const double *amplitude = knob + METRICS * p->columns, *factor = amplitude + METRICS;
    double sum = factor[0] * p->plain[i * p->rows + k];
    for (size_t q = 0; q < METRICS; q++) {
        double distance = 0;
        for (size_t c = 0; c < p->columns; c++)
            distance += knob[q * p->columns + c] *
                        fabs(p->place[i * p->columns + c] - p->place[k * p->columns + c]);
        sum += amplitude[q] * exp(-distance);
    }
    return sum;
}

/* The penalty with these knobs: more by a part of the sum of the diagonal at `at`. */
static double penalty_at(const struct problem *p, const double *knob, const double *at)
{
    double trace = 0;
    for (size_t i = 0; i < p->rows; i++)
        trace += system_at(p, at, i, i);
    return knob[METRICS * p->columns + METRICS + 1] + 1e-5 * trace;
}

/* Mean over the rows of the squared error of each as foretold from the others. */
static double left_out_error(const struct problem *p, const double *knob, const double *at)
{
    const double penalty = penalty_at(p, knob, at);
    static double b[MOST_ROWS * MOST_ROWS];
    const size_t n = p->rows;
    double sum = 0;
    for (size_t i = 0; i < n * n; i++)
        b[i] = system_at(p, knob, i / n, i % n) + (i / n == i % n ? penalty : 0);
    invert(b, n);
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < p->outputs; o++) {
            double a = 0;
            for (size_t k = 0; k < n; k++)
                a += b[i * n + k] * p->target[k * p->outputs + o];
            sum += a / b[i * n + i] * (a / b[i * n + i]);
        }
    return sum / (double)n;
}

/* Of twice the error, with respect to the logarithm of each knob; what is added to the penalty
 * stays. */
static void slopes(const struct problem *p, const double *knob, double *slope)
{
    const double h = 1e-5;
    double moved[NUMBERS];
    memcpy(moved, knob, numbers(p) * sizeof *knob);
    for (size_t i = 0; i < numbers(p); i++) {
        moved[i] = knob[i] * exp(h);
        slope[i] = left_out_error(p, moved, knob);
        moved[i] = knob[i] * exp(-h);
        slope[i] = (slope[i] - left_out_error(p, moved, knob)) / h;
        moved[i] = knob[i];
    }
}

/* A step scaled as in Adam of `count` knobs that are alike. */
static void move_alike(const double *slope, double *first, double *second, int step, double *knob,
                       size_t count)
{
    double like = 0;
    for (size_t i = 0; i < count; i++) {
        first[i] = 0.8 * first[i] + 0.2 * slope[i];
        second[i] = 0.95 * second[i] + 0.05 * slope[i] * slope[i];
        like += second[i] / (1 - pow(0.95, step + 1)) / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        const double own = second[i] / (1 - pow(0.95, step + 1));
        knob[i] *=
            exp(-rate * first[i] / (1 - pow(0.8, step + 1)) / (sqrt(own) + 0.1 * sqrt(like)));
    }
}

static void tune_plainly(const struct problem *p, double *knob)
{
    const size_t end[] = {METRICS * p->columns, METRICS * p->columns + METRICS,
                          METRICS * p->columns + METRICS + 1, numbers(p)};
    double begin[NUMBERS], slope[NUMBERS], first[NUMBERS] = {0}, second[NUMBERS] = {0};
    memcpy(begin, knob, numbers(p) * sizeof *knob);
    for (int step = 0; step < p->steps; step++) {
        slopes(p, knob, slope);
        for (size_t i = 0; i < numbers(p); i++)
            slope[i] += hold / (double)p->rows * log(knob[i] / begin[i]);
        for (size_t k = 0, at = 0; k < TABLE_KNOBS; at = end[k++])
            move_alike(slope + at, first + at, second + at, step, knob + at, end[k] - at);
    }
}

/* ---- the same by the library ---- */

static void tune(t2m *lib, struct problem *p, double *knob)
{
    t2m_graph *g;
    const int64_t n = (int64_t)p->rows, columns = (int64_t)p->columns, one = 1;
    const size_t counts[] = {METRICS * p->columns, METRICS, 1, 1};
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "places", 2, (int64_t[]){n, columns}),
                            t2m_input(g, "plain", 2, (int64_t[]){n, n}),
                            t2m_input(g, "targets", 2, (int64_t[]){n, (int64_t)p->outputs}),
                            t2m_input(g, "metric", 2, (int64_t[]){METRICS, columns}),
                            t2m_input(g, "amplitude", 1, (int64_t[]){METRICS}),
                            t2m_input(g, "factor", 1, &one),
                            t2m_input(g, "penalty", 1, &one)};
    const struct table_tuning t = {in[0], in[1], in[2], p->steps};
    t2m_value k[] = {in[3], in[4], in[5], in[6]};
    table_tune(g, &t, k);
    double start[NUMBERS], *at[TABLE_KNOBS] = {start};
    memcpy(start, knob, numbers(p) * sizeof *knob);
    for (int i = 1; i < TABLE_KNOBS; i++)
        at[i] = at[i - 1] + counts[i - 1];
    double *const data[] = {p->place, p->plain, p->target, at[0], at[1], at[2], at[3]};
    for (int i = 0; i < TABLE_KNOBS; i++) {
        double *out = check_run(lib, g, in, data, 7, k[i], T2M_F64, false);
        memcpy(knob, out, counts[i] * sizeof *out);
        knob += counts[i];
        free(out);
    }
    t2m_graph_free(g);
}

/* Targets of which the first column says most, beside noise; plain: the product of two features. */
static void draw(struct problem *p, double *knob)
{
    struct random r = random_stream(4, 17, p->rows);
    for (size_t i = 0; i < p->rows * p->columns; i++)
        p->place[i] = random_uniform(&r, -1.7, 1.7);
    for (size_t i = 0; i < p->rows; i++)
        for (size_t o = 0; o < p->outputs; o++)
            p->target[i * p->outputs + o] =
                sin(3 * p->place[i * p->columns] + (double)o) + 0.1 * random_normal(&r);
    for (size_t i = 0; i < p->rows * p->rows; i++) {
        const double *a = p->place + i / p->rows * p->columns,
                     *b = p->place + i % p->rows * p->columns;
        p->plain[i] = 9 + a[0] * b[0] + a[1] * b[1];
    }
    for (size_t i = 0; i < METRICS * p->columns; i++)
        knob[i] = random_uniform(&r, 0.8, 1.2) / (double)p->columns;
    const double rest[] = {0.6, 1.1, 0.02, 0.4};
    memcpy(knob + METRICS * p->columns, rest, sizeof rest);
}

static void steps_follow_the_slope(void **state)
{
    for (int steps = 1; steps <= 4; steps++) {
        struct problem p = {.rows = 9, .columns = 3, .outputs = 2, .steps = steps};
        double knob[NUMBERS], plain[NUMBERS];
        draw(&p, knob);
        memcpy(plain, knob, sizeof plain);
        tune(*state, &p, knob);
        tune_plainly(&p, plain);
        for (size_t i = 0; i < numbers(&p); i++)
            if (fabs(knob[i] / plain[i] - 1) > 1e-6)
                fail_msg("%d steps, knob %zu: %.9g is not %.9g", steps, i, knob[i], plain[i]);
    }
}

static void the_relevant_column_is_found(void **state)
{
    struct problem p = {.rows = 40, .columns = 6, .outputs = 1, .steps = 8};
    double knob[NUMBERS], begin[NUMBERS];
    draw(&p, knob);
    memcpy(begin, knob, sizeof begin);
    tune(*state, &p, knob);
    assert_true(left_out_error(&p, knob, knob) < 0.7 * left_out_error(&p, begin, begin));
    for (size_t q = 0; q < METRICS; q++) {
        assert_true(knob[q * 6] > 1.5 * begin[q * 6]);
        for (size_t c = 1; c < 6; c++)
            assert_true(knob[q * 6 + c] / begin[q * 6 + c] < 0.7 * knob[q * 6] / begin[q * 6]);
    }
}

/* ---- the head ---- */

enum { ROWS = 48, QUERIES = 20, COLUMNS = 3, VIEWS = MARGINAL_VIEWS };

struct small { /* a task, and what a learner at random makes of it */
    float x[ROWS * COLUMNS * VIEWS], y[ROWS], member[ROWS * TABLE_BINS], place[TABLE_BINS],
        query[QUERIES * COLUMNS * VIEWS];
    struct structure structure; /* of the model */
    struct layout layout;
    float *m, scale[64], off[ROWS], log_penalty;
};

static void draw_task(struct small *s, size_t classes)
{
    struct random r = random_stream(3, 18, classes);
    for (size_t i = 0; i < ROWS * COLUMNS * VIEWS; i++)
        s->x[i] = (float)random_uniform(&r, -1.7, 1.7);
    for (size_t i = 0; i < QUERIES * COLUMNS * VIEWS; i++)
        s->query[i] = (float)random_uniform(&r, -1.7, 1.7);
    for (size_t i = 0; i < ROWS; i++) {
        const float v = s->x[i * COLUMNS * VIEWS + 1] + 0.1F * (float)random_normal(&r);
        s->y[i] = classes ? (float)((v > -0.6F) + (v > 0.6F)) : v;
        if (classes)
            s->member[i * classes + (size_t)s->y[i]] = 1;
        else
            s->member[i * TABLE_BINS + i % TABLE_BINS] = 1;
    }
}

/* The small head: the whole graph of a learner whose numbers are random. */
static void make_small(t2m *lib, struct small *s, size_t classes)
{
    const struct table_use use = {.shape = {ROWS, QUERIES, COLUMNS, (int64_t)classes},
                                  .steps = TABLE_STEPS};
    struct structure of_learner;
    struct layout l = {0};
    struct table_graph e;
    t2m_plan *plan;
    t2m_workspace *w;
    struct random r = random_stream(6, 2, 0);
    assert_int_equal(structure_parse(lib, "kernel:9,5,4", &of_learner), T2M_OK);
    table_layout(&of_learner, &l);
    float *phi = (float *)check_room(l.numel);
    layout_start(&l, &r, phi);
    for (size_t i = 0; i < l.count; i++)
        if (strcmp(l.parameter[i].name, "penalty.shared") == 0)
            phi[l.parameter[i].offset] = -2; /* not 0, so that it is seen to be used */
    s->structure = table_model_structure(&of_learner, COLUMNS, ROWS, classes);
    structure_layout(&s->structure, &s->layout);
    s->m = (float *)check_room(s->layout.numel);
    assert_int_equal(table_graph_make(lib, &of_learner, &l, &use, &e), T2M_OK);
    const t2m_value in[] = {e.phi, e.x_support, e.y_support, e.member, e.place},
                    out[] = {e.m, e.prior.scale, e.prior.log_penalty, e.off};
    assert_int_equal(t2m_compile(e.g, in, 5, out, 4, NULL, &plan), T2M_OK);
    assert_int_equal(t2m_workspace_new(plan, &w), T2M_OK);
    const void *const from[] = {phi, s->x, s->y, s->member, s->place};
    void *const to[] = {s->m, s->scale, &s->log_penalty, s->off};
    t2m_run(plan, w, from, to);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(e.g);
    free(phi);
}

/* What the model m says of the queries. */
static double *answers(t2m *lib, const struct small *s, const float *m)
{
    t2m_graph *g;
    struct norm_use norm = {0};
    double *wide = check_room(s->layout.numel), query[QUERIES * COLUMNS * VIEWS];
    const int64_t numel = (int64_t)s->layout.numel;
    for (size_t i = 0; i < s->layout.numel; i++)
        wide[i] = (double)m[i];
    for (size_t i = 0; i < QUERIES * COLUMNS * VIEWS; i++)
        query[i] = (double)s->query[i];
    assert_int_equal(t2m_graph_new(lib, &g), T2M_OK);
    const t2m_value in[] = {t2m_input(g, "m", 1, &numel),
                            structure_input(g, &s->structure, "x", QUERIES)};
    t2m_value y = structure_head(g, &s->structure, in[0],
                                 structure_features(g, &s->structure, in[0], in[1], &norm));
    if (s->structure.outputs > 1)
        y = t2m_softmax(g, y);
    double *const data[] = {wide, query}, *out = check_run(lib, g, in, data, 2, y, T2M_F64, false);
    t2m_graph_free(g);
    free(wide);
    return out;
}

/* Solved on the centres themselves, the head for many rows is the small one, but for the jitter and
 * the number of steps. */
static void a_head_of_few_rows(t2m *lib, size_t classes)
{
    struct small s = {.place = {0}};
    double spread = 0, head = 0;
    float off[ROWS];
    draw_task(&s, classes);
    make_small(lib, &s, classes);
    double *const small = answers(lib, &s, s.m);
    for (size_t i = s.layout.body; i < s.layout.numel; i++)
        s.m[i] = 0;
    const struct table_head h = {.structure = s.structure,
                                 .rows = ROWS,
                                 .x = s.x,
                                 .target = classes ? s.member : s.y,
                                 .classes = classes > 0,
                                 .scale = s.scale,
                                 .log_penalty = (double)s.log_penalty};
    assert_int_equal(table_head_solve(lib, &h, s.m, off), T2M_OK);
    double *const many = answers(lib, &s, s.m);
    const size_t n = QUERIES * (classes ? classes : 1);
    for (size_t i = 0; i < n; i++) {
        if (fabs(small[i] - many[i]) > 0.03)
            fail_msg("%zu classes, answer %zu: %g is not %g", classes, i, many[i], small[i]);
        spread = fmax(spread, fabs(small[i] - small[0]));
    }
    assert_true(spread > 0.5); /* it says something */
    for (size_t i = s.layout.body; i < s.layout.numel; i++)
        head += fabs((double)s.m[i]);
    assert_true(head > 0.1);
    for (size_t i = 0; i < ROWS && !classes; i++)
        assert_true(fabsf(off[i] - s.off[i]) < 0.03F);
    free(small);
    free(many);
    free(s.m);
}

static void heads_of_few_rows(void **state)
{
    a_head_of_few_rows(*state, 0);
    a_head_of_few_rows(*state, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_slope),
        cmocka_unit_test(the_relevant_column_is_found),
        cmocka_unit_test(heads_of_few_rows),
    };
    return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
