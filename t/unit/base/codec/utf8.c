/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8: every character there is, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/codec/utf8.h"

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

static void every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char text[4];
		size_t n = encode(c, text);
		struct str rest = {text, n};
		bool valid, surrogate = c >= 0xd800 && c <= 0xdfff;
		uint32_t got = utf8_next(&rest, &valid);

		if (valid == surrogate ||
		    (valid && (got != c || rest.n != 0 || rest.p != text + n)))
			fail_msg("U+%04X", c);
	}
}

/* Hexadecimal code points; "!" and the number of bytes for what is none. */
static void expect(struct str s, const char *wanted)
{
	char out[128], *p = out;
	char *copy = malloc(s.n);
	struct str rest = {copy, s.n};

	assert_non_null(copy);
	memcpy(copy, s.p, s.n);
	while (rest.n > 0) {
		size_t before = rest.n;
		bool valid;
		uint32_t c = utf8_next(&rest, &valid);

		if (valid)
			p += sprintf(p, "%x ", c);
		else
			p += sprintf(p, "!%zu ", before - rest.n);
		assert_true(valid || c == UTF8_REPLACEMENT);
	}
	*p = '\0';
	free(copy);
	assert_string_equal(out, wanted);
}

static void not_utf8(void **state)
{
	(void)state;
	expect(STR("a\x80g"), "61 !1 67 ");
	expect(STR("\xbf\xbf"), "!1 !1 ");
	expect(STR("\xc3"), "!1 ");
	expect(STR("\xc3\xc3\xa9"), "!1 e9 ");
	expect(STR("\xe2\x82"), "!2 ");
	expect(STR("\xe2\x82g"), "!2 67 ");
	expect(STR("\xf0\x9f\x98"), "!3 ");
	expect(STR("\xf0\x9f\x98\xf0"), "!3 !1 ");
	/* More octets than needed. */
	expect(STR("\xc0\x80"), "!1 !1 ");
	expect(STR("\xc1\xbf"), "!1 !1 ");
	expect(STR("\xe0\x80\x80"), "!1 !1 !1 ");
	expect(STR("\xf0\x80\x80\x80"), "!1 !1 !1 !1 ");
	/* A surrogate, and more than there are. */
	expect(STR("\xed\xa0\x80"), "!1 !1 !1 ");
	expect(STR("\xf4\x90\x80\x80"), "!1 !1 !1 !1 ");
	expect(STR("\xf5\xf8\xff"), "!1 !1 !1 ");
	/* A quote that it would have swallowed is a quote. */
	expect(STR("\xe2\"\xc3\""), "!1 22 !1 22 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character),
		cmocka_unit_test(not_utf8),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
