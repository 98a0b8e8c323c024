/* SPDX-License-Identifier: BSD-2-Clause */
/* The pid file follows the configuration, and none is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/log.h"
#include "master/pid_file.h"
#include "t/unit/base/scratch.h"

static char *current;

static int set_up(void **state)
{
	(void)state;
	unlink(scratch_path("log"));
	log_set_fd(fd_open_log(scratch_path("log")));
	return current == NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	pid_file_move(&current, "");
	log_set_fd(STDERR_FILENO);
	return current == NULL ? 0 : -1;
}

static bool exists(const char *name)
{
	return access(scratch_path(name), F_OK) == 0;
}

static void assert_logged(const char *wanted)
{
	char *text = scratch_read("log");

	if (wanted[0] == '\0')
		assert_string_equal(text, "");
	else if (strstr(text, wanted) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, wanted);
	free(text);
}

static void assert_holds_pid(const char *name)
{
	char *text = scratch_read(name), wanted[32];

	snprintf(wanted, sizeof(wanted), "%d\n", (int)getpid());
	assert_string_equal(text, wanted);
	assert_string_equal(current, scratch_path(name));
	free(text);
}

static void written_and_removed(void **state)
{
	(void)state;
	pid_file_move(&current, scratch_path("pid"));
	assert_holds_pid("pid");
	pid_file_move(&current, "");
	assert_false(exists("pid"));
	assert_null(current);
	pid_file_move(&current, "");
	assert_null(current);
	assert_logged("");
}

static void moved(void **state)
{
	(void)state;
	pid_file_move(&current, scratch_path("pid"));
	pid_file_move(&current, scratch_path("other"));
	assert_holds_pid("other");
	assert_false(exists("pid"));
	assert_logged("");
}

static void not_written_twice(void **state)
{
	(void)state;
	pid_file_move(&current, scratch_path("pid"));
	scratch_write("pid", "somebody else's\n");
	pid_file_move(&current, scratch_path("pid"));
	char *text = scratch_read("pid");

	assert_string_equal(text, "somebody else's\n");
	free(text);
}

/* One that a server left that is gone. */
static void stale_one_is_overwritten(void **state)
{
	(void)state;
	scratch_write("pid", "99999999999999\nand more\n");
	pid_file_move(&current, scratch_path("pid"));
	assert_holds_pid("pid");
}

static void cannot_be_written(void **state)
{
	(void)state;
	pid_file_move(&current, scratch_path("pid"));
	pid_file_move(&current, scratch_path("missing/pid"));
	assert_null(current);
	assert_false(exists("pid"));
	assert_logged("error ");
	assert_logged("cannot write pid_file ");
	assert_logged("/missing/pid: No such file or directory\n");
	/* And then one that can. */
	pid_file_move(&current, scratch_path("pid"));
	assert_holds_pid("pid");
}

/* After an upgrade it is the next master's. */
static void left(void **state)
{
	(void)state;
	pid_file_leave(&current);
	assert_null(current);
	/* Ours still: the other master has another, or none. */
	pid_file_move(&current, scratch_path("pid"));
	pid_file_leave(&current);
	assert_null(current);
	assert_false(exists("pid"));
	/* The other master has written it anew. */
	pid_file_move(&current, scratch_path("pid"));

	FILE *file = fopen(scratch_path("pid"), "w");

	assert_non_null(file);
	fprintf(file, "%d\n", (int)getpid() + 1);
	fclose(file);
	pid_file_leave(&current);
	assert_null(current);
	assert_true(exists("pid"));
	pid_file_move(&current, "");
	assert_true(exists("pid"));
	assert_int_equal(unlink(scratch_path("pid")), 0);
	assert_logged("");
}

static void disk_is_full(void **state)
{
	(void)state;
	pid_file_move(&current, "/dev/full");
	assert_null(current);
	assert_logged("cannot write pid_file /dev/full: No space left on device");
}

#define PID_FILE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PID_FILE_TEST(written_and_removed),
		PID_FILE_TEST(moved),
		PID_FILE_TEST(not_written_twice),
		PID_FILE_TEST(stale_one_is_overwritten),
		PID_FILE_TEST(cannot_be_written),
		PID_FILE_TEST(left),
		PID_FILE_TEST(disk_is_full),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
