/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates against the C library, in the C locale, over some thousand years.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/codec/date.h"

static void expect_date(time_t when, const char *wanted)
{
	char out[HTTP_DATE_SIZE + 2];

	memset(out, '\0', sizeof(out));
	out[HTTP_DATE_SIZE] = '#';
	http_date_format(when, out);
	assert_int_equal(out[HTTP_DATE_SIZE], '#');
	out[HTTP_DATE_SIZE] = '\0';
	assert_string_equal(out, wanted);
}

static void known_dates(void **state)
{
	(void)state;
	expect_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
	expect_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
	expect_date(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
	expect_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
	expect_date(951868800, "Wed, 01 Mar 2000 00:00:00 GMT");
	expect_date(2147483648, "Tue, 19 Jan 2038 03:14:08 GMT");
	expect_date(4107542399, "Sun, 28 Feb 2100 23:59:59 GMT");
	expect_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
	expect_date(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
	expect_date(253402300800, "Sat, 01 Jan 0000 00:00:00 GMT");
	expect_date(-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT");
}

static void expect_as_library(time_t when)
{
	char wanted[64];
	struct tm tm;

	assert_non_null(gmtime_r(&when, &tm));
	strftime(wanted, sizeof(wanted), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	expect_date(when, wanted);
}

/* Some second of every day of three whole eras, from the year 1000 on. */
static void every_day(void **state)
{
	(void)state;
	for (int64_t day = -354285; day < -354285 + 3 * 146097; day++)
		expect_as_library((time_t)(day * 86400 +
					   (day * 7919 % 86400 + 86400) % 86400));
}

static void every_second_of_a_day(void **state)
{
	(void)state;
	for (time_t when = 1709164800; when < 1709164800 + 86400; when++)
		expect_as_library(when);
}

/* Nonsense is written, but no further than it may be. */
static void any_time_is_safe(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX,
					-62167219201, -377705116801};
	char out[HTTP_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		http_date_format((time_t)times[i], out);
		assert_memory_equal(out + 25, " GMT", 4);
		for (size_t digit = 12; digit < 16; digit++)
			assert_in_range(out[digit], '0', '9');
	}
}

enum { NOW = 1792000000 }; /* in October 2026 */

static void parses(void **state)
{
	static const struct {
		const char *text;
		int64_t when;
	} samples[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Wed Nov 16 08:49:37 1994", 784975777},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1},
		{"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
		{"Sun, 28 Feb 2100 23:59:59 GMT", 4107542399},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
		{"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
		/* The day's name is not looked into. */
		{"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
		/* Up to fifty years ahead. */
		{"Wednesday, 01-Jan-76 00:00:00 GMT", 3345062400},
		{"Saturday, 01-Jan-77 00:00:00 GMT", 220924800},
		{"Tuesday, 01-Jan-26 00:00:00 GMT", 1767225600},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		time_t when = 1;

		if (!http_date_parse(str_of(samples[i].text), NOW, &when))
			fail_msg("%s is not parsed", samples[i].text);
		if (when != samples[i].when)
			fail_msg("%s is %jd", samples[i].text, (intmax_t)when);
	}
}

static void refuses(void **state)
{
	static const char *const samples[] = {
		"",
		"0",
		"Sun",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"sun, 06 nov 1994 08:49:37 gmt",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Son, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nob 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Tue, 29 Feb 1900 00:00:00 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06 Nov 94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  16 08:49:37 1994",
		"Sun Nov  6 08:49:37 94",
		"Sun Nov  6 08:49:37 1994 GMT",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		time_t when = 1;

		if (http_date_parse(str_of(samples[i]), NOW, &when))
			fail_msg("%s is parsed", samples[i]);
		assert_int_equal(when, 1);
	}
	time_t when;

	assert_false(http_date_parse((struct str){NULL, 0}, NOW, &when));
}

static void parses_what_is_formatted(void **state)
{
	(void)state;
	for (int64_t day = -354285; day < -354285 + 3 * 146097; day += 3) {
		time_t when = (time_t)(day * 86400 +
				       (day * 7919 % 86400 + 86400) % 86400);
		time_t again;
		char text[HTTP_DATE_SIZE];

		http_date_format(when, text);
		assert_true(http_date_parse((struct str){text, sizeof(text)}, NOW,
					    &again));
		assert_int_equal(again, when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_dates),
		cmocka_unit_test(every_day),
		cmocka_unit_test(every_second_of_a_day),
		cmocka_unit_test(any_time_is_safe),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(parses_what_is_formatted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
