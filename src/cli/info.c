/* info.c: t2m info: what a file is. */
#include "cli.h"

static void learner_info(struct cli *c, const t2m_learner *l)
{
    t2m_learner_info i;
    t2m_learner_describe(l, &i);
    if (c->json) {
        cli_json(c,
                 json_pack("{s:s, s:s, s:I, s:I, s:s, s:I, s:[], s:{s:s, s:I}}", "file_kind",
                           "learner", "structure", i.structure, "parameters",
                           (json_int_t)i.parameters, "bytes", 4 * (json_int_t)i.parameters,
                           "method", i.method, "seed", (json_int_t)i.seed, "classes", "results",
                           "settings", i.settings, "trained_steps", (json_int_t)i.trained_steps));
        return;
    }
    printf("learner by %s, %s\n", i.method, i.structure);
    printf("  %zu learned numbers, %zu meta-steps on %s, seed %llu\n", i.parameters,
           i.trained_steps, i.family, (unsigned long long)i.seed);
    if (i.images)
        printf("  pictures of %zu x %zu x %zu; trained %zu-way %zu-shot\n", i.height, i.width,
               i.channels, i.ways, i.shots);
    else
        printf("  rows of %zu columns, predicts '%s'; trained with %zu shots\n", i.features,
               i.target, i.shots);
    if (i.eval_steps > 0)
        printf("  tunes with %d steps of %g\n", i.eval_steps, i.inner_rate);
    printf("  %s\n", i.settings);
}

static void model_info(struct cli *c, const t2m_model *m)
{
    t2m_model_info i;
    t2m_model_describe(m, &i);
    const size_t n = t2m_model_classes(m);
    json_t *classes = json_array();
    for (size_t k = 0; k < n; k++)
        json_array_append_new(classes, json_string(t2m_model_class(m, k)));
    if (c->json) {
        cli_json(c, json_pack("{s:s, s:s, s:I, s:I, s:s, s:n, s:O, s:n}", "file_kind", "model",
                              "structure", i.structure, "parameters", (json_int_t)i.parameters,
                              "bytes", 4 * (json_int_t)i.parameters, "method", i.method, "seed",
                              "classes", classes, "results"));
    } else {
        printf("model, %s, built by %s\n  %zu numbers\n", i.structure, i.method, i.parameters);
        if (n > 0)
            printf("  pictures of %zu x %zu x %zu into %zu classes:", i.height, i.width, i.channels,
                   n);
        else
            printf("  predicts '%s' from:", i.target);
        for (size_t k = 0; k < n; k++)
            printf(" %s", t2m_model_class(m, k));
        for (size_t k = 0; t2m_model_feature(m, k); k++)
            printf(" %s", t2m_model_feature(m, k));
        printf("\n");
    }
    json_decref(classes);
}

static int info(struct cli *c, const char *path)
{
    t2m_model *m = NULL;
    t2m_learner *l = NULL;
    if (t2m_model_open(c->lib, &m, path) == T2M_OK) {
        model_info(c, m);
        t2m_model_free(m);
        return 0;
    }
    const t2m_status status = cli_open_learner(c, &l, path);
    if (status != T2M_OK)
        return cli_refuse(c, status);
    learner_info(c, l);
    t2m_learner_free(l);
    return 0;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    const struct poptOption options[] = {
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this", NULL},
        CLI_SHARED,
        POPT_TABLEEND,
    };
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0)
        code = cli_end(c, info(c, c->argument[0]));
    return code;
}

const struct command command_info = {"info", "FILE", "what a learner or a model is", run};
