/* nn.h: layers, losses and structures, written on the public graph.h alone. A structure says how a
 * model is laid out; its parameters are one flat vector [parameters], body first, head last, from
 * which the layers take slices. */
#pragma once
#include "base/base.h"
#include "base/random.h"
#include "task2model/graph.h"

/* ---- layers ---- */

/* x [n, in] w [in, out] b [out] -> [n, out] */
t2m_value nn_linear(t2m_graph *g, t2m_value x, t2m_value w, t2m_value b);
/* (x - mean) / sqrt(var + NN_EPSILON) * gamma + beta along the last axis; all [channels]. */
t2m_value nn_normalise(t2m_graph *g, t2m_value x, t2m_value mean, t2m_value var, t2m_value gamma,
                       t2m_value beta);
/* Mean and variance over all axes but the last (Ioffe and Szegedy 2015, algorithm 1). */
void nn_statistics(t2m_graph *g, t2m_value x, t2m_value *mean, t2m_value *var);
/* Each row of x [rows, numbers] less its mean, by the root of its variance + epsilon. */
t2m_value nn_standard_rows(t2m_graph *g, t2m_value x, double epsilon);
/* x [.., numbers], each row of them made `length` [1] long. */
t2m_value nn_to_length(t2m_graph *g, t2m_value x, t2m_value length);
/* x [n, .., channels], each item by the statistics of all its numbers (Ba et al. 2016); gamma and
 * beta [channels]. */
t2m_value nn_layer_norm(t2m_graph *g, t2m_value x, t2m_value gamma, t2m_value beta);
/* x [n, h, w, channels], each item by the statistics of each group of channels (Wu and He 2018). */
t2m_value nn_group_norm(t2m_graph *g, t2m_value x, int64_t groups, t2m_value gamma, t2m_value beta);
/* 1 on the diagonal of [n, n], and the diagonal [n] of such a matrix. */
t2m_value nn_identity(t2m_graph *g, int64_t n);
t2m_value nn_diagonal(t2m_graph *g, t2m_value square);
/* softmax(q k' / sqrt d + bias) v with q [.., n, d], k [.., m, d], v [.., m, e] (Vaswani et al.
 * 2017, equation 1). */
struct nn_attention {
    t2m_value q, k, v;
    t2m_value bias; /* fits [.., n, m]; far below 0 where a row of k must not count. Null: none */
};
t2m_value nn_attention(t2m_graph *g, const struct nn_attention *a);
#define NN_EPSILON 1e-5

/* ---- regression in closed form ---- */

t2m_value nn_with_one(t2m_graph *g, t2m_value x); /* [n, features] -> (x, 1) [n, features + 1] */

/* What is known of the weights before: they lie around `mean`, the bias behind the others, within
 * exp(log_scale), against a noise of exp(log_penalty / 2) (Hoerl and Kennard 1970; a learned prior
 * as in Harrison et al. 2018, "Meta-learning priors for efficient online Bayesian regression", with
 * a diagonal covariance). */
struct nn_ridge_prior {
    t2m_value log_penalty;     /* [] */
    t2m_value mean, log_scale; /* [features + 1], for one output; or null: 0 */
};
/* Ridge regression of targets [n, outputs] on (x, 1), x [n, features]. The smaller of the two
 * systems is solved (Bertinetto et al. 2019, equation 6). */
struct nn_ridge {
    t2m_value weight, bias; /* [features, outputs], [outputs] */
    t2m_value left_out;     /* [n, outputs]: each example as predicted from all others */
    t2m_value surprise;     /* [n]: -log of the likelihood of each of those predictions (nats), with
                               the likeliest scale of the noise for all, but for a constant */
};
struct nn_ridge nn_ridge_fit(t2m_graph *g, t2m_value x, t2m_value targets,
                             const struct nn_ridge_prior *prior);
/* The same by a kernel, gram [n, n] of the examples: a prediction is the product of its kernel with
 * all examples and `weight` [n, outputs]; there is no bias. The penalty is exp(log_penalty). */
struct nn_ridge nn_ridge_kernel(t2m_graph *g, t2m_value gram, t2m_value targets,
                                t2m_value log_penalty);

/* The same by features, with a penalty of w' penalty w, penalty [features, features]: weight
 * [features, outputs]. */
struct nn_ridge nn_ridge_features(t2m_graph *g, t2m_value x, t2m_value targets, t2m_value penalty);

/* ---- kernels ---- */

enum { NN_METRICS = 2 };
/* sum over k of amplitude[k] exp(-distance(a, b)), distances being sums of metric[k, c] |a - b|:
 * the limit of random forests of axis-aligned cuts (Balog et al. 2016, "The Mondrian kernel",
 * proposition 1). a [n, columns], b [m, columns], metric [NN_METRICS, columns] >= 0, amplitude
 * [NN_METRICS] -> [n, m] */
t2m_value nn_kernel(t2m_graph *g, t2m_value a, t2m_value b, t2m_value metric, t2m_value amplitude);
/* Its two halves: rows [n, columns] in units of each metric [NN_METRICS, n, columns], and the
 * kernel of two such. */
t2m_value nn_kernel_scale(t2m_graph *g, t2m_value rows, t2m_value metric);
t2m_value nn_kernel_scaled(t2m_graph *g, t2m_value x, t2m_value y, t2m_value amplitude);

/* ---- classification in closed form, nearly ---- */

/* Multinomial logistic regression by a kernel, gram [n, n] of the examples, member [n, classes] of
 * 0 and 1, with a penalty of half the squared norm of each class's function: the weights [n,
 * classes] of the examples, as in nn_ridge_kernel. By `steps` steps of the quadratic bound of
 * Boehning 1992 ("Multinomial logistic regression algorithm", equation 2.9), whose matrix is solved
 * once, with Nesterov's momentum. */
struct nn_logistic {
    t2m_value weight;   /* [n, classes], or [features, classes] */
    t2m_value left_out; /* [n, classes]: logits of each example as predicted from all others,
                           nearly: by the bound in the place of the curvature (Rasmussen and
                           Williams 2006, section 5.4.2) */
};
struct nn_logistic nn_logistic_kernel(t2m_graph *g, t2m_value gram, t2m_value member, int steps);
/* Calibrated logits are factor * logits + shift: the less they are believed, the nearer they are to
 * the shares of the classes. */
struct nn_calibration {
    t2m_value factor, shift; /* [], [1, classes]: 1 - factor times the logarithms of the shares */
};
/* Makes the cross-entropy of logits [n, classes] with member least, averaged over factors from 1/2
 * to 2 by how likely they are, a little below 1 being so before (temperature scaling, Guo et al.
 * 2017, section 4.2, but not towards equal probabilities). */
struct nn_calibration nn_calibrate(t2m_graph *g, t2m_value logits, t2m_value member);
/* The same by features x [n, features] with a penalty of w' penalty w / 2 for each class, penalty
 * [features, features]: weight [features, classes]. Members are shares, rows of sum 1. */
struct nn_logistic nn_logistic_features(t2m_graph *g, t2m_value x, t2m_value member,
                                        t2m_value penalty, int steps);

/* ---- losses: means over the examples ---- */
t2m_value nn_squared_error(t2m_graph *g, t2m_value y, t2m_value target);
/* logits [n, classes], labels [n] of whole numbers */
t2m_value nn_cross_entropy(t2m_graph *g, t2m_value logits, t2m_value labels);
/* logits and targets (0..1) of one shape */
t2m_value nn_binary_cross_entropy(t2m_graph *g, t2m_value logits, t2m_value targets);
/* Of pictures with masks: logits [n * places, classes] of each pixel, labels [n * places]: 0
 * background, 1 .. classes, below 0 not to be counted. Each class is held against all the rest. */
struct nn_masks {
    int64_t places, classes; /* pixels of a picture */
    t2m_value valid;         /* [n * places]: 1 where a label counts */
    t2m_value member;        /* [n * places, classes]: 1 where it is this class */
};
struct nn_masks nn_masks_of(t2m_graph *g, t2m_value labels, int64_t places, int64_t classes);
/* [classes]: 1 if a pixel is of the class. */
t2m_value nn_masks_present(t2m_graph *g, const struct nn_masks *m);
/* Cross-entropy of each class, and 1 - Dice (Milletari et al. 2016, equation 3, with the masks' own
 * sum and 1 in both places) of each picture that has it; the mean over the classes by weight
 * [classes]. */
t2m_value nn_masks_loss(t2m_graph *g, const struct nn_masks *m, t2m_value logits, t2m_value weight);
/* -log N(target; mean, exp(log_sd)^2) */
t2m_value nn_gaussian_likelihood(t2m_graph *g, t2m_value mean, t2m_value log_sd, t2m_value target);

/* ---- structures ---- */

enum { NN_MAX_LAYERS = 8 };
enum nn_kind {
    NN_LINEAR,
    NN_MLP,
    NN_CONV4,
    NN_KERNEL,
    NN_TEXT,
    NN_METRIC,
    NN_RESNET,
    NN_UNET,
    NN_FCN,
    NN_KINDS
};

struct structure {
    enum nn_kind kind;
    int64_t height, width, channels; /* of an image; a row of features is 1 x 1 x channels */
    int64_t outputs;                 /* numbers for each input: classes, or 1 value */
    int layers;                      /* hidden */
    int64_t hidden[NN_MAX_LAYERS]; /* units of a layer, or channels; first the centres of a kernel;
                                      of texts: words, slots, width of vectors */
};

/* "linear", "mlp:40,40", "kernel:256,32,32", "conv4:64", "resnet:32,64,128",
 * "text:16384,4096,64", "metric:64". T2M_EUSAGE says what is expected. */
t2m_status structure_parse(t2m *lib, const char *text, struct structure *out);
void structure_text(const struct structure *s, char out[96]);
/* Whether the sizes make sense together; T2M_EUSAGE else. */
t2m_status structure_check(t2m *lib, const struct structure *s);

struct parameter { /* one tensor in the flat vector */
    char name[48];
    int rank;
    int64_t dim[4];
    size_t offset, count;
    double spread; /* half-width of the uniform start; 0: constant `start` */
    double start;
    void (*fill)(float *numbers); /* the start, where it is another; or NULL */
    bool coarse; /* after training a byte is enough for each number: safetensors_round */
    bool norm;   /* the scale of a norm: [count] means and then as many variances of it are kept */
    size_t places; /* of an input where the tensor is used: pixels of a filter; 1 */
};
enum { NN_MAX_PARAMETERS = 256 }; /* the parts of a learner of the deepest structure */

struct layout {
    size_t count, numel; /* tensors, numbers */
    size_t body;         /* numbers before the head */
    size_t features;     /* numbers that the head gets */
    size_t statistics;   /* numbers of norm statistics: mean and variance of each norm layer */
    struct parameter parameter[NN_MAX_PARAMETERS];
};
void structure_layout(const struct structure *s, struct layout *out);
/* Appends a tensor. */
void layout_add(struct layout *l, const char *name, int rank, const int64_t *dim, double spread,
                double start);
/* The tensor `name` of the vector m, which l lays out. */
t2m_value layout_take(t2m_graph *g, const struct layout *l, t2m_value m, const char *name);
void layout_start(const struct layout *l, struct random *r, float *m);

enum norm { NORM_BATCH /* statistics of this batch */, NORM_GIVEN };
struct norm_use {
    enum norm norm;
    t2m_value given; /* [statistics] for NORM_GIVEN */
    t2m_value seen;  /* out: those of this batch, [statistics]; null if there are none */
};
/* x [n, channels] or [n, height, width, channels], m [parameters] -> [n, features] */
t2m_value structure_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                             struct norm_use *norm);
/* [n, features] -> [n, outputs]; the head stands at the end of m */
t2m_value structure_head(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value features);
/* x [n, inputs] or [n, height, width, channels] -> [n, height * width] */
t2m_value structure_last_channel(t2m_graph *g, const struct structure *s, t2m_value x);
size_t structure_macs(const struct structure *s); /* multiplications and additions for one input */
size_t structure_activations(const struct structure *s); /* numbers that its layers make, about */
/* An input for n examples of this structure. */
t2m_value structure_input(t2m_graph *g, const struct structure *s, const char *name, int64_t n);
size_t structure_input_size(const struct structure *s); /* numbers of one example */

enum { NN_DENSE_CHANNELS = 4 /* of their pictures, at most */ };
/* Structures that answer for each pixel (dense.c): features are [n * height * width, features]. */
bool structure_is_dense(const struct structure *s);
int64_t structure_places(const struct structure *s); /* answers for an input: its pixels, or 1 */
void unet_layout(const struct structure *s, struct layout *l);
void fcn_layout(const struct structure *s, struct layout *l);
t2m_value unet_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                        struct norm_use *norm);
t2m_value fcn_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                       struct norm_use *norm);

/* ---- layers of pictures: a convolution and its norm (convolution.c) ---- */

enum { NN_MAX_NORMS = 3 * NN_MAX_LAYERS + 1 };
/* NAME.scale and NAME.bias [channels] of a norm. */
void layout_norm(struct layout *l, const char *name, int64_t channels);
/* NAME.filter [height, width, in, out], used at each of `places` pixels, and its norm. */
void layout_convolution(struct layout *l, const char *name, const int64_t filter[4], size_t places);
struct convolutions { /* of one structure, in the order of its layout */
    t2m_graph *g;
    t2m_value m;
    struct norm_use *norm;
    struct layout layout;
    int64_t at; /* in the statistics */
    size_t n;
    t2m_value seen[2 * NN_MAX_NORMS];
};
/* x [n, .., channels] -> the same shape. */
t2m_value norm_alone(struct convolutions *c, const char *name, t2m_value x);
/* x [n, h, w, in] -> [n, h, w, out], or [n, h / 2, w / 2, out] by max pooling. */
t2m_value convolution_norm(struct convolutions *c, const char *name, t2m_value x, bool pool);
void convolutions_end(struct convolutions *c); /* sets norm->seen */

void resnet_layout(const struct structure *s, struct layout *l);
t2m_value resnet_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                          struct norm_use *norm);

/* `metric:WIDTH`: inputs and a learned projection of them, together of the length exp(scale), so
 * that distances are cosines in a learned metric. x [n, channels] (text.c). */
void metric_layout(const struct structure *s, struct layout *l);
t2m_value metric_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                          struct norm_use *norm);

/* Whether models of the structure know what is none of their classes: "none" [1] in their layout.
 */
bool structure_has_none(const struct structure *s);
struct nn_none {
    t2m_value logits, bias; /* [n, classes], and the head's [classes] in them */
    t2m_value none;         /* [1]: what all classes together, per class, are held against */
};
/* The log-odds [n] that what has these logits is of none of the classes, if half of what comes is.
 * The bias is left out: of prototypes it is minus their squared length, which falls with the number
 * of examples, while their product with a text is of one size for any number of them. */
t2m_value nn_none(t2m_graph *g, const struct nn_none *x);
/* Cross-entropy of that [] over queries, each as it is, and once more as if its own class, labels
 * [n], were not there. */
t2m_value nn_none_loss(t2m_graph *g, const struct nn_none *x, t2m_value labels);

/* ---- texts (text.c) ---- */

/* An input of the structure `text` is [features, NN_TEXT_CHANNELS]; each feature of the text has
 * the number of its word in the vocabulary (-1: it is not there), its slot of the sketch (from 1,
 * negative for a negative sign; 0: no feature), the root of how often it occurs, and the number of
 * its rarity: kind * NN_TEXT_BUCKETS + the bucket of vocabulary.h. */
enum {
    NN_TEXT_CHANNELS = 4,
    NN_TEXT_KINDS = 7, /* bits of enum phrase_kind */
    NN_TEXT_BUCKETS = 12,
    NN_TEXT_RARITIES = NN_TEXT_KINDS * NN_TEXT_BUCKETS
};
void text_layout(const struct structure *s, struct layout *l);
t2m_value text_features(t2m_graph *g, const struct structure *s, t2m_value m, t2m_value x,
                        struct norm_use *norm);
