/* model_alone.c: a model at work without its learner: open, prepare, predict.
 * Usage: model_alone MODEL NUMBER... (as many numbers as the model has columns) */
#include <stdio.h>
#include <stdlib.h>

#include "task2model.h"

int main(int argc, char **argv)
{
    char message[256] = "";
    t2m *lib;
    t2m_model *model;
    t2m_model_info info;
    float x[256], y[256];
    if (argc < 3 || t2m_open(&lib, NULL, message) != T2M_OK) {
        fprintf(stderr, "usage: model_alone MODEL NUMBER... %s\n", message);
        return 2;
    }
    if (t2m_model_open(lib, &model, argv[1]) != T2M_OK || t2m_model_prepare(model, 1) != T2M_OK) {
        fprintf(stderr, "%s\n", t2m_errmsg(lib));
        return 1;
    }
    t2m_model_describe(model, &info);
    if (info.inputs != (size_t)argc - 2 || info.inputs > 256 || info.outputs > 256) {
        fprintf(stderr, "this model takes %zu numbers\n", info.inputs);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        x[i - 2] = (float)atof(argv[i]);
    if (t2m_model_predict(model, x, 1, y) != T2M_OK)
        return 1;
    for (size_t k = 0; k < info.outputs; k++)
        printf("%.7g\n", y[k]);
    t2m_model_free(model);
    t2m_close(lib);
    return 0;
}
