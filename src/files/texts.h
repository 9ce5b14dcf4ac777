/* texts.h: short labelled texts (messages, tickets, sentences) from files, in memory.
 *
 * What is read, several paths joined:
 *  - .jsonl, .ndjson, .json: a JSON object a line, {"text": "...", "label": ...}; other members do
 *    not matter, nor do empty lines. The label is a text, a number or a truth value (kept as the
 *    texts 7, 0.5, true), or a list of such: a text with several labels.
 *  - .csv, .tsv: the columns of these names (files/table.h).
 *  - .txt: one class, named as the file without .txt; a text a line. Empty lines do not matter.
 *  - a folder or a .zip of such files (files/source.h). README files are left out.
 * Unlabelled (for prediction) the same, labels are not looked at; a .txt is a text a line.
 *
 * Refused, T2M_EDATA with file and line (and byte or column): bytes that are not UTF-8, NUL,
 * UTF-16; a text over TEXT_MAX bytes; a JSON line over TEXT_LINE_MAX, that is cut off, no object,
 * has a member twice, or trailing text; no text or one that is none; and in labelled files a blank
 * text, a label that is missing, null, an object, empty or over TEXT_LABEL_MAX bytes, more than
 * TEXT_CLASSES_MAX classes, a .txt without texts. So are no texts at all, more than TEXTS_MAX, and
 * files of more bytes in all than the library's memory limit. One class is fine here. */
#pragma once
#include "base/text.h"
#include "files/store.h"

enum {
    TEXT_MAX = 1 << 20,      /* bytes of a text */
    TEXT_LINE_MAX = 8 << 20, /* of a JSON line: each byte of a text may be an escape of six */
    TEXT_LABEL_MAX = 1000,   /* bytes of a label; longer ones are texts in the wrong column */
    TEXT_CLASSES_MAX = 1000,
    TEXTS_MAX = 1 << 22,   /* in all; their items take 224 MiB */
    TEXT_WARNINGS_MAX = 10 /* of a kind; one more says how many more there are */
};

struct text_options {
    const char *text, *label; /* members or columns; NULL: "text", "label" */
    bool values;              /* labels are numbers; .txt files are refused */
    bool unlabelled;
};

struct text_item {
    const char *text;                /* UTF-8 without NUL inside, one after it */
    size_t length;                   /* bytes; in unlabelled files perhaps 0 or only blanks */
    const char *file;                /* path, or path/name in a folder or zip */
    size_t line;                     /* on which it begins, from 1 */
    size_t label_first, label_count; /* texts.label[label_first ...), ascending, each once */
    double value;                    /* finite; with text_options.values */
};

/* Owns all that it points to. Read-only once open, so threads may share it. */
struct texts {
    t2m *lib;
    size_t n;
    struct text_item *item; /* [n] in the order of files and lines */
    size_t classes;
    const char **class_name; /* [classes] by bytes */
    size_t labels;
    size_t *label; /* [labels] class numbers, of items in order */
    bool multi;    /* some label is a list; else each item has one (values, unlabelled: none) */
    size_t warnings;
    const char **warning; /* [warnings]: the same text under two labels, with both places */
    struct texts_impl *impl;
};

/* T2M_EUSAGE: no path. On failure *out is not touched. */
t2m_status texts_open(t2m *lib, struct texts **out, const char *const *path, size_t n,
                      const struct text_options *o);
/* Of one plain file, no folder and no .zip. */
t2m_status texts_open_file(t2m *lib, struct texts **out, const char *path,
                           const struct text_options *o);
void texts_free(struct texts *t);

/* One line of a stream without labels. */
struct text_line {
    const char *file; /* for messages: "standard input" */
    size_t number;    /* from 1 */
    const char *data; /* its newline may be there still */
    size_t length;
    const char *member; /* of JSON; NULL: "text" */
};
/* Replaces out by the text of the line: where the first byte that is no blank is '{', that of a
 * JSON object, else the line itself, which may be empty. T2M_EDATA as above. */
t2m_status text_line_read(const struct text_line *line, struct text *out);
