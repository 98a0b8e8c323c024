/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker gives up for good before it serves, besides the user that it
 * was started as: see worker.c. Worker, before it has any thread.
 */
#ifndef WORKER_PRIVILEGES_H
#define WORKER_PRIVILEGES_H

#include "worker/worker.h"

/*
 * Leaves the terminal that the server was started from: neither is what is
 * typed there read, nor can anything be typed in its place (TIOCSTI,
 * ioctl_tty(2)). A session of its own, and /dev/null as standard input. 0, or
 * -1 with errno.
 */
int privileges_drop_terminal(void) __attribute__((warn_unused_result));

/*
 * Becomes that user, with its groups, for good. What would change nothing is not
 * asked for: a user namespace or a filter may forbid it. 0, or -1 with errno.
 */
int privileges_become(const struct identity *identity)
	__attribute__((warn_unused_result));

/* No program that is executed from here can have a capability; as far as we may
 * say so. Before the user is changed. */
void privileges_bound_capabilities(void);

/* Drops every capability that is left: those that came as ambient ones do not
 * go with root, and root's do not go by themselves. After the user was changed.
 * 0, or -1 with errno. */
int privileges_drop_capabilities(void) __attribute__((warn_unused_result));

#endif
