/* fuzz_table.c: any bytes as a CSV file. */
#include "fuzz.h"

#include "files/table.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct table *t;
    double v;
    const struct bytes file = {(unsigned char *)(uintptr_t)data, n};
    if (table_parse(fuzz_library(), &file, "fuzz.csv", &t) == T2M_OK) {
        for (size_t i = 0; i < t->rows * t->columns; i++)
            if (table_number(t, i / t->columns, i % t->columns, &v) != T2M_OK)
                v = 0;
        table_free(t);
    }
    return 0;
}
