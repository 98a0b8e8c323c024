/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of forms: in order with form_next(), by name with form_find().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/codec/form.h"

static char *put(char *out, struct str s, char end)
{
	memcpy(out, s.p, s.n);
	out[s.n] = end;
	return out + s.n + 1;
}

/* The fields as "name:value|", as form_next() takes them off a copy. */
static void join(const char *form, char *out)
{
	size_t size = strlen(form);
	char *copy = malloc(size + (size == 0));
	struct str rest = {copy, size}, name, value;

	assert_non_null(copy);
	memcpy(copy, form, size);
	while (form_next(&rest, &name, &value)) {
		assert_true(name.p >= copy && name.p + name.n <= copy + size);
		assert_true(value.p >= copy && value.p + value.n <= copy + size);
		out = put(out, name, ':');
		out = put(out, value, '|');
	}
	*out = '\0';
	assert_false(form_next(&rest, &name, &value));
	free(copy);
}

static void fields_in_order(void **state)
{
	static const char *const samples[][2] = {
		{"", ""},
		{"&", ""},
		{"&&&", ""},
		{"a", "a:|"},
		{"a=", "a:|"},
		{"=", ":|"},
		{"=a", ":a|"},
		{"a=b", "a:b|"},
		{"a=b&", "a:b|"},
		{"&a=b", "a:b|"},
		{"a=b&&c=d", "a:b|c:d|"},
		{"a=b&c&=d&e=f", "a:b|c:|:d|e:f|"},
		{"a=b=c", "a:b=c|"},
		{"a==", "a:=|"},
		{"a=b;c=d", "a:b;c=d|"},
		{"a+b=c%20d&%26=%3d", "a+b:c%20d|%26:%3d|"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		join(samples[i][0], out);
		assert_string_equal(out, samples[i][1]);
	}
}

static void no_form(void **state)
{
	struct str rest = {NULL, 0}, name, value;

	(void)state;
	assert_false(form_next(&rest, &name, &value));
	assert_null(form_find(rest, STR("a")).p);
}

static void fields_by_name(void **state)
{
	static const struct {
		const char *form;
		struct str name;
		const char *wanted;
	} samples[] = {
		{"a=b&c=d", STR_INIT("c"), "d"},
		{"a=b&c=d", STR_INIT("x"), NULL},
		{"a=b&c=d", STR_INIT(""), NULL},
		{"a=1&a=2", STR_INIT("a"), "1"},
		{"ab=1&a=2&abc=3", STR_INIT("a"), "2"},
		{"ab=1&a=2&abc=3", STR_INIT("abc"), "3"},
		{"a&b=", STR_INIT("a"), ""},
		{"a&b=", STR_INIT("b"), ""},
		{"=x", STR_INIT(""), "x"},
		{"%61=1", STR_INIT("a"), "1"},
		{"a+b=1", STR_INIT("a b"), "1"},
		{"a%2Bb=1", STR_INIT("a+b"), "1"},
		{"a%20b=%20", STR_INIT("a b"), "%20"},
		{"%26=1&%3D=2", STR_INIT("="), "2"},
		{"%00=1", STR_INIT("\0"), "1"},
		{"%=1", STR_INIT("%"), "1"},
		{"%6=1", STR_INIT("%6"), "1"},
		{"%zz=1", STR_INIT("%zz"), "1"},
		{"%61=1", STR_INIT("%61"), NULL},
		{"A=1", STR_INIT("a"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str got =
			form_find(str_of(samples[i].form), samples[i].name);

		if (samples[i].wanted == NULL)
			assert_null(got.p);
		else if (got.p == NULL ||
			 !str_equal(got, str_of(samples[i].wanted)))
			fail_msg("%s", samples[i].form);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_in_order),
		cmocka_unit_test(no_form),
		cmocka_unit_test(fields_by_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
