/* source.h: a folder or a .zip as one sorted list of named files. Nothing is ever unpacked to disk.
 * Refused with the entry's name: `..`, absolute paths, symlinks in zips, encrypted or overlapping
 * entries, more than SOURCE_MAX_ENTRIES, a ratio over 200:1 above 1 MiB,
 * a total over the memory limit. Hidden files (.x, __MACOSX) are left out. */
#pragma once
#include "files/store.h"

enum { SOURCE_MAX_ENTRIES = 100000, SOURCE_MAX_DEPTH = 8 };

struct source {
    t2m *lib;
    const char *path;   /* as given */
    const char **names; /* relative, '/' between parts, sorted by bytes */
    size_t count;
    struct source_impl *impl;
};

t2m_status source_open(t2m *lib, const char *path, struct source **out);
t2m_status source_read(struct source *s, size_t index, struct bytes *out);
void source_close(struct source *s);
