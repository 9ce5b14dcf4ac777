/* methods.c: the named methods, one row each. To add a method, add a row. */
#include "mapping/learner.h"

#include <string.h>

const struct method methods[] = {
    {"maml", "shared start, gradient steps on all weights (Finn et al. 2017)", GENERATE_SHARED,
     HEAD_LEARNED, TUNE_WEIGHTS, false, META_EXACT, NORM_JOINT, 1, 0.1, 1e-3},
    {"fomaml", "maml without second derivatives (Finn et al. 2017)", GENERATE_SHARED, HEAD_LEARNED,
     TUNE_WEIGHTS, false, META_FIRST_ORDER, NORM_JOINT, 1, 0.1, 1e-3},
    {"reptile", "moves the start towards the tuned weights (Nichol et al. 2018)", GENERATE_SHARED,
     HEAD_LEARNED, TUNE_WEIGHTS, false, META_REPTILE, NORM_JOINT, 5, 0.02, 1e-3},
    {"anil", "maml that tunes the head only (Raghu et al. 2020)", GENERATE_SHARED, HEAD_LEARNED,
     TUNE_HEAD, false, META_EXACT, NORM_JOINT, 5, 0.1, 1e-3},
    {"metasgd", "maml with a learned rate for each weight (Li et al. 2017)", GENERATE_SHARED,
     HEAD_LEARNED, TUNE_WEIGHTS, true, META_EXACT, NORM_JOINT, 1, 0.05, 1e-3},
    {"protonet", "class means of learned features (Snell et al. 2017)", GENERATE_SHARED,
     HEAD_PROTOTYPES, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
    {"ridge", "ridge regression on learned features (Bertinetto et al. 2019)", GENERATE_SHARED,
     HEAD_RIDGE, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
    {"protomaml", "maml whose head starts from prototypes (Triantafillou et al. 2020)",
     GENERATE_SHARED, HEAD_PROTOTYPES, TUNE_WEIGHTS, false, META_EXACT, NORM_JOINT, 3, 0.01, 1e-3},
    {"cavia", "tunes a small context of the shared model (Zintgraf et al. 2019)", GENERATE_SHARED,
     HEAD_LEARNED, TUNE_CONTEXT, false, META_EXACT, NORM_JOINT, 1, 1.0, 1e-3},
    {"hyper", "weights generated from the task vector (Ha et al. 2017; Mueller et al. 2023)",
     GENERATE_HYPER, HEAD_LEARNED, TUNE_NOTHING, false, META_EXACT, NORM_RUNNING, 0, 0.01, 1e-3},
};
const size_t method_count = sizeof methods / sizeof *methods;

const struct method *method_find(const char *name)
{
    for (size_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}
