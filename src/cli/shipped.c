/* shipped.c: learners by name: in $T2M_LEARNERS, beside the binary, or in the source tree. */
#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { PATH_SIZE = CLI_PATH_SIZE, PLACES = 4, MAX_LEARNERS = 64 };
static const char suffix[] = ".safetensors";

static int is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static int ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && strcasecmp(s + n - m, end) == 0;
}

/* Folder number i in which learners are looked for; 0 if there is none of that number. */
static int place(int i, char out[PATH_SIZE])
{
    static const char *const beside[PLACES] = {NULL, "../share/task2model/learners",
                                               "../../learners", "../learners"};
    char binary[PATH_SIZE];
    const char *given = getenv("T2M_LEARNERS");
    if (i == 0)
        return given && snprintf(out, PATH_SIZE, "%s", given) < PATH_SIZE;
    const ssize_t n = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (n <= 0)
        return 0;
    binary[n] = 0;
    *strrchr(binary, '/') = 0;
    return snprintf(out, PATH_SIZE, "%s/%s", binary, beside[i]) < PATH_SIZE;
}

static int find_shipped(const char *name, char path[PATH_SIZE])
{
    char folder[PATH_SIZE];
    for (int i = 0; i < PLACES && !strchr(name, '/'); i++)
        if (place(i, folder) &&
            snprintf(path, PATH_SIZE, "%s/%s%s", folder, name, suffix) < PATH_SIZE && is_file(path))
            return 1;
    return 0;
}

int cli_is_learner(const char *path)
{
    static const char *const data[] = {".csv",   ".tsv",    ".npz",  ".zip",
                                       ".jsonl", ".ndjson", ".json", ".txt"};
    char found[PATH_SIZE];
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        if (ends_with(path, data[i]))
            return 0;
    return ends_with(path, suffix) || is_file(path) || find_shipped(path, found);
}

const char *cli_learner_path(const char *path, char found[CLI_PATH_SIZE])
{
    return !is_file(path) && find_shipped(path, found) ? found : path;
}

/* ---- the one that fits ---- */

enum wanted { PICTURES, TABLES, ROWS, TEXTS, MASKS };

static int is_table(const char *path)
{
    return ends_with(path, ".csv") || ends_with(path, ".tsv");
}

static int is_text(const char *path)
{
    static const char *const ends[] = {".jsonl", ".ndjson", ".json", ".txt"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(path, ends[i]))
            return 1;
    return 0;
}

/* A table with columns called text and label. */
static int has_texts(const char *path)
{
    static const char mark[] = "\xEF\xBB\xBF";
    char line[4096] = "";
    int found = 0;
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof line, f))
        for (char *at = line + 3 * (strncmp(line, mark, 3) == 0), *end; *at;
             at = end + (*end != 0)) {
            end = at + strcspn(at, ",;\t|\r\n");
            const size_t quoted = *at == '"', n = (size_t)(end - at) - 2 * quoted;
            found |= (n == 4 && strncmp(at + quoted, "text", 4) == 0) |
                     (n == 5 && strncmp(at + quoted, "label", 5) == 0) << 1;
        }
    if (f)
        fclose(f);
    return found == 3;
}

/* What a learner of these data is best for: texts; one table; a folder of them, as rows of numbers;
 * pictures with masks; any other folder, as pictures. */
static enum wanted wanted_for(struct cli *c, const char *data)
{
    if (is_text(data) || (is_table(data) && has_texts(data)))
        return TEXTS;
    if (is_table(data) || strcmp(data, "builtin:tables") == 0)
        return TABLES;
    if (strncmp(data, "builtin:", 8) == 0)
        return ROWS;
    DIR *d = opendir(data);
    int rows = 0, texts = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        rows = rows || (is_table(e->d_name) && strcmp(e->d_name, "index.csv") != 0);
        texts = texts || (is_text(e->d_name) && strncmp(e->d_name, "README", 6) != 0);
    }
    if (d)
        closedir(d);
    return t2m_holds_masks(c->lib, data) ? MASKS : texts ? TEXTS : rows ? ROWS : PICTURES;
}

static int by_text(const void *p, const void *q)
{
    return strcmp(p, q);
}

/* The learners of a folder, in the order of their names. */
static size_t list_learners(const char *folder, char names[MAX_LEARNERS][256])
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && n < MAX_LEARNERS && (e = readdir(d));)
        if (e->d_name[0] != '.' && ends_with(e->d_name, suffix))
            snprintf(names[n++], 256, "%.255s", e->d_name);
    if (d)
        closedir(d);
    qsort(names, n, sizeof *names, by_text);
    return n;
}

/* The one that is likely to fit comes first, since each takes milliseconds to open. */
static void put_first(char names[MAX_LEARNERS][256], size_t n, enum wanted wanted)
{
    static const char *const usual[] = {[PICTURES] = "characters.safetensors",
                                        [TABLES] = "tables.safetensors",
                                        [ROWS] = "",
                                        [TEXTS] = "intents.safetensors",
                                        [MASKS] = "masks.safetensors"};
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], usual[wanted]) == 0) {
            memmove(names[1], names[0], i * sizeof *names);
            snprintf(names[0], sizeof *names, "%s", usual[wanted]);
        }
}

static enum wanted kind_of(const t2m_learner_info *l)
{
    return l->images ? PICTURES : l->masks ? MASKS : l->texts ? TEXTS : l->tables ? TABLES : ROWS;
}

static int opens_and_fits(struct cli *c, t2m_learner **out, const char *path, enum wanted wanted)
{
    t2m_learner_info info;
    if (t2m_learner_open(c->lib, out, path) != T2M_OK)
        return 0;
    t2m_learner_describe(*out, &info);
    if (wanted != kind_of(&info)) {
        t2m_learner_free(*out);
        *out = NULL;
        return 0;
    }
    const char *name = strrchr(path, '/') + 1;
    cli_say("t2m: with the shipped learner %.*s\n", (int)(strlen(name) - sizeof suffix + 1), name);
    return 1;
}

static int open_fitting(struct cli *c, t2m_learner **out, enum wanted wanted)
{
    for (int i = 0; i < PLACES; i++) {
        char folder[PATH_SIZE], path[PATH_SIZE + 256], names[MAX_LEARNERS][256];
        const size_t n = place(i, folder) ? list_learners(folder, names) : 0;
        put_first(names, n, wanted);
        for (size_t k = 0; k < n; k++) {
            if (snprintf(path, sizeof path, "%s/%s", folder, names[k]) < (int)sizeof path &&
                opens_and_fits(c, out, path, wanted))
                return 1;
        }
    }
    return 0;
}

/* For one table a learner of tables comes first, since the columns of the other must be those of
 * the table; for many tasks the other. */
static int open_shipped(struct cli *c, t2m_learner **out, const char *data)
{
    const enum wanted wanted = wanted_for(c, data);
    static const char *const missing[] = {[PICTURES] = "no shipped learner is for images",
                                          [TABLES] = "no shipped learner is for tables",
                                          [ROWS] = "no shipped learner is for rows of numbers",
                                          [TEXTS] = "no shipped learner is for texts",
                                          [MASKS] =
                                              "no shipped learner is for pictures with masks"};
    const int table = wanted == TABLES || wanted == ROWS;
    if (open_fitting(c, out, wanted) ||
        (table && open_fitting(c, out, wanted == TABLES ? ROWS : TABLES)))
        return 0;
    return cli_fail(c, T2M_EUSAGE, missing[wanted],
                    "train one with t2m train, and give it before the data");
}

int cli_open_learner(struct cli *c, t2m_learner **out, const char *path, const char *data)
{
    char found[CLI_PATH_SIZE];
    if (!path)
        return open_shipped(c, out, data);
    const t2m_status status = t2m_learner_open(c->lib, out, cli_learner_path(path, found));
    return status == T2M_OK ? 0 : cli_refuse(c, status);
}
