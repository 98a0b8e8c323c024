/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a name, a line feed, and the value of an Accept-Encoding.
 */
#include "base/codec/weight.h"

#include "t/fuzz/must.h"

/* A name that stands in the list as an element, as it is. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || strchr(",;\"", c) != NULL)
			return false;
	}
	return s.n > 0;
}

static bool contains_nocase(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (str_equal_nocase((struct str){s.p + i, part.n}, part))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = copy_of((struct str){(const char *)data, size});
	struct str list = all, name = str_cut(&list, '\n');

	if (list.p != NULL && is_token(name)) {
		int weight = weight_in(list, name);

		MUST(weight >= WEIGHT_UNSAID && weight <= WEIGHT_FULLY);
		MUST(weight == WEIGHT_UNSAID || contains_nocase(list, name));

		/* Before all others it counts in full. */
		char *longer = malloc(name.n + 1 + list.n);

		MUST(longer != NULL);
		memcpy(longer, name.p, name.n);
		longer[name.n] = ',';
		if (list.n > 0)
			memcpy(longer + name.n + 1, list.p, list.n);
		MUST(weight_in((struct str){longer, name.n + 1 + list.n}, name) ==
		     WEIGHT_FULLY);
		free(longer);
	}
	free((char *)all.p);
	return 0;
}
