/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that went on with another protocol (RFC 9110 section 7.8): its
 * bytes go to the handler and come from it as the contents of one request and
 * one response that are open at the same time. Either side may end first; the
 * exchange is over when the server's has. Worker.
 */
#include "worker/proto/http1/http1_session.h"

enum {
	HTTP1_TUNNEL_ROOM = 16 * 1024, /* in conn->socket.out */
	HTTP1_TUNNEL_SHARE = 8,        /* pieces each way in one tick */
};

/* From the client; `*moved` when there was something. False: it is gone. */
static bool from_client(struct conn *c, struct http1 *s, bool *moved)
{
	struct exchange *x = &s->exchange;
	struct str in = buf_str(&c->socket.in);

	if (s->has_ended || x->body.is_paused)
		return true;
	if (in.n == 0) {
		switch (socket_read(&c->socket)) {
		case IO_OK:
			in = buf_str(&c->socket.in);
			break;
		case IO_AGAIN:
			return true;
		case IO_EOF:
			s->has_ended = true;
			exchange_end_body(x);
			return true;
		default:
			return false;
		}
	}
	if (in.n == 0)
		return true;
	x->body.received += in.n;
	x->body.is_paused = !exchange_put_body(x, in);
	buf_consume(&c->socket.in, in.n);
	*moved = true;
	return true;
}

/* A tunnel may be silent for hours. */
static void give_back(struct socket *s)
{
	if (buf_length(&s->in) == 0)
		buf_release(&s->in);
	if (buf_length(&s->out) == 0)
		buf_release(&s->out);
}

static enum step over(struct conn *c, struct http1 *s)
{
	exchange_finish(&s->exchange);
	s->linger = !s->has_ended || c->socket.readable;
	http1_set_state(s, HTTP1_LAST);
	return STEP_MORE;
}

enum step http1_step_tunnel(struct conn *c, struct http1 *s)
{
	struct buf *out = &c->socket.out;

	for (int i = 0; i < HTTP1_TUNNEL_SHARE; i++) {
		enum body_read read = BODY_READ_WAIT;
		bool was_full = buf_length(out) >= HTTP1_TUNNEL_ROOM;
		bool moved = false;

		if (!from_client(c, s, &moved))
			return STEP_FAIL;
		if (!s->content_ended && !was_full)
			read = http1_read_stream(s);
		if (read == BODY_READ_FAILED)
			return STEP_FAIL;
		enum io io = socket_flush(&c->socket, false);

		if (io == IO_ERROR)
			return STEP_FAIL;
		if (io == IO_OK && s->content_ended)
			return over(c, s);
		/* What it was too full for may have come long ago: no event will
		 * say so. */
		if (moved || read == BODY_READ_SOME || (was_full && io == IO_OK))
			continue;
		if (io == IO_AGAIN)
			return http1_not_sent(c, io);
		pace_stop(&s->pace);
		socket_clear_timeout(&c->socket);
		give_back(&c->socket);
		if (buf_length(&c->socket.in) == 0 && !s->content_ended)
			http1_compact(c, s);
		return STEP_WAIT;
	}
	return STEP_LATER;
}
