/* mask_calibrate.c: from where on a pixel is of a class, learned on the validation tasks. */
#include <string.h>

#include "mapping/training.h"

enum { PARTS = 2, SEED = 1234 };
static const char *const names[PARTS] = {"ridge.bias", "ridge.share"};
enum { ROUNDS = 3 };
static const double first_step = 0.8; /* of the search, in logits; each round half of it */

/* The number of that name in phi, or NULL. */
static float *part(struct t2m_learner *l, const char *name)
{
    const struct layout *parts = &l->candidate[0].parts;
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->parameter[i].name, name) == 0)
            return l->phi + parts->parameter[i].offset;
    return NULL;
}

/* Mean over tasks of so many pictures; 0 if there are none. */
static t2m_status score_of(struct training *t, size_t shots, double *out)
{
    struct evaluation v = {.l = t->l,
                           .f = t->validation,
                           .tasks = training_default(t->o->validation_tasks, 200),
                           .seed = SEED + t->l->seed,
                           .max_memory = t->o->max_memory,
                           .stop = t->o->stop,
                           .ctx = t->o->ctx};
    *out = 0;
    learner_protocol(t->l, &v.protocol);
    v.protocol.ways = 1;
    v.protocol.shots = shots;
    v.protocol.queries = v.protocol.queries > 5 ? 5 : v.protocol.queries;
    if (episode_check(t->validation, &v.protocol) != T2M_OK)
        return T2M_OK;
    double ci95;
    return evaluate_tuned(&v, out, &ci95);
}

static t2m_status score_all(struct training *t, double *out)
{
    static const size_t shots[] = {1, 5};
    *out = 0;
    for (size_t i = 0; i < sizeof shots / sizeof *shots; i++) {
        double one;
        TRY(score_of(t, shots[i], &one));
        *out += one;
    }
    return T2M_OK;
}

/* Moves x by `by` if that is better than *best. */
static t2m_status try_move(struct training *t, float *x, double by, double *best, bool *moved)
{
    const float before = *x;
    double now;
    *x = (float)((double)before + by);
    const t2m_status status = score_all(t, &now);
    *moved = status == T2M_OK && now > *best;
    if (*moved)
        *best = now;
    else
        *x = before;
    return status;
}

t2m_status masks_calibrate(struct training *t)
{
    double best, step = first_step;
    if (!part(t->l, names[0]) || t->l->tuned != TUNE_NOTHING)
        return T2M_OK;
    TRY(score_all(t, &best));
    for (int round = 0; round < ROUNDS; round++, step /= 2)
        for (int i = 0; i < PARTS; i++) {
            float *x = part(t->l, names[i]);
            bool moved;
            TRY(try_move(t, x, step, &best, &moved));
            if (!moved)
                TRY(try_move(t, x, -step, &best, &moved));
        }
    return T2M_OK;
}
