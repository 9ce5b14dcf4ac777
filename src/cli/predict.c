/* predict.c: t2m predict: a model on new inputs. */
#include <stdlib.h>

#include "cli.h"

enum { TOGETHER = 64 /* inputs of one call */ };

struct output {
    struct cli *c;
    t2m_model *model;
    size_t outputs, classes;
    json_t *list;
    float *y;
};

static void one_class(struct output *o, const char *input, size_t row, const float *p)
{
    size_t best = 0;
    for (size_t k = 1; k < o->classes; k++)
        best = p[k] > p[best] ? k : best;
    if (!o->list) {
        printf("%s,%s,%.4f\n", input, t2m_model_class(o->model, best), (double)p[best]);
        return;
    }
    json_t *all = json_object();
    for (size_t k = 0; k < o->classes; k++)
        json_object_set_new(all, t2m_model_class(o->model, k), cli_number((double)p[k]));
    json_array_append_new(
        o->list, json_pack("{s:s, s:I, s:s, s:o}", "input", input, "row", (json_int_t)row, "label",
                           t2m_model_class(o->model, best), "probabilities", all));
}

static void one_value(struct output *o, const char *input, size_t row, float y)
{
    if (!o->list)
        printf("%zu,%.9g,,\n", row, (double)y);
    else
        json_array_append_new(o->list, json_pack("{s:s, s:I, s:o, s:n, s:n}", "input", input, "row",
                                                 (json_int_t)row, "value", cli_number((double)y),
                                                 "interval80", "interval95"));
}

static t2m_status predict_file(struct output *o, const char *path)
{
    float *x = NULL;
    size_t n = 0;
    t2m_model_info info;
    t2m_model_describe(o->model, &info);
    t2m_status status = t2m_model_read(o->model, path, &x, &n);
    for (size_t at = 0; at < n && status == T2M_OK; at += TOGETHER) {
        const size_t count = n - at < TOGETHER ? n - at : TOGETHER;
        status = t2m_model_predict(o->model, x + at * info.inputs, count, o->y);
        for (size_t i = 0; i < count && status == T2M_OK; i++)
            if (o->classes)
                one_class(o, path, at + i + 1, o->y + i * o->outputs);
            else
                one_value(o, path, at + i + 1, o->y[i * o->outputs]);
    }
    t2m_free(o->c->lib, x);
    return status;
}

static void finish(struct output *o)
{
    json_t *classes = json_array();
    for (size_t k = 0; k < o->classes; k++)
        json_array_append_new(classes, json_string(t2m_model_class(o->model, k)));
    json_t *data = json_pack("{s:s, s:o}", "kind", o->classes ? "classification" : "regression",
                             "predictions", o->list);
    if (o->classes)
        json_object_set(data, "classes", classes);
    json_decref(classes);
    cli_json(o->c, data);
}

static int predict(struct cli *c)
{
    struct output o = {.c = c};
    t2m_model_info info;
    t2m_status status = t2m_model_open(c->lib, &o.model, c->argument[0]);
    if (status == T2M_OK) {
        t2m_model_describe(o.model, &info);
        o.outputs = info.outputs;
        o.classes = t2m_model_classes(o.model);
        status = t2m_model_prepare(o.model, o.classes ? 1 : TOGETHER);
        o.y = malloc(TOGETHER * info.outputs * sizeof *o.y);
        if (!o.y)
            status = T2M_ENOMEM;
    }
    if (status == T2M_OK && c->json)
        o.list = json_array();
    else if (status == T2M_OK)
        printf("%s\n", o.classes ? "input,label,probability" : "row,value,low95,high95");
    for (int i = 1; i < c->arguments && status == T2M_OK; i++)
        status = predict_file(&o, c->argument[i]);
    if (status == T2M_OK && o.list)
        finish(&o);
    else
        json_decref(o.list);
    const int code = status == T2M_OK ? 0 : cli_refuse(c, status);
    t2m_model_free(o.model);
    free(o.y);
    return code;
}

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    const struct poptOption options[] = {
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this", NULL},
        CLI_SHARED,
        POPT_TABLEEND,
    };
    int code = cli_begin(c, command, argc, argv, options, 2);
    if (code == 0)
        code = cli_end(c, predict(c));
    return code;
}

const struct command command_predict = {
    "predict", "MODEL INPUT... [options]",
    "answers for pictures (PNG, JPEG) or the rows of CSV files; the model runs alone", run};
