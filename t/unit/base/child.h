/* SPDX-License-Identifier: BSD-2-Clause */
/* What can only be tried in a process of its own: what ends it, or changes
 * all of it. */
#ifndef T_UNIT_BASE_CHILD_H
#define T_UNIT_BASE_CHILD_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* In the child, where cmocka's assertions would go on in its next test. */
#define CHILD_CHECK(condition)                                            \
	do {                                                              \
		if (!(condition)) {                                       \
			fprintf(stderr, "# %s:%d: false: %s\n", __FILE__, \
				__LINE__, #condition);                    \
			_exit(1);                                         \
		}                                                         \
	} while (0)

/* Runs `body` in a child; its status as from waitpid(2). */
static inline int child_status(void (*body)(void))
{
	int status;

	fflush(NULL);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* An invariant of ours is broken in the child: it logs and aborts. */
static inline void child_aborts(void (*body)(void))
{
	/* The log takes the descriptor over, and gives it up below. */
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	int status = child_status(body);

	log_set_fd(STDERR_FILENO);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

#endif
