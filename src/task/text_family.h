/* text_family.h: labelled texts (files/texts.h) as classes of a family. */
#pragma once
#include "task/family.h"

/* Texts, by the name of their file: JSON Lines, or lines of one class each. */
bool text_file(const char *name);
/* Adds the texts at the path; a label that the family has already is the same class. Each path is a
 * domain. T2M_EDATA: as texts_open; texts with several labels. */
t2m_status family_add_texts(struct t2m_family *f, const char *path, const struct family_options *o);
/* The vectors [n, width] of the texts by the handle's encoder; caller frees with mem_free. */
struct texts;
t2m_status texts_encode(const struct texts *t, float **out);
/* The inputs [n, numbers of one] of all texts: as bags, or, without a vocabulary, those vectors.
 * Caller frees with mem_free. */
struct bag_use;
t2m_status texts_inputs(const struct texts *t, const struct bag_use *bags, float **x);
/* [classes, words] texts of each class that have each word of v; freed by mem_free. */
t2m_status family_count_words(const struct t2m_family *f, const struct vocabulary *v,
                              uint16_t **out);
/* The words that at least two of the family's texts have, at most `most`. */
t2m_status family_vocabulary(const struct t2m_family *f, size_t most, struct vocabulary **out);
