/* help.c: --help from the option tables, and what was perhaps meant. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { NAME_MAX_SIZE = 64, COLUMN = 28 };

static void print_option(const struct poptOption *o)
{
    char left[NAME_MAX_SIZE];
    const char *argument = o->argDescrip ? o->argDescrip : "";
    if (o->shortName)
        snprintf(left, sizeof left, "  -%c, --%s %s", o->shortName, o->longName, argument);
    else
        snprintf(left, sizeof left, "      --%s %s", o->longName, argument);
    printf("%-*s %s\n", COLUMN, left, o->descrip);
}

static int ends(const struct poptOption *o)
{
    return !o->longName && !o->shortName && !o->arg;
}

static void print_options(const struct poptOption *o)
{
    for (; !ends(o); o++)
        if ((o->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE) {
            printf("\n%s:\n", o->descrip);
            print_options(o->arg);
        } else {
            print_option(o);
        }
}

void cli_help(const struct command *c, const struct poptOption *options)
{
    printf("%s\n\nusage: t2m %s %s\n  %s\n", c->example, c->name, c->usage, c->doc);
    print_options(options);
    if (c->more)
        c->more();
}

/* ---- what was perhaps meant ---- */

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Insertions, deletions and replacements from a to b (Wagner and Fischer 1974, one row). */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_SIZE + 1];
    const size_t n = strlen(a), m = strlen(b);
    if (n > NAME_MAX_SIZE || m > NAME_MAX_SIZE)
        return SIZE_MAX;
    for (size_t k = 0; k <= m; k++)
        row[k] = k;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= m; k++) {
            const size_t above = row[k];
            row[k] = least(above + 1, row[k - 1] + 1, corner + (a[i - 1] != b[k - 1]));
            corner = above;
        }
    }
    return row[m];
}

struct nearest {
    const char *text, *name;
    size_t distance;
};

static void consider(struct nearest *n, const char *name)
{
    const size_t d = strncmp(n->text, name, strlen(n->text)) == 0 ? 1 : distance(n->text, name);
    if (d < n->distance) {
        n->distance = d;
        n->name = name;
    }
}

/* Near is: at most a third of the letters, and one more. */
static struct nearest begin(const char *text)
{
    return (struct nearest){text, NULL, strlen(text) / 3 + 2};
}

const char *cli_nearest(const char *text, const char *const *names)
{
    struct nearest n = begin(text);
    for (; *names; names++)
        consider(&n, *names);
    return n.name;
}

static void consider_options(struct nearest *n, const struct poptOption *o)
{
    for (; !ends(o); o++)
        if ((o->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
            consider_options(n, o->arg);
        else
            consider(n, o->longName);
}

const char *cli_nearest_option(const char *text, const struct poptOption *options)
{
    struct nearest n = begin(text);
    consider_options(&n, options);
    return n.name;
}
