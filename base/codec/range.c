/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/range.h"

#include <stdlib.h>

/* Digits at the front of *text, at least one; a number that is too large is
 * UINT64_MAX, which is after the end of everything. */
static bool take_number(struct str *text, uint64_t *value_out)
{
	size_t n = 0;
	uint64_t value = 0;

	for (; n < text->n && text->p[n] >= '0' && text->p[n] <= '9'; n++) {
		unsigned digit = (unsigned)(text->p[n] - '0');

		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX
							  : value * 10 + digit;
	}
	*text = str_tail(*text, n);
	*value_out = value;
	return n > 0;
}

/* A range as it is written: "first-last", "first-" or "-suffix". */
struct spec {
	bool has_first, has_last;
	uint64_t first, last;
};

static bool parse_spec(struct str text, struct spec *spec_out)
{
	spec_out->has_first = take_number(&text, &spec_out->first);
	if (!str_starts_with(text, STR("-")))
		return false;
	text = str_tail(text, 1);
	spec_out->has_last = take_number(&text, &spec_out->last);
	if (text.n > 0 || (!spec_out->has_first && !spec_out->has_last))
		return false;
	return !spec_out->has_first || !spec_out->has_last ||
	       spec_out->first <= spec_out->last;
}

/* Section 14.1.2. False when nothing of it is there. */
static bool resolve(const struct spec *spec, uint64_t size, struct range *range_out)
{
	uint64_t first = spec->first, last = size - 1;

	if (size == 0)
		return false;
	if (!spec->has_first) {
		if (spec->last == 0)
			return false;
		first = spec->last < size ? size - spec->last : 0;
	} else if (spec->has_last && spec->last < last) {
		last = spec->last;
	}
	*range_out = (struct range){first, last};
	return first < size;
}

static bool is_near(struct range a, struct range b)
{
	if (a.first > b.first)
		return is_near(b, a);
	return b.first <= a.last || b.first - a.last <= RANGES_GAP;
}

static bool any_near(const struct ranges *ranges)
{
	for (size_t i = 1; i < ranges->n; i++)
		for (size_t j = 0; j < i; j++)
			if (is_near(ranges->items[i], ranges->items[j]))
				return true;
	return false;
}

static int compare_first(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

static void join(struct ranges *ranges)
{
	size_t n = 1;

	qsort(ranges->items, ranges->n, sizeof(*ranges->items), compare_first);
	for (size_t i = 1; i < ranges->n; i++) {
		struct range *before = &ranges->items[n - 1];
		struct range next = ranges->items[i];

		if (!is_near(*before, next))
			ranges->items[n++] = next;
		else if (next.last > before->last)
			before->last = next.last;
	}
	ranges->n = n;
}

enum ranges_result ranges_parse(struct str value, uint64_t size,
				struct ranges *ranges_out)
{
	struct str unit = str_cut(&value, '=');
	size_t n_specs = 0;
	bool has_suffix = false;

	ranges_out->n = 0;
	if (!str_equal_nocase(unit, STR("bytes")))
		return RANGES_IGNORED;
	while (value.p != NULL) {
		struct str element = str_trim(str_cut(&value, ','));
		struct range *next = &ranges_out->items[ranges_out->n];
		struct spec spec;

		if (element.n == 0) /* of a list, section 5.6.1.2 */
			continue;
		if (n_specs++ == RANGES_MAX || !parse_spec(element, &spec))
			return RANGES_IGNORED;
		has_suffix |= !spec.has_first && spec.last > 0;
		if (resolve(&spec, size, next))
			ranges_out->n++;
	}
	/* The last bytes of nothing are satisfiable, but no Content-Range can
	 * say so. */
	if (n_specs == 0 || (size == 0 && has_suffix))
		return RANGES_IGNORED;
	if (ranges_out->n == 0)
		return RANGES_UNSATISFIABLE;
	if (any_near(ranges_out))
		join(ranges_out);
	return RANGES_OK;
}
