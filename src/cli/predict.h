/* predict.h: what the two ways to predict share: predict.c for answers to inputs, predict_masks.c
 * for those to pixels. */
#pragma once
#include "cli.h"

struct mask_output {
    char *folder; /* where the masks go; NULL: nowhere */
    int overlay, force;
};
/* Segments c's arguments from the second on; returns the exit code. */
int predict_masks(struct cli *c, t2m_model *m, const struct mask_output *o);

/* A field of a CSV, in quotes if it needs them. */
void put_field(const char *s);
/* The library reads whole files, and the standard input may be a pipe: it is copied into one that
 * is in memory, whose path this gives. Returns its descriptor, or -1. */
int copy_input(char path[32]);
