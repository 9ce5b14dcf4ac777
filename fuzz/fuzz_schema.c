/* fuzz_schema.c: any bytes as a CSV file whose columns are found, applied, stored and read again;
 * and, where they begin with '{', as stored rules. */
#include "fuzz.h"

#include <string.h>

#include "task/schema.h"

static void need(bool good)
{
    if (!good)
        abort();
}

static void name_all(const struct schema *s)
{
    char name[128];
    for (size_t i = 0; i < s->outputs; i++)
        schema_output_name(s, i, name);
}

/* The rules that were stored are those that were found. */
static void store(const struct schema *s, const struct table *t)
{
    char *json = NULL, *again = NULL;
    struct schema *read = NULL;
    const size_t n = t->rows * s->outputs;
    float *x = malloc((n + 1) * sizeof *x), *other = malloc((n + 1) * sizeof *x),
          *y = malloc(t->rows * sizeof *y);
    need(schema_apply(s, t, x, y) == T2M_OK);
    need(schema_text(s, &json) == T2M_OK && schema_parse(s->lib, &read, json) == T2M_OK);
    need(schema_text(read, &again) == T2M_OK && strcmp(json, again) == 0);
    need(schema_apply(read, t, other, NULL) == T2M_OK);
    need(memcmp(x, other, n * sizeof *x) == 0);
    name_all(read);
    mem_free(s->lib, json);
    mem_free(s->lib, again);
    schema_free(read);
    free(x);
    free(other);
    free(y);
}

static void try_table(t2m *lib, const struct bytes *file)
{
    struct table *t;
    if (table_parse(lib, file, "fuzz.csv", &t) != T2M_OK)
        return;
    for (int classes = -1; classes <= 1; classes++) {
        struct schema *s;
        const struct schema_options o = {.classes = classes};
        if (schema_find(lib, &s, t, &o) != T2M_OK)
            continue;
        store(s, t);
        schema_free(s);
    }
    table_free(t);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    t2m *lib = fuzz_library();
    struct schema *s;
    const struct bytes file = {(unsigned char *)(uintptr_t)data, n};
    try_table(lib, &file);
    if (n > 0 && data[0] == '{') {
        char *json = calloc(n + 1, 1);
        memcpy(json, data, n);
        if (schema_parse(lib, &s, json) == T2M_OK) {
            name_all(s);
            schema_free(s);
        }
        free(json);
    }
    return 0;
}
