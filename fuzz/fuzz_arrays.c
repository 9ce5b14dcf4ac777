/* fuzz_arrays.c: any bytes as a .npy file. */
#include "fuzz.h"

#include "files/arrays.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct array a;
    const struct bytes file = {(unsigned char *)(uintptr_t)data, n};
    t2m *lib = fuzz_library();
    if (array_parse(lib, &file, "fuzz.npy", &a) == T2M_OK) {
        volatile double sum = 0;
        for (size_t i = 0; i < a.count; i++)
            sum += array_at(&a, i);
        (void)sum;
        mem_free(lib, a.data);
    }
    return 0;
}
