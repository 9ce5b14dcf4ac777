/* fuzz.h: what the fuzz targets share: a library handle made once, with a small memory limit. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static inline t2m *fuzz_library(void)
{
    static t2m *lib;
    t2m_options o = T2M_OPTIONS_INIT;
    o.threads = 1;
    o.max_memory = 64 << 20;
    if (!lib && t2m_open(&lib, &o, NULL) != T2M_OK)
        abort();
    return lib;
}
