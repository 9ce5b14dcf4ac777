/* task_heads.c: what a task's outputs are held against, and the heads that are made for it. */
#include "mapping/objective.h"

t2m_value task_part(struct task_ctx *c, const char *name)
{
    return layout_take(c->g, &c->k->parts, c->e->phi, name);
}

bool task_has_classes(const struct task_ctx *c)
{
    return kind_has_classes(c->l->kind);
}

bool task_head_is_learned(const struct task_ctx *c)
{
    return learner_theta(c->l, c->k) == c->k->layout.numel;
}

static bool is_of_masks(const struct task_ctx *c)
{
    return c->l->kind == FAMILY_MASKS;
}

/* The labels y of pixels, of the support or of the query set. */
static struct nn_masks masks_of(const struct task_ctx *c, t2m_value y)
{
    return nn_masks_of(c->g, y, structure_places(&c->s), c->s.outputs);
}

/* Of classes that both sets have: of others nothing can be known, or asked. */
static t2m_value loss_of_masks(const struct task_ctx *c, t2m_value output, t2m_value y)
{
    const struct nn_masks given = masks_of(c, c->e->y_support), m = masks_of(c, y);
    const t2m_value both =
        t2m_mul(c->g, nn_masks_present(c->g, &given), nn_masks_present(c->g, &m));
    return nn_masks_loss(c->g, &m, output, both);
}

t2m_value task_loss(const struct task_ctx *c, t2m_value output, t2m_value y)
{
    const int64_t n = t2m_dim(c->g, output, 0);
    if (is_of_masks(c))
        return loss_of_masks(c, output, y);
    return task_has_classes(c) ? nn_cross_entropy(c->g, output, y)
                               : nn_squared_error(c->g, t2m_reshape(c->g, output, 1, &n), y);
}

static t2m_value targets_of(const struct task_ctx *c)
{
    const int64_t column[] = {t2m_dim(c->g, c->e->y_support, 0), 1};
    return task_has_classes(c) ? t2m_one_hot(c->g, c->e->y_support, c->s.outputs)
                               : t2m_reshape(c->g, c->e->y_support, 2, column);
}

/* ---- heads ---- */

t2m_value task_generator(struct task_ctx *c, const char *const name[4], t2m_value t)
{
    return generator_run(c->g, &c->k->parts, c->e->phi, name, t);
}

/* For each class, from the mean of its features. */
static struct head head_generated(struct task_ctx *c, t2m_value h)
{
    t2m_graph *g = c->g;
    struct head head = head_prototypes(g, h, c->e->y_support, c->s.outputs);
    const int64_t features = t2m_dim(g, h, 1);
    const t2m_value mean = t2m_scale(g, 0.5, head.weight);
    const t2m_value w = task_generator(c, class_generator, t2m_swap(g, mean));
    return (struct head){.weight = t2m_swap(g, t2m_slice(g, w, 1, 0, features)),
                         .bias = t2m_reshape(g, t2m_slice(g, w, 1, features, 1), 1, &c->s.outputs)};
}

static struct head mask_head(struct task_ctx *c, t2m_value h)
{
    const struct nn_masks m = masks_of(c, c->e->y_support);
    if (c->l->method->head == HEAD_PROTOTYPES)
        return head_mask_prototypes(c->g, h, &m);
    const t2m_value learned[] = {task_part(c, "ridge.log_penalty"), task_part(c, "ridge.log_scale"),
                                 task_part(c, "ridge.bias"), task_part(c, "ridge.share")};
    return head_mask_ridge(c->g, h, &m, learned);
}

struct head task_head(struct task_ctx *c, t2m_value h)
{
    t2m_graph *g = c->g;
    const enum head_kind kind = c->l->method->head;
    if (is_of_masks(c))
        return mask_head(c, h);
    if (kind == HEAD_LEARNED)
        return head_generated(c, h);
    if (kind == HEAD_PROTOTYPES || (kind == HEAD_CLOSED && task_has_classes(c)))
        return head_prototypes(g, h, c->e->y_support, c->s.outputs);
    if (task_has_classes(c)) {
        const t2m_value learned[] = {task_part(c, "ridge.log_penalty"),
                                     task_part(c, "ridge.scale")};
        const struct head head = head_ridge_classes(g, h, targets_of(c), learned);
        c->e->later = head.later;
        return head;
    }
    const struct nn_ridge_prior prior = {task_part(c, "ridge.log_penalty"),
                                         task_part(c, "ridge.mean"),
                                         task_part(c, "ridge.log_scale")};
    return head_ridge(g, h, targets_of(c), &prior);
}
