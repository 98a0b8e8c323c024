/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers in decimal where printf(3) is too slow, or not safe in a signal
 * handler. Any process.
 */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 20 }; /* of a uint64_t */

/* Writes `value` so that it ends before `end`; returns where it begins. */
static inline char *digits_before(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return end;
}

/* Writes `value` at `to`, which has room for DIGITS_MAX; returns its end. */
static inline char *digits_put(char *to, uint64_t value)
{
	char digits[DIGITS_MAX], *end = digits + sizeof(digits);
	char *begin = digits_before(end, value);
	size_t n = (size_t)(end - begin);

	memcpy(to, begin, n);
	return to + n;
}

#endif
