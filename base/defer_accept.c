/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/defer_accept.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/sock_diag.h"

bool defer_accept_is_set(int fd)
{
	int seconds = 0;
	socklen_t size = sizeof(seconds);

	return getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &size) ==
		       0 &&
	       seconds > 0;
}

int defer_accept_set(int fd, bool on)
{
	/* The time in seconds after which a silent client is let in: that is at
	 * the first repetition of our SYN-ACK. */
	int seconds = on ? 1 : 0;

	return setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
			  sizeof(seconds));
}

bool defer_accept_let_in(int fd)
{
	struct addr addr = {.length = sizeof(addr.un)};

	if (!defer_accept_is_set(fd) || defer_accept_set(fd, false) == -1)
		return false;
	return getsockname(fd, &addr.any, &addr.length) == -1 ||
	       sock_diag_has_half_open(ntohs(addr.v4.sin_port)) != 0;
}
