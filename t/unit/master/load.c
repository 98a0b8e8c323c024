/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of a configuration are said on stderr and kept, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fd.h"
#include "master/load.h"
#include "t/unit/base/scratch.h"

static char on_stderr[4096]; /* by the last load() */

static struct conf *load(const char *path, struct buf *said)
{
	int file = open(scratch_path("stderr"),
			O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = dup(STDERR_FILENO);

	assert_true(file >= 0 && saved >= 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	struct conf *conf = load_aloud(path, said);

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	ssize_t n = pread(file, on_stderr, sizeof(on_stderr) - 1, 0);

	assert_true(n >= 0);
	on_stderr[n] = '\0';
	fd_close(&saved);
	fd_close(&file);
	return conf;
}

static void good(void **state)
{
	struct buf said;
	struct conf *conf =
		load(scratch_write("a.conf",
				   "listeners = ( { address = \"127.0.0.1:7\"; "
				   "protocol = \"echo\"; } );\n"),
		     &said);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(on_stderr, "");
	assert_int_equal(buf_length(&said), 0);
	buf_release(&said);
	conf_destroy(&conf);
}

static void refuse(const char *path, const char *end)
{
	struct buf said;

	assert_null(load(path, &said));
	assert_true(str_equal(buf_str(&said), str_of(on_stderr)));
	if (!str_ends_with(buf_str(&said), str_of(end)))
		fail_msg("\"%s\" does not end in \"%s\"", on_stderr, end);
	assert_memory_equal(on_stderr, path, strlen(path));
	buf_release(&said);
}

static void bad(void **state)
{
	(void)state;
	refuse(scratch_write("a.conf", "listeners = ( { address = \"127.0.0.1:7\"; "
				       "protocol = \"echo\"; } );\nworkrs = 1;\n"),
	       "/a.conf: 1 error\n");
	assert_non_null(strstr(on_stderr, "/a.conf:2: "));
	refuse(scratch_write("a.conf", "workrs = 1;\nusr = 2;\n"), " errors\n");
	refuse(scratch_path("missing"), "/missing: 1 error\n");
}

static int free_all(void **state)
{
	buf_free_all();
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, free_all);
}
