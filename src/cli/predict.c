/* predict.c: t2m predict: a model on new inputs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "predict.h"

enum { TOGETHER = 64 /* inputs of one call */ };

struct output {
    struct cli *c;
    t2m_model *model;
    size_t outputs, classes;
    bool table;           /* rows, and all that is known of each */
    bool text, several;   /* texts, by line; each class may be there or not */
    bool begun;           /* the header is there */
    bool streamed;        /* what there is to say has been said */
    double half_width[2]; /* of intervals; 0: not known */
    json_t *list;
    float *y, none[TOGETHER];
};

static struct settings {
    double reject;
    struct mask_output masks;
} given = {.reject = CLI_NO_NUMBER};

void put_field(const char *s)
{
    const int plain = s[strcspn(s, ",\"\r\n")] == 0;
    for (printf(plain ? "" : "\""); *s; s++)
        printf(*s == '"' ? "\"\"" : "%c", *s);
    printf(plain ? "" : "\"");
}

struct answer {
    const char *input;
    size_t row, best;
    const float *p; /* [classes] */
    double none;    /* probability that it is none of them; NaN: not known */
    int rejected;
};

/* All classes that are more likely there than not, with '; ' between. */
static void put_labels(const struct output *o, const struct answer *a)
{
    char *all = NULL;
    size_t n = 0, put = 0;
    FILE *f = open_memstream(&all, &n);
    for (size_t k = 0; f && k < o->classes; k++)
        if (a->p[k] > 0.5F)
            fprintf(f, "%s%s", put++ ? "; " : "", t2m_model_class(o->model, k));
    if (f && fclose(f) == 0)
        put_field(all);
    free(all);
}

/* Of a model of a table the rows, and the probability of each class. */
static void class_line(const struct output *o, const struct answer *a)
{
    if (o->table)
        printf("%zu", a->row);
    else
        put_field(a->input);
    if (o->text)
        printf(",%zu", a->row);
    printf(",");
    if (o->several)
        put_labels(o, a);
    else if (!a->rejected)
        put_field(t2m_model_class(o->model, a->best));
    for (size_t k = 0; o->table && k < o->classes; k++)
        printf(",%.4f", (double)a->p[k]);
    if (!o->table)
        printf(",%.4f", (double)a->p[a->best]);
    if (o->text && !o->several)
        printf(",%.4f", a->none);
    printf("\n");
}

static json_t *class_json(const struct output *o, const struct answer *a)
{
    json_t *all = json_object();
    for (size_t k = 0; k < o->classes; k++)
        json_object_set_new(all, t2m_model_class(o->model, k), cli_number((double)a->p[k]));
    json_t *one = json_pack(
        "{s:o, s:I, s:o, s:o}", "input", cli_string(a->input), "row", (json_int_t)a->row, "label",
        a->rejected ? json_null() : cli_string(t2m_model_class(o->model, a->best)), "probabilities",
        all);
    json_t *labels = o->several ? json_array() : NULL;
    for (size_t k = 0; labels && k < o->classes; k++)
        if (a->p[k] > 0.5F)
            json_array_append_new(labels, cli_string(t2m_model_class(o->model, k)));
    if (labels)
        json_object_set_new(one, "labels", labels);
    if (isfinite(a->none))
        json_object_set_new(one, "none", cli_number(a->none));
    return one;
}

/* The answer to input i of those that were judged together. */
static void one_class(struct output *o, const char *input, size_t row, size_t i)
{
    struct answer a = {.input = input, .row = row, .p = o->y + i * o->outputs};
    a.none = (double)o->none[i];
    a.rejected = given.reject != CLI_NO_NUMBER && a.none > given.reject;
    for (size_t k = 1; k < o->classes; k++)
        a.best = a.p[k] > a.p[a.best] ? k : a.best;
    if (o->list)
        json_array_append_new(o->list, class_json(o, &a));
    else
        class_line(o, &a);
}

static json_t *interval(double value, double half_width)
{
    return half_width > 0 ? json_pack("[f, f]", value - half_width, value + half_width)
                          : json_null();
}

static void one_value(struct output *o, const char *input, size_t row, float y)
{
    const double value = (double)y, *h = o->half_width;
    if (o->list)
        json_array_append_new(
            o->list, json_pack("{s:o, s:I, s:o, s:o, s:o}", "input", cli_string(input), "row",
                               (json_int_t)row, "value", cli_number(value), "interval80",
                               interval(value, h[0]), "interval95", interval(value, h[1])));
    else if (h[1] > 0)
        printf("%zu,%.9g,%.9g,%.9g,%.9g,%.9g\n", row, value, value - h[0], value + h[0],
               value - h[1], value + h[1]);
    else
        printf("%zu,%.9g,,\n", row, value);
}

static void header(struct output *o)
{
    o->begun = true;
    if (!o->classes)
        printf(o->half_width[1] > 0 ? "row,value,low80,high80,low95,high95\n"
                                    : "row,value,low95,high95\n");
    else if (!o->table)
        printf(o->several ? "input,row,labels,probability\n"
               : o->text  ? "input,row,label,probability,none\n"
                          : "input,label,probability\n");
    else
        printf("row,label");
    for (size_t k = 0; o->table && k < o->classes; k++) {
        printf(",");
        put_field(t2m_model_class(o->model, k));
    }
    if (o->table && o->classes)
        printf("\n");
}

int copy_input(char path[32])
{
    char some[1 << 16];
    ssize_t n;
    const int fd = memfd_create("standard input", 0);
    while ((n = read(STDIN_FILENO, some, sizeof some)) != 0)
        if (fd < 0 || n < 0 || write(fd, some, (size_t)n) != n) {
            close(fd);
            return -1;
        }
    snprintf(path, 32, "/dev/fd/%d", fd);
    return fd;
}

static t2m_status predict_file(struct output *o, const char *path, const char *name)
{
    float *x = NULL;
    size_t n = 0;
    t2m_model_info info;
    t2m_model_describe(o->model, &info);
    t2m_status status = t2m_model_read(o->model, path, &x, &n);
    if (status == T2M_OK && !o->list && !o->begun)
        header(o);
    for (size_t at = 0; at < n && status == T2M_OK; at += TOGETHER) {
        const size_t count = n - at < TOGETHER ? n - at : TOGETHER;
        status = t2m_model_judge(o->model, x + at * info.inputs, count, o->y, o->none);
        for (size_t i = 0; i < count && status == T2M_OK; i++)
            if (o->classes)
                one_class(o, name, at + i + 1, i);
            else
                one_value(o, name, at + i + 1, o->y[i * o->outputs]);
    }
    t2m_free(o->c->lib, x);
    return status;
}

/* Texts, each answered before the next is read; with --json an object a line. */
static t2m_status predict_lines(struct output *o)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t n;
    t2m_model_info info;
    t2m_model_describe(o->model, &info);
    float *x = malloc(info.inputs * sizeof *x);
    t2m_status status = x ? T2M_OK : T2M_ENOMEM;
    if (!o->list && !o->begun)
        header(o);
    json_t *const all = o->list;
    while (status == T2M_OK && (n = getline(&line, &room, stdin)) > 0) {
        const t2m_line one = {line, (size_t)n, ++number};
        status = t2m_model_line(o->model, &one, x);
        if (status == T2M_OK)
            status = t2m_model_judge(o->model, x, 1, o->y, o->none);
        if (status != T2M_OK)
            break;
        o->list = all ? json_array() : NULL;
        if (o->classes)
            one_class(o, "-", number, 0);
        else
            one_value(o, "-", number, o->y[0]);
        if (all) {
            json_dumpf(json_array_get(o->list, 0), stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
            printf("\n");
        }
        json_decref(o->list);
        fflush(stdout);
    }
    o->list = all;
    o->streamed = true;
    free(line);
    free(x);
    return status;
}

static t2m_status predict_input(struct output *o)
{
    if (o->text)
        return predict_lines(o);
    char path[32];
    const int fd = copy_input(path);
    const t2m_status status = predict_file(o, fd < 0 ? "/dev/stdin" : path, "-");
    close(fd);
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

/* The answers of a model that is open, to all inputs. */
static t2m_status answer(struct output *o)
{
    struct cli *c = o->c;
    t2m_status status =
        t2m_model_prepare(o->model, o->classes && !o->table && !o->text ? 1 : TOGETHER);
    o->y = malloc(TOGETHER * o->outputs * sizeof *o->y);
    if (!o->y)
        status = T2M_ENOMEM;
    if (status == T2M_OK && c->json)
        o->list = json_array();
    for (int i = 1; i < c->arguments && status == T2M_OK; i++)
        status = strcmp(c->argument[i], "-") == 0 ? predict_input(o)
                                                  : predict_file(o, c->argument[i], c->argument[i]);
    if (status == T2M_OK && o->list && (!o->streamed || json_array_size(o->list) > 0))
        finish(o);
    else
        json_decref(o->list);
    free(o->y);
    return status;
}

static int predict_with(struct cli *c, t2m_model *model)
{
    t2m_model_info info;
    t2m_model_describe(model, &info);
    struct output o = {.c = c,
                       .model = model,
                       .outputs = info.outputs,
                       .classes = t2m_model_classes(model),
                       .table = info.table,
                       .text = info.text,
                       .several = info.several};
    if (given.reject != CLI_NO_NUMBER && (!info.text || info.several || !o.classes))
        return cli_fail(c, T2M_EUSAGE, "--reject is for models of texts that give one label", NULL);
    if (info.masks)
        return predict_masks(c, model, &given.masks);
    if (given.masks.folder || given.masks.overlay || given.masks.force)
        return cli_fail(c, T2M_EUSAGE,
                        "--out, --overlay and --force are for models of pictures with masks; this "
                        "one answers with a label or a value",
                        NULL);
    t2m_model_interval(model, o.half_width);
    const t2m_status status = answer(&o);
    return status == T2M_OK ? 0 : cli_refuse(c, status);
}

static int predict(struct cli *c)
{
    t2m_model *model = NULL;
    const t2m_status status = t2m_model_open(c->lib, &model, c->argument[0]);
    const int code = status == T2M_OK ? predict_with(c, model) : cli_refuse(c, status);
    t2m_model_free(model);
    return code;
}

static const struct poptOption own[] = {
    {"reject", 0, POPT_ARG_DOUBLE, &given.reject, 0,
     "texts: no label where the probability of none of the classes is above P", "P"},
    {"out", 0, POPT_ARG_STRING, &given.masks.folder, 0,
     "masks: a PNG of class ids for each picture goes there, as NAME.png", "DIR"},
    {"overlay", 0, POPT_ARG_NONE, &given.masks.overlay, 0,
     "masks: also NAME.overlay.png, the classes laid over the picture", NULL},
    {"force", 0, POPT_ARG_NONE, &given.masks.force, 0, "replace masks that are there", NULL},
    POPT_TABLEEND,
};
static const struct poptOption options[] = {
    CLI_GROUP(own, "Options"),
    CLI_GROUP(cli_shared_options, "Common"),
    POPT_TABLEEND,
};

static int run(const struct command *command, int argc, const char **argv)
{
    struct cli *c = &cli_shared;
    int code = cli_begin(c, command, argc, argv, options, 2);
    if (code == 0) {
        const struct cli_range range[] = {{"reject", given.reject, 0, 1}};
        code = cli_check_ranges(c, range, 1);
        code = cli_end(c, code ? code : predict(c));
    }
    free(given.masks.folder);
    return code;
}

const struct command command_predict = {
    "predict",
    "MODEL INPUT... [options]",
    "answers for images (PNG, JPEG), texts or the rows of CSV files; the model runs alone",
    "t2m predict cells new/*.png --out masks --overlay     a class for each pixel\n"
    "t2m predict model new/*.png                          writes CSV\n"
    "t2m predict model - --json < rows.csv                - is the standard input\n"
    "tail -f log | t2m predict model -                    texts, answered line by line",
    run,
    NULL};
