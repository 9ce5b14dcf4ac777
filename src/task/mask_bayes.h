/* mask_bayes.h: a control for pictures with masks, which knows nothing but the support set: naive
 * Bayes of the colour and the place of a pixel. */
#pragma once
#include "task/family.h"

enum {
    MASK_BAYES_COLOURS = 8 * 8 * 8, /* bins of a pixel's channels */
    MASK_BAYES_PLACES = 8 * 8,      /* of its row and column */
    MASK_BAYES_BINS = MASK_BAYES_COLOURS + MASK_BAYES_PLACES
};
/* odds [classes, MASK_BAYES_BINS]: of each bin the log odds that a pixel is of the class, from the
 * known pixels of the support set in it and out of it, 1/2 more in each bin, both sides being
 * equally likely. */
void mask_bayes_fit(const struct t2m_family *f, const struct episode *e, size_t classes,
                    float *odds);
/* The sums for the queries' pixels, y [queries, height, width, classes]: a logit of each class. */
void mask_bayes_judge(const struct t2m_family *f, const struct episode *e, size_t classes,
                      const float *odds, float *y);
