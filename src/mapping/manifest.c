/* manifest.c: L.run/manifest.json says what made a learner: version, settings, data, processor,
 * instruction set, threads, seed, times. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "files/store.h"
#include "mapping/training.h"

void manifest_now(char out[32])
{
    struct tm utc;
    const time_t now = time(NULL);
    gmtime_r(&now, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* The processor's name as the system gives it; "unknown" where it gives none. */
static void cpu_name(char *out, size_t room)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(out, room, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            snprintf(out, room, "%s", colon + 1 + strspn(colon + 1, " "));
            out[strcspn(out, "\n")] = 0;
            break;
        }
    }
    if (f)
        fclose(f);
}

static void put(struct text *x, const char *key, const char *value)
{
    text_add(x, ",\n \"%s\": ", key);
    text_json(x, value);
}

t2m_status manifest_write(const struct t2m_learner *l, const char *family,
                          const struct run_files *r, const struct run_times *times)
{
    struct text x;
    char cpu[128];
    cpu_name(cpu, sizeof cpu);
    text_init(&x, l->lib);
    text_add(&x, "{\"schema\": \"t2m-manifest/1\"");
    put(&x, "version", T2M_VERSION);
    put(&x, "arguments", l->settings);
    put(&x, "family", family);
    text_add(&x, ",\n \"fingerprint\": \"%016llx\"", (unsigned long long)l->fingerprint);
    put(&x, "cpu", cpu);
    put(&x, "isa", t2m_isa(l->lib));
    text_add(&x, ",\n \"threads\": %zu,\n \"seed\": %llu", t2m_threads(l->lib),
             (unsigned long long)l->seed);
    put(&x, "started", times->started);
    if (times->finished[0])
        put(&x, "finished", times->finished);
    text_add(&x, ",\n \"seconds\": %.1f,\n \"steps\": %zu\n}\n", times->seconds, times->steps);
    const struct bytes piece = {(unsigned char *)x.data, x.length};
    const t2m_status status =
        x.failed ? T2M_ENOMEM : store_write(l->lib, r->manifest, &piece, 1, true);
    text_clear(&x);
    return status;
}

t2m_status manifest_check(const struct t2m_learner *l, const struct run_files *r,
                          struct run_times *times)
{
    struct bytes file;
    if (!store_exists(r->manifest))
        return refuse(l->lib, T2M_EUSAGE,
                      "there is nothing to go on with in '%.200s'; leave out --resume", r->folder);
    TRY(store_read(l->lib, r->manifest, 1 << 16, &file));
    const char *text = (const char *)file.data, *started = strstr(text, "\"started\": \"");
    const bool same = strstr(text, l->settings) != NULL;
    if (started)
        snprintf(times->started, sizeof times->started, "%.20s", started + 12);
    mem_free(l->lib, file.data);
    return same
               ? T2M_OK
               : refuse(l->lib, T2M_EUSAGE,
                        "--resume needs the arguments and the data of the first call; see '%.200s'",
                        r->manifest);
}
