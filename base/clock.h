/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time. Everything that is waited for or measured uses CLOCK_MONOTONIC in
 * nanoseconds; the wall clock is for people. Any process.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* Nanoseconds of CLOCK_MONOTONIC, read now (about 25 ns by the vDSO). */
static inline uint64_t clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* "2026-11-20T16:00:00Z". */
enum { CLOCK_TEXT = 21 };
const char *clock_format_utc(time_t when, char text_out[CLOCK_TEXT]);

#endif
