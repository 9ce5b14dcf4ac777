/* cli.h: what the commands share: options as popt tables, results as text or JSON, progress and
 * signals, shipped learners. The commands use only the public headers. */
#pragma once
#include <float.h>
#include <jansson.h>
#include <limits.h>
#include <popt.h>
#include <stdio.h>

#include "task2model.h"

struct command {
    const char *name, *usage, *doc, *example;
    int (*run)(const struct command *c, int argc, const char **argv);
    void (*more)(void); /* more lines for --help; or NULL */
};
extern const struct command command_train, command_build, command_predict, command_eval,
    command_represent, command_report, command_info;

/* ---- one call of a command ---- */

struct cli {
    const struct command *command; /* NULL before it is known */
    poptContext popt;
    t2m *lib;
    int json;
    int threads;
    char *max_memory, *color, *encoder;
    size_t memory;                  /* bytes of --max-memory; 0: not given */
    const t2m_allocator *allocator; /* NULL: malloc */
    const char **argument;          /* what is left after the options */
    int arguments;
};
extern struct cli cli_shared;
/* Options of all commands; each command's own tables come first. */
extern const struct poptOption cli_shared_options[];
#define CLI_GROUP(table, heading)                                                                  \
    {                                                                                              \
        NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)(uintptr_t)(table), 0, heading, NULL              \
    }

/* Parses, shows --help, opens the library. Returns 0, or the exit code to leave with (-1: leave,
 * and all is well). The caller ends with cli_end in any case. */
int cli_begin(struct cli *c, const struct command *command, int argc, const char **argv,
              const struct poptOption *options, int min_arguments);
/* Reports the failure (text on stderr, or JSON on stdout); returns the exit code. */
int cli_fail(struct cli *c, t2m_status status, const char *message, const char *hint);
int cli_refuse(struct cli *c, t2m_status status); /* with the library's message */
/* Prints {"schema", "ok": true, "data"}; takes the reference. */
void cli_json(struct cli *c, json_t *data);
int cli_end(struct cli *c, int code);

/* Whole numbers and others that were not given on the command line. */
enum { CLI_NO_INT = INT_MIN };
#define CLI_NO_NUMBER (-DBL_MAX)
struct cli_range {
    const char *option;
    double value, low, high;
};
/* A number with K, M or G into *out; a text of NULL leaves it. 0, or the exit code. */
int cli_size(struct cli *c, const char *option, const char *text, size_t *out);
/* Lists of texts that POPT_ARG_ARGV made, ended by NULL; or NULL. */
size_t cli_count(char **list);
void cli_free_list(char **list);
/* 0, or the exit code after the refusal of the first value that is given and out of its range. */
int cli_check_ranges(struct cli *c, const struct cli_range *range, size_t n);

/* ---- how tables are read (tables.c) ---- */

extern const struct poptOption cli_table_options[]; /* --ignore, --classification, --regression */
int cli_check_tables(struct cli *c);                /* 0, or the exit code after the refusal */
t2m_task_options cli_task_options(const char *target);
t2m_family_options cli_family_options(const char *target);
void cli_free_tables(void);
/* Columns that are left out, and why. */
void cli_say_dropped(const t2m_task *task);
json_t *cli_dropped_json(const t2m_task *task);
/* What is odd in the files of the one that is given; the other is NULL. */
void cli_say_warnings(const t2m_family *family, const t2m_task *task);

/* ---- help (help.c) ---- */

void cli_help(const struct command *c, const struct poptOption *options);
/* The name in the list (ended by NULL) that is nearest to `text`, or NULL if none is near. */
const char *cli_nearest(const char *text, const char *const *names);
/* The option nearest to `text`, without its dashes; or NULL. */
const char *cli_nearest_option(const char *text, const struct poptOption *options);

/* ---- signals and progress (watch.c) ---- */

void cli_catch_signals(void);
int cli_signalled(void); /* the signal's number, or 0 */
int cli_stop(void *ctx); /* for `stop`: has there been a signal? */
/* For `progress`: one line that is drawn anew on a terminal, else a line every ten seconds. ctx:
 * a label. */
int cli_progress(void *ctx, const t2m_progress *p);
void cli_progress_end(void);
/* On a terminal: reading may take long, and something is seen at once. */
void cli_reading(const char *path);
/* Says on stderr what goes on. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- learners (shipped.c) ---- */

/* Opens the learner at `path`, a file or the name of a shipped one; NULL: the shipped one that fits
 * the data at `data`, and says which. Returns 0, or the exit code after the refusal. */
int cli_open_learner(struct cli *c, t2m_learner **out, const char *path, const char *data);
/* `path`, or where the shipped learner of that name is, which is then in `found`. */
enum { CLI_PATH_SIZE = 4096 };
const char *cli_learner_path(const char *path, char found[CLI_PATH_SIZE]);
int cli_is_learner(const char *path); /* a file that may be one, or a shipped name */

/* ---- small helpers ---- */

json_t *cli_number(double x);      /* null if not finite */
json_t *cli_string(const char *s); /* bytes that are no UTF-8 become '?' */
double cli_now(void);              /* seconds of a clock that only goes forward */
long long cli_file_size(const char *path);
