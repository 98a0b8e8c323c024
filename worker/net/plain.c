/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain transport: the bytes of the socket as they are. Worker. */
#include "worker/net/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/net/socket.h"

enum {
	PLAIN_PIECE = 64 * 1024, /* of a file that is read to be sent */
	PLAIN_PIPE = 256 * 1024, /* see plain_splice() */
};

static enum io plain_read(struct socket *s, char *into, size_t room, size_t *n_out)
{
	/* MSG_DONTWAIT, here and below: the worker that gave us the connection
	 * may still have it, and make it block. */
	ssize_t n = recv(s->watch.fd, into, room, MSG_DONTWAIT);

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
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);

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

/* Whether sendfile(2) cannot send this file: one that cannot be mapped (EINVAL,
 * ESPIPE), or none (denied by a filter, for which *always_out is set). */
static bool must_be_read(int error, bool *always_out)
{
	*always_out = error == ENOSYS || error == EPERM;
	return *always_out || error == EINVAL || error == ESPIPE;
}

static void note_file_error(int error)
{
	if (error == EIO || error == ENOMEM || error == EOVERFLOW ||
	    error == EINVAL || error == EISDIR)
		log_client_errno(LOG_LEVEL_ERROR, "cannot read a file to send it");
}

/* As sendfile(2) does. */
static enum io send_read(struct socket *s, int file, off_t *offset, size_t n,
			 size_t *n_out)
{
	static char piece[PLAIN_PIECE];
	ssize_t got =
		pread(file, piece, n < sizeof(piece) ? n : sizeof(piece), *offset);

	*n_out = 0;
	if (got == -1)
		note_file_error(errno);
	if (got <= 0)
		return got == 0 ? IO_EOF : IO_ERROR;
	enum io io = wrote(
		s,
		send(s->watch.fd, piece, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT),
		(size_t)got, n_out);

	*offset += (off_t)*n_out;
	return io;
}

static enum io plain_send_file(struct socket *s, int file, off_t *offset, size_t n,
			       size_t *n_out)
{
	static bool no_sendfile;
	ssize_t sent = -1;

	if (!no_sendfile)
		sent = sendfile(s->watch.fd, file, offset, n);
	if (no_sendfile || (sent == -1 && must_be_read(errno, &no_sendfile)))
		return send_read(s, file, offset, n, n_out);
	if (sent == 0) {
		*n_out = 0;
		return IO_EOF;
	}
	if (sent == -1)
		note_file_error(errno);
	/* It may be the file that was short, not the room: the next call
	 * tells. */
	return wrote(s, sent, 0, n_out);
}

/* It is empty between two calls. False when there is none to be had. */
static bool open_pipe(int *ends)
{
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1)
		return false;
	/* Of 64 KiB at first: pipe(7). Where no more is allowed that will do. */
	(void)fcntl(ends[1], F_SETPIPE_SZ, PLAIN_PIPE);
	return true;
}

/* What is in the pipe goes to the socket, or to its buffer. */
static size_t empty_pipe(struct socket *s, int pipe, size_t n)
{
	size_t sent = 0, kept = 0;

	while (sent < n && s->writable) {
		ssize_t m = splice(pipe, NULL, s->watch.fd, NULL, n - sent,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

		if (m > 0)
			sent += (size_t)m;
		else if (m == 0 || errno != EINTR)
			break;
	}
	if (sent < n && s->writable && errno == EAGAIN)
		s->writable = false;
	while (sent + kept < n) {
		ssize_t m = read(pipe, buf_room(&s->out, n - sent - kept),
				 n - sent - kept);

		if (m <= 0 && errno != EINTR)
			log_fatal("read from a pipe: %s", strerror(errno));
		if (m > 0) {
			buf_added(&s->out, (size_t)m);
			kept += (size_t)m;
		}
	}
	return sent;
}

/* Where splice(2) is not possible. */
static enum io copy(struct socket *s, struct socket *from, size_t max,
		    size_t *n_out)
{
	size_t room = max < BUF_CHUNK ? max : BUF_CHUNK;
	enum io io = plain_read(from, buf_room(&s->out, room), room, n_out);

	buf_added(&s->out, *n_out);
	return io;
}

/*
 * splice(2) needs a pipe between two sockets, whose pages it holds. Nothing is
 * left in it, so that one serves all sockets, and nothing that has to move is
 * in the kernel.
 */
static enum io plain_splice(struct socket *s, struct socket *from, size_t max,
			    size_t *n_out, size_t *sent_out)
{
	static int ends[2] = {-1, -1};
	static bool no_splice;

	if (no_splice || (ends[0] == -1 && !open_pipe(ends)))
		return copy(s, from, max, n_out);
	ssize_t n = splice(from->watch.fd, NULL, ends[1], NULL, max,
			   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n > 0) {
		*n_out = (size_t)n;
		*sent_out = empty_pipe(s, ends[0], (size_t)n);
		return IO_OK;
	}
	if (n == 0)
		return IO_EOF;
	if (errno == EAGAIN) {
		from->readable = false;
		return IO_AGAIN;
	}
	no_splice = errno == ENOSYS || errno == EPERM || errno == EINVAL;
	if (no_splice)
		return copy(s, from, max, n_out);
	return errno == EINTR ? IO_OK : IO_ERROR;
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
	.splice = plain_splice,
	.taken = plain_taken,
};
