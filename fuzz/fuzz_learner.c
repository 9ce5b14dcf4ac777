/* fuzz_learner.c: any bytes as a learner and as a model, with a checksum that fits; a model of a
 * table also reads rows. The readers take a path, so the bytes go to a memory file. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"

static const char key[] = "\"crc32c\":\"";
enum { DIGITS = 8, BEFORE = sizeof key - 1 };

static void fit_checksum(unsigned char *data, size_t n)
{
    unsigned char *at = n ? memmem(data, n, key, BEFORE) : NULL;
    char digits[DIGITS + 1];
    if (!at || (size_t)(data + n - at) < BEFORE + DIGITS)
        return;
    memcpy(at + BEFORE, "00000000", DIGITS);
    snprintf(digits, sizeof digits, "%08x", crc32c(0, data, n));
    memcpy(at + BEFORE, digits, DIGITS);
}

/* A memory file of these bytes; its path. */
static int memory_file(const void *data, size_t n, char path[64])
{
    const int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* Rows for models of tables that know columns `size` and `colour`; else one of zeros. */
static float *rows_for(const t2m_model *m, size_t inputs, size_t *n)
{
    static const char rows[] = "size,colour\n3,red\n,\"\"\n-3e38,blue\n";
    char path[64];
    float *x = NULL;
    const int fd = memory_file(rows, sizeof rows - 1, path);
    if (t2m_model_read(m, path, &x, n) != T2M_OK) {
        x = mem_new(fuzz_library(), inputs, sizeof *x);
        *n = 1;
    }
    close(fd);
    return x;
}

static void use_model(t2m_model *m)
{
    t2m_model_info info;
    size_t n = 1;
    t2m_model_describe(m, &info);
    const bool small = info.inputs < 1 << 14 && info.parameters < 1 << 16;
    float *x = small ? rows_for(m, info.inputs, &n) : NULL,
          *y = calloc(n * info.outputs, sizeof *y);
    if (x && y && t2m_model_prepare(m, n) == T2M_OK)
        t2m_model_predict(m, x, n, y);
    t2m_free(fuzz_library(), x);
    free(y);
    t2m_model_free(m);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char path[64];
    t2m_learner *l;
    t2m_model *m;
    unsigned char *copy = malloc(n + 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    fit_checksum(copy, n);
    const int fd = memory_file(copy, n, path);
    free(copy);
    if (t2m_learner_open(fuzz_library(), &l, path) == T2M_OK) {
        t2m_learner_info info;
        t2m_learner_describe(l, &info);
        t2m_learner_free(l);
    }
    if (t2m_model_open(fuzz_library(), &m, path) == T2M_OK)
        use_model(m);
    close(fd);
    return 0;
}
