/* mask_known.c: t of tasks of pictures with masks, and those of its training that a learner keeps,
 * to compare new ones with: likeness.c says how. */
#include "mapping/mask_known.h"

#include "task/mask_statistics.h"

enum {
    SEED = 4713, /* apart from the tasks of training and validation */
    MOST = 300   /* with 100 the two farthest of them decided what is unlike, and most of other
                    kinds of pictures were not */
};

/* So few that not all of them are of the same pictures, beside which any new ones are far. */
static size_t tasks_to_keep(const struct t2m_family *f)
{
    size_t pictures = 0;
    for (size_t i = 0; i < f->classes; i++)
        pictures += f->class[i].left_out ? 0 : f->class[i].count;
    return pictures / 2 < MOST ? pictures / 2 : MOST;
}

static struct mask_task pixels_of(const struct t2m_learner *l, const float *x, const float *y)
{
    const struct structure *s = learner_structure(l);
    return (struct mask_task){.x = x,
                              .y = y,
                              .height = (size_t)s->height,
                              .width = (size_t)s->width,
                              .channels = (size_t)s->channels};
}

t2m_status mask_known_learn(struct t2m_learner *l, const struct t2m_family *f)
{
    const struct protocol p = {.ways = 1, .shots = l->shots, .queries = l->shots, .fewer = true};
    char name[EPISODE_NAME];
    struct episode e;
    TRY(episodes_new(l->lib, &e, f, &p, 1));
    e.name = name;
    t2m_status status = l->known ? T2M_OK : likeness_room(l, tasks_to_keep(f));
    for (size_t i = 0; i < l->known && status == T2M_OK; i++) {
        episode_draw(f, &p, SEED + l->seed, i, &e);
        struct mask_task task = pixels_of(l, e.x_support, e.y_support);
        task.pictures = l->shots;
        task.classes = 1;
        mask_statistics(&task, l->known_t + i * MASK_T);
        status = likeness_name(l, i, name);
    }
    episodes_free(l->lib, &e);
    return status;
}

t2m_status mask_task_vector(const t2m_learner *l, const t2m_task *task, float **t, size_t *n)
{
    struct mask_task pixels = pixels_of(l, task->x, task->y);
    pixels.pictures = task->n;
    pixels.classes = task->classes;
    *t = mem_new(l->lib, MASK_T, sizeof **t);
    if (!*t)
        return T2M_ENOMEM;
    mask_statistics(&pixels, *t);
    *n = MASK_T;
    return T2M_OK;
}
