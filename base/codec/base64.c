/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/base64.h"

#include <stdint.h>

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str s, char *out, size_t *n_out)
{
	size_t pad = 0, n = 0;
	uint32_t bits = 0;

	if (s.n % 4 != 0)
		return false;
	while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.n - pad; i++) {
		int d = digit(s.p[i]);

		if (d < 0)
			return false;
		bits = bits << 6 | (uint32_t)d;
		if (i % 4 != 0)
			out[n++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	*n_out = n;
	/* The unused bits of the last digit must be zero. */
	return pad == 0 || (bits & (pad == 2 ? 15 : 3)) == 0;
}
