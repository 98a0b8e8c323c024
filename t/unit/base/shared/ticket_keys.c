/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of tickets: their succession, and the way to another process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/shared/ticket_keys.h"

static void the_newest_comes_first(void **state)
{
	struct ticket_keys keys = {0}, before;

	(void)state;
	for (uint32_t i = 1; i <= 5; i++) {
		before = keys;
		assert_true(ticket_keys_rotate(&keys));
		assert_int_equal(keys.n, i < TICKET_KEYS ? i : TICKET_KEYS);
		for (uint32_t k = 1; k < keys.n; k++)
			assert_memory_equal(&keys.keys[k], &before.keys[k - 1],
					    sizeof(keys.keys[0]));
		for (uint32_t k = 0; k < before.n; k++)
			assert_memory_not_equal(&keys.keys[0], &before.keys[k],
						sizeof(keys.keys[0]));
	}
}

static void they_go_to_another_process(void **state)
{
	struct ticket_keys keys = {0}, there;
	char text[TICKET_KEYS_TEXT];

	(void)state;
	for (uint32_t i = 1; i <= TICKET_KEYS; i++) {
		assert_true(ticket_keys_rotate(&keys));
		memset(&there, 0, sizeof(there));
		ticket_keys_format(&keys, text);
		assert_int_equal(strlen(text), i * 160);
		assert_true(ticket_keys_parse(&there, text));
		assert_memory_equal(&there, &keys, sizeof(keys));
	}
}

static void what_is_none_changes_nothing(void **state)
{
	struct ticket_keys keys = {0}, before;
	char text[2 * TICKET_KEYS_TEXT];

	(void)state;
	assert_true(ticket_keys_rotate(&keys));
	before = keys;
	ticket_keys_format(&keys, text);
	assert_false(ticket_keys_parse(&keys, ""));
	text[159] = '\0';
	assert_false(ticket_keys_parse(&keys, text));
	ticket_keys_format(&keys, text);
	text[7] = 'g';
	assert_false(ticket_keys_parse(&keys, text));
	memset(text, '0', 640);
	text[640] = '\0'; /* more than there can be */
	assert_false(ticket_keys_parse(&keys, text));
	assert_memory_equal(&keys, &before, sizeof(keys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_comes_first),
		cmocka_unit_test(they_go_to_another_process),
		cmocka_unit_test(what_is_none_changes_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
