/* build.c: t2m build: steps 1, 3, 4 and 5 for one new task. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

struct settings {
    char *output, *target;
    int steps, force;
};

/* What the five steps did, in words. The last three run as one program: its making counts as step
 * 3, its run as step 4, or 5 if there is tuning. */
struct account {
    char note[5][160];
    double ms[5]; /* NaN: counted with another step */
};
static const char *const step_name[] = {"represent the task", "represent the model", "map t to m",
                                        "generate", "tune"};

static void account(struct account *a, const t2m_task *task, const t2m_model *model,
                    const t2m_build_report *r)
{
    t2m_model_info m;
    t2m_model_describe(model, &m);
    const size_t classes = t2m_model_classes(model), room = sizeof a->note[0];
    if (classes)
        snprintf(a->note[0], room, "%zu examples of %zu classes, %zu x %zu x %zu",
                 t2m_task_examples(task), classes, m.height, m.width, m.channels);
    else
        snprintf(a->note[0], room, "%zu rows of %zu columns and '%s'", t2m_task_examples(task),
                 m.inputs, m.target);
    snprintf(a->note[1], room, "m: %s, %zu numbers", m.structure, m.parameters);
    snprintf(a->note[2], room, "%s", m.method);
    snprintf(a->note[3], room, "loss on the examples %.4f", r->loss_generated);
    if (r->steps > 0)
        snprintf(a->note[4], room, "%d steps, loss on the examples %.4f", r->steps, r->loss_tuned);
    else
        snprintf(a->note[4], room, "no steps");
    memcpy(a->ms, r->milliseconds, sizeof a->ms);
}

static json_t *report_json(const char *output, const t2m_model_info *m, const struct account *a,
                           size_t bytes)
{
    json_t *steps = json_array();
    for (int i = 0; i < 5; i++)
        json_array_append_new(steps,
                              json_pack("{s:i, s:s, s:o, s:s}", "step", i + 1, "name", step_name[i],
                                        "ms", cli_number(a->ms[i]), "note", a->note[i]));
    return json_pack("{s:s, s:s, s:s, s:I, s:o}", "model", output, "method", m->method, "structure",
                     m->structure, "bytes", (json_int_t)bytes, "steps", steps);
}

static void print_report(const char *output, const struct account *a, size_t bytes)
{
    for (int i = 0; i < 5; i++) {
        printf("  %d %-20s", i + 1, step_name[i]);
        if (isfinite(a->ms[i]))
            printf("%8.1f ms  %s\n", a->ms[i], a->note[i]);
        else
            printf("%11s  %s\n", "", a->note[i]);
    }
    printf("%s: %zu bytes\n", output, bytes);
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
    const double begin = cli_now();
    if (status == T2M_OK)
        status = t2m_task_open(learner, &task, shots, s->target);
    const double read = 1e3 * (cli_now() - begin);
    if (status == T2M_OK)
        status = t2m_build(learner, &model, task, &o, &report);
    if (status == T2M_OK)
        status = t2m_model_save(model, s->output, s->force);
    if (status == T2M_OK) {
        t2m_model_info info;
        struct account a;
        report.milliseconds[0] = read;
        account(&a, task, model, &report);
        stat(s->output, &st);
        t2m_model_describe(model, &info);
        if (c->json)
            cli_json(c, report_json(s->output, &info, &a, (size_t)st.st_size));
        else
            print_report(s->output, &a, (size_t)st.st_size);
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
