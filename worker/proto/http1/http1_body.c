/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The framing of a request's body on an HTTP/1 connection (RFC 9112 sections 6
 * and 7): where it ends, and which of the bytes are content. The content goes
 * to the exchange: see worker/http/body.h. A body that is not wanted is read so
 * that the next request can be found behind it. Worker.
 */
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/proto/http1/http1_session.h"

enum { HTTP1_PASS_SHARE = 8 }; /* pieces in a tick: see http1_pass_body() */

enum consumed {
	CONSUMED_ALL,     /* what has come; there is more to come */
	CONSUMED_WHOLE,   /* the body is complete */
	CONSUMED_SOME,    /* its receiver wants no more now */
	CONSUMED_REFUSED, /* x->body says why */
};

static enum step refused(struct http1 *s)
{
	return http1_give_up(s, s->exchange.body.status);
}

static enum step wait_body(struct conn *c, struct http1 *s)
{
	if (!body_wait(&s->exchange)) /* one that is skipped has its answer */
		return s->state == HTTP1_BODY ? refused(s) : STEP_DONE;
	socket_set_timeout_at(&c->socket, s->exchange.deadline);
	return STEP_WAIT;
}

/* By the handler, before it has answered or beside that. */
static bool is_wanted(const struct http1 *s)
{
	return s->state == HTTP1_BODY ||
	       (s->state == HTTP1_SEND && s->exchange.response.is_duplex);
}

static enum consumed pass_on(struct http1 *s, struct str piece)
{
	if (!is_wanted(s))
		return body_drop(&s->exchange, piece.n) ? CONSUMED_ALL
							: CONSUMED_REFUSED;
	switch (body_put(&s->exchange, piece)) {
	case BODY_PUT_ALL:
		return CONSUMED_ALL;
	case BODY_PUT_PAUSED:
		return CONSUMED_SOME;
	default:
		return CONSUMED_REFUSED;
	}
}

static enum consumed consume_length(struct http1 *s)
{
	struct str piece = buf_str(&s->conn->socket.in);
	enum consumed consumed = CONSUMED_ALL;

	if (piece.n > s->rest.left)
		piece.n = s->rest.left;
	s->rest.left -= piece.n;
	if (piece.n > 0)
		consumed = pass_on(s, piece);
	buf_consume(&s->conn->socket.in, piece.n);
	return s->rest.left == 0 && consumed == CONSUMED_ALL ? CONSUMED_WHOLE
							     : consumed;
}

static enum consumed consume_chunked(struct http1 *s)
{
	struct str in = buf_str(&s->conn->socket.in), piece;
	size_t all = in.n;
	enum consumed consumed = CONSUMED_ALL;

	while (in.n > 0 && consumed == CONSUMED_ALL) {
		switch (chunked_decode_with_trailers(&s->rest.chunked, &in,
						     &piece)) {
		case CHUNKED_PIECE:
			consumed = pass_on(s, piece);
			break;
		case CHUNKED_TRAILERS:
			if (is_wanted(s))
				body_put_trailers(&s->exchange, piece);
			break;
		case CHUNKED_MORE:
			ASSERT(in.n == 0);
			break;
		case CHUNKED_DONE:
			consumed = CONSUMED_WHOLE;
			break;
		case CHUNKED_BAD:
			(void)body_refuse(&s->exchange, 400,
					  "the body is not in chunked coding");
			consumed = CONSUMED_REFUSED;
			break;
		}
	}
	buf_consume(&s->conn->socket.in, all - in.n);
	return consumed;
}

/* Takes what has come of the body off conn->socket.in. */
static enum consumed consume(struct http1 *s)
{
	enum consumed consumed = s->rest.framing == HTTP1_BODY_LENGTH
					 ? consume_length(s)
					 : consume_chunked(s);

	if (consumed == CONSUMED_WHOLE)
		s->rest.framing = HTTP1_BODY_NONE;
	return consumed;
}

static enum step read_more(struct conn *c, struct http1 *s)
{
	switch (socket_read(&c->socket)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return wait_body(c, s);
	default: /* in the middle of a request */
		return STEP_FAIL;
	}
}

enum step http1_begin_pieces(struct http1 *s)
{
	return body_begin_pieces(&s->exchange) ? STEP_MORE : refused(s);
}

static enum step body_is_whole(struct http1 *s)
{
	http1_set_state(s, HTTP1_WAIT); /* unless it is answered at once */
	return body_end(&s->exchange) ? STEP_MORE : refused(s);
}

enum step http1_step_body(struct conn *c, struct http1 *s)
{
	struct request_body *body = &s->exchange.body;

	if (body->is_paused) {
		pace_stop(&body->pace);
		return http1_wait_holder(c, s);
	}
	if (body->earlier.n > 0) {
		body_put_earlier(&s->exchange);
		return STEP_MORE;
	}
	switch (consume(s)) {
	case CONSUMED_REFUSED:
		return refused(s);
	case CONSUMED_WHOLE:
		return body_is_whole(s);
	case CONSUMED_SOME:
		return STEP_MORE;
	case CONSUMED_ALL:
		break;
	}
	enum io io =
		socket_flush(&c->socket, false); /* 100, and what came before */

	return io == IO_OK ? read_more(c, s) : http1_not_sent(c, io);
}

/* What has come of the body of a request whose response is being sent. */
static enum step pass_some(struct conn *c, struct http1 *s)
{
	struct exchange *x = &s->exchange;

	if (x->body.earlier.n > 0) {
		body_put_earlier(x);
		return STEP_MORE;
	}
	switch (consume(s)) {
	case CONSUMED_REFUSED:
		failure_note(x, FAILURE_CUT,
			     "the rest of the body cannot be passed on: "
			     "%" STR_FMT,
			     STR_ARG(x->response.failure->reason));
		return STEP_FAIL;
	case CONSUMED_WHOLE:
		exchange_end_body(x);
		return STEP_WAIT;
	case CONSUMED_SOME:
		return STEP_MORE;
	case CONSUMED_ALL:
		break;
	}
	switch (socket_read(&c->socket)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return STEP_WAIT;
	default: /* in the middle of a request */
		return STEP_FAIL;
	}
}

enum step http1_pass_body(struct conn *c, struct http1 *s)
{
	for (int i = 0; i < HTTP1_PASS_SHARE; i++) {
		if (s->rest.framing == HTTP1_BODY_NONE ||
		    s->exchange.body.is_paused)
			return STEP_WAIT;
		enum step step = pass_some(c, s);

		if (step != STEP_MORE)
			return step;
	}
	return STEP_LATER;
}

bool http1_body_is_malformed(const struct http1 *s)
{
	struct str in = buf_str(&s->conn->socket.in), piece;
	struct chunked chunked = s->rest.chunked; /* a copy: nothing is consumed */
	enum chunked_result result = CHUNKED_PIECE;

	while (result == CHUNKED_PIECE && in.n > 0)
		result = chunked_decode(&chunked, &in, &piece);
	return result == CHUNKED_BAD;
}

enum step http1_step_skip(struct conn *c, struct http1 *s)
{
	switch (consume(s)) {
	case CONSUMED_ALL:
		return read_more(c, s);
	case CONSUMED_WHOLE:
		/* Of the next. */
		s->exchange.times.first_byte = c->socket.net->loop->latest;
		http1_set_state(s, HTTP1_HEAD);
		return STEP_MORE;
	default: /* more of it is not worth it */
		s->linger = true;
		http1_set_state(s, HTTP1_LAST);
		return STEP_MORE;
	}
}
