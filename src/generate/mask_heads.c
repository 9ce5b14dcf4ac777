/* mask_heads.c: last layers of pixels in closed form. */
#include "generate/heads.h"

/* Weights of the pixels of each class, and of the valid ones outside, whose sums are 1 (0 if there
 * are none): [pixels, classes]. */
struct sides {
    t2m_value in, out;
};

static t2m_value share(t2m_graph *g, t2m_value x)
{
    return t2m_div(g, x, t2m_max(g, t2m_sum(g, x, 0, 1), t2m_constant(g, 1)));
}

static struct sides sides_of(t2m_graph *g, const struct nn_masks *m)
{
    const t2m_value valid = t2m_broadcast(g, m->valid, 1, m->classes);
    return (struct sides){share(g, m->member), share(g, t2m_sub(g, valid, m->member))};
}

struct head head_mask_prototypes(t2m_graph *g, t2m_value h, const struct nn_masks *m)
{
    const struct sides s = sides_of(g, m);
    const t2m_value in = t2m_matmul_t(g, h, true, s.in, false),
                    out = t2m_matmul_t(g, h, true, s.out, false); /* [features, classes] */
    const t2m_value lengths =
        t2m_sub(g, t2m_sum(g, t2m_square(g, out), 0, 1), t2m_sum(g, t2m_square(g, in), 0, 1));
    return (struct head){.weight = t2m_scale(g, 2, t2m_sub(g, in, out)), .bias = lengths};
}

/* Logarithm of the pixels of each class by those outside, [classes]; one more on both sides. */
static t2m_value log_share(t2m_graph *g, const struct nn_masks *m)
{
    const t2m_value one = t2m_constant(g, 1), in = t2m_sum(g, m->member, 0, 1),
                    out =
                        t2m_sub(g, t2m_sum(g, t2m_broadcast(g, m->valid, 1, m->classes), 0, 1), in);
    return t2m_sub(g, t2m_log(g, t2m_add(g, in, one)), t2m_log(g, t2m_add(g, out, one)));
}

/* How much that is worth: nothing of one picture, the more the more have the class, 1 - 1 / n. */
static t2m_value worth(t2m_graph *g, const struct nn_masks *m)
{
    const t2m_value one = t2m_constant(g, 1), pixels = nn_masks_by_picture(g, m, m->member),
                    n = t2m_sum(g, t2m_less(g, t2m_constant(g, 0), pixels), 0, 1);
    return t2m_sub(g, one, t2m_recip(g, t2m_max(g, n, one)));
}

struct head head_mask_ridge(t2m_graph *g, t2m_value h, const struct nn_masks *m,
                            const t2m_value learned[4])
{
    const struct sides s = sides_of(g, m);
    const t2m_value x = nn_with_one(g, h), penalty = t2m_exp(g, learned[0]),
                    factor = t2m_exp(g, learned[1]),
                    weight = t2m_scale(g, 0.5, t2m_add(g, s.in, s.out)),
                    target = t2m_scale(g, 0.5, t2m_sub(g, s.in, s.out));
    const int64_t n = t2m_dim(g, x, 0), width = t2m_dim(g, x, 1), each[] = {m->classes, n, 1},
                  column[] = {m->classes, width, 1}, rows[] = {m->classes, width},
                  outputs = m->classes;
    const t2m_value heavy = t2m_mul(g, x, t2m_reshape(g, t2m_swap(g, weight), 3, each)),
                    gram = t2m_matmul_t(g, heavy, true, x, false), /* [classes, width, width] */
        a = t2m_madd(g, penalty, nn_identity(g, width), gram),
                    b = t2m_reshape(g, t2m_matmul_t(g, target, true, x, false), 3, column);
    const t2m_value w = t2m_mul(
        g, factor,
        t2m_swap(g, t2m_reshape(g, t2m_solve_spd(g, a, b), 2, rows))); /* [width, classes] */
    const t2m_value bias = t2m_reshape(g, t2m_slice(g, w, 0, width - 1, 1), 1, &outputs),
                    shift = t2m_madd(g, learned[3], t2m_mul(g, worth(g, m), log_share(g, m)),
                                     learned[2]);
    return (struct head){.weight = t2m_slice(g, w, 0, 0, width - 1),
                         .bias = t2m_add(g, bias, shift)};
}
