/* train.c: t2m train: steps 1 to 3. */
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"

enum { NO = CLI_NO_INT, MANY = 65536 /* classes, shots, tasks at once */ };

static struct settings {
    char *output, *method, *structure, *represent, *decode, *tune, *target, *from, *split;
    char *validation_split;
    char **ignore, **validation; /* ended by NULL; or NULL */
    int ways, shots, queries, steps, meta_batch, validation_tasks, validation_ways, image_size;
    int inner_steps, eval_steps, rotations, within_domain, scale_by_task, resume, force, dry_run;
    bool tables; /* CSVs are tables of any columns */
    double minutes, inner_rate, meta_rate, augment;
    long long seed;
} given = {.ways = NO,
           .shots = NO,
           .queries = NO,
           .steps = NO,
           .meta_batch = NO,
           .validation_tasks = NO,
           .validation_ways = NO,
           .image_size = NO,
           .inner_steps = NO,
           .eval_steps = NO,
           .minutes = CLI_NO_NUMBER,
           .inner_rate = CLI_NO_NUMBER,
           .meta_rate = CLI_NO_NUMBER,
           .augment = CLI_NO_NUMBER};

/* ---- options ---- */

static const struct poptOption what[] = {
    {"output", 'o', POPT_ARG_STRING, &given.output, 0, "learner to write", "FILE"},
    {"method", 0, POPT_ARG_STRING, &given.method, 0,
     "see below (default: protonet for images, ridge for rows, texts, masks)", "NAME"},
    {"structure", 0, POPT_ARG_STRING, &given.structure, 0,
     "linear, mlp:40,40, conv4:64, resnet:32,64,128,256, of masks unet:16,32,64,128 or "
     "fcn:16,32,64,128, or several joined by + (that of --from; conv4:64; rows: mlp:40,40)",
     "TEXT"},
    {"represent", 0, POPT_ARG_STRING, &given.represent, 0,
     "parts of t: some of set,statistics,probe, or concat (default: the method's)", "PARTS"},
    {"from", 0, POPT_ARG_STRING, &given.from, 0, "learner to start from, instead of at random",
     "LEARNER"},
    POPT_TABLEEND,
};
static const struct poptOption episodes[] = {
    {"ways", 0, POPT_ARG_INT, &given.ways, 0, "classes of an episode (5)", "N"},
    {"shots", 0, POPT_ARG_INT, &given.shots, 0, "support examples of a class (1; rows: 10)", "N"},
    {"queries", 0, POPT_ARG_INT, &given.queries, 0, "query examples of a class (15; rows: 10)",
     "N"},
    {"within-domain", 0, POPT_ARG_NONE, &given.within_domain, 0,
     "each episode's classes from one domain", NULL},
    {"rotations", 0, POPT_ARG_NONE, &given.rotations, 0, "adds classes turned by 90, 180, 270",
     NULL},
    {"augment", 0, POPT_ARG_DOUBLE, &given.augment, 0,
     "changes images, thins out texts at random, so strongly (1 is usual, 0 none)", "X"},
    POPT_TABLEEND,
};
static const struct poptOption tuning[] = {
    {"decode", 0, POPT_ARG_STRING, &given.decode, 0,
     "how hyper, leo and t2m make weights from t: bases or all", "WHAT"},
    {"tune", 0, POPT_ARG_STRING, &given.tune, 0, "what leo and t2m tune: code, weights or both",
     "WHAT"},
    {"inner-steps", 0, POPT_ARG_INT, &given.inner_steps, 0, "steps of tuning in training", "N"},
    {"eval-steps", 0, POPT_ARG_INT, &given.eval_steps, 0, "steps of tuning afterwards", "N"},
    {"inner-rate", 0, POPT_ARG_DOUBLE, &given.inner_rate, 0, "step size of tuning", "X"},
    POPT_TABLEEND,
};
static const struct poptOption data[] = {
    {"target", 0, POPT_ARG_STRING, &given.target, 0, "column to predict", "NAME"},
    {"ignore", 0, POPT_ARG_ARGV, &given.ignore, 0,
     "tables: column to leave out of each; may be repeated", "NAME"},
    {"scale-by-task", 0, POPT_ARG_NONE, &given.scale_by_task, 0,
     "rows: each task in units of its own examples", NULL},
    {"image-size", 0, POPT_ARG_INT, &given.image_size, 0, "side in pixels (28; masks: 64)", "N"},
    {"split", 0, POPT_ARG_STRING, &given.split, 0,
     "masks: only classes with this in the column split of classes.csv", "NAME"},
    {"validation", 0, POPT_ARG_ARGV, &given.validation, 0,
     "tasks to choose the best step on (default: other episodes of FAMILY); may be repeated",
     "FAMILY"},
    {"validation-split", 0, POPT_ARG_STRING, &given.validation_split, 0,
     "as --split, of the validation families", "NAME"},
    {"validation-tasks", 0, POPT_ARG_INT, &given.validation_tasks, 0, "how many (200)", "N"},
    {"validation-ways", 0, POPT_ARG_INT, &given.validation_ways, 0, "as --ways, at most 5", "N"},
    POPT_TABLEEND,
};
static const struct poptOption course[] = {
    {"steps", 0, POPT_ARG_INT, &given.steps, 0, "meta-steps (10000)", "N"},
    {"minutes", 0, POPT_ARG_DOUBLE, &given.minutes, 0, "stop after so long", "X"},
    {"meta-batch", 0, POPT_ARG_INT, &given.meta_batch, 0, "tasks of a meta-step (4; rows: 25)",
     "N"},
    {"meta-rate", 0, POPT_ARG_DOUBLE, &given.meta_rate, 0, "step size of Adam", "X"},
    {"seed", 0, POPT_ARG_LONGLONG, &given.seed, 0, "of all that is random (0)", "N"},
    {"resume", 0, POPT_ARG_NONE, &given.resume, 0, "go on from FILE.run", NULL},
    {"force", 0, POPT_ARG_NONE, &given.force, 0, "replace what is there", NULL},
    {"dry-run", 0, POPT_ARG_NONE, &given.dry_run, 0,
     "one step on the data, then what a training takes; writes nothing", NULL},
    POPT_TABLEEND,
};
static const struct poptOption options[] = {
    CLI_GROUP(what, "What to learn"),
    CLI_GROUP(episodes, "Episodes"),
    CLI_GROUP(tuning, "Tuning (defaults: as the method has them)"),
    CLI_GROUP(data, "Data"),
    CLI_GROUP(course, "Run"),
    CLI_GROUP(cli_shared_options, "Common"),
    POPT_TABLEEND,
};

static int check_options(struct cli *c)
{
    const struct settings *s = &given;
    const struct cli_range range[] = {
        {"ways", s->ways, 1, MANY},
        {"shots", s->shots, 1, MANY},
        {"queries", s->queries, 1, MANY},
        {"steps", s->steps, 1, INT_MAX},
        {"meta-batch", s->meta_batch, 1, MANY},
        {"validation-tasks", s->validation_tasks, 1, 1e6},
        {"validation-ways", s->validation_ways, 1, MANY},
        {"image-size", s->image_size, 1, 1024},
        {"inner-steps", s->inner_steps, 0, 1000},
        {"eval-steps", s->eval_steps, 0, 1000},
        {"minutes", s->minutes, 1e-3, 1e6},
        {"inner-rate", s->inner_rate, 1e-9, 1e3},
        {"meta-rate", s->meta_rate, 1e-9, 1e3},
        {"augment", s->augment, 0, 4},
        {"seed", (double)s->seed, 0, 9e18},
    };
    if (!s->output && !s->dry_run)
        return cli_fail(c, T2M_EUSAGE, "-o FILE is missing: where the learner goes", NULL);
    if (s->resume && s->force)
        return cli_fail(c, T2M_EUSAGE, "--resume goes on, --force begins anew: give one of them",
                        NULL);
    return cli_check_ranges(c, range, sizeof range / sizeof *range);
}

static size_t or_0(int n)
{
    return n == NO ? 0 : (size_t)n;
}

static double or_zero(double x)
{
    return x == CLI_NO_NUMBER ? 0 : x;
}

static t2m_train_options fill_options(void)
{
    const struct settings *s = &given;
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    o.output = s->output;
    o.method = s->method;
    o.structure = s->structure;
    o.represent = s->represent;
    o.ways = or_0(s->ways);
    o.shots = or_0(s->shots);
    o.queries = or_0(s->queries);
    o.steps = or_0(s->steps);
    o.minutes = or_zero(s->minutes);
    o.meta_batch = or_0(s->meta_batch);
    o.inner_steps = s->inner_steps == NO ? -1 : s->inner_steps;
    o.eval_steps = s->eval_steps == NO ? -1 : s->eval_steps;
    o.inner_rate = or_zero(s->inner_rate);
    o.meta_rate = or_zero(s->meta_rate);
    o.seed = (uint64_t)s->seed;
    o.validation_tasks = or_0(s->validation_tasks);
    o.validation_ways = or_0(s->validation_ways);
    o.resume = s->resume;
    o.force = s->force;
    o.decode = s->decode;
    o.tune = s->tune;
    o.within_domain = s->within_domain;
    o.scale_by_task = s->scale_by_task;
    o.augment = or_zero(s->augment);
    o.max_memory = cli_shared.memory;
    o.progress = cli_progress;
    o.stop = cli_stop;
    o.ctx = "train";
    return o;
}

/* ---- a dry run: one step with all that it allocates ---- */

static atomic_size_t in_use, most;
static size_t process; /* bytes of the program itself */

static size_t program_bytes(void)
{
    struct rusage used;
    return getrusage(RUSAGE_SELF, &used) == 0 ? (size_t)used.ru_maxrss * 1024 : 0;
}

static void *counted(void *p, size_t before)
{
    if (!p)
        return NULL;
    const size_t now =
        atomic_fetch_add(&in_use, malloc_usable_size(p) - before) + malloc_usable_size(p) - before;
    size_t seen = atomic_load(&most);
    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
        ;
    return p;
}

static void *count_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return counted(malloc(size), 0);
}

static void *count_resize(void *ctx, void *old, size_t size)
{
    const size_t before = malloc_usable_size(old);
    (void)ctx;
    return counted(realloc(old, size), before);
}

static void count_release(void *ctx, void *p)
{
    (void)ctx;
    atomic_fetch_sub(&in_use, malloc_usable_size(p));
    free(p);
}

static const t2m_allocator counting = {count_allocate, count_resize, count_release, NULL};

static void describe_family(const t2m_family *f, char *out, size_t room)
{
    t2m_family_info i;
    t2m_family_describe(f, &i);
    if (i.images)
        snprintf(out, room, "%s: %zu images of %zu x %zu x %zu, %zu classes, %zu domains", i.name,
                 i.examples, i.height, i.width, i.channels, i.classes, i.domains);
    else if (i.masks)
        snprintf(out, room,
                 "%s: %zu pictures with masks of %zu x %zu x %zu, %zu class%s, %zu set%s", i.name,
                 i.examples, i.height, i.width, i.channels, i.classes, i.classes == 1 ? "" : "es",
                 i.domains, i.domains == 1 ? "" : "s");
    else if (i.texts)
        snprintf(out, room, "%s: %zu texts, %zu classes, %zu domains", i.name, i.examples,
                 i.classes, i.domains);
    else if (i.tables)
        snprintf(out, room, "%s: %zu table%s%s", i.name, i.tables, i.tables == 1 ? "" : "s",
                 i.endless ? " and synthetic ones" : "");
    else if (i.tasks)
        snprintf(out, room, "%s: %zu tasks, %zu column%s", i.name, i.tasks, i.features,
                 i.features == 1 ? "" : "s");
    else
        snprintf(out, room, "%s: as many tasks as are asked for", i.name);
}

/* What was done to keep to --max-memory. */
static void print_plan(const t2m_train_result *r)
{
    if (cli_shared.memory == 0)
        return;
    printf("to keep to --max-memory: %zu worker%s", r->workers, r->workers == 1 ? "" : "s");
    if (r->again > 0)
        printf(", values computed again, %.1f %% more work\n", 100 * r->again);
    else
        printf(", all values kept\n");
}

static t2m_status dry_run(struct cli *c, const t2m_family *family, t2m_train_options o)
{
    char text[512];
    o.output = NULL;
    o.steps = 1;
    o.validation_tasks = t2m_threads(c->lib); /* as many as are worked on at once */
    o.resume = false;
    o.progress = NULL;
    t2m_train_result result;
    const t2m_status status = t2m_train(c->lib, NULL, family, &o, &result);
    if (status != T2M_OK)
        return status;
    describe_family(family, text, sizeof text);
    const size_t bytes = process + atomic_load(&most);
    if (c->json) {
        cli_json(c, json_pack("{s:o, s:o, s:I, s:I, s:f}", "learner",
                              given.output ? cli_string(given.output) : json_null(), "family",
                              cli_string(text), "memory", (json_int_t)bytes, "workers",
                              (json_int_t)result.workers, "again", result.again));
        return T2M_OK;
    }
    printf("%s\ntraining takes %.1f MiB of memory with %zu threads\n", text,
           (double)bytes / (1 << 20), t2m_threads(c->lib));
    print_plan(&result);
    if (given.output)
        printf("would write %s and %s.run/%s\n", given.output, given.output,
               access(given.output, F_OK) == 0 ? " (it exists: --resume or --force)" : "");
    return T2M_OK;
}

/* ---- training ---- */

static t2m_status open_family(struct cli *c, const char *const *paths, size_t n,
                              const t2m_family *like, t2m_family **out)
{
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    t2m_family_info info = {0};
    if (like)
        t2m_family_describe(like, &info);
    o.target = given.target;
    o.ignore = (const char *const *)given.ignore;
    o.ignored = cli_count(given.ignore);
    o.image_size = like ? info.height : or_0(given.image_size);
    o.channels = info.channels;
    o.rotations = given.rotations && !like;
    o.tables = info.any_columns || given.tables;
    o.split = like ? given.validation_split : given.split;
    const t2m_status status = t2m_family_open(c->lib, out, paths, n, &o);
    if (status == T2M_OK)
        cli_say_warnings(*out, NULL);
    return status;
}

static void print_result(struct cli *c, const t2m_train_result *r)
{
    char outside[64] = "";
    if (isfinite(r->outside))
        snprintf(outside, sizeof outside, " (%.1f %% outside arithmetic)", 100 * r->outside);
    if (c->json)
        cli_json(c, json_pack("{s:o, s:I, s:I, s:o, s:f, s:o}", "learner", cli_string(given.output),
                              "steps", (json_int_t)r->steps, "best_step", (json_int_t)r->best_step,
                              "validation", cli_number(r->validation), "seconds", r->seconds,
                              "outside", cli_number(r->outside)));
    else
        printf("%s: %zu steps in %.1f s%s, best on validation after step %zu: %.4f\n", given.output,
               r->steps, r->seconds, outside, r->best_step, r->validation);
}

static t2m_status learn(struct cli *c, const t2m_family *family, const t2m_train_options *o)
{
    t2m_train_result result;
    char text[512];
    if (given.dry_run)
        return dry_run(c, family, *o);
    describe_family(family, text, sizeof text);
    cli_say("%s\n", text);
    signal(SIGPIPE, SIG_IGN); /* a training outlives the reader of its messages */
    cli_catch_signals();
    const t2m_status status = t2m_train(c->lib, NULL, family, o, &result);
    cli_progress_end();
    if (status == T2M_OK)
        print_result(c, &result);
    return status;
}

static bool wants_tables(const t2m_learner *from)
{
    t2m_learner_info info = {0};
    if (from)
        t2m_learner_describe(from, &info);
    return given.method ? strcmp(given.method, "tables") == 0 : info.tables;
}

static int train(struct cli *c)
{
    t2m_family *family = NULL, *validation = NULL;
    t2m_learner *from = NULL;
    t2m_train_options o = fill_options();
    const char *const *paths = (const char *const *)given.validation;
    int code = check_options(c);
    if (code == 0 && given.from)
        code = cli_open_learner(c, &from, given.from, NULL);
    if (code != 0)
        return code;
    cli_reading(c->argument[0]);
    given.tables = wants_tables(from);
    t2m_status status = open_family(c, c->argument, (size_t)c->arguments, NULL, &family);
    if (status == T2M_OK && paths)
        status = open_family(c, paths, cli_count(given.validation), family, &validation);
    o.validation = validation;
    o.from = from;
    if (status == T2M_OK)
        status = learn(c, family, &o);
    code = status == T2M_OK ? 0 : cli_refuse(c, status);
    t2m_learner_free(from);
    t2m_family_free(validation);
    t2m_family_free(family);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--dry-run") == 0)
            c->allocator = &counting;
    process = program_bytes();
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0)
        code = cli_end(c, train(c));
    char *const text[] = {given.output,           given.method,    given.decode, given.tune,
                          given.structure,        given.represent, given.target, given.split,
                          given.validation_split, given.from};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
    cli_free_list(given.ignore);
    cli_free_list(given.validation);
    return code;
}

static void list_methods(void)
{
    const char *name, *doc;
    printf("\nMethods:\n");
    for (size_t i = 0; t2m_method_describe(i, &name, &doc); i++)
        printf("  %-10s %s\n", name, doc);
}

const struct command command_train = {
    "train",
    "FAMILY... -o LEARNER [options]",
    "learns the mapping from tasks to models on many tasks (steps 1 to 3)",
    "t2m train pictures/ -o letters --minutes 10        class folders of PNG or JPEG files\n"
    "t2m train tables/ -o curves --method ridge         a folder of CSVs, one task each\n"
    "t2m train texts.jsonl -o mine                      texts, each with a label\n"
    "t2m train cells/ plants.zip -o mine                pictures in images/, masks in masks/\n"
    "t2m train pictures/ -o letters --minutes 10 --resume",
    run,
    list_methods};
