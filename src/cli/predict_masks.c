/* predict_masks.c: t2m predict for models of masks: a mask for each picture, and the areas of its
 * classes. What is in the way is told before the first picture is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay.h"
#include "predict.h"

enum { IDS = 256, ENDINGS = 2 };
static const char *const ending[ENDINGS] = {".png", ".overlay.png"}; /* the mask, the overlay */

struct masking {
    struct cli *c;
    t2m_model *model;
    const struct mask_output *o;
    size_t classes;
    unsigned char palette[IDS][3], ink[IDS][3];
    size_t colours; /* of the palette */
    json_t *list;   /* or NULL: CSV */
    bool begun;     /* its header is there */
};

/* ---- files ---- */

static bool is_input(const char *argument)
{
    return strcmp(argument, "-") == 0;
}

/* DIR/NAME and the ending, NAME being the input's without its folders and its own ending. False: it
 * is too long. */
static bool output_path(const struct masking *k, const char *input, const char *end,
                        char out[CLI_PATH_SIZE])
{
    const char *slash = strrchr(input, '/'), *name = slash ? slash + 1 : input;
    name = is_input(input) ? "stdin" : name;
    const char *dot = strrchr(name, '.');
    const size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    return snprintf(out, CLI_PATH_SIZE, "%s/%.*s%s", k->o->folder, (int)n, name, end) <
           CLI_PATH_SIZE;
}

struct planned {
    char *path;
    const char *input;
};

static int by_path(const void *p, const void *q)
{
    return strcmp(((const struct planned *)p)->path, ((const struct planned *)q)->path);
}

/* Refuses a path at which something is that may not be replaced. */
static int check_path(struct cli *c, const struct mask_output *o, const char *path)
{
    struct stat there, input;
    char text[2 * CLI_PATH_SIZE];
    if (lstat(path, &there) != 0)
        return 0;
    for (int i = 1; i < c->arguments; i++)
        if (stat(c->argument[i], &input) == 0 && input.st_dev == there.st_dev &&
            input.st_ino == there.st_ino) {
            snprintf(text, sizeof text, "'%.400s' is one of the inputs; choose another folder",
                     path);
            return cli_fail(c, T2M_EUSAGE, text, NULL);
        }
    snprintf(text, sizeof text, "'%.400s' exists; choose another folder or give --force", path);
    return o->force ? 0 : cli_fail(c, T2M_EUSAGE, text, NULL);
}

/* all [n] is sorted by path here. */
static int check_planned(struct cli *c, const struct mask_output *o, struct planned *all, size_t n)
{
    char text[1024];
    int code = 0;
    qsort(all, n, sizeof *all, by_path);
    for (size_t i = 1; i < n && code == 0; i++)
        if (strcmp(all[i].path, all[i - 1].path) == 0) {
            snprintf(text, sizeof text, "'%.250s' and '%.250s' would both go to '%.250s'",
                     all[i - 1].input, all[i].input, all[i].path);
            code = cli_fail(c, T2M_EUSAGE, text, "give them apart, with a folder for each");
        }
    for (size_t i = 0; i < n && code == 0; i++)
        code = check_path(c, o, all[i].path);
    return code;
}

/* Two inputs may not go to one file, nor over one that is there. */
static int check_outputs(const struct masking *k)
{
    struct cli *c = k->c;
    const size_t each = k->o->overlay ? ENDINGS : 1;
    struct planned *all = calloc((size_t)c->arguments * each, sizeof *all);
    char path[CLI_PATH_SIZE];
    size_t n = 0;
    int code = 0;
    if (!all)
        return cli_fail(c, T2M_ENOMEM, "out of memory", NULL);
    for (int i = 1; i < c->arguments && code == 0; i++)
        for (size_t e = 0; e < each && code == 0; e++) {
            if (!output_path(k, c->argument[i], ending[e], path))
                code = cli_fail(c, T2M_EUSAGE, "a path is too long", NULL);
            else if (!(all[n++] = (struct planned){strdup(path), c->argument[i]}).path)
                code = cli_fail(c, T2M_ENOMEM, "out of memory", NULL);
        }
    if (code == 0)
        code = check_planned(c, k->o, all, n);
    for (size_t i = 0; i < n; i++)
        free(all[i].path);
    free(all);
    return code;
}

static int make_folder(struct cli *c, const char *path)
{
    char text[512];
    struct stat s;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode)))
        return 0;
    snprintf(text, sizeof text, "cannot create the folder '%.300s': %s", path, strerror(errno));
    return cli_fail(c, T2M_EIO, text, NULL);
}

static t2m_status save(const struct masking *k, const char *path, unsigned char *png, size_t n)
{
    const t2m_status status = t2m_file_save(k->c->lib, path, png, n, k->o->force);
    t2m_free(k->c->lib, png);
    return status;
}

static t2m_status write_mask(const struct masking *k, const t2m_segmentation *s, const char *path)
{
    unsigned char *png = NULL;
    size_t n = 0;
    const t2m_status status = t2m_png_encode_palette(k->c->lib, &png, &n, s->mask, s->height,
                                                     s->width, k->palette[0], k->colours);
    return status == T2M_OK ? save(k, path, png, n) : status;
}

static t2m_status write_overlay(struct masking *k, const t2m_segmentation *s, const char *path)
{
    unsigned char *png = NULL, *pixels = malloc(s->height * s->width * 3);
    size_t n = 0;
    if (!pixels)
        return T2M_ENOMEM;
    overlay_draw(s, k->ink, pixels);
    const t2m_status status = t2m_png_encode(k->c->lib, &png, &n, pixels, s->height, s->width, 3);
    free(pixels);
    return status == T2M_OK ? save(k, path, png, n) : status;
}

/* ---- answers ---- */

static double area(const t2m_segmentation *s, int id)
{
    size_t n = 0;
    for (size_t i = 0; i < s->height * s->width; i++)
        n += s->mask[i] == id;
    return (double)n / (double)(s->height * s->width);
}

static void print_areas(struct masking *k, const char *input, const t2m_segmentation *s)
{
    if (!k->begun)
        printf("input,class,area\n");
    k->begun = true;
    for (size_t i = 0; i < k->classes; i++) {
        put_field(input);
        printf(",");
        put_field(t2m_model_class(k->model, i));
        printf(",%.4f\n", area(s, t2m_model_class_id(k->model, i)));
    }
}

static json_t *areas_json(const struct masking *k, const char *input, const t2m_segmentation *s,
                          char path[ENDINGS][CLI_PATH_SIZE])
{
    json_t *areas = json_object();
    for (size_t i = 0; i < k->classes; i++)
        json_object_set_new(areas, t2m_model_class(k->model, i),
                            json_real(area(s, t2m_model_class_id(k->model, i))));
    json_t *one = json_pack("{s:o, s:o, s:o}", "input", cli_string(input), "mask",
                            k->o->folder ? cli_string(path[0]) : json_null(), "area", areas);
    if (k->o->overlay)
        json_object_set_new(one, "overlay", cli_string(path[1]));
    return one;
}

static t2m_status one_picture(struct masking *k, const char *input, const char *file)
{
    char path[ENDINGS][CLI_PATH_SIZE];
    t2m_segmentation s = {0};
    t2m_status status = t2m_model_segment(k->model, file, &s);
    for (size_t e = 0; e < ENDINGS && k->o->folder; e++)
        output_path(k, input, ending[e], path[e]);
    if (status == T2M_OK && k->o->folder)
        status = write_mask(k, &s, path[0]);
    if (status == T2M_OK && k->o->overlay)
        status = write_overlay(k, &s, path[1]);
    if (status == T2M_OK && k->list)
        json_array_append_new(k->list, areas_json(k, input, &s, path));
    else if (status == T2M_OK)
        print_areas(k, input, &s);
    t2m_free(k->c->lib, s.picture);
    t2m_free(k->c->lib, s.mask);
    return status;
}

static t2m_status one_input(struct masking *k, const char *argument)
{
    char path[32];
    if (!is_input(argument))
        return one_picture(k, argument, argument);
    const int fd = copy_input(path);
    const t2m_status status = one_picture(k, argument, fd < 0 ? "/dev/stdin" : path);
    close(fd);
    return status;
}

static void choose_colours(struct masking *k)
{
    const bool alone = k->classes == 1;
    overlay_palette(alone && t2m_model_class_id(k->model, 0) == 1, k->palette);
    overlay_ink(alone, k->ink);
    for (size_t i = 0; i < k->classes; i++) {
        const size_t id = (size_t)t2m_model_class_id(k->model, i);
        k->colours = id + 1 > k->colours ? id + 1 : k->colours;
    }
}

static void finish(const struct masking *k)
{
    json_t *classes = json_array();
    for (size_t i = 0; i < k->classes; i++)
        json_array_append_new(classes, cli_string(t2m_model_class(k->model, i)));
    cli_json(k->c, json_pack("{s:s, s:o, s:O}", "kind", "segmentation", "classes", classes,
                             "predictions", k->list));
}

int predict_masks(struct cli *c, t2m_model *m, const struct mask_output *o)
{
    struct masking k = {.c = c, .model = m, .o = o, .classes = t2m_model_classes(m)};
    int code = 0;
    if (!o->folder && (o->overlay || o->force))
        code = cli_fail(c, T2M_EUSAGE, "--overlay and --force are for what --out DIR writes", NULL);
    else if (o->folder)
        code = check_outputs(&k);
    if (code == 0 && o->folder)
        code = make_folder(c, o->folder);
    if (code != 0)
        return code;
    choose_colours(&k);
    k.list = c->json ? json_array() : NULL;
    t2m_status status = t2m_model_prepare(m, 1);
    for (int i = 1; i < c->arguments && status == T2M_OK; i++)
        status = one_input(&k, c->argument[i]);
    if (status == T2M_OK && k.list)
        finish(&k);
    json_decref(k.list);
    return status == T2M_OK ? 0 : cli_refuse(c, status);
}
