/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/html.h"

struct str html_reference(char c)
{
	switch (c) {
	case '&':
		return STR("&amp;");
	case '<':
		return STR("&lt;");
	case '>':
		return STR("&gt;");
	case '"':
		return STR("&quot;");
	case '\'':
		return STR("&#39;");
	case '\033':
		/* ESC: in a page without a charset it could switch to
		 * ISO-2022-JP, in which the other characters mean something
		 * else. */
		return STR("&#xfffd;");
	default:
		return STR("");
	}
}

void html_put(struct buf *out, struct str s)
{
	size_t run = 0; /* of what goes as it is */

	for (size_t i = 0; i < s.n; i++) {
		struct str reference = html_reference(s.p[i]);

		if (reference.n == 0)
			continue;
		buf_put(out, (struct str){s.p + run, i - run});
		buf_put(out, reference);
		run = i + 1;
	}
	buf_put(out, str_tail(s, run));
}
