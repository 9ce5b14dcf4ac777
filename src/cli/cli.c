/* cli.c: the part that all commands share. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct cli cli_shared;
struct poptOption cli_shared_options[] = {
    {"json", 0, POPT_ARG_NONE, &cli_shared.json, 0, "one JSON object on stdout", NULL},
    {"threads", 0, POPT_ARG_INT, &cli_shared.threads, 0, "threads; 0: all (default)", "N"},
    {"max-memory", 0, POPT_ARG_STRING, &cli_shared.max_memory, 0,
     "bytes that one file may take, with K, M or G (default 1G)", "SIZE"},
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
    if (end == text || errno || (*end && (!unit || end[1])) || n > (SIZE_MAX >> shift))
        return 0;
    *out = (size_t)n << shift;
    return 1;
}

static int open_library(struct cli *c)
{
    t2m_options o = T2M_OPTIONS_INIT;
    char message[256] = "";
    if (c->threads < 0 || c->threads > 256)
        return cli_fail(c, T2M_EUSAGE, "--threads must be 0 to 256", NULL);
    if (c->max_memory && !read_size(c->max_memory, &o.max_memory))
        return cli_fail(c, T2M_EUSAGE, "--max-memory is a number with K, M or G, such as 512M",
                        NULL);
    o.threads = (size_t)c->threads;
    const t2m_status status = t2m_open(&c->lib, &o, message);
    return status == T2M_OK ? 0 : cli_fail(c, status, message, NULL);
}

static void print_help(struct cli *c)
{
    printf("usage: t2m %s %s\n\n%s\n\n", c->command->name, c->command->usage, c->command->doc);
    poptPrintHelp(c->popt, stdout, 0);
}

int cli_begin(struct cli *c, const struct command *command, int argc, const char **argv,
              const struct poptOption *options, int min_arguments)
{
    c->command = command;
    c->popt = poptGetContext("t2m", argc, argv, options, 0);
    poptSetOtherOptionHelp(c->popt, command->usage);
    int code;
    while ((code = poptGetNextOpt(c->popt)) >= 0)
        if (code == 'h') {
            print_help(c);
            return cli_end(c, -1);
        }
    if (code < -1) {
        char text[256];
        snprintf(text, sizeof text, "%s: %s", poptBadOption(c->popt, POPT_BADOPTION_NOALIAS),
                 poptStrerror(code));
        return cli_end(c, cli_fail(c, T2M_EUSAGE, text, NULL));
    }
    c->argument = poptGetArgs(c->popt);
    while (c->argument && c->argument[c->arguments])
        c->arguments++;
    if (c->arguments < min_arguments) {
        char text[256];
        snprintf(text, sizeof text, "expected: t2m %s %s", command->name, command->usage);
        return cli_end(c, cli_fail(c, T2M_EUSAGE, text, NULL));
    }
    const int failed = open_library(c);
    return failed ? cli_end(c, failed) : 0;
}

int cli_end(struct cli *c, int code)
{
    t2m_close(c->lib);
    c->lib = NULL;
    poptFreeContext(c->popt);
    free(c->max_memory);
    fflush(stdout);
    if (code == 0 && ferror(stdout)) {
        fprintf(stderr, "t2m: cannot write the result: %s\n", strerror(errno));
        return 6;
    }
    return code;
}

/* ---- results ---- */

static int exit_code(t2m_status status)
{
    const int signalled = cli_signalled();
    if (status == T2M_ECANCELLED)
        return 128 + (signalled ? signalled : SIGINT);
    return -(int)status;
}

int cli_fail(struct cli *c, t2m_status status, const char *message, const char *hint)
{
    const int code = exit_code(status);
    cli_progress_end();
    if (c->json) {
        char schema[64];
        snprintf(schema, sizeof schema, "t2m-%s/1", c->command->name);
        json_t *all = json_pack("{s:s, s:b, s:{s:i, s:s, s:s, s:s}}", "schema", schema, "ok", 0,
                                "error", "code", code, "name", t2m_status_name(status), "message",
                                message, "hint", hint ? hint : "");
        json_dumpf(all, stdout, JSON_INDENT(1));
        printf("\n");
        json_decref(all);
    }
    fprintf(stderr, "t2m %s: %s\n", c->command->name, message);
    if (hint)
        fprintf(stderr, "  %s\n", hint);
    return code;
}

int cli_refuse(struct cli *c, t2m_status status)
{
    return cli_fail(c, status, t2m_errmsg(c->lib), NULL);
}

void cli_json(struct cli *c, json_t *data)
{
    char schema[64];
    snprintf(schema, sizeof schema, "t2m-%s/1", c->command->name);
    json_t *all = json_pack("{s:s, s:b, s:o}", "schema", schema, "ok", 1, "data", data);
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

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

/* ---- signals ---- */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    static const char text[] = "\nt2m: stopping after this step\n";
    if (caught) {
        signal(number, SIG_DFL);
        raise(number);
    }
    caught = number;
    const ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
}

void cli_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

int cli_signalled(void)
{
    return caught;
}

/* ---- progress ---- */

static int line_open;

int cli_progress(void *ctx, const t2m_progress *p)
{
    static double shown = -1;
    const char *label = ctx;
    const int validation = strcmp(p->event, "validation") == 0;
    static double best_seen = NAN;
    if (validation)
        best_seen = p->validation;
    if (isatty(STDERR_FILENO) && (validation || p->seconds - shown > 0.2 || p->step == p->steps)) {
        const double left =
            p->step ? p->seconds / (double)p->step * (double)(p->steps - p->step) : 0;
        fprintf(stderr, "\r%s %zu/%zu", label, p->step, p->steps);
        if (isfinite(p->loss))
            fprintf(stderr, "  loss %.4f  metric %.4f", p->loss, p->metric);
        if (isfinite(best_seen))
            fprintf(stderr, "  validation %.4f", best_seen);
        fprintf(stderr, "  %.0f s, %.0f s left \033[K", p->seconds, left);
        line_open = 1;
        shown = p->seconds;
    } else if (validation && !isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s %zu/%zu loss %.4f validation %.4f %.0f s\n", label, p->step, p->steps,
                p->loss, p->validation, p->seconds);
    }
    return caught != 0;
}

void cli_progress_end(void)
{
    if (line_open)
        fprintf(stderr, "\n");
    line_open = 0;
}

/* ---- shipped learners ---- */

static int is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* $T2M_LEARNERS, the share folder beside the binary, the source tree. */
static int find_shipped(const char *name, char path[4096])
{
    char binary[3000] = "";
    const char *given = getenv("T2M_LEARNERS");
    if (strchr(name, '/'))
        return 0;
    if (given) {
        snprintf(path, 4096, "%s/%s.safetensors", given, name);
        if (is_file(path))
            return 1;
    }
    const ssize_t n = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (n <= 0)
        return 0;
    binary[n] = 0;
    *strrchr(binary, '/') = 0;
    const char *const places[] = {"../share/task2model/learners", "../../learners", "../learners"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, 4096, "%s/%s/%s.safetensors", binary, places[i], name);
        if (is_file(path))
            return 1;
    }
    return 0;
}

int cli_is_learner(const char *path)
{
    char found[4096];
    const size_t n = strlen(path);
    return (n > 12 && strcmp(path + n - 12, ".safetensors") == 0) || is_file(path) ||
           find_shipped(path, found);
}

t2m_status cli_open_learner(struct cli *c, t2m_learner **out, const char *path)
{
    char found[4096];
    return t2m_learner_open(c->lib, out,
                            !is_file(path) && find_shipped(path, found) ? found : path);
}
