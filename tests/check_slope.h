/* check_slope.h: a gradient beside differences, along a random direction, in double. */
#pragma once
#include "check.h"

static inline void normals(double *x, size_t n, uint64_t stream)
{
    struct random r = random_stream(3, 4, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = random_normal(&r);
}

struct slope { /* y [] as a function of in [n], of which in[0] is moved */
    t2m_graph *g;
    const t2m_value *in;
    double **x;
    size_t n;
    t2m_value y, gradient;
};

/* Along a random direction: by the gradient, and by differences of y. */
static inline void both_slopes(t2m *lib, const struct slope *s, double out[2])
{
    const size_t numel = check_numel(s->g, s->in[0]);
    const double step = 1e-8; /* small, since tuning jumps where a ReLU of it bends */
    double *direction = check_room(numel), *keep = s->x[0], *moved = check_room(numel), value[2];
    double *gradient = check_run(lib, s->g, s->in, s->x, s->n, s->gradient, T2M_F64, false);
    normals(direction, numel, 2);
    out[0] = 0;
    for (size_t i = 0; i < numel; i++)
        out[0] += gradient[i] * direction[i];
    s->x[0] = moved;
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < numel; i++)
            moved[i] = keep[i] + (k ? -step : step) * direction[i];
        double *y = check_run(lib, s->g, s->in, s->x, s->n, s->y, T2M_F64, false);
        value[k] = *y;
        free(y);
    }
    out[1] = (value[0] - value[1]) / (2 * step);
    s->x[0] = keep;
    free(direction);
    free(moved);
    free(gradient);
}

static inline void assert_slopes(t2m *lib, const struct slope *s, const char *what)
{
    double slope[2];
    both_slopes(lib, s, slope);
    if (!(fabs(slope[0] - slope[1]) < 1e-5 * fabs(slope[1]) && slope[1] != 0))
        fail_msg("%s: %g by the gradient, %g by differences", what, slope[0], slope[1]);
}
