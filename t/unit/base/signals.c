/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals are events of the loop, and none is lost that came before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "t/unit/base/child.h"

static const int numbers[] = {SIGUSR1, SIGUSR2, SIGTERM};
enum { N = 3 };

static struct loop loop;
static struct signals signals;
static int got[NSIG];

static void on_signal(struct signals *s, int number)
{
	assert_ptr_equal(s, &signals);
	assert_true(number > 0 && number < NSIG);
	got[number]++;
	loop_stop(&loop);
}

static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i < NSIG; i++)
		got[i] = 0;
	signals = (struct signals){.on_signal = on_signal};
	return loop_init(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	signals_close(&signals);
	loop_fini(&loop);
	return 0;
}

static void run(void)
{
	loop.stopped = false;
	loop_run(&loop);
}

static void before_the_loop(void **state)
{
	(void)state;
	signals_block(numbers, N);
	raise(SIGTERM);
	assert_int_equal(signals_open(&signals, &loop, numbers, N), 0);
	assert_true(fcntl(signals.watch.fd, F_GETFD) & FD_CLOEXEC);
	run();
	assert_int_equal(got[SIGTERM], 1);
}

static void each_is_told(void **state)
{
	(void)state;
	assert_int_equal(signals_open(&signals, &loop, numbers, N), 0);
	raise(SIGUSR1);
	run();
	assert_int_equal(got[SIGUSR1], 1);
	raise(SIGUSR1);
	raise(SIGUSR2);
	run();
	assert_int_equal(got[SIGUSR1], 2);
	assert_int_equal(got[SIGUSR2], 1);
	/* Those of one number that come close together are one. */
	raise(SIGUSR2);
	raise(SIGUSR2);
	run();
	assert_int_equal(got[SIGUSR2], 2);
	assert_int_equal(got[SIGTERM], 0);
}

/* signals_open() blocks them by itself. */
static void open_alone(void)
{
	sigset_t none;

	/* Whoever runs the tests may have it ignored: nohup, make, a shell
	 * that puts them into the background. */
	CHILD_CHECK(signal(SIGINT, SIG_DFL) != SIG_ERR);
	sigemptyset(&none);
	CHILD_CHECK(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
	CHILD_CHECK(signals_open(&signals, &loop, numbers, N) == 0);
	raise(SIGUSR1);
	loop_run(&loop);
	CHILD_CHECK(got[SIGUSR1] == 1);
	/* Others keep their meaning. */
	raise(SIGINT);
}

static void opens_alone(void **state)
{
	int status = child_status(open_alone);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

static void close_and_stop(struct signals *s, int number)
{
	on_signal(s, number);
	signals_close(s);
}

static void closed_by_a_signal(void **state)
{
	(void)state;
	signals.on_signal = close_and_stop;
	assert_int_equal(signals_open(&signals, &loop, numbers, N), 0);
	raise(SIGUSR1);
	raise(SIGUSR2);
	run();
	assert_int_equal(got[SIGUSR1] + got[SIGUSR2], 1);
	assert_int_equal(signals.watch.fd, -1);
	/* The other one waits for the next that opens. */
	signals.on_signal = on_signal;
	assert_int_equal(signals_open(&signals, &loop, numbers, N), 0);
	run();
	assert_int_equal(got[SIGUSR1] + got[SIGUSR2], 2);
}

static void pipes_do_not_kill(void **state)
{
	int ends[2];

	(void)state;
	signals_block(numbers, N);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fd_close(&ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	fd_close(&ends[1]);
}

#define SIGNALS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIGNALS_TEST(before_the_loop),   SIGNALS_TEST(each_is_told),
		SIGNALS_TEST(opens_alone),       SIGNALS_TEST(closed_by_a_signal),
		SIGNALS_TEST(pipes_do_not_kill),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
