/* kernels_table.c: the functions of one instruction set and precision as a table. */
#include "engine/compute/simd.h"

#define TEXT(x) #x
#define NAME(x) TEXT(x)

extern const struct kernels KERNEL(kernels);
const struct kernels KERNEL(kernels) = {
    .isa = NAME(KERNELS_ISA),
    .real_size = sizeof(real),
    .pointwise =
        {
#undef UNARY
#define UNARY(name, ...) [POINTWISE_##name] = KERNEL(pointwise_##name),
#define BINARY UNARY
#define TERNARY UNARY
#include "engine/compute/pointwise.def"
        },
    .matmul_work = MATMUL_WORK,
    .matmul = MATMUL,
    .conv_work = CONV_WORK,
    .conv_units = CONV_UNITS,
    .conv_forward = CONV_FORWARD,
    .conv_input = CONV_INPUT,
    .conv_filter = CONV_FILTER,
    .reduce_sum = REDUCE_SUM,
    .reduce_add = REDUCE_ADD,
    .reduce_max = REDUCE_MAX,
    .fill = FILL,
    .iota = IOTA,
    .copy = COPY,
    .window_argmax = WINDOW_ARGMAX,
    .window_gather = WINDOW_GATHER,
    .window_scatter = WINDOW_SCATTER,
    .gather = GATHER,
    .scatter_add = SCATTER_ADD,
    .solve_spd_work = SOLVE_SPD_WORK,
    .solve_spd = SOLVE_SPD,
    .inverse_spd_work = INVERSE_SPD_WORK,
    .inverse_spd = INVERSE_SPD,
    .distance_work = DISTANCE_WORK,
    .distance = DISTANCE,
    .distance_input = DISTANCE_INPUT,
    .distance_push = DISTANCE_PUSH,
};
