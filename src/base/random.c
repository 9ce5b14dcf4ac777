/* random.c: Philox4x32-10, and distributions drawn from it. */
#include "base/random.h"

#include <math.h>

enum { ROUNDS = 10 };

/* One block of four numbers for a counter and a key (Salmon et al. 2011, section 3.3 and table 2).
 */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0],
             k1 = key[1];
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t p = (uint64_t)0xD2511F53u * c0, q = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)q;
        c3 = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct random random_stream(uint64_t seed, uint64_t a, uint64_t b)
{
    /* The stream's key is a block of the generator itself, so near seeds give unlike streams. */
    const uint32_t counter[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b,
                                 (uint32_t)(b >> 32)},
                   key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t out[4];
    philox(counter, key, out);
    return (struct random){.key = out[0] | (uint64_t)out[1] << 32,
                           .counter = out[2] | (uint64_t)out[3] << 32};
}

uint32_t random_u32(struct random *r)
{
    if (r->left == 0) {
        const uint32_t counter[4] = {(uint32_t)r->counter, (uint32_t)(r->counter >> 32), 0, 0},
                       key[2] = {(uint32_t)r->key, (uint32_t)(r->key >> 32)};
        philox(counter, key, r->block);
        r->counter++;
        r->left = 4;
    }
    return r->block[4 - r->left--];
}

uint64_t random_u64(struct random *r)
{
    const uint64_t low = random_u32(r);
    return low | (uint64_t)random_u32(r) << 32;
}

double random_uniform(struct random *r, double low, double high)
{
    return low + (high - low) * ((double)(random_u64(r) >> 11) * 0x1p-53);
}

double random_normal(struct random *r)
{
    const double u = 1 - random_uniform(r, 0, 1), v = random_uniform(r, 0, 1);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

/* Lemire, "Fast random integer generation in an interval", 2019. */
size_t random_below(struct random *r, size_t n)
{
    for (;;) {
        const unsigned __int128 p = (unsigned __int128)random_u64(r) * n;
        const uint64_t low = (uint64_t)p;
        if (low >= n || low >= -(uint64_t)n % n)
            return (size_t)(p >> 64);
    }
}

void random_choose(struct random *r, size_t *index, size_t n, size_t take)
{
    for (size_t i = 0; i < take && i < n; i++) {
        const size_t j = i + random_below(r, n - i), t = index[i];
        index[i] = index[j];
        index[j] = t;
    }
}
