/* check_masks.h: pictures with masks in memory, whose pixels tell which picture they are of and
 * what their labels are. */
#pragma once
#include "check_files.h"

#include "files/masks.h"
#include "mapping/learner.h"
#include "task/mask_family.h"

enum {
    MASK_PICTURES = 20, /* 12 of the first set, 8 of the second */
    MASK_FIRST_SET = 12,
    MASK_CLASSES = 4,
    MASK_ODD = 15,  /* what a pixel that is to be ignored says; others twice their label */
    MASK_SAYS = 17, /* bytes of one of what pixels say, */
    MASK_NUMBER = 4 /* and of the number of their picture */
};

/* Three classes in the first set, one in the second; the first of each is in all of its pictures,
 * the others in every second and every third. */
static const struct {
    unsigned char id;
    size_t domain, every;
} check_mask_class[MASK_CLASSES] = {{1, 0, 1}, {2, 0, 2}, {7, 0, 3}, {1, 1, 1}};

/* The label of a pixel: a class has a column of blocks of its own, the last row is ignored. */
static inline unsigned char check_mask_label(size_t picture, size_t row, size_t column, size_t side)
{
    const size_t domain = picture >= MASK_FIRST_SET, block = 4 * column / side;
    if (row + 1 == side)
        return MASK_IGNORE;
    for (size_t c = 0; c < MASK_CLASSES; c++)
        if (check_mask_class[c].domain == domain && picture % check_mask_class[c].every == 0 &&
            c % 3 == block && (row + picture) % side < side / 2)
            return check_mask_class[c].id;
    return 0;
}

static inline void check_mask_picture(t2m_family *f, size_t picture)
{
    const size_t side = f->height;
    unsigned char *x = f->pixels + picture * side * side * 3;
    unsigned char *label = f->labels + picture * side * side;
    struct random r = random_stream(1, 2, picture);
    for (size_t i = 0; i < side * side; i++, x += 3, label++) {
        *label = check_mask_label(picture, i / side, i % side, side);
        x[0] = (unsigned char)(MASK_SAYS * (*label == MASK_IGNORE ? MASK_ODD : 2 * *label));
        x[1] = (unsigned char)(MASK_NUMBER * picture);
        x[2] = (unsigned char)random_below(&r, 256);
    }
}

/* Freed by t2m_family_free. */
static inline t2m_family *check_masks(t2m *lib, size_t side)
{
    t2m_family *f = mem_new(lib, 1, sizeof *f);
    assert_non_null(f);
    *f = (t2m_family){.lib = lib,
                      .kind = FAMILY_MASKS,
                      .name = mem_text(lib, "masks"),
                      .height = side,
                      .width = side,
                      .channels = 3,
                      .domains = 2,
                      .classes = MASK_CLASSES,
                      .pictures = MASK_PICTURES};
    f->pixels = mem_new(lib, MASK_PICTURES * side * side * 3, 1);
    f->labels = mem_new(lib, MASK_PICTURES, side * side);
    f->class = mem_new(lib, MASK_CLASSES, sizeof *f->class);
    for (size_t i = 0; i < MASK_PICTURES; i++)
        check_mask_picture(f, i);
    for (size_t c = 0; c < MASK_CLASSES; c++) {
        char name[16];
        struct example_class *to = &f->class[c];
        const size_t first = check_mask_class[c].domain ? MASK_FIRST_SET : 0,
                     last = check_mask_class[c].domain ? MASK_PICTURES : MASK_FIRST_SET;
        snprintf(name, sizeof name, "class%zu", c);
        *to = (struct example_class){.name = mem_text(lib, name),
                                     .domain = check_mask_class[c].domain,
                                     .id = check_mask_class[c].id,
                                     .picture = mem_new(lib, MASK_PICTURES, sizeof(uint32_t))};
        for (size_t i = first; i < last; i++)
            if (i % check_mask_class[c].every == 0)
                to->picture[to->count++] = (uint32_t)i;
    }
    return f;
}

/* A training of a few steps on them. */
static inline t2m_train_options check_mask_training(const char *method, const char *structure)
{
    t2m_train_options o = T2M_TRAIN_OPTIONS_INIT;
    o.method = method;
    o.structure = structure;
    o.ways = 2;
    o.shots = o.queries = 2;
    o.steps = 4;
    o.meta_batch = 4;
    o.validation_tasks = 3;
    return o;
}
