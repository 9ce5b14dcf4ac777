/* encoder.h: texts as vectors by an encoder of the BERT family as it is published: a folder with
 *
 *   config.json        sizes; model_type bert or distilbert
 *   model.safetensors  weights, F32, F16 or BF16, in one file
 *   vocab.txt          pieces of words (WordPiece); or tokenizer.json, which has them too
 *
 * and, if they are there, tokenizer_config.json (do_lower_case, strip_accents,
 * tokenize_chinese_chars, model_max_length), sentence_bert_config.json (max_seq_length,
 * do_lower_case) and 1_Pooling/config.json. The vector of a text is the mean of the last layer's
 * vectors of its pieces, [CLS] and [SEP] among them (or the vector of [CLS], if 1_Pooling says so),
 * divided by its length (Reimers and Gurevych 2019, "Sentence-BERT"). The model itself is in
 * nn/bert.h, the cutting of texts in files/wordpiece.h.
 *
 * A text may have as many pieces as max_seq_length says, else model_max_length, and never more than
 * the model has positions; of a longer one the beginning counts, as in the reference
 * implementation. */
#pragma once
#include "base/base.h"

struct encoder;

/* T2M_EDATA, with file, tensor or line and what to do: the folder lacks a file, its sizes do not
 * make sense or do not fit its tensors, it is of another architecture, its weights are pickled or
 * cut into several files, or larger than max_memory. T2M_EMODEL: model.safetensors is damaged.
 * Takes twice the memory of that file while it is read, and then that of the weights. Freed by
 * encoder_free, before the library handle. */
t2m_status encoder_open(t2m *lib, struct encoder **out, const char *folder);
void encoder_free(struct encoder *e); /* NULL is allowed */
size_t encoder_width(const struct encoder *e);

/* The vectors of text[n] to out [n, width]. All threads of the handle work, and e belongs to the
 * caller's thread meanwhile. The bits of a vector depend on its text and the instruction set alone,
 * not on threads or on the other texts. T2M_EDATA: a text that is not UTF-8. out is complete only
 * on T2M_OK. The first text of a new length takes some milliseconds more: its program is kept. */
t2m_status encoder_run(struct encoder *e, const char *const *text, size_t n, float *out);

/* Of weights, vocabulary, sizes and rules, so that a learner knows its encoder again; the same for
 * the same numbers on any machine. */
uint64_t encoder_fingerprint(const struct encoder *e);
