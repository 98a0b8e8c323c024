/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/codec/utf8.h"

static const char hex[] = "0123456789abcdef";

static void put_unicode(struct buf *out, uint32_t c)
{
	char text[] = {'\\',
		       'u',
		       hex[c >> 12 & 15],
		       hex[c >> 8 & 15],
		       hex[c >> 4 & 15],
		       hex[c & 15]};

	buf_put(out, (struct str){text, sizeof(text)});
}

/*
 * Characters that must not stand in a string of JSON, or could end one of a
 * script, or the script: "<" because of "</script>" and "<!--", U+2028 and
 * U+2029 because they were line ends in JavaScript.
 */
static bool is_special(uint32_t c)
{
	if (c < 0x80)
		return c < ' ' || c == 0x7f || strchr("\"\\<>&'`$", (int)c) != NULL;
	return c == 0x2028 || c == 0x2029;
}

void json_put(struct buf *out, struct str s)
{
	const char *run = s.p; /* of what goes as it is */

	while (s.n > 0) {
		const char *at = s.p;
		bool valid;
		uint32_t c = utf8_next(&s, &valid);

		if (valid && !is_special(c))
			continue;
		buf_put(out, (struct str){run, (size_t)(at - run)});
		if (valid)
			put_unicode(out, c);
		else
			buf_put(out, STR("\xef\xbf\xbd") /* U+FFFD */);
		run = s.p;
	}
	if (run != NULL)
		buf_put(out, (struct str){run, (size_t)(s.p - run)});
}

void json_put_string(struct buf *out, const char *s)
{
	buf_put(out, STR("\""));
	json_put(out, str_of(s));
	buf_put(out, STR("\""));
}
