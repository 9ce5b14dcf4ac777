/* cpu.c: which tables of kernels this processor can run. Called once, at open. */
#include "engine/compute/kernels.h"

#include <string.h>

extern const struct kernels kernels_base;
#ifdef __x86_64__
extern const struct kernels kernels_avx2, kernels_avx512;
#endif

/* The sets of instructions are nested: a processor that has one of them has those before it. */
static const struct kernels *const by_speed[] = {
    &kernels_base,
#ifdef __x86_64__
    &kernels_avx2,
    &kernels_avx512,
#endif
};

size_t kernels_available(const struct kernels *const **list)
{
    size_t count = 1;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        count = 2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
            count = 3;
    }
#endif
    *list = by_speed;
    return count;
}

const struct kernels *kernels_choose(const char *name)
{
    const struct kernels *const *list;
    for (size_t i = kernels_available(&list); i > 0; i--)
        if (!name || strcmp(list[i - 1]->isa, name) == 0)
            return list[i - 1];
    return NULL;
}
