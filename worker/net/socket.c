/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets from the first read to the close: creation and end, events of epoll,
 * reading, writing. Only this file and the transports touch the descriptor.
 * Errors are reported to the owner, never fatal. Worker.
 */
#include "worker/net/socket.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* The life of one. */

static void on_event(struct watch *watch, uint32_t events)
{
	struct socket *s = CONTAINER_OF(watch, struct socket, watch);

	if (!socket_is_open(s))
		return; /* closed by an earlier event of this tick */
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLPRI))
		s->readable = true;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		s->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		s->read_to_end = true;
	if (events & (EPOLLHUP | EPOLLERR))
		s->hung_up = true;
	if (events & EPOLLRDHUP)
		s->peer_ended = true;
	batch_join(&s->net->batch, s); /* it may have been offered to others */
}

static void on_expire(struct timer *timer)
{
	struct socket *s = CONTAINER_OF(timer, struct socket, timer);

	s->net->batch.current = s;
	s->owner->on_timeout(s);
	s->net->batch.current = NULL;
}

void socket_init(struct socket *s, struct net *net,
		 const struct socket_owner *owner, int fd,
		 const struct transport *transport)
{
	*s = (struct socket){
		.writable = true,
		.watch = {.on_event = on_event, .fd = fd},
		.owner = owner,
		.transport = transport,
		.net = net,
	};
	timer_init(&s->timer, on_expire);
	list_init(&s->queued);
}

int socket_watch(struct socket *s)
{
	if (!s->watched &&
	    loop_add(s->net->loop, &s->watch,
		     EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET) == -1)
		return -1;
	s->watched = true;
	return 0;
}

void socket_close(struct socket *s)
{
	if (s->transport->close != NULL)
		s->transport->close(s);
	timer_detach(&s->net->loop->timers, &s->timer);
	buf_release(&s->in);
	buf_release(&s->out);
	close(s->watch.fd); /* takes it out of epoll, too */
	s->watch.fd = -1;
	list_remove(&s->queued);
	list_append(&s->net->closed, &s->queued);
}

void socket_let_go(struct socket *s)
{
	/* The descriptor that was sent names the same open file: closing ours
	 * does not take it out of epoll. */
	if (s->watched)
		loop_remove(s->net->loop, &s->watch);
	socket_close(s);
}

/* Its transport. */

static enum io wait_for_either(enum io io)
{
	return io == IO_WANT_READ || io == IO_WANT_WRITE ? IO_AGAIN : io;
}

bool socket_open(struct socket *s, const void *policy)
{
	if (s->transport->open != NULL)
		s->transport->open(s, policy);
	return s->transport->step == NULL;
}

enum io socket_step(struct socket *s)
{
	return wait_for_either(s->transport->step(s));
}

enum io socket_finish(struct socket *s)
{
	return s->transport->finish == NULL
		       ? IO_OK
		       : wait_for_either(s->transport->finish(s));
}

bool socket_freeze(const struct socket *s, struct frozen_writer *message)
{
	const struct transport *t = s->transport;

	return t->open == NULL || (t->freeze != NULL && t->freeze(s, message));
}

bool socket_thaw(struct socket *s, struct frozen_reader *message)
{
	const struct transport *t = s->transport;

	return t->open == NULL || (t->thaw != NULL && t->thaw(s, message));
}

/* Reading. */

/* What is rare. */
static bool may_read_all_the_same(struct socket *s)
{
	if (s->read_wants_write) {
		s->read_wants_write = !s->writable;
		return s->writable;
	}
	return s->transport->pending != NULL && s->transport->pending(s) > 0;
}

/* False when the next read would have to wait. */
static inline bool may_read(struct socket *s)
{
	return (s->readable && !s->read_wants_write) || may_read_all_the_same(s);
}

static inline enum io read_once(struct socket *s, char *into, size_t room,
				size_t *n_out)
{
	enum io io = s->transport->read(s, into, room, n_out);

	if (io != IO_WANT_WRITE)
		return io;
	s->read_wants_write = true;
	return IO_AGAIN;
}

enum io socket_discard(struct socket *s)
{
	char waste[16384];
	size_t n;

	return may_read(s) ? read_once(s, waste, sizeof(waste), &n) : IO_AGAIN;
}

enum io socket_read(struct socket *s)
{
	size_t n;

	if (!may_read(s)) {
		s->reading = true;
		return IO_AGAIN;
	}
	char *into = buf_room(&s->in, BUF_CHUNK / 2);
	enum io io = read_once(s, into, buf_free(&s->in), &n);

	buf_added(&s->in, n);
	if (s->owner->is_client)
		s->net->slot->counters.bytes_in += n;
	if (io == IO_OK)
		s->reading = false;
	else
		s->reading = true;
	return io;
}

/* What is rare is left to the step. */
void socket_read_ahead(struct socket *s)
{
	if (s->reading && !s->read_to_end && buf_length(&s->in) == 0)
		(void)!socket_read(s);
}

/* Writing. */

static inline bool may_write(struct socket *s)
{
	if (!s->write_wants_read)
		return s->writable;
	s->write_wants_read = !s->readable;
	return s->readable;
}

static inline enum io wrote(struct socket *s, enum io io)
{
	if (io != IO_WANT_READ)
		return io;
	s->write_wants_read = true;
	return IO_AGAIN;
}

static void count_sent(struct socket *s, size_t n)
{
	s->sent += n;
	if (s->owner->is_client)
		s->net->slot->counters.bytes_out += n;
}

/* One write of the pieces; what was sent of s->out is consumed from it. */
static enum io write_pieces(struct socket *s, struct str tail, bool more,
			    size_t *tail_sent_out)
{
	struct iovec pieces[2];
	int n_pieces = 0;
	size_t n, out = buf_length(&s->out);

	*tail_sent_out = 0;
	if (!may_write(s))
		return IO_AGAIN;
	if (out > 0)
		pieces[n_pieces++] =
			(struct iovec){s->out.storage + s->out.start, out};
	if (tail.n > 0)
		pieces[n_pieces++] = (struct iovec){(void *)(size_t)tail.p, tail.n};
	enum io io = wrote(s, s->transport->write(s, pieces, n_pieces, more, &n));

	count_sent(s, n);
	size_t of_out = n < out ? n : out;

	buf_consume(&s->out, of_out);
	*tail_sent_out = n - of_out;
	return io;
}

enum io socket_flush(struct socket *s, bool more)
{
	size_t none;

	while (buf_length(&s->out) > 0) {
		enum io io = write_pieces(s, STR(""), more, &none);

		if (io != IO_OK)
			return io;
	}
	return IO_OK;
}

enum io socket_flush_with(struct socket *s, struct str *tail)
{
	while (buf_length(&s->out) + tail->n > 0) {
		size_t sent;
		enum io io = write_pieces(s, *tail, false, &sent);

		*tail = str_tail(*tail, sent);
		if (io != IO_OK)
			return io;
	}
	return IO_OK;
}

enum io socket_send_file(struct socket *s, int file, off_t *offset, uint64_t *left)
{
	size_t share = net_file_share(s->net);

	while (*left > 0 && share > 0) {
		size_t n, want = *left < share ? (size_t)*left : share;

		if (!may_write(s))
			return IO_AGAIN;
		enum io io = wrote(
			s, s->transport->send_file(s, file, offset, want, &n));

		if (io != IO_OK)
			return io;
		count_sent(s, n);
		*left -= n;
		share -= n;
	}
	return IO_OK;
}

bool socket_can_splice(const struct socket *s, const struct socket *from)
{
	return s->transport == from->transport && s->transport->splice != NULL;
}

enum io socket_splice(struct socket *s, struct socket *from, size_t max,
		      size_t *n_out)
{
	size_t sent = 0;

	*n_out = 0;
	if (!may_read(from)) {
		from->reading = true;
		return IO_AGAIN;
	}
	enum io io = s->transport->splice(s, from, max, n_out, &sent);

	from->reading = io != IO_OK;
	if (from->owner->is_client)
		s->net->slot->counters.bytes_in += *n_out;
	count_sent(s, sent);
	return io;
}

/* tcp(7), unix(7): SIOCOUTQ. */
uint64_t socket_unsent(const struct socket *s)
{
	int unsent = 0;

	if (ioctl(s->watch.fd, SIOCOUTQ, &unsent) == -1 || unsent < 0)
		return 0;
	return (uint64_t)unsent;
}

bool socket_has_unread(const struct socket *s)
{
	int unread = 0;

	return buf_length(&s->in) > 0 ||
	       (s->transport->pending != NULL && s->transport->pending(s) > 0) ||
	       (ioctl(s->watch.fd, FIONREAD, &unread) == 0 && unread > 0);
}

uint64_t socket_taken(const struct socket *s)
{
	return s->transport->taken(s);
}

/* The end. */

void socket_shutdown(struct socket *s)
{
	/* It can only fail because the peer is gone. */
	(void)shutdown(s->watch.fd, SHUT_WR);
}

void socket_reset(struct socket *s)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(s->watch.fd, SOL_SOCKET, SO_LINGER, &at_once,
			 sizeof(at_once));
}
