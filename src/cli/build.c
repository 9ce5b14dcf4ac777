/* build.c: t2m build: steps 1, 3, 4 and 5 for one new task. */
#include <stdlib.h>
#include <sys/stat.h>

#include "cli.h"

struct settings {
    char *output, *target;
    int steps, force;
};

static const char *const step_name[] = {"represent the task", "represent the model", "map t to m",
                                        "generate", "tune"};

static json_t *report_json(const char *output, const t2m_model_info *m, const t2m_build_report *r,
                           size_t bytes)
{
    json_t *steps = json_array();
    for (int i = 0; i < 5; i++)
        json_array_append_new(steps, json_pack("{s:i, s:s, s:f, s:s}", "step", i + 1, "name",
                                               step_name[i], "ms", r->milliseconds[i], "note", ""));
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:{s:o, s:o}}", "model", output, "method",
                     m->method, "structure", m->structure, "bytes", (json_int_t)bytes, "steps",
                     steps, "support_loss", "generated", cli_number(r->loss_generated), "tuned",
                     cli_number(r->loss_tuned));
}

static void print_report(const char *output, const t2m_model *model, const t2m_task *task,
                         const t2m_build_report *r, size_t bytes)
{
    t2m_model_info m;
    t2m_model_describe(model, &m);
    printf("%s: %s, %zu numbers, %zu bytes\n", output, m.structure, m.parameters, bytes);
    if (t2m_model_classes(model) > 0)
        printf("  %zu classes from %zu examples by %s\n", t2m_model_classes(model),
               t2m_task_examples(task), m.method);
    else
        printf("  predicts '%s', from %zu rows by %s\n", m.target, t2m_task_examples(task),
               m.method);
    printf("  loss on the examples %.4f", r->loss_generated);
    if (r->steps > 0)
        printf(", after %d steps of tuning %.4f", r->steps, r->loss_tuned);
    printf("\n  %.1f ms to make the graph, %.1f ms to run it\n", r->milliseconds[2],
           r->milliseconds[4]);
}

static int build(struct cli *c, const struct settings *s, const char *learner_path,
                 const char *shots)
{
    t2m_learner *learner = NULL;
    t2m_task *task = NULL;
    t2m_model *model = NULL;
    t2m_build_options o = T2M_BUILD_OPTIONS_INIT;
    t2m_build_report report;
    struct stat st = {0};
    o.steps = s->steps;
    t2m_status status = cli_open_learner(c, &learner, learner_path);
    if (status == T2M_OK)
        status = t2m_task_open(learner, &task, shots, s->target);
    if (status == T2M_OK)
        status = t2m_build(learner, &model, task, &o, &report);
    if (status == T2M_OK)
        status = t2m_model_save(model, s->output, s->force);
    if (status == T2M_OK) {
        t2m_model_info info;
        stat(s->output, &st);
        t2m_model_describe(model, &info);
        if (c->json)
            cli_json(c, report_json(s->output, &info, &report, (size_t)st.st_size));
        else
            print_report(s->output, model, task, &report, (size_t)st.st_size);
    }
    const int code = status == T2M_OK ? 0 : cli_refuse(c, status);
    t2m_model_free(model);
    t2m_task_free(task);
    t2m_learner_free(learner);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    struct settings s = {.steps = -1};
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &s.output, 0, "model to write", "FILE"},
        {"steps", 0, POPT_ARG_INT, &s.steps, 0, "steps of tuning (default: the learner's)", "N"},
        {"target", 0, POPT_ARG_STRING, &s.target, 0, "column to predict", "NAME"},
        {"force", 0, POPT_ARG_NONE, &s.force, 0, "replace a model that is there", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this", NULL},
        CLI_SHARED,
        POPT_TABLEEND,
    };
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        if (!s.output)
            code = cli_fail(c, T2M_EUSAGE, "-o FILE is missing: where the model goes", NULL);
        else if (s.steps < -1 || s.steps > 1000)
            code = cli_fail(c, T2M_EUSAGE, "--steps must be 0 to 1000", NULL);
        else if (c->arguments > 2)
            code = cli_fail(c, T2M_EUSAGE, "expected: t2m build [LEARNER] SHOTS -o MODEL", NULL);
        else
            code = build(c, &s, c->arguments == 2 ? c->argument[0] : "characters",
                         c->argument[c->arguments - 1]);
        code = cli_end(c, code);
    }
    free(s.output);
    free(s.target);
    return code;
}

const struct command command_build = {
    "build", "[LEARNER] SHOTS -o MODEL [options]",
    "makes a model for one new task from a few examples (steps 1, 3, 4, 5)", run};
