/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64: the vectors of RFC 4648 section 10, and what is not base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec/base64.h"

static void right(void **state)
{
	static const struct {
		struct str text, bytes;
	} cases[] = {
		{STR_INIT(""), STR_INIT("")},
		{STR_INIT("Zg=="), STR_INIT("f")},
		{STR_INIT("Zm8="), STR_INIT("fo")},
		{STR_INIT("Zm9v"), STR_INIT("foo")},
		{STR_INIT("Zm9vYg=="), STR_INIT("foob")},
		{STR_INIT("Zm9vYmE="), STR_INIT("fooba")},
		{STR_INIT("Zm9vYmFy"), STR_INIT("foobar")},
		{STR_INIT("AP+/"), STR_INIT("\0\xff\xbf")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char out[16];
		size_t n = 99;

		assert_true(base64_decode(cases[i].text, out, &n));
		assert_true(str_equal((struct str){out, n}, cases[i].bytes));
	}
}

static void wrong(void **state)
{
	static const struct str cases[] = {
		STR_INIT("Z"),     STR_INIT("Zg"),       STR_INIT("Zg="),
		STR_INIT("Zg==="), STR_INIT("===="),     STR_INIT("Z==="),
		STR_INIT("=g=="),  STR_INIT("Zg=g"),     STR_INIT("Zh=="),
		STR_INIT("Zm9="),  STR_INIT("Zg==Zg=="), STR_INIT("Zm9 "),
		STR_INIT("Zm-_"),  STR_INIT("Zm9\0"),    STR_INIT("Zm9\xff"),
		STR_INIT("Zm9\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char out[16];
		size_t n;

		if (base64_decode(cases[i], out, &n))
			fail_msg("\"%.*s\" was taken", STR_ARG(cases[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right),
		cmocka_unit_test(wrong),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
