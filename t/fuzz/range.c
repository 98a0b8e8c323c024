/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is the size of a representation, a line feed, and the value of a
 * Range field. What comes out lies within the size and does not overlap.
 */
#include "base/codec/range.h"

#include "t/fuzz/must.h"

static void check(const struct ranges *ranges, uint64_t size)
{
	uint64_t sum = 0;

	MUST(ranges->n > 0 && ranges->n <= RANGES_MAX);
	for (size_t i = 0; i < ranges->n; i++) {
		struct range range = ranges->items[i];

		MUST(range.first <= range.last && range.last < size);
		sum += range_length(range);
		for (size_t j = 0; j < i; j++) {
			struct range other = ranges->items[j];

			MUST(range.first > other.last || range.last < other.first);
		}
	}
	MUST(sum <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = copy_of((struct str){(const char *)data, size});
	struct str rest = value;
	struct ranges *ranges = malloc(sizeof(*ranges));
	uint64_t length = 0;

	MUST(ranges != NULL);
	/* Whatever is no number is a size too. */
	if (!str_to_u64(str_cut(&rest, '\n'), &length))
		length = size;
	if (rest.p != NULL && ranges_parse(rest, length, ranges) == RANGES_OK)
		check(ranges, length);
	free(ranges);
	free((char *)value.p);
	return 0;
}
