/* heads.h: step 4, last layers in closed form, as graph values, so learning goes through them. */
#pragma once
#include "nn/nn.h"

struct head {
    t2m_value weight, bias; /* [features, outputs], [outputs] */
    t2m_value tuned;        /* bias of head_mask_ridge by what left-out pictures say; or null */
    t2m_value left_out;     /* [n, outputs] of ridge regression: each example by the others */
    t2m_value surprise;     /* [n]: how badly a head made without an example foretells it, in nats:
                               cross-entropy of prototypes, surprise (nn.h) of ridge regression */
    t2m_value later;        /* [3] of head_ridge_classes: logarithm of the penalty, what logits were
                               multiplied by, and what was added to them in the mean */
};

/* Prototypes: the logit of a class is minus the squared distance to the mean of its features, less
 * what all classes share: 2 c h - c c (Snell et al. 2017, equations 2 and 8). h [n, features],
 * labels [n]. A class without examples has an infinitely far prototype. For the score
 * the only example of a class stays in. */
struct head head_prototypes(t2m_graph *g, t2m_value h, t2m_value labels, int64_t classes);

/* Ridge regression of targets [n, outputs] on (h, 1) (Bertinetto et al. 2019, equations 3 and 6).
 */
struct head head_ridge(t2m_graph *g, t2m_value h, t2m_value targets,
                       const struct nn_ridge_prior *prior);
/* The same of classes, member [n, classes] 0 or 1. learned: logarithm of the penalty [], factor of
 * the logits []; they are calibrated on left-out examples (nn_calibrate) where a class has three of
 * them or more, in the mean. */
struct head head_ridge_classes(t2m_graph *g, t2m_value h, t2m_value member,
                               const t2m_value learned[2]);
/* For one class more, of examples h [n, features]: one against all, the other classes being there
 * with their means [classes, features], each as often as there are examples, at most eight times.
 */
struct head head_ridge_later(t2m_graph *g, t2m_value h, t2m_value others, t2m_value later);

/* ---- of pixels (mask_heads.c): h [pixels, features], one logit for each class against the rest.
 * Of a class that no pixel has, nothing is said. ---- */

/* Twice the distance of the means of the features in and out of the class (masked average pooling,
 * Zhang et al. 2020, "SG-One", equation 2): 2 (c1 - c0) h - (c1 c1 - c0 c0). */
struct head head_mask_prototypes(t2m_graph *g, t2m_value h, const struct nn_masks *m);
/* Ridge regression of 1 in the class and -1 outside, both sides having the same weight however many
 * pixels they are. learned: logarithm of the penalty, of the factor of the logits; what is added to
 * them, and how often the logarithm of the class's share by that of the rest, times 1 - 1 / the
 * number of pictures that have the class; all []. The tuned bias is of the threshold that overlaps
 * most in the pictures, each by what is learned of the others. */
struct head head_mask_ridge(t2m_graph *g, t2m_value h, const struct nn_masks *m,
                            const t2m_value learned[4]);
