/* test_table_tasks.c: tables from files to tasks: families of tables by the rules of the schema,
 * draws from tables with missing cells, one file as a task for a learner of tables, and memory that
 * runs out on the way. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "mapping/doors.h"
#include "task/tables.h"

enum { PATH = 128 };
static char folder[] = "/tmp/t2m-tables-XXXXXX";
static char mixed[PATH], points[PATH], text[PATH]; /* files */

static const char *at(const char *name)
{
    static char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *content)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs(content, f);
    assert_int_equal(fclose(f), 0);
}

static void says(t2m *lib, const char *want)
{
    if (!strstr(t2m_errmsg(lib), want))
        fail_msg("'%s' is not in: %s", want, t2m_errmsg(lib));
}

/* ---- families ---- */

static t2m_family *family(t2m *lib, const char *path, const t2m_family_options *o)
{
    t2m_family *f = NULL;
    if (t2m_family_open(lib, &f, &path, 1, o) != T2M_OK)
        fail_msg("%s", t2m_errmsg(lib));
    return f;
}

static void families_are_read_by_the_schema(void **state)
{
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    o.tables = true;
    t2m_family *f = family(*state, at("many"), &o);
    assert_int_equal(f->kind, FAMILY_TABLES);
    assert_int_equal(f->tables, 2);
    const struct data_table *a = &f->table[0], *b = &f->table[1];
    assert_string_equal(a->name, "a.csv");
    assert_int_equal(a->rows, 4);
    assert_int_equal(a->columns, 5); /* colour = red, bought: days, size, size is missing, task */
    assert_int_equal(a->classes, 2);
    assert_true(isnan(a->x[2 * 5 + 2]) && a->x[2 * 5 + 3] == 1 && a->x[2] == 1.5F);
    assert_true(a->y[0] == 1 && a->y[1] == 0); /* yes, no */
    assert_string_equal(b->name, "b.tsv");
    assert_int_equal(b->classes, 0);
    assert_int_equal(b->columns, 1);
    t2m_family_free(f);
}

static void families_have_options(void **state)
{
    static const char *const ignore[] = {"task", "size"}, *const none[] = {"nothing"};
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    t2m_family *f = NULL;
    const char *path = mixed;
    o.tables = true;
    f = family(*state, path, &o);
    const uint64_t plain = f->fingerprint;
    t2m_family_free(f);
    o.ignore = ignore;
    o.ignored = 2;
    f = family(*state, path, &o);
    assert_int_equal(f->table[0].columns, 2);
    assert_true(f->fingerprint != plain); /* a training does not go on with other columns */
    t2m_family_free(f);
    o.classes = 0;
    assert_int_equal(t2m_family_open(*state, &f, &path, 1, &o), T2M_EDATA);
    says(*state, "line 2, column 'new': 'yes' is not a number");
    o.classes = 2;
    assert_int_equal(t2m_family_open(*state, &f, &path, 1, &o), T2M_EUSAGE);
    says(*state, "classes is -1, 0 or 1, not 2");
    o = (t2m_family_options)T2M_FAMILY_OPTIONS_INIT;
    o.tables = true;
    o.ignore = none;
    o.ignored = 1;
    assert_int_equal(t2m_family_open(*state, &f, &path, 1, &o), T2M_EDATA);
    says(*state, "no column 'nothing'");
    o.tables = false;
    assert_int_equal(t2m_family_open(*state, &f, &path, 1, &o), T2M_EUSAGE);
    says(*state, "is no family of tables");
}

static void numbers_of_a_table_have_a_limit(void **state)
{
    t2m_options o = T2M_OPTIONS_INIT;
    t2m_family_options of = T2M_FAMILY_OPTIONS_INIT;
    t2m_family *f;
    t2m *lib = NULL;
    const char *path = at("wide.csv");
    (void)state;
    o.max_memory = 3000;
    o.threads = 1;
    of.tables = true;
    assert_int_equal(t2m_open(&lib, &o, NULL), T2M_OK);
    assert_int_equal(t2m_family_open(lib, &f, &path, 1, &of), T2M_EDATA);
    says(lib, "110 rows of 10 numbers are more than the limit of 3000 bytes");
    t2m_close(lib);
}

/* ---- draws ---- */

enum { ROWS = 240, COLUMNS = 3, SUPPORTS = 16, QUERIES = 64 };

/* Three columns, one of which is missing in every second row. */
static void fill_table(struct data_table *d, float x[ROWS * COLUMNS], float y[ROWS])
{
    struct random r = random_stream(1, 5, 0);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = i % COLUMNS == 1 && i / COLUMNS % 2 == 0 ? NAN
                                                        : (float)(1000 + random_uniform(&r, -1, 1));
    for (size_t i = 0; i < ROWS; i++)
        y[i] = x[i * COLUMNS] + x[i * COLUMNS + 2];
    *d = (struct data_table){.rows = ROWS, .columns = COLUMNS, .x = x, .y = y};
}

/* Two views of 0 are a missing cell; a row whose target is missing would have no finite one. */
static size_t missing_in(const struct table_task *t, size_t columns)
{
    size_t missing = 0;
    for (size_t i = 0; i < SUPPORTS * columns * MARGINAL_VIEWS; i += MARGINAL_VIEWS) {
        assert_true(isfinite(t->x_support[i]) && isfinite(t->x_support[i + 1]));
        missing += t->x_support[i] == 0 && t->x_support[i + 1] == 0;
    }
    for (size_t i = 0; i < SUPPORTS; i++)
        assert_true(isfinite(t->y_support[i]));
    for (size_t i = 0; i < QUERIES; i++)
        assert_true(isfinite(t->y_query[i]));
    return missing;
}

static void missing_cells_stay_unknown(void **state)
{
    static float x[ROWS * COLUMNS], y[ROWS];
    struct data_table d;
    fill_table(&d, x, y);
    const struct t2m_family f = {.lib = *state, .kind = FAMILY_TABLES, .tables = 1, .table = &d};
    size_t missing = 0;
    for (int64_t classes = 0; classes <= 2; classes += 2) {
        const struct table_shape s = {SUPPORTS, QUERIES, 2, classes, false};
        struct table_task t;
        assert_int_equal(table_task_new(*state, &t, &s, 1), T2M_OK);
        void *room = malloc(table_draw_room(&f, &s));
        for (uint64_t k = 0; k < 100; k++) {
            table_draw(&f, &s, 3, k, &t, room);
            missing += missing_in(&t, 2);
        }
        free(room);
        table_task_free(*state, &t);
    }
    assert_true(missing > 200 * SUPPORTS / 5 && missing < 200 * SUPPORTS);
}

static void a_draw_tells_its_table(void **state)
{
    static float x[ROWS * COLUMNS], y[ROWS];
    struct data_table d;
    fill_table(&d, x, y);
    const struct t2m_family f = {.lib = *state, .kind = FAMILY_TABLES, .tables = 1, .table = &d};
    const struct table_shape shape[] = {{SUPPORTS, QUERIES, 2, 0, false},
                                        {SUPPORTS, QUERIES, 9, 0, false},
                                        {ROWS, QUERIES, 2, 0, false}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        struct table_task t;
        assert_int_equal(table_task_new(*state, &t, &shape[i], 1), T2M_OK);
        void *room = malloc(table_draw_room(&f, &shape[i]));
        assert_true(table_family_fits(&f, &shape[i]) == (i == 0));
        assert_ptr_equal(table_draw(&f, &shape[i], 3, 1, &t, room), i == 0 ? &d : NULL);
        free(room);
        table_task_free(*state, &t);
    }
}

/* ---- one task ---- */

static t2m_learner *learner_of(t2m *lib, const char *path, const char *structure)
{
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    t2m_family *f = family(lib, path, NULL);
    t2m_learner *l = NULL;
    o.structure = structure;
    o.steps = o.meta_batch = o.validation_tasks = 1;
    assert_int_equal(t2m_train(lib, &l, f, &o, NULL), T2M_OK);
    t2m_family_free(f);
    return l;
}

static t2m_learner *of_tables; /* of the handle of the group */

static t2m_task *opened(const char *path, const t2m_task_options *o)
{
    t2m_task *t = NULL;
    if (t2m_task_open(of_tables, &t, path, o) != T2M_OK)
        fail_msg("%s", t2m_errmsg(of_tables->lib));
    return t;
}

static void a_table_is_a_task(void **state)
{
    float x[4 * 5], y[4];
    const char *name, *why;
    t2m_column column;
    t2m_task *t = opened(mixed, NULL);
    (void)state;
    assert_int_equal(t2m_task_examples(t), 4);
    assert_int_equal(t2m_task_classes(t), 2);
    assert_string_equal(t2m_task_class(t, 0), "no");
    assert_string_equal(t2m_task_class(t, 1), "yes");
    t2m_task_values(t, x, y);
    assert_memory_equal(x, t2m_task_x(t), sizeof x);
    assert_memory_equal(y, t2m_task_y(t), sizeof y);
    assert_true(x[2] == 1.5F && isnan(x[2 * 5 + 2]) && y[0] == 1 && y[2] == 0);
    assert_true(t2m_task_column(of_tables, t, 2, &column));
    assert_string_equal(column.name, "size"); /* 1.5, 2, unknown, 4 */
    assert_true(column.mean == 2.5 && fabs(column.sd - 1.0801234) < 1e-6);
    assert_true(isnan(column.correlation)); /* with classes */
    assert_false(t2m_task_column(of_tables, t, 5, &column));
    assert_true(t2m_task_dropped(t, 0, &name, &why));
    assert_string_equal(name, "one");
    assert_string_equal(why, "constant");
    assert_true(t2m_task_dropped(t, 1, &name, &why));
    assert_string_equal(name, "none");
    assert_string_equal(why, "empty");
    assert_false(t2m_task_dropped(t, 2, &name, &why));
    t2m_task_free(t);
}

static void a_task_has_options(void **state)
{
    static const char *const ignore[] = {"colour", "none"};
    t2m_task_options o = T2M_TASK_OPTIONS_INIT;
    t2m_column column;
    const char *name, *why;
    (void)state;
    o.target = "task";
    o.ignore = ignore;
    o.ignored = 2;
    o.classes = 0;
    t2m_task *t = opened(mixed, &o);
    assert_int_equal(t2m_task_classes(t), 0);
    assert_true(t2m_task_y(t)[3] == 1);
    assert_true(t2m_task_dropped(t, 0, &name, &why));
    assert_string_equal(name, "colour");
    assert_string_equal(why, "ignored");
    assert_true(t2m_task_column(of_tables, t, 1, &column)); /* size: 1.5, 2, 4 with 1, 2, 1 */
    assert_string_equal(column.name, "size");
    assert_true(fabs(column.correlation + 0.3273268) < 1e-6);
    size_t last = 0;
    while (t2m_task_column(of_tables, t, last, &column))
        last++;
    assert_int_equal(last, 5);
    assert_true(t2m_task_column(of_tables, t, 4, &column));
    assert_string_equal(column.name, "task");
    assert_true(column.mean == 1.5 && column.correlation > 0.999999);
    t2m_task_free(t);
    o.classes = 1;
    t = opened(mixed, &o);
    assert_string_equal(t2m_task_class(t, 1), "2");
    t2m_task_free(t);
    t = opened(text, NULL); /* a .tsv */
    assert_int_equal(t2m_task_examples(t), 3);
    t2m_task_free(t);
}

static void not_opened(const t2m_learner *l, const char *path, const t2m_task_options *o,
                       t2m_status status, const char *want)
{
    t2m_task *t = NULL;
    assert_int_equal(t2m_task_open(l, &t, path, o), status);
    says(l->lib, want);
    assert_null(t);
}

static void what_is_no_table(void **state)
{
    t2m_task_options o = T2M_TASK_OPTIONS_INIT;
    (void)state;
    not_opened(of_tables, folder, NULL, T2M_EDATA, "is a folder; this learner takes the file of o");
    not_opened(of_tables, "x.zip", NULL, T2M_EDATA, "'x.zip' is no .csv or .tsv");
    not_opened(of_tables, "x.npz", NULL, T2M_EDATA, "is no .csv or .tsv");
    not_opened(of_tables, "builtin:tables", NULL, T2M_EUSAGE, "is a family, not one task");
    not_opened(of_tables, "nowhere.csv", NULL, T2M_EIO, "No such file");
    not_opened(of_tables, at("bad.csv"), NULL, T2M_EDATA, "line 3: 1 fields");
    not_opened(of_tables, at("long.csv"), NULL, T2M_EDATA, "1 to 100000 examples, not 100001");
    o.target = "nothing";
    not_opened(of_tables, mixed, &o, T2M_EDATA, "no column 'nothing'; there are: colour");
    o.target = NULL;
    o.classes = 2;
    not_opened(of_tables, mixed, &o, T2M_EUSAGE, "classes is -1, 0 or 1, not 2");
    o.version = 7;
    not_opened(of_tables, mixed, &o, T2M_EUSAGE, "unknown version 7");
}

static void what_learners_of_tables_do_not_do(void **state)
{
    const float x[] = {1, 2}, y[] = {1, 2};
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    t2m_likeness like;
    t2m_task *t = NULL;
    t2m_model *m = NULL;
    float *v = NULL;
    size_t n = 0;
    assert_int_equal(t2m_task_new(of_tables, &t, x, y, 2, NULL, 0), T2M_EUSAGE);
    says(*state, "t2m_task_open");
    t2m_family *f = family(*state, "builtin:tables", NULL);
    assert_int_equal(t2m_task_draw(of_tables, &t, f, 2, 20, 0), T2M_EUSAGE);
    says(*state, "t2m_task_open");
    t2m_family_free(f);
    t = opened(mixed, NULL);
    o.steps = 65;
    assert_int_equal(t2m_build(of_tables, &m, t, &o, NULL), T2M_EUSAGE);
    says(*state, "by 64 steps at most, not 65");
    o.steps = -1;
    o.max_bytes = 9;
    assert_int_equal(t2m_build(of_tables, &m, t, &o, NULL), T2M_EUSAGE);
    says(*state, "no structure of this learner is so small: linear takes");
    assert_null(m);
    assert_int_equal(t2m_task_vector(of_tables, t, &v, &n), T2M_EUSAGE);
    says(*state, "where the structure is linear");
    assert_int_equal(t2m_task_likeness(of_tables, x, 2, &like), T2M_EUSAGE);
    says(*state, "this learner (tables) keeps no tasks of its training");
    t2m_task_free(t);
}

static void what_other_learners_do_not_do(void **state)
{
    static const char *const ignore[] = {"x"};
    t2m_task_options o = T2M_TASK_OPTIONS_INIT;
    t2m_task *t = NULL;
    const char *name, *why;
    t2m_learner *l = learner_of(*state, "builtin:line", "linear");
    o.ignore = ignore;
    o.ignored = 1;
    not_opened(l, points, &o, T2M_EUSAGE, "this learner (ridge)");
    o.ignored = 0;
    o.classes = 1;
    not_opened(l, points, &o, T2M_EUSAGE, "only with one of tables");
    o.classes = -1;
    o.target = "z";
    not_opened(l, points, &o, T2M_EDATA, "no column 'z'");
    o.target = "y";
    assert_int_equal(t2m_task_open(l, &t, points, &o), T2M_OK);
    assert_false(t2m_task_dropped(t, 0, &name, &why));
    t2m_task_free(t);
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

static t2m_status whole_way(t2m *lib, const t2m_learner *l)
{
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    t2m_family *f = NULL;
    t2m_task *t = NULL;
    const char *path = at("many");
    o.tables = true;
    t2m_status status = t2m_family_open(lib, &f, &path, 1, &o);
    if (status == T2M_OK)
        status = t2m_task_open(l, &t, mixed, NULL);
    t2m_task_free(t);
    t2m_family_free(f);
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
    t2m_learner *l = learner_of(lib, "builtin:tables", "linear");
    const size_t before = live;
    calls = 0;
    assert_int_equal(whole_way(lib, l), T2M_OK);
    const size_t all = calls;
    assert_true(all > 60);
    for (size_t k = 1; k <= all; k++) {
        calls = 0;
        fail_at = k;
        assert_int_equal(whole_way(lib, l), T2M_ENOMEM);
        assert_int_equal(live, before);
    }
    fail_at = 0;
    t2m_learner_free(l);
    t2m_close(lib);
}

/* ---- files ---- */

static void write_lines(const char *name, const char *header, const char *format, int rows)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fprintf(f, "%s\n", header);
    for (int i = 0; i < rows; i++)
        fprintf(f, format, i % 11, i);
    assert_int_equal(fclose(f), 0);
}

static int make_files(void **state)
{
    static const char *const table = "colour,bought,size,one,task,none,new\n"
                                     "red,2024-03-01,1.5,7,1,,yes\n"
                                     "blue,2024-03-08,2,7,2,,no\n"
                                     "red,2024-03-15,,7,2,,no\n"
                                     "blue,2024-03-22,4,7,1,,yes\n";
    if (!mkdtemp(folder) || mkdir(at("many"), 0700) || check_setup(state))
        return -1;
    write_file("many/a.csv", table);
    write_file("many/b.tsv", "a\tb\n1\t2\n2\t4.5\n3\t7\n");
    write_file("many/index.csv", "notes\nabout\n");
    write_file("mixed.csv", table);
    write_file("text.tsv", "a\tb\n1\t2\n2\t4.5\n3\t7\n");
    write_file("points.csv", "x,y\n1,2\n2,4.1\n3,5\n");
    write_file("bad.csv", "x,y\n1,2\n3\n");
    write_lines("wide.csv", "c,y\n", "word %d,%d\n", 110);
    write_lines("long.csv", "c,y\n", "%d,%d\n", 100001);
    snprintf(mixed, sizeof mixed, "%s", at("mixed.csv"));
    snprintf(points, sizeof points, "%s", at("points.csv"));
    snprintf(text, sizeof text, "%s", at("text.tsv"));
    of_tables = learner_of(*state, "builtin:tables", "linear");
    return 0;
}

static int remove_files(void **state)
{
    char command[96];
    t2m_learner_free(of_tables);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) || check_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_are_read_by_the_schema),
        cmocka_unit_test(families_have_options),
        cmocka_unit_test(numbers_of_a_table_have_a_limit),
        cmocka_unit_test(missing_cells_stay_unknown),
        cmocka_unit_test(a_draw_tells_its_table),
        cmocka_unit_test(a_table_is_a_task),
        cmocka_unit_test(a_task_has_options),
        cmocka_unit_test(what_is_no_table),
        cmocka_unit_test(what_learners_of_tables_do_not_do),
        cmocka_unit_test(what_other_learners_do_not_do),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
