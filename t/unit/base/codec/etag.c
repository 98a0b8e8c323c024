/* SPDX-License-Identifier: BSD-2-Clause */
/* Entity tags: the table of RFC 9110 section 8.8.3.2, and lists of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec/etag.h"

static void compares(void **state)
{
	static const struct {
		struct str a, b;
		bool strong, weak;
	} samples[] = {
		{STR_INIT("W/\"1\""), STR_INIT("W/\"1\""), false, true},
		{STR_INIT("W/\"1\""), STR_INIT("W/\"2\""), false, false},
		{STR_INIT("W/\"1\""), STR_INIT("\"1\""), false, true},
		{STR_INIT("\"1\""), STR_INIT("\"1\""), true, true},
		{STR_INIT("\"1\""), STR_INIT("\"2\""), false, false},
		{STR_INIT("\"\""), STR_INIT("\"\""), true, true},
		{STR_INIT("\"W/1\""), STR_INIT("\"W/1\""), true, true},
		{STR_INIT("w/\"1\""), STR_INIT("\"1\""), false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str a = samples[i].a, b = samples[i].b;

		assert_int_equal(etag_matches(a, b, ETAG_STRONG),
				 samples[i].strong);
		assert_int_equal(etag_matches(b, a, ETAG_STRONG),
				 samples[i].strong);
		assert_int_equal(etag_matches(a, b, ETAG_WEAK), samples[i].weak);
		assert_int_equal(etag_matches(b, a, ETAG_WEAK), samples[i].weak);
	}
}

static void lists(void **state)
{
	static const struct {
		const char *list;
		bool strong, weak; /* whether it has "x" */
	} samples[] = {
		{"\"x\"", true, true},
		{"W/\"x\"", false, true},
		{"*", true, true},
		{" * ", true, true},
		{"\"a\", \"x\"", true, true},
		{"\"a\",\"x\"", true, true},
		{"\"a\"\t,\t\"x\" ", true, true},
		{",, \"a\",, ,\"x\",", true, true},
		{"\"a\", W/\"x\", \"b\"", false, true},
		{"\"a,b\", \"x\"", true, true},
		{"\"a,\\\", \"x\"", true, true},
		{"\"a\", *", false, false},
		{"\"a\"", false, false},
		{"\"X\"", false, false},
		{"\"xx\"", false, false},
		{"", false, false},
		{",", false, false},
		{"x", false, false},
		{"x, \"x\"", false, false},
		{"\"x", false, false},
		{"\"a\" \"x\"", false, false},
		{"\"x\"\"a\"", false, false},
		{"w/\"x\"", false, false},
		{"W/ \"x\"", false, false},
		{"W/", false, false},
		{"W/\"", false, false},
		{"\"a b\", \"x\"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str list = str_of(samples[i].list), x = STR("\"x\"");

		if (etag_list_has(list, x, ETAG_STRONG) != samples[i].strong ||
		    etag_list_has(list, x, ETAG_WEAK) != samples[i].weak)
			fail_msg("%s", samples[i].list);
		assert_false(etag_list_has(list, STR("W/\"x\""), ETAG_STRONG) &&
			     samples[i].list[0] != '*' &&
			     samples[i].list[0] != ' ');
	}
	assert_false(etag_list_has((struct str){NULL, 0}, STR("\"x\""), ETAG_WEAK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(lists),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
