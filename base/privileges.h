/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process gives up for good before it serves, besides the user that it
 * was started as: see worker.c and keeper.c. Workers and the keeper, before they
 * have any thread.
 */
#ifndef BASE_PRIVILEGES_H
#define BASE_PRIVILEGES_H

#include <sys/types.h>

/* Whom a process becomes, in numbers: it asks no name service. */
enum { IDENTITY_GROUPS = 256 };
struct identity {
	uid_t uid;
	gid_t gid;
	unsigned n_groups;
	gid_t groups[IDENTITY_GROUPS];
};

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
