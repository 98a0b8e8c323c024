/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors: closed, flagged, kept from a child, opened for a log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "t/unit/base/child.h"
#include "t/unit/base/scratch.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void closes(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), same = fd;

	(void)state;
	assert_true(fd >= 0);
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_false(is_open(same));
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(errno, ENOENT);
	/* Even of what close(2) fails for. */
	fd_close(&same);
	assert_int_equal(errno, ENOENT);
}

static void flags(void **state)
{
	int fd = open("/dev/null", O_WRONLY | O_APPEND), none = -1;

	(void)state;
	assert_int_equal(fd_set_nonblocking(fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND | O_ACCMODE),
			 O_NONBLOCK | O_APPEND | O_WRONLY);
	assert_int_equal(fd_set_cloexec(fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	fd_close(&fd);
	assert_int_equal(fd_set_nonblocking(none), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fd_set_cloexec(none), -1);
}

/* The descriptors 3 to 40, and some far away, all open. */
enum { FIRST = 3, LAST = 40, FAR = 200 };

static void open_many(void)
{
	for (int fd = FIRST; fd <= LAST; fd++)
		CHILD_CHECK(dup2(STDERR_FILENO, fd) == fd);
	CHILD_CHECK(dup2(STDERR_FILENO, FAR) == FAR);
}

static void check_kept(const int *kept, size_t n)
{
	for (int fd = 0; fd <= FAR; fd++) {
		bool wanted = fd <= STDERR_FILENO;

		for (size_t i = 0; i < n; i++)
			wanted |= kept[i] == fd;
		CHILD_CHECK(is_open(fd) == wanted);
	}
}

static void keep_some(void)
{
	int keep[] = {30, -1, 7, 5, -1, FAR, 6, 7, 1};
	static const int kept[] = {5, 6, 7, 30, FAR};

	open_many();
	fd_close_others(keep, sizeof(keep) / sizeof(*keep));
	check_kept(kept, sizeof(kept) / sizeof(*kept));
}

static void keep_first_and_last(void)
{
	int keep[] = {LAST, FIRST};
	static const int kept[] = {FIRST, LAST};

	open_many();
	fd_close_others(keep, 2);
	check_kept(kept, 2);
}

static void keep_nothing(void)
{
	int keep[] = {-1, -1};

	open_many();
	fd_close_others(keep, 2);
	check_kept(NULL, 0);
}

static void closes_others(void **state)
{
	(void)state;
	assert_int_equal(child_status(keep_some), 0);
	assert_int_equal(child_status(keep_first_and_last), 0);
	assert_int_equal(child_status(keep_nothing), 0);
}

static void opens_logs(void **state)
{
	const char *path = scratch_path("log");
	mode_t mask = umask(0);
	int fd = fd_open_log(path), other;
	struct stat st;

	(void)state;
	umask(mask);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	other = fd_open_log(path);
	assert_true(other >= 0);
	/* Appended, whoever writes. */
	assert_int_equal(write(fd, "one\n", 4), 4);
	assert_int_equal(write(other, "two\n", 4), 4);
	assert_int_equal(write(fd, "three\n", 6), 6);
	fd_close(&fd);
	fd_close(&other);
	fd = fd_open_log(path);
	assert_int_equal(write(fd, "four\n", 5), 5);
	fd_close(&fd);
	char *text = scratch_read("log");

	assert_string_equal(text, "one\ntwo\nthree\nfour\n");
	free(text);
	assert_int_equal(fd_open_log(scratch_path("missing/log")), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd_open_log(scratch), -1);
	assert_int_equal(errno, EISDIR);
	/* Nobody waits for a reader. */
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	assert_int_equal(fd_open_log(scratch_path("fifo")), -1);
	assert_int_equal(errno, ENXIO);
}

static void raise_limit(void)
{
	struct rlimit limit;

	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_max = limit.rlim_max < 512 ? limit.rlim_max : 512;
	limit.rlim_cur = limit.rlim_max / 2;
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHILD_CHECK(fd_raise_limit() == limit.rlim_max);
	uint64_t max = limit.rlim_max;

	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHILD_CHECK(limit.rlim_cur == max);
	CHILD_CHECK(limit.rlim_max == max);
	CHILD_CHECK(fd_raise_limit() == max);
}

static void raises_the_limit(void **state)
{
	(void)state;
	assert_int_equal(child_status(raise_limit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes),           cmocka_unit_test(flags),
		cmocka_unit_test(closes_others),    cmocka_unit_test(opens_logs),
		cmocka_unit_test(raises_the_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
