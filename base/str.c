/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/str.h"

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_cut(struct str *rest, char separator)
{
	struct str all = *rest;
	const char *at = all.n > 0 ? memchr(all.p, separator, all.n) : NULL;

	if (at == NULL) {
		*rest = (struct str){NULL, 0};
		return all;
	}
	size_t before = (size_t)(at - all.p);

	*rest = (struct str){at + 1, all.n - before - 1};
	return (struct str){all.p, before};
}

uint64_t str_hash(struct str s)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++) {
		hash ^= (unsigned char)s.p[i];
		hash *= 1099511628211u;
	}
	return hash;
}

bool str_to_u64(struct str s, uint64_t *value_out)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*value_out = value;
	return true;
}
