/* eval.c: t2m eval: a learner on many tasks, beside the controls. */
#include <stdlib.h>

#include "cli.h"

struct settings {
    int ways, shots, queries, tasks, steps, transductive, within_domain, rotations;
    long long seed;
    char *target;
};

static json_t *row_json(const t2m_eval_row *r)
{
    json_t *row = json_pack("{s:s, s:o, s:o, s:f, s:I}", "name", r->name, "mean",
                            r->present ? cli_number(r->mean) : json_null(), "ci95",
                            r->present ? cli_number(r->ci95) : json_null(), "ms_per_task",
                            r->ms_per_task, "bytes", (json_int_t)r->bytes);
    json_object_set_new(row, "note", r->note ? json_string(r->note) : json_null());
    return row;
}

static void print_json(struct cli *c, const struct settings *s, const t2m_family_info *f,
                       const t2m_learner_info *l, const t2m_eval_result *r)
{
    json_t *rows = json_array();
    for (int i = 0; i < T2M_EVAL_ROWS; i++)
        json_array_append_new(rows, row_json(&r->row[i]));
    json_t *protocol =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "ways", (json_int_t)r->ways, "shots",
                  (json_int_t)r->shots, "queries", (json_int_t)r->queries, "tasks",
                  (json_int_t)r->tasks, "seed", (json_int_t)r->seed, "transductive",
                  s->transductive, "within_domain", s->within_domain, "rotations", s->rotations);
    cli_json(c, json_pack("{s:s, s:s, s:o, s:s, s:o}", "family", f->name, "method", l->method,
                          "protocol", protocol, "metric", r->metric, "rows", rows));
}

static void print_table(const struct settings *s, const t2m_family_info *f,
                        const t2m_learner_info *l, const t2m_eval_result *r)
{
    printf("%s on %s: ", l->method, f->name);
    if (f->images)
        printf("%zu-way %zu-shot, %zu queries a class, ", r->ways, r->shots, r->queries);
    else
        printf("%zu shots, %zu queries, ", r->shots, r->queries);
    printf("%zu tasks, %s\n", r->tasks, s->transductive ? "transductive" : "inductive");
    printf("%-12s %10s %10s %8s %8s\n", "", r->metric, "+- 95 %", "ms/task", "bytes");
    for (int i = 0; i < T2M_EVAL_ROWS; i++) {
        const t2m_eval_row *row = &r->row[i];
        if (row->present)
            printf("%-12s %10.5f %10.5f %8.2f %8zu\n", row->name, row->mean, row->ci95,
                   row->ms_per_task, row->bytes);
        else
            printf("%-12s %10s  %s\n", row->name, "-", row->note);
    }
}

static int eval(struct cli *c, const struct settings *s, const char *learner_path,
                const char *const *paths, size_t n)
{
    t2m_learner *learner = NULL;
    t2m_family *family = NULL;
    t2m_eval_options o = T2M_EVAL_OPTIONS_INIT;
    t2m_family_options of = T2M_FAMILY_OPTIONS_INIT;
    t2m_eval_result result;
    o.ways = (size_t)s->ways;
    o.shots = (size_t)s->shots;
    o.queries = (size_t)s->queries;
    o.tasks = (size_t)s->tasks;
    o.seed = (uint64_t)s->seed;
    o.steps = s->steps;
    o.transductive = s->transductive;
    o.within_domain = s->within_domain;
    o.progress = cli_progress;
    o.ctx = "eval";
    of.target = s->target;
    of.rotations = s->rotations;
    t2m_status status = cli_open_learner(c, &learner, learner_path);
    of.learner = learner;
    if (status == T2M_OK)
        status = t2m_family_open(c->lib, &family, paths, n, &of);
    cli_catch_signals();
    if (status == T2M_OK)
        status = t2m_eval(learner, family, &o, &result);
    cli_progress_end();
    if (status == T2M_OK) {
        t2m_family_info f;
        t2m_learner_info l;
        t2m_family_describe(family, &f);
        t2m_learner_describe(learner, &l);
        if (c->json)
            print_json(c, s, &f, &l, &result);
        else
            print_table(s, &f, &l, &result);
    }
    const int code = status == T2M_OK ? 0 : cli_refuse(c, status);
    t2m_family_free(family);
    t2m_learner_free(learner);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    struct settings s = {.steps = -1};
    const struct poptOption options[] = {
        {"ways", 0, POPT_ARG_INT, &s.ways, 0, "classes of a task (default: as in training)", "N"},
        {"shots", 0, POPT_ARG_INT, &s.shots, 0, "support examples of a class", "N"},
        {"queries", 0, POPT_ARG_INT, &s.queries, 0, "query examples of a class (rows: 100)", "N"},
        {"tasks", 0, POPT_ARG_INT, &s.tasks, 0, "default 1000", "N"},
        {"steps", 0, POPT_ARG_INT, &s.steps, 0, "steps of tuning (default: the learner's)", "N"},
        {"seed", 0, POPT_ARG_LONGLONG, &s.seed, 0, "default 0", "N"},
        {"target", 0, POPT_ARG_STRING, &s.target, 0, "column to predict", "NAME"},
        {"transductive", 0, POPT_ARG_NONE, &s.transductive, 0, "use the query batch jointly", NULL},
        {"within-domain", 0, POPT_ARG_NONE, &s.within_domain, 0,
         "each task's classes from one domain", NULL},
        {"rotations", 0, POPT_ARG_NONE, &s.rotations, 0, "adds classes turned by 90, 180, 270",
         NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this", NULL},
        CLI_SHARED,
        POPT_TABLEEND,
    };
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        const int given = c->arguments > 1 && cli_is_learner(c->argument[0]);
        if (s.ways < 0 || s.shots < 0 || s.queries < 0 || s.tasks < 0 || s.seed < 0 || s.steps < -1)
            code = cli_fail(c, T2M_EUSAGE, "numbers must not be negative", NULL);
        else
            code = eval(c, &s, given ? c->argument[0] : "characters", c->argument + given,
                        (size_t)(c->arguments - given));
        code = cli_end(c, code);
    }
    free(s.target);
    return code;
}

const struct command command_eval = {"eval", "[LEARNER] FAMILY... [options]",
                                     "accuracy or error on many tasks, beside the controls", run};
