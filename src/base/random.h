/* random.h: counter-based random numbers. A stream is a key and a counter, so any draw can be made
 * again, in any order and on any thread. Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As
 * Easy as 1, 2, 3", SC 2011). */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t key, counter;
    uint32_t block[4];
    int left; /* numbers of the block not yet used */
};

/* A stream for (seed, a, b): for example (seed, purpose, task number). */
struct random random_stream(uint64_t seed, uint64_t a, uint64_t b);
uint32_t random_u32(struct random *r);
uint64_t random_u64(struct random *r);
double random_uniform(struct random *r, double low, double high); /* [low, high) */
double random_normal(struct random *r);                           /* N(0, 1), Box-Muller */
size_t random_below(struct random *r, size_t n);                  /* 0 .. n-1, unbiased; n > 0 */
/* The first `take` places of `index` become a random sample without replacement of all n. */
void random_choose(struct random *r, size_t *index, size_t n, size_t take);
