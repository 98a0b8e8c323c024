/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passing on. Each direction (a flow) reads only when all that it read before
 * was sent, so that a slow reader is waited for in the kernel's buffers; what is
 * held here is bounded by STREAM_HELD for both together, which fits the message
 * of a move. Little is read and sent; where a read fills its buffer, the next
 * ones are spliced past us.
 *
 * An end is passed on when what came before it was sent, and the other direction
 * goes on. A reset is passed on at once. A side that takes no more may have said
 * something last, which is passed on first. Worker.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "worker/proto/stream/stream_state.h"

enum {
	STREAM_HELD = 94 * 1024,
	/* Spliced at once. With one that does not begin with a page that is 16
	 * pieces of pages, as many as the kernel sends at once: 64 KiB would
	 * be a large packet and a small one. */
	STREAM_PIECE = 60 * 1024,
	STREAM_SHARE = 16,       /* pieces each way in one turn */
	STREAM_BULK = 16 * 1024, /* less in one turn is not worth splicing */
};

size_t stream_held(const struct stream *s)
{
	const struct socket *c = &s->conn->socket, *p = &s->peer->socket;

	return buf_length(&c->in) + buf_length(&c->out) + buf_length(&p->in) +
	       buf_length(&p->out);
}

enum flow_result {
	FLOW_WAIT,
	FLOW_MORE,
	FLOW_RESET, /* the side that is read from is gone */
};

static void note_passed(struct stream *s, struct stream_flow *f, size_t n)
{
	f->bytes += n;
	s->active_at = stream_now(s);
	if (f == &s->down && s->first_byte == 0)
		s->first_byte = stream_now(s);
}

/* Sends what is here. A buffer that was filled by one read, be it ahead of our
 * turn, says that there is much. */
static enum io send_held(struct stream *s, struct stream_flow *f,
			 struct socket *from, struct socket *to)
{
	struct str tail = buf_str(&from->in);
	size_t n = tail.n, out = buf_length(&to->out);

	if (n == BUF_CHUNK)
		f->is_bulk = socket_can_splice(to, from);
	enum io io = socket_flush_with(to, &tail);

	buf_consume(&from->in, n - tail.n);
	if (n > tail.n)
		note_passed(s, f, n - tail.n);
	else if (buf_length(&to->out) < out)
		s->active_at = stream_now(s);
	return io;
}

static enum io splice_some(struct stream *s, struct stream_flow *f,
			   struct socket *from, struct socket *to, size_t *turn)
{
	size_t held = stream_held(s), max = STREAM_PIECE, n;

	if (max > STREAM_HELD - held)
		max = STREAM_HELD - held;
	enum io io = socket_splice(to, from, max, &n);

	if (n > 0)
		note_passed(s, f, n);
	*turn += n;
	/* What comes next is spliced too, and not read ahead. */
	from->reading = false;
	if (io == IO_AGAIN && *turn < STREAM_BULK)
		f->is_bulk = false;
	return io;
}

/* The next bytes, where none are held of this flow. A read is of a whole buffer,
 * for which there has to be room beside what is held of the other. */
static enum io take(struct stream *s, struct stream_flow *f, struct socket *from,
		    struct socket *to, size_t *turn)
{
	bool has_room = stream_held(s) + BUF_CHUNK <= STREAM_HELD;

	if (f->is_bulk || (!has_room && socket_can_splice(to, from)))
		return splice_some(s, f, from, to, turn);
	return socket_read(from);
}

/* Tells `to` of the end, unless its transport has to wait for that; closing
 * tells it, too. */
static void finish(struct stream *s, struct stream_flow *f, struct socket *to)
{
	const struct stream_flow *other = f == &s->up ? &s->down : &s->up;

	if (f->was_finished)
		return;
	if (!other->was_finished) {
		if (socket_finish(to) == IO_AGAIN)
			return;
		socket_shutdown(to);
	}
	f->was_finished = true;
	if (s->end == STREAM_CUT)
		s->end = f == &s->up ? STREAM_CLIENT_CLOSED : STREAM_SERVER_CLOSED;
}

static void give_back(struct socket *from, struct socket *to)
{
	if (buf_length(&from->in) == 0)
		buf_release(&from->in);
	if (buf_length(&to->out) == 0)
		buf_release(&to->out);
}

/* Nobody takes it any more; but who sends it may have to be rid of it, to read
 * what the other has said last. */
static enum flow_result drop(struct stream_flow *f, struct socket *from,
			     struct socket *to)
{
	buf_release(&from->in);
	buf_release(&to->out);
	for (int i = 0; i < STREAM_SHARE && !f->has_ended; i++) {
		switch (socket_discard(from)) {
		case IO_OK:
			break;
		case IO_AGAIN:
			return FLOW_WAIT;
		case IO_EOF:
			f->has_ended = true;
			break;
		default:
			return FLOW_RESET;
		}
	}
	return f->has_ended ? FLOW_WAIT : FLOW_MORE;
}

static enum flow_result run(struct stream *s, struct stream_flow *f,
			    struct socket *from, struct socket *to)
{
	size_t turn = 0;

	for (int i = 0; i < STREAM_SHARE; i++) {
		if (f->is_broken)
			return drop(f, from, to);
		if (buf_length(&from->in) + buf_length(&to->out) > 0) {
			switch (send_held(s, f, from, to)) {
			case IO_OK:
				break;
			case IO_AGAIN:
				return FLOW_WAIT;
			default: /* reading tells what it was */
				f->is_broken = true;
				to->readable = true;
				return FLOW_MORE;
			}
		}
		if (f->has_ended) {
			finish(s, f, to);
			return FLOW_WAIT;
		}
		switch (take(s, f, from, to, &turn)) {
		case IO_OK:
			break;
		case IO_AGAIN:
			give_back(from, to);
			return FLOW_WAIT;
		case IO_EOF:
			f->has_ended = true;
			break;
		default:
			return FLOW_RESET;
		}
	}
	return FLOW_MORE;
}

/* It has sent its end, which was passed on, and is gone now: nothing can be sent
 * to it, and no read will tell. */
static bool is_gone(const struct socket *side, const struct stream_flow *from,
		    const struct stream_flow *to)
{
	return from->was_finished && !to->was_finished &&
	       (side->hung_up || to->is_broken);
}

/* By a reset, as far as the kernel still knows. */
static bool was_reset(const struct socket *side)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(side->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size) ==
		       -1 ||
	       error != 0;
}

static void set_idle_timeout(struct stream *s)
{
	struct socket *c = &s->conn->socket;

	if (s->idle_ms == 0)
		socket_clear_timeout(c);
	else
		socket_set_timeout_at(c, s->active_at + s->idle_ms * NS_PER_MS);
}

static enum step over(struct stream *s, enum stream_end end, enum step last)
{
	stream_over(s, end, last);
	return STEP_MORE;
}

enum step stream_pass(struct stream *s)
{
	struct socket *c = &s->conn->socket, *p = &s->peer->socket;
	struct stream_flow *up = &s->up, *down = &s->down;
	enum flow_result u = run(s, up, c, p), d = run(s, down, p, c);

	if (u == FLOW_RESET)
		return over(s, STREAM_CLIENT_RESET, STEP_FAIL);
	if (d == FLOW_RESET)
		return over(s, STREAM_SERVER_RESET, STEP_FAIL);
	if (up->was_finished && down->was_finished)
		return over(s, s->end, STEP_DONE);
	if (is_gone(c, up, down))
		return down->is_broken || was_reset(c)
			       ? over(s, STREAM_CLIENT_RESET, STEP_FAIL)
			       : over(s, STREAM_CLIENT_CLOSED, STEP_DONE);
	if (is_gone(p, down, up))
		return up->is_broken || was_reset(p)
			       ? over(s, STREAM_SERVER_RESET, STEP_FAIL)
			       : over(s, STREAM_SERVER_CLOSED, STEP_DONE);
	if (u == FLOW_MORE || d == FLOW_MORE)
		return STEP_LATER;
	set_idle_timeout(s);
	return STEP_WAIT;
}
