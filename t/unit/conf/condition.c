/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditions: what is one, and for which values it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/condition.h"

static struct arena arena;

static const char *parse(const char *text, struct conf_condition *condition)
{
	return condition_parse(TEMPLATE_AT_END, &arena, str_of(text), condition);
}

static void refuses(void **state)
{
	static const char *const wrong[] = {
		"",
		"${status}",
		"${status} =",
		"${status}= 1",
		"${status} == 1",
		"a = b",
		"${status} > x",
		"${status} < ",
		"${status} >= 1e9",
		"${nothing} = 1",
		"${status:- = } 1",
	};
	struct conf_condition condition;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (parse(wrong[i], &condition) == NULL)
			fail_msg("\"%s\" is taken", wrong[i]);
}

static void holds(void **state)
{
	static const struct {
		const char *text, *left;
		bool holds;
	} cases[] = {
		{"${path} = /a = b", "/a = b", true},
		{"${path} = /a", "/a ", false},
		{"${path} != /a", "/b", true},
		{"${path} != /a", "/a", false},
		{"${status} >= 400", "400", true},
		{"${status} >= 400", "399", false},
		{"${status} > 400", "400", false},
		{"${status} <= 400", "400", true},
		{"${status} < 400", "1000", false},
		{"${time.total} >= 0.5", "0.500001", true},
		{"${time.total} < 0.5", "-", false},
		{"${time.total} > 0.5", "0.6s", false},
		{"${header.x:- = } = 1", "1", true},
		{"${header.x} = ", "", true},
	};
	struct conf_condition condition;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *why = parse(cases[i].text, &condition);

		if (why != NULL)
			fail_msg("\"%s\": %s", cases[i].text, why);
		if (condition_holds(&condition, str_of(cases[i].left)) !=
		    cases[i].holds)
			fail_msg("\"%s\" for \"%s\"", cases[i].text, cases[i].left);
	}
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(holds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
