/* masks_reading.h: the inside of masks.c: the list of classes, and which file is what. */
#pragma once
#include "base/words.h"
#include "files/label.h"
#include "files/masks.h"

struct mask_list {    /* a classes.csv */
    const char *name; /* of the file, for messages */
    size_t classes;
    struct mask_class *class; /* [classes] in the order of the rows, without the background */
    size_t colours;
    struct label_colour *colour; /* [colours], ascending in rgb */
};
/* All of the list lives in the arena. T2M_EDATA with file, line and column: an id that is none or
 * occurs twice, a name that is empty or occurs twice, a colour likewise; no class at all. */
t2m_status mask_list_read(struct arena *a, const struct bytes *file, const char *name,
                          struct mask_list *out);

enum mask_form { MASKS_FOLDERS, MASKS_CLASSES }; /* (a) and (b) of masks.h */
enum mask_role { MASK_OTHER, MASK_OF_NONE, MASK_IS_PICTURE, MASK_IS_MASK, MASK_IS_LIST };

struct span { /* a part of a name */
    size_t at, length;
};

struct mask_member {                  /* what a name of the source says */
    enum mask_role role;              /* MASK_OF_NONE: left out */
    struct span domain, folder, stem; /* folder, stem: the same in a picture and its mask */
    struct span class;                /* of MASKS_CLASSES */
};

enum mask_form mask_form_of(const struct source *s);
struct mask_member mask_member_of(const char *name, enum mask_form form);
