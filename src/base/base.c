/* base.c: errors, memory through the hook table, arenas, checked sizes. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ARENA_ALIGN = 64, ARENA_FIRST = 1 << 16, ARENA_LARGEST = 1 << 22 };

t2m_status refuse(t2m *lib, t2m_status status, const char *format, ...)
{
    char sentence[ERRMSG_SIZE]; /* an argument may be the old message itself */
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    memcpy(lib->errmsg, sentence, sizeof sentence);
    return status;
}

t2m_status fail_memory(t2m *lib, size_t bytes)
{
    return refuse(lib, T2M_ENOMEM, "out of memory (%zu bytes more were needed)", bytes);
}

/* ---- checked sizes ---- */

bool size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

bool checked_numel(const int64_t *dim, int rank, size_t max, size_t *out)
{
    size_t n = 1;
    bool zero = false;
    if (rank < 0 || rank > MAX_RANK)
        return false;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || dim[i] > INT32_MAX)
            return false;
        zero = zero || dim[i] == 0;
    }
    for (int i = 0; i < rank && !zero; i++)
        if (!size_mul(n, (size_t)dim[i], &n) || n > max)
            return false;
    *out = zero ? 0 : n;
    return true;
}

/* ---- memory ---- */

/* Asks the system for pages of 2 MiB, in whole pages of that size: arrays beyond the caches then
 * need few look-ups of where a page lies. A system that has none says no, and that is all. */
static void ask_for_large_pages(void *p, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    enum { LARGE = 2 << 20 };
    const size_t before = (LARGE - (uintptr_t)p % LARGE) % LARGE;
    if (p && bytes >= before + LARGE)
        (void)madvise((char *)p + before, (bytes - before) / LARGE * LARGE, MADV_HUGEPAGE);
#else
    (void)p, (void)bytes;
#endif
}

void *mem_new(t2m *lib, size_t n, size_t size)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes)) {
        fail_memory(lib, SIZE_MAX);
        return NULL;
    }
    void *p = lib->alloc.allocate(lib->alloc.ctx, bytes ? bytes : 1);
    ask_for_large_pages(p, bytes);
    if (p)
        memset(p, 0, bytes ? bytes : 1);
    else
        fail_memory(lib, bytes);
    return p;
}

void *mem_resize(t2m *lib, void *old, size_t n, size_t size)
{
    size_t bytes;
    if (!size_mul(n, size, &bytes)) {
        fail_memory(lib, SIZE_MAX);
        return NULL;
    }
    void *p = lib->alloc.resize(lib->alloc.ctx, old, bytes ? bytes : 1);
    ask_for_large_pages(p, bytes);
    if (!p)
        fail_memory(lib, bytes);
    return p;
}

void mem_free(t2m *lib, void *p)
{
    if (p)
        lib->alloc.release(lib->alloc.ctx, p);
}

char *mem_text(t2m *lib, const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = mem_new(lib, n, 1);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

bool mem_grow(t2m *lib, void **array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return true;
    const size_t room = needed < 8 ? 16 : 2 * needed;
    void *p = mem_resize(lib, *array, room, size);
    if (!p)
        return false;
    *array = p;
    *capacity = room;
    return true;
}

size_t memory_in_use(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long all, resident = 0;
    if (!f)
        return 0;
    const bool good = fscanf(f, "%llu %llu", &all, &resident) == 2;
    fclose(f);
    return good ? (size_t)resident * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* ---- arenas ---- */

struct arena_block {
    struct arena_block *older;
    size_t size, used; /* bytes after the header */
    char *start;
};

void arena_init(struct arena *a, t2m *lib)
{
    *a = (struct arena){.lib = lib};
}

static bool arena_block_new(struct arena *a, size_t bytes)
{
    size_t size = a->newest ? 2 * a->newest->size : ARENA_FIRST, total;
    size = size > ARENA_LARGEST ? ARENA_LARGEST : size;
    size = size < bytes ? bytes : size;
    if (!size_add(size, sizeof(struct arena_block) + ARENA_ALIGN, &total))
        return false;
    struct arena_block *b = a->lib->alloc.allocate(a->lib->alloc.ctx, total);
    if (!b)
        return false;
    char *first = (char *)(b + 1);
    *b = (struct arena_block){a->newest, size, 0,
                              first + (ARENA_ALIGN - (uintptr_t)first % ARENA_ALIGN) % ARENA_ALIGN};
    a->newest = b;
    return true;
}

void *arena_new(struct arena *a, size_t n, size_t size)
{
    size_t bytes, room;
    const bool fits = size_mul(n, size, &bytes) && size_add(bytes, ARENA_ALIGN, &room);
    if (!fits ||
        (!(a->newest && a->newest->size - a->newest->used >= room) && !arena_block_new(a, room))) {
        a->failed = true;
        fail_memory(a->lib, bytes);
        return NULL;
    }
    void *p = a->newest->start + a->newest->used;
    a->newest->used += (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    return memset(p, 0, bytes);
}

char *arena_text(struct arena *a, const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = arena_new(a, n, 1);
    return copy ? memcpy(copy, s, n) : NULL;
}

void arena_clear(struct arena *a)
{
    while (a->newest) {
        struct arena_block *older = a->newest->older;
        a->lib->alloc.release(a->lib->alloc.ctx, a->newest);
        a->newest = older;
    }
}

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
