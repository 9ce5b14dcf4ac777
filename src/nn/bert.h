/* bert.h: the encoders of the BERT family as a graph: words, positions and kinds as vectors, then
 * layers of attention and of two products, each added to what it got and normalised (Vaswani et al.
 * 2017, "Attention is all you need", figure 1, the left half; Devlin et al. 2019, "BERT"; Sanh et
 * al. 2019, "DistilBERT", the same without kinds). The weights are inputs of the graph, in the
 * layout and under the names in which such models are published; whoever reads them asks here for
 * names and sizes. */
#pragma once
#include "base/base.h"
#include "task2model/graph.h"

enum bert_activation {
    BERT_GELU,      /* x Phi(x) (Hendrycks and Gimpel 2016, "Gaussian error linear units") */
    BERT_GELU_TANH, /* the same by their approximation with tanh */
    BERT_RELU
};

struct bert_shape {
    bool distilled; /* names of DistilBERT; no kinds */
    size_t layers;
    int64_t width, heads, hidden; /* heads divides width; hidden: units between two products */
    int64_t positions, vocabulary, kinds; /* rows of the three tables; kinds: of DistilBERT 0 */
    double epsilon;                       /* of the norms */
    enum bert_activation activation;
};

/* A tensor of the weights, as it is published. */
struct bert_part {
    char name[80]; /* without "bert." or "distilbert.", which many files put before; "": the model
                      has no such part, and its value may be null */
    int rank;
    int64_t dim[2];
    bool turned; /* [out, in]: the graph takes it as [in, out], which is quicker for few rows */
};
size_t bert_parts(const struct bert_shape *s);
void bert_part_of(const struct bert_shape *s, size_t i, struct bert_part *out);

/* `texts` texts of `length` pieces, the shorter ones filled up. */
struct bert_batch {
    int64_t texts, length; /* length <= positions */
    t2m_value piece;       /* [texts, length] numbers of pieces */
    t2m_value bias;        /* [texts, length] 0, or far below 0 for what is filled up */
    t2m_value share;       /* [texts, length] of each piece in the mean */
};
/* The mean of the last layer's vectors, of length 1 (Reimers and Gurevych 2019, "Sentence-BERT"):
 * [texts, width]. part [bert_parts], turned where bert_part_of says so. Errors poison the graph, as
 * in graph.h. */
t2m_value bert_vectors(t2m_graph *g, const struct bert_shape *s, const t2m_value *part,
                       const struct bert_batch *in);
