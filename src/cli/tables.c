/* tables.c: how a table is to be read, and what is told of the data: for all commands that take
 * one. */
#include <stdlib.h>

#include "cli.h"

enum { DROPPED_SHOWN = 20 /* columns */ };

static struct {
    char **ignore; /* ended by NULL; or NULL */
    int classification, regression;
} given;

const struct poptOption cli_table_options[] = {
    {"ignore", 0, POPT_ARG_ARGV, &given.ignore, 0, "column to leave out; may be repeated", "NAME"},
    {"classification", 0, POPT_ARG_NONE, &given.classification, 0,
     "the target is classes, whatever it looks like", NULL},
    {"regression", 0, POPT_ARG_NONE, &given.regression, 0, "the target is a value", NULL},
    POPT_TABLEEND,
};

int cli_check_tables(struct cli *c)
{
    return given.classification && given.regression
               ? cli_fail(c, T2M_EUSAGE,
                          "--classification wants classes, --regression a value: give one of them",
                          NULL)
               : 0;
}

t2m_task_options cli_task_options(const char *target)
{
    t2m_task_options o = T2M_TASK_OPTIONS_INIT;
    o.target = target;
    o.ignore = (const char *const *)given.ignore;
    o.ignored = cli_count(given.ignore);
    o.classes = given.classification ? 1 : given.regression ? 0 : -1;
    return o;
}

t2m_family_options cli_family_options(const char *target)
{
    const t2m_task_options as = cli_task_options(target);
    t2m_family_options o = T2M_FAMILY_OPTIONS_INIT;
    o.target = target;
    o.ignore = as.ignore;
    o.ignored = as.ignored;
    o.classes = as.classes;
    return o;
}

void cli_free_tables(void)
{
    cli_free_list(given.ignore);
}

void cli_say_dropped(const t2m_task *task)
{
    const char *name, *why;
    size_t n = 0;
    for (; t2m_task_dropped(task, n, &name, &why); n++)
        if (n < DROPPED_SHOWN)
            cli_say("t2m: column '%.200s' is left out: %s\n", name, why);
    if (n > DROPPED_SHOWN)
        cli_say("t2m: so are %zu more columns; --json lists all\n", n - DROPPED_SHOWN);
}

json_t *cli_dropped_json(const t2m_task *task)
{
    const char *name, *why;
    json_t *dropped = json_array();
    for (size_t i = 0; t2m_task_dropped(task, i, &name, &why); i++)
        json_array_append_new(dropped,
                              json_pack("{s:o, s:s}", "column", cli_string(name), "why", why));
    return dropped;
}

void cli_say_warnings(const t2m_family *family, const t2m_task *task)
{
    const char *w;
    for (size_t i = 0;
         (w = family ? t2m_family_warning(family, i) : t2m_task_warning(task, i)) != NULL; i++)
        cli_say("t2m: warning: %s\n", w);
}
