/* SPDX-License-Identifier: BSD-2-Clause */
/* The scoreboard: shared with children, and with who else maps its memfd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/shared/scoreboard.h"
#include "t/unit/base/child.h"

static struct scoreboard *board;

static void write_slots(void)
{
	board->slots[3].connections = 42;
	board->slots[SCOREBOARD_SLOTS - 1].connections = 7;
	histogram_add(&board->slots[3].counters.total, 1000);
}

static void shared(void **state)
{
	int fd;

	(void)state;
	board = scoreboard_create(&fd);
	assert_non_null(board);
	assert_true(fd >= 0);
	assert_int_equal(board->slot_size, sizeof(struct slot));
	for (size_t i = 0; i < SCOREBOARD_SLOTS; i++) {
		assert_int_equal(board->slots[i].connections, 0);
		/* No two writers share a cache line. */
		assert_int_equal((uintptr_t)&board->slots[i] % 64, 0);
	}
	assert_int_equal(child_status(write_slots), 0);
	assert_int_equal(board->slots[3].connections, 42);
	assert_int_equal(board->slots[SCOREBOARD_SLOTS - 1].connections, 7);
	assert_int_equal(board->slots[3].counters.total.count, 1);
	assert_int_equal(board->slots[4].connections, 0);

	/* It outlives the mapping. */
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, sizeof(*board));
	scoreboard_destroy(&board);
	assert_null(board);
	board = mmap(NULL, sizeof(*board), PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(board, MAP_FAILED);
	assert_int_equal(board->slots[3].connections, 42);
	scoreboard_destroy(&board);
	scoreboard_destroy(&board);
	fd_close(&fd);
}

static void no_descriptors(void)
{
	const struct rlimit none = {3, 3};
	int fd = 99;

	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	fd_close_others((int[]){-1}, 1);
	CHILD_CHECK(scoreboard_create(&fd) == NULL);
	CHILD_CHECK(fd == -1);
}

static void cannot_be_made(void **state)
{
	(void)state;
	assert_int_equal(child_status(no_descriptors), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared),
		cmocka_unit_test(cannot_be_made),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
