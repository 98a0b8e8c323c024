/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An idle connection has nothing to carry. While a head is coming its bytes
 * are in conn->socket.in and travel with it. While a body is being collected, the
 * head is carried as it came and parsed again by the worker that takes over,
 * which may have other routes; with it go the part of the body that was read,
 * or the file that it is in, and how the rest is framed. A response goes along
 * as what is left of it, with the exchange that it ends: see
 * worker/http/moving.h. A request that a handler has is answered first.
 *
 * The structs and values here are of the format, not of the program: what the
 * program calls its states may change, the numbers below may not.
 */
#include "worker/proto/http1/http1_handoff.h"

#include "base/fd.h"
#include "base/quote.h"
#include "worker/http/exchange_frozen.h"
#include "worker/http/moving.h"
#include "worker/proto/http1/http1_session.h"

/* HTTP1: a request has begun. */
struct frozen_http1 {
	uint8_t state;
	uint64_t first_byte; /* CLOCK_MONOTONIC ns */
	uint64_t scanned;    /* bytes of the input without an end of the head */
};

enum {
	FROZEN_STATE_HEAD = 0,
	FROZEN_STATE_BODY = 1, /* a record HTTP1_BODY follows */
	FROZEN_STATE_SKIP = 2, /* it does, too */
	FROZEN_STATE_SEND = 3, /* the same, then HTTP1_SEND, then the exchange */
	FROZEN_STATE_LAST = 4, /* a record HTTP1_SEND follows */
	/* As FROZEN_STATE_SEND, but the exchange is held by its handler; the
	 * body of the request may still be coming. */
	FROZEN_STATE_HELD = 5,
	FROZEN_STATE_TUNNEL = 6,       /* as FROZEN_STATE_SEND */
	FROZEN_STATE_TUNNEL_ENDED = 7, /* the client sends nothing more */
};

static const struct frozen_field http1_fields[] = {
	FROZEN_FIELD(frozen_http1, state),
	FROZEN_FIELD(frozen_http1, first_byte),
	FROZEN_FIELD(frozen_http1, scanned),
};
static const struct frozen_layout http1_layout =
	FROZEN_LAYOUT(FROZEN_HTTP1, http1_fields);

/* HTTP1_BODY: what has come of a body, and how the rest of it is framed. */
struct frozen_body {
	uint8_t framing;
	uint64_t left;       /* FROZEN_FRAMING_LENGTH */
	uint8_t chunk_state; /* FROZEN_FRAMING_CHUNKED; enum chunked_state */
	uint8_t chunk_digits;
	uint64_t chunk_left;
	uint32_t chunk_overhead;
	uint64_t received; /* bytes of content so far */
	uint64_t pace_since, pace_moved;
	struct str head;   /* as it came */
	struct str memory; /* the body so far, if it is not in a file */
	uint8_t file;      /* its number among the descriptors */
	uint64_t file_size;
	struct str trailers;   /* as far as they have come */
	bool expects_continue; /* and was not told to go on (RFC 9110 section
				* 10.1.1) */
};

enum {
	FROZEN_FRAMING_NONE = 0,
	FROZEN_FRAMING_LENGTH = 1,
	FROZEN_FRAMING_CHUNKED = 2,
};

static const struct frozen_field body_fields[] = {
	FROZEN_FIELD(frozen_body, framing),
	FROZEN_FIELD(frozen_body, left),
	FROZEN_FIELD(frozen_body, chunk_state),
	FROZEN_FIELD(frozen_body, chunk_digits),
	FROZEN_FIELD(frozen_body, chunk_left),
	FROZEN_FIELD(frozen_body, chunk_overhead),
	FROZEN_FIELD(frozen_body, received),
	FROZEN_FIELD(frozen_body, pace_since),
	FROZEN_FIELD(frozen_body, pace_moved),
	FROZEN_FIELD(frozen_body, head),
	FROZEN_FIELD(frozen_body, memory),
	FROZEN_FIELD(frozen_body, file),
	FROZEN_FIELD(frozen_body, file_size),
	FROZEN_FIELD_OF(frozen_body, trailers, 2, 0),
	FROZEN_FIELD_OF(frozen_body, expects_continue, 3, 0),
};
static const struct frozen_layout body_layout =
	FROZEN_LAYOUT(FROZEN_HTTP1_BODY, body_fields);

/* HTTP1_SEND: a response on its way out. */
struct frozen_send {
	uint8_t minor;
	bool keep_alive, linger, chunked, content_ended;
	uint64_t pace_since;
	uint64_t pace_moved; /* less what was given to the kernel in all */
};

static const struct frozen_field send_fields[] = {
	FROZEN_FIELD(frozen_send, minor),
	FROZEN_FIELD(frozen_send, keep_alive),
	FROZEN_FIELD(frozen_send, linger),
	FROZEN_FIELD(frozen_send, chunked),
	FROZEN_FIELD(frozen_send, content_ended),
	FROZEN_FIELD(frozen_send, pace_since),
	FROZEN_FIELD(frozen_send, pace_moved),
};
static const struct frozen_layout send_layout =
	FROZEN_LAYOUT(FROZEN_HTTP1_SEND, send_fields);

/* Giving. */

static uint8_t framing_of(enum http1_body framing)
{
	switch (framing) {
	case HTTP1_BODY_LENGTH:
		return FROZEN_FRAMING_LENGTH;
	case HTTP1_BODY_CHUNKED:
		return FROZEN_FRAMING_CHUNKED;
	default:
		return FROZEN_FRAMING_NONE;
	}
}

/* `is_collected`: with what has come, for a handler that wants all of it. */
static void put_body(const struct http1 *s, bool is_collected,
		     struct frozen_writer *message)
{
	const struct http1_rest *rest = &s->rest;
	const struct request_body *body = &s->exchange.body;
	struct frozen_body frozen = {
		.framing = framing_of(rest->framing),
		.left = rest->left,
		.chunk_state = (uint8_t)rest->chunked.state,
		.chunk_digits = (uint8_t)rest->chunked.digits,
		.chunk_left = rest->chunked.left,
		.chunk_overhead = rest->chunked.overhead,
		.received = body->received,
		.pace_since = body->pace.since,
		.pace_moved = body->pace.moved,
		.file = FROZEN_NO_FD,
		.trailers = fields_str(&body->trailers),
		.expects_continue = s->expects_continue,
	};

	if (is_collected) {
		frozen.head = s->raw_head;
		frozen.memory = buf_str(&body->spool.memory);
		frozen.file_size = body->spool.size;
		if (body->spool.file != -1)
			frozen.file = frozen_put_fd(message, body->spool.file);
	}
	frozen_put(message, &body_layout, &frozen);
}

static void put_send(const struct conn *c, const struct http1 *s,
		     struct frozen_writer *message)
{
	struct frozen_send frozen = {
		.minor = (uint8_t)s->minor,
		.keep_alive = s->keep_alive,
		.linger = s->linger,
		.chunked = s->chunked,
		.content_ended = s->content_ended,
		.pace_since = s->pace.since,
		.pace_moved = s->pace.moved - c->socket.sent,
	};

	frozen_put(message, &send_layout, &frozen);
}

static enum movable movable(enum moving moving)
{
	switch (moving) {
	case MOVING_READY:
		return MOVABLE_NOW;
	case MOVING_SOON:
		return MOVABLE_SOON;
	case MOVING_LARGE:
		return MOVABLE_NOT;
	case MOVING_TIED:
		return MOVABLE_TIED;
	case MOVING_HELD:
		break;
	}
	return MOVABLE_LATER;
}

/* The handler has the body as it comes, and can go on with it elsewhere. */
static bool is_passed_on(const struct http1 *s)
{
	const struct request_body *body = &s->exchange.body;

	return body->want == BODY_WANT_PIECES && body->earlier.n == 0 &&
	       exchange_may_move(&s->exchange);
}

/* What another worker has collected, and the handler has not taken yet. */
static bool has_earlier(const struct http1 *s)
{
	return s->exchange.response.is_duplex && s->exchange.body.earlier.n > 0;
}

enum movable http1_prepare(struct conn *c)
{
	if (c->session == NULL || http1_is_compact(c))
		return MOVABLE_NOW;
	struct http1 *s = http1_session(c);

	switch (s->state) {
	case HTTP1_WAIT:
		return exchange_may_move(&s->exchange)
			       ? MOVABLE_NOW
			       : movable(moving_state_of_held(&s->exchange));
	case HTTP1_TUNNEL:
		return exchange_may_move(&s->exchange) ? MOVABLE_NOW
						       : MOVABLE_LATER;
	case HTTP1_BODY:
		if (is_passed_on(s))
			return MOVABLE_NOW;
		return movable(moving_prepare_body(&s->exchange));
	case HTTP1_SEND:
		return has_earlier(s) ? MOVABLE_LATER
				      : movable(moving_prepare(&s->exchange));
	default:
		return MOVABLE_NOW;
	}
}

static const char *waits_for(const struct http1 *s)
{
	switch (s->state) {
	case HTTP1_HEAD:
		return "the head of its request";
	case HTTP1_WAIT:
		return "its handler, which has not answered";
	case HTTP1_BODY:
		return "the body of its request";
	case HTTP1_TUNNEL:
		return "the tunnel that it opened, of another protocol";
	case HTTP1_SEND:
		return moving_state(&s->exchange) == MOVING_HELD
			       ? "its handler, which makes the content as it is "
				 "sent"
			       : "the client to take the response";
	case HTTP1_SKIP:
		return "the rest of a body that nobody wants";
	case HTTP1_LAST:
		break;
	}
	return "the client to take the response";
}

void http1_describe(const struct conn *c, struct buf *text)
{
	const struct http1 *s = http1_view(c);
	const struct request *r = &s->exchange.request;
	struct str parts[] = {r->method_text, r->target};

	for (size_t i = 0; i < 2 && r->target.n > 0; i++) {
		char *to = buf_room(text, QUOTE_LOG_GROWTH * parts[i].n + 2);
		char *end = quote_log(to, parts[i]);

		buf_added(text, (size_t)(end - to));
		buf_put_cstr(text, i == 0 ? " " : ": ");
	}
	buf_put_cstr(text, "it waited for ");
	buf_put_cstr(text, waits_for(s));
}

/* In a signal handler: no more than is needed. */
bool http1_rests(const struct conn *c)
{
	const struct http1 *s = http1_view(c);

	if (s == NULL || s->state == HTTP1_HEAD)
		return true;
	if (s->state == HTTP1_TUNNEL)
		return buf_length(&c->socket.in) == 0 &&
		       exchange_rests(&s->exchange);
	return http1_is_answered(c, s);
}

bool http1_freeze(const struct conn *c, struct frozen_writer *message)
{
	const struct http1 *s = http1_view(c);
	struct frozen_http1 frozen = {0};

	if (s == NULL)
		return true;
	frozen.first_byte = s->exchange.times.first_byte;
	switch (s->state) {
	case HTTP1_HEAD:
		frozen.state = FROZEN_STATE_HEAD;
		frozen.scanned = s->scanned;
		break;
	case HTTP1_WAIT:
		frozen.state = FROZEN_STATE_HELD;
		if (exchange_may_move(&s->exchange))
			break;
		/* For others: it starts over, with all of its body. */
		frozen.state = FROZEN_STATE_BODY;
		if (moving_state_of_held(&s->exchange) != MOVING_READY)
			return false;
		break;
	case HTTP1_TUNNEL:
		frozen.state = s->has_ended ? FROZEN_STATE_TUNNEL_ENDED
					    : FROZEN_STATE_TUNNEL;
		if (!exchange_may_move(&s->exchange))
			return false;
		break;
	case HTTP1_BODY:
		frozen.state = FROZEN_STATE_HELD;
		if (is_passed_on(s))
			break;
		frozen.state = FROZEN_STATE_BODY;
		if (moving_state_of_body(&s->exchange) != MOVING_READY)
			return false;
		break;
	case HTTP1_SKIP:
		frozen.state = FROZEN_STATE_SKIP;
		break;
	case HTTP1_SEND:
		frozen.state = FROZEN_STATE_SEND;
		if (has_earlier(s) || moving_state(&s->exchange) != MOVING_READY)
			return false;
		break;
	case HTTP1_LAST:
		frozen.state = FROZEN_STATE_LAST;
		break;
	}
	frozen_put(message, &http1_layout, &frozen);
	if (s->state != HTTP1_HEAD && s->state != HTTP1_LAST)
		put_body(s, frozen.state == FROZEN_STATE_BODY, message);
	if (frozen.state >= FROZEN_STATE_SEND)
		put_send(c, s, message);
	if (frozen.state >= FROZEN_STATE_SEND && frozen.state != FROZEN_STATE_LAST)
		exchange_freeze(&s->exchange, message);
	return true;
}

/* Taking. */

static bool thaw_rest(const struct frozen_body *frozen, struct http1_rest *rest_out)
{
	static const enum http1_body framings[] = {
		[FROZEN_FRAMING_NONE] = HTTP1_BODY_NONE,
		[FROZEN_FRAMING_LENGTH] = HTTP1_BODY_LENGTH,
		[FROZEN_FRAMING_CHUNKED] = HTTP1_BODY_CHUNKED,
	};

	if (frozen->framing > FROZEN_FRAMING_CHUNKED ||
	    frozen->chunk_state >= CHUNKED_STATES)
		return false;
	*rest_out = (struct http1_rest){
		.framing = framings[frozen->framing],
		.left = frozen->left,
		.chunked = {.state = (enum chunked_state)frozen->chunk_state,
			    .digits = frozen->chunk_digits,
			    .left = frozen->chunk_left,
			    .overhead = frozen->chunk_overhead},
	};
	return true;
}

static struct pace pace_of(const struct frozen_body *frozen)
{
	return (struct pace){.since = frozen->pace_since,
			     .moved = frozen->pace_moved};
}

static bool thaw_body(struct http1 *s, const struct http1_rest *rest,
		      const struct frozen_body *frozen,
		      struct frozen_reader *message)
{
	struct spool *spool = &s->exchange.body.spool;
	int file = frozen_get_fd(message, frozen->file);

	if (file == -1 && frozen->file != FROZEN_NO_FD)
		return false;
	if (file == -1)
		buf_put(&spool->memory, frozen->memory);
	else if (spool_adopt(spool, file, frozen->file_size) == -1)
		return false;
	s->expects_continue = frozen->expects_continue;
	return http1_resume_body(s, rest, frozen->head, frozen->received,
				 pace_of(frozen));
}

static bool thaw_skip(struct http1 *s, const struct http1_rest *rest,
		      const struct frozen_body *frozen)
{
	s->rest = *rest;
	s->exchange.body.received = frozen->received;
	s->exchange.body.pace = pace_of(frozen);
	s->keep_alive = true; /* or there were nothing to skip for */
	http1_set_state(s, HTTP1_SKIP);
	return true;
}

static bool thaw_send(struct http1 *s, struct frozen_reader *message)
{
	struct frozen_send frozen = {0};

	if (frozen_get(message, &send_layout, &frozen) != FROZEN_OK)
		return false;
	s->minor = frozen.minor;
	s->keep_alive = frozen.keep_alive;
	s->linger = frozen.linger;
	s->chunked = frozen.chunked;
	s->content_ended = frozen.content_ended;
	s->pace = (struct pace){.since = frozen.pace_since,
				.moved = frozen.pace_moved};
	return true;
}

static bool thaw_exchange(struct http1 *s, uint8_t state,
			  struct frozen_reader *message)
{
	switch (state) {
	case FROZEN_STATE_HELD:
		s->exchange.body.want = BODY_WANT_PIECES;
		if (!exchange_thaw_held(&s->exchange, message))
			return false;
		http1_set_state(s, s->rest.framing == HTTP1_BODY_NONE ? HTTP1_WAIT
								      : HTTP1_BODY);
		return true;
	case FROZEN_STATE_TUNNEL:
	case FROZEN_STATE_TUNNEL_ENDED:
		s->has_ended = state == FROZEN_STATE_TUNNEL_ENDED;
		s->exchange.response.is_tunnel = true;
		if (!exchange_thaw(&s->exchange, message))
			return false;
		http1_set_state(s, HTTP1_TUNNEL);
		return true;
	default:
		if (!exchange_thaw(&s->exchange, message))
			return false;
		http1_set_state(s, HTTP1_SEND);
		return true;
	}
}

static bool thaw_response(struct http1 *s, uint8_t state,
			  const struct http1_rest *rest,
			  const struct frozen_body *frozen,
			  struct frozen_reader *message)
{
	s->rest = *rest;
	s->exchange.body.received = frozen->received;
	s->exchange.body.pace = pace_of(frozen);
	if (frozen->trailers.n > 0)
		fields_add_lines(&s->exchange.body.trailers, &s->exchange.arena,
				 frozen->trailers);
	return thaw_send(s, message) && thaw_exchange(s, state, message);
}

/* What of a body is there, and how the rest is framed; then what it is for. */
static bool thaw_rest_and_more(struct http1 *s, uint8_t state,
			       struct frozen_reader *message)
{
	struct frozen_body body = {.file = FROZEN_NO_FD};
	struct http1_rest rest;

	if (frozen_get(message, &body_layout, &body) != FROZEN_OK ||
	    !thaw_rest(&body, &rest))
		return false;
	switch (state) {
	case FROZEN_STATE_BODY:
		return thaw_body(s, &rest, &body, message);
	case FROZEN_STATE_SKIP:
		return thaw_skip(s, &rest, &body);
	default:
		return thaw_response(s, state, &rest, &body, message);
	}
}

bool http1_thaw(struct conn *c, struct frozen_reader *message)
{
	struct frozen_http1 frozen = {0};

	if (frozen_next(message) == 0)
		return true; /* idle */
	if (frozen_get(message, &http1_layout, &frozen) != FROZEN_OK)
		return false;
	struct http1 *s = http1_session_start(c);

	s->exchange.times.first_byte = frozen.first_byte;
	switch (frozen.state) {
	case FROZEN_STATE_HEAD:
		s->scanned = frozen.scanned;
		return frozen.scanned <= buf_length(&c->socket.in);
	case FROZEN_STATE_LAST:
		http1_set_state(s, HTTP1_LAST);
		return thaw_send(s, message);
	case FROZEN_STATE_BODY:
	case FROZEN_STATE_SKIP:
	case FROZEN_STATE_SEND:
	case FROZEN_STATE_HELD:
	case FROZEN_STATE_TUNNEL:
	case FROZEN_STATE_TUNNEL_ENDED:
		return thaw_rest_and_more(s, frozen.state, message);
	default:
		return false;
	}
}
