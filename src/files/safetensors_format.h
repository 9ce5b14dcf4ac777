/* safetensors_format.h: what reading (safetensors.c) and writing (safetensors_write.c) share. */
#pragma once
#include "files/safetensors.h"

/* The checksum stands in the header as SUM_KEY and 8 hex digits, which count as zeros in the sum.
 */
#define SUM_KEY "\"crc32c\":\""
enum { SUM_DIGITS = 8 };

/* Metadata that say what the bytes of a tensor count. */
#define UNIT_PREFIX "unit."
enum { UNIT_NAME = 80, UNIT_KEY = UNIT_NAME + sizeof UNIT_PREFIX };

/* Place of the 8 digits in file [end], which begins with the header; 0: they are not there. */
size_t safetensors_sum_place(const unsigned char *file, size_t end);
/* The sum of file [length] whose digits are at `place`. */
uint32_t safetensors_sum(const unsigned char *file, size_t length, size_t place);
