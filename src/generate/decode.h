/* decode.h: step 4, from a task's code z to a body: what of the shared parameters theta0 a code
 * changes. z = 0 gives theta0 itself. Everything is graph values, so learning goes through. */
#pragma once
#include "nn/nn.h"

enum decode {
    DECODE_NOTHING,
    DECODE_CONTEXT, /* z shifts the bias of the first layer (Zintgraf et al. 2019, equation 3) */
    DECODE_BASES,   /* W = W0 + L diag(z) R for each tensor, L and R shared by all tasks */
    DECODE_ALL      /* theta0 + z (Ha et al. 2017) */
};
enum { CONTEXT_SIZE = 5, BASES_SIZE = 16 };

struct decoder {
    enum decode kind;
    const struct layout *model; /* of theta0; may go on behind it */
    size_t numel;               /* numbers of theta0 */
    const struct layout *parts; /* of phi */
    t2m_value phi;
};
/* Whether theta0, the first `numel` numbers of the layout, has what z changes. */
bool decode_fits(enum decode kind, const struct layout *model, size_t numel);
size_t decode_code_size(enum decode kind, size_t numel);
/* Appends the parameters ("context.weight", "basis.*") of a theta0 that is the first `numel`
 * numbers of the layout. */
void decode_layout(enum decode kind, const struct layout *model, size_t numel,
                   struct layout *parts);
/* theta0 [numel], z [code size] -> [numel] */
t2m_value decode_model(t2m_graph *g, const struct decoder *d, t2m_value theta0, t2m_value z);
/* What a gradient at theta0 says: its root mean square in each tensor, then, with
 * bases, its products with them: the gradient for z at 0. */
size_t decode_probe_size(enum decode kind, const struct layout *model, size_t numel);
t2m_value decode_probe(t2m_graph *g, const struct decoder *d, t2m_value gradient);
