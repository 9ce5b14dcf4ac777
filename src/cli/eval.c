/* eval.c: t2m eval: a learner on many tasks, beside the controls. */
#include <math.h>
#include <stdlib.h>

#include "cli.h"

struct settings {
    int ways, shots, queries, tasks, steps, transductive, within_domain, rotations;
    long long seed;
    char *target, *split;
};

static struct settings given;

static json_t *row_json(const t2m_eval_row *r)
{
    json_t *row = json_pack("{s:s}", "name", r->name);
    json_object_set_new(row, "mean", r->present ? cli_number(r->mean) : json_null());
    json_object_set_new(row, "ci95", r->present ? cli_number(r->ci95) : json_null());
    json_object_set_new(row, "ms_per_task", r->present ? cli_number(r->ms_per_task) : json_null());
    json_object_set_new(row, "bytes",
                        r->present ? json_integer((json_int_t)r->bytes) : json_null());
    if (r->present && isfinite(r->log_loss))
        json_object_set_new(row, "log_loss", cli_number(r->log_loss));
    if (r->present && isfinite(r->dice)) {
        json_object_set_new(row, "dice", cli_number(r->dice));
        json_object_set_new(row, "dice_ci95", cli_number(r->dice_ci95));
    }
    json_object_set_new(row, "note", r->note ? json_string(r->note) : json_null());
    return row;
}

/* A number of the protocol; null if tasks differ in it. */
static json_t *size_json(const t2m_eval_result *r, size_t n)
{
    return r->kind && n == 0 ? json_null() : json_integer((json_int_t)n);
}

static void print_json(struct cli *c, const t2m_family_info *f, const t2m_learner_info *l,
                       const t2m_eval_result *r)
{
    json_t *rows = json_array();
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        json_array_append_new(rows, row_json(&r->row[i]));
    json_t *protocol = json_pack(
        "{s:o, s:o, s:o, s:I, s:I, s:b, s:b, s:b}", "ways", size_json(r, r->ways), "shots",
        size_json(r, r->shots), "queries", size_json(r, r->queries), "tasks", (json_int_t)r->tasks,
        "seed", (json_int_t)r->seed, "transductive", given.transductive, "within_domain",
        given.within_domain, "rotations", given.rotations);
    json_t *structures = json_array();
    for (size_t i = 0; i < r->structures && r->structures > 1; i++)
        json_array_append_new(structures, json_pack("{s:s, s:f}", "structure", r->structure[i],
                                                    "share", r->share[i]));
    json_t *data = json_pack("{s:o, s:s, s:o, s:s, s:o}", "family", cli_string(f->name), "method",
                             l->method, "protocol", protocol, "metric", r->metric, "rows", rows);
    if (r->kind)
        json_object_set_new(data, "kind", json_string(r->kind));
    if (r->control.present)
        json_object_set_new(data, "controls", json_pack("[o]", row_json(&r->control)));
    if (r->structures > 1)
        json_object_set(data, "structures", structures);
    json_decref(structures);
    cli_json(c, data);
}

/* What tasks of tables are like. */
static void print_sizes(const t2m_eval_result *r)
{
    printf("%s of tables, ", r->kind);
    if (r->ways)
        printf("%zu classes, ", r->ways);
    if (r->shots)
        printf("%zu rows, ", r->shots);
    else
        printf("up to 256 rows, ");
    if (r->queries)
        printf("%zu queries, ", r->queries);
    else
        printf("up to 64 queries, ");
    printf("%zu tasks\n", r->tasks);
}

static void print_row(const t2m_eval_row *row)
{
    if (!row->present) {
        printf("%-12s %10s  %s\n", row->name, "-", row->note);
        return;
    }
    printf("%-12s %10.5f %10.5f %8.2f %8zu", row->name, row->mean, row->ci95, row->ms_per_task,
           row->bytes);
    if (isfinite(row->log_loss))
        printf(" %9.4f", row->log_loss);
    if (isfinite(row->dice))
        printf(" %10.5f %10.5f", row->dice, row->dice_ci95);
    printf("\n");
}

static void print_table(struct cli *c, const t2m_family_info *f, const t2m_learner_info *l,
                        const t2m_eval_result *r)
{
    (void)c;
    printf("%s on %s: ", l->method, f->name);
    if (f->masks)
        printf("%zu %s of %zu pictures, %zu queries, ", r->ways, r->ways == 1 ? "class" : "classes",
               r->shots, r->queries);
    else if (f->images || f->texts)
        printf("%zu-way %zu-shot, %zu queries a class, ", r->ways, r->shots, r->queries);
    else if (!r->kind)
        printf("%zu shots, %zu queries, ", r->shots, r->queries);
    if (r->kind)
        print_sizes(r);
    else
        printf("%zu tasks, %s\n", r->tasks, given.transductive ? "transductive" : "inductive");
    printf("%-12s %10s %10s %8s %8s%s\n", "", r->metric, "+- 95 %", "ms/task", "bytes",
           r->control.present                             ? "       dice    +- 95 %"
           : isfinite(r->row[T2M_EVAL_ROWS - 1].log_loss) ? "  log loss"
                                                          : "");
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        print_row(&r->row[i]);
    if (r->control.present)
        print_row(&r->control);
    for (size_t i = 0; i < r->structures && r->structures > 1; i++)
        printf("%s%s %.1f %%%s", i ? ", " : "structures: ", r->structure[i], 100 * r->share[i],
               i + 1 == r->structures ? "\n" : "");
}

static struct settings given = {.ways = CLI_NO_INT,
                                .shots = CLI_NO_INT,
                                .queries = CLI_NO_INT,
                                .tasks = CLI_NO_INT,
                                .steps = CLI_NO_INT};

static const struct poptOption own[] = {
    {"ways", 0, POPT_ARG_INT, &given.ways, 0, "classes of a task (default: as in training)", "N"},
    {"shots", 0, POPT_ARG_INT, &given.shots, 0,
     "support examples of a class; of tables, rows to learn from", "N"},
    {"queries", 0, POPT_ARG_INT, &given.queries, 0,
     "query examples of a class (builtin: 100); of tables, rows (64)", "N"},
    {"tasks", 0, POPT_ARG_INT, &given.tasks, 0, "how many (1000)", "N"},
    {"steps", 0, POPT_ARG_INT, &given.steps, 0, "steps of tuning (default: the learner's)", "N"},
    {"seed", 0, POPT_ARG_LONGLONG, &given.seed, 0, "of the tasks (0)", "N"},
    {"target", 0, POPT_ARG_STRING, &given.target, 0, "column to predict", "NAME"},
    {"split", 0, POPT_ARG_STRING, &given.split, 0,
     "masks: only classes with this in the column split of classes.csv", "NAME"},
    {"transductive", 0, POPT_ARG_NONE, &given.transductive, 0, "use the query batch jointly", NULL},
    {"within-domain", 0, POPT_ARG_NONE, &given.within_domain, 0,
     "each task's classes from one domain", NULL},
    {"rotations", 0, POPT_ARG_NONE, &given.rotations, 0, "adds classes turned by 90, 180, 270",
     NULL},
    POPT_TABLEEND,
};
static const struct poptOption options[] = {
    CLI_GROUP(own, "Options"),
    CLI_GROUP(cli_table_options, "Of tables"),
    CLI_GROUP(cli_shared_options, "Common"),
    POPT_TABLEEND,
};

static int check_options(struct cli *c)
{
    const struct cli_range range[] = {
        {"ways", given.ways, 1, 65536},       {"shots", given.shots, 1, 65536},
        {"queries", given.queries, 1, 65536}, {"tasks", given.tasks, 1, 1e7},
        {"steps", given.steps, 0, 1000},      {"seed", (double)given.seed, 0, 9e18},
    };
    const int code = cli_check_tables(c);
    return code ? code : cli_check_ranges(c, range, sizeof range / sizeof *range);
}

static int check_learner(struct cli *c, const t2m_learner *l)
{
    t2m_learner_info info;
    t2m_learner_describe(l, &info);
    return info.tables && given.rotations
               ? cli_fail(c, T2M_EUSAGE, "--rotations turns pictures; leave it out for tables",
                          NULL)
               : 0;
}

static size_t or_0(int n)
{
    return n == CLI_NO_INT ? 0 : (size_t)n;
}

static t2m_eval_options fill_options(void)
{
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    o.ways = or_0(given.ways);
    o.shots = or_0(given.shots);
    o.queries = or_0(given.queries);
    o.tasks = or_0(given.tasks);
    o.seed = (uint64_t)given.seed;
    o.steps = given.steps == CLI_NO_INT ? -1 : given.steps;
    o.transductive = given.transductive;
    o.within_domain = given.within_domain;
    o.progress = cli_progress;
    o.stop = cli_stop;
    o.ctx = "eval";
    return o;
}

static int eval(struct cli *c, const char *learner_path, const char *const *paths, size_t n)
{
    t2m_learner *learner = NULL;
    t2m_family *family = NULL;
    const t2m_eval_options o = fill_options();
    t2m_family_options of = cli_family_options(given.target);
    t2m_eval_result result;
    int code = check_options(c);
    if (code == 0)
        code = cli_open_learner(c, &learner, learner_path, paths[0]);
    if (code == 0)
        code = check_learner(c, learner);
    if (code != 0) {
        t2m_learner_free(learner);
        return code;
    }
    of.rotations = given.rotations;
    of.split = given.split;
    of.learner = learner;
    cli_reading(paths[0]);
    t2m_status status = t2m_family_open(c->lib, &family, paths, n, &of);
    cli_catch_signals();
    if (status == T2M_OK)
        cli_say_warnings(family, NULL);
    if (status == T2M_OK)
        status = t2m_eval(learner, family, &o, &result);
    cli_progress_end();
    if (status == T2M_OK) {
        t2m_family_info f;
        t2m_learner_info l;
        t2m_family_describe(family, &f);
        t2m_learner_describe(learner, &l);
        (c->json ? print_json : print_table)(c, &f, &l, &result);
    }
    code = status == T2M_OK ? 0 : cli_refuse(c, status);
    t2m_family_free(family);
    t2m_learner_free(learner);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        const int named = c->arguments > 1 && cli_is_learner(c->argument[0]);
        code = cli_end(c, eval(c, named ? c->argument[0] : NULL, c->argument + named,
                               (size_t)(c->arguments - named)));
    }
    free(given.target);
    free(given.split);
    cli_free_tables();
    return code;
}

const struct command command_eval = {
    "eval",
    "[LEARNER] FAMILY... [options]",
    "accuracy or error on many tasks, beside the controls",
    "t2m eval pictures/ --ways 5 --shots 1                by the shipped learner that fits\n"
    "t2m eval curves rows/ --tasks 1000 --json            by a learner of one's own\n"
    "t2m eval any-table tables/ --shots 100               rows to learn from, of tables",
    run,
    NULL};
