/* segment.c: what a model of masks says of a picture, at the picture's own size. */
#include <string.h>

#include "files/image.h"
#include "files/store.h"
#include "model/model.h"

struct between { /* two neighbours on one axis, and how far the second counts */
    size_t first, second;
    float part;
};

/* Where the middle of pixel `at` of `to` lies among `from` pixels. */
static struct between between(size_t at, size_t to, size_t from)
{
    const double place = ((double)at + 0.5) * (double)from / (double)to - 0.5;
    if (place <= 0)
        return (struct between){0, 0, 0};
    const size_t first = (size_t)place;
    if (first + 1 >= from)
        return (struct between){from - 1, from - 1, 0};
    return (struct between){first, first + 1, (float)(place - (double)first)};
}

struct probable { /* [height, width, classes] */
    const float *p;
    size_t height, width, classes;
};

/* 1 + the number of the class that is most likely there, or 0. */
static size_t most_likely(const struct probable *y, const struct between *row,
                          const struct between *column)
{
    const size_t n = y->classes;
    const float *corner[4] = {y->p + (row->first * y->width + column->first) * n,
                              y->p + (row->first * y->width + column->second) * n,
                              y->p + (row->second * y->width + column->first) * n,
                              y->p + (row->second * y->width + column->second) * n};
    const float r = row->part, c = column->part,
                weight[4] = {(1 - r) * (1 - c), (1 - r) * c, r * (1 - c), r * c};
    size_t best = 0;
    float largest = 0, all = 0;
    for (size_t k = 0; k < n; k++) {
        float p = 0;
        for (int i = 0; i < 4; i++)
            p += weight[i] * corner[i][k];
        all += p;
        if (p > largest) {
            largest = p;
            best = k + 1;
        }
    }
    return largest > 1 - all ? best : 0;
}

static void draw(const t2m_model *m, const struct probable *y, t2m_segmentation *out)
{
    unsigned char *to = out->mask;
    for (size_t i = 0; i < out->height; i++) {
        const struct between row = between(i, out->height, y->height);
        for (size_t j = 0; j < out->width; j++) {
            const struct between column = between(j, out->width, y->width);
            const size_t class = most_likely(y, &row, &column);
            *to++ = class ? m->id[class - 1] : 0;
        }
    }
}

static t2m_status segment(t2m_model *m, const struct image *picture, t2m_segmentation *out)
{
    const struct structure *s = &m->structure;
    const struct probable shape = {NULL, (size_t)s->height, (size_t)s->width, m->classes};
    float *x = mem_new(m->lib, structure_input_size(s), sizeof *x),
          *y = mem_new(m->lib, shape.height * shape.width, shape.classes * sizeof *y);
    out->mask = mem_new(m->lib, picture->height, picture->width);
    t2m_status status = x && y && out->mask ? T2M_OK : T2M_ENOMEM;
    if (status == T2M_OK) {
        image_scale_as(picture, shape.height, shape.width, (size_t)s->channels, x);
        status = t2m_model_predict(m, x, 1, y);
    }
    if (status == T2M_OK)
        draw(m, &(struct probable){y, shape.height, shape.width, shape.classes}, out);
    mem_free(m->lib, x);
    mem_free(m->lib, y);
    return status;
}

t2m_status t2m_model_segment(t2m_model *m, const char *path, t2m_segmentation *out)
{
    struct bytes file;
    struct image picture = {0};
    if (!structure_is_dense(&m->structure))
        return refuse(m->lib, T2M_EUSAGE, "this model answers for pictures, not for their pixels");
    TRY(store_read(m->lib, path, m->lib->memory_limit, &file));
    t2m_status status = image_decode(m->lib, &file, path, &picture);
    mem_free(m->lib, file.data);
    TRY(status);
    t2m_segmentation s = {picture.height, picture.width, picture.channels, picture.pixels, NULL};
    status = segment(m, &picture, &s);
    if (status == T2M_OK) {
        *out = s;
        return T2M_OK;
    }
    mem_free(m->lib, picture.pixels);
    mem_free(m->lib, s.mask);
    return status;
}
