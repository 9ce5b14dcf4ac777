/* open.c: the library handle: hooks, kernels, threads. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "engine/compute/kernels.h"
#include "engine/compute/pool.h"
#include "engine/plan/times.h"

enum { DEFAULT_MEMORY_LIMIT = 1 << 30 };

/* ---- the system as hook tables ---- */

static void *system_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *system_resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    return realloc(old, size);
}

static void system_release(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static int system_open(void *ctx, const char *path, int flags, unsigned mode)
{
    (void)ctx;
    return open(path, flags | O_CLOEXEC, mode);
}

static int64_t system_read(void *ctx, int fd, void *p, size_t n)
{
    (void)ctx;
    return read(fd, p, n);
}

static int64_t system_write(void *ctx, int fd, const void *p, size_t n)
{
    (void)ctx;
    return write(fd, p, n);
}

static int system_sync(void *ctx, int fd)
{
    (void)ctx;
    return fsync(fd);
}

static int system_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd);
}

static int system_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return rename(from, to);
}

static int system_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path);
}

static const t2m_allocator system_allocator = {system_allocate, system_resize, system_release,
                                               NULL};
static const t2m_io system_io = {system_open,  system_read,   system_write,  system_sync,
                                 system_close, system_rename, system_unlink, NULL};

/* ---- open and close ---- */

static t2m_status choose_kernels(t2m *lib, const char *isa)
{
    const char *name = isa ? isa : getenv("T2M_ISA");
    lib->kernels = kernels_choose(name);
    lib->kernels_f64 = &kernels_f64;
    if (!lib->kernels)
        return refuse(lib, T2M_EUSAGE,
                      "this processor cannot run the instruction set '%s' (T2M_ISA)", name);
    const char *bad = kernels_self_test(lib->kernels);
    return bad ? refuse(lib, T2M_ESELFTEST,
                        "self-test: %s gives wrong results with '%s'; try "
                        "T2M_ISA=base",
                        bad, lib->kernels->isa)
               : T2M_OK;
}

t2m_status t2m_open(t2m **out, const t2m_options *options, char *message)
{
    const t2m_options defaults = T2M_OPTIONS_INIT;
    const t2m_options *o = options ? options : &defaults;
    const t2m_allocator *alloc = o->alloc ? o->alloc : &system_allocator;
    t2m *lib = alloc->allocate(alloc->ctx, sizeof *lib);
    *out = NULL;
    if (!lib) {
        if (message)
            snprintf(message, 256, "out of memory");
        return T2M_ENOMEM;
    }
    *lib = (t2m){.alloc = *alloc, .io = o->io ? *o->io : system_io};
    lib->memory_limit = o->max_memory ? o->max_memory : DEFAULT_MEMORY_LIMIT;
    t2m_status status =
        o->version == T2M_VERSION_1
            ? choose_kernels(lib, o->isa)
            : refuse(lib, T2M_EUSAGE, "unknown version %d of the options", o->version);
    if (status == T2M_OK)
        status = pool_new(lib, o->threads, &lib->pool);
    if (status == T2M_OK && o->profile)
        status = times_new(lib);
    if (status != T2M_OK) {
        if (message)
            snprintf(message, 256, "%.255s", lib->errmsg);
        t2m_close(lib);
        return status;
    }
    *out = lib;
    return T2M_OK;
}

void t2m_close(t2m *lib)
{
    if (!lib)
        return;
    if (lib->encoder.free)
        lib->encoder.free(lib->encoder.ctx);
    pool_free(lib->pool);
    times_free(lib);
    const t2m_allocator alloc = lib->alloc;
    alloc.release(alloc.ctx, lib);
}

const char *t2m_errmsg(const t2m *lib)
{
    return lib->errmsg;
}

const char *t2m_isa(const t2m *lib)
{
    return lib->kernels->isa;
}

size_t t2m_threads(const t2m *lib)
{
    return pool_size(lib->pool);
}

void t2m_free(t2m *lib, void *p)
{
    mem_free(lib, p);
}

const char *t2m_status_name(t2m_status status)
{
    static const char *const name[] = {"ok",        "failure",       "usage", "bad-data",
                                       "bad-model", "out-of-memory", "io",    "diverged",
                                       "self-test", "cancelled"};
    const int i = -(int)status;
    return i >= 0 && i < (int)(sizeof name / sizeof *name) ? name[i] : "unknown";
}
