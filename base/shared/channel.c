/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the control message, aligned as cmsg(3) wants. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
};

int channel_open(int ends_out[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			  ends_out);
}

void channel_grow(int fd)
{
	int bytes = 4 * 1024 * 1024;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static enum channel_result failure(void)
{
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		return CHANNEL_AGAIN;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return CHANNEL_CLOSED;
	default:
		return CHANNEL_ERROR;
	}
}

enum channel_result channel_send(int fd, const void *message, size_t n,
				 const int *fds, size_t n_fds)
{
	struct iovec bytes = {.iov_base = (void *)(size_t)message, .iov_len = n};
	struct msghdr msg = {.msg_iov = &bytes, .msg_iovlen = 1};
	union control control = {0};
	ssize_t sent;

	if (n_fds > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	}
	/* MSG_DONTWAIT: others may have the same end, and make it block. */
	do {
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent == -1 && errno == EINTR);
	return sent == -1 ? failure() : CHANNEL_OK;
}

static size_t take_fds(struct msghdr *msg, int fds_out[CHANNEL_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	memcpy(fds_out, CMSG_DATA(c), n * sizeof(int));
	return n;
}

enum channel_result channel_receive(int fd, void *message, size_t room,
				    size_t *n_out, int fds_out[CHANNEL_FDS],
				    size_t *n_fds_out)
{
	struct iovec bytes = {.iov_base = message, .iov_len = room};
	union control control;
	struct msghdr msg = {.msg_iov = &bytes,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	bool was_reset = false;
	ssize_t got;

	/* A peer that exits with messages of ours unread resets the socket. The
	 * error is reported once, before the messages that it had sent. */
	do {
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got == -1 &&
		 (errno == EINTR ||
		  (errno == ECONNRESET && !was_reset && (was_reset = true))));
	if (got == -1)
		return failure();
	*n_fds_out = take_fds(&msg, fds_out);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (*n_fds_out > 0)
			close(fds_out[--*n_fds_out]);
		errno = EBADMSG;
		return CHANNEL_ERROR;
	}
	while (got == 0 && *n_fds_out > 0)
		close(fds_out[--*n_fds_out]);
	*n_out = (size_t)got;
	return got == 0 ? CHANNEL_CLOSED : CHANNEL_OK;
}
