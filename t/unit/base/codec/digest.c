/* SPDX-License-Identifier: BSD-2-Clause */
/* MD5 and SHA-1: the vectors of RFC 1321 and RFC 3174, and every length around a
 * block, in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/codec/digest.h"

static void expect(enum digest_kind kind, const char *text, const char *wanted)
{
	unsigned char out[DIGEST_MAX];
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;
	size_t size = kind == DIGEST_MD5 ? DIGEST_MD5_SIZE : DIGEST_SHA1_SIZE;

	digest_init(&d, kind);
	digest_add(&d, str_of(text));
	digest_end(&d, out);
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	assert_string_equal(hex, wanted);
}

static void md5(void **state)
{
	(void)state;
	expect(DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
	expect(DIGEST_MD5, "a", "0cc175b9c0f1b6a831c399e269772661");
	expect(DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
	expect(DIGEST_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0");
	expect(DIGEST_MD5,
	       "1234567890123456789012345678901234567890"
	       "1234567890123456789012345678901234567890",
	       "57edf4a22be3c955ac49da2e2107b67a");
}

static void sha1(void **state)
{
	(void)state;
	expect(DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	expect(DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	expect(DIGEST_SHA1,
	       "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	       "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

static void in_pieces(void **state)
{
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int kind = DIGEST_MD5; kind <= DIGEST_SHA1; kind++) {
		for (size_t n = 0; n < sizeof(text); n++) {
			unsigned char whole[DIGEST_MAX] = {0};
			unsigned char pieces[DIGEST_MAX] = {0};
			struct digest d;

			digest_init(&d, (enum digest_kind)kind);
			digest_add(&d, (struct str){text, n});
			digest_end(&d, whole);
			digest_init(&d, (enum digest_kind)kind);
			for (size_t i = 0; i < n; i++)
				digest_add(&d, (struct str){text + i, 1});
			digest_end(&d, pieces);
			assert_memory_equal(whole, pieces, DIGEST_MAX);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5),
		cmocka_unit_test(sha1),
		cmocka_unit_test(in_pieces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
