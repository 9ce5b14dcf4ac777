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

/* ---- ridge regression ---- */

struct moments {        /* of the features x, with a one at their end, in and out of each class */
    t2m_value in, out;  /* sums of x x' [.., classes, width, width]; of x alone their last column */
    t2m_value pictures; /* that have the class [.., classes] */
};

static t2m_value last_column(t2m_graph *g, t2m_value gram)
{
    const int axis = t2m_rank(g, gram) - 1;
    return t2m_slice(g, gram, axis, t2m_dim(g, gram, axis) - 1, 1);
}

/* Number of pixels [.., classes]: the last of all is the sum of ones. */
static t2m_value pixels_of(t2m_graph *g, t2m_value gram)
{
    const int rank = t2m_rank(g, gram);
    int64_t dim[T2M_MAX_RANK];
    for (int i = 0; i < rank - 2; i++)
        dim[i] = t2m_dim(g, gram, i);
    const t2m_value row = last_column(g, gram);
    return t2m_reshape(g, t2m_slice(g, row, rank - 2, t2m_dim(g, row, rank - 2) - 1, 1), rank - 2,
                       dim);
}

enum {
    HEAVY = 1 << 21 /* numbers that are weighed at once: of one picture, and so many classes */
};

/* x [pixels, width], w [pixels, n] -> sums of w x x' over the pixels [n, width, width]. */
static t2m_value gram(t2m_graph *g, t2m_value x, t2m_value w)
{
    const int64_t pixels = t2m_dim(g, x, 0), width = t2m_dim(g, x, 1), n = t2m_dim(g, w, 1),
                  flat[] = {pixels, n * width}, apart[] = {width, n, width};
    static const int order[] = {1, 0, 2};
    const t2m_value heavy = t2m_mul(g, t2m_broadcast(g, x, 1, n), t2m_broadcast(g, w, 2, width)),
                    y = t2m_matmul_t(g, x, true, t2m_reshape(g, heavy, 2, flat), false);
    return t2m_transpose(g, t2m_reshape(g, y, 3, apart), order);
}

enum { GATHERED = 256 };

struct gathered { /* values of the same shape but for the first axis */
    t2m_value all, part[GATHERED];
    size_t n;
};

static t2m_value gather_all(t2m_graph *g, struct gathered *of)
{
    const t2m_value rest = of->n ? t2m_concat(g, 0, of->part, of->n) : of->all,
                    both[] = {of->all, rest};
    if (of->n)
        of->all = of->all.id ? t2m_concat(g, 0, both, 2) : rest;
    of->n = 0;
    return of->all;
}

static void gather(t2m_graph *g, struct gathered *to, t2m_value x)
{
    if (to->n == GATHERED)
        gather_all(g, to);
    to->part[to->n++] = x;
}

/* The same of each picture, one after the other, so that few numbers are there at a time. Rows of x
 * and w are those of all pictures -> [pictures, n, width, width]. */
static t2m_value grams(t2m_graph *g, t2m_value x, t2m_value w, int64_t pixels)
{
    const int64_t pictures = t2m_dim(g, x, 0) / pixels, n = t2m_dim(g, w, 1),
                  width = t2m_dim(g, x, 1), fit = HEAVY / (pixels * width + 1) + 1,
                  each[] = {pictures, n, width, width};
    struct gathered sums = {.n = 0};
    for (int64_t k = 0; k < pictures; k++) {
        const t2m_value of = t2m_slice(g, x, 0, k * pixels, pixels),
                        weight = t2m_slice(g, w, 0, k * pixels, pixels);
        for (int64_t c = 0; c < n; c += fit)
            gather(g, &sums, gram(g, of, t2m_slice(g, weight, 1, c, n - c < fit ? n - c : fit)));
    }
    return t2m_reshape(g, gather_all(g, &sums), 4, each);
}

/* Of each picture. */
static struct moments moments_of(t2m_graph *g, t2m_value x, const struct nn_masks *m)
{
    const int64_t n = t2m_dim(g, x, 0), width = t2m_dim(g, x, 1), column[] = {n, 1},
                  all[] = {n / m->places, width, width};
    const t2m_value in = grams(g, x, m->member, m->places),
                    known = grams(g, x, t2m_reshape(g, m->valid, 2, column), m->places),
                    each = t2m_broadcast(g, t2m_reshape(g, known, 3, all), 1, m->classes);
    return (struct moments){in, t2m_sub(g, each, in),
                            t2m_less(g, t2m_constant(g, 0), pixels_of(g, in))};
}

/* Of all pictures together [classes, ..]. */
static struct moments together(t2m_graph *g, const struct moments *m)
{
    return (struct moments){t2m_sum(g, m->in, 0, 1), t2m_sum(g, m->out, 0, 1),
                            t2m_sum(g, m->pictures, 0, 1)};
}

/* Of all but each picture [pictures, classes, ..]. */
static struct moments all_but(t2m_graph *g, const struct moments *m, const struct moments *all)
{
    return (struct moments){t2m_sub(g, all->in, m->in), t2m_sub(g, all->out, m->out),
                            t2m_sub(g, all->pictures, m->pictures)};
}

/* x [.., width, n] by the number of pixels [..]; 0 where there are none. */
static t2m_value mean_of(t2m_graph *g, t2m_value x, t2m_value pixels)
{
    const int rank = t2m_rank(g, x);
    const t2m_value one = t2m_recip(g, t2m_max(g, pixels, t2m_constant(g, 1))),
                    row = t2m_broadcast(g, one, rank - 2, t2m_dim(g, x, rank - 2));
    return t2m_mul(g, x, t2m_broadcast(g, row, rank - 1, t2m_dim(g, x, rank - 1)));
}

struct solved {
    t2m_value weight; /* [.., classes, width, 1], the last being the bias */
    t2m_value shift;  /* [.., classes] of the bias */
};

/* How much is to be believed of what pictures say together: nothing of one. */
static t2m_value worth(t2m_graph *g, t2m_value pictures)
{
    const t2m_value one = t2m_constant(g, 1);
    return t2m_sub(g, one, t2m_recip(g, t2m_max(g, pictures, one)));
}

/* What is added to the logits: how many pixels of each class there are by those outside counts
 * nothing of one picture, and the more the more have the class. */
static t2m_value shift_of(t2m_graph *g, const struct moments *m, const t2m_value learned[4])
{
    const t2m_value one = t2m_constant(g, 1),
                    share = t2m_sub(g, t2m_log(g, t2m_add(g, pixels_of(g, m->in), one)),
                                    t2m_log(g, t2m_add(g, pixels_of(g, m->out), one)));
    return t2m_madd(g, learned[3], t2m_mul(g, worth(g, m->pictures), share), learned[2]);
}

static struct solved solve(t2m_graph *g, const struct moments *m, const t2m_value learned[4])
{
    const t2m_value in = pixels_of(g, m->in), out = pixels_of(g, m->out),
                    mean_in = mean_of(g, m->in, in), mean_out = mean_of(g, m->out, out),
                    a = t2m_scale(g, 0.5, t2m_add(g, mean_in, mean_out)),
                    b = t2m_scale(g, 0.5,
                                  t2m_sub(g, last_column(g, mean_in), last_column(g, mean_out)));
    const int rank = t2m_rank(g, a);
    int64_t dim[T2M_MAX_RANK];
    for (int i = 0; i < rank; i++)
        dim[i] = t2m_dim(g, a, i);
    const t2m_value ridge = t2m_mul(g, t2m_exp(g, learned[0]), nn_identity(g, t2m_dim(g, a, -1)));
    const t2m_value w = t2m_solve_spd(g, t2m_add(g, a, t2m_expand(g, ridge, rank, dim)), b);
    return (struct solved){t2m_mul(g, t2m_exp(g, learned[1]), w), shift_of(g, m, learned)};
}

/* Logits [pictures * pixels, classes] of each picture by what is solved of the others. */
static t2m_value left_out(t2m_graph *g, t2m_value x, const struct solved *s)
{
    const int64_t k = t2m_dim(g, x, 0), pixels = t2m_dim(g, x, 1), width = t2m_dim(g, x, 2),
                  classes = t2m_dim(g, s->shift, 1), w[] = {k, classes, width},
                  rows[] = {k * pixels, classes};
    const t2m_value y = t2m_matmul_t(g, x, false, t2m_reshape(g, s->weight, 3, w), true);
    return t2m_reshape(g, t2m_add(g, y, t2m_broadcast(g, s->shift, 1, pixels)), 2, rows);
}

/* Intersection over union [classes] of what is above 0 once `by` is added. */
static t2m_value overlap(t2m_graph *g, const struct nn_masks *m, t2m_value logits, double by)
{
    const t2m_value said = t2m_mul(g, t2m_less(g, t2m_constant(g, -by), logits),
                                   t2m_broadcast(g, m->valid, 1, m->classes)),
                    both = t2m_sum(g, t2m_mul(g, said, m->member), 0, 1),
                    any = t2m_sub(
                        g, t2m_add(g, t2m_sum(g, said, 0, 1), t2m_sum(g, m->member, 0, 1)), both);
    return t2m_div(g, both, t2m_max(g, any, t2m_constant(g, 1)));
}

/* Where the class begins: half way and more, as many pictures as there are, to where most overlaps
 * in pictures that are left out; the farther from what was learned, the more it has to gain. */
static t2m_value best_shift(t2m_graph *g, const struct nn_masks *m, t2m_value logits,
                            t2m_value pictures)
{
    enum { EACH_WAY = 16 };
    const double step = 0.25, price = 0.01;
    t2m_value best = overlap(g, m, logits, 0), shift = t2m_fill(g, 0, 1, &m->classes);
    for (int i = 1; i <= EACH_WAY; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const double by = sign * i * step;
            const t2m_value value = t2m_sub(g, overlap(g, m, logits, by),
                                            t2m_constant(g, price * i * step)),
                            better = t2m_less(g, best, value);
            best = t2m_select(g, better, value, best);
            shift = t2m_select(g, better, t2m_fill(g, by, 1, &m->classes), shift);
        }
    return t2m_mul(g, worth(g, pictures), shift);
}

struct head head_mask_ridge(t2m_graph *g, t2m_value h, const struct nn_masks *m,
                            const t2m_value learned[4])
{
    const t2m_value with_one = nn_with_one(g, h);
    const int64_t width = t2m_dim(g, with_one, 1), apart[] = {-1, m->places, width},
                  flat[] = {m->classes, width}, outputs = m->classes;
    const t2m_value x = t2m_reshape(g, with_one, 3, apart);
    const struct moments each = moments_of(g, with_one, m), all = together(g, &each),
                         others = all_but(g, &each, &all);
    const struct solved s = solve(g, &all, learned), without = solve(g, &others, learned);
    const t2m_value w = t2m_swap(g, t2m_reshape(g, s.weight, 2, flat)), /* [width, classes] */
        own = t2m_reshape(g, t2m_slice(g, w, 0, width - 1, 1), 1, &outputs),
                    bias = t2m_add(g, own, s.shift);
    return (struct head){
        .weight = t2m_slice(g, w, 0, 0, width - 1),
        .bias = bias,
        .tuned = t2m_add(g, bias, best_shift(g, m, left_out(g, x, &without), all.pictures))};
}
