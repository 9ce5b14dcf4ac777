/* cli.h: what the commands share: options as popt tables, results as text or JSON, progress and
 * signals. The commands use only the public headers. */
#pragma once
#include <jansson.h>
#include <popt.h>
#include <stdio.h>

#include "task2model.h"

struct command {
    const char *name, *usage, *doc;
    int (*run)(const struct command *c, int argc, const char **argv);
};
extern const struct command command_train, command_build, command_predict, command_eval,
    command_info;

/* ---- one call of a command ---- */

struct cli {
    const struct command *command;
    poptContext popt;
    t2m *lib;
    int json;
    int threads;
    char *max_memory;
    const char **argument; /* what is left after the options */
    int arguments;
};
/* Options of all commands; each command's own table comes first. */
extern struct cli cli_shared;
#define CLI_SHARED                                                                                 \
    {                                                                                              \
        NULL, 0, POPT_ARG_INCLUDE_TABLE, cli_shared_options, 0, "Common options:", NULL            \
    }
extern struct poptOption cli_shared_options[];

/* Parses, shows --help, opens the library. Returns 0, or the exit code to leave with; *done says
 * whether to leave. */
int cli_begin(struct cli *c, const struct command *command, int argc, const char **argv,
              const struct poptOption *options, int min_arguments);
/* Reports the failure (text on stderr, or JSON on stdout); returns the exit code. */
int cli_fail(struct cli *c, t2m_status status, const char *message, const char *hint);
int cli_refuse(struct cli *c, t2m_status status); /* with the library's message */
/* Prints {"schema", "ok": true, "data"}; takes the reference. */
void cli_json(struct cli *c, json_t *data);
int cli_end(struct cli *c, int code);

/* ---- signals and progress ---- */

void cli_catch_signals(void);
int cli_signalled(void); /* the signal's number, or 0 */
/* For t2m_train and t2m_eval: draws one line on a terminal; stops after a signal. ctx: a label. */
int cli_progress(void *ctx, const t2m_progress *p);
void cli_progress_end(void);

/* ---- small helpers ---- */

json_t *cli_number(double x); /* null if not finite */
double cli_now(void);         /* seconds of a clock that only goes forward */
/* Opens the learner at `path`: a file, or the name of a shipped one. */
t2m_status cli_open_learner(struct cli *c, t2m_learner **out, const char *path);
int cli_is_learner(const char *path); /* a file that looks like one, or a shipped name */
