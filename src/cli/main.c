/* main.c: t2m VERB ... */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct command *const commands[] = {
    &command_train,     &command_build,  &command_predict, &command_eval,
    &command_represent, &command_report, &command_info};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *to)
{
    fprintf(to, "t2m build shots/ -o model && t2m predict model new/*.png\n\n"
                "task2model " T2M_VERSION ": learns the mapping from tasks to models\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  t2m %-8s %s\n           %s\n", commands[i]->name, commands[i]->usage,
                commands[i]->doc);
    fprintf(to, "\nt2m VERB --help shows examples and options. The manual is t2m(1).\n");
    return to == stdout ? 0 : 2;
}

static int unknown(int argc, const char **argv)
{
    const char *names[COMMANDS + 1] = {0};
    char text[128], hint[128] = "t2m --help lists the commands";
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    for (int i = 1; i < argc; i++)
        cli_shared.json |= strcmp(argv[i], "--json") == 0;
    const char *meant = cli_nearest(argv[1], names);
    if (meant)
        snprintf(hint, sizeof hint, "did you mean t2m %s?", meant);
    snprintf(text, sizeof text, "no command '%.40s'", argv[1]);
    return cli_fail(&cli_shared, T2M_EUSAGE, text, hint);
}

/* Files must not get the numbers of closed streams. A write to them fails, as it should. */
static void open_streams(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != fd)
            return;
}

int main(int argc, const char **argv)
{
    open_streams();
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("task2model %s\n", T2M_VERSION);
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0) {
            const int code = commands[i]->run(commands[i], argc - 1, argv + 1);
            return code < 0 ? 0 : code;
        }
    return unknown(argc, argv);
}
