/* watch.c: signals, and the progress line. The first signal asks the library to stop and save; the
 * second ends the process at once. */
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const double REDRAW = 0.2, /* seconds between two drawings on a terminal */
    LINE = 10;                    /* ... between two lines elsewhere */

/* ---- signals ---- */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    static const char text[] = "\nt2m: stopping; the last complete step is kept\n";
    if (caught) {
        signal(number, SIG_DFL);
        raise(number);
        return;
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

int cli_stop(void *ctx)
{
    (void)ctx;
    return caught != 0;
}

/* ---- progress ---- */

static int line_open;

void cli_say(const char *format, ...)
{
    va_list args;
    cli_progress_end();
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

void cli_reading(const char *path)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "reading %s ... ", path);
    line_open = 1;
}

static void print_duration(double seconds)
{
    if (seconds < 90)
        fprintf(stderr, "%.0f s", seconds);
    else if (seconds < 90 * 60)
        fprintf(stderr, "%.0f min", seconds / 60);
    else
        fprintf(stderr, "%.1f h", seconds / 3600);
}

static void print_state(const char *label, const t2m_progress *p, const t2m_progress *validated)
{
    const double left = p->step ? p->seconds / (double)p->step * (double)(p->steps - p->step) : 0;
    fprintf(stderr, "%s %zu/%zu", label, p->step, p->steps);
    if (p->seconds > 0)
        fprintf(stderr, "  %.1f/s", (double)p->step / p->seconds);
    if (isfinite(p->loss))
        fprintf(stderr, "  loss %.4f  metric %.4f", p->loss, p->metric);
    if (isfinite(validated->validation))
        fprintf(stderr, "  validation %.4f +- %.4f", validated->validation,
                validated->validation_ci95);
    fprintf(stderr, "  ");
    print_duration(p->seconds);
    fprintf(stderr, ", ");
    print_duration(left);
    fprintf(stderr, " left");
}

int cli_progress(void *ctx, const t2m_progress *p)
{
    static double shown;
    static t2m_progress validated = {.validation = NAN};
    static const struct {
        const char *event, *said;
    } sayings[] = {{"other-isa",
                    "this training began with other instructions of the processor; the "
                    "last bits will differ"},
                   {"thresholds", "setting where classes begin, on the validation tasks"}};
    const int validation = strcmp(p->event, "validation") == 0;
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
        if (strcmp(p->event, sayings[i].event) == 0) {
            cli_progress_end();
            cli_say("t2m: %s\n", sayings[i].said);
            return 0;
        }
    if (validation)
        validated = *p;
    if (isatty(STDERR_FILENO)) {
        if (validation || p->seconds - shown > REDRAW || p->step == p->steps) {
            fprintf(stderr, "\r");
            print_state(ctx, p, &validated);
            fprintf(stderr, " \033[K");
            line_open = 1;
            shown = p->seconds;
        }
    } else if (p->seconds - shown >= LINE) {
        print_state(ctx, p, &validated);
        fprintf(stderr, "\n");
        shown = p->seconds;
    }
    return caught != 0;
}

void cli_progress_end(void)
{
    if (line_open)
        fprintf(stderr, "\n");
    line_open = 0;
}
