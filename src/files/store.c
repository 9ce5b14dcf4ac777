/* store.c: whole files in and out. */
#include "files/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static t2m_status refuse_system(t2m *lib, const char *what, const char *path)
{
    return refuse(lib, T2M_EIO, "cannot %s '%.200s': %s", what, path, strerror(errno));
}

bool store_exists(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0;
}

bool store_is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* ---- reading ---- */

static t2m_status read_all(t2m *lib, int fd, const char *path, size_t size, struct bytes *out)
{
    unsigned char *data = mem_new(lib, size + 1, 1);
    size_t at = 0;
    if (!data)
        return T2M_ENOMEM;
    while (at < size) {
        const int64_t n = lib->io.read(lib->io.ctx, fd, data + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            mem_free(lib, data);
            return n < 0
                       ? refuse_system(lib, "read", path)
                       : refuse(lib, T2M_EDATA, "'%.200s' became shorter while it was read", path);
        }
        at += (size_t)n;
    }
    *out = (struct bytes){data, size};
    return T2M_OK;
}

t2m_status store_read(t2m *lib, const char *path, size_t max, struct bytes *out)
{
    struct stat s;
    const int fd = lib->io.open(lib->io.ctx, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return refuse_system(lib, "open", path);
    t2m_status status;
    if (fstat(fd, &s) != 0)
        status = refuse_system(lib, "look at", path);
    else if (!S_ISREG(s.st_mode))
        status = refuse(lib, T2M_EDATA, "'%.200s' is %s, not a file", path,
                        S_ISDIR(s.st_mode) ? "a folder" : "a device or pipe");
    else if ((uint64_t)s.st_size > max)
        status =
            refuse(lib, T2M_EDATA, "'%.200s' has %lld bytes; at most %zu are read (--max-memory)",
                   path, (long long)s.st_size, max);
    else
        status = read_all(lib, fd, path, (size_t)s.st_size, out);
    lib->io.close(lib->io.ctx, fd);
    return status;
}

/* ---- writing ---- */

static t2m_status write_all(t2m *lib, int fd, const char *path, const struct bytes *piece,
                            size_t need)
{
    size_t at = 0;
    while (at < piece->length) {
        const int64_t n = lib->io.write(lib->io.ctx, fd, piece->data + at, piece->length - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0 || errno == ENOSPC || errno == EDQUOT)
                return refuse(lib, T2M_EIO,
                              "no room for '%.200s': it needs %zu bytes; nothing was changed", path,
                              need);
            return refuse_system(lib, "write", path);
        }
        at += (size_t)n;
    }
    return T2M_OK;
}

/* The folder's own entry reaches the disk too. */
static void sync_folder(t2m *lib, const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 1;
    if (n >= sizeof folder)
        return;
    memcpy(folder, slash ? path : ".", n);
    folder[n] = 0;
    const int fd = lib->io.open(lib->io.ctx, n ? folder : "/", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return;
    lib->io.sync(lib->io.ctx, fd);
    lib->io.close(lib->io.ctx, fd);
}

static t2m_status write_temporary(t2m *lib, const char *path, const char *name,
                                  const struct bytes *pieces, size_t n)
{
    size_t need = 0;
    const int fd = lib->io.open(lib->io.ctx, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        return refuse_system(lib, "create", path);
    for (size_t i = 0; i < n; i++)
        need += pieces[i].length;
    t2m_status status = T2M_OK;
    for (size_t i = 0; i < n && status == T2M_OK; i++)
        status = write_all(lib, fd, path, &pieces[i], need);
    if (status == T2M_OK && lib->io.sync(lib->io.ctx, fd) != 0)
        status = refuse_system(lib, "write", path);
    if (lib->io.close(lib->io.ctx, fd) != 0 && status == T2M_OK)
        status = refuse_system(lib, "write", path);
    return status;
}

t2m_status store_write(t2m *lib, const char *path, const struct bytes *pieces, size_t n, bool force)
{
    char name[4096];
    if (!force && store_exists(path))
        return refuse(lib, T2M_EUSAGE, "'%.200s' exists; choose another name or give --force",
                      path);
    if (snprintf(name, sizeof name, "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof name)
        return refuse(lib, T2M_EUSAGE, "the path is too long: '%.60s...'", path);
    t2m_status status = write_temporary(lib, path, name, pieces, n);
    if (status == T2M_OK && lib->io.rename(lib->io.ctx, name, path) != 0)
        status = refuse_system(lib, "replace", path);
    if (status != T2M_OK)
        lib->io.unlink(lib->io.ctx, name);
    else
        sync_folder(lib, path);
    return status;
}

t2m_status t2m_file_save(t2m *lib, const char *path, const void *bytes, size_t n, bool force)
{
    const struct bytes piece = {(unsigned char *)(uintptr_t)bytes, n};
    return store_write(lib, path, &piece, 1, force);
}

t2m_status store_folder(t2m *lib, const char *path)
{
    struct stat s;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode)))
        return T2M_OK;
    return refuse_system(lib, "create the folder", path);
}

t2m_status store_append(t2m *lib, const char *path, const char *line)
{
    const int fd = lib->io.open(lib->io.ctx, path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0)
        return refuse_system(lib, "open", path);
    char text[1024];
    const int n = snprintf(text, sizeof text, "%.1000s\n", line);
    const struct bytes piece = {(unsigned char *)text, (size_t)n};
    const t2m_status status = write_all(lib, fd, path, &piece, (size_t)n);
    lib->io.close(lib->io.ctx, fd);
    return status;
}
