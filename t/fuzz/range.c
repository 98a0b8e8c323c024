/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is the size of a representation, a line feed, and the value of a
 * Range field. What comes out lies within the size and does not overlap.
 */
#include "base/codec/range.h"

#include "t/fuzz/must.h"

static void check(const struct ranges *ranges, uint64_t size, size_t max)
{
	uint64_t sum = 0;

	MUST(ranges->n > 0 && ranges->n <= max);
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
	struct ranges ranges;
	uint64_t length = 0;

	/* Whatever is no number is a size too. */
	if (!str_to_u64(str_cut(&rest, '\n'), &length))
		length = size;

	size_t max = 1 + length % 40;

	/* In memory of its own size, so that a sanitizer sees one too many. */
	ranges.items = malloc(ranges_room(rest, max) * sizeof(*ranges.items));
	MUST(ranges.items != NULL);
	if (rest.p != NULL && ranges_parse(rest, length, max, &ranges) == RANGES_OK)
		check(&ranges, length, max);
	free(ranges.items);
	free((char *)value.p);
	return 0;
}
