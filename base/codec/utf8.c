/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/utf8.h"

/* From the first octet follow the number of further octets and the range of the
 * next one (Unicode, table 3-7). The ranges exclude overlong forms, surrogates
 * and numbers above U+10FFFF. */
struct lead {
	unsigned more;
	unsigned char min, max;
};

static struct lead lead_of(unsigned char c)
{
	struct lead lead = {.min = 0x80, .max = 0xbf};

	if (c >= 0xc2 && c <= 0xdf)
		lead.more = 1;
	else if (c >= 0xe0 && c <= 0xef)
		lead.more = 2;
	else if (c >= 0xf0 && c <= 0xf4)
		lead.more = 3;
	if (c == 0xe0)
		lead.min = 0xa0;
	else if (c == 0xed)
		lead.max = 0x9f;
	else if (c == 0xf0)
		lead.min = 0x90;
	else if (c == 0xf4)
		lead.max = 0x8f;
	return lead;
}

uint32_t utf8_next(struct str *rest, bool *valid_out)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	struct lead lead = lead_of(p[0]);
	uint32_t character = p[0];
	size_t n = 1;

	*valid_out = p[0] < 0x80 || lead.more > 0;
	if (lead.more > 0)
		character &= 0x3fu >> lead.more;
	while (n <= lead.more && *valid_out) {
		*valid_out = n < rest->n && p[n] >= lead.min && p[n] <= lead.max;
		if (!*valid_out)
			break;
		character = character << 6 | (p[n++] & 0x3fu);
		lead.min = 0x80;
		lead.max = 0xbf;
	}
	*rest = str_tail(*rest, n);
	return *valid_out ? character : UTF8_REPLACEMENT;
}
