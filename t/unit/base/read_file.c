/* SPDX-License-Identifier: BSD-2-Clause */
/* read_file(): whole, bounded, and never stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"
#include "t/unit/base/scratch.h"

static void write_file(const char *path, size_t n)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(fputc((int)('a' + i % 26), file), EOF);
	assert_int_equal(fclose(file), 0);
}

static void whole(void **state)
{
	static const size_t sizes[] = {0, 1, 65536, 200000};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const char *path = scratch_path("file");

		write_file(path, sizes[i]);
		buf_put_cstr(&out, "before");
		assert_null(read_file(path, 1 << 20, &out));
		assert_int_equal(buf_length(&out), 6 + sizes[i]);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(buf_str(&out).p[6 + k], 'a' + k % 26);
		buf_release(&out);
	}
	/* Its size is 0 by stat(2). */
	assert_null(read_file("/proc/self/status", 1 << 20, &out));
	assert_true(buf_length(&out) > 10);
	buf_release(&out);
}

static void bounded(void **state)
{
	struct buf out = {0};
	const char *path = scratch_path("file");

	(void)state;
	write_file(path, 100);
	assert_null(read_file(path, 100, &out));
	buf_release(&out);
	assert_string_equal(read_file(path, 99, &out), "larger than 99 bytes");
	buf_release(&out);
	write_file(path, (1 << 20) + 1);
	assert_string_equal(read_file(path, 1 << 20, &out), "larger than 1m");
	buf_release(&out);
	assert_string_equal(read_file("/proc/self/status", 10, &out),
			    "larger than 10 bytes");
	buf_release(&out);
}

static void no_file(void **state)
{
	struct buf out = {0};
	const char *fifo = scratch_path("fifo");

	(void)state;
	assert_string_equal(read_file(scratch_path("none"), 9, &out),
			    "No such file or directory");
	assert_string_equal(read_file("/", 9, &out), "Is a directory");
	assert_string_equal(read_file("/dev/zero", 9, &out), "not a regular file");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(10);
	assert_string_equal(read_file(fifo, 9, &out), "not a regular file");
	alarm(0);
	assert_int_equal(buf_length(&out), 0);
	buf_release(&out);
}

static int finish(void **state)
{
	buf_free_all();
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(bounded),
		cmocka_unit_test(no_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, finish);
}
