/* fuzz_learner.c: any bytes as a learner and as a model, with a checksum that fits. The readers
 * take a path, so the bytes go to a memory file. */
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

static void use_model(t2m_model *m)
{
    t2m_model_info info;
    t2m_model_describe(m, &info);
    float *x = calloc(info.inputs, sizeof *x), *y = calloc(info.outputs, sizeof *y);
    if (x && y && info.inputs < 1 << 14 && info.parameters < 1 << 16 &&
        t2m_model_prepare(m, 1) == T2M_OK)
        t2m_model_predict(m, x, 1, y);
    free(x);
    free(y);
    t2m_model_free(m);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char path[64];
    t2m_learner *l;
    t2m_model *m;
    unsigned char *copy = malloc(n + 1);
    const int fd = memfd_create("fuzz", 0);
    if (!copy || fd < 0)
        abort();
    if (n)
        memcpy(copy, data, n);
    fit_checksum(copy, n);
    if (write(fd, copy, n) != (ssize_t)n)
        abort();
    free(copy);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
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
