/* plan.h: a compiled graph. Compilation goes through six files in this order:
 *
 *   lower.c     live nodes become units (one piece of work each) that read views and write buffers
 *   fuse.c      pointwise units and sums over the same numbers become groups
 *   emit.c      groups become programs over tiles, other units become calls: the steps
 *   schedule.c  an order for the steps, and a place for each buffer in one block of memory
 *   repeat.c    steps that run again so that less has to be kept, if memory is limited
 *   run.c       workspaces, and the running of steps; allocates nothing
 *   times.c     what the steps of all plans of a handle take, if that is measured
 *   profile.c   one plan, step by step with a clock
 *
 * compile.c drives them. A plan never changes after compilation. */
#pragma once
#include "engine/graph/node.h"

enum {
    TILE = 512, /* reals: 2 KiB, a dozen of them fit in L1; as long as a chunk of a long sum */
    NO_BUFFER = -1,
    NO_UNIT = -1
};

enum buffer_kind { BUFFER_INPUT, BUFFER_OUTPUT, BUFFER_CONSTANT, BUFFER_MEMORY };

struct buffer {
    enum buffer_kind kind;
    size_t numel;
    size_t place;         /* which input, output or constant; bytes from the start of the memory */
    int32_t writer;       /* unit, or NO_UNIT */
    uint32_t first, last; /* steps between which its numbers must be kept */
};

enum unit_kind { UNIT_POINTWISE, UNIT_SUM, UNIT_KERNEL, UNIT_COPY };

struct unit { /* one piece of work before fusion */
    enum unit_kind kind;
    uint32_t id;       /* node */
    uint32_t reads;    /* number of views */
    struct view *read; /* root is a buffer */
    int32_t writes;    /* buffer */
    int rank;          /* what is iterated over: the shape of the result, for sums of the operand */
    int64_t dim[MAX_RANK];
    int32_t stage;
    int32_t group; /* first unit of its group (a union-find) */
    bool alone;    /* a sum that left its group */
    int32_t leaf;  /* buffer from which it may be computed again, or NO_BUFFER */
    int cost;      /* of that, in operations */
};

/* ---- programs of groups ---- */

enum slot_kind {
    SLOT_DIRECT,   /* lies in a buffer just as it is iterated over */
    SLOT_PERIODIC, /* the same in every tile (a number, say): loaded once */
    SLOT_LOADED,   /* loaded for every tile */
    SLOT_REGISTER  /* between two instructions */
};

struct slot {
    enum slot_kind kind;
    int32_t buffer;
    size_t reg;       /* tile register, unless SLOT_DIRECT */
    struct view view; /* axes merged where they can be; SLOT_PERIODIC and SLOT_LOADED */
};

struct instruction {
    int pointwise;
    uint32_t y, x[MAX_ARITY]; /* slots */
};

struct tile_sum { /* y[outer, inner] = sum of slot x over `reduce` */
    uint32_t x;
    int32_t buffer;
    struct reduce_shape shape;
};

struct group {
    size_t numel;
    size_t tile;    /* reals */
    size_t segment; /* no tile crosses a multiple of it */
    size_t piece;   /* parts of the group begin at multiples of it */
    size_t slots, instructions, sums, registers;
    struct slot *slot;
    struct instruction *instruction;
    struct tile_sum *sum;
};

/* ---- steps ---- */

struct operand {
    int32_t buffer;
    int64_t offset; /* reals */
};

struct step {
    const struct node *node; /* of a call, else NULL */
    const struct node **in;
    struct operand *x;
    int64_t *batch_stride;
    struct group *group;    /* of a group, else NULL */
    struct copy_shape copy; /* of a copy: neither node nor group */
    uint32_t reads;
    int32_t *read; /* buffers */
    uint32_t writes;
    int32_t *write; /* buffers; [0] is the y of calls and copies */
    int32_t work;   /* buffer, or NO_BUFFER: room of each worker, then what all parts share */
    size_t room;    /* reals of the work buffer for each worker */
    size_t parts;   /* on which the workers of the pool work, if there are several */
    uint32_t priority;
};

struct t2m_plan {
    t2m *lib;
    struct arena arena;
    const struct kernels *k;
    bool unplanned, parallel;
    size_t inputs, outputs, buffers, constants, steps;
    size_t memory;    /* bytes */
    size_t most;      /* bytes that it may take; 0: any */
    size_t repeated;  /* steps */
    double again;     /* their work, as a part of that of all others */
    size_t max_slots; /* of a group */
    size_t max_reads; /* of a call */
    size_t workers;   /* that may run a step */
    size_t nodes;
    double flops;
    struct buffer *buffer;
    struct step *step;
    void *constant; /* reals */
};

struct t2m_workspace {
    const t2m_plan *plan;
    char *memory;
    void **base;       /* [buffers] */
    char **slot;       /* [workers, max_slots] */
    const void **read; /* [max_reads] */
    size_t runs;
    struct row **row; /* [steps]: times.c; NULL: not measured */
    double *seconds;  /* [steps, workers of the plan] */
};

/* What compilation needs and a plan does not: dies when compile returns. */
struct compiling {
    t2m_graph *g;
    t2m_plan *plan;
    struct arena arena;
    const t2m_value *in, *out;
    size_t n_in, n_out;
    bool *live;        /* [nodes] */
    bool *stored;      /* [nodes] read by a call, or a result: must be in memory */
    bool *taken;       /* [nodes] already read by a pointwise unit or a sum */
    struct view *view; /* [nodes] where a node's numbers are; root is a buffer */
    int32_t *dense;    /* [nodes] buffer of a dense copy, or NO_BUFFER */
    struct unit *unit;
    size_t units, unit_capacity;
    size_t buffer_capacity, constant_capacity;
    double *constant;
};

t2m_status plan_lower(struct compiling *c);
t2m_status plan_fuse(struct compiling *c);
t2m_status plan_emit(struct compiling *c);
t2m_status plan_schedule(struct compiling *c);
t2m_status plan_repeat(struct compiling *c);

/* ---- shared by these files ---- */

struct text;
/* "conv2d", "group", "copy" */
const char *plan_step_name(const struct step *s);
/* Of calls the shapes of the result and the operands; of groups what they are made of. */
void plan_print_shape(const t2m_plan *plan, struct text *t, const struct step *s);
void plan_print_step(const t2m_plan *plan, struct text *t, const struct step *s);
/* What one run of a step counts: a multiply-add of products, convolutions and solves is 2; calls
 * read their operands whole, groups and copies at most as much of a buffer as they go over. */
double plan_step_flops(const struct step *s);
double plan_step_bytes(const t2m_plan *p, const struct step *s);
void plan_bind(const t2m_plan *plan, t2m_workspace *w, const void *const *in, void *const *out);
void plan_run_step(const struct step *s, t2m_workspace *w);

/* Sets first and last of each buffer; then their places, and the memory of the plan. */
void plan_find_lives(t2m_plan *p);
t2m_status plan_place(struct compiling *c);
int32_t plan_buffer_new(struct compiling *c, enum buffer_kind kind, size_t numel, size_t place);
bool view_is_dense(const struct view *v);
size_t view_numel(const struct view *v);
/* Different numbers that the view shows: repeated axes count once. */
size_t view_distinct(const struct view *v);
void view_dense(struct view *v, int32_t buffer, int rank, const int64_t *dim);
/* Drops axes of size 1 and merges neighbours that lie evenly. */
void view_merge(struct view *v);
/* The unit u reads its whole operand k, in the order in which it lies. */
bool unit_reads_whole(const struct compiling *c, const struct unit *u, uint32_t k);
/* The sizes of the sum unit u. */
struct reduce_shape unit_reduce(const struct compiling *c, const struct unit *u);
/* Whether a sum can be taken tile by tile: the tile must then be a multiple of *unit reals and not
 * cross a multiple of *segment (0: no matter). */
bool sum_fits(struct reduce_shape s, size_t *unit, size_t *segment);
