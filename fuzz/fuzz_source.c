/* fuzz_source.c: any bytes as a zip. The reader takes a path, so the bytes go to a memory file. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "files/source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char path[64];
    struct source *s;
    struct bytes file;
    t2m *lib = fuzz_library();
    const int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (source_open(lib, path, &s) == T2M_OK) {
        for (size_t i = 0; i < s->count; i++)
            if (source_read(s, i, &file) == T2M_OK)
                mem_free(lib, file.data);
        source_close(s);
    }
    close(fd);
    return 0;
}
