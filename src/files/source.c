/* source.c: a folder or a zip as a sorted list of files. A zip is read into memory as a whole,
 * bounded by the memory limit, and its entries are checked before any is unpacked. */
#include "files/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "base/text.h"

enum { RATIO = 200, RATIO_FROM = 1 << 20, ENTRY_HEADERS = 30 + 46 /* bytes, without names */ };

struct source_impl {
    struct arena arena;
    size_t capacity;
    struct bytes file;   /* of a zip */
    zip_t *zip;          /* NULL: a folder */
    zip_uint64_t *place; /* [count] in the zip, parallel to names */
    size_t place_capacity;
};

static t2m_status add_name(struct source *s, const char *name, zip_uint64_t place)
{
    struct source_impl *m = s->impl;
    char shown[64];
    if (!text_is_name(name))
        return refuse(s->lib, T2M_EDATA,
                      "'%.200s': the name '%s' has control characters or is not UTF-8", s->path,
                      text_shown(name, strlen(name), shown));
    if (s->count >= SOURCE_MAX_ENTRIES)
        return refuse(s->lib, T2M_EDATA, "'%.200s' has more than %d files", s->path,
                      SOURCE_MAX_ENTRIES);
    if (!mem_grow(s->lib, (void **)&s->names, &m->capacity, s->count + 1, sizeof *s->names) ||
        !mem_grow(s->lib, (void **)&m->place, &m->place_capacity, s->count + 1, sizeof *m->place))
        return T2M_ENOMEM;
    if (!(s->names[s->count] = arena_text(&m->arena, name)))
        return T2M_ENOMEM;
    m->place[s->count++] = place;
    return T2M_OK;
}

static bool hidden(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (*part == '.' || strncmp(part, "__MACOSX", 8) == 0)
            return true;
    }
    return false;
}

/* ---- folders ---- */

static t2m_status list_folder(struct source *s, const char *below, int depth);

/* An entry of the folder `below`: a folder is listed, a file added, anything else refused. */
static t2m_status list_entry(struct source *s, const char *below, const char *entry, int depth)
{
    char name[2048], full[6200];
    struct stat st;
    if (snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", entry) >= (int)sizeof name)
        return refuse(s->lib, T2M_EDATA, "'%.200s': a path is too long", s->path);
    snprintf(full, sizeof full, "%s/%s", s->path, name);
    if (hidden(name))
        return T2M_OK;
    if (stat(full, &st) != 0)
        return refuse(s->lib, T2M_EIO, "cannot open '%.200s': %s", full, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return list_folder(s, name, depth + 1);
    return S_ISREG(st.st_mode)
               ? add_name(s, name, 0)
               : refuse(s->lib, T2M_EDATA, "'%.200s' is a device or pipe, not a file", full);
}

static t2m_status list_folder(struct source *s, const char *below, int depth)
{
    char path[4096];
    t2m_status status = T2M_OK;
    bool empty = true;
    if (depth > SOURCE_MAX_DEPTH)
        return refuse(s->lib, T2M_EDATA, "'%.200s': folders more than %d deep", s->path,
                      SOURCE_MAX_DEPTH);
    snprintf(path, sizeof path, "%s/%s", s->path, below);
    DIR *d = opendir(path);
    if (!d)
        return refuse(s->lib, T2M_EIO, "cannot open the folder '%.200s': %s", path,
                      strerror(errno));
    for (struct dirent *e; status == T2M_OK && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        empty = false;
        status = list_entry(s, below, e->d_name, depth);
    }
    closedir(d);
    if (status == T2M_OK && empty && depth > 0)
        return refuse(s->lib, T2M_EDATA, "the folder '%.200s' is empty", path);
    return status;
}

/* ---- zips ---- */

static t2m_status bad_entry(struct source *s, const char *entry, const char *why)
{
    char shown[64];
    return refuse(s->lib, T2M_EDATA, "'%.160s': entry '%s' %s", s->path,
                  text_shown(entry, strlen(entry), shown), why);
}

static bool leaves(const char *name)
{
    if (name[0] == '/' || strchr(name, '\\') || (name[0] && name[1] == ':'))
        return true;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0))
            return true;
    }
    return false;
}

static bool is_link(zip_t *zip, zip_uint64_t i)
{
    zip_uint8_t system;
    zip_uint32_t attributes;
    return zip_file_get_external_attributes(zip, i, 0, &system, &attributes) == 0 &&
           system == ZIP_OPSYS_UNIX && (attributes >> 16 & S_IFMT) == S_IFLNK;
}

struct zip_sums { /* bytes of all entries, unpacked and as they lie in the file */
    size_t unpacked, packed;
};

static t2m_status check_entry(struct source *s, zip_uint64_t i, struct zip_sums *sum)
{
    zip_stat_t st;
    const char *raw = zip_get_name(s->impl->zip, i, 0);
    if (!raw || zip_stat_index(s->impl->zip, i, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) ||
        !(st.valid & ZIP_STAT_COMP_SIZE))
        return refuse(s->lib, T2M_EDATA, "'%.200s': the list of entries is damaged", s->path);
    if (leaves(raw))
        return bad_entry(s, raw, "leads out of the archive");
    if (is_link(s->impl->zip, i))
        return bad_entry(s, raw, "is a link");
    if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
        return bad_entry(s, raw, "is encrypted");
    if (st.size > RATIO_FROM && st.size / RATIO > st.comp_size)
        return bad_entry(s, raw, "unpacks to more than 200 times its size");
    if (!size_add(sum->packed, (size_t)st.comp_size, &sum->packed) ||
        !size_add(sum->packed, ENTRY_HEADERS + 2 * strlen(raw), &sum->packed) ||
        sum->packed > s->impl->file.length)
        return bad_entry(s, raw, "overlaps another one");
    if (!size_add(sum->unpacked, (size_t)st.size, &sum->unpacked) ||
        sum->unpacked > s->lib->memory_limit)
        return refuse(s->lib, T2M_EDATA, "'%.200s' unpacks to more than %zu bytes", s->path,
                      s->lib->memory_limit);
    const size_t n = strlen(raw);
    return n == 0 || raw[n - 1] == '/' || hidden(raw) ? T2M_OK : add_name(s, raw, i);
}

static t2m_status open_zip(struct source *s)
{
    struct source_impl *m = s->impl;
    zip_error_t error;
    struct zip_sums sum = {0};
    TRY(store_read(s->lib, s->path, s->lib->memory_limit, &m->file));
    zip_error_init(&error);
    zip_source_t *from = zip_source_buffer_create(m->file.data, m->file.length, 0, &error);
    m->zip = from ? zip_open_from_source(from, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
    if (!m->zip) {
        if (from)
            zip_source_free(from);
        const t2m_status status = refuse(s->lib, T2M_EDATA, "'%.200s' is not a good zip: %s",
                                         s->path, zip_error_strerror(&error));
        zip_error_fini(&error);
        return status;
    }
    zip_error_fini(&error);
    const zip_int64_t n = zip_get_num_entries(m->zip, 0);
    if (n > SOURCE_MAX_ENTRIES)
        return refuse(s->lib, T2M_EDATA, "'%.200s' has more than %d entries", s->path,
                      SOURCE_MAX_ENTRIES);
    for (zip_uint64_t i = 0; i < (zip_uint64_t)(n > 0 ? n : 0); i++)
        TRY(check_entry(s, i, &sum));
    return T2M_OK;
}

/* ---- all ---- */

struct pair {
    const char *name;
    zip_uint64_t place;
};

static int by_name(const void *p, const void *q)
{
    return strcmp(((const struct pair *)p)->name, ((const struct pair *)q)->name);
}

static t2m_status sort_names(struct source *s)
{
    struct pair *all = mem_new(s->lib, s->count, sizeof *all);
    if (!all)
        return T2M_ENOMEM;
    for (size_t i = 0; i < s->count; i++)
        all[i] = (struct pair){s->names[i], s->impl->place[i]};
    qsort(all, s->count, sizeof *all, by_name);
    for (size_t i = 0; i < s->count; i++) {
        s->names[i] = all[i].name;
        s->impl->place[i] = all[i].place;
    }
    mem_free(s->lib, all);
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(s->names[i - 1], s->names[i]) == 0)
            return bad_entry(s, s->names[i], "is there twice");
    return T2M_OK;
}

t2m_status source_open(t2m *lib, const char *path, struct source **out)
{
    struct stat st;
    struct source *s = mem_new(lib, 1, sizeof *s);
    struct source_impl *impl = mem_new(lib, 1, sizeof *impl);
    if (!s || !impl) {
        mem_free(lib, s);
        mem_free(lib, impl);
        return T2M_ENOMEM;
    }
    arena_init(&impl->arena, lib);
    *s = (struct source){.lib = lib, .path = path, .impl = impl};
    t2m_status status;
    if (stat(path, &st) != 0)
        status = refuse(lib, T2M_EIO, "cannot open '%.200s': %s", path, strerror(errno));
    else
        status = S_ISDIR(st.st_mode) ? list_folder(s, "", 0) : open_zip(s);
    if (status == T2M_OK)
        status = sort_names(s);
    if (status == T2M_OK)
        *out = s;
    else
        source_close(s);
    return status;
}

static t2m_status read_entry(struct source *s, size_t index, struct bytes *out)
{
    zip_stat_t st;
    if (zip_stat_index(s->impl->zip, s->impl->place[index], 0, &st) != 0)
        return bad_entry(s, s->names[index], "cannot be read");
    unsigned char *data = mem_new(s->lib, (size_t)st.size + 1, 1);
    if (!data)
        return T2M_ENOMEM;
    zip_file_t *f = zip_fopen_index(s->impl->zip, s->impl->place[index], 0);
    zip_int64_t n = 0;
    size_t at = 0;
    while (f && at < st.size && (n = zip_fread(f, data + at, st.size - at)) > 0)
        at += (size_t)n;
    const bool good = f && at == st.size && zip_fclose(f) == 0; /* the sum is checked at the end */
    if (f && !good && at != st.size)
        zip_fclose(f);
    if (!good) {
        mem_free(s->lib, data);
        return bad_entry(s, s->names[index], "is damaged");
    }
    *out = (struct bytes){data, (size_t)st.size};
    return T2M_OK;
}

t2m_status source_read(struct source *s, size_t index, struct bytes *out)
{
    char path[6200];
    if (s->impl->zip)
        return read_entry(s, index, out);
    snprintf(path, sizeof path, "%s/%s", s->path, s->names[index]);
    return store_read(s->lib, path, s->lib->memory_limit, out);
}

void source_close(struct source *s)
{
    if (!s)
        return;
    t2m *lib = s->lib;
    if (s->impl->zip)
        zip_discard(s->impl->zip);
    mem_free(lib, s->impl->file.data);
    mem_free(lib, s->impl->place);
    mem_free(lib, s->names);
    arena_clear(&s->impl->arena);
    mem_free(lib, s->impl);
    mem_free(lib, s);
}
