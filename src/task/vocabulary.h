/* vocabulary.h: the features of texts (phrase.h) that a training has seen often, each with a number
 * and with how many of its texts had it; and texts as the structure `text` takes them (nn.h). A
 * vocabulary is read-only once made, so threads may share it. Called by mapping and model. */
#pragma once
#include "base/base.h"
#include "files/safetensors.h"
#include "nn/nn.h"
#include "task/phrase.h"

struct vocabulary {
    t2m *lib;
    size_t n;
    uint64_t *hash; /* [n] distinct, the most frequent first */
    uint32_t *seen; /* [n] texts of the training that have it, > 0 */
    uint32_t *slot; /* [slots] by hash: number + 1, or 0; a power of two */
    size_t slots;
};
/* Room for n words, whose hash and seen the caller fills in before vocabulary_index. */
t2m_status vocabulary_new(t2m *lib, struct vocabulary **out, size_t n);
/* Makes ready to look up. False: a hash is there twice, or a word was never seen. */
bool vocabulary_index(struct vocabulary *v);
void vocabulary_free(struct vocabulary *v);
t2m_status vocabulary_copy(const struct vocabulary *v, struct vocabulary **out);

/* In files: numbers of a tensor, whole ones; 0 of NULL. */
size_t vocabulary_numbers(const struct vocabulary *v);
/* numbers [vocabulary_numbers] are filled, and stay the caller's. */
struct tensor_entry vocabulary_tensor(const struct vocabulary *v, float *numbers);
/* T2M_EMODEL, without a message: there is none, it makes no sense, or is larger than the structure.
 */
t2m_status vocabulary_read(t2m *lib, const struct tensor_file *f, const struct structure *s,
                           struct vocabulary **out);

struct bag { /* the features of a text */
    size_t n;
    struct bag_feature {
        uint64_t hash;
        float count;   /* root of how often it occurs */
        uint32_t kind; /* number of the bit */
    } * feature;
};
/* The features of a text; words and pairs first, since of long texts only the first features count.
 * Freed by bag_clear. p: room. */
t2m_status bag_make(struct bag *out, struct phrase *p, const char *text, size_t length);
void bag_clear(t2m *lib, struct bag *b);
/* The words that at least two of the texts [n] have, at most `most`, the most frequent. */
t2m_status vocabulary_learn(t2m *lib, struct vocabulary **out, const struct bag *const *text,
                            size_t n, size_t most);

/* Adds to seen [words] the features of the text. */
void bag_count(const struct bag *b, const struct vocabulary *v, uint16_t *seen);

struct bag_use { /* how a bag becomes an input */
    const struct vocabulary *vocabulary;
    size_t slots, features; /* of the structure: slots of its sketch, features of an input */
    /* in training: texts of the episode's own classes [words each], as if they had not been seen */
    const uint16_t *const *own;
    size_t owners;
    double drop; /* part of the features that are left out, the same for all texts of a key */
    uint64_t key;
};
/* As a structure takes them, without any left out. */
struct bag_use bag_use_for(const struct vocabulary *v, const struct structure *s);
/* x [features, NN_TEXT_CHANNELS] */
void bag_write(const struct bag *b, const struct bag_use *u, float *x);
