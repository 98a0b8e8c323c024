/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Range field (RFC 9110 section 14): which bytes of a representation are
 * asked for. Pure.
 */
#ifndef BASE_CODEC_RANGE_H
#define BASE_CODEC_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	/* Ranges that are no further apart are sent as one: what lies between
	 * costs less than another part of a multipart/byteranges. */
	RANGES_GAP = 80,
};

/* Bytes from `first` to `last`, both of them in it. */
struct range {
	uint64_t first, last;
};

static inline uint64_t range_length(struct range range)
{
	return range.last - range.first + 1;
}

/* What to send, at least one range. They do not overlap, so that together
 * they are never more than there is. */
struct ranges {
	struct range *items; /* the caller's, with ranges_room() of room */
	size_t n;
};

enum ranges_result {
	RANGES_OK,
	RANGES_IGNORED,       /* no valid field, or none we want to follow:
			       * the whole is the answer */
	RANGES_UNSATISFIABLE, /* 416 */
};

/*
 * Reads the value of a Range field for a representation of `size` bytes. One
 * with more than `max` ranges is ignored.
 * Ranges stay in the order they are asked for, unless some overlap or nearly
 * touch: then they are put in order, and those are joined (section 15.3.7.2).
 */
enum ranges_result ranges_parse(struct str value, uint64_t size, size_t max,
				struct ranges *ranges)
	__attribute__((warn_unused_result));

/* How many items ranges_parse() needs room for. */
size_t ranges_room(struct str value, size_t max);

#endif
