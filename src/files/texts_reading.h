/* texts_reading.h: the inside of texts.c: what readers of one format add to. An item is added, then
 * its labels or its value. */
#pragma once
#include "base/words.h"
#include "files/lines.h"
#include "files/texts.h"

struct texts_impl {
    struct arena arena; /* texts, labels, names of files */
    struct words classes;
    size_t item_room, label_room, warning_room;
    size_t conflicts;
    char
        *chunk; /* of the newest file: its texts are never longer than the file with one NUL more */
    size_t used, room;
    size_t bytes; /* of all files */
};

struct texts_reading {
    struct texts *t;
    struct text_options o; /* with names */
    struct place at;       /* where the reader is */
};

/* Paths, and how each is read. */
struct texts_paths {
    const char *const *path;
    size_t n;
    t2m_status (*read)(struct texts_reading *r, const char *path);
};
/* As texts_open. */
t2m_status texts_read(t2m *lib, struct texts **out, const struct texts_paths *p,
                      const struct text_options *o);
/* A plain file; one whose bytes are here already, where `name` is its own, below the folder. */
t2m_status reading_plain(struct texts_reading *r, const char *path);
t2m_status reading_file(struct texts_reading *r, const struct bytes *bytes, const char *name,
                        const char *path);

/* The file's name is copied and there is room for its texts from now on. */
t2m_status reading_begin(struct texts_reading *r, const char *file, const struct bytes *bytes);
/* Adds a text from the place where the reader is. */
t2m_status reading_text(struct texts_reading *r, const char *text, size_t length);
/* To the newest text. */
t2m_status reading_label(struct texts_reading *r, const char *label, size_t length);

/* Formats; `bytes` is a whole file. */
t2m_status reading_json(struct texts_reading *r, const struct bytes *bytes);
t2m_status reading_table(struct texts_reading *r, const struct bytes *bytes);
t2m_status reading_lines(struct texts_reading *r, const struct bytes *bytes, const char *class);

/* T2M_EDATA if it is longer than TEXT_MAX. */
t2m_status reading_check_length(const struct place *p, size_t length);
