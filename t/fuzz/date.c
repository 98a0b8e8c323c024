/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a date. One that is read, in whatever form, is written, and read
 * again as the same time.
 */
#include "base/codec/date.h"

#include "t/fuzz/must.h"

static bool has(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const time_t now = 1792000000; /* in 2026 */
	struct str text = copy_of((struct str){(const char *)data, size});
	time_t when = -1, again = -2;
	char out[HTTP_DATE_SIZE];

	if (http_date_parse(text, now, &when)) {
		http_date_format(when, out);

		struct str formatted = {out, sizeof(out)};

		MUST(http_date_parse(formatted, now, &again));
		/* A leap second at the end of all years is the first of none. */
		MUST(when == again || has(text, ":60"));
		/* But for the name of the day. */
		if (text.n == HTTP_DATE_SIZE && text.p[3] == ',')
			MUST(has(text, ":60") ||
			     str_equal(str_tail(text, 3), str_tail(formatted, 3)));
	} else {
		MUST(when == -1);
	}
	free((char *)text.p);
	return 0;
}
