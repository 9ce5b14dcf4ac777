/* check_files.h: what tests that write files share: a folder for them, and a handle. */
#pragma once
#include "check.h"

#include <unistd.h>

#include "task2model.h"

static char check_folder[] = "/tmp/t2m-check-XXXXXX";

/* The file of this name in the folder; good until the fourth call after this. */
static inline const char *check_path(const char *name)
{
    static char path[4][256];
    static int which;
    which = (which + 1) % 4;
    snprintf(path[which], sizeof path[which], "%s/%s", check_folder, name);
    return path[which];
}

static inline void check_write(const char *name, const char *content)
{
    FILE *f = fopen(check_path(name), "wb");
    assert_non_null(f);
    fputs(content, f);
    assert_int_equal(fclose(f), 0);
}

static inline void check_says(t2m *lib, const char *want)
{
    if (!strstr(t2m_errmsg(lib), want))
        fail_msg("'%s' is not in: %s", want, t2m_errmsg(lib));
}

/* Group fixtures: the folder, and a handle with one thread. */
static inline int check_files_setup(void **state)
{
    return mkdtemp(check_folder) ? check_setup(state) : -1;
}

static inline int check_files_teardown(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", check_folder);
    return system(command) || check_teardown(state);
}
