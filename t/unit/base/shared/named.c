/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers by name: found, added up, and kept for the names that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/shared/named.h"

static struct named cells[NAMED_ROOM], more[NAMED_ROOM];

static int reset(void **state)
{
	(void)state;
	memset(cells, 0, sizeof(cells));
	memset(more, 0, sizeof(more));
	return 0;
}

static uint64_t key(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", i);
	return named_key(NAMED_ROUTE, STR("a.test"), str_of(name));
}

static void keys_differ(void **state)
{
	uint64_t a = named_key(NAMED_ROUTE, STR("a"), STR("b"));

	(void)state;
	assert_true(a != named_key(NAMED_ROUTE, STR("b"), STR("a")));
	assert_true(a != named_key(NAMED_LISTENER, STR("a"), STR("b")));
	assert_true(a == named_key(NAMED_ROUTE, STR("a"), STR("b")));
}

static void has_room(void **state)
{
	uint64_t n[NAMED_NUMBERS] = {0};

	(void)state;
	for (int i = 0; i < NAMED_ROOM; i++) {
		struct named *cell = named_take(cells, key(i));

		assert_non_null(cell);
		cell->n[1] = (uint64_t)i;
	}
	assert_null(named_take(cells, key(NAMED_ROOM)));
	assert_null(named_find(cells, key(NAMED_ROOM)));
	for (int i = 0; i < NAMED_ROOM; i++)
		assert_int_equal(named_find(cells, key(i))->n[1], i);
	named_sum(cells, key(7), n);
	named_sum(cells, key(8), n);
	named_sum(cells, key(NAMED_ROOM), n);
	assert_int_equal(n[1], 15);
	assert_null(named_find(cells, 0));
}

static bool is_even(uint64_t wanted, void *context)
{
	(void)context;
	for (int i = 0; i < 100; i += 2)
		if (key(i) == wanted)
			return true;
	return false;
}

static void merges_and_keeps(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		named_take(cells, key(i))->n[0] = 1;
		named_take(more, key(99 - i))->n[0] = 2;
	}
	named_merge(cells, more);
	for (int i = 0; i < 100; i++)
		assert_int_equal(named_find(cells, key(i))->n[0], 3);
	named_keep(cells, is_even, NULL);
	for (int i = 0; i < 100; i++)
		assert_true((named_find(cells, key(i)) != NULL) == (i % 2 == 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(keys_differ, reset),
		cmocka_unit_test_setup(has_room, reset),
		cmocka_unit_test_setup(merges_and_keeps, reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
