/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/codec/utf8.h"

static const char hex[] = "0123456789abcdef";

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

static struct str write_escape(uint32_t c, char escape[JSON_ESCAPE])
{
	memcpy(escape, "\\u", 2);
	escape[2] = hex[c >> 12 & 15];
	escape[3] = hex[c >> 8 & 15];
	escape[4] = hex[c >> 4 & 15];
	escape[5] = hex[c & 15];
	return (struct str){escape, JSON_ESCAPE};
}

struct str json_next(struct str *s, char escape[JSON_ESCAPE])
{
	const char *run = s->p; /* of what stands for itself */

	while (s->n > 0) {
		struct str rest = *s;
		bool valid;
		uint32_t c = utf8_next(&rest, &valid);

		if (valid && !is_special(c)) {
			*s = rest;
			continue;
		}
		if (s->p > run)
			break;
		*s = rest;
		return valid ? write_escape(c, escape)
			     : STR("\xef\xbf\xbd"); /* U+FFFD */
	}
	return (struct str){run, (size_t)(s->p - run)};
}

void json_put(struct buf *out, struct str s)
{
	char escape[JSON_ESCAPE];

	while (s.n > 0)
		buf_put(out, json_next(&s, escape));
}

void json_put_string(struct buf *out, const char *s)
{
	buf_put(out, STR("\""));
	json_put(out, str_of(s));
	buf_put(out, STR("\""));
}
