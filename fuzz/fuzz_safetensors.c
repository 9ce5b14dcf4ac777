/* fuzz_safetensors.c: any bytes as a model file. */
#include "fuzz.h"

#include "files/safetensors.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct tensor_file *f;
    const struct bytes file = {(unsigned char *)(uintptr_t)data, n};
    if (safetensors_parse(fuzz_library(), &file, "fuzz", &f) == T2M_OK) {
        volatile float sum = 0;
        for (size_t i = 0; i < f->count; i++)
            for (size_t k = 0; k < f->tensors[i].count; k++)
                sum += f->tensors[i].data[k];
        (void)sum;
        safetensors_free(f);
    }
    return 0;
}
