/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wide scan over text and the plain one agree: with every octet at every
 * place, and wherever the text begins and ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/codec/octet.h"

static bool is_text(int c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static void classes(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		assert_int_equal(octet_is((char)c, OCTET_TEXT), is_text(c));
		assert_int_equal(octet_is((char)c, OCTET_TARGET),
				 c > ' ' && c != 0x7f && c != '#');
	}
}

static void tokens(void **state)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char text[] = "a.b";

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool is_token = c != 0 && strchr(token, c) != NULL;

		text[1] = (char)c;
		assert_int_equal(octet_is((char)c, OCTET_TOKEN), is_token);
		assert_int_equal(octet_is_token((struct str){text, 3}), is_token);
	}
	assert_false(octet_is_token(STR("")));
}

static void hexadecimal(void **state)
{
	static const char digits[] = "0123456789abcdef";

	(void)state;
	for (int c = 0; c < 256; c++) {
		int lower = c >= 'A' && c <= 'F' ? c + 32 : c;
		const char *at = c == 0 ? NULL : strchr(digits, lower);

		assert_int_equal(octet_hex((char)c),
				 at == NULL ? -1 : (int)(at - digits));
	}
}

/* In memory of its own size, so that a sanitizer sees one octet too many. */
static void agree(const char *text, size_t n)
{
	char *copy = malloc(n + (n == 0));

	assert_non_null(copy);
	memcpy(copy, text, n);
	assert_ptr_equal(octet_text_end(copy, copy + n),
			 octet_text_end_plain(copy, copy + n));
	free(copy);
}

static void scans_agree(void **state)
{
	enum { SIZE = 50 };
	char text[SIZE];

	(void)state;
	memset(text, 'x', SIZE);
	for (size_t n = 0; n <= SIZE; n++)
		agree(text, n);
	for (size_t at = 0; at < SIZE; at++) {
		for (int c = 0; c < 256; c++) {
			text[at] = (char)c;
			agree(text, SIZE);
			assert_ptr_equal(octet_text_end(text, text + SIZE),
					 text + (is_text(c) ? SIZE : at));
		}
		text[at] = 'x';
	}
}

static void scans_agree_after_a_tab(void **state)
{
	enum { SIZE = 40 };
	char text[SIZE];

	(void)state;
	memset(text, 'x', SIZE);
	for (size_t tab = 0; tab < SIZE; tab++) {
		for (size_t at = tab + 1; at < SIZE; at++) {
			text[tab] = '\t';
			text[at] = '\r';
			agree(text, SIZE);
			assert_ptr_equal(octet_text_end(text, text + SIZE),
					 text + at);
			text[tab] = text[at] = 'x';
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(tokens),
		cmocka_unit_test(hexadecimal),
		cmocka_unit_test(scans_agree),
		cmocka_unit_test(scans_agree_after_a_tab),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
