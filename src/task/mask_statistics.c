/* mask_statistics.c: see mask_statistics.h. */
#include "task/mask_statistics.h"

#include <math.h>
#include <stdbool.h>

enum { OUT, IN, SIDES, COLOURS = 3 };
/* Added before logarithms: three steps of a byte, below which changes are noise. */
static const double least = 0.01;

struct side { /* sums over its pixels, and over pairs of neighbours of it */
    double pixels, colour[COLOURS], square[COLOURS];
    double pairs, change;
};

struct sums {
    struct side side[SIDES];
    double border, across; /* pairs of neighbours on both sides, their change of light */
    double place[2], place_square[2];
};

static void colours_of(const float *x, size_t channels, double out[COLOURS])
{
    double sum = 0;
    for (size_t k = 0; k < channels; k++)
        sum += (double)x[k];
    out[0] = sum / (double)channels;
    out[1] = channels == 3 ? (double)x[0] - (double)x[1] : 0;
    out[2] = channels == 3 ? (double)x[2] - 0.5 * ((double)x[0] + (double)x[1]) : 0;
}

/* The pair of pixels `at` and `at + step` of one picture. */
static void add_pair(const struct mask_task *task, size_t at, size_t step, float class,
                     struct sums *s)
{
    const float *y = task->y + at;
    double a[COLOURS], b[COLOURS];
    if (y[step] < 0)
        return;
    const bool in = *y == class, other_in = y[step] == class;
    colours_of(task->x + at * task->channels, task->channels, a);
    colours_of(task->x + (at + step) * task->channels, task->channels, b);
    *(in == other_in ? &s->side[in].pairs : &s->border) += 1;
    *(in == other_in ? &s->side[in].change : &s->across) += fabs(a[0] - b[0]);
}

static void add_pixel(const struct mask_task *task, size_t at, float class, struct sums *s)
{
    const size_t row = at / task->width % task->height, column = at % task->width;
    const bool in = task->y[at] == class;
    const double place[2] = {((double)row + 0.5) / (double)task->height,
                             ((double)column + 0.5) / (double)task->width};
    struct side *side = &s->side[in];
    double colour[COLOURS];
    colours_of(task->x + at * task->channels, task->channels, colour);
    side->pixels++;
    for (int k = 0; k < COLOURS; k++) {
        side->colour[k] += colour[k];
        side->square[k] += colour[k] * colour[k];
    }
    for (int k = 0; k < 2 && in; k++) {
        s->place[k] += place[k];
        s->place_square[k] += place[k] * place[k];
    }
    if (column + 1 < task->width)
        add_pair(task, at, 1, class, s);
    if (row + 1 < task->height)
        add_pair(task, at, task->width, class, s);
}

static double mean_of(double sum, double n)
{
    return n > 0 ? sum / n : 0;
}

static double variance_of(double sum, double square, double n)
{
    return fmax(0, mean_of(square, n) - pow(mean_of(sum, n), 2));
}

/* The numbers of one class to t. */
static void write_numbers(const struct sums *s, double t[MASK_T])
{
    const struct side *out = &s->side[OUT], *in = &s->side[IN];
    double off = 0, *at = t;
    *at++ = log((in->pixels + 0.5) / (out->pixels + 0.5));
    for (int k = 0; k < COLOURS; k++) {
        const double mean[SIDES] = {mean_of(out->colour[k], out->pixels),
                                    mean_of(in->colour[k], in->pixels)},
                     variance[SIDES] = {variance_of(out->colour[k], out->square[k], out->pixels),
                                        variance_of(in->colour[k], in->square[k], in->pixels)};
        *at++ = mean[IN];
        *at++ = mean[OUT];
        *at++ = log(least + sqrt(variance[IN]));
        *at++ = log(least + sqrt(variance[OUT]));
        off += pow(mean[IN] - mean[OUT], 2) / (least * least + variance[IN] + variance[OUT]);
    }
    *at++ = log(least + mean_of(in->change, in->pairs));
    *at++ = log(least + mean_of(out->change, out->pairs));
    *at++ = log(least + mean_of(s->across, s->border));
    *at++ = log(0.1 + sqrt(off));
    *at++ = log(1 + s->border) - 0.5 * log(1 + in->pixels);
    for (int k = 0; k < 2; k++) {
        *at++ = mean_of(s->place[k], in->pixels);
        *at++ = sqrt(variance_of(s->place[k], s->place_square[k], in->pixels));
    }
}

void mask_statistics(const struct mask_task *task, float t[MASK_T])
{
    const size_t pixels = task->pictures * task->height * task->width;
    double sum[MASK_T] = {0}, one[MASK_T];
    size_t classes = 0;
    for (size_t c = 1; c <= task->classes; c++) {
        struct sums s = {0};
        for (size_t i = 0; i < pixels; i++)
            if (task->y[i] >= 0)
                add_pixel(task, i, (float)c, &s);
        if (s.side[IN].pixels == 0)
            continue;
        write_numbers(&s, one);
        classes++;
        for (int k = 0; k < MASK_T; k++)
            sum[k] += one[k];
    }
    for (int k = 0; k < MASK_T; k++)
        t[k] = classes ? (float)(sum[k] / (double)classes) : 0;
}
