/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes, durations, modes, hosts and paths: what is read, what is refused,
 * and that what is written reads as the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/values.h"

static void expect_size(const char *text, uint64_t bytes, const char *canonical)
{
	uint64_t got = 77;
	char again[VALUE_TEXT];

	assert_null(value_parse_size(str_of(text), &got));
	assert_int_equal(got, bytes);
	assert_string_equal(value_format_size(got, again), canonical);
	assert_null(value_parse_size(str_of(again), &got));
	assert_int_equal(got, bytes);
}

static void sizes(void **state)
{
	(void)state;
	expect_size("0", 0, "0");
	expect_size("0k", 0, "0");
	expect_size("1", 1, "1");
	expect_size("1023", 1023, "1023");
	expect_size("1024", 1024, "1k");
	expect_size("16k", 16384, "16k");
	expect_size("16K", 16384, "16k");
	expect_size("1536k", 1536 * 1024, "1536k");
	expect_size("2048k", 2 << 20, "2m");
	expect_size("007m", 7 << 20, "7m");
	expect_size("5G", UINT64_C(5) << 30, "5g");
	expect_size("1024g", UINT64_C(1) << 40, "1t");
	expect_size("3T", UINT64_C(3) << 40, "3t");
	expect_size("18446744073709551615", UINT64_MAX, "18446744073709551615");
	expect_size("17179869183g", UINT64_MAX - ((1 << 30) - 1), "17179869183g");
}

static void wrong_sizes(void **state)
{
	static const char *const wrong[] = {
		"",
		"k",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1 k",
		"1kb",
		"1kk",
		"1.5k",
		"0x10",
		"1p",
		"16q",
		"lots",
		"18446744073709551616",
		"17179869184g",
		"1\x80",
	};
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_parse_size(str_of(wrong[i]), &got));
	assert_non_null(value_parse_size(STR("1\0"), &got));
	assert_non_null(value_parse_size(STR("1k\0"), &got));
}

static void expect_duration(const char *text, uint64_t ms, const char *canonical)
{
	uint64_t got = 77;
	char again[VALUE_TEXT];

	assert_null(value_parse_duration(str_of(text), &got));
	assert_int_equal(got, ms);
	assert_string_equal(value_format_duration(got, again), canonical);
	assert_null(value_parse_duration(str_of(again), &got));
	assert_int_equal(got, ms);
}

static void durations(void **state)
{
	(void)state;
	expect_duration("0", 0, "0s");
	expect_duration("0ms", 0, "0s");
	expect_duration("1ms", 1, "1ms");
	expect_duration("1500ms", 1500, "1500ms");
	expect_duration("10", 10000, "10s");
	expect_duration("10s", 10000, "10s");
	expect_duration("75s", 75000, "75s");
	expect_duration("120s", 120000, "2m");
	expect_duration("60m", 3600000, "1h");
	expect_duration("24h", 86400000, "24h");
}

static void wrong_durations(void **state)
{
	static const char *const wrong[] = {
		"",
		"s",
		"-1s",
		"1 s",
		"1S",
		"1d",
		"1.5s",
		"1m30s",
		"ms",
		"1k",
		"18446744073709551615",
		"5124095576031h",
		"soon",
	};
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_parse_duration(str_of(wrong[i]), &got));
}

static void modes(void **state)
{
	static const char *const wrong[] = {"",     "0",     "66",    "888",
					    "0668", "1666",  "00666", "rw-",
					    "-660", "0x1b0", " 660"};
	char text[VALUE_TEXT];
	int mode;

	(void)state;
	assert_null(value_parse_mode(STR("0660"), &mode));
	assert_int_equal(mode, 0660);
	assert_string_equal(value_format_mode(mode, text), "0660");
	assert_null(value_parse_mode(STR("777"), &mode));
	assert_int_equal(mode, 0777);
	assert_null(value_parse_mode(STR("0000"), &mode));
	assert_string_equal(value_format_mode(mode, text), "0000");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_parse_mode(str_of(wrong[i]), &mode));
}

static void hosts(void **state)
{
	static const char *const good[][2] = {
		{"*", "*"},
		{"example.org", "example.org"},
		{"EXAMPLE.Org", "example.org"},
		{"*.Example.org", "*.example.org"},
		{"*.org", "*.org"},
		{"localhost", "localhost"},
		{"127.0.0.1", "127.0.0.1"},
		{"[::1]", "[::1]"},
		{"[FE80::1]", "[fe80::1]"},
		{"xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
		{"a_b.c-d.e", "a_b.c-d.e"},
	};
	struct arena arena = {0};
	struct str host;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(value_parse_host(&arena, str_of(good[i][0]), &host));
		assert_true(str_equal(host, str_of(good[i][1])));
	}
	arena_fini(&arena);
}

static void wrong_hosts(void **state)
{
	static const char *const wrong[] = {
		"",
		"**",
		"*x",
		"*.",
		"a.*.b",
		"a.*",
		".a",
		"a..b",
		"a.",
		"a b",
		"a/b",
		"a:80",
		"[::1]:80",
		"[::1",
		"::1",
		"[]",
		"[1.2]",
		"a\nb",
		"m\xc3\xbcn",
		"*.*.a",
		"a@b",
		"*.a.",
		"http://a",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111]",
	};
	struct arena arena = {0};
	struct str host;
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_parse_host(&arena, str_of(wrong[i]), &host));
	assert_non_null(value_parse_host(&arena, STR("a\0b"), &host));

	memset(longest, 'a', sizeof(longest));
	assert_null(value_parse_host(&arena, (struct str){longest, 63}, &host));
	assert_non_null(value_parse_host(&arena, (struct str){longest, 64}, &host));
	for (size_t i = 50; i < sizeof(longest); i += 50)
		longest[i] = '.';
	assert_null(value_parse_host(&arena, (struct str){longest, 253}, &host));
	assert_non_null(
		value_parse_host(&arena, (struct str){longest, 254}, &host));
	arena_fini(&arena);
}

static void file_paths(void **state)
{
	static const char *const cases[][2] = {
		{"/", "/"}, {"//a///b/", "/a/b"},   {"/./a/./b", "/a/b"},
		{"a", "a"}, {"./a", "a"},           {".", "."},
		{"", "."},  {"/a/../b", "/a/../b"}, {"../a/", "../a"},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str got = value_file_path(&arena, str_of(cases[i][0]));

		assert_string_equal(got.p, cases[i][1]);
		assert_int_equal(got.n, strlen(cases[i][1]));
	}
	arena_fini(&arena);
}

static void controls(void **state)
{
	(void)state;
	assert_false(value_has_control(STR("")));
	assert_false(value_has_control(STR("a b\xc3\xa9~")));
	assert_true(value_has_control(STR("a\n")));
	assert_true(value_has_control(STR("\0")));
	assert_true(value_has_control(STR("\x7f")));
	assert_true(value_has_control(STR("a\tb")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),       cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(durations),   cmocka_unit_test(wrong_durations),
		cmocka_unit_test(modes),       cmocka_unit_test(hosts),
		cmocka_unit_test(wrong_hosts), cmocka_unit_test(file_paths),
		cmocka_unit_test(controls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
