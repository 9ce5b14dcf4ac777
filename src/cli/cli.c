/* cli.c: the part that all commands share: beginning, results, refusals, ending. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "task2model/graph.h"

enum { MAX_THREADS = 256 };

struct cli cli_shared;
const struct poptOption cli_shared_options[] = {
    {"json", 0, POPT_ARG_NONE, &cli_shared.json, 0, "one JSON object on stdout", NULL},
    {"threads", 0, POPT_ARG_INT, &cli_shared.threads, 0, "threads; 0: all (default)", "N"},
    {"max-memory", 0, POPT_ARG_STRING, &cli_shared.max_memory, 0,
     "bytes that one file may take (default 1G), and train in all (any); with K, M or G", "SIZE"},
    {"encoder", 0, POPT_ARG_STRING, &cli_shared.encoder, 0,
     "texts are the vectors of this sentence encoder (BERT, WordPiece, safetensors)", "DIR"},
    {"color", 0, POPT_ARG_STRING, &cli_shared.color, 0,
     "auto (default; not with NO_COLOR), always or never", "WHEN"},
    {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this", NULL},
    POPT_TABLEEND,
};

/* ---- beginning and ending ---- */

static int read_size(const char *text, size_t *out)
{
    char *end;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    const char *unit = strchr("KMG", *end);
    const int shift = *end && unit ? 10 * (int)(unit - "KMG" + 1) : 0;
    if (*text < '0' || *text > '9' || errno || (*end && (!unit || end[1])) ||
        n > (SIZE_MAX >> shift) || n == 0)
        return 0;
    *out = (size_t)n << shift;
    return 1;
}

int cli_size(struct cli *c, const char *option, const char *text, size_t *out)
{
    char message[96];
    if (!text || read_size(text, out))
        return 0;
    snprintf(message, sizeof message, "%s is a number with K, M or G, such as 512M", option);
    return cli_fail(c, T2M_EUSAGE, message, NULL);
}

size_t cli_count(char **list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

void cli_free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static int good_color(const char *when)
{
    return !when || strcmp(when, "auto") == 0 || strcmp(when, "always") == 0 ||
           strcmp(when, "never") == 0;
}

static int open_library(struct cli *c)
{
    t2m_options o = T2M_OPTIONS_INIT;
    char message[256] = "";
    if (c->threads < 0 || c->threads > MAX_THREADS)
        return cli_fail(c, T2M_EUSAGE, "--threads must be from 0 to 256", NULL);
    const int bad = cli_size(c, "--max-memory", c->max_memory, &c->memory);
    if (bad)
        return bad;
    o.max_memory = c->memory;
    if (!good_color(c->color))
        return cli_fail(c, T2M_EUSAGE, "--color is auto, always or never", NULL);
    o.threads = (size_t)c->threads;
    o.alloc = c->allocator;
    const char *profile = getenv("T2M_PROFILE");
    o.profile = profile && *profile && strcmp(profile, "0") != 0;
    const t2m_status status = t2m_open(&c->lib, &o, message);
    if (status != T2M_OK)
        return cli_fail(c, status, message, NULL);
    const t2m_status encoder = c->encoder ? t2m_encoder_use(c->lib, c->encoder) : T2M_OK;
    return encoder == T2M_OK ? 0 : cli_refuse(c, encoder);
}

static int refuse_option(struct cli *c, int error, const struct poptOption *options)
{
    char text[256], hint[256];
    const char *given = poptBadOption(c->popt, POPT_BADOPTION_NOALIAS);
    snprintf(text, sizeof text, "%s: %s", given, poptStrerror(error));
    if (error != POPT_ERROR_BADOPT)
        return cli_fail(c, T2M_EUSAGE, text, NULL);
    const char *meant = cli_nearest_option(given + strspn(given, "-"), options);
    if (meant)
        snprintf(hint, sizeof hint, "did you mean --%s?", meant);
    else
        snprintf(hint, sizeof hint, "t2m %s --help lists the options", c->command->name);
    return cli_fail(c, T2M_EUSAGE, text, hint);
}

static int begin(struct cli *c, const struct poptOption *options, int min_arguments)
{
    int code;
    while ((code = poptGetNextOpt(c->popt)) >= 0)
        if (code == 'h') {
            cli_help(c->command, options);
            return -1;
        }
    if (code < -1)
        return refuse_option(c, code, options);
    c->argument = poptGetArgs(c->popt);
    while (c->argument && c->argument[c->arguments])
        c->arguments++;
    if (c->arguments < min_arguments) {
        char text[256];
        snprintf(text, sizeof text, "expected: t2m %s %s", c->command->name, c->command->usage);
        return cli_fail(c, T2M_EUSAGE, text, "--help says more");
    }
    return open_library(c);
}

int cli_begin(struct cli *c, const struct command *command, int argc, const char **argv,
              const struct poptOption *options, int min_arguments)
{
    c->command = command;
    for (int i = 1; i < argc; i++) /* so that a wrong option is told in JSON too */
        c->json |= strcmp(argv[i], "--json") == 0;
    c->popt = poptGetContext("t2m", argc, argv, options, 0);
    const int code = begin(c, options, min_arguments);
    return code ? cli_end(c, code) : 0;
}

/* What T2M_PROFILE asks for, when all else of the handle is freed. */
static void print_profile(const struct cli *c)
{
    char *text = c->lib ? t2m_profile_print(c->lib) : NULL;
    if (text) {
        fputs(text, stderr);
        t2m_free(c->lib, text);
    }
}

int cli_end(struct cli *c, int code)
{
    print_profile(c);
    t2m_close(c->lib);
    c->lib = NULL;
    poptFreeContext(c->popt);
    free(c->max_memory);
    free(c->color);
    free(c->encoder);
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (code <= 0)
            fprintf(stderr, "t2m: cannot write the result: %s\n",
                    errno ? strerror(errno) : "an earlier write failed");
        return code <= 0 ? 6 : code;
    }
    return code;
}

int cli_check_ranges(struct cli *c, const struct cli_range *range, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct cli_range *r = &range[i];
        const int given = r->value != (double)CLI_NO_INT && r->value != CLI_NO_NUMBER;
        char text[256];
        if (!given || (r->value >= r->low && r->value <= r->high))
            continue;
        snprintf(text, sizeof text, "--%s must be from %.9g to %.9g, not %.9g", r->option, r->low,
                 r->high, r->value);
        return cli_fail(c, T2M_EUSAGE, text, NULL);
    }
    return 0;
}

/* ---- results ---- */

static void print_json(const struct cli *c, json_t *all)
{
    char schema[64];
    snprintf(schema, sizeof schema, "t2m%s%s/1", c->command ? "-" : "",
             c->command ? c->command->name : "");
    json_object_set_new(all, "schema", json_string(schema));
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

static int exit_code(t2m_status status)
{
    const int signalled = cli_signalled();
    if (status == T2M_ECANCELLED)
        return 128 + (signalled ? signalled : SIGINT);
    return -(int)status;
}

static int in_color(const struct cli *c)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (c->color && strcmp(c->color, "auto") != 0)
        return strcmp(c->color, "always") == 0;
    return isatty(STDERR_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

int cli_fail(struct cli *c, t2m_status status, const char *message, const char *hint)
{
    const int code = exit_code(status);
    const char *red = in_color(c) ? "\033[1;31m" : "", *plain = in_color(c) ? "\033[0m" : "";
    cli_progress_end();
    if (c->json)
        print_json(c, json_pack("{s:s, s:b, s:{s:i, s:s, s:o, s:o}}", "schema", "", "ok", 0,
                                "error", "code", code, "name", t2m_status_name(status), "message",
                                cli_string(message), "hint", cli_string(hint ? hint : "")));
    fprintf(stderr, "%st2m%s%s:%s %s\n", red, c->command ? " " : "",
            c->command ? c->command->name : "", plain, message);
    if (hint)
        fprintf(stderr, "  %s\n", hint);
    return code;
}

/* What to do next, where the sentence itself does not say it. */
static const char *hint_for(t2m_status status)
{
    switch (status) {
    case T2M_ENOMEM:
        return "smaller pictures, structures, --shots and --queries need less";
    case T2M_ECANCELLED:
        return "the same command with --resume goes on";
    case T2M_ESELFTEST:
        return "T2M_ISA=base uses plain instructions";
    default:
        return NULL;
    }
}

int cli_refuse(struct cli *c, t2m_status status)
{
    const int no_resume = status == T2M_ECANCELLED && c->command != &command_train;
    return cli_fail(c, status, t2m_errmsg(c->lib), no_resume ? NULL : hint_for(status));
}

void cli_json(struct cli *c, json_t *data)
{
    print_json(c, json_pack("{s:s, s:b, s:o}", "schema", "", "ok", 1, "data", data));
}

/* ---- small helpers ---- */

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

json_t *cli_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *cli_string(const char *s)
{
    json_t *text = json_string(s);
    char *plain = text ? NULL : strdup(s);
    for (char *p = plain; p && *p; p++)
        *p = (unsigned char)*p < 0x80 ? *p : '?';
    if (plain)
        text = json_string(plain);
    free(plain);
    return text;
}

long long cli_file_size(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? (long long)s.st_size : 0;
}
