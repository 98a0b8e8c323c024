/* SPDX-License-Identifier: BSD-2-Clause */
/* The old master kills the new one, and nobody else: the new one is not its
 * child, so once that has ended its process id may be anybody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "master/upgrade.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_lives),
		cmocka_unit_test(one_that_is_gone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
