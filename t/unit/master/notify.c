/* SPDX-License-Identifier: BSD-2-Clause */
/* What the service manager is told, word for word, at a socket of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "master/notify.h"
#include "t/unit/base/scratch.h"

static struct loop loop;
static struct notify notify;
static int manager; /* its socket */

/* The next message; "" for none. */
static const char *told(void)
{
	static char text[8 * WHY_SIZE];
	ssize_t n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void watch(uint64_t usec, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, usec);
	setenv("WATCHDOG_USEC", text, 1);
	snprintf(text, sizeof(text), "%d", (int)pid);
	setenv("WATCHDOG_PID", text, 1);
	notify_fini(&notify);
	notify_init(&notify, &loop);
}

static int set_up(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	(void)state;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", scratch_path("manager"));
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (bind(manager, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    loop_init(&loop) == -1)
		return -1;
	notify_init(&notify, &loop);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	notify_fini(&notify);
	loop_fini(&loop);
	fd_close(&manager);
	return unlink(scratch_path("manager"));
}

static void the_states(void **state)
{
	(void)state;
	notify_ready(&notify, "serves");
	assert_string_equal(told(), "READY=1\nSTATUS=serves");
	/* However short TimeoutStopSec= is. */
	notify_stopping(&notify, "drains", 30000);
	assert_string_equal(told(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000\n"
				    "STATUS=drains");
	assert_string_equal(told(), "");
}

static void when_it_reloads(void **state)
{
	uint64_t before = clock_read() / NS_PER_US, at;
	char status[16];

	(void)state;
	notify_reloading(&notify, "reloads");
	assert_int_equal(sscanf(told(),
				"RELOADING=1\nMONOTONIC_USEC=%" SCNu64
				"\nSTATUS=%15s",
				&at, status),
			 2);
	assert_string_equal(status, "reloads");
	assert_in_range(at, before, clock_read() / NS_PER_US);
}

/* A failure is shown until something goes well. */
static void a_failure_stays(void **state)
{
	(void)state;
	notify_ready(&notify, "serves");
	(void)told();
	notify_failure(&notify, "reload", "failed", "no such file");
	assert_string_equal(told(),
			    "STATUS=serves; last reload failed: no such file");
	notify_ready(&notify, "still serves");
	assert_string_equal(told(), "READY=1\nSTATUS=still serves; last reload "
				    "failed: no such file");
	notify_failure(&notify, "upgrade", "refused", "not now");
	assert_string_equal(told(),
			    "STATUS=still serves; last upgrade refused: not now");
	notify_success(&notify);
	notify_ready(&notify, "serves");
	assert_string_equal(told(), "READY=1\nSTATUS=serves");
}

static void long_ones_are_cut(void **state)
{
	char why[4 * WHY_SIZE];

	(void)state;
	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	notify_ready(&notify, why);
	assert_in_range(strlen(told()), WHY_SIZE / 2, WHY_SIZE + 32);
	notify_failure(&notify, "reload", "failed", why);
	assert_in_range(strlen(told()), WHY_SIZE, 2 * WHY_SIZE + 128);
}

/* Systemd listens to the main process only. */
static void nothing_after_another_is_the_main_one(void **state)
{
	(void)state;
	watch(4000, getpid());
	notify_main_pid(&notify, 77, "master 77 serves now");
	assert_string_equal(told(), "MAINPID=77\nSTATUS=master 77 serves now");
	notify_ready(&notify, "serves");
	notify_stopping(&notify, "ends", 1);
	notify_failure(&notify, "reload", "failed", "why");
	assert_string_equal(told(), "");
	assert_false(timer_is_armed(&notify.watchdog));
}

static void on_end(struct timer *timer)
{
	(void)timer;
	loop_stop(&loop);
}

static void it_is_alive(void **state)
{
	struct timer end;
	unsigned n = 0;

	(void)state;
	/* Twice in the time. */
	watch(10000, getpid());
	assert_int_equal(notify.watchdog_ms, 5);
	timer_init(&end, on_end);
	/* No more than a socket holds (net.unix.max_dgram_qlen, 10). */
	loop_timer(&loop, &end, 30);
	loop_run(&loop);
	timer_detach(&loop.timers, &end);
	for (const char *text; *(text = told()) != '\0'; n++)
		assert_string_equal(text, "WATCHDOG=1");
	assert_in_range(n, 1, 6);
	/* However short. */
	watch(1000, getpid());
	assert_int_equal(notify.watchdog_ms, 1);
	/* Another process is watched. */
	watch(10000, getpid() + 1);
	assert_false(timer_is_armed(&notify.watchdog));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_states),
		TEST(when_it_reloads),
		TEST(a_failure_stays),
		TEST(long_ones_are_cut),
		TEST(nothing_after_another_is_the_main_one),
		TEST(it_is_alive),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
#ifdef HAVE_LIBSYSTEMD
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
#else
	(void)tests;
	puts("1..0 # SKIP built without libsystemd");
	return 0;
#endif
}
