/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of servers: as text and back, and the list of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/shared/server_change.h"

static struct server_change sample(const char *server)
{
	return (struct server_change){.upstream = STR("app"),
				      .server = {server, strlen(server)},
				      .mode = SERVER_DRAINED,
				      .weight = 7};
}

static void test_text(void **state)
{
	struct server_change c = sample("unix:/a b"), back;
	char text[SERVER_CHANGE_TEXT];

	(void)state;
	c.is_added = true;
	assert_true(server_change_format(&c, text));
	assert_string_equal(text, "drained 7 1 0 app unix:/a b");
	assert_true(server_change_parse(text, &back));
	assert_true(str_equal(back.upstream, c.upstream));
	assert_true(str_equal(back.server, c.server));
	assert_int_equal(back.mode, SERVER_DRAINED);
	assert_int_equal(back.weight, 7);
	assert_true(back.is_added);
	assert_false(back.is_removed);
}

static void test_too_long(void **state)
{
	char name[SERVER_CHANGE_TEXT + 1], text[SERVER_CHANGE_TEXT];
	struct server_change c;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	c = sample(name);
	assert_false(server_change_format(&c, text));
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"drained",
		"drained 7 1 0 app",
		"drained 7 1 0 app ",
		"drained 7 1 0  a:1",
		"drained 1001 1 0 app a:1",
		"drained 7 2 0 app a:1",
		"drained 7 1 2 app a:1",
		"drained -1 1 0 app a:1",
		"asleep 7 1 0 app a:1",
	};
	struct server_change c;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (server_change_parse(texts[i], &c))
			fail_msg("taken: %s", texts[i]);
}

static void test_list(void **state)
{
	struct server_changes list = {0};
	struct server_change a = sample("a:1"), b = sample("b:1");

	(void)state;
	server_changes_put(&list, &a);
	server_changes_put(&list, &b);
	a.weight = 9;
	server_changes_put(&list, &a);
	assert_int_equal(list.n, 2);
	assert_int_equal(server_changes_find(&list, STR("app"), STR("a:1"))->weight,
			 9);
	assert_null(server_changes_find(&list, STR("app"), STR("c:1")));
	assert_null(server_changes_find(&list, STR("b"), STR("a:1")));

	/* One that differs in nothing is none; by its own names, too. */
	struct server_change none = {.upstream = list.items[0].upstream,
				     .server = list.items[0].server};

	server_changes_put(&list, &none);
	assert_int_equal(list.n, 1);
	assert_true(str_equal(list.items[0].server, STR("b:1")));
	server_changes_put(&list, &(struct server_change){.upstream = STR("app"),
							  .server = STR("x:1")});
	assert_int_equal(list.n, 1);
	server_changes_fini(&list);
	assert_int_equal(list.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_list),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
