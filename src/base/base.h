/* base.h: what every part of the library stands on: the library handle with its hooks, errors,
 * memory, checked sizes. Invariant: nothing here knows of tensors, graphs or files. All allocation
 * and all I/O of the library goes through the two hook tables in the handle. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "task2model.h"

struct kernels;
struct pool;
struct times;

enum { ERRMSG_SIZE = 512 };

/* What texts are read through, where the handle has one (t2m_encoder_use): vectors of an encoder.
 */
struct text_encoder {
    void *ctx;
    size_t width;
    uint64_t fingerprint;
    t2m_status (*run)(void *ctx, const char *const *text, size_t n, float *out); /* [n, width] */
    void (*free)(void *ctx);
};

struct t2m {
    t2m_allocator alloc;
    t2m_io io;
    const struct kernels *kernels;     /* float32, chosen at open */
    const struct kernels *kernels_f64; /* double, plain C, for checks */
    struct pool *pool;
    struct times *times;         /* of the steps of plans; NULL: they are not measured */
    struct text_encoder encoder; /* width 0: none */
    size_t memory_limit;         /* bytes that loading one file may take */
    char errmsg[ERRMSG_SIZE];
};

/* Returns `status` after it has put the sentence into the handle. The newest message stays. */
t2m_status refuse(t2m *lib, t2m_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
t2m_status fail_memory(t2m *lib, size_t bytes);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        t2m_status try_status = (call);                                                            \
        if (try_status != T2M_OK)                                                                  \
            return try_status;                                                                     \
    } while (0)

/* Zeroed memory for n items of `size` bytes; NULL if n * size overflows or memory is out (the
 * message is set). n = 0 gives a valid pointer. Freed by mem_free. */
void *mem_new(t2m *lib, size_t n, size_t size);
void *mem_resize(t2m *lib, void *old, size_t n, size_t size); /* the new part is not zeroed */
void mem_free(t2m *lib, void *p);
char *mem_text(t2m *lib, const char *s); /* a copy */

/* Makes room for one more item in a growing array; false if memory is out. */
bool mem_grow(t2m *lib, void **array, size_t *capacity, size_t needed, size_t size);

/* Bytes of this process that are in memory; 0: the system does not say. */
size_t memory_in_use(void);

double seconds_now(void); /* of a clock that only goes forward */

/* One lifetime, one arena: everything in it dies with arena_clear. */
struct arena {
    t2m *lib;
    struct arena_block *newest;
    bool failed; /* memory ran out once */
};
void arena_init(struct arena *a, t2m *lib);
void *arena_new(struct arena *a, size_t n, size_t size); /* zeroed, 64-byte aligned; or NULL */
char *arena_text(struct arena *a, const char *s);
void arena_clear(struct arena *a);

/* Checked arithmetic on sizes: false on overflow. The only places that multiply sizes. */
bool size_mul(size_t a, size_t b, size_t *out);
bool size_add(size_t a, size_t b, size_t *out);
enum { MAX_RANK = T2M_MAX_RANK };
/* Number of elements of dims [rank], each in 0 .. 2^31-1, at most `max`; false if not so. */
bool checked_numel(const int64_t *dim, int rank, size_t max, size_t *out);
