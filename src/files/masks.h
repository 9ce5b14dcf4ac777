/* masks.h: pictures with masks, for semantic segmentation: which class each pixel shows.
 *
 * What is read, from a folder or a .zip (files/source.h):
 *  (a) images/NAME.png, .jpg or .jpeg, each with masks/NAME.png. Both folders may lie below others,
 *      as set1/images and set1/masks: each such place is a domain.
 *  (b) NAME.jpg or .jpeg, each with NAME.png beside it, in class folders: the folder's name is the
 *      class, any pixel of the mask that is not black is of it. The folder above is the domain.
 * README*, LICENSE* and hidden files are left out.
 *
 * classes.csv gives the classes: anywhere inside, else in the folder in which the source lies.
 * Columns (files/table.h): id (0 to 254; 0 is the background), name, perhaps split, perhaps color
 * or colour (#rrggbb) or red, green and blue; others do not matter. A mask is a PNG of ids or, if
 * the list has colours, of colours: see label.h.
 *
 * Refused, T2M_EDATA with the file and what to do: a picture without its mask, a mask without its
 * picture, two pictures of one name, any other file, a mask that is no PNG, no pairs, two lists; in
 * masks_read: another size than the picture's, an id that is not in the list, damage (image.h). */
#pragma once
#include "files/image.h"
#include "files/source.h"

enum { MASK_IGNORE = 255 }; /* a pixel that says nothing */

struct mask_class {
    unsigned id;        /* 1..254 */
    char *name, *split; /* split: "" if the list has no such column */
};

struct mask_pair {
    const char *image, *mask; /* names inside the source */
    size_t class;             /* number in class[] if the folder says it, else SIZE_MAX */
    size_t domain;            /* number in domain[] */
};

/* Owns all that it points to. One thread at a time may read from it. */
struct masks {
    t2m *lib;
    const char *path; /* as given */
    size_t pairs;
    struct mask_pair *pair; /* [pairs] by the bytes of the pictures' names */
    size_t domains;
    const char **domain; /* [domains] the folders above; "" at the top */
    /* Of a list: in its order, without the background. Of class folders without a list: their
     * names by bytes, with the ids 1 to 254, and again from 1 if there are more: in each pair only
     * one class occurs. Else 0: which ids occur is only known when all masks are read, so the
     * caller may then put classes of its own here. */
    size_t classes;
    struct mask_class *class;
    bool listed; /* the classes come from a classes.csv */
    void *impl;
};

/* Whether a folder or zip holds pictures with masks; only names are looked at: there are images/
 * and masks/, or half of the pictures or more are in pairs NAME.jpg and NAME.png. */
bool masks_recognise(const struct source *s);
/* On failure *out is not touched. `path` is borrowed. */
t2m_status masks_open(t2m *lib, struct masks **out, const char *path);
/* Picture i at its own size, and label [height, width], a byte a pixel: 0 background, else the id
 * as the file has it (1..254), or MASK_IGNORE. The caller frees both by mem_free. */
t2m_status masks_read(struct masks *m, size_t i, struct image *picture, unsigned char **label);
void masks_close(struct masks *m);
/* Whether label [n] has no ids, only 0 and MASK_IGNORE. Where no list is there and this holds for
 * all masks of a set, it is black and white: 255 is its one class. masks_read does not decide this,
 * as a single mask of a set with ids may look so. */
bool masks_only_white(const unsigned char *label, size_t n);
