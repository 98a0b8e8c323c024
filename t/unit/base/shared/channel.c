/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels: whole messages with descriptors, and no descriptor is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/shared/channel.h"

static int ends[2];

static int set_up(void **state)
{
	(void)state;
	return channel_open(ends);
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return 0;
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(channel_send(fd, text, strlen(text), NULL, 0), CHANNEL_OK);
}

static void expect_text(int fd, const char *text)
{
	char got[100];
	size_t n, n_fds;
	int fds[CHANNEL_FDS];

	assert_int_equal(channel_receive(fd, got, sizeof(got), &n, fds, &n_fds),
			 CHANNEL_OK);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
	assert_int_equal(n_fds, 0);
}

static enum channel_result receive(int fd, size_t room)
{
	char got[100];
	size_t n, n_fds = 0;
	int fds[CHANNEL_FDS];
	enum channel_result result =
		channel_receive(fd, got, room, &n, fds, &n_fds);
	int error = errno;

	if (result != CHANNEL_OK)
		assert_int_equal(n_fds, 0);
	errno = error;
	return result;
}

static void ends_are_as_promised(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(fcntl(ends[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(receive(ends[0], 10), CHANNEL_AGAIN);
	assert_int_equal(receive(ends[1], 10), CHANNEL_AGAIN);
}

static void messages_are_whole(void **state)
{
	(void)state;
	send_text(ends[0], "one");
	send_text(ends[0], "two and more");
	send_text(ends[1], "back");
	expect_text(ends[1], "one");
	expect_text(ends[1], "two and more");
	expect_text(ends[0], "back");
	assert_int_equal(receive(ends[0], 10), CHANNEL_AGAIN);
	assert_int_equal(receive(ends[1], 10), CHANNEL_AGAIN);
}

static void takes_as_much_as_there_is_room(void **state)
{
	(void)state;
	send_text(ends[0], "12345");
	assert_int_equal(receive(ends[1], 5), CHANNEL_OK);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	assert_int_equal(fstat(a, &x), 0);
	assert_int_equal(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void passes(int from, int to)
{
	for (size_t n = 1; n <= CHANNEL_FDS; n++) {
		int sent[CHANNEL_FDS], got[CHANNEL_FDS], before = count_fds();
		size_t length, n_got;
		char byte;

		for (size_t i = 0; i < n; i++) {
			sent[i] = memfd_create("passed", 0);
			assert_true(sent[i] >= 0);
		}
		assert_int_equal(channel_send(from, "x", 1, sent, n), CHANNEL_OK);
		assert_int_equal(
			channel_receive(to, &byte, 1, &length, got, &n_got),
			CHANNEL_OK);
		assert_int_equal(length, 1);
		assert_int_equal(n_got, n);
		for (size_t i = 0; i < n; i++) {
			assert_int_not_equal(got[i], sent[i]);
			assert_true(same_file(got[i], sent[i]));
			assert_true(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
			/* The one that was sent is still the sender's. */
			fd_close(&got[i]);
			fd_close(&sent[i]);
		}
		assert_int_equal(count_fds(), before);
	}
}

static void descriptors_go_both_ways(void **state)
{
	(void)state;
	passes(ends[0], ends[1]);
	passes(ends[1], ends[0]);
}

static void descriptors_stay_with_their_message(void **state)
{
	int file = memfd_create("passed", MFD_CLOEXEC), got[CHANNEL_FDS];
	size_t n, n_fds;
	char text[10];

	(void)state;
	send_text(ends[0], "before");
	assert_int_equal(channel_send(ends[0], "with", 4, &file, 1), CHANNEL_OK);
	send_text(ends[0], "after");
	expect_text(ends[1], "before");
	assert_int_equal(channel_receive(ends[1], text, 10, &n, got, &n_fds),
			 CHANNEL_OK);
	assert_int_equal(n_fds, 1);
	fd_close(&got[0]);
	fd_close(&file);
	expect_text(ends[1], "after");
}

static void cut_short(void **state)
{
	int file = memfd_create("passed", MFD_CLOEXEC);
	const int fds[] = {file, file, file};
	int before = count_fds();

	(void)state;
	assert_int_equal(channel_send(ends[0], "too long", 8, fds, 3), CHANNEL_OK);
	errno = 0;
	assert_int_equal(receive(ends[1], 7), CHANNEL_ERROR);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(count_fds(), before);
	/* The rest of it is not taken for the next. */
	send_text(ends[0], "next");
	expect_text(ends[1], "next");
	fd_close(&file);
}

/* One who does not keep to CHANNEL_FDS. */
static void too_many_descriptors(void **state)
{
	enum { N = CHANNEL_FDS + 2 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(N * sizeof(int))];
	} control = {0};
	struct iovec bytes = {.iov_base = (char[]){"x"}, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &bytes,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fds[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		fds[i] = ends[0];
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	int before = count_fds();

	assert_int_equal(sendmsg(ends[0], &msg, 0), 1);
	errno = 0;
	assert_int_equal(receive(ends[1], 10), CHANNEL_ERROR);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(count_fds(), before);
}

/* It cannot be told from a channel that is closed; its descriptors must not
 * stay behind. */
static void empty_message_with_descriptors(void **state)
{
	int before = count_fds();

	(void)state;
	assert_int_equal(channel_send(ends[0], "", 0, ends, 2), CHANNEL_OK);
	assert_int_not_equal(receive(ends[1], 10), CHANNEL_OK);
	assert_int_equal(count_fds(), before);
}

static void full(void **state)
{
	static const char message[1000];
	int sent = 0;
	enum channel_result result;

	(void)state;
	while ((result = channel_send(ends[0], message, sizeof(message), NULL,
				      0)) == CHANNEL_OK) {
		sent++;
		assert_true(sent < 100000);
	}
	assert_int_equal(result, CHANNEL_AGAIN);
	assert_true(sent > 0);
	/* The other way is free. */
	send_text(ends[1], "back");
	expect_text(ends[0], "back");
	/* Nothing of what was refused has arrived, and all of the rest. */
	for (int i = 0; i < sent; i++) {
		char got[sizeof(message)];
		size_t n, n_fds;
		int fds[CHANNEL_FDS];

		assert_int_equal(
			channel_receive(ends[1], got, sizeof(got), &n, fds, &n_fds),
			CHANNEL_OK);
		assert_int_equal(n, sizeof(message));
	}
	assert_int_equal(receive(ends[1], 10), CHANNEL_AGAIN);
	assert_int_equal(channel_send(ends[0], message, sizeof(message), NULL, 0),
			 CHANNEL_OK);
}

static void closed(void **state)
{
	(void)state;
	send_text(ends[0], "last words");
	fd_close(&ends[0]);
	/* No SIGPIPE, which would end the test. */
	assert_int_equal(channel_send(ends[1], "x", 1, NULL, 0), CHANNEL_CLOSED);
	expect_text(ends[1], "last words");
	assert_int_equal(receive(ends[1], 10), CHANNEL_CLOSED);
	assert_int_equal(receive(ends[1], 10), CHANNEL_CLOSED);
}

static void closed_before_all_was_read(void **state)
{
	(void)state;
	send_text(ends[0], "never read");
	fd_close(&ends[1]);
	assert_int_equal(receive(ends[0], 10), CHANNEL_CLOSED);
	assert_int_equal(channel_send(ends[0], "x", 1, NULL, 0), CHANNEL_CLOSED);
}

/* Who ends with something of ours unread resets the socket, and we hear what
 * they said before all the same. */
static void last_words_after_a_reset(void **state)
{
	(void)state;
	send_text(ends[0], "never read");
	send_text(ends[1], "last words");
	fd_close(&ends[1]);
	expect_text(ends[0], "last words");
	assert_int_equal(receive(ends[0], 10), CHANNEL_CLOSED);
}

static int room_of(int fd)
{
	socklen_t size = sizeof(int);
	int bytes;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size), 0);
	return bytes;
}

static void grows(void **state)
{
	const int small = 8192;
	int before;

	(void)state;
	assert_int_equal(
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
		0);
	before = room_of(ends[0]);
	channel_grow(ends[0]);
	assert_true(room_of(ends[0]) > before);
	send_text(ends[0], "works");
	expect_text(ends[1], "works");
}

static void not_a_channel(void **state)
{
	int file = memfd_create("file", MFD_CLOEXEC), none = -1;

	(void)state;
	assert_int_equal(channel_send(file, "x", 1, NULL, 0), CHANNEL_ERROR);
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(receive(file, 10), CHANNEL_ERROR);
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(channel_send(ends[0], "x", 1, &none, 1), CHANNEL_ERROR);
	assert_int_equal(errno, EBADF);
	fd_close(&file);
}

#define CHANNEL_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANNEL_TEST(ends_are_as_promised),
		CHANNEL_TEST(messages_are_whole),
		CHANNEL_TEST(takes_as_much_as_there_is_room),
		CHANNEL_TEST(descriptors_go_both_ways),
		CHANNEL_TEST(descriptors_stay_with_their_message),
		CHANNEL_TEST(cut_short),
		CHANNEL_TEST(too_many_descriptors),
		CHANNEL_TEST(empty_message_with_descriptors),
		CHANNEL_TEST(full),
		CHANNEL_TEST(closed),
		CHANNEL_TEST(closed_before_all_was_read),
		CHANNEL_TEST(last_words_after_a_reset),
		CHANNEL_TEST(grows),
		CHANNEL_TEST(not_a_channel),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
