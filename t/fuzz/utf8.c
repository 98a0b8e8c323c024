/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a text. What is valid of it is its characters, encoded in the
 * shortest way; what is not is taken in pieces of one to three bytes.
 */
#include "base/codec/utf8.h"

#include "t/fuzz/must.h"

static size_t encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(0xf00 >> n | c);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = copy_of((struct str){(const char *)data, size});
	struct str rest = text;

	while (rest.n > 0) {
		struct str before = rest;
		bool valid;
		uint32_t c = utf8_next(&rest, &valid);
		size_t n = before.n - rest.n;
		char out[4];

		MUST(is_within(rest, before) && n > 0);
		MUST(c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
		if (valid) {
			MUST(encode(c, out) == n);
			MUST(memcmp(out, before.p, n) == 0);
		} else {
			MUST(n <= 3 && c == UTF8_REPLACEMENT);
			MUST((unsigned char)before.p[0] >= 0x80);
		}
	}
	free((char *)text.p);
	return 0;
}
