/* SPDX-License-Identifier: BSD-2-Clause */
/* The pid file follows the configuration; whatever is wrong with it is told
 * before anything changes, and nothing is left behind or taken from others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "master/pid_file.h"
#include "t/unit/base/scratch.h"

static struct pid_file file;
static char why[WHY_SIZE];

static int set_up(void **state)
{
	(void)state;
	pid_file_init(&file);
	return 0;
}

/* The names in the folder, but for the two that every folder has. */
static unsigned names(void)
{
	DIR *folder = opendir(scratch);
	unsigned n = 0;

	assert_non_null(folder);
	for (struct dirent *e; (e = readdir(folder)) != NULL;)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(folder);
	return n;
}

static int tear_down(void **state)
{
	(void)state;
	pid_file_remove(&file);
	return names() == 0 ? 0 : -1;
}

static void put(const char *name)
{
	if (pid_file_prepare(&file, name, false, why) == -1)
		fail_msg("%s", why);
	pid_file_finish(&file, true);
}

static void refuse(const char *path, const char *says)
{
	assert_int_equal(pid_file_prepare(&file, path, false, why), -1);
	if (strstr(why, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, says);
	assert_null(file.next);
}

static void holds_pid(const char *name)
{
	char *text = scratch_read(name), wanted[32];

	snprintf(wanted, sizeof(wanted), "%d\n", (int)getpid());
	assert_string_equal(text, wanted);
	free(text);
}

static void written_and_removed(void **state)
{
	(void)state;
	put(scratch_path("pid"));
	holds_pid("pid");
	assert_int_equal(names(), 1);
	put("");
	assert_int_equal(names(), 0);
	put("");
}

static void moved(void **state)
{
	(void)state;
	put(scratch_path("pid"));
	put(scratch_path("other"));
	holds_pid("other");
	assert_int_equal(names(), 1);
}

static void comes_back(void **state)
{
	(void)state;
	put(scratch_path("pid"));
	assert_int_equal(unlink(scratch_path("pid")), 0);
	put(scratch_path("pid"));
	holds_pid("pid");
}

static void nothing_before_its_time(void **state)
{
	(void)state;
	put(scratch_path("pid"));
	assert_int_equal(pid_file_prepare(&file, scratch_path("other"), false, why),
			 0);
	assert_int_equal(access(scratch_path("other"), F_OK), -1);
	holds_pid("pid");
	pid_file_finish(&file, false);
	assert_int_equal(names(), 1);
	holds_pid("pid");
}

static void cannot_be_written(void **state)
{
	(void)state;
	put(scratch_path("pid"));
	refuse(scratch_path("missing/pid"), "No such file");
	refuse(scratch_path("pid/below"), "Not a directory");
	assert_int_equal(mkdir(scratch_path("folder"), 0700), 0);
	refuse(scratch_path("folder"), "is not a file");
	assert_int_equal(rmdir(scratch_path("folder")), 0);
	/* open(2) of one waits for a reader. */
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	refuse(scratch_path("fifo"), "is not a file");
	assert_int_equal(unlink(scratch_path("fifo")), 0);
	holds_pid("pid");
}

static void what_is_none_is_kept(void **state)
{
	char *text;

	(void)state;
	scratch_write("text", "user = \"www-data\";\n");
	refuse(scratch_path("text"), "something else than a process id");
	text = scratch_read("text");
	assert_string_equal(text, "user = \"www-data\";\n");
	free(text);
	/* The disk was full. */
	scratch_write("text", "");
	put(scratch_path("text"));
	holds_pid("text");
}

static void of_a_server_that_runs(void **state)
{
	pid_t other = fork();
	char text[32];

	(void)state;
	assert_int_not_equal(other, -1);
	if (other == 0)
		for (;;)
			pause();
	snprintf(text, sizeof(text), "%d\n", (int)other);
	scratch_write("pid", text);
	refuse(scratch_path("pid"), "runs");
	/* It is about to end: an upgrade. */
	assert_int_equal(pid_file_prepare(&file, scratch_path("pid"), true, why),
			 0);
	pid_file_finish(&file, false);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	put(scratch_path("pid"));
	holds_pid("pid");
}

static void only_our_own_is_removed(void **state)
{
	(void)state;
	put(scratch_path("pid"));
	scratch_write("pid", "1\n");
	pid_file_remove(&file);
	assert_int_equal(names(), 1);
	assert_int_equal(unlink(scratch_path("pid")), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(written_and_removed),
		TEST(moved),
		TEST(comes_back),
		TEST(nothing_before_its_time),
		TEST(cannot_be_written),
		TEST(what_is_none_is_kept),
		TEST(of_a_server_that_runs),
		TEST(only_our_own_is_removed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
