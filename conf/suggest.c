/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/suggest.h"

enum { SUGGEST_NAME = 32 }; /* longer names are not compared */

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The Damerau-Levenshtein distance, in which no part is edited twice. */
static size_t distance(struct str a, struct str b)
{
	size_t d[SUGGEST_NAME + 1][SUGGEST_NAME + 1];

	for (size_t i = 0; i <= a.n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= b.n; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		for (size_t j = 1; j <= b.n; j++) {
			char x = ascii_lower(a.p[i - 1]);
			char y = ascii_lower(b.p[j - 1]);

			d[i][j] = min_of(d[i - 1][j] + 1, d[i][j - 1] + 1);
			d[i][j] = min_of(d[i][j], d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == ascii_lower(b.p[j - 2]) &&
			    y == ascii_lower(a.p[i - 2]))
				d[i][j] = min_of(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a.n][b.n];
}

void suggest_offer(struct suggest *s, struct str name)
{
	if (name.n > SUGGEST_NAME || s->wrong.n > SUGGEST_NAME)
		return;

	/* One letter in three may be wrong, or nothing would be far away. */
	size_t longer = name.n > s->wrong.n ? name.n : s->wrong.n;
	size_t n = distance(s->wrong, name);

	if (n > (longer + 1) / 3 || (s->best.n > 0 && n >= s->distance))
		return;
	s->best = name;
	s->distance = n;
}
