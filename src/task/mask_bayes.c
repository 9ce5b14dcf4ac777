/* mask_bayes.c: see mask_bayes.h. */
#include "task/mask_bayes.h"

#include <math.h>

enum { STEPS = 8 /* bins of a channel, of rows, of columns */ };

static size_t step_of(float x)
{
    const float at = x * STEPS;
    return at < 0 ? 0 : at >= STEPS ? STEPS - 1 : (size_t)at;
}

struct bins { /* of a pixel */
    size_t colour, place;
};

/* x: the picture; at: the number of the pixel. Grey is the same in all channels. */
static struct bins bins_of(const struct t2m_family *f, const float *x, size_t at)
{
    const float *pixel = x + at * f->channels;
    const size_t row = at / f->width, column = at % f->width;
    struct bins b = {.place = row * STEPS / f->height * STEPS + column * STEPS / f->width};
    for (size_t k = 0; k < 3; k++)
        b.colour = b.colour * STEPS + step_of(pixel[f->channels == 3 ? k : 0]);
    b.place += MASK_BAYES_COLOURS;
    return b;
}

/* From counts [2, n] of pixels out of the class and in it. */
static void log_odds(const double *out, const double *in, size_t n, float *odds)
{
    double all[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        all[0] += out[i] + 0.5;
        all[1] += in[i] + 0.5;
    }
    for (size_t i = 0; i < n; i++)
        odds[i] = (float)(log((in[i] + 0.5) / all[1]) - log((out[i] + 0.5) / all[0]));
}

void mask_bayes_fit(const struct t2m_family *f, const struct episode *e, size_t classes,
                    float *odds)
{
    const size_t places = family_places(f);
    for (size_t c = 0; c < classes; c++, odds += MASK_BAYES_BINS) {
        double count[2][MASK_BAYES_BINS] = {{0}};
        for (size_t i = 0; i < e->supports * places; i++) {
            if (e->y_support[i] < 0)
                continue;
            const float *x = e->x_support + i / places * places * f->channels;
            const struct bins b = bins_of(f, x, i % places);
            const bool in = e->y_support[i] == (float)(c + 1);
            count[in][b.colour]++;
            count[in][b.place]++;
        }
        log_odds(count[0], count[1], MASK_BAYES_COLOURS, odds);
        log_odds(count[0] + MASK_BAYES_COLOURS, count[1] + MASK_BAYES_COLOURS, MASK_BAYES_PLACES,
                 odds + MASK_BAYES_COLOURS);
    }
}

void mask_bayes_judge(const struct t2m_family *f, const struct episode *e, size_t classes,
                      const float *odds, float *y)
{
    const size_t places = family_places(f);
    for (size_t i = 0; i < e->queries * places; i++) {
        const float *x = e->x_query + i / places * places * f->channels;
        const struct bins b = bins_of(f, x, i % places);
        for (size_t c = 0; c < classes; c++) {
            const float *of_class = odds + c * MASK_BAYES_BINS;
            *y++ = of_class[b.colour] + of_class[b.place];
        }
    }
}
