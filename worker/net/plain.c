/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain transport: the bytes of the socket as they are. Worker. */
#include "worker/net/transport.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "worker/net/socket.h"

static enum io plain_read(struct socket *s, char *into, size_t room, size_t *n_out)
{
	ssize_t n = recv(s->watch.fd, into, room, 0);

	*n_out = 0;
	if (n > 0) {
		/* A short read means that the socket was drained: epoll(7). */
		if ((size_t)n < room && !s->read_to_end)
			s->readable = false;
		*n_out = (size_t)n;
		return IO_OK;
	}
	if (n == 0)
		return IO_EOF;
	if (errno == EAGAIN) {
		s->readable = false;
		return IO_AGAIN;
	}
	return errno == EINTR ? IO_OK : IO_ERROR;
}

static enum io wrote(struct socket *s, ssize_t n, size_t wanted, size_t *n_out)
{
	*n_out = n > 0 ? (size_t)n : 0;
	if (n >= 0) {
		if ((size_t)n < wanted)
			s->writable = false;
		return IO_OK;
	}
	if (errno == EAGAIN) {
		s->writable = false;
		return IO_AGAIN;
	}
	return errno == EINTR ? IO_OK : IO_ERROR;
}

static enum io plain_write(struct socket *s, const struct iovec *pieces,
			   int n_pieces, bool more, size_t *n_out)
{
	int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);

	if (n_pieces == 1)
		return wrote(
			s,
			send(s->watch.fd, pieces->iov_base, pieces->iov_len, flags),
			pieces->iov_len, n_out);

	struct msghdr message = {.msg_iov = (struct iovec *)(size_t)pieces,
				 .msg_iovlen = (size_t)n_pieces};
	size_t wanted = 0;

	for (int i = 0; i < n_pieces; i++)
		wanted += pieces[i].iov_len;
	return wrote(s, sendmsg(s->watch.fd, &message, flags), wanted, n_out);
}

static enum io plain_send_file(struct socket *s, int file, off_t *offset, size_t n,
			       size_t *n_out)
{
	ssize_t sent = sendfile(s->watch.fd, file, offset, n);

	if (sent == 0) {
		*n_out = 0;
		return IO_EOF;
	}
	/* It may be the file that was short, not the room: the next call
	 * tells. */
	return wrote(s, sent, 0, n_out);
}

/* What the peer has not acknowledged it may not have. */
static uint64_t plain_taken(const struct socket *s)
{
	return s->sent - socket_unsent(s);
}

const struct transport plain_transport = {
	.name = "plain",
	.read = plain_read,
	.write = plain_write,
	.send_file = plain_send_file,
	.taken = plain_taken,
};
