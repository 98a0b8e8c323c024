/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fuzz targets share: the entry that libFuzzer and replay.c call, and a
 * check that aborts, which is how a target reports.
 */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                   \
	do {                                                              \
		if (!(condition)) {                                       \
			fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, \
				__LINE__, #condition);                    \
			abort();                                          \
		}                                                         \
	} while (0)

/* Whether s lies within `outer`, or is absent. */
static inline bool is_within(struct str s, struct str outer)
{
	return s.p == NULL || (s.p >= outer.p && s.n <= outer.n &&
			       (size_t)(s.p - outer.p) <= outer.n - s.n);
}

/* A copy in memory of its own size, for a sanitizer to guard. */
static inline struct str copy_of(struct str s)
{
	char *p = malloc(s.n + (s.n == 0));

	MUST(p != NULL);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){p, s.n};
}

#endif
