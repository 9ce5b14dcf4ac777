/* store.h: whole files in, whole files out, through the I/O hooks. A file appears complete or not
 * at all: temporary in the same folder, written, synced, renamed, folder synced. The only place in
 * the library that opens, writes or renames files. */
#pragma once
#include "base/base.h"

struct bytes { /* freed by mem_free(lib, data) */
    unsigned char *data;
    size_t length;
};

/* Reads a regular file of at most `max` bytes. A missing file, a folder, a device, a file that is
 * too large or shrinks: T2M_EIO or T2M_EDATA with path, size and limit in the sentence. data has
 * one NUL more than length. */
t2m_status store_read(t2m *lib, const char *path, size_t max, struct bytes *out);
/* Writes the pieces one after the other. T2M_EUSAGE if path exists and !force; T2M_EIO names path
 * and errno (and for a full disk the bytes needed); nothing is left behind on failure. */
t2m_status store_write(t2m *lib, const char *path, const struct bytes *pieces, size_t n,
                       bool force);
bool store_exists(const char *path);
bool store_is_folder(const char *path);
/* Creates a folder if it is not there. */
t2m_status store_folder(t2m *lib, const char *path);
/* Appends one line to a log file: written at once, not synced; creates the file. */
t2m_status store_append(t2m *lib, const char *path, const char *line);
