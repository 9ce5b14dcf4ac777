/* fuzz_safetensors.c: any bytes as a model file. */
#include "fuzz.h"

#include "files/safetensors.h"

static void try_file(const struct bytes *file, bool foreign)
{
    struct tensor_file *f;
    volatile float sum = 0;
    if (safetensors_parse(fuzz_library(), file, &(struct tensor_origin){"fuzz", foreign}, &f) !=
        T2M_OK)
        return;
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; f->tensors[i].data && k < f->tensors[i].count; k++)
            sum += f->tensors[i].data[k];
    (void)sum;
    safetensors_free(f);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    const struct bytes file = {(unsigned char *)(uintptr_t)data, n};
    try_file(&file, false);
    try_file(&file, true);
    return 0;
}
