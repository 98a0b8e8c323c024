/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings by pointer and length: compared, cut, trimmed, read as numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static const struct str none = {NULL, 0};

static void assert_str(struct str s, const char *wanted)
{
	if (!str_equal(s, str_of(wanted)))
		fail_msg("\"%" STR_FMT "\" is not \"%s\"", STR_ARG(s), wanted);
}

static void equal(void **state)
{
	(void)state;
	assert_true(str_equal(STR("abc"), STR("abc")));
	assert_false(str_equal(STR("abc"), STR("abd")));
	assert_false(str_equal(STR("abc"), STR("ab")));
	assert_false(str_equal(STR("a\0b"), STR("a\0c")));
	assert_true(str_equal(none, STR("")));
	assert_true(str_equal(none, none));
	assert_false(str_equal(none, STR("a")));
	assert_int_equal(STR("a\0b").n, 3);
	assert_int_equal(str_of("abc").n, 3);
}

/* Two texts of that size that differ, if at all, in the octet at `place`. */
static bool are_equal(size_t size, size_t place, int a, int b)
{
	char x[32], y[32];

	for (size_t i = 0; i < size; i++) {
		x[i] = (char)('T' + i);
		y[i] = ascii_lower(x[i]);
	}
	x[place] = (char)a;
	y[place] = (char)b;
	return str_equal_nocase((struct str){x, size}, (struct str){y, size});
}

static void equal_but_for_case(void **state)
{
	static const struct {
		size_t size, place;
	} texts[] = {{1, 0}, {7, 6}, {8, 0}, {8, 7}, {9, 8}, {17, 8}, {20, 17}};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (int a = 0; a < 256; a++) {
			for (int b = 0; b < 256; b++) {
				bool is_a = a >= 'A' && a <= 'Z' && b == a + 32;
				bool is_b = b >= 'A' && b <= 'Z' && a == b + 32;

				assert_int_equal(are_equal(texts[i].size,
							   texts[i].place, a, b),
						 a == b || is_a || is_b);
			}
		}
	}
	assert_true(str_equal_nocase(STR("Content-Type"), STR("cONTENT-tYPE")));
	assert_false(str_equal_nocase(STR("ab"), STR("abc")));
	assert_false(str_equal_nocase(STR("abc"), STR("ab")));
	assert_true(str_equal_nocase(none, STR("")));
}

static void ends(void **state)
{
	(void)state;
	assert_true(str_starts_with(STR("/a/b"), STR("/a")));
	assert_true(str_starts_with(STR("/a"), STR("/a")));
	assert_true(str_starts_with(none, none));
	assert_true(str_starts_with(STR("x"), none));
	assert_false(str_starts_with(STR("/a"), STR("/a/")));
	assert_false(str_starts_with(STR("/b"), STR("/a")));
	assert_false(str_starts_with(none, STR("a")));

	assert_true(str_ends_with(STR("a.b"), STR(".b")));
	assert_true(str_ends_with(STR(".b"), STR(".b")));
	assert_true(str_ends_with(none, none));
	assert_false(str_ends_with(STR("a.b"), STR(".c")));
	assert_false(str_ends_with(STR("b"), STR(".b")));
}

static void tail(void **state)
{
	(void)state;
	assert_str(str_tail(STR("abc"), 0), "abc");
	assert_str(str_tail(STR("abc"), 1), "bc");
	assert_str(str_tail(STR("abc"), 3), "");
	assert_str(str_tail(STR("abc"), 4), "");
	assert_null(str_tail(none, 0).p);
	assert_int_equal(str_tail(none, 5).n, 0);
}

static void trim(void **state)
{
	(void)state;
	assert_str(str_trim(STR(" \t a b\t ")), "a b");
	assert_str(str_trim(STR("a")), "a");
	assert_str(str_trim(STR(" \t ")), "");
	assert_str(str_trim(STR("")), "");
	/* Only those two are white space between fields. */
	assert_str(str_trim(STR("\r\na\v\f")), "\r\na\v\f");
	assert_int_equal(str_trim(none).n, 0);
}

static void cut(void **state)
{
	struct str rest = STR("a,,bc,");

	(void)state;
	assert_str(str_cut(&rest, ','), "a");
	assert_str(rest, ",bc,");
	assert_str(str_cut(&rest, ','), "");
	assert_str(str_cut(&rest, ','), "bc");
	/* What comes after the last separator is empty, and is there. */
	assert_non_null(rest.p);
	assert_int_equal(rest.n, 0);
	assert_str(str_cut(&rest, ','), "");
	assert_null(rest.p);

	rest = STR("whole");
	assert_str(str_cut(&rest, ','), "whole");
	assert_null(rest.p);
	assert_int_equal(rest.n, 0);
	assert_int_equal(str_cut(&rest, ',').n, 0);
}

/* The test vectors of the authors of FNV. */
static void hash(void **state)
{
	(void)state;
	assert_true(str_hash(STR("")) == 0xcbf29ce484222325);
	assert_true(str_hash(none) == 0xcbf29ce484222325);
	assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8c);
	assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8);
	assert_true(str_hash(STR("\xff")) != str_hash(STR("\x7f")));
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{"0", 0},
		{"7", 7},
		{"0042", 42},
		{"65535", 65535},
		{"18446744073709551615", UINT64_MAX},
		{"000018446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {
		"",
		" 1",
		"1 ",
		"+1",
		"-1",
		"0x1",
		"1.0",
		"a",
		"1a",
		"18446744073709551616",
		":",
		"/",
		"18446744073709551620",
		"99999999999999999999",
		"184467440737095516150",
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(str_to_u64(str_of(good[i].text), &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (str_to_u64(str_of(bad[i]), &value))
			fail_msg("\"%s\" is taken for a number", bad[i]);
	assert_false(str_to_u64(none, &value));
	assert_false(str_to_u64(STR("1\0"), &value));
}

static bool ends_in_nocase(struct str s, struct str pattern)
{
	size_t n = pattern.n;

	if (pattern.p[0] == '*')
		return s.n >= n - 1 && str_equal_nocase(str_tail(s, s.n - (n - 1)),
							str_tail(pattern, 1));
	return str_equal_nocase(s, pattern);
}

/* gcc 12 makes wrong code of some ways to write str_tail(). */
static void tails_from_the_end(void **state)
{
	static const struct str patterns[] = {STR_INIT("*+json"),
					      STR_INIT("*+xml")};
	struct str type = STR("image/svg+xml; x"), rest = type;
	struct str name = str_trim(str_cut(&rest, ';'));
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		n += ends_in_nocase(name, patterns[i]);
	assert_int_equal(n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal),
		cmocka_unit_test(equal_but_for_case),
		cmocka_unit_test(ends),
		cmocka_unit_test(tail),
		cmocka_unit_test(trim),
		cmocka_unit_test(cut),
		cmocka_unit_test(hash),
		cmocka_unit_test(numbers),
		cmocka_unit_test(tails_from_the_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
