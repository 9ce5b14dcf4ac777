/* train_settings.c: what a training is asked for becomes a learner that has learned nothing yet:
 * its method, structures and numbers of examples. Called by t2m_train (train.c). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mapping/tables.h"
#include "mapping/training.h"
#include "task/text_family.h"

static t2m_status copy_scales(struct t2m_learner *l, const t2m_family *f)
{
    const size_t n = f->features;
    l->x_mean = mem_new(l->lib, n, sizeof *l->x_mean);
    l->x_scale = mem_new(l->lib, n, sizeof *l->x_scale);
    l->feature_names = mem_new(l->lib, n, sizeof *l->feature_names);
    l->target = mem_text(l->lib, f->target);
    if (!l->x_mean || !l->x_scale || !l->feature_names || !l->target)
        return T2M_ENOMEM;
    for (size_t i = 0; i < n; i++) { /* as they will be read from the file */
        l->x_mean[i] = (double)(float)f->x_mean[i];
        l->x_scale[i] = (double)(float)f->x_scale[i];
        if (!(l->feature_names[i] = mem_text(l->lib, f->feature_names[i])))
            return T2M_ENOMEM;
    }
    l->y_mean = (double)(float)f->y_mean;
    l->y_scale = (double)(float)f->y_scale;
    return T2M_OK;
}

static t2m_status choose_method(struct training *t)
{
    const bool images = kind_has_classes(t->family->kind);
    const bool tables = t->family->kind == FAMILY_TABLES;
    const char *name = t->o->method                      ? t->o->method
                       : t->family->kind == FAMILY_TEXTS ? "ridge"
                       : t->family->kind == FAMILY_MASKS ? "ridge"
                       : images                          ? "protonet"
                       : tables                          ? "tables"
                                                         : "ridge";
    const struct method *m = method_find(name);
    if (!m)
        return refuse(t->lib, T2M_EUSAGE, "unknown method '%.40s'; t2m train --help lists them",
                      name);
    learner_method(t->l, m);
    if (tables != (strcmp(name, "tables") == 0))
        return refuse(t->lib, T2M_EUSAGE,
                      "the method tables is for tables, and they for it; '%s'%s", t->family->name,
                      tables ? " has tables" : " has none");
    const char *why = m->represent ? "a task vector is of examples with one label each"
                      : m->decode != DECODE_NOTHING
                          ? "a context is an input of numbers, not of pixels"
                      : m->meta == META_REPTILE ? "it learns nothing from query pictures"
                                                : NULL;
    if (t->family->kind == FAMILY_MASKS && why)
        return refuse(t->lib, T2M_EUSAGE,
                      "the method %s is not for pictures with masks: %s; use ridge, protonet, "
                      "protomaml, anil, metasgd, maml or fomaml",
                      name, why);
    if (!images && m->head == HEAD_PROTOTYPES)
        return refuse(t->lib, T2M_EUSAGE,
                      "%s needs classes, and '%s' has values; use ridge, maml, cavia or hyper",
                      name, t->family->name);
    return T2M_OK;
}

/* The vocabulary, and a structure that has no more words than there are. */
static t2m_status choose_words(struct training *t)
{
    struct t2m_learner *l = t->l;
    struct structure *s = &l->candidate[0].structure;
    if (l->candidates > 1 || s->kind != NN_TEXT)
        return refuse(t->lib, T2M_EUSAGE, "models of texts are text:WORDS,SLOTS,WIDTH");
    if (t->o->from && t->o->from->vocabulary) {
        TRY(vocabulary_copy(t->o->from->vocabulary, &l->vocabulary));
    } else {
        TRY(family_vocabulary(t->family, (size_t)s->hidden[0], &l->vocabulary));
        TRY(family_count_words(t->family, l->vocabulary, &t->own));
    }
    if (l->vocabulary->n == 0)
        return refuse(t->lib, T2M_EDATA, "'%s': no two texts have a word in common",
                      t->family->name);
    s->hidden[0] = (int64_t)l->vocabulary->n;
    return T2M_OK;
}

static t2m_status choose_structures(struct training *t)
{
    const t2m_family *f = t->family;
    struct t2m_learner *l = t->l;
    const bool images = kind_has_classes(f->kind);
    const struct structure like = {.height = images ? (int64_t)f->height : 1,
                                   .width = images ? (int64_t)f->width : 1,
                                   .channels = (int64_t)(images        ? f->channels
                                                         : f->features ? f->features
                                                                       : 1),
                                   .outputs = (int64_t)l->ways};
    const bool tables = f->kind == FAMILY_TABLES, texts = f->kind == FAMILY_TEXTS,
               vectors = texts && f->channels != NN_TEXT_CHANNELS;
    const t2m_learner *from = t->o->from;
    char of_from[STRUCTURES_TEXT];
    if (from)
        learner_structures_text(from, of_from);
    const char *text = t->o->structure                 ? t->o->structure
                       : from && from->kind == f->kind ? of_from
                       : vectors                       ? "metric:64"
                       : texts                         ? "text:16384,4096,64"
                       : f->kind == FAMILY_MASKS       ? "unet"
                       : images                        ? "conv4"
                       : tables                        ? "kernel:256,32,32"
                                                       : "mlp";
    TRY(learner_structures(l, text, &like));
    if (vectors)
        l->encoder = t->lib->encoder.fingerprint;
    else if (texts)
        TRY(choose_words(t));
    for (size_t i = 0; i < l->candidates; i++)
        if (structure_is_dense(&l->candidate[i].structure) != (f->kind == FAMILY_MASKS))
            return refuse(t->lib, T2M_EUSAGE,
                          "models of pictures with masks are unet:WIDTH,... or fcn:WIDTH,..., and "
                          "these are for nothing else");
    if (tables && (l->candidates > 1 || !table_structure_fits(learner_structure(l))))
        return refuse(t->lib, T2M_EUSAGE,
                      "models of tables are kernel:CENTRES,WIDTH,WIDTH or, without layers, linear");
    return l->candidates == 1 || learner_chooses(l)
               ? T2M_OK
               : refuse(t->lib, T2M_EUSAGE,
                        "the method %s has nothing to choose a structure by; name one structure, "
                        "or take the method t2m",
                        l->method->name);
}

static t2m_status choose_represent(struct training *t)
{
    const char *text = t->o->represent;
    struct t2m_learner *l = t->l;
    if (!text)
        return T2M_OK;
    if (!l->method->represent)
        return refuse(t->lib, T2M_EUSAGE, "--represent: the method %s makes no task vector",
                      l->method->name);
    if (!represent_parse(text, &l->represent))
        return refuse(t->lib, T2M_EUSAGE,
                      "--represent is concat, or set, statistics and probe joined by commas, not "
                      "'%.40s'",
                      text);
    return kind_has_classes(t->family->kind) && l->represent & REPRESENT_CONCAT
               ? refuse(t->lib, T2M_EUSAGE, "--represent concat is for rows of numbers")
               : T2M_OK;
}

/* Settings that differ from the method's row. */
static t2m_status choose_changes(struct training *t)
{
    struct t2m_learner *l = t->l;
    const char *decode = t->o->decode ? t->o->decode : decode_names[l->method->decode],
               *tune = t->o->tune ? t->o->tune : tuned_names[l->method->tuned];
    l->decode = (enum decode)name_find(decode_names, 4, decode);
    l->tuned = (enum tuned)name_find(tuned_names, 5, tune);
    if (!method_may_decode(l->method, l->decode) ||
        (t->o->decode && kind_has_classes(l->kind) && l->decode == DECODE_ALL))
        return refuse(t->lib, T2M_EUSAGE,
                      "--decode is bases or all, for rows, of the methods hyper, leo and t2m, not "
                      "'%.40s' of %s",
                      decode, l->method->name);
    if (!method_may_tune(l->method, l->tuned))
        return refuse(t->lib, T2M_EUSAGE,
                      "--tune is code, weights or both, of the methods leo and t2m, not '%.40s' of "
                      "%s",
                      tune, l->method->name);
    return T2M_OK;
}

static const struct defaults {
    size_t ways, shots, queries;
} defaults[] = {[FAMILY_REGRESSION] = {1, 10, 10},
                [FAMILY_TABLES] = {1, 10, 10},
                [FAMILY_IMAGES] = {5, 1, 15},
                [FAMILY_TEXTS] = {5, 1, 15},
                [FAMILY_MASKS] = {4, 3, 9}};

t2m_status training_learner(struct training *t)
{
    const t2m_train_options *o = t->o;
    const t2m_family *f = t->family;
    const bool images = kind_has_classes(f->kind);
    struct t2m_learner *l = t->l = mem_new(t->lib, 1, sizeof *l);
    if (!l)
        return T2M_ENOMEM;
    l->lib = t->lib;
    l->kind = f->kind;
    TRY(choose_method(t));
    TRY(choose_represent(t));
    TRY(choose_changes(t));
    const struct defaults *usual = &defaults[f->kind];
    const bool one = f->kind == FAMILY_MASKS && learner_ways_fixed(l); /* most tasks have one */
    l->ways = images ? training_default(o->ways, one ? 1 : usual->ways) : 1;
    l->shots = training_default(o->shots, usual->shots);
    l->queries = training_default(o->queries, usual->queries);
    l->steps = o->inner_steps >= 0 ? o->inner_steps : l->method->steps;
    l->eval_steps = o->eval_steps >= 0 ? o->eval_steps : l->steps;
    if (l->method->tuned == TUNE_NOTHING)
        l->steps = l->eval_steps = 0;
    l->by_task = o->scale_by_task;
    l->rate = o->inner_rate > 0 ? o->inner_rate : l->method->rate;
    TRY(choose_structures(t));
    l->fingerprint = f->fingerprint;
    const char *base = strrchr(f->name, '/');
    snprintf(l->family, sizeof l->family, "%.127s", base && base[1] ? base + 1 : f->name);
    TRY(learner_start(l, o->seed));
    if (!decode_fits(l->decode, &l->candidate[0].layout, learner_theta(l, l->candidate)))
        return refuse(
            t->lib, T2M_EUSAGE,
            "the method %s shifts the bias of the first layer, and the structure has none",
            l->method->name);
    if (o->from)
        TRY(learner_copy(l, o->from));
    return f->kind == FAMILY_REGRESSION ? copy_scales(l, f) : T2M_OK;
}

void training_name_settings(struct training *t)
{
    char structure[STRUCTURES_TEXT], represent[32];
    struct t2m_learner *l = t->l;
    const struct structure *s = learner_structure(l);
    learner_structures_text(l, structure);
    represent_text(l->represent, represent);
    snprintf(l->settings, sizeof l->settings,
             "method=%s structure=%s represent=%s decode=%s tune=%s ways=%zu shots=%zu queries=%zu "
             "steps=%zu "
             "batch=%zu inner=%d/%d rate=%.9g/%.9g augment=%.9g within=%d by_task=%d seed=%llu "
             "start=%016llx size=%zux%zux%zu data=%016llx validation=%016llx/%zu/%zu",
             l->method->name, structure, represent, decode_names[l->decode], tuned_names[l->tuned],
             l->ways, l->shots, l->queries, t->steps, t->step.tasks, l->steps, l->eval_steps,
             l->rate, t->o->meta_rate, t->o->augment, t->o->within_domain, l->by_task,
             (unsigned long long)l->seed,
             (unsigned long long)hash_bytes(0, l->phi, l->numel * sizeof *l->phi),
             (size_t)s->height, (size_t)s->width, (size_t)s->channels,
             (unsigned long long)l->fingerprint, (unsigned long long)t->validation->fingerprint,
             t->o->validation_tasks, t->o->validation_ways);
}
