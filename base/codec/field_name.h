/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of fields, compared with those that are known: for readers that switch
 * over the length of a name first. Pure.
 */
#ifndef BASE_CODEC_FIELD_NAME_H
#define BASE_CODEC_FIELD_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Whether eight or four octets from `i` on are `lower`, in any case. `|` makes no
 * octet of a token equal to a small letter or "-" but the same letter and "-". */
static inline bool field_name_eight(const char *name, const char *lower, size_t i)
{
	uint64_t a, b;

	memcpy(&a, name + i, sizeof(a));
	memcpy(&b, lower + i, sizeof(b));
	return (a | 0x2020202020202020) == b;
}

static inline bool field_name_four(const char *name, const char *lower, size_t i)
{
	uint32_t a, b;

	memcpy(&a, name + i, sizeof(a));
	memcpy(&b, lower + i, sizeof(b));
	return (a | 0x20202020) == b;
}

/* `n`, at least 4, and `lower` are constants where this is inlined: a few words
 * are compared, of which the last two may overlap. */
static inline bool field_name_is(const char *name, const char *lower, size_t n)
{
	if (n < 8)
		return field_name_four(name, lower, 0) &&
		       field_name_four(name, lower, n - 4);
	for (size_t i = 0; i + 8 < n; i += 8)
		if (!field_name_eight(name, lower, i))
			return false;
	return field_name_eight(name, lower, n - 8);
}

/* Whether the token at `p`, as long as `literal`, is that name, in any case. */
#define FIELD_NAME_IS(p, literal) field_name_is((p), (literal), sizeof(literal) - 1)

#endif
