/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounds that a test cannot wait for, such as half a minute: a build for tests
 * (configure --enable-test-hooks) takes them from the environment where they
 * are set there, any other has them as they are written. Any process.
 */
#ifndef BASE_TUNABLE_H
#define BASE_TUNABLE_H

#include <stdint.h>

#ifdef HOLDFAST_TEST_HOOKS
/* The number that the variable HOLDFAST_TEST_`name` holds, or else `value`. */
uint64_t tunable(const char *name, uint64_t value);
#else
static inline uint64_t tunable(const char *name, uint64_t value)
{
	(void)name;
	return value;
}
#endif

#endif
