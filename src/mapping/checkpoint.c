/* checkpoint.c: the full state of a training in a file: phi, Adam's moments, norm statistics, the
 * best so far, the step. The one before stays as `previous`. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/safetensors.h"
#include "mapping/training.h"

t2m_status run_files_name(t2m *lib, const char *output, struct run_files *r)
{
    if (strlen(output) + 32 > sizeof r->folder)
        return refuse(lib, T2M_EUSAGE, "the path is too long: '%.60s...'", output);
    snprintf(r->folder, sizeof r->folder, "%s.run", output);
    snprintf(r->last, sizeof r->last, "%s/last", r->folder);
    snprintf(r->previous, sizeof r->previous, "%s/previous", r->folder);
    snprintf(r->best, sizeof r->best, "%s/best", r->folder);
    snprintf(r->log, sizeof r->log, "%s/log.jsonl", r->folder);
    snprintf(r->manifest, sizeof r->manifest, "%s/manifest.json", r->folder);
    return T2M_OK;
}

enum { TENSORS = 5 };

static void list_tensors(struct meta_step *s, const struct train_state *t,
                         struct tensor_entry entry[TENSORS])
{
    const size_t numel = s->l->numel, statistics = s->l->norms;
    const struct {
        const char *name;
        size_t count;
        const float *data;
    } all[TENSORS] = {{"state", 3 * numel, s->state},
                      {"statistics", statistics, s->l->statistics},
                      {"best_phi", numel, t->best_phi},
                      {"best_statistics", statistics, t->best_statistics},
                      {"phi", numel, s->state}};
    for (int i = 0; i < TENSORS; i++)
        entry[i] = (struct tensor_entry){.name = all[i].name,
                                         .rank = 1,
                                         .dim = {(int64_t)all[i].count},
                                         .count = all[i].count,
                                         .data = all[i].data};
}

t2m_status checkpoint_save(struct meta_step *s, const struct train_state *t,
                           const struct run_files *r)
{
    t2m *lib = s->l->lib;
    struct tensor_entry entry[TENSORS];
    char progress[256];
    list_tensors(s, t, entry);
    snprintf(progress, sizeof progress, "%zu %zu %.17g %.3f %zu", t->step, t->best_step, t->best,
             t->seconds, t->validated);
    const char *const key[] = {"kind", "progress", "isa"};
    const char *const value[] = {"task2model checkpoint", progress, t2m_isa(lib)};
    const struct tensor_writing w = {entry, TENSORS - 1, key, value, 3};
    if (store_exists(r->last) && lib->io.rename(lib->io.ctx, r->last, r->previous) != 0)
        return refuse(lib, T2M_EIO, "cannot rename '%.200s': %s", r->last, strerror(errno));
    return safetensors_write(lib, r->last, &w, true);
}

static t2m_status load(struct meta_step *s, struct train_state *t, const char *path)
{
    t2m *lib = s->l->lib;
    struct tensor_file *f = NULL;
    struct tensor_entry entry[TENSORS];
    TRY(safetensors_read(lib, path, &f));
    list_tensors(s, t, entry);
    const char *progress = safetensors_meta(f, "progress"), *isa = safetensors_meta(f, "isa");
    bool good = f->checked && progress && isa &&
                sscanf(progress, "%zu %zu %lf %lf %zu", &t->step, &t->best_step, &t->best,
                       &t->seconds, &t->validated) == 5;
    t->other_isa = good && strcmp(isa, t2m_isa(lib)) != 0;
    for (int i = 0; i < TENSORS - 1; i++) {
        const struct tensor_entry *e = safetensors_find(f, entry[i].name);
        good = good && e && e->count == entry[i].count;
        if (good)
            memcpy((float *)(uintptr_t)entry[i].data, e->data, e->count * sizeof(float));
    }
    safetensors_free(f);
    if (!good)
        return refuse(lib, T2M_EMODEL, "'%.200s' is not a checkpoint of this training", path);
    memcpy(s->l->phi, s->state, s->l->numel * sizeof(float));
    return T2M_OK;
}

t2m_status checkpoint_load(struct meta_step *s, struct train_state *t, const struct run_files *r)
{
    t2m *lib = s->l->lib;
    const t2m_status status = load(s, t, r->last);
    if (status == T2M_OK || status == T2M_ENOMEM || !store_exists(r->previous))
        return status;
    TRY(load(s, t, r->previous));
    lib->io.unlink(lib->io.ctx, r->last); /* or the next save would put it in previous's place */
    return T2M_OK;
}
