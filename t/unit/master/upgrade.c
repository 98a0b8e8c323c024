/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What two masters say to each other during an upgrade: first to a new master,
 * by messages as they are on the wire; then to an old one, by this program, which
 * upgrade_begin() executes as if it were the new holdfast; and at last that the
 * old master kills the new one and nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/shared/channel.h"
#include "master/upgrade.h"
#include "t/unit/base/scratch.h"

/* The wire. */

enum {
	WIRE_1 = 1,
	HELLO = 1,
	LISTENER,
	END,
	COUNTERS,
	READY,
	FAILED,
	FORMATS,
	COUNTED,
	MADE,
	UNWANTED,
};

struct wire {
	uint32_t version, type;
	uint64_t number;
	char text[1024];
};

static const struct wire end = {WIRE_1, END, 0, ""};

static bool send_wire(int fd, const struct wire *wire, const int *fds, size_t n)
{
	size_t size = offsetof(struct wire, text) + strlen(wire->text) + 1;

	if (wire->type == COUNTERS)
		size = sizeof(*wire);
	return channel_send(fd, wire, size, fds, n) == CHANNEL_OK;
}

/* The next message, without its descriptors; false when there is none. */
static bool next_wire(int fd, struct wire *wire_out)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int fds[CHANNEL_FDS];
	static struct {
		struct wire wire;
		char rest[8192];
	} room;
	size_t n, n_fds = 0;

	if (poll(&ready, 1, 10000) != 1 ||
	    channel_receive(fd, &room, sizeof(room), &n, fds, &n_fds) != CHANNEL_OK)
		return false;
	while (n_fds > 0)
		close(fds[--n_fds]);
	*wire_out = room.wire;
	return true;
}

/* What was heard. */

static struct {
	struct counters counters;
	unsigned formats, ready, counted, alone, failed;
	char unwanted[64], why[WHY_SIZE];
} heard;

static struct loop loop;
static struct upgrade upgrade;
static struct listeners listeners;

static void on_formats(struct upgrade *u)
{
	(void)u;
	heard.formats++;
}

static void on_unwanted(struct upgrade *u, const char *key)
{
	(void)u;
	snprintf(heard.unwanted, sizeof(heard.unwanted), "%s", key);
}

static void on_ready(struct upgrade *u)
{
	heard.ready++;
	loop_stop(u->loop);
}

static void on_failed(struct upgrade *u, const char *why)
{
	heard.failed++;
	snprintf(heard.why, sizeof(heard.why), "%s", why);
	loop_stop(u->loop);
}

static void on_counters(struct upgrade *u, const struct counters *counters)
{
	(void)u;
	counters_add(&heard.counters, counters);
}

static void on_counted(struct upgrade *u)
{
	(void)u;
	heard.counted++;
}

static void on_alone(struct upgrade *u)
{
	heard.alone++;
	loop_stop(u->loop);
}

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	if (loop_init(&loop) == -1)
		return -1;
	listeners_init(&listeners);
	upgrade_init(&upgrade, &loop);
	upgrade.on_formats = on_formats;
	upgrade.on_unwanted = on_unwanted;
	upgrade.on_ready = on_ready;
	upgrade.on_failed = on_failed;
	upgrade.on_counters = on_counters;
	upgrade.on_counted = on_counted;
	upgrade.on_alone = on_alone;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	upgrade_close(&upgrade);
	listeners_fini(&listeners);
	loop_fini(&loop);
	return 0;
}

/* The new master. */

static int handoff[2], old_end;
static unsigned generation;
static char why[WHY_SIZE];

/* The channel that a new master finds in its environment, and the other end. */
static void open_channel(void)
{
	int ends[2];
	char number[16];

	assert_int_equal(channel_open(ends), 0);
	old_end = ends[0];
	snprintf(number, sizeof(number), "%d", ends[1]);
	setenv("HOLDFAST_UPGRADE", number, 1);
	assert_true(upgrade_is_wanted());
}

static int receive(void)
{
	return upgrade_receive(&upgrade, &listeners, handoff, &generation, why);
}

static void greet(void)
{
	struct wire hello = {WIRE_1, HELLO, 7, ""};

	assert_int_equal(channel_open(handoff), 0);
	assert_true(send_wire(old_end, &hello, handoff, 2));
	fd_close(&handoff[0]);
	fd_close(&handoff[1]);
}

static void count(const char *row, uint64_t number)
{
	struct wire counters = {WIRE_1, COUNTERS, 1, ""};

	snprintf(counters.text, sizeof(counters.text), "%s", row);
	memcpy(counters.text + strlen(row) + 1, &number, sizeof(number));
	assert_true(send_wire(old_end, &counters, NULL, 0));
}

static void all_is_taken(void **state)
{
	struct wire listener = {WIRE_1, LISTENER, 0, "127.0.0.1:0"}, formats;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char ours[1024];

	(void)state;
	open_channel();
	greet();
	count("requests", 5);
	/* Of another release. */
	count("sighs", 6);
	assert_true(send_wire(old_end, &listener, &fd, 1));
	assert_true(send_wire(old_end, &end, NULL, 0));
	assert_int_equal(receive(), 0);
	assert_int_equal(generation, 7);
	assert_int_not_equal(fcntl(handoff[0], F_GETFD), -1);
	assert_int_not_equal(fcntl(handoff[1], F_GETFD), -1);
	assert_int_equal(heard.counters.requests, 5);
	struct bound *bound =
		CONTAINER_OF(listeners.inherited.next, struct bound, link);

	assert_string_equal(bound->key, "127.0.0.1:0");
	assert_false(bound->inherited);
	assert_true(bound->borrowed);
	/* It is no secret to processes that are executed. */
	assert_false(upgrade_is_wanted());
	/* The old master is told what may be sent. */
	assert_true(next_wire(old_end, &formats));
	assert_int_equal(formats.type, FORMATS);
	frozen_table_format(&frozen_ours, ours);
	assert_string_equal(formats.text, ours);
	/* It counts on until it ends. */
	count("requests", 2);
	assert_true(send_wire(old_end, &(struct wire){WIRE_1, COUNTED, 0, ""}, NULL,
			      0));
	fd_close(&old_end);
	loop_run(&loop);
	assert_int_equal(heard.counters.requests, 7);
	assert_int_equal(heard.counted, 1);
	assert_int_equal(heard.alone, 1);
	fd_close(&handoff[0]);
	fd_close(&handoff[1]);
	fd_close(&fd);
}

static void numbers_are_bounded(void **state)
{
	struct wire counters = {WIRE_1, COUNTERS, UINT64_MAX, "requests"};

	(void)state;
	open_channel();
	greet();
	assert_true(send_wire(old_end, &counters, NULL, 0));
	assert_true(send_wire(old_end, &end, NULL, 0));
	assert_int_equal(receive(), 0);
	assert_int_equal(heard.counters.requests, 0);
	fd_close(&old_end);
	fd_close(&handoff[0]);
	fd_close(&handoff[1]);
}

static unsigned n_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(fds);
	while (readdir(fds) != NULL)
		n++;
	closedir(fds);
	return n;
}

/* Nothing is served with half of a state, or one that was not understood. */
static void what_is_odd_is_refused(void **state)
{
	static const struct wire odd[] = {
		{WIRE_1 + 1, LISTENER, 0, "127.0.0.1:0"},
		{WIRE_1 + 1, COUNTERS, 1, "requests"},
		{WIRE_1 + 1, END, 0, ""},
		{WIRE_1, 99, 0, ""},
		{WIRE_1, READY, 0, ""},
		{WIRE_1, LISTENER, 0, "no descriptor"},
		{WIRE_1, HELLO, 1, "no descriptors"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		unsigned before = n_fds();
		bool has_fd = odd[i].version != WIRE_1 && odd[i].type == LISTENER;
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		open_channel();
		assert_true(send_wire(old_end, &odd[i], &fd, has_fd ? 1 : 0));
		assert_true(send_wire(old_end, &end, NULL, 0));
		assert_int_equal(receive(), -1);
		assert_string_equal(why,
				    "the state of the old master cannot be read");
		fd_close(&fd);
		fd_close(&old_end);
		upgrade_close(&upgrade);
		assert_int_equal(n_fds(), before);
	}
	/* A message without a text, and none at all. */
	open_channel();
	assert_int_equal(
		channel_send(old_end, &end, offsetof(struct wire, text), NULL, 0),
		CHANNEL_OK);
	assert_int_equal(receive(), -1);
	fd_close(&old_end);
	upgrade_close(&upgrade);
	open_channel();
	fd_close(&old_end);
	assert_int_equal(receive(), -1);
}

/* The old master, and this program as the new one. */

static int new_master(const char *what)
{
	int fd = atoi(getenv("HOLDFAST_UPGRADE"));
	struct wire wire, said = {WIRE_1, READY, 0, ""};

	do {
		if (!next_wire(fd, &wire))
			return 1;
	} while (wire.type != END);
	if (strcmp(what, "dies") == 0)
		return 0;
	if (strcmp(what, "short") == 0)
		return channel_send(fd, "short", 5, NULL, 0) != CHANNEL_OK;
	if (strcmp(what, "version") == 0)
		said.version++;
	if (strcmp(what, "environment") == 0) {
		said.type = FAILED;
		snprintf(said.text, sizeof(said.text), "%s, %s",
			 getenv("LISTEN_FDS") != NULL ? "sockets" : "no sockets",
			 atoi(getenv("WATCHDOG_PID")) == (int)getpid()
				 ? "watched"
				 : "not watched");
	}
	if (strcmp(what, "serves") == 0) {
		struct wire more = {WIRE_1, FORMATS, 0, ""};

		frozen_table_format(&frozen_ours, more.text);
		(void)send_wire(fd, &more, NULL, 0);
		more = (struct wire){WIRE_1, UNWANTED, 0, "*:80"};
		(void)send_wire(fd, &more, NULL, 0);
		more = (struct wire){WIRE_1, MADE, 0, ""};
		snprintf(more.text, sizeof(more.text), "%s", getenv("MADE"));
		(void)send_wire(fd, &more, NULL, 0);
	}
	(void)send_wire(fd, &said, NULL, 0);
	/* Until it is killed. */
	alarm(60);
	for (;;)
		pause();
}

static void send_servers(struct upgrade *u)
{
	assert_int_equal(upgrade_send_server(u, "a line"), 0);
}

static void begin(const char *what)
{
	static const struct counters none;
	static const struct server_changes unchanged;
	static const struct ticket_keys no_tickets;
	int fds[2];
	const struct upgrade_gifts gifts = {
		.generation = 3,
		.listeners = &listeners,
		.handoff = fds,
		.formats = &frozen_ours,
		.counters = &none,
		.changes = &unchanged,
		.send_servers = send_servers,
		.tickets = &no_tickets,
	};

	assert_int_equal(channel_open(fds), 0);
	if (upgrade_begin(&upgrade, what, &gifts, why) == -1)
		fail_msg("%s", why);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	loop.stopped = false;
	loop_run(&loop);
}

static bool is_there(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

static void wait_gone(pid_t pid)
{
	for (int i = 0; is_there(pid) && i < 1000; i++)
		usleep(10000);
	assert_false(is_there(pid));
}

static void a_new_master(void **state)
{
	char ours[1024], theirs[1024];

	(void)state;
	setenv("MADE", scratch_path("made"), 1);
	scratch_write("made", "");
	begin("serves");
	assert_int_equal(heard.ready, 1);
	assert_int_equal(heard.failed, 0);
	assert_int_equal(heard.formats, 1);
	frozen_table_format(&frozen_ours, ours);
	frozen_table_format(&upgrade.theirs, theirs);
	assert_string_equal(theirs, ours);
	assert_string_equal(heard.unwanted, "*:80");
	/* Given up all the same: what it has made goes with it. */
	pid_t pid = upgrade.pid;

	assert_true(is_there(pid));
	assert_int_equal(access(scratch_path("made"), F_OK), 0);
	upgrade_abandon(&upgrade);
	assert_int_equal(access(scratch_path("made"), F_OK), -1);
	wait_gone(pid);
}

static void one_that_fails(void **state)
{
	static const char *const cases[][2] = {
		{"dies", "the new master ended before it was ready"},
		{"short", "the new master sent an unknown message"},
		{"version", "the new master sent an unknown message"},
		{"environment", "no sockets, watched"},
	};

	(void)state;
	setenv("LISTEN_FDS", "1", 1);
	setenv("WATCHDOG_PID", "1", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(cases[i][0]);
		assert_string_equal(heard.why, cases[i][1]);
		assert_int_equal(heard.failed, i + 1);
		upgrade_abandon(&upgrade);
	}
	assert_int_equal(heard.ready, 0);
}

/* The new one is not its child, so once that has ended its process id may be
 * anybody's. */

/* Sends SIGTERM to a process by an upgrade whose new master holds its end of the
 * channel, or has gone. What the process ended by. */
static int ended_by(bool lives)
{
	struct upgrade u = {0};
	int ends[2], status;
	pid_t pid;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		for (;;)
			pause();
	}
	u.channel.fd = ends[0];
	u.pid = pid;
	if (!lives) {
		/* The child has a copy, which the new master's did not. */
		assert_int_equal(shutdown(ends[1], SHUT_RDWR), 0);
		fd_close(&ends[1]);
	}
	upgrade_signal(&u, SIGTERM);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd_close(&ends[0]);
	if (lives)
		fd_close(&ends[1]);
	assert_true(WIFSIGNALED(status));
	return WTERMSIG(status);
}

static void one_that_lives(void **state)
{
	(void)state;
	assert_int_equal(ended_by(true), SIGTERM);
}

static void one_that_is_gone(void **state)
{
	(void)state;
	assert_int_equal(ended_by(false), SIGKILL);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(all_is_taken),
		TEST(numbers_are_bounded),
		TEST(what_is_odd_is_refused),
		TEST(a_new_master),
		TEST(one_that_fails),
		cmocka_unit_test(one_that_lives),
		cmocka_unit_test(one_that_is_gone),
	};

	if (getenv("HOLDFAST_UPGRADE") != NULL && argc == 4)
		return new_master(argv[2]);
	upgrade_remember_program(argv[0]);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
