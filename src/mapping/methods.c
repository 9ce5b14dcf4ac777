/* methods.c: the named methods, one row each. To add a method, add a row. */
#include "mapping/learner.h"

#include <string.h>

enum { SET = REPRESENT_SET, STATISTICS = REPRESENT_STATISTICS, PROBE = REPRESENT_PROBE };

/* clang-format off */
const struct method methods[] = {
    {"maml", "shared start, gradient steps on all weights (Finn et al. 2017)",
     0, DECODE_NOTHING, HEAD_LEARNED, TUNE_WEIGHTS, false, META_EXACT, NORM_JOINT, 1, 0.1, 1e-3},
    {"fomaml", "maml without second derivatives (Finn et al. 2017)",
     0, DECODE_NOTHING, HEAD_LEARNED, TUNE_WEIGHTS, false, META_FIRST_ORDER, NORM_JOINT, 1, 0.1, 1e-3},
    {"reptile", "moves the start towards the tuned weights (Nichol et al. 2018)",
     0, DECODE_NOTHING, HEAD_LEARNED, TUNE_WEIGHTS, false, META_REPTILE, NORM_JOINT, 5, 0.02, 1e-3},
    {"anil", "maml that tunes the head only (Raghu et al. 2020)",
     0, DECODE_NOTHING, HEAD_LEARNED, TUNE_HEAD, false, META_EXACT, NORM_JOINT, 5, 0.1, 1e-3},
    {"metasgd", "maml with a learned rate for each weight (Li et al. 2017)",
     0, DECODE_NOTHING, HEAD_LEARNED, TUNE_WEIGHTS, true, META_EXACT, NORM_JOINT, 1, 0.05, 1e-3},
    {"protonet", "class means of learned features (Snell et al. 2017)",
     0, DECODE_NOTHING, HEAD_PROTOTYPES, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
    {"ridge", "ridge regression on learned features (Bertinetto et al. 2019)",
     0, DECODE_NOTHING, HEAD_RIDGE, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
    {"protomaml", "maml whose head starts from prototypes (Triantafillou et al. 2020)",
     0, DECODE_NOTHING, HEAD_PROTOTYPES, TUNE_WEIGHTS, false, META_EXACT, NORM_JOINT, 3, 0.01, 1e-3},
    {"cavia", "tunes a small context of the shared model (Zintgraf et al. 2019)",
     0, DECODE_CONTEXT, HEAD_LEARNED, TUNE_CODE, false, META_EXACT, NORM_JOINT, 1, 1.0, 1e-3},
    {"cnp", "context of the shared model from the task vector (Garnelo et al. 2018)",
     SET, DECODE_CONTEXT, HEAD_LEARNED, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
    {"hyper", "weights generated from the task vector (Ha et al. 2017; Mueller et al. 2023)",
     SET | STATISTICS, DECODE_ALL, HEAD_LEARNED, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
    {"leo", "weights decoded from a code that is tuned, then tuned themselves (Rusu et al. 2019)",
     SET, DECODE_BASES, HEAD_LEARNED, TUNE_CODE_THEN_WEIGHTS, true, META_EXACT, NORM_SUPPORT, 2, 0.1, 1e-3},
    {"t2m", "weights on shared bases from the task vector, head in closed form; may be tuned, by leave-one-out",
     SET | STATISTICS | PROBE, DECODE_BASES, HEAD_CLOSED, TUNE_CODE_THEN_WEIGHTS, true, META_EXACT, NORM_SUPPORT, 0, 0.1, 1e-3},
    {"tables", "for tables of any columns: layers made from the columns and rows, head solved on the rows",
     0, DECODE_NOTHING, HEAD_CLOSED, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.1, 1e-3},
};
/* clang-format on */
const size_t method_count = sizeof methods / sizeof *methods;

const char *const decode_names[4] = {"nothing", "context", "bases", "all"};
const char *const tuned_names[5] = {"nothing", "weights", "head", "code", "both"};

size_t name_find(const char *const *list, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(list[i], name) != 0)
        i++;
    return i;
}

const struct method *method_find(const char *name)
{
    for (size_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

bool method_may_decode(const struct method *m, enum decode decode)
{
    const bool weights = m->decode == DECODE_BASES || m->decode == DECODE_ALL;
    return decode == m->decode || (weights && (decode == DECODE_BASES || decode == DECODE_ALL));
}

bool method_may_tune(const struct method *m, enum tuned tuned)
{
    return tuned == m->tuned ||
           (m->tuned == TUNE_CODE_THEN_WEIGHTS && (tuned == TUNE_CODE || tuned == TUNE_WEIGHTS));
}
