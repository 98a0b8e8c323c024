/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes from outside stays inside its quotes, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/quote.h"

static void every_octet(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char octet = (char)c, got[16], wanted[16];
		struct str s = {&octet, 1};
		bool is_plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';

		snprintf(wanted, sizeof(wanted), is_plain ? "%c" : "\\x%02x", c);
		*quote_log(got, s) = '\0';
		assert_string_equal(got, wanted);
		assert_true(strlen(got) <= QUOTE_LOG_GROWTH);
		snprintf(wanted, sizeof(wanted), is_plain ? "%c" : "\\u%04x", c);
		*quote_json(got, s) = '\0';
		assert_string_equal(got, wanted);
		assert_true(strlen(got) <= QUOTE_JSON_GROWTH);
	}
}

static void texts(void **state)
{
	char got[64];

	(void)state;
	*quote_log(got, STR("a\"b\n\0c")) = '\0';
	assert_string_equal(got, "a\\x22b\\x0a\\x00c");
	*quote_json(got, STR("a\"b\n\0c")) = '\0';
	assert_string_equal(got, "a\\u0022b\\u000a\\u0000c");
	assert_ptr_equal(quote_log(got, (struct str){NULL, 0}), got);
	assert_ptr_equal(quote_json(got, (struct str){NULL, 0}), got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_octet),
		cmocka_unit_test(texts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
