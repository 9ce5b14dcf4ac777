/* report_pictures.c: predictions of a few tasks of pictures, of classes and of masks. */
#include <stdlib.h>

#include "overlay.h"
#include "report.h"

enum {
    SHOWN_CLASSES = 10,
    SHOWN_PICTURES = 5,
    SHOWN_MASKS = 4, /* examples, and queries */
    LARGEST = 96     /* pixels of a side on the page */
};

static void put_base64(FILE *f, const unsigned char *x, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const unsigned b = i + 1 < n ? x[i + 1] : 0, c = i + 2 < n ? x[i + 2] : 0,
                       all = (unsigned)x[i] << 16 | b << 8 | c;
        fputc(digit[all >> 18], f);
        fputc(digit[all >> 12 & 63], f);
        fputc(i + 1 < n ? digit[all >> 6 & 63] : '=', f);
        fputc(i + 2 < n ? digit[all & 63] : '=', f);
    }
}

static void put_image(FILE *f, const struct report *r, const t2m_segmentation *s, const char *what)
{
    unsigned char *png = NULL;
    size_t n = 0;
    fprintf(f, "<img alt=\"");
    put_text(f, what);
    fprintf(f, "\" src=\"data:image/png;base64,");
    if (t2m_png_encode(r->c->lib, &png, &n, s->picture, s->height, s->width, s->channels) == T2M_OK)
        put_base64(f, png, n);
    t2m_free(r->c->lib, png);
    fprintf(f, "\">");
}

struct shown { /* a picture as it is on the page: large ones by every k-th pixel */
    unsigned char pixel[LARGEST * LARGEST * 3], mask[LARGEST * LARGEST];
    size_t k;
    t2m_segmentation s;
};

static void shrink(const struct report *r, const float *x, bool ink, struct shown *out)
{
    const size_t channels = r->f.channels,
                 side = r->f.height > r->f.width ? r->f.height : r->f.width;
    size_t at = 0;
    out->k = (side + LARGEST - 1) / LARGEST;
    out->s = (t2m_segmentation){r->f.height / out->k, r->f.width / out->k, channels, out->pixel,
                                out->mask};
    for (size_t i = 0; i < out->s.height; i++)
        for (size_t j = 0; j < out->s.width; j++)
            for (size_t c = 0; c < channels; c++) {
                const float v = x[(i * r->f.width + j) * out->k * channels + c];
                out->pixel[at++] = (unsigned char)(255 * (ink ? 1 - v : v) + 0.5F);
            }
}

/* Grey ones are kept as ink (1) on paper (0), and shown so. */
static void put_picture(FILE *f, const struct report *r, const float *x, const char *what)
{
    struct shown shown;
    shrink(r, x, r->f.channels == 1, &shown);
    put_image(f, r, &shown.s, what);
}

/* ---- classes ---- */

static size_t answer(const struct sample *s, size_t query)
{
    const size_t classes = t2m_task_classes(s->query);
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        best = s->tuned[query * classes + k] > s->tuned[query * classes + best] ? k : best;
    return best;
}

static void put_query(FILE *f, const struct report *r, const struct sample *s, size_t i)
{
    const size_t said = answer(s, i), size = r->f.height * r->f.width * r->f.channels;
    const bool right = (float)said == s->query_y[i];
    fprintf(f, "<span class=\"pic %s\">", right ? "right" : "wrong");
    put_picture(f, r, s->query_x + i * size, t2m_task_class(s->query, said));
    if (right)
        fprintf(f, "\u2713</span>");
    else
        fprintf(f, "\u2717 %zu</span>", said + 1);
}

static void put_class(FILE *f, const struct report *r, const struct sample *s, size_t class)
{
    const size_t classes = t2m_task_classes(s->query),
                 shots = t2m_task_examples(s->support) / classes, queries = s->asked / classes,
                 size = r->f.height * r->f.width * r->f.channels;
    fprintf(f, "<div class=class><span class=name><b>%zu</b>", class + 1);
    put_text(f, t2m_task_class(s->query, class));
    fprintf(f, "</span>\n<span class=\"pics shots\">");
    for (size_t k = 0; k < shots && k < SHOWN_PICTURES; k++) {
        fprintf(f, "<span class=pic>");
        put_picture(f, r, s->x + (class * shots + k) * size, "example");
        fprintf(f, "</span>");
    }
    fprintf(f, "</span>\n<span class=pics>");
    for (size_t k = 0; k < queries && k < SHOWN_PICTURES; k++)
        put_query(f, r, s, class * queries + k);
    fprintf(f, "</span></div>\n");
}

void report_pictures(FILE *f, const struct report *r)
{
    fprintf(
        f, "<p>New tasks: a model for each is built from the examples on the left, and answers "
           "for the pictures beside them: \u2713 right, \u2717 wrong, with the number of the class "
           "that it took the picture for.</p>\n<div class=cards>\n");
    for (size_t i = 0; i < r->samples; i++) {
        const struct sample *s = &r->sample[i];
        const size_t classes = t2m_task_classes(s->query);
        size_t right = 0;
        for (size_t k = 0; k < s->asked; k++)
            right += (float)answer(s, k) == s->query_y[k];
        fprintf(f, "<div class=card>\n<h3>%zu of %zu right", right, s->asked);
        if (classes > SHOWN_CLASSES)
            fprintf(f, ", the first %d of %zu classes", SHOWN_CLASSES, classes);
        fprintf(f, "</h3>\n");
        for (size_t k = 0; k < classes && k < SHOWN_CLASSES; k++)
            put_class(f, r, s, k);
        fprintf(f, "</div>\n");
    }
    fprintf(f, "</div>\n");
}

/* ---- masks ---- */

/* What is said of the pixel: 1 + the number of the likeliest class, or 0. */
static float said(const struct sample *s, size_t pixel)
{
    const size_t classes = t2m_task_classes(s->query);
    const float *p = s->tuned + pixel * classes;
    size_t best = 0;
    float all = 0;
    for (size_t c = 0; c < classes; c++) {
        all += p[c];
        best = p[c] > p[best] ? c : best;
    }
    return p[best] > 1 - all ? (float)(best + 1) : 0;
}

/* The picture x [height, width, channels] with the labels of its pixels over it; NULL: alone. */
static void put_labels(FILE *f, const struct report *r, const float *x, const float *label)
{
    struct shown shown, over;
    unsigned char ink[OVERLAY_COLOURS][3];
    shrink(r, x, false, &shown);
    overlay_ink(r->episode.ways == 1, ink);
    for (size_t i = 0; i < shown.s.height; i++)
        for (size_t j = 0; j < shown.s.width; j++) {
            const float y = label ? label[(i * r->f.width + j) * shown.k] : 0;
            shown.mask[i * shown.s.width + j] = y > 0 ? (unsigned char)y : 0;
        }
    overlay_draw(&shown.s, ink, over.pixel);
    over.s = (t2m_segmentation){shown.s.height, shown.s.width, 3, over.pixel, NULL};
    fprintf(f, "<span class=pic>");
    put_image(f, r, &over.s, label ? "with its mask" : "picture");
    fprintf(f, "</span>");
}

/* How many pictures there are: room that none fills comes last, and has no known pixel. */
static size_t count_pictures(const float *label, size_t room, size_t places)
{
    for (size_t n = 0; n < room; n++) {
        bool known = false;
        for (size_t i = 0; i < places; i++)
            known = known || label[n * places + i] >= 0;
        if (!known)
            return n;
    }
    return room;
}

/* Intersection over union of all queries' pixels, mean over the classes that are there. */
static double overlap(const struct sample *s, const float *answer, size_t pixels)
{
    double sum = 0;
    size_t there = 0;
    for (size_t c = 1; c <= t2m_task_classes(s->query); c++) {
        size_t both = 0, either = 0, is = 0;
        for (size_t i = 0; i < pixels; i++) {
            const bool truth = s->query_y[i] == (float)c,
                       found = s->query_y[i] >= 0 && answer[i] == (float)c;
            is += truth;
            both += truth && found;
            either += truth || found;
        }
        there += is > 0;
        sum += is > 0 ? (double)both / (double)either : 0;
    }
    return there ? sum / (double)there : 0;
}

struct row { /* of a card: pictures, and what is known of their pixels; label NULL: nothing */
    const char *what;
    const float *x, *label;
    size_t n;
};

static void put_row(FILE *f, const struct report *r, const struct row *row)
{
    const size_t places = r->f.height * r->f.width, size = places * r->f.channels;
    fprintf(f, "<div class=class><span class=name>%s</span>\n<span class=pics>", row->what);
    for (size_t i = 0; i < row->n && i < SHOWN_MASKS; i++)
        put_labels(f, r, row->x + i * size, row->label ? row->label + i * places : NULL);
    fprintf(f, "</span></div>\n");
}

static void put_task(FILE *f, const struct report *r, const struct sample *s)
{
    const size_t places = r->f.height * r->f.width,
                 shots = count_pictures(s->y, t2m_task_examples(s->support), places),
                 queries = count_pictures(s->query_y, s->asked, places);
    float *answer = calloc(queries * places + 1, sizeof *answer);
    if (!answer)
        return;
    for (size_t i = 0; i < queries * places; i++)
        answer[i] = said(s, i);
    const struct row row[] = {{"examples", s->x, s->y, shots},
                              {"new", s->query_x, NULL, queries},
                              {"truth", s->query_x, s->query_y, queries},
                              {"predicted", s->query_x, answer, queries}};
    fprintf(f, "<div class=card>\n<h3>");
    put_text(f, t2m_task_name(s->query));
    fprintf(f, ": intersection over union %.2f</h3>\n", overlap(s, answer, queries * places));
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        put_row(f, r, &row[i]);
    fprintf(f, "</div>\n");
    free(answer);
}

void report_masks(FILE *f, const struct report *r)
{
    fprintf(f, "<p>New tasks: a model for each is built from the examples, and says of each pixel "
               "of other pictures whether it is of the class.</p>\n<div class=\"cards masks\">\n");
    for (size_t i = 0; i < r->samples; i++)
        put_task(f, r, &r->sample[i]);
    fprintf(f, "</div>\n");
}
