/* task2model.h: deep learning maps inputs to outputs; meta-learning maps tasks to models. This
 * header is the whole public interface, and its manual. The five steps:
 *
 *   1. represent a task as a vector t        t2m_task_*, t2m_family_*
 *   2. represent a model as a vector m       t2m_model_vector, t2m_model_from_vector
 *   3. learn the mapping f(t) = m            t2m_train, t2m_learner_*
 *   4. generate a model that runs alone      t2m_build
 *   5. tune it on the task's own data        t2m_build
 *
 * The engine underneath (graphs, gradients, plans) is in task2model/graph.h.
 *
 * Rules. Out-parameters come first and are written only on success, unless said otherwise. Whoever
 * calls _open, _new or _build frees with the matching _free or _close; strings documented as "caller
 * frees" go to t2m_free; all else is borrowed and lives as long as the object that gave it. The
 * library never prints, exits or aborts. A handle and everything made from it belong to one thread
 * at a time; t2m_model_predict alone may run on many threads, each with its own prepared model. */
#ifndef TASK2MODEL_H
#define TASK2MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define T2M_VERSION "0.1.0"
enum { T2M_VERSION_1 = 1, T2M_MAX_RANK = 8 };

/* ---- status: 0, or minus the exit code that the command returns ---- */
typedef enum t2m_status {
    T2M_OK = 0,
    T2M_EFAIL = -1,     /* a failure at run time */
    T2M_EUSAGE = -2,    /* a wrong argument or option */
    T2M_EDATA = -3,     /* bad input data */
    T2M_EMODEL = -4,    /* bad learner or model file */
    T2M_ENOMEM = -5,    /* out of memory, or over the limit that was set */
    T2M_EIO = -6,       /* the system refused to read or write; disk full */
    T2M_EDIVERGED = -7, /* training gave numbers that are not finite */
    T2M_ESELFTEST = -8, /* this processor computes wrongly */
    T2M_ECANCELLED = -9 /* the callback asked to stop */
} t2m_status;
const char *t2m_status_name(t2m_status status); /* "ok", "bad-data", ... */

/* ---- the library handle ---- */
typedef struct t2m t2m;

typedef struct t2m_allocator { /* all memory of the library; thread-safe if threads are used */
    void *(*allocate)(void *ctx, size_t size);
    void *(*resize)(void *ctx, void *old, size_t size); /* as realloc */
    void (*release)(void *ctx, void *p);
    void *ctx;
} t2m_allocator;

typedef struct t2m_io { /* all file access of the library; as the system calls, -1 and errno */
    int (*open)(void *ctx, const char *path, int flags, unsigned mode);
    int64_t (*read)(void *ctx, int fd, void *p, size_t n);
    int64_t (*write)(void *ctx, int fd, const void *p, size_t n);
    int (*sync)(void *ctx, int fd);
    int (*close)(void *ctx, int fd);
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *path);
    void *ctx;
} t2m_io;

typedef struct t2m_options {
    int version;               /* T2M_VERSION_1 */
    size_t threads;            /* 0: as many as this process may use */
    size_t max_memory;         /* bytes that loading one file may take; 0: 1 GiB */
    const char *isa;           /* "base", "avx2", "avx512", "neon"; NULL: the T2M_ISA variable, or
                                  the best */
    const t2m_allocator *alloc; /* NULL: malloc */
    const t2m_io *io;           /* NULL: the system */
} t2m_options;
#define T2M_OPTIONS_INIT {T2M_VERSION_1, 0, 0, 0, 0, 0}

/* Chooses the kernels for this processor, tests them, starts the threads. options may be NULL.
 * T2M_ESELFTEST: the kernels compute wrongly here. On failure *out is NULL and `message` (may be
 * NULL), of 256 bytes, has the sentence. */
t2m_status t2m_open(t2m **out, const t2m_options *options, char *message);
void t2m_close(t2m *lib); /* after everything made from it */
const char *t2m_errmsg(const t2m *lib); /* one sentence about the last failure, with the numbers */
const char *t2m_isa(const t2m *lib);
size_t t2m_threads(const t2m *lib);
void t2m_free(t2m *lib, void *p);

#ifdef __cplusplus
}
#endif
#endif
