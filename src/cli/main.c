/* main.c: t2m VERB ... */
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "cli.h"

static const struct command *const commands[] = {&command_train, &command_build, &command_predict,
                                                 &command_eval, &command_info};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *to)
{
    fprintf(to, "task2model %s: learns the mapping from tasks to models\n\n", T2M_VERSION);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  t2m %-8s %s\n           %s\n", commands[i]->name, commands[i]->usage,
                commands[i]->doc);
    fprintf(to, "\nt2m VERB --help shows the options. The manual is t2m(1).\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, const char **argv)
{
    signal(SIGPIPE, SIG_IGN);
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
    fprintf(stderr, "t2m: no command '%.40s'\n\n", argv[1]);
    return usage(stderr);
}
