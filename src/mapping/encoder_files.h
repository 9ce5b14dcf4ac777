/* encoder_files.h: what encoder.c needs of a published encoder: read, checked, and not changed any
 * more. */
#pragma once
#include "files/safetensors.h"
#include "files/wordpiece.h"
#include "nn/bert.h"

struct encoder_files {
    t2m *lib;
    const char *folder; /* borrowed, for messages while it is read */
    struct bert_shape shape;
    struct wordpiece *words;
    struct tensor_file *tensors; /* NULL once it is read */
    float *weights;              /* the numbers of all parts, one behind the other */
    const float **part; /* [bert_parts(&shape)] in weights, turned as the graph takes them; NULL:
                           the model has none */
    size_t most;        /* pieces of a text, [CLS] and [SEP] among them */
    bool first;         /* the vector of [CLS] is taken, not the mean */
};

/* Errors as encoder_open. encoder_files_close in any case. */
t2m_status encoder_files_read(struct encoder_files *e, t2m *lib, const char *folder);
void encoder_files_close(struct encoder_files *e);
uint64_t encoder_files_fingerprint(const struct encoder_files *e);
