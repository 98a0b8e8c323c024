/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static int compare_first(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* Puts ranges in order and joins those that are near; says how many are left. */
static size_t join(struct range *items, size_t all)
{
	size_t n = 1;

	qsort(items, all, sizeof(*items), compare_first);
	for (size_t i = 1; i < all; i++) {
		struct range *before = &items[n - 1];
		struct range next = items[i];

		if (!is_near(*before, next))
			items[n++] = next;
		else if (next.last > before->last)
			before->last = next.last;
	}
	return n;
}

/* Joins a copy of them, behind them, which takes their place where that makes
 * them fewer. */
static void join_near(struct ranges *ranges)
{
	struct range *items = ranges->items, *copy = items + ranges->n;

	memcpy(copy, items, ranges->n * sizeof(*items));
	size_t n = join(copy, ranges->n);

	if (n == ranges->n)
		return;
	memcpy(items, copy, n * sizeof(*items));
	ranges->n = n;
}

size_t ranges_room(struct str value, size_t max)
{
	size_t n = 1;

	for (size_t i = 0; i < value.n && n < max; i++)
		n += value.p[i] == ',';
	return 2 * n;
}

enum ranges_result ranges_parse(struct str value, uint64_t size, size_t max,
				struct ranges *ranges)
{
	struct str unit = str_cut(&value, '=');
	size_t n_specs = 0;
	bool has_suffix = false;

	ranges->n = 0;
	if (!str_equal_nocase(unit, STR("bytes")))
		return RANGES_IGNORED;
	while (value.p != NULL) {
		struct str element = str_trim(str_cut(&value, ','));
		struct range next;
		struct spec spec;

		if (element.n == 0) /* of a list, section 5.6.1.2 */
			continue;
		if (n_specs++ == max || !parse_spec(element, &spec))
			return RANGES_IGNORED;
		has_suffix |= !spec.has_first && spec.last > 0;
		if (resolve(&spec, size, &next))
			ranges->items[ranges->n++] = next;
	}
	/* The last bytes of nothing are satisfiable, but no Content-Range can
	 * say so. */
	if (n_specs == 0 || (size == 0 && has_suffix))
		return RANGES_IGNORED;
	if (ranges->n == 0)
		return RANGES_UNSATISFIABLE;
	join_near(ranges);
	return RANGES_OK;
}
