/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates of HTTP (RFC 9110 section 5.6.7). Pure: the time is given.
 */
#ifndef BASE_CODEC_DATE_H
#define BASE_CODEC_DATE_H

#include <stdbool.h>
#include <time.h>

#include "base/str.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. */
enum { HTTP_DATE_SIZE = 29 };

/* Writes exactly HTTP_DATE_SIZE bytes. The year is taken modulo 10000. */
void http_date_format(time_t when, char out[HTTP_DATE_SIZE]);

/*
 * Reads a date in any of the three forms that a recipient has to accept:
 * IMF-fixdate as above, "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov 6
 * 08:49:37 1994". A year of two digits is the latest such year that is at most
 * 50 years after `now`. The name of the day is not checked. False, with nothing
 * changed, if it is not a date.
 */
bool http_date_parse(struct str text, time_t now, time_t *when_out)
	__attribute__((warn_unused_result));

#endif
