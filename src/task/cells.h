/* cells.h: what one cell of text says by itself: nothing, yes or no, a date, a number too large.
 * Pure functions; letters of words count in either case, spaces around them not. */
#pragma once
#include "base/base.h"

bool cell_is_empty(const char *s); /* nothing but spaces */
/* Empty, or NA, N/A, NaN, null, none, ? or -. */
bool cell_is_missing(const char *s);
/* Number of the word among false true no yes f t n y, or -1: even is no, odd is yes, and 2 k and
 * 2 k + 1 are a pair. */
int cell_truth(const char *s);
/* Infinite, not a number, or a number written correctly that no double holds. */
bool cell_is_infinite(const char *s);

enum date_part { DATE_DAYS, DATE_MONTH, DATE_WEEKDAY, DATE_HOUR, DATE_PARTS };
extern const char *const date_part_names[DATE_PARTS];
/* 2024-03-01, 01.03.2024 or, as day_first says, 01/03/2024 or 03/01/2024; then, if there is, T or
 * a space and 13:30, seconds with decimals, Z. part: days since 2000-01-01, month 1..12, weekday
 * (Monday 0), hours with their fraction. *slashes may be set even if it is no date. */
bool cell_date(const char *s, bool day_first, float part[DATE_PARTS], bool *slashes);
