/* explain.c: t2m build --explain: the task in numbers, the tasks of the training that it is like,
 * the weights of the structures, and what each stage of generation and tuning did. */
#include "explain.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

t2m_status explain_task(struct cli *c, const struct built *b, struct explanation *e)
{
    float *t = NULL;
    size_t n = 0;
    t2m_status status = t2m_task_vector(b->learner, b->task, &t, &n);
    if (status == T2M_OK)
        status = t2m_task_likeness(b->learner, t, n, &e->like);
    t2m_free(c->lib, t);
    if (status == T2M_EUSAGE) { /* the learner has no such thing to say */
        *e = (struct explanation){0};
        return T2M_OK;
    }
    return status;
}

/* The first two stages, then the steps on the code, then those on the weights. */
static void stage_name(const t2m_build_report *r, size_t i, char out[32])
{
    const size_t steps = r->code_steps, k = i - 2;
    if (i < 2)
        snprintf(out, 32, "%s", i == 0 ? "generated" : "shared parameters");
    else if (k < steps)
        snprintf(out, 32, "code, step %zu", k + 1);
    else
        snprintf(out, 32, "weights, step %zu", k - steps + 1);
}

/* ---- masks ---- */

struct shown_class {
    size_t pictures; /* that show it */
    double share;    /* of the pixels of all pictures that are known */
};

static struct shown_class class_in_masks(const struct built *b, const t2m_model_info *m, size_t i)
{
    const size_t places = m->height * m->width, n = t2m_task_examples(b->task);
    const float *y = t2m_task_y(b->task);
    size_t known = 0, all = 0;
    struct shown_class out = {0};
    for (size_t k = 0; k < n; k++) {
        const size_t before = all;
        for (size_t at = 0; at < places; at++, y++) {
            known += *y >= 0;
            all += *y == (float)(i + 1);
        }
        out.pictures += all > before;
    }
    out.share = known ? (double)all / (double)known : 0;
    return out;
}

static void print_masks(const struct built *b, const t2m_model_info *m)
{
    const size_t n = t2m_task_examples(b->task);
    printf("the task: %zu picture%s with masks\n  %-24s %9s %12s\n", n, n == 1 ? "" : "s", "class",
           "pictures", "of pixels");
    for (size_t i = 0; i < t2m_model_classes(b->model); i++) {
        const struct shown_class s = class_in_masks(b, m, i);
        printf("  %-24s %9zu %12.4f\n", t2m_model_class(b->model, i), s.pictures, s.share);
    }
}

static json_t *masks_json(const struct built *b)
{
    json_t *classes = json_array();
    t2m_model_info m;
    t2m_model_describe(b->model, &m);
    for (size_t i = 0; m.masks && i < t2m_model_classes(b->model); i++) {
        const struct shown_class s = class_in_masks(b, &m, i);
        json_array_append_new(
            classes, json_pack("{s:o, s:I, s:f}", "name", cli_string(t2m_model_class(b->model, i)),
                               "pictures", (json_int_t)s.pictures, "share", s.share));
    }
    return classes;
}

/* ---- text ---- */

static void print_task(const struct built *b)
{
    t2m_column column;
    t2m_model_info info;
    t2m_model_describe(b->model, &info);
    const size_t classes = t2m_model_classes(b->model);
    if (info.masks) {
        print_masks(b, &info);
        return;
    }
    printf("the task: %zu examples%s\n", t2m_task_examples(b->task), classes ? " of classes" : "");
    for (size_t i = 0; i < classes && !info.several; i++) {
        size_t n = 0;
        for (size_t k = 0; k < t2m_task_examples(b->task); k++)
            n += (size_t)t2m_task_y(b->task)[k] == i;
        printf("  %-24s %zu\n", t2m_model_class(b->model, i), n);
    }
    for (size_t i = 0; t2m_task_column(b->learner, b->task, i, &column); i++) {
        char correlation[16] = "-";
        if (i == 0)
            printf("  %-24s %12s %12s %12s\n", "column", "mean", "sd", "correlation");
        if (isfinite(column.correlation))
            snprintf(correlation, sizeof correlation, "%.3f", column.correlation);
        printf("  %-24s %12.5g %12.5g %12s\n", column.name, column.mean, column.sd, correlation);
    }
}

void explain_warn(const struct explanation *e)
{
    const t2m_likeness *k = &e->like;
    if (!k->unlike)
        return;
    cli_say("t2m: warning: this task is unlike those of the learner's training; nearest are");
    for (size_t i = 0; i < k->nearest; i++)
        cli_say("%s %s (%.2f)", i ? "," : "", k->name[i], k->distance[i]);
    cli_say(". Check what the model says\n");
}

static void print_likeness(const t2m_likeness *like)
{
    printf("nearest tasks of the training: %s\n", like->nearest == 0 ? "this learner keeps none"
                                                  : like->unlike     ? "UNLIKE all of them"
                                                                     : "like them");
    for (size_t i = 0; i < like->nearest; i++)
        printf("  %8.3f  %s\n", like->distance[i], like->name[i]);
}

static void print_structures(const t2m_build_report *r)
{
    printf("structures %21s %12s %12s\n", "weight", "bytes", "MACs");
    for (size_t i = 0; i < r->structures; i++) {
        const t2m_structure_report *s = &r->structure[i];
        char weight[16] = "-";
        if (s->left_out)
            snprintf(weight, sizeof weight, "too large");
        else if (isfinite(s->weight))
            snprintf(weight, sizeof weight, "%.4f", s->weight);
        printf("%c %-20s %9s %12zu %12zu\n", i == r->chosen ? '*' : ' ', s->structure, weight,
               s->bytes, s->macs);
    }
}

void explain_print(const struct built *b, const struct explanation *e)
{
    const t2m_build_report *r = b->report;
    print_task(b);
    print_likeness(&e->like);
    print_structures(r);
    if (r->stages > 0)
        printf("stages of %s: how badly each example is foretold from the others, in nats\n",
               r->structure[r->chosen].structure);
    for (size_t i = 0; i < r->stages; i++) {
        char name[32];
        stage_name(r, i, name);
        printf("%c %-20s %9.4f\n", i == r->chosen_stage ? '*' : ' ', name, r->stage[i]);
    }
}

/* ---- JSON ---- */

static json_t *columns_json(const struct built *b)
{
    json_t *columns = json_array();
    t2m_column column;
    for (size_t i = 0; t2m_task_column(b->learner, b->task, i, &column); i++)
        json_array_append_new(
            columns, json_pack("{s:o, s:o, s:o, s:o}", "name", cli_string(column.name), "mean",
                               cli_number(column.mean), "sd", cli_number(column.sd), "correlation",
                               cli_number(column.correlation)));
    return columns;
}

static json_t *structures_json(const t2m_build_report *r)
{
    json_t *structures = json_array();
    for (size_t i = 0; i < r->structures; i++) {
        const t2m_structure_report *s = &r->structure[i];
        json_array_append_new(structures,
                              json_pack("{s:s, s:o, s:I, s:I, s:b, s:b}", "structure", s->structure,
                                        "weight", cli_number(s->weight), "bytes",
                                        (json_int_t)s->bytes, "macs", (json_int_t)s->macs,
                                        "left_out", s->left_out, "chosen", i == r->chosen));
    }
    return structures;
}

json_t *explain_json(const struct built *b, const struct explanation *e)
{
    const t2m_build_report *r = b->report;
    json_t *nearest = json_array(), *stages = json_array();
    for (size_t i = 0; i < e->like.nearest; i++)
        json_array_append_new(nearest, json_pack("{s:o, s:f}", "name", cli_string(e->like.name[i]),
                                                 "distance", e->like.distance[i]));
    for (size_t i = 0; i < r->stages; i++) {
        char name[32];
        stage_name(r, i, name);
        json_array_append_new(stages,
                              json_pack("{s:s, s:o, s:b}", "stage", name, "nats",
                                        cli_number(r->stage[i]), "chosen", i == r->chosen_stage));
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "columns", columns_json(b), "masks",
                     masks_json(b), "nearest", nearest, "unlike", e->like.unlike, "structures",
                     structures_json(r), "stages", stages);
}
