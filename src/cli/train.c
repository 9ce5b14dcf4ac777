/* train.c: t2m train: steps 1 to 3. */
#include <stdlib.h>

#include "cli.h"

struct settings {
    t2m_train_options o;
    char *output, *method, *structure, *represent, *target, *from;
    int ways, shots, queries, steps, meta_batch, validation_tasks, validation_ways;
    int rotations, within_domain, resume, force, image_size, dry_run;
    long long seed;
    char *validation;
};

static t2m_status open_family(struct cli *c, const struct settings *s, const char *const *paths,
                              size_t n, const t2m_family *like, t2m_family **out)
{
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    t2m_family_info info = {0};
    if (like)
        t2m_family_describe(like, &info);
    o.target = s->target;
    o.image_size = like ? info.height : (size_t)(s->image_size > 0 ? s->image_size : 0);
    o.channels = info.channels;
    o.rotations = s->rotations && !like;
    return t2m_family_open(c->lib, out, paths, n, &o);
}

static void print_result(struct cli *c, const struct settings *s, const t2m_train_result *r)
{
    if (c->json)
        cli_json(c, json_pack("{s:s, s:I, s:I, s:o, s:f}", "learner", s->output, "steps",
                              (json_int_t)r->steps, "best_step", (json_int_t)r->best_step,
                              "validation", cli_number(r->validation), "seconds", r->seconds));
    else
        printf("%s: %zu steps in %.1f s, best on validation after step %zu: %.4f\n", s->output,
               r->steps, r->seconds, r->best_step, r->validation);
}

static void print_plan(const struct settings *s, const t2m_family *f)
{
    t2m_family_info i;
    t2m_family_describe(f, &i);
    if (i.images)
        printf("%s: %zu classes in %zu domains, %zu pictures of %zu x %zu x %zu\n", i.name,
               i.classes, i.domains, i.examples, i.height, i.width, i.channels);
    else
        printf("%s: %zu tasks, %zu columns\n", i.name, i.tasks, i.features);
    printf("would write %s and %s.run/\n", s->output, s->output);
}

static int train(struct cli *c, struct settings *s)
{
    t2m_family *family = NULL, *validation = NULL;
    t2m_learner *from = NULL;
    t2m_train_result result;
    t2m_status status = open_family(c, s, c->argument, (size_t)c->arguments, NULL, &family);
    const char *const path = s->validation;
    if (status == T2M_OK && path)
        status = open_family(c, s, &path, 1, family, &validation);
    if (status == T2M_OK && s->from)
        status = t2m_learner_open(c->lib, &from, s->from);
    s->o.validation = validation;
    s->o.from = from;
    if (status == T2M_OK && s->dry_run) {
        print_plan(s, family);
    } else if (status == T2M_OK) {
        cli_catch_signals();
        status = t2m_train(c->lib, NULL, family, &s->o, &result);
        cli_progress_end();
        if (status == T2M_OK)
            print_result(c, s, &result);
    }
    const int code = status == T2M_OK ? 0 : cli_refuse(c, status);
    t2m_learner_free(from);
    t2m_family_free(validation);
    t2m_family_free(family);
    return code;
}

static int bad_counts(const struct settings *s)
{
    return s->ways < 0 || s->shots < 0 || s->queries < 0 || s->steps < 0 || s->meta_batch < 0 ||
           s->validation_tasks < 0 || s->validation_ways < 0 || s->seed < 0 || s->image_size < 0 ||
           s->o.inner_rate < 0 || s->o.meta_rate < 0 || s->o.minutes < 0;
}

static void fill_options(struct settings *s)
{
    s->o.output = s->output;
    s->o.method = s->method;
    s->o.structure = s->structure;
    s->o.represent = s->represent;
    s->o.ways = (size_t)s->ways;
    s->o.shots = (size_t)s->shots;
    s->o.queries = (size_t)s->queries;
    s->o.steps = (size_t)s->steps;
    s->o.meta_batch = (size_t)s->meta_batch;
    s->o.validation_tasks = (size_t)s->validation_tasks;
    s->o.validation_ways = (size_t)s->validation_ways;
    s->o.seed = (uint64_t)s->seed;
    s->o.resume = s->resume;
    s->o.force = s->force;
    s->o.within_domain = s->within_domain;
    s->o.progress = cli_progress;
    s->o.ctx = "train";
}

static void methods_text(char *out, size_t room)
{
    const char *name, *doc;
    size_t at = 0;
    for (size_t i = 0; t2m_method_describe(i, &name, &doc) && at < room; i++)
        at += (size_t)snprintf(out + at, room - at, "%s%s", i ? ", " : "", name);
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    struct settings s = {.o = T2M_TRAIN_OPTIONS_INIT};
    char methods[256];
    methods_text(methods, sizeof methods);
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &s.output, 0, "learner to write", "FILE"},
        {"method", 0, POPT_ARG_STRING, &s.method, 0, methods, "NAME"},
        {"structure", 0, POPT_ARG_STRING, &s.structure, 0, "linear, mlp:40,40 or conv4:64", "TEXT"},
        {"from", 0, POPT_ARG_STRING, &s.from, 0, "learner to start from, instead of at random",
         "LEARNER"},
        {"represent", 0, POPT_ARG_STRING, &s.represent, 0, "for hyper: set (default) or concat",
         "KIND"},
        {"ways", 0, POPT_ARG_INT, &s.ways, 0, "classes of an episode (default 5)", "N"},
        {"shots", 0, POPT_ARG_INT, &s.shots, 0, "support examples of a class (1; rows: 10)", "N"},
        {"queries", 0, POPT_ARG_INT, &s.queries, 0, "query examples of a class (15; rows: 10)",
         "N"},
        {"steps", 0, POPT_ARG_INT, &s.steps, 0, "meta-steps (default 10000)", "N"},
        {"minutes", 0, POPT_ARG_DOUBLE, &s.o.minutes, 0, "stop after so long", "X"},
        {"meta-batch", 0, POPT_ARG_INT, &s.meta_batch, 0, "tasks of a meta-step (4; rows: 25)",
         "N"},
        {"inner-steps", 0, POPT_ARG_INT, &s.o.inner_steps, 0, "steps of tuning in training", "N"},
        {"eval-steps", 0, POPT_ARG_INT, &s.o.eval_steps, 0, "steps of tuning afterwards", "N"},
        {"inner-rate", 0, POPT_ARG_DOUBLE, &s.o.inner_rate, 0, "step size of tuning", "X"},
        {"meta-rate", 0, POPT_ARG_DOUBLE, &s.o.meta_rate, 0, "step size of Adam", "X"},
        {"seed", 0, POPT_ARG_LONGLONG, &s.seed, 0, "default 0", "N"},
        {"target", 0, POPT_ARG_STRING, &s.target, 0, "column to predict", "NAME"},
        {"image-size", 0, POPT_ARG_INT, &s.image_size, 0, "side in pixels (default 28)", "N"},
        {"rotations", 0, POPT_ARG_NONE, &s.rotations, 0, "adds classes turned by 90, 180, 270",
         NULL},
        {"augment", 0, POPT_ARG_DOUBLE, &s.o.augment, 0,
         "bends images at random, so strongly (1 is usual); classes become further classes", "X"},
        {"within-domain", 0, POPT_ARG_NONE, &s.within_domain, 0,
         "each episode's classes from one domain", NULL},
        {"validation", 0, POPT_ARG_STRING, &s.validation, 0, "family to choose the best step on",
         "FAMILY"},
        {"validation-tasks", 0, POPT_ARG_INT, &s.validation_tasks, 0, "default 200", "N"},
        {"validation-ways", 0, POPT_ARG_INT, &s.validation_ways, 0, "default: as ways, at most 5",
         "N"},
        {"resume", 0, POPT_ARG_NONE, &s.resume, 0, "go on from FILE.run", NULL},
        {"force", 0, POPT_ARG_NONE, &s.force, 0, "replace what is there", NULL},
        {"dry-run", 0, POPT_ARG_NONE, &s.dry_run, 0, "read the data, say what would be done", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this", NULL},
        CLI_SHARED,
        POPT_TABLEEND,
    };
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        fill_options(&s);
        if (!s.output)
            code = cli_fail(c, T2M_EUSAGE, "-o FILE is missing: where the learner goes", NULL);
        else if (bad_counts(&s))
            code = cli_fail(c, T2M_EUSAGE, "numbers must not be negative", NULL);
        else
            code = train(c, &s);
        code = cli_end(c, code);
    }
    char *const text[] = {s.output, s.method,     s.structure, s.represent,
                          s.target, s.validation, s.from};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
    return code;
}

const struct command command_train = {
    "train", "FAMILY... -o LEARNER [options]",
    "learns the mapping from tasks to models on many tasks (steps 1 to 3)", run};
