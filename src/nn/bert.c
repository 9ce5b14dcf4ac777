/* bert.c: names and sizes of the weights as one table, and the graph, a function for each block of
 * the papers' figures. x is [texts * length, width] throughout. */
#include "nn/bert.h"

#include <math.h>
#include <stdio.h>

#include "nn/nn.h"

/* ---- the weights ---- */

enum size { NO_SIZE, WIDTH, HIDDEN, VOCABULARY, POSITIONS, KINDS };

struct row {
    const char *name, *distilled; /* NULL: DistilBERT has no such part */
    enum size dim[2];
};

enum table { WORDS, PLACES, KIND, NORM, NORM_BIAS, TABLES };
static const struct row tables[TABLES] = {
    [WORDS] = {"word_embeddings.weight", "word_embeddings.weight", {VOCABULARY, WIDTH}},
    [PLACES] = {"position_embeddings.weight", "position_embeddings.weight", {POSITIONS, WIDTH}},
    [KIND] = {"token_type_embeddings.weight", NULL, {KINDS, WIDTH}},
    [NORM] = {"LayerNorm.weight", "LayerNorm.weight", {WIDTH}},
    [NORM_BIAS] = {"LayerNorm.bias", "LayerNorm.bias", {WIDTH}},
};

/* A weight, and its bias behind it. */
enum layer_part { QUERY = 0, KEY = 2, VALUE = 4, JOIN = 6, JOIN_NORM = 8, UP = 10, DOWN = 12 };
enum { DOWN_NORM = 14, LAYER_PARTS = 16 };
static const struct row layer[LAYER_PARTS] = {
    [QUERY] = {"attention.self.query.weight", "attention.q_lin.weight", {WIDTH, WIDTH}},
    [QUERY + 1] = {"attention.self.query.bias", "attention.q_lin.bias", {WIDTH}},
    [KEY] = {"attention.self.key.weight", "attention.k_lin.weight", {WIDTH, WIDTH}},
    [KEY + 1] = {"attention.self.key.bias", "attention.k_lin.bias", {WIDTH}},
    [VALUE] = {"attention.self.value.weight", "attention.v_lin.weight", {WIDTH, WIDTH}},
    [VALUE + 1] = {"attention.self.value.bias", "attention.v_lin.bias", {WIDTH}},
    [JOIN] = {"attention.output.dense.weight", "attention.out_lin.weight", {WIDTH, WIDTH}},
    [JOIN + 1] = {"attention.output.dense.bias", "attention.out_lin.bias", {WIDTH}},
    [JOIN_NORM] = {"attention.output.LayerNorm.weight", "sa_layer_norm.weight", {WIDTH}},
    [JOIN_NORM + 1] = {"attention.output.LayerNorm.bias", "sa_layer_norm.bias", {WIDTH}},
    [UP] = {"intermediate.dense.weight", "ffn.lin1.weight", {HIDDEN, WIDTH}},
    [UP + 1] = {"intermediate.dense.bias", "ffn.lin1.bias", {HIDDEN}},
    [DOWN] = {"output.dense.weight", "ffn.lin2.weight", {WIDTH, HIDDEN}},
    [DOWN + 1] = {"output.dense.bias", "ffn.lin2.bias", {WIDTH}},
    [DOWN_NORM] = {"output.LayerNorm.weight", "output_layer_norm.weight", {WIDTH}},
    [DOWN_NORM + 1] = {"output.LayerNorm.bias", "output_layer_norm.bias", {WIDTH}},
};

size_t bert_parts(const struct bert_shape *s)
{
    return TABLES + s->layers * LAYER_PARTS;
}

void bert_part_of(const struct bert_shape *s, size_t i, struct bert_part *out)
{
    const struct row *row = i < TABLES ? &tables[i] : &layer[(i - TABLES) % LAYER_PARTS];
    const int64_t size[] = {[WIDTH] = s->width,
                            [HIDDEN] = s->hidden,
                            [VOCABULARY] = s->vocabulary,
                            [POSITIONS] = s->positions,
                            [KINDS] = s->kinds};
    const char *name = s->distilled ? row->distilled : row->name;
    *out = (struct bert_part){.rank = row->dim[1] ? 2 : 1,
                              .dim = {size[row->dim[0]], size[row->dim[1]]},
                              .turned = i >= TABLES && row->dim[1]};
    if (name && i < TABLES)
        snprintf(out->name, sizeof out->name, "embeddings.%s", name);
    else if (name)
        snprintf(out->name, sizeof out->name, "%s.layer.%zu.%s",
                 s->distilled ? "transformer" : "encoder", (i - TABLES) / LAYER_PARTS, name);
}

/* ---- the graph ---- */

/* w: the weight, and the bias behind it */
static t2m_value linear(t2m_graph *g, t2m_value x, const t2m_value *w)
{
    return nn_linear(g, x, w[0], w[1]);
}

static t2m_value norm(t2m_graph *g, const struct bert_shape *s, t2m_value x, const t2m_value *w)
{
    return t2m_madd(g, nn_standard_rows(g, x, s->epsilon), w[0], w[1]);
}

static t2m_value embed(t2m_graph *g, const struct bert_shape *s, const t2m_value *table,
                       const struct bert_batch *in)
{
    const int64_t all[] = {in->texts * in->length}, split[] = {in->texts, in->length, s->width},
                  rows[] = {all[0], s->width};
    const t2m_value word = t2m_gather(g, table[WORDS], t2m_reshape(g, in->piece, 1, all));
    t2m_value place = t2m_slice(g, table[PLACES], 0, 0, in->length);
    if (!s->distilled) /* a text alone is of the first kind */
        place = t2m_add(g, place, t2m_slice(g, table[KIND], 0, 0, 1));
    const t2m_value x = t2m_add(g, t2m_reshape(g, word, 3, split), place);
    return norm(g, s, t2m_reshape(g, x, 2, rows), table + NORM);
}

/* [texts * length, width] -> [texts, heads, length, width / heads] */
static t2m_value split_heads(t2m_graph *g, const struct bert_shape *s, t2m_value x,
                             const struct bert_batch *in)
{
    const int64_t split[] = {in->texts, in->length, s->heads, s->width / s->heads};
    const int order[] = {0, 2, 1, 3};
    return t2m_transpose(g, t2m_reshape(g, x, 4, split), order);
}

static t2m_value attention(t2m_graph *g, const struct bert_shape *s, t2m_value x,
                           const t2m_value *w, const struct bert_batch *in)
{
    const int64_t per_key[] = {in->texts, 1, 1, in->length},
                  rows[] = {in->texts * in->length, s->width};
    const int order[] = {0, 2, 1, 3};
    const struct nn_attention a = {.q = split_heads(g, s, linear(g, x, w + QUERY), in),
                                   .k = split_heads(g, s, linear(g, x, w + KEY), in),
                                   .v = split_heads(g, s, linear(g, x, w + VALUE), in),
                                   .bias = t2m_reshape(g, in->bias, 4, per_key)};
    const t2m_value heads = t2m_transpose(g, nn_attention(g, &a), order);
    return linear(g, t2m_reshape(g, heads, 2, rows), w + JOIN);
}

static t2m_value gelu(t2m_graph *g, t2m_value x)
{
    const t2m_value phi = t2m_erf(g, t2m_scale(g, sqrt(0.5), x));
    return t2m_mul(g, t2m_scale(g, 0.5, x), t2m_add(g, phi, t2m_constant(g, 1)));
}

/* (1 + tanh(u)) / 2 is sigmoid(2 u). */
static t2m_value gelu_tanh(t2m_graph *g, t2m_value x)
{
    const double twice_root = 2 * 0.7978845608028654; /* sqrt(2 / pi) */
    const t2m_value slope =
        t2m_axpy(g, 0.044715 * twice_root, t2m_square(g, x), t2m_constant(g, twice_root));
    return t2m_mul(g, x, t2m_sigmoid(g, t2m_mul(g, x, slope)));
}

static t2m_value block(t2m_graph *g, const struct bert_shape *s, t2m_value x, const t2m_value *w,
                       const struct bert_batch *in)
{
    static t2m_value (*const activation[])(t2m_graph *, t2m_value) = {
        [BERT_GELU] = gelu, [BERT_GELU_TANH] = gelu_tanh, [BERT_RELU] = t2m_relu};
    const t2m_value joined = t2m_add(g, attention(g, s, x, w, in), x),
                    h = norm(g, s, joined, w + JOIN_NORM),
                    up = activation[s->activation](g, linear(g, h, w + UP));
    return norm(g, s, t2m_add(g, linear(g, up, w + DOWN), h), w + DOWN_NORM);
}

/* x [rows, numbers], each row of length 1 */
static t2m_value unit_rows(t2m_graph *g, t2m_value x)
{
    const double least = 1e-24; /* the square of a length */
    const t2m_value square = t2m_sum(g, t2m_square(g, x), 1, 1),
                    length = t2m_rsqrt(g, t2m_max(g, square, t2m_constant(g, least)));
    return t2m_mul(g, x, t2m_broadcast(g, length, 1, t2m_dim(g, x, 1)));
}

t2m_value bert_vectors(t2m_graph *g, const struct bert_shape *s, const t2m_value *part,
                       const struct bert_batch *in)
{
    const int64_t split[] = {in->texts, in->length, s->width},
                  shares[] = {in->texts, 1, in->length}, rows[] = {in->texts, s->width};
    t2m_value x = embed(g, s, part, in);
    for (size_t i = 0; i < s->layers; i++)
        x = block(g, s, x, part + TABLES + i * LAYER_PARTS, in);
    const t2m_value mean =
        t2m_matmul(g, t2m_reshape(g, in->share, 3, shares), t2m_reshape(g, x, 3, split));
    return unit_rows(g, t2m_reshape(g, mean, 2, rows));
}
