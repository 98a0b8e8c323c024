/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/static/listing_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

char *listing_text_room(struct listing_text *out, size_t n)
{
	if (out->room - out->n < n) {
		out->room = 2 * out->room + n + 4096;
		out->p = mem_resize(out->p, out->room);
	}
	return out->p + out->n;
}

void listing_text_put(struct listing_text *out, struct str s)
{
	if (s.n > 0)
		memcpy(listing_text_room(out, s.n), s.p, s.n);
	out->n += s.n;
}

void listing_text_format(struct listing_text *out, const char *format, ...)
{
	enum { LONGEST = 512 };
	va_list args;

	va_start(args, format);
	int n = vsnprintf(listing_text_room(out, LONGEST), LONGEST, format, args);

	va_end(args);
	out->n += (size_t)n < LONGEST ? (size_t)n : LONGEST - 1;
}
