/* texts_folder.c: texts in folders and zips, apart from plain files, so that a program that only
 * runs a model needs no library for zips. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "files/source.h"
#include "files/texts_reading.h"

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static t2m_status read_entry(struct texts_reading *r, struct source *s, size_t i)
{
    struct bytes bytes;
    struct text path;
    if (strncmp(file_name(s->names[i]), "README", 6) == 0)
        return T2M_OK;
    TRY(source_read(s, i, &bytes));
    text_init(&path, r->t->lib);
    text_add(&path, "%s/%s", s->path, s->names[i]);
    const t2m_status status =
        path.failed ? T2M_ENOMEM : reading_file(r, &bytes, s->names[i], path.data);
    text_clear(&path);
    mem_free(r->t->lib, bytes.data);
    return status;
}

static t2m_status read_source(struct texts_reading *r, const char *path)
{
    struct source *s;
    const size_t before = r->t->n;
    TRY(source_open(r->t->lib, path, &s));
    t2m_status status = T2M_OK;
    for (size_t i = 0; i < s->count && status == T2M_OK; i++)
        status = read_entry(r, s, i);
    source_close(s);
    if (status == T2M_OK && r->t->n == before)
        status = refuse(r->t->lib, T2M_EDATA,
                        "'%.200s' has no texts: expected a .txt for each class, or .jsonl, .csv or "
                        ".tsv files",
                        path);
    return status;
}

static t2m_status read_path(struct texts_reading *r, const char *path)
{
    struct stat st;
    if (text_ends(path, ".zip") || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return read_source(r, path);
    return reading_plain(r, path);
}

t2m_status texts_open(t2m *lib, struct texts **out, const char *const *path, size_t n,
                      const struct text_options *o)
{
    const struct texts_paths p = {path, n, read_path};
    return texts_read(lib, out, &p, o);
}
