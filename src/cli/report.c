/* report.c: t2m report: a page about a learner on a family of tasks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report_table.h"

static struct settings {
    char *output, *target;
    int tasks, ways, force;
    long long seed;
} given = {.tasks = CLI_NO_INT, .ways = CLI_NO_INT};

static const struct poptOption own[] = {
    {"output", 'o', POPT_ARG_STRING, &given.output, 0, "page to write (HTML)", "FILE"},
    {"tasks", 0, POPT_ARG_INT, &given.tasks, 0, "how many, for each number of shots (200)", "N"},
    {"ways", 0, POPT_ARG_INT, &given.ways, 0,
     "classes of a task (default: as in training, at most 5)", "N"},
    {"seed", 0, POPT_ARG_LONGLONG, &given.seed, 0, "of the tasks (0)", "N"},
    {"target", 0, POPT_ARG_STRING, &given.target, 0, "column to predict", "NAME"},
    {"force", 0, POPT_ARG_NONE, &given.force, 0, "replace a page that is there", NULL},
    POPT_TABLEEND,
};
static const struct poptOption options[] = {
    CLI_GROUP(own, "Options"),
    CLI_GROUP(cli_table_options, "Of tables"),
    CLI_GROUP(cli_shared_options, "Common"),
    POPT_TABLEEND,
};

/* ---- before the work ---- */

/* What the library would refuse after minutes is refused at once. */
static int check_output(struct cli *c)
{
    char text[512], folder[CLI_PATH_SIZE];
    struct stat s;
    const char *slash = strrchr(given.output, '/');
    const int n = slash ? (int)(slash - given.output) + 1 : 2;
    snprintf(folder, sizeof folder, "%.*s", n, slash ? given.output : "./");
    if (!given.force && lstat(given.output, &s) == 0) {
        snprintf(text, sizeof text, "'%.200s' exists; choose another name or give --force",
                 given.output);
        return cli_fail(c, T2M_EUSAGE, text, NULL);
    }
    if (access(folder, W_OK | X_OK) == 0)
        return 0;
    snprintf(text, sizeof text, "cannot write to '%.200s': %s", folder, strerror(errno));
    return cli_fail(c, T2M_EIO, text, NULL);
}

static int check_options(struct cli *c)
{
    const struct cli_range range[] = {
        {"tasks", given.tasks, 2, 1e6},
        {"ways", given.ways, 2, 1024},
        {"seed", (double)given.seed, 0, 9e18},
    };
    if (!given.output)
        return cli_fail(c, T2M_EUSAGE, "-o FILE is missing: where the page goes", NULL);
    int code = cli_check_ranges(c, range, sizeof range / sizeof *range);
    if (code == 0)
        code = cli_check_tables(c);
    return code ? code : check_output(c);
}

/* A learner of tables makes a page about one table. */
static int check_table(struct cli *c, size_t families)
{
    if (given.tasks != CLI_NO_INT || given.ways != CLI_NO_INT)
        return cli_fail(c, T2M_EUSAGE,
                        "a report on a table draws no tasks: leave out --tasks and --ways", NULL);
    return families == 1 ? 0
                         : cli_fail(c, T2M_EUSAGE,
                                    "this learner is of tables: give one CSV to report on", NULL);
}

/* The command as it was given, for the page. */
static void keep_command(struct report *r, int argc, const char **argv)
{
    size_t at = (size_t)snprintf(r->command, sizeof r->command, "t2m");
    for (int i = 0; i < argc && at < sizeof r->command; i++) {
        const bool plain = argv[i][0] && !argv[i][strcspn(argv[i], " \t\n'\"\\$&|;<>()*?[]#~`!")];
        at += (size_t)snprintf(r->command + at, sizeof r->command - at, plain ? " %s" : " '%s'",
                               argv[i]);
    }
}

/* The file's name without folder and ending; where its training has left its log. */
static void name_learner(struct report *r, const char *learner)
{
    char found[CLI_PATH_SIZE];
    const char *slash = learner ? strrchr(learner, '/') : NULL;
    snprintf(r->name, sizeof r->name, "%s",
             slash     ? slash + 1
             : learner ? learner
                       : "the shipped learner");
    char *end = strstr(r->name, ".safetensors");
    if (end)
        *end = 0;
    if (learner && cli_learner_path(learner, found) == learner)
        snprintf(r->run, sizeof r->run, "%s.run", learner);
}

static void choose_protocol(struct report *r)
{
    const size_t usual = r->l.ways_fixed || r->l.ways < 5 ? r->l.ways : 5,
                 queries = r->f.images  ? 15
                           : r->f.masks ? 5
                           : r->f.tasks ? REPORT_QUERIES
                                        : 100;
    r->episode = (t2m_episode_options)T2M_EPISODE_OPTIONS_INIT;
    const bool one = r->f.masks && !r->l.ways_fixed;
    r->episode.ways = given.ways != CLI_NO_INT ? (size_t)given.ways : one ? 1 : usual;
    r->episode.queries =
        r->f.fewest && !r->f.masks && queries > r->f.fewest / 2 ? r->f.fewest / 2 : queries;
    r->episode.seed = (uint64_t)given.seed;
    r->tasks = given.tasks == CLI_NO_INT ? 200 : (size_t)given.tasks;
    r->start = cli_now();
}

static t2m_status open_family(struct report *r, const char *const *paths, size_t n)
{
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    o.target = given.target;
    o.learner = r->learner;
    cli_reading(paths[0]);
    const t2m_status status = t2m_family_open(r->c->lib, &r->family, paths, n, &o);
    if (status != T2M_OK)
        return status;
    t2m_family_describe(r->family, &r->f);
    choose_protocol(r);
    return T2M_OK;
}

/* ---- after it ---- */

static t2m_status write_page(const struct report *r, size_t *bytes)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, bytes);
    if (!f)
        return T2M_ENOMEM;
    (r->table ? report_table_page : report_page)(f, r);
    const bool good = !ferror(f);
    const t2m_status status =
        fclose(f) == 0 && good ? t2m_file_save(r->c->lib, given.output, text, *bytes, given.force)
                               : T2M_ENOMEM;
    free(text);
    return status;
}

static void tell_table(const struct report *r, size_t bytes)
{
    json_t *data = report_table_json(r->table);
    json_object_set_new(data, "report", cli_string(given.output));
    json_object_set_new(data, "bytes", json_integer((json_int_t)bytes));
    cli_json(r->c, data);
}

static void tell_result(struct report *r, size_t bytes)
{
    const t2m_eval_result *e = report_usual(r);
    json_t *shots = json_array();
    for (size_t i = 0; i < r->points; i++)
        json_array_append_new(shots, json_integer((json_int_t)r->point[i].shots));
    cli_json(r->c, json_pack("{s:o, s:I, s:s, s:I, s:O, s:b}", "report", cli_string(given.output),
                             "bytes", (json_int_t)bytes, "metric", e->metric, "tasks",
                             (json_int_t)r->tasks, "shots", shots, "wrong_task_is_worse",
                             report_wrong_is_worse(r)));
    json_decref(shots);
}

static void clear(struct report *r)
{
    report_table_free(r->table);
    free(r->spaces.grid_x);
    for (size_t i = 0; i < r->spaces.count; i++) {
        struct placed_task *p = &r->spaces.task[i];
        void *const memory[] = {p->name, p->structure, p->t, p->m, p->y};
        for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
            free(memory[k]);
    }
    for (size_t i = 0; i < r->samples; i++) {
        struct sample *s = &r->sample[i];
        void *const memory[] = {s->x,       s->y,         s->query_x, s->query_y,
                                s->asked_x, s->generated, s->tuned};
        for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
            free(memory[k]);
        t2m_task_free(s->support);
        t2m_task_free(s->query);
    }
    t2m_family_free(r->family);
    t2m_learner_free(r->learner);
    free(r);
}

static t2m_status measure_family(struct report *r, const char *const *paths, size_t n)
{
    t2m_status status = open_family(r, paths, n);
    cli_catch_signals();
    if (status == T2M_OK)
        status = report_curves(r);
    if (status == T2M_OK)
        status = report_spaces(r);
    if (status == T2M_OK)
        status = report_predictions(r);
    report_log(r);
    return status;
}

static t2m_status measure_table(struct report *r, const char *path)
{
    r->episode.seed = (uint64_t)given.seed;
    r->start = cli_now();
    cli_reading(path);
    cli_catch_signals();
    return report_table(r, path, given.target);
}

static void tell(struct report *r, size_t bytes)
{
    if (!r->c->json)
        printf("%s: %zu bytes\n", given.output, bytes);
    else if (r->table)
        tell_table(r, bytes);
    else
        tell_result(r, bytes);
}

static int report(struct report *r, const char *learner, const char *const *paths, size_t n)
{
    size_t bytes = 0;
    int code = cli_open_learner(r->c, &r->learner, learner, paths[0]);
    if (code != 0)
        return code;
    name_learner(r, learner);
    t2m_learner_describe(r->learner, &r->l);
    code = r->l.tables ? check_table(r->c, n) : 0;
    if (r->l.texts)
        code = cli_fail(r->c, T2M_EUSAGE, "there are no pages about learners of texts yet",
                        "t2m eval LEARNER FAMILY... measures them");
    if (code != 0)
        return code;
    t2m_status status = r->l.tables ? measure_table(r, paths[0]) : measure_family(r, paths, n);
    cli_progress_end();
    if (status == T2M_OK)
        status = cli_stop(NULL) ? T2M_ECANCELLED : write_page(r, &bytes);
    if (status == T2M_OK)
        tell(r, bytes);
    else if (status == T2M_ECANCELLED)
        return cli_fail(r->c, status, "stopped; no page was written", NULL);
    return status == T2M_OK ? 0 : cli_refuse(r->c, status);
}

static int begin(struct cli *c, int argc, const char **argv)
{
    const int named = c->arguments > 1 && cli_is_learner(c->argument[0]);
    struct report *r = calloc(1, sizeof *r);
    if (!r)
        return cli_fail(c, T2M_ENOMEM, "out of memory", NULL);
    r->c = c;
    keep_command(r, argc, argv);
    const int code = report(r, named ? c->argument[0] : NULL, c->argument + named,
                            (size_t)(c->arguments - named));
    clear(r);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        code = check_options(c);
        if (code == 0)
            code = begin(c, argc, argv);
        code = cli_end(c, code);
    }
    free(given.output);
    free(given.target);
    cli_free_tables();
    return code;
}

const struct command command_report = {
    "report",
    "[LEARNER] FAMILY... | TABLE -o PAGE [options]",
    "a page in HTML: a learner's training, errors, spaces and predictions; or a model of a table",
    "t2m report curves builtin:sine-line -o curves.html\n"
    "t2m report characters pictures/ --ways 5 --tasks 500 -o characters.html\n"
    "t2m report any-table houses.csv --target price -o houses.html",
    run,
    NULL};
