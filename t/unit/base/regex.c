/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular expressions: groups, mistakes, and a bound on the work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/regex.h"

static struct arena arena;

static struct regex *compiled(const char *pattern)
{
	const char *why = NULL;
	struct regex *regex = regex_create(str_of(pattern), &arena, &why);

	if (regex == NULL)
		fail_msg("%s: %s", pattern, why);
	return regex;
}

static void captures(void **state)
{
	struct regex *regex = compiled("^/(?<lang>[a-z]+)/(x)?(.*)$");
	struct str text = STR("/de/a\0b");
	uint32_t number;

	(void)state;
	assert_int_equal(regex_match(regex, text), REGEX_MATCHES);
	struct str *found = regex_captures(regex, text, &arena);

	assert_true(str_equal(found[0], text));
	assert_true(str_equal(found[1], STR("de")));
	assert_null(found[2].p);
	assert_true(str_equal(found[3], STR("a\0b")));
	assert_int_equal(regex_match(regex, STR("/1/")), REGEX_DIFFERS);
	assert_int_equal(regex_match(regex, STR("")), REGEX_DIFFERS);
	assert_true(regex_find_group(regex, STR("lang"), &number));
	assert_int_equal(number, 1);
	assert_true(regex_find_group(regex, STR("3"), &number));
	assert_int_equal(number, 3);
	assert_true(regex_find_group(regex, STR("0"), &number));
	assert_false(regex_find_group(regex, STR("4"), &number));
	assert_false(regex_find_group(regex, STR("long"), &number));
	assert_false(regex_find_group(regex, STR("99999999999"), &number));
	assert_false(regex_find_group(regex, STR(""), &number));
	regex_destroy(&regex);
	assert_null(regex);
	regex_destroy(&regex);
}

static void mistakes(void **state)
{
	static const struct {
		const char *pattern, *why;
	} cases[] = {
		{"/(a", "at character 4 of the pattern: "
			"missing closing parenthesis"},
		{"/[a", "at character 4 of the pattern: missing terminating ] "
			"for character class"},
		{"/a**(*", NULL},
		{"(*UTF)/", NULL},
		{"/(?<n>a)(?<n>b)", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *why = NULL;

		assert_null(regex_create(str_of(cases[i].pattern), &arena, &why));
		assert_non_null(why);
		if (cases[i].why != NULL)
			assert_string_equal(why, cases[i].why);
	}
}

/* Bytes that are no UTF-8, and a "$" that is the end only. */
static void bytes(void **state)
{
	struct regex *regex = compiled("^/(.)(.)$");

	(void)state;
	assert_int_equal(regex_match(regex, STR("/\xff\xc3")), REGEX_MATCHES);
	assert_int_equal(regex_match(regex, STR("/ab\n")), REGEX_DIFFERS);
	regex_destroy(&regex);
}

/* What would take the age of the universe, and what would take the stack. */
/* Nanoseconds of the processor: what others do does not count. */
static uint64_t work_done(void)
{
	struct timespec time;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static void bounded(void **state)
{
	static const char *const patterns[] = {
		"^/(a+)+$",
		"^/(a|aa)+$",
		"^/(.*)*x$",
		"^/((a|b|[^c])*)*x$",
		"^/(?:(?=a)a|aa)*$",
		"^(?:/(a|b)*?)*z$",
		"(a*)*(a*)*(a*)*\\1\\2\\3[xyz]$",
		"^/(?<r>a(?&r)?a?)+$", /* recursion */
		/* Where no machine code may be made. */
		"(*NO_JIT)^/(a+)+$",
		"(*NO_JIT)^/((a|b|[^c])*)*[xyz]$",
		"(*NO_JIT)^/(?<r>a(?&r)?a?)+$",
	};
	struct str text = {malloc(60000), 60000};
	uint64_t all = 0;

	(void)state;
	memset((char *)text.p, 'a', text.n);
	((char *)text.p)[0] = '/';
	((char *)text.p)[text.n - 1] = '!';
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct regex *regex = compiled(patterns[i]);
		uint64_t began = work_done();
		enum regex_result result = regex_match(regex, text);
		uint64_t took = work_done() - began;

		assert_int_not_equal(result, REGEX_MATCHES);
		print_message("# %s: %s after %ju us\n", patterns[i],
			      result == REGEX_TOO_HARD ? "too hard" : "differs",
			      (uintmax_t)(took / NS_PER_US));
		all += took;
		regex_destroy(&regex);
	}
	assert_true(all < 5 * NS_PER_S);
	free((char *)text.p);
}

/* PCRE2 has a bound of its own, a hundred times ours: how much each does. */
static void bounded_by_us(void **state)
{
	static const char pattern[] = "(*NO_JIT)^/(a+)+$";
	struct str text = STR("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	struct regex *regex = compiled(pattern);
	int error;
	size_t at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
					 0, &error, &at, NULL);
	pcre2_match_data *data = pcre2_match_data_create(10, NULL);
	uint64_t began = work_done();

	(void)state;
	assert_int_equal(regex_match(regex, text), REGEX_TOO_HARD);
	uint64_t ours = work_done() - began;

	began = work_done();
	assert_int_equal(
		pcre2_match(code, (PCRE2_SPTR)text.p, text.n, 0, 0, data, NULL),
		PCRE2_ERROR_MATCHLIMIT);
	uint64_t theirs = work_done() - began;

	print_message("# %ju us, not %ju\n", (uintmax_t)(ours / NS_PER_US),
		      (uintmax_t)(theirs / NS_PER_US));
	assert_true(ours * 10 < theirs);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	regex_destroy(&regex);
}

/* What people write is not too hard, on the longest path that there is by
 * default. */
static void ordinary(void **state)
{
	static const char *const patterns[] = {
		"^/files/(.*)\\.(jpe?g|png)$",
		"^/(.*)/([^/]*)/(.*)$",
		"^/([a-z]+/)*x$",
		"/(\\w+)/(\\w+)/?$",
		"^(/[^/]+)+\\.php(/.*)?$",
		"(?i)\\.(CSS|JS|WOFF2?)$",
		"^/(?:(?:a|b)/?)*$",
		"(*NO_JIT)^/(.*)/([^/]*)/(.*)$",
		"(*NO_JIT)\\.(css|js|woff2?)$",
	};
	char text[16000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 10 == 0 ? '/' : 'a';
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct regex *regex = compiled(patterns[i]);
		struct str s = {text, sizeof(text)};

		if (regex_match(regex, s) == REGEX_TOO_HARD)
			fail_msg("%s is too hard", patterns[i]);
		regex_destroy(&regex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures),      cmocka_unit_test(mistakes),
		cmocka_unit_test(bytes),         cmocka_unit_test(bounded),
		cmocka_unit_test(bounded_by_us), cmocka_unit_test(ordinary),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_fini(&arena);
	return failed;
}
