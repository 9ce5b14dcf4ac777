/* info.c: t2m info: what a file is. */
#include <stdlib.h>

#include "cli.h"

static struct settings {
    char *vector;
    int force;
} given;

static const struct poptOption what[] = {
    {"vector", 0, POPT_ARG_STRING, &given.vector, 0, "writes the model vector m as a .npy file",
     "FILE"},
    {"force", 0, POPT_ARG_NONE, &given.force, 0, "replace what is there", NULL},
    POPT_TABLEEND,
};
static const struct poptOption options[] = {
    CLI_GROUP(what, "Options"),
    CLI_GROUP(cli_shared_options, "Common"),
    POPT_TABLEEND,
};

static void learner_info(struct cli *c, const char *path, const t2m_learner *l)
{
    t2m_learner_info i;
    t2m_learner_describe(l, &i);
    if (c->json) {
        json_t *results =
            json_pack("{s:o, s:s, s:s, s:I}", "family", cli_string(i.family), "settings",
                      i.settings, "best", i.results, "trained_steps", (json_int_t)i.trained_steps);
        cli_json(c, json_pack("{s:s, s:s, s:I, s:I, s:s, s:I, s:[], s:o}", "file_kind", "learner",
                              "structure", i.structure, "parameters", (json_int_t)i.parameters,
                              "bytes", (json_int_t)cli_file_size(path), "method", i.method, "seed",
                              (json_int_t)i.seed, "classes", "results", results));
        return;
    }
    printf("learner by %s, %s\n", i.method, i.structure);
    printf("  %zu learned numbers, %zu meta-steps on %s, seed %llu\n", i.parameters,
           i.trained_steps, i.family, (unsigned long long)i.seed);
    if (i.images)
        printf("  pictures of %zu x %zu x %zu; trained %zu-way %zu-shot\n", i.height, i.width,
               i.channels, i.ways, i.shots);
    else if (i.masks)
        printf(
            "  pictures of %zu x %zu x %zu into masks; trained with up to %zu picture%s of %s%zu "
            "class%s\n",
            i.height, i.width, i.channels, i.shots, i.shots == 1 ? "" : "s",
            i.ways == 1 ? "" : "up to ", i.ways, i.ways == 1 ? "" : "es");
    else if (i.texts)
        printf("  texts into classes; trained %zu-way %zu-shot\n", i.ways, i.shots);
    else if (i.tables)
        printf("  tables of any columns, classes or values\n");
    else
        printf("  rows of %zu column%s, predicts '%s'; trained with %zu shots\n", i.features,
               i.features == 1 ? "" : "s", i.target, i.shots);
    if (i.eval_steps > 0)
        printf("  tunes with %d steps of %g\n", i.eval_steps, i.inner_rate);
    printf("  %s\n", i.settings);
}

static void model_info(struct cli *c, const char *path, const t2m_model *m)
{
    t2m_model_info i;
    t2m_model_describe(m, &i);
    const size_t n = t2m_model_classes(m);
    json_t *classes = json_array();
    for (size_t k = 0; k < n; k++)
        json_array_append_new(classes, cli_string(t2m_model_class(m, k)));
    if (c->json) {
        cli_json(c, json_pack("{s:s, s:s, s:I, s:I, s:s, s:n, s:O, s:n}", "file_kind", "model",
                              "structure", i.structure, "parameters", (json_int_t)i.parameters,
                              "bytes", (json_int_t)cli_file_size(path), "method", i.method, "seed",
                              "classes", classes, "results"));
    } else {
        printf("model, %s, built by %s\n  %zu numbers\n", i.structure, i.method, i.parameters);
        if (n > 0 && i.table)
            printf("  rows of a table into %zu classes:", n);
        else if (n > 0 && i.text)
            printf("  texts into %zu classes%s:", n, i.several ? ", several at once" : "");
        else if (i.masks)
            printf("  pictures of %zu x %zu x %zu into masks of %zu class%s:", i.height, i.width,
                   i.channels, n, n == 1 ? "" : "es");
        else if (n > 0)
            printf("  pictures of %zu x %zu x %zu into %zu classes:", i.height, i.width, i.channels,
                   n);
        else if (i.text)
            printf("  a value, '%s', of texts", i.target);
        else
            printf("  predicts '%s' from:", i.target);
        for (size_t k = 0; k < n; k++)
            printf(" %s", t2m_model_class(m, k));
        if (n > 0 && i.table)
            printf("\n  by");
        for (size_t k = 0; t2m_model_feature(m, k); k++)
            printf(i.table ? "%s '%s'" : "%s %s", k && i.table ? "," : "", t2m_model_feature(m, k));
        printf("\n");
    }
    json_decref(classes);
}

static int write_vector(struct cli *c, const t2m_model *m)
{
    float *v = NULL;
    size_t n = 0;
    t2m_status status = t2m_model_vector(m, &v, &n);
    if (status == T2M_OK)
        status = t2m_vectors_save(c->lib, given.vector, v, 1, n, given.force);
    t2m_free(c->lib, v);
    return status == T2M_OK ? 0 : cli_refuse(c, status);
}

static int info(struct cli *c, const char *path)
{
    t2m_model *m = NULL;
    t2m_learner *l = NULL;
    char found[CLI_PATH_SIZE];
    if (t2m_model_open(c->lib, &m, path) == T2M_OK) {
        const int failed = given.vector ? write_vector(c, m) : 0;
        if (!failed)
            model_info(c, path, m);
        t2m_model_free(m);
        return failed;
    }
    int code = cli_open_learner(c, &l, path, NULL);
    if (code == 0 && given.vector)
        code = cli_fail(c, T2M_EUSAGE, "--vector is for models; this is a learner",
                        "t2m represent LEARNER SHOTS... -o FILE writes task vectors");
    if (code == 0)
        learner_info(c, cli_learner_path(path, found), l);
    t2m_learner_free(l);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0)
        code = cli_end(c, c->arguments == 1
                              ? info(c, c->argument[0])
                              : cli_fail(c, T2M_EUSAGE, "expected one file: t2m info FILE", NULL));
    free(given.vector);
    return code;
}

const struct command command_info = {
    "info",
    "FILE [options]",
    "what a learner or a model is",
    "t2m info characters                                  a shipped learner\n"
    "t2m info model --vector m.npy                         step 2: the model as a vector",
    run,
    NULL};
