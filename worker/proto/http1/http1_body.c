/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request: collected for the handler, given to it as it comes,
 * or read and dropped so that the next request can be found behind it. Worker.
 */
#include <errno.h>

#include "base/log.h"
#include "worker/http/http.h"
#include "worker/proto/http1/http1_session.h"

static enum step too_slow(struct http1 *s)
{
	if (s->state != HTTP1_BODY)
		return STEP_DONE; /* it has its answer */
	return http1_give_up(s, 408, "the body came more slowly than limits.rate");
}

/* Not longer than timeouts.body for the next piece; and the client has to send
 * limits.rate over each timeouts.body. */
static enum step wait_body(struct conn *c, struct http1 *s)
{
	const struct conf *conf = c->net->conf;
	struct http1_rest *rest = &s->rest;
	uint64_t now = c->net->loop->now;

	if (now >= pace_end(&rest->pace, conf->timeouts.body) &&
	    !pace_keeps_up(&rest->pace, now, rest->body_read, conf->limits.rate))
		return too_slow(s);
	conn_set_timeout(c, conf->timeouts.body);
	return STEP_WAIT;
}

enum {
	/* Of an unwanted body: more costs more than a new connection. */
	HTTP1_SKIP_MOST = 1024 * 1024,
};

enum taken {
	TAKEN_ALL,    /* what has come; there is more to come */
	TAKEN_WHOLE,  /* the body is complete */
	TAKEN_SOME,   /* its taker wants no more of it now */
	TAKEN_BAD,    /* it is not framed as it should be */
	TAKEN_LARGE,  /* it is over its limit */
	TAKEN_FAILED, /* it could not be kept: see errno */
};

uint64_t http1_skip_limit(const struct http1 *s)
{
	uint64_t limit = exchange_body_limit(&s->exchange);

	return limit < HTTP1_SKIP_MOST ? limit : HTTP1_SKIP_MOST;
}

static enum taken keep(struct http1 *s, struct str piece)
{
	const struct conf *conf = s->conn->net->conf;
	bool in_memory = s->body.file == -1;

	if (spool_put(&s->body, piece, conf->limits.body_memory, conf->temp) == -1)
		return TAKEN_FAILED;
	if (in_memory && s->body.file != -1)
		s->exchange.http->counters->temp_bodies++;
	return TAKEN_ALL;
}

/* Gives a piece to who wants it. */
static enum taken give(struct http1 *s, struct str piece)
{
	bool wanted = s->state == HTTP1_BODY;

	s->rest.body_read += piece.n;
	if (s->rest.body_read >
	    (wanted ? exchange_body_limit(&s->exchange) : http1_skip_limit(s)))
		return TAKEN_LARGE;
	if (!wanted)
		return TAKEN_ALL;
	if (!s->in_pieces)
		return keep(s, piece);
	s->paused = !exchange_put_body(&s->exchange, piece);
	/* It may have answered. */
	return s->paused || s->state != HTTP1_BODY ? TAKEN_SOME : TAKEN_ALL;
}

static enum taken take_length(struct http1 *s)
{
	struct str piece = buf_str(&s->conn->in);
	enum taken taken = TAKEN_ALL;

	if (piece.n > s->rest.left)
		piece.n = s->rest.left;
	s->rest.left -= piece.n;
	if (piece.n > 0)
		taken = give(s, piece);
	buf_consume(&s->conn->in, piece.n);
	return s->rest.left == 0 && taken == TAKEN_ALL ? TAKEN_WHOLE : taken;
}

static enum taken take_chunked(struct http1 *s)
{
	struct str in = buf_str(&s->conn->in), piece;
	size_t all = in.n;
	enum taken taken = TAKEN_ALL;

	while (in.n > 0 && taken == TAKEN_ALL) {
		switch (chunked_decode(&s->rest.chunked, &in, &piece)) {
		case CHUNKED_PIECE:
			taken = give(s, piece);
			break;
		case CHUNKED_MORE:
			ASSERT(in.n == 0);
			break;
		case CHUNKED_DONE:
			taken = TAKEN_WHOLE;
			break;
		case CHUNKED_BAD:
			taken = TAKEN_BAD;
			break;
		}
	}
	buf_consume(&s->conn->in, all - in.n);
	return taken;
}

/* Takes what has come of the body off conn->in. */
static enum taken take(struct http1 *s)
{
	enum taken taken = s->rest.framing == HTTP1_BODY_LENGTH ? take_length(s)
								: take_chunked(s);

	if (taken == TAKEN_WHOLE)
		s->rest.framing = HTTP1_BODY_NONE;
	return taken;
}

static enum step read_more(struct conn *c, struct http1 *s)
{
	switch (conn_read(c)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return wait_body(c, s);
	default: /* in the middle of a request */
		return STEP_FAIL;
	}
}

static enum step cannot_keep(struct http1 *s)
{
	int error = errno;

	log_client_errno(LOG_LEVEL_ERROR, "cannot keep a request's body in %s",
			 s->conn->net->conf->temp);
	return http1_give_up(s, error == ENOSPC || error == EDQUOT ? 507 : 503,
			     "its body cannot be kept");
}

enum step http1_begin_pieces(struct http1 *s)
{
	return spool_whole(&s->body, &s->earlier) == 0 ? STEP_MORE : cannot_keep(s);
}

/* It was counted when it came. */
static enum step give_earlier(struct http1 *s)
{
	size_t n = s->earlier.n < BUF_CHUNK ? s->earlier.n : BUF_CHUNK;
	struct str piece = {s->earlier.p, n};

	s->earlier = str_tail(s->earlier, n);
	s->paused = !exchange_put_body(&s->exchange, piece);
	if (s->earlier.n == 0)
		spool_release(&s->body);
	return STEP_MORE;
}

static enum step body_is_whole(struct http1 *s)
{
	if (s->in_pieces) {
		http1_set_state(s, HTTP1_WAIT);
		exchange_end_body(&s->exchange);
		return STEP_MORE;
	}
	if (spool_whole(&s->body, &s->exchange.request.body) == -1)
		return cannot_keep(s);
	http1_handle(s);
	return STEP_MORE;
}

enum step http1_step_body(struct conn *c, struct http1 *s)
{
	if (s->paused) {
		pace_stop(&s->rest.pace);
		return http1_wait_holder(c, s);
	}
	if (s->earlier.n > 0)
		return give_earlier(s);
	switch (take(s)) {
	case TAKEN_BAD:
		return http1_give_up(s, 400, "the body is not in chunked coding");
	case TAKEN_LARGE:
		return http1_give_up(s, 413, "the body is over the limit");
	case TAKEN_FAILED:
		return cannot_keep(s);
	case TAKEN_WHOLE:
		return body_is_whole(s);
	case TAKEN_SOME:
		return STEP_MORE;
	case TAKEN_ALL:
		break;
	}
	enum io io = conn_flush(c, false); /* 100, and what came before */

	return io == IO_OK ? read_more(c, s) : http1_not_sent(c, io);
}

enum step http1_step_skip(struct conn *c, struct http1 *s)
{
	switch (take(s)) {
	case TAKEN_ALL:
		return read_more(c, s);
	case TAKEN_WHOLE:
		s->exchange.times.first_byte = c->net->loop->now; /* of the next */
		http1_set_state(s, HTTP1_HEAD);
		return STEP_MORE;
	default: /* more of it is not worth it */
		s->linger = true;
		http1_set_state(s, HTTP1_LAST);
		return STEP_MORE;
	}
}
