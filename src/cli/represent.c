/* represent.c: t2m represent: tasks as vectors, and what they are like (step 1). */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static struct settings {
    char *output, *target;
    int force;
} given;

static const struct poptOption what[] = {
    {"output", 'o', POPT_ARG_STRING, &given.output, 0,
     "the vectors as a .npy file too, a row for each task", "FILE"},
    {"target", 0, POPT_ARG_STRING, &given.target, 0, "column to predict", "NAME"},
    {"force", 0, POPT_ARG_NONE, &given.force, 0, "replace what is there", NULL},
    POPT_TABLEEND,
};
static const struct poptOption options[] = {
    CLI_GROUP(what, "Options"),
    CLI_GROUP(cli_table_options, "Of tables"),
    CLI_GROUP(cli_shared_options, "Common"),
    POPT_TABLEEND,
};

struct vectors { /* of all tasks, one after the other */
    float *t;
    t2m_likeness *like;
    size_t rows, size;
};

static json_t *likeness_json(const char *input, const float *t, size_t n, const t2m_likeness *k)
{
    json_t *numbers = json_array(), *nearest = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(numbers, cli_number((double)t[i]));
    for (size_t i = 0; i < k->nearest; i++)
        json_array_append_new(nearest, json_pack("{s:o, s:f}", "name", cli_string(k->name[i]),
                                                 "distance", k->distance[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "input", cli_string(input), "t", numbers,
                     "nearest", nearest, "unlike",
                     k->nearest ? json_boolean(k->unlike) : json_null(), "percentile",
                     cli_number(k->percentile));
}

static void print_task(const char *input, const float *t, size_t n, const t2m_likeness *k)
{
    printf("%s: t of %zu numbers\n", input, n);
    for (size_t i = 0; i < n; i++)
        printf("%s%10.4g%s", i % 8 ? "" : "  ", (double)t[i], i % 8 == 7 || i + 1 == n ? "\n" : "");
    if (k->nearest == 0) {
        printf("  this learner keeps no tasks of its training to compare it with\n");
        return;
    }
    printf("  nearest tasks of the training:");
    for (size_t i = 0; i < k->nearest; i++)
        printf("%s %s (%.2f)", i ? "," : "", k->name[i], k->distance[i]);
    printf("\n  %s: %.0f %% of those are nearer to another one than this task is to any\n",
           k->unlike ? "UNLIKE the tasks of the training" : "like the tasks of the training",
           100 * k->percentile);
}

static bool make_room(struct vectors *all, size_t n)
{
    float *t = realloc(all->t, (all->rows + 1) * n * sizeof *t);
    all->t = t ? t : all->t;
    t2m_likeness *like = realloc(all->like, (all->rows + 1) * sizeof *like);
    all->like = like ? like : all->like;
    all->size = n;
    return t && like;
}

static t2m_status add_task(struct cli *c, const t2m_learner *l, const char *path,
                           struct vectors *all)
{
    t2m_task *task = NULL;
    float *t = NULL;
    size_t n = 0;
    const t2m_task_options o = cli_task_options(given.target);
    t2m_status status = t2m_task_open(l, &task, path, &o);
    if (status == T2M_OK)
        status = t2m_task_vector(l, task, &t, &n);
    if (status == T2M_OK && !make_room(all, n))
        status = T2M_ENOMEM;
    if (status == T2M_OK)
        status = t2m_task_likeness(l, t, n, &all->like[all->rows]);
    if (status == T2M_EUSAGE && t && all->like) { /* it keeps none */
        all->like[all->rows] = (t2m_likeness){.percentile = NAN};
        status = T2M_OK;
    }
    if (status == T2M_OK)
        memcpy(all->t + all->rows++ * n, t, n * sizeof *t);
    t2m_free(c->lib, t);
    t2m_task_free(task);
    return status;
}

static void show(struct cli *c, const char **inputs, const struct vectors *all)
{
    json_t *tasks = json_array();
    for (size_t i = 0; i < all->rows; i++) {
        const float *t = all->t + i * all->size;
        if (c->json)
            json_array_append_new(tasks, likeness_json(inputs[i], t, all->size, &all->like[i]));
        else
            print_task(inputs[i], t, all->size, &all->like[i]);
    }
    if (c->json)
        cli_json(c, json_pack("{s:O}", "tasks", tasks));
    json_decref(tasks);
}

static int represent(struct cli *c, const char *learner, const char **inputs)
{
    t2m_learner *l = NULL;
    struct vectors all = {0};
    int code = cli_check_tables(c);
    if (code == 0)
        code = cli_open_learner(c, &l, learner, inputs[0]);
    t2m_status status = T2M_OK;
    for (int i = 0; code == 0 && status == T2M_OK && inputs[i]; i++)
        status = add_task(c, l, inputs[i], &all);
    if (code == 0 && status == T2M_OK && given.output)
        status = t2m_vectors_save(c->lib, given.output, all.t, all.rows, all.size, given.force);
    if (status != T2M_OK)
        code = cli_refuse(c, status);
    else if (code == 0)
        show(c, inputs, &all);
    free(all.t);
    free(all.like);
    t2m_learner_free(l);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    int code = cli_begin(c, command, argc, argv, options, 1);
    if (code == 0) {
        const int is_learner = c->arguments > 1 && cli_is_learner(c->argument[0]);
        code = represent(c, is_learner ? c->argument[0] : NULL, c->argument + is_learner);
        code = cli_end(c, code);
    }
    free(given.output);
    free(given.target);
    cli_free_tables();
    return code;
}

const struct command command_represent = {
    "represent",
    "[LEARNER] SHOTS... [options]",
    "tasks as vectors t, and which tasks of the training they are like (step 1)",
    "t2m represent curves points.csv                        a learner by t2m, hyper, cnp, leo or "
    "tables\n"
    "t2m represent curves many/*.csv -o t.npy --json\n"
    "t2m represent masks cells/ tiles/                      pictures with masks, by any method",
    run,
    NULL};
