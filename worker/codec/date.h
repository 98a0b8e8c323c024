/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates of HTTP (RFC 9110 section 5.6.7). Pure: the time is given.
 */
#ifndef WORKER_CODEC_DATE_H
#define WORKER_CODEC_DATE_H

#include <time.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. */
enum { HTTP_DATE_SIZE = 29 };

/* Writes exactly HTTP_DATE_SIZE bytes. The year is taken modulo 10000. */
void http_date_format(time_t when, char out[HTTP_DATE_SIZE]);

#endif
