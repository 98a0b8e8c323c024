/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is what should be base64. What is decoded, encoded again, is the
 * input: there is one way to write each text.
 */
#include "base/codec/base64.h"

#include "t/fuzz/must.h"

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(struct str s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		unsigned a = (unsigned char)s.p[i];
		unsigned b = left > 1 ? (unsigned char)s.p[i + 1] : 0;
		unsigned c = left > 2 ? (unsigned char)s.p[i + 2] : 0;

		out[n++] = digits[a >> 2];
		out[n++] = digits[(a & 3) << 4 | b >> 4];
		out[n++] = left > 1 ? digits[(b & 15) << 2 | c >> 6] : '=';
		out[n++] = left > 2 ? digits[c & 63] : '=';
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = copy_of((struct str){(const char *)data, size});
	char *out = malloc(size + (size == 0)), *again = malloc(2 * size + 4);
	size_t n = 0;

	MUST(out != NULL && again != NULL);
	if (base64_decode(text, out, &n)) {
		MUST(n <= size && size % 4 == 0);

		struct str encoded = {again, encode((struct str){out, n}, again)};

		MUST(str_equal(encoded, text));
	}
	free(again);
	free(out);
	free((char *)text.p);
	return 0;
}
