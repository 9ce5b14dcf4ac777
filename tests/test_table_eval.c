/* test_table_eval.c: what a learner of tables is measured by: the five rows, what each of them is
 * told, the same numbers for any number of threads; and which tasks are drawn. */
#include "check.h"

#include <unistd.h>

#include "mapping/learner.h"
#include "mapping/tables.h"
#include "task2model.h"

static char folder[] = "/tmp/t2m-table-eval-XXXXXX";

/* ---- learners and families ---- */

static t2m_learner *small_learner(t2m *lib, const char *structure)
{
    const char *const path = "builtin:tables";
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_learner *l = NULL;
    o.structure = structure;
    o.steps = o.meta_batch = o.validation_tasks = 1;
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, NULL), T2M_OK);
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    t2m_family_free(f);
    return l;
}

/* Tables of this name, of 60 rows and 4 columns whose sum says the target. */
static t2m_family *tables(t2m *lib, const t2m_learner *l, const char *name, bool values)
{
    char path[96];
    const char *const paths[] = {path};
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    t2m_family *family = NULL;
    struct random r = random_stream(9, 1, values);
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "a,b,c,d,target\n");
    for (int i = 0; i < 60; i++) {
        double sum = 0;
        for (int k = 0; k < 4; k++) {
            const double x = random_normal(&r);
            sum += x;
            fprintf(f, "%.4f,", x);
        }
        fprintf(f, values ? "%.4f\n" : "%.0f\n", values ? sum : (double)(sum > 0));
    }
    assert_int_equal(fclose(f), 0);
    o.learner = l;
    if (t2m_family_open(lib, &family, paths, 1, &o) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return family;
}

static t2m_eval_result evaluated(const t2m_learner *l, const t2m_family *f,
                                 const t2m_eval_options *o)
{
    t2m_eval_result r;
    if (t2m_eval(l, f, o, &r) != T2M_OK)
        fail_msg("%s", t2m_errmsg(l->lib));
    return r;
}

/* ---- the graph ---- */

enum { ROWS = 16, QUERIES = 5, COLUMNS = 3, CLASSES = 2, EACH = MARGINAL_VIEWS * COLUMNS };

/* Logits, and the model's vector [*numbers], of a task of random rows; the rows that are seen are
 * those of stream `seen`. */
static float *answers(t2m *lib, const struct structure *s, const struct layout *l, const float *phi,
                      const struct table_use *use, uint64_t seen, size_t *numbers)
{
    struct table_graph e;
    t2m_plan *plan;
    t2m_workspace *w;
    t2m_value in[TABLE_INPUTS + 3];
    float x[2][ROWS * EACH], member[ROWS * CLASSES] = {0}, place[CLASSES] = {0}, y[ROWS],
                                           q[QUERIES * EACH] = {0}, none[QUERIES] = {0};
    for (uint64_t k = 0; k < 2; k++)
        for (uint64_t i = 0; i < ROWS * EACH; i++) {
            struct random r = random_stream(4, k ? seen : 0, i);
            x[k][i] = (float)random_normal(&r);
        }
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = (float)(i % CLASSES);
        member[i * CLASSES + i % CLASSES] = 1;
    }
    assert_int_equal(table_graph_make(lib, s, l, use, &e), T2M_OK);
    table_graph_inputs(&e, in);
    const t2m_value all[] = {in[0], in[1], in[2],    in[3],         in[4],
                             in[5], in[6], e.seen.x, e.seen.member, e.seen.place};
    const size_t n = use->other_task ? TABLE_INPUTS + 3 : TABLE_INPUTS;
    assert_int_equal(t2m_compile(e.g, all, n, &e.m, 1, NULL, &plan), T2M_OK);
    assert_int_equal(t2m_workspace_new(plan, &w), T2M_OK);
    *numbers = check_numel(e.g, e.m);
    float *out = calloc(*numbers, sizeof *out);
    assert_non_null(out);
    const void *const from[] = {phi, x[0], y, member, place, q, none, x[1], member, place};
    void *const to[] = {out};
    t2m_run(plan, w, from, to);
    t2m_workspace_free(w);
    t2m_plan_free(plan);
    t2m_graph_free(e.g);
    return out;
}

static bool alike(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-4F * (1 + fabsf(a[i]))))
            return false;
    return true;
}

/* Seeing oneself as another task changes nothing; seeing another one changes the model, but not its
 * centres, which are the task's own rows; tuning changes it too. */
static void what_is_seen_makes_the_model(void **state)
{
    struct structure s;
    struct layout l = {0}, model;
    size_t n;
    assert_int_equal(structure_parse(*state, "kernel:9,8,4", &s), T2M_OK);
    table_layout(&s, &l);
    float *phi = (float *)check_room(l.numel), *m[4];
    struct random r = random_stream(5, 2, 0);
    layout_start(&l, &r, phi);
    struct table_use use = {.shape = {ROWS, QUERIES, COLUMNS, CLASSES}, .steps = TABLE_STEPS};
    m[0] = answers(*state, &s, &l, phi, &use, 0, &n);
    use.other_task = true;
    m[1] = answers(*state, &s, &l, phi, &use, 0, &n);
    m[2] = answers(*state, &s, &l, phi, &use, 1, &n);
    use.other_task = false;
    use.steps = 0;
    m[3] = answers(*state, &s, &l, phi, &use, 0, &n);
    assert_true(alike(m[0], m[1], n));
    assert_false(alike(m[0], m[2], n));
    assert_false(alike(m[0], m[3], n));
    const struct structure made = table_model_structure(&s, COLUMNS, ROWS, CLASSES);
    structure_layout(&made, &model);
    for (size_t i = 0; i < model.count; i++) {
        const struct parameter *p = &model.parameter[i];
        if (strcmp(p->name, "kernel.centres") == 0)
            assert_true(alike(m[0] + p->offset, m[2] + p->offset, p->count));
        if (strstr(p->name, "1.weight"))
            assert_false(alike(m[0] + p->offset, m[2] + p->offset, p->count));
    }
    for (int i = 0; i < 4; i++)
        free(m[i]);
    free(phi);
}

/* ---- the rows ---- */

static void classes_are_measured_by_accuracy(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = small_learner(lib, "kernel:9,4,4");
    t2m_family *f = tables(lib, l, "classes", false);
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    o.tasks = 20;
    o.shots = 30;
    o.queries = 20;
    const t2m_eval_result r = evaluated(l, f, &o);
    assert_string_equal(r.metric, "accuracy");
    assert_string_equal(r.kind, "classification");
    assert_true(r.shots == 30 && r.queries == 20 && r.tasks == 20);
    assert_false(r.row[ROW_SHARED].present);
    assert_non_null(r.row[ROW_SHARED].note);
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        if (i != ROW_SHARED) {
            assert_true(r.row[i].present && r.row[i].mean > 0.5 && r.row[i].mean < 1);
            assert_true(r.row[i].ci95 > 0 && r.row[i].log_loss > 0 && r.row[i].bytes > 100);
        }
    assert_true(r.row[ROW_TUNED].log_loss != r.row[ROW_GENERATED].log_loss);
    assert_true(r.row[ROW_TUNED].log_loss != r.row[ROW_WRONG].log_loss);
    assert_true(r.row[ROW_TUNED].log_loss != r.row[ROW_SCRATCH].log_loss);
    o.steps = 0;
    const t2m_eval_result none = evaluated(l, f, &o);
    assert_true(none.row[ROW_TUNED].log_loss == r.row[ROW_GENERATED].log_loss);
    t2m_family_free(f);
    t2m_learner_free(l);
}

static void values_are_measured_by_their_error(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = small_learner(lib, "linear");
    t2m_family *f = tables(lib, l, "values", true);
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    o.tasks = 12;
    o.shots = 30;
    o.queries = 20;
    const t2m_eval_result r = evaluated(l, f, &o);
    assert_string_equal(r.metric, "nrmse");
    assert_string_equal(r.kind, "regression");
    assert_true(r.row[ROW_TUNED].mean > 0 && r.row[ROW_TUNED].mean < 0.95);
    assert_true(r.row[ROW_TUNED].mean == r.row[ROW_GENERATED].mean);
    assert_true(isnan(r.row[ROW_TUNED].log_loss));
    assert_false(r.row[ROW_WRONG].present); /* it makes no t */
    t2m_family_free(f);
    t2m_learner_free(l);
}

static t2m_eval_result with_threads(size_t threads)
{
    t2m *lib = check_open(NULL, threads);
    t2m_learner *l = small_learner(lib, "kernel:9,4,4");
    t2m_family *f = tables(lib, l, "threads", false);
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    o.tasks = 40;
    o.shots = 20;
    o.queries = 20;
    const t2m_eval_result r = evaluated(l, f, &o);
    t2m_family_free(f);
    t2m_learner_free(l);
    t2m_close(lib);
    return r;
}

static void any_number_of_threads_gives_the_same(void **state)
{
    const t2m_eval_result one = with_threads(1), three = with_threads(3);
    (void)state;
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        if (one.row[i].present)
            assert_true(one.row[i].mean == three.row[i].mean &&
                        one.row[i].ci95 == three.row[i].ci95 &&
                        one.row[i].log_loss == three.row[i].log_loss);
}

/* ---- rows that are held out ---- */

static t2m_task *table_of(const t2m_learner *l, const char *text)
{
    char path[96];
    t2m_task *t = NULL;
    snprintf(path, sizeof path, "%s/split.csv", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    if (t2m_task_open(l, &t, path, NULL) != T2M_OK)
        fail_msg("%s", t2m_errmsg(l->lib));
    return t;
}

/* Every third row of each class, in their order; columns and classes are those of the whole. */
static void rows_are_held_out_of_each_class(void **state)
{
    t2m_learner *l = small_learner(*state, "linear");
    t2m_task *all = table_of(l, "x,size,kind\n1,s,b\n2,m,b\n3,l,b\n4,s,a\n5,m,b\n6,l,b\n7,s,a\n"
                                "8,m,b\n9,l,a\n10,s,c\n"),
             *rest = NULL, *held = NULL;
    t2m_column column;
    float x[10 * 4], y[10];
    assert_int_equal(t2m_task_split(all, &rest, &held, 3), T2M_OK);
    assert_true(t2m_task_examples(rest) == 7 && t2m_task_examples(held) == 3);
    assert_true(t2m_task_classes(held) == 3);
    assert_string_equal(t2m_task_class(held, 2), "c");
    t2m_task_values(held, x, y);
    assert_true(x[0] == 3 && x[4] == 8 && x[8] == 9);
    assert_true(y[0] == 1 && y[1] == 1 && y[2] == 0);
    t2m_task_values(rest, x, y);
    assert_true(x[0] == 1 && x[4 * 6] == 10 && y[6] == 2);
    assert_true(t2m_task_column(l, held, 1, &column));
    assert_string_equal(column.source, "size");
    assert_non_null(strstr(column.name, "size = "));
    t2m_task *none = NULL;
    assert_int_equal(t2m_task_split(all, &none, &none, 1), T2M_EUSAGE);
    assert_int_equal(t2m_task_split(all, &none, &none, 7), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(l->lib), "too few to hold out every 7th of each class"));
    assert_null(none);
    t2m_task_free(held);
    t2m_task_free(rest);
    t2m_task_free(all);
    t2m_learner_free(l);
}

/* ---- a family of its own ---- */

static void shapes_suit_the_tables(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = small_learner(lib, "linear");
    for (int values = 0; values <= 1; values++) {
        t2m_family *f = tables(lib, l, "suits", values);
        struct random r = random_stream(2, 1, 0);
        for (int i = 0; i < 300; i++) {
            const struct table_shape s = table_shape_draw(f, &r);
            assert_true(s.own && s.columns == 4 && s.classes == (values ? 0 : 2));
            assert_true(s.supports >= 4 && s.supports <= 30 && s.queries == 30);
        }
        t2m_family_free(f);
    }
    t2m_learner_free(l);
}

/* ---- what is refused ---- */

static int stop_at_once(void *ctx)
{
    (void)ctx;
    return 1;
}

static void what_makes_no_sense_is_refused(void **state)
{
    t2m *lib = *state;
    t2m_learner *l = small_learner(lib, "linear");
    t2m_family *f = tables(lib, l, "refused", true);
    t2m_eval_result r;
    const t2m_eval_options plain = T2M_EVAL_OPTIONS_INIT;
    t2m_eval_options o[8];
    for (int i = 0; i < 8; i++)
        o[i] = plain;
    o[0].ways = 3;
    o[1].transductive = true;
    o[2].within_domain = true;
    o[3].shots = 1000;
    o[4].steps = 100;
    o[5].shots = 40; /* and 30 queries, of 60 rows */
    o[6].shots = 20;
    o[6].queries = 20;
    o[6].stop = stop_at_once;
    for (int i = 0; i < 5; i++)
        assert_int_equal(t2m_eval(l, f, &o[i], &r), T2M_EUSAGE);
    assert_int_equal(t2m_eval(l, f, &o[5], &r), T2M_EDATA);
    assert_non_null(strstr(t2m_errmsg(lib), "fewer --shots"));
    assert_int_equal(t2m_eval(l, f, &o[6], &r), T2M_ECANCELLED);
    t2m_family_free(f);
    f = tables(lib, l, "two", false);
    o[7].ways = 3; /* there are two */
    o[7].shots = o[7].queries = 20;
    assert_int_equal(t2m_eval(l, f, &o[7], &r), T2M_EDATA);
    t2m_family_free(f);
    t2m_learner_free(l);
}

/* ---- memory ---- */

static size_t calls, fail_at, live;

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *p = ++calls == fail_at ? NULL : malloc(size);
    live += p != NULL;
    return p;
}

static void *resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    void *p = ++calls == fail_at ? NULL : realloc(old, size);
    live += p && !old;
    return p;
}

static void release(void *ctx, void *p)
{
    (void)ctx;
    live -= p != NULL;
    free(p);
}

static t2m_status whole_way(const t2m_learner *l, const t2m_family *f, const t2m_task *all)
{
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    t2m_eval_result r;
    t2m_task *rest = NULL, *held = NULL;
    t2m_model *m = NULL;
    o.tasks = 1;
    o.shots = o.queries = 20;
    t2m_status status = t2m_eval(l, f, &o, &r);
    if (status == T2M_OK)
        status = t2m_task_split(all, &rest, &held, 3);
    if (status == T2M_OK)
        status = t2m_build(l, &m, rest, NULL, NULL);
    t2m_model_free(m);
    t2m_task_free(held);
    t2m_task_free(rest);
    return status;
}

/* Each allocation fails once: an error comes back and nothing leaks. */
static void memory_runs_out(void **state)
{
    const t2m_allocator memory = {allocate, resize, release, NULL};
    t2m_options o = T2M_OPTIONS_INIT;
    t2m *lib = NULL;
    (void)state;
    o.alloc = &memory;
    o.threads = 1;
    assert_int_equal(t2m_open(&lib, &o, NULL), T2M_OK);
    t2m_learner *l = small_learner(lib, "kernel:9,4,4");
    t2m_family *f = tables(lib, l, "memory", true);
    t2m_task *all = table_of(l, "x,y\n1,2\n2,3.5\n3,5\n4,6\n5,8\n6,9\n");
    const size_t before = live;
    calls = 0;
    assert_int_equal(whole_way(l, f, all), T2M_OK);
    const size_t count = calls;
    assert_true(count > 100);
    for (size_t k = 1; k <= count; k++) {
        calls = 0;
        fail_at = k;
        assert_int_equal(whole_way(l, f, all), T2M_ENOMEM);
        assert_int_equal(live, before);
    }
    fail_at = 0;
    t2m_task_free(all);
    t2m_family_free(f);
    t2m_learner_free(l);
    t2m_close(lib);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? check_setup(state) : -1;
}

static int remove_folder(void **state)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return check_teardown(state) || system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_makes_the_model),
        cmocka_unit_test(classes_are_measured_by_accuracy),
        cmocka_unit_test(values_are_measured_by_their_error),
        cmocka_unit_test(any_number_of_threads_gives_the_same),
        cmocka_unit_test(rows_are_held_out_of_each_class),
        cmocka_unit_test(shapes_suit_the_tables),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
