/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an octet may be in HTTP/1: one table for everything that is decided
 * octet by octet, and the scan over text that field values, trailers and
 * chunk extensions share. Pure.
 */
#ifndef BASE_CODEC_OCTET_H
#define BASE_CODEC_OCTET_H

#include <stdbool.h>

#include "base/str.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum octet_class {
	OCTET_TOKEN = 1,  /* RFC 9110 section 5.6.2 tchar */
	OCTET_TARGET = 2, /* of a request target: visible ASCII but "#", and
			   * what is above ASCII */
	OCTET_TEXT = 4,   /* of a field value: RFC 9110 section 5.5
			   * field-vchar, SP and HTAB */
};

/* The classes of each octet, as bits. */
extern const unsigned char octet_classes[256];

static inline bool octet_is(char c, enum octet_class class)
{
	return octet_classes[(unsigned char)c] & class;
}

/* Whether it is a token (RFC 9110 section 5.6.2): the name of a field, a method,
 * a coding. */
static inline bool octet_is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!octet_is(s.p[i], OCTET_TOKEN))
			return false;
	return s.n > 0;
}

/* The value of a hexadecimal digit, -1 when it is none. */
static inline int octet_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The first octet from `p` on that is not OCTET_TEXT, or `end`. */
static inline const char *octet_text_end_plain(const char *p, const char *end)
{
	while (p < end && octet_is(*p, OCTET_TEXT))
		p++;
	return p;
}

/* The same, sixteen octets at a time where the machine can. HTAB stops the
 * wide scan, which is rare enough to finish such a value by octets. */
static inline const char *octet_text_end(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i last_control = _mm_set1_epi8(0x1f);
	const __m128i del = _mm_set1_epi8(0x7f);

	for (; end - p >= 16; p += 16) {
		__m128i octets = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i control =
			_mm_cmpeq_epi8(_mm_min_epu8(octets, last_control), octets);
		unsigned stop = (unsigned)_mm_movemask_epi8(
			_mm_or_si128(control, _mm_cmpeq_epi8(octets, del)));

		if (stop == 0)
			continue;
		p += __builtin_ctz(stop);
		return *p == '\t' ? octet_text_end_plain(p, end) : p;
	}
#endif
	return octet_text_end_plain(p, end);
}

#endif
