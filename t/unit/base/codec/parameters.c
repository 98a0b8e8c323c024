/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters of a field value, one after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/codec/parameters.h"

/* "name=value|" for each, 'name="value"|' for a quoted one, "!" at what is
 * wrong. */
static void join(const char *text, enum parameter_escapes escapes, char *out,
		 size_t room)
{
	size_t size = strlen(text);
	char *copy = malloc(size + (size == 0));
	struct str rest = {copy, size};
	struct parameter p;
	enum parameter_result result;

	assert_non_null(copy);
	memcpy(copy, text, size);
	out[0] = '\0';
	while ((result = parameter_next(&rest, escapes, &p)) == PARAMETER_FOUND) {
		const char *quote = p.is_quoted ? "\"" : "";
		size_t n = strlen(out);

		snprintf(out + n, room - n, "%" STR_FMT "=%s%" STR_FMT "%s|",
			 STR_ARG(p.name), quote, STR_ARG(p.value), quote);
	}
	if (result == PARAMETER_BAD)
		strcat(out, "!");
	else
		assert_int_equal(parameter_next(&rest, escapes, &p),
				 PARAMETER_NONE);
	free(copy);
}

static void expect_of(const char *text, enum parameter_escapes escapes,
		      const char *wanted)
{
	char out[256];

	join(text, escapes, out, sizeof(out) - 1);
	if (strcmp(out, wanted) != 0)
		fail_msg("%s: %s, not %s", text, out, wanted);
}

static void expect(const char *text, const char *wanted)
{
	expect_of(text, PARAMETER_OF_HTTP, wanted);
}

static void well_formed(void **state)
{
	(void)state;
	expect("", "");
	expect("  ", "");
	expect(";", "");
	expect(" ; ;; ", "");
	expect(";a=b", "a=b|");
	expect("; a=b ;\tc=d ", "a=b|c=d|");
	expect(";a=b;", "a=b|");
	expect(";;a=b;;c=d", "a=b|c=d|");
	expect(";a=\"b\"", "a=\"b\"|");
	expect(";a=\"\"", "a=\"\"|");
	expect(";a=\"b;c=d\";e=f", "a=\"b;c=d\"|e=f|");
	expect(";a=\"b\\\"c\";e=f", "a=\"b\\\"c\"|e=f|");
	expect(";a=\"\\\\\"", "a=\"\\\\\"|");
	expect(";a=\" b\tc \"", "a=\" b\tc \"|");
	expect(";a=\"\xc3\xa9\"", "a=\"\xc3\xa9\"|");
	expect(";a*=UTF-8''%e2%82%ac", "a*=UTF-8''%e2%82%ac|");
	/* More than a token, as some send their boundaries. */
	expect(";boundary=----=_Part_1/2:3?4(5),6",
	       "boundary=----=_Part_1/2:3?4(5),6|");
}

static void malformed(void **state)
{
	static const char *const samples[] = {
		"a=b",         "x;a=b",       ";a",          ";a;b=c",
		";=b",         ";a=",         ";a=;b=c",     ";a =b",
		";a= b",       ";a=\"b",      ";a=\"b\\",    ";a=\"b\\\"",
		";a=\"b\"c",   ";a=b c",      ";a=b\"c\"",   ";a=b\\c",
		";a=\xc3\xa9", ";a=\"\x01\"", ";a=\"\r\n\"", ";a=\"\\\n\"",
		";a=\x7f",     ";a/b=c",      ";a=\"\x7f\"", ";\"a\"=b",
		";\xc3=b",     ";a==\"b\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		char out[256];

		join(samples[i], PARAMETER_OF_HTTP, out, sizeof(out) - 1);
		if (out[0] == '\0' || out[strlen(out) - 1] != '!')
			fail_msg("%s: %s", samples[i], out);
	}
}

/* What browsers do not escape. */
static void of_forms(void **state)
{
	(void)state;
	expect_of(";a=\"b\\\"", PARAMETER_OF_FORM, "a=\"b\\\"|");
	expect_of(";a=\"b\\\";c=d", PARAMETER_OF_FORM, "a=\"b\\\"|c=d|");
	expect_of(";a=\"b\\\" ; c", PARAMETER_OF_FORM, "a=\"b\\\"|!");
	expect_of(";a=\"b\\\"; c\"", PARAMETER_OF_FORM, "a=\"b\\\"; c\"|");
	expect_of(";a=\"b\\\"c\"", PARAMETER_OF_FORM, "a=\"b\\\"c\"|");
	expect_of(";a=\"b\\\\\";c=d", PARAMETER_OF_FORM, "a=\"b\\\\\"|c=d|");
	expect_of(";a=\"\x01\"", PARAMETER_OF_FORM, "a=\"\x01\"|");
	/* On folded lines. */
	expect_of(";\r\n a=b\r\n\t;c=d", PARAMETER_OF_FORM, "a=b|c=d|");
	/* But in HTTP these are quoted pairs. */
	expect(";a=\"b\\\";c=d", "!");
	expect(";a=\"b\\\";c=\"d", "a=\"b\\\";c=\"|!");
}

static void skipped(void **state)
{
	struct str rest = STR("a \" b; c=d; e");
	struct parameter p;

	(void)state;
	assert_int_equal(parameter_next(&rest, PARAMETER_OF_HTTP, &p),
			 PARAMETER_BAD);
	parameter_skip(&rest);
	assert_int_equal(parameter_next(&rest, PARAMETER_OF_HTTP, &p),
			 PARAMETER_FOUND);
	assert_true(str_equal(p.name, STR("c")));
	parameter_skip(&rest);
	assert_int_equal(parameter_next(&rest, PARAMETER_OF_HTTP, &p),
			 PARAMETER_BAD);
	parameter_skip(&rest);
	assert_int_equal(rest.n, 0);
}

static void nothing(void **state)
{
	struct str rest = {NULL, 0};
	struct parameter p;

	(void)state;
	assert_int_equal(parameter_next(&rest, PARAMETER_OF_HTTP, &p),
			 PARAMETER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed), cmocka_unit_test(malformed),
		cmocka_unit_test(of_forms),    cmocka_unit_test(skipped),
		cmocka_unit_test(nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
