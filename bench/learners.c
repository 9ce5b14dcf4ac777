/* learners.c: workloads that are steps of meta-training: tasks are drawn, the plan runs in the
 * workers, gradients are added, Adam takes its step, as in t2m train. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "mapping/training.h"

struct steps {
    struct meta_step step;
    uint64_t number;
    double first_loss, loss;
};

static void run_step(void *ctx)
{
    struct steps *s = ctx;
    double metric;
    if (meta_step_run(&s->step, s->number++, 1e-3, &s->loss, &metric) != T2M_OK)
        s->loss = NAN;
    if (s->number == 1)
        s->first_loss = s->loss;
}

/* Class patterns with noise, as the peers' scripts make them. */
static t2m_family *noisy_patterns(t2m *lib, const struct learner_details *d)
{
    const size_t classes = 100, count = d->shots + d->queries,
                 size = (size_t)(d->side * d->side * d->channels);
    t2m_family *f = mem_new(lib, 1, sizeof *f);
    *f = (t2m_family){.lib = lib,
                      .kind = FAMILY_IMAGES,
                      .name = mem_text(lib, "patterns"),
                      .height = d->side,
                      .width = d->side,
                      .channels = d->channels,
                      .classes = classes};
    f->class = mem_new(lib, classes, sizeof *f->class);
    struct random r = random_stream(1, 0, 0);
    for (size_t c = 0; c < classes; c++) {
        f->class[c].name = mem_text(lib, "pattern");
        f->class[c].count = count;
        f->class[c].pixels = mem_new(lib, count, size);
        for (size_t i = 0; i < count * size; i++) {
            const double mean =
                i < size ? 128 + 40 * random_normal(&r) : f->class[c].pixels[i % size];
            f->class[c].pixels[i] =
                (unsigned char)fmin(fmax(mean + 30 * random_normal(&r), 0), 255);
        }
    }
    return f;
}

static t2m_family *family_of(t2m *lib, const struct learner_details *d)
{
    const char *const path = "builtin:sinusoid";
    t2m_family *f = NULL;
    if (d->side > 0)
        return noisy_patterns(lib, d);
    return t2m_family_open(lib, &f, &path, 1, NULL) == T2M_OK ? f : NULL;
}

static bool start(t2m *lib, const struct learner_details *d, const t2m_family *f, struct steps *s)
{
    struct t2m_learner *l = mem_new(lib, 1, sizeof *l);
    *l = (struct t2m_learner){.lib = lib,
                              .kind = f->kind,
                              .steps = (int)d->steps,
                              .rate = d->rate,
                              .ways = d->ways,
                              .shots = d->shots,
                              .queries = d->queries};
    *s = (struct steps){.step = {.l = l}};
    learner_method(l, method_find(d->method));
    const int64_t side = d->side > 0 ? (int64_t)d->side : 1;
    const struct structure like = {.height = side,
                                   .width = side,
                                   .channels = d->side > 0 ? (int64_t)d->channels : 1,
                                   .outputs = (int64_t)l->ways};
    return learner_structures(l, d->structure, &like) == T2M_OK && learner_start(l, 0) == T2M_OK &&
           meta_step_new(&s->step, l, f, &(struct meta_use){.tasks = d->tasks}) == T2M_OK;
}

/* Once more, step by step, with the inputs of the last block. */
static void print_profile(const struct steps *s)
{
    const struct meta_step *m = &s->step;
    const struct episode *e = &m->episode[0];
    const void *const in[] = {m->state,     m->l->statistics, e->x_support,
                              e->y_support, e->x_query,       e->y_query};
    void *const out[] = {m->gradient, m->loss, m->outputs[0], m->seen};
    char *text = t2m_profile(m->plan[0], m->workspace[0], in, out, 5);
    printf("%s", text ? text : "");
    t2m_free(m->l->lib, text);
}

bool run_learner(t2m *lib, const struct workload *w, struct result *r)
{
    const struct learner_details *d = w->details;
    t2m_family *f = family_of(lib, d);
    struct steps s;
    t2m_plan_info info;
    if (!f)
        return false;
    const double begin = seconds_now();
    const bool good = start(lib, d, f, &s);
    if (good) {
        r->compile = seconds_now() - begin;
        r->time = measure(run_step, &s, settings.seconds);
        t2m_plan_describe(s.step.plan[0], &info);
        r->flops = info.flops / (double)s.step.block * (double)d->tasks;
        r->memory = info.workspace_bytes;
        r->first_loss = s.first_loss;
        r->loss = s.loss;
        if (settings.profile)
            print_profile(&s);
        meta_step_free(&s.step);
    }
    t2m_learner_free(s.step.l);
    t2m_family_free(f);
    return good;
}
