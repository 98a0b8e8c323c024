/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP_DEFER_ACCEPT, see tcp(7): the kernel holds back a connection until its
 * client has sent something, or for a second. The process that accepts it then
 * finds connection and request together, which saves a wait. It is a property of
 * the listening socket, which processes share. Any process.
 */
#ifndef BASE_DEFER_ACCEPT_H
#define BASE_DEFER_ACCEPT_H

#include <stdbool.h>

/* In milliseconds. Clients that were held back come within this time. */
enum { DEFER_ACCEPT_LET_IN_MS = 1500 };

/* False for what is no TCP socket, too. */
bool defer_accept_is_set(int fd);

/* 0, or -1 with errno. */
int defer_accept_set(int fd, bool on) __attribute__((warn_unused_result));

/*
 * The socket is going to be closed: holds back nothing any more. True when the
 * kernel may have something that it held back. It comes within
 * DEFER_ACCEPT_LET_IN_MS, and would be reset if nobody accepted it.
 */
bool defer_accept_let_in(int fd);

#endif
