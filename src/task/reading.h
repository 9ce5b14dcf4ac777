/* reading.h: from files to families; the inside of family.c. */
#pragma once
#include "task/family.h"

/* Adds what is at path to f. */
t2m_status family_read(struct t2m_family *f, const char *path, const struct family_options *o);
/* Adds each class turned by 90, 180 and 270 degrees, as classes of their own. */
t2m_status family_rotate(struct t2m_family *f);
