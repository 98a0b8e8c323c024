/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

static sigset_t set_of(const int *numbers, size_t n)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, numbers[i]);
	return set;
}

void signals_block(const int *numbers, size_t n)
{
	sigset_t set = set_of(numbers, n);

	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* write(2) returns EFBIG instead, as it does
				   * ENOSPC */
	/* Ignored, as some parents leave it, children would vanish unreaped. */
	signal(SIGCHLD, SIG_DFL);
}

static void on_readable(struct watch *watch, uint32_t events)
{
	struct signals *signals = CONTAINER_OF(watch, struct signals, watch);
	struct signalfd_siginfo info;

	(void)events;
	while (watch->fd != -1 &&
	       read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		signals->on_signal(signals, (int)info.ssi_signo);
}

int signals_open(struct signals *signals, struct loop *loop, const int *numbers,
		 size_t n)
{
	sigset_t set = set_of(numbers, n);

	sigprocmask(SIG_BLOCK, &set, NULL);
	signals->watch = (struct watch){
		.on_event = on_readable,
		.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
	};
	if (signals->watch.fd == -1)
		return -1;
	return loop_add(loop, &signals->watch, EPOLLIN);
}

void signals_close(struct signals *signals)
{
	fd_close(&signals->watch.fd);
}
