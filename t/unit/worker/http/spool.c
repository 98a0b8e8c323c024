/* SPDX-License-Identifier: BSD-2-Clause */
/* A body that is collected: in memory, then in a file that has no name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/http/spool.h"

static char directory[] = "/tmp/holdfast-spool-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
	(void)state;
	buf_free_all();
	return rmdir(directory); /* it is empty */
}

static size_t entries(void)
{
	DIR *d = opendir(directory);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void expect_whole(struct spool *spool, struct str wanted)
{
	struct str whole;

	assert_int_equal(spool_whole(spool, &whole), 0);
	assert_true(str_equal(whole, wanted));
}

static void small_ones_stay_in_memory(void **state)
{
	struct spool spool;

	(void)state;
	spool_init(&spool);
	expect_whole(&spool, STR(""));
	assert_int_equal(spool_put(&spool, STR("abc"), 6, "/nonexistent"), 0);
	assert_int_equal(spool_put(&spool, STR("def"), 6, "/nonexistent"), 0);
	assert_int_equal(spool.file, -1);
	expect_whole(&spool, STR("abcdef"));
	spool_release(&spool);
	expect_whole(&spool, STR(""));
}

static void large_ones_go_to_a_file(void **state)
{
	struct spool spool;

	(void)state;
	spool_init(&spool);
	assert_int_equal(spool_put(&spool, STR("abc"), 4, directory), 0);
	assert_int_equal(spool_put(&spool, STR("def"), 4, directory), 0);
	assert_int_not_equal(spool.file, -1);
	assert_int_equal(buf_length(&spool.memory), 0);
	assert_int_equal(entries(), 0); /* nobody can see it */
	assert_int_equal(spool_put(&spool, STR("ghi"), 4, directory), 0);
	expect_whole(&spool, STR("abcdefghi"));
	spool_release(&spool);
	assert_int_equal(spool.file, -1);
	expect_whole(&spool, STR(""));
}

static void goes_on_elsewhere(void **state)
{
	struct spool spool, other;

	(void)state;
	spool_init(&spool);
	spool_init(&other);
	assert_int_equal(spool_put(&spool, STR("abcdef"), 4, directory), 0);
	assert_int_equal(spool_adopt(&other, dup(spool.file), spool.size), 0);
	spool_release(&spool);
	assert_int_equal(spool_put(&other, STR("ghi"), 4, directory), 0);
	expect_whole(&other, STR("abcdefghi"));
	/* Not what it was said to be. */
	assert_int_equal(spool_adopt(&spool, dup(other.file), 10), -1);
	assert_int_equal(spool.file, -1);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(spool_adopt(&spool, ends[0], 9), -1);
	assert_int_equal(spool.file, -1);
	close(ends[1]);
	spool_release(&other);
}

static void says_what_fails(void **state)
{
	struct spool spool;

	(void)state;
	spool_init(&spool);
	errno = 0;
	assert_int_equal(spool_put(&spool, STR("abc"), 1, "/nonexistent"), -1);
	assert_int_equal(errno, ENOENT);
	spool_release(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_ones_stay_in_memory),
		cmocka_unit_test(large_ones_go_to_a_file),
		cmocka_unit_test(goes_on_elsewhere),
		cmocka_unit_test(says_what_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
