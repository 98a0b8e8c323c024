/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is an entity tag, a line feed, and a list of them.
 */
#include "base/codec/etag.h"

#include "t/fuzz/must.h"

static bool is_etag(struct str s)
{
	if (str_starts_with(s, STR("W/")))
		s = str_tail(s, 2);
	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool contains(struct str s, struct str part)
{
	return s.n > 0 && memmem(s.p, s.n, part.p, part.n) != NULL;
}

static void check_list(struct str etag, struct str list)
{
	bool strong = etag_list_has(list, etag, ETAG_STRONG);
	bool weak = etag_list_has(list, etag, ETAG_WEAK);

	MUST(weak || !strong);
	if (weak && !str_equal(str_trim(list), STR("*"))) {
		struct str opaque = etag;

		if (str_starts_with(opaque, STR("W/")))
			opaque = str_tail(opaque, 2);
		MUST(contains(list, opaque));
	}

	/* The list behind the tag has it. */
	char *longer = malloc(etag.n + 1 + list.n);

	MUST(longer != NULL);
	memcpy(longer, etag.p, etag.n);
	longer[etag.n] = ',';
	if (list.n > 0)
		memcpy(longer + etag.n + 1, list.p, list.n);

	struct str more = {longer, etag.n + 1 + list.n};

	MUST(etag_list_has(more, etag, ETAG_WEAK));
	/* "*" in a list is no tag. */
	MUST(etag_list_has(more, etag, ETAG_STRONG) ==
	     (etag.p[0] == '"' ||
	      (strong && !str_equal(str_trim(list), STR("*")))));
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str list = copy_of((struct str){(const char *)data, size});
	struct str rest = list, etag = str_cut(&rest, '\n');

	if (rest.p != NULL) {
		bool strong = etag_matches(etag, rest, ETAG_STRONG);
		bool weak = etag_matches(etag, rest, ETAG_WEAK);

		MUST(weak || !strong);
		MUST(strong == etag_matches(rest, etag, ETAG_STRONG));
		MUST(weak == etag_matches(rest, etag, ETAG_WEAK));
		/* Ours is one; what comes may be anything. */
		if (is_etag(etag))
			check_list(etag, rest);
	}
	free((char *)list.p);
	return 0;
}
