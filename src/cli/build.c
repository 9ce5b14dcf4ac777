/* build.c: t2m build: steps 1, 3, 4 and 5 for one new task. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

struct settings {
    char *output, *target, *max_bytes, *max_macs, *add, *remove;
    int steps, force, explain;
};

/* What the five steps did, in words. The last three run as one program: its making counts as step
 * 3, its run as step 4, or 5 if there is tuning. */
struct account {
    char note[5][320];
    double ms[5]; /* NaN: counted with another step */
};
static const char *const step_name[] = {"represent the task", "represent the model", "map t to m",
                                        "generate", "tune"};

static void account(struct account *a, const t2m_task *task, const t2m_model *model,
                    const t2m_build_report *r)
{
    t2m_model_info m;
    t2m_model_describe(model, &m);
    double half_width[2];
    const bool table = m.table;
    const size_t classes = t2m_model_classes(model), room = sizeof a->note[0],
                 examples = t2m_task_examples(task);
    if (table && classes)
        snprintf(a->note[0], room, "%zu rows of %zu column%s, %zu classes", examples, m.inputs,
                 m.inputs == 1 ? "" : "s", classes);
    else if (m.text && classes)
        snprintf(a->note[0], room, "%zu texts of %zu classes%s", examples, classes,
                 m.several ? ", several at once" : "");
    else if (m.text)
        snprintf(a->note[0], room, "%zu texts with a value each", examples);
    else if (m.masks)
        snprintf(a->note[0], room, "%zu picture%s of %zu class%s, %zu x %zu x %zu", examples,
                 examples == 1 ? "" : "s", classes, classes == 1 ? "" : "es", m.height, m.width,
                 m.channels);
    else if (classes)
        snprintf(a->note[0], room, "%zu examples of %zu classes, %zu x %zu x %zu", examples,
                 classes, m.height, m.width, m.channels);
    else
        snprintf(a->note[0], room, "%zu rows of %zu column%s and '%s'", examples, m.inputs,
                 m.inputs == 1 ? "" : "s", m.target);
    snprintf(a->note[1], room, "m: %s, %zu numbers", m.structure, m.parameters);
    snprintf(a->note[2], room, "%s", m.method);
    if (table)
        snprintf(a->note[3], room, "layers and the kernel's metric");
    else if (!isfinite(r->loss_generated))
        snprintf(a->note[3], room, "head solved on the texts, each left out");
    else
        snprintf(a->note[3], room, "loss on the examples %.4f", fmax(0, r->loss_generated));
    if (m.text && t2m_model_interval(model, half_width))
        snprintf(a->note[4], room, "+- %.4g holds 80 %%, +- %.4g 95 %%", half_width[0],
                 half_width[1]);
    else if (table && t2m_model_interval(model, half_width))
        snprintf(a->note[4], room, "head solved on the rows; +- %.4g holds 80 %%, +- %.4g 95 %%",
                 half_width[0], half_width[1]);
    else if (table)
        snprintf(a->note[4], room, "head solved on the rows");
    else if (m.masks && examples > 1 && r->loss_tuned != r->loss_generated)
        snprintf(a->note[4], room, "where a class begins, by pictures left out");
    else if (r->steps > 0)
        snprintf(a->note[4], room, "%d steps, loss on the examples %.4f", r->steps, r->loss_tuned);
    else
        snprintf(a->note[4], room, "no steps");
    memcpy(a->ms, r->milliseconds, sizeof a->ms);
}

/* ---- the report ---- */

static json_t *report_json(const struct built *b, const struct account *a, const char *output)
{
    t2m_model_info m;
    json_t *steps = json_array();
    t2m_model_describe(b->model, &m);
    for (int i = 0; i < 5; i++)
        json_array_append_new(steps,
                              json_pack("{s:i, s:s, s:o, s:s}", "step", i + 1, "name", step_name[i],
                                        "ms", cli_number(a->ms[i]), "note", a->note[i]));
    return json_pack("{s:o, s:s, s:s, s:I, s:o, s:o}", "model", cli_string(output), "method",
                     m.method, "structure", m.structure, "bytes", (json_int_t)cli_file_size(output),
                     "dropped", cli_dropped_json(b->task), "steps", steps);
}

static void print_report(const char *output, const struct account *a)
{
    for (int i = 0; i < 5; i++) {
        printf("  %d %-20s", i + 1, step_name[i]);
        if (isfinite(a->ms[i]))
            printf("%8.1f ms  %s\n", a->ms[i], a->note[i]);
        else
            printf("%11s  %s\n", "", a->note[i]);
    }
    printf("%s: %lld bytes\n", output, cli_file_size(output));
}

/* A model with one class more or less. */
static int change(struct cli *c, const struct settings *s)
{
    t2m_model *from = NULL, *to = NULL;
    t2m_status status = t2m_model_open(c->lib, &from, c->argument[0]);
    if (status == T2M_OK)
        status = s->add ? t2m_model_add(from, &to, c->argument[1], s->add)
                        : t2m_model_remove(from, &to, s->remove);
    if (status == T2M_OK)
        status = t2m_model_save(to, s->output, s->force);
    const int code = status == T2M_OK ? 0 : cli_refuse(c, status);
    const long long bytes = cli_file_size(s->output);
    if (code == 0 && c->json)
        cli_json(c, json_pack("{s:o, s:I, s:I}", "model", cli_string(s->output), "classes",
                              (json_int_t)t2m_model_classes(to), "bytes", (json_int_t)bytes));
    else if (code == 0)
        printf("%s: %zu classes, %lld bytes\n", s->output, t2m_model_classes(to), bytes);
    t2m_model_free(to);
    t2m_model_free(from);
    return code;
}

static int fill_options(struct cli *c, const struct settings *s, t2m_build_options *o)
{
    o->steps = s->steps == CLI_NO_INT ? -1 : s->steps;
    const int bad = cli_size(c, "--max-bytes", s->max_bytes, &o->max_bytes);
    return bad ? bad : cli_size(c, "--max-macs", s->max_macs, &o->max_macs);
}

static int show(struct cli *c, const struct settings *s, const struct built *b)
{
    struct account a;
    struct explanation e = {0};
    account(&a, b->task, b->model, b->report);
    const t2m_status status = explain_task(c, b, &e);
    if (status != T2M_OK)
        return cli_refuse(c, status);
    explain_warn(&e);
    json_t *data = c->json ? report_json(b, &a, s->output) : NULL;
    if (c->json && s->explain)
        json_object_set_new(data, "explain", explain_json(b, &e));
    if (c->json)
        cli_json(c, data);
    else
        print_report(s->output, &a);
    if (!c->json && s->explain)
        explain_print(b, &e);
    return 0;
}

static int build(struct cli *c, const struct settings *s, const char *learner_path,
                 const char *shots)
{
    t2m_learner *learner = NULL;
    t2m_task *task = NULL;
    t2m_model *model = NULL;
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    t2m_build_report report;
    int code = fill_options(c, s, &o);
    if (code == 0)
        code = cli_open_learner(c, &learner, learner_path, shots);
    if (code)
        return code;
    const double begin = cli_now();
    const t2m_task_options to = cli_task_options(s->target);
    t2m_status status = t2m_task_open(learner, &task, shots, &to);
    const double read = 1e3 * (cli_now() - begin);
    if (status == T2M_OK) {
        cli_say_dropped(task);
        cli_say_warnings(NULL, task);
    }
    if (status == T2M_OK)
        status = t2m_build(learner, &model, task, &o, &report);
    if (status == T2M_OK)
        status = t2m_model_save(model, s->output, s->force);
    report.milliseconds[0] = read;
    const struct built b = {learner, task, model, &report};
    code = status == T2M_OK ? show(c, s, &b) : cli_refuse(c, status);
    t2m_model_free(model);
    t2m_task_free(task);
    t2m_learner_free(learner);
    return code;
}

static struct settings given = {.steps = CLI_NO_INT};

static const struct poptOption own[] = {
    {"output", 'o', POPT_ARG_STRING, &given.output, 0, "model to write", "FILE"},
    {"steps", 0, POPT_ARG_INT, &given.steps, 0, "steps of tuning (default: the learner's)", "N"},
    {"target", 0, POPT_ARG_STRING, &given.target, 0, "column to predict", "NAME"},
    {"max-bytes", 0, POPT_ARG_STRING, &given.max_bytes, 0,
     "only structures whose file is so small, with K, M or G", "SIZE"},
    {"max-macs", 0, POPT_ARG_STRING, &given.max_macs, 0,
     "only those that take so few multiplications", "N"},
    {"add", 0, POPT_ARG_STRING, &given.add, 0,
     "t2m build MODEL SHOTS: the model with this class of SHOTS too", "CLASS"},
    {"remove", 0, POPT_ARG_STRING, &given.remove, 0, "t2m build MODEL: the model without it",
     "CLASS"},
    {"explain", 0, POPT_ARG_NONE, &given.explain, 0,
     "also the task, its like, the structures, each stage", NULL},
    {"force", 0, POPT_ARG_NONE, &given.force, 0, "replace a model that is there", NULL},
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
    const struct cli_range range[] = {{"steps", given.steps, 0, 1000}};
    if (!given.output)
        return cli_fail(c, T2M_EUSAGE, "-o FILE is missing: where the model goes", NULL);
    if (given.add && given.remove)
        return cli_fail(c, T2M_EUSAGE, "one of --add and --remove at a time", NULL);
    if (given.add && c->arguments != 2)
        return cli_fail(c, T2M_EUSAGE, "expected: t2m build MODEL SHOTS --add CLASS -o MODEL",
                        NULL);
    if (given.remove && c->arguments != 1)
        return cli_fail(c, T2M_EUSAGE, "expected: t2m build MODEL --remove CLASS -o MODEL", NULL);
    if (c->arguments > 2)
        return cli_fail(c, T2M_EUSAGE, "expected: t2m build [LEARNER] SHOTS -o MODEL", NULL);
    const int code = cli_check_tables(c);
    return code ? code : cli_check_ranges(c, range, 1);
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        code = check_options(c);
        if (code == 0 && (given.add || given.remove))
            code = change(c, &given);
        else if (code == 0)
            code = build(c, &given, c->arguments == 2 ? c->argument[0] : NULL,
                         c->argument[c->arguments - 1]);
        code = cli_end(c, code);
    }
    free(given.output);
    free(given.target);
    free(given.max_bytes);
    free(given.max_macs);
    free(given.add);
    free(given.remove);
    cli_free_tables();
    return code;
}

const struct command command_build = {
    "build",
    "[LEARNER] SHOTS -o MODEL [options]",
    "makes a model for one new task from a few examples (steps 1, 3, 4, 5)",
    "t2m build table.csv --target price -o model    any table, by the shipped learner\n"
    "t2m build texts.jsonl -o model                 texts, each with a label, or a .txt a class\n"
    "t2m build shots/ -o model                      a folder of class folders of images\n"
    "t2m build cells/ -o model                      pictures in images/, masks in masks/\n"
    "t2m build curves points.csv -o model           by a learner of one's own",
    run,
    NULL};
