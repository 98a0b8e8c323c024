/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of the cells of workers that are gone, and heard from another
 * master. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/fd.h"
#include "master/known_servers.h"

static struct scoreboard *board;
static int board_fd;
static struct server_health cells[SCOREBOARD_SERVERS];

static int set_up(void **state)
{
	(void)state;
	memset(cells, 0, sizeof(cells));
	board = scoreboard_create(&board_fd);
	return board != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	scoreboard_destroy(&board);
	fd_close(&board_fd);
	return 0;
}

static size_t count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
		n += board->known[i].key != 0;
	return n;
}

static void numbers_add_up_and_health_is_the_last(void **state)
{
	(void)state;
	cells[3] = (struct server_health){.key = 7,
					  .is_down = 1,
					  .active = 5,
					  .requests = 10,
					  .failures = 2,
					  .down_until = 99};
	known_servers_keep(board, cells);
	cells[3].is_down = 0;
	cells[3].down_until = 0;
	known_servers_keep(board, cells);
	const struct server_health *known = known_servers_find(board, 7);

	assert_int_equal(known->requests, 20);
	assert_int_equal(known->failures, 4);
	assert_int_equal(known->is_down, 0);
	assert_int_equal(known->down_until, 0);
	assert_int_equal(known->active, 0);
	assert_int_equal(count(), 1);
	assert_null(known_servers_find(board, 8));
}

static void there_is_an_end_of_room(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
			cells[i].key = 1 + i + round * 100;
		known_servers_keep(board, cells);
	}
	assert_int_equal(count(), SCOREBOARD_SERVERS);
}

static void a_line_is_heard(void **state)
{
	struct addr addr;
	char text[ADDR_TEXT];

	(void)state;
	known_servers_hear(board, "1f 1 22 33 4 5 1 66 7 b.test:80 "
				  "127.0.0.1:80 [::1]:81");
	const struct server_health *known = known_servers_find(board, 0x1f);

	assert_int_equal(known->is_down, 1);
	assert_int_equal(known->down_until, 22);
	assert_int_equal(known->recovered_at, 33);
	assert_int_equal(known->n_downs, 4);
	assert_int_equal(known->weight, 5);
	assert_int_equal(known->is_backup, 1);
	assert_int_equal(known->requests, 66);
	assert_int_equal(known->failures, 7);
	assert_string_equal(known->text, "b.test:80");
	assert_true(shown_address_get(&known->addresses[0], &addr));
	assert_string_equal(addr_format(&addr, text), "127.0.0.1:80");
	assert_true(shown_address_get(&known->addresses[1], &addr));
	assert_string_equal(addr_format(&addr, text), "[::1]:81");
	assert_false(shown_address_get(&known->addresses[2], &addr));
	/* What is counted since then is added. */
	known_servers_hear(board, "1f 0 0 0 0 0 0 4 1 -");
	assert_int_equal(known->requests, 70);
	assert_int_equal(known->failures, 8);
	assert_string_equal(known->text, "");
}

static void what_is_odd_is_bounded(void **state)
{
	static const char *const lines[] = {
		"",
		"x",
		"0 0 0 0 0 0 0 0 0 -",
		"1f 0 0 0 0 0 0 0 0",
		"1f 0 0 0 0 0 0 0 0 ",
	};
	char line[2000] = "2f 0 0 0 0 0 0 0 0 ";

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		known_servers_hear(board, lines[i]);
	assert_int_equal(count(), 0);
	/* A name that is too long, and addresses that are none or too many. */
	memset(line + strlen(line), 'x', 500);
	known_servers_hear(board, line);
	known_servers_hear(board, "3f 0 0 0 0 0 0 0 0 - nonsense 1.1.1.1:1 unix:/a "
				  "1.1.1.1:2 1.1.1.1:3 1.1.1.1:4 1.1.1.1:5 new");
	assert_non_null(known_servers_find(board, 0x3f));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(numbers_add_up_and_health_is_the_last),
		TEST(there_is_an_end_of_room),
		TEST(a_line_is_heard),
		TEST(what_is_odd_is_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
