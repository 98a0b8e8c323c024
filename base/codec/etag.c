/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/etag.h"

static struct str opaque_of(struct str etag)
{
	return str_starts_with(etag, STR("W/")) ? str_tail(etag, 2) : etag;
}

bool etag_matches(struct str a, struct str b, enum etag_compare compare)
{
	if (compare == ETAG_WEAK)
		return str_equal(opaque_of(a), opaque_of(b));
	return str_equal(a, b) && a.n > 0 && a.p[0] == '"';
}

static bool is_tag_char(char c)
{
	return c == 0x21 || ((unsigned char)c > 0x22 && c != 0x7f);
}

/* The tag that `list` begins with; n == 0 when there is none. */
static struct str leading_tag(struct str list)
{
	size_t n = str_starts_with(list, STR("W/")) ? 2 : 0;

	if (n == list.n || list.p[n++] != '"')
		return (struct str){NULL, 0};
	while (n < list.n && is_tag_char(list.p[n]))
		n++;
	if (n == list.n || list.p[n] != '"')
		return (struct str){NULL, 0};
	return (struct str){list.p, n + 1};
}

bool etag_list_has(struct str list, struct str etag, enum etag_compare compare)
{
	if (str_equal(str_trim(list), STR("*")))
		return true;
	while (list.n > 0) {
		char c = list.p[0];

		if (c == ' ' || c == '\t' || c == ',') {
			list = str_tail(list, 1);
			continue;
		}
		struct str tag = leading_tag(list);
		struct str rest = str_trim(str_tail(list, tag.n));

		if (tag.n == 0 || (rest.n > 0 && rest.p[0] != ','))
			return false;
		if (etag_matches(tag, etag, compare))
			return true;
		list = rest;
	}
	return false;
}
