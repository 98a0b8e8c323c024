/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The response on its way out. Head and small content are put into
 * conn->socket.out, where they wait for those of the requests that came along with
 * this one; files go from the file; a stream is read piece by piece, as fast as the
 * client takes it. Worker.
 */
#include <stdio.h>

#include "base/log.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/proto/http1/http1_response.h"
#include "worker/proto/http1/http1_session.h"

enum {
	HTTP1_OUT_ROOM = 8192, /* left in conn->socket.out for one more response */
	HTTP1_STREAM_PIECE = 16 * 1024, /* bytes read from a stream at a time */
	HTTP1_STREAM_SHARE = 8,         /* such pieces in one tick */
	/* Next to a packet's largest size (64 KiB less the headers), several times:
	 * the rest of a piece is a packet, too, however small. */
	HTTP1_SPLICE_PIECE = 4 * 65000,
	HTTP1_SPLICE_MIN = 64 * 1024,   /* less is read and written */
	HTTP1_CHUNK_HEAD = 6,           /* "3fa0\r\n" */
	HTTP1_PARTS_GATHER = BUF_CHUNK, /* bytes of parts that leave together */
};

/* The peer has to take limits.rate over each timeouts.send. */
static enum step wait_send(struct conn *c, struct http1 *s)
{
	const struct conf *conf = c->socket.net->conf;
	uint64_t now = c->socket.net->loop->now;

	if (now >= pace_end(&s->pace, conf->timeouts.send) &&
	    !pace_keeps_up(&s->pace, now, socket_taken(&c->socket),
			   conf->limits.rate)) {
		failure_note(&s->exchange, FAILURE_SLOW,
			     "closed: it took too little of a response in "
			     "timeouts.send");
		return STEP_FAIL;
	}
	s->exchange.deadline = pace_end(&s->pace, conf->timeouts.send);
	socket_set_timeout_at(&c->socket, s->exchange.deadline);
	return STEP_WAIT;
}

enum step http1_not_sent(struct conn *c, enum io io)
{
	return io == IO_AGAIN ? wait_send(c, http1_session(c)) : STEP_FAIL;
}

enum step http1_wait_holder(struct conn *c, const struct http1 *s)
{
	enum io io =
		socket_flush(&c->socket, false); /* 100, and what came before */

	socket_clear_timeout(&c->socket);
	if (io == IO_ERROR || c->socket.hung_up ||
	    (c->socket.peer_ended && s->exchange.ends_with_peer))
		return STEP_FAIL;
	return STEP_WAIT;
}

/* The response begins. */

static enum http1_connection connection_field(struct http1 *s)
{
	if (s->exchange.response.is_tunnel)
		return HTTP1_CONNECTION_UPGRADE;
	if (conn_has_to_close(s->conn))
		s->keep_alive = false;
	if (!s->keep_alive)
		return HTTP1_CONNECTION_CLOSE;
	return s->minor == 0 ? HTTP1_CONNECTION_KEEP : HTTP1_CONNECTION_SILENT;
}

/*
 * The response is ready before the body was read. A client that waits for 100
 * (Continue) may send the body or not, and a next request cannot be told from
 * it (RFC 9110 section 10.1.1). A body that is too large is not worth reading.
 */
static void forgo_body(struct http1 *s)
{
	if (s->rest.framing == HTTP1_BODY_NONE)
		return;
	if (s->expects_continue || s->rest.left > body_drop_limit(&s->exchange)) {
		s->keep_alive = false;
		s->linger = true;
		s->rest.framing = HTTP1_BODY_NONE;
	}
}

/* Chooses how the length of the content is indicated (RFC 9112 section 6). */
static enum http1_length choose_length(struct http1 *s)
{
	const struct response *r = &s->exchange.response;

	if (http1_has_no_content(r->status) || r->is_tunnel)
		return HTTP1_LENGTH_SILENT;
	if (r->body.length != BODY_LENGTH_UNKNOWN)
		return HTTP1_LENGTH_KNOWN;
	if (s->minor > 0)
		return HTTP1_LENGTH_CHUNKED;
	s->keep_alive = false;
	return HTTP1_LENGTH_SILENT;
}

/* Content that fits goes along with the head: one copy of a few KiB costs
 * less than a second piece for the kernel to gather. */
static void put_bytes(struct http1 *s)
{
	struct buf *out = &s->conn->socket.out;
	struct body *body = &s->exchange.response.body;

	if (body->length <= buf_free(out)) {
		buf_put(out, body->bytes);
		s->exchange.content_sent = body->length;
		body->kind = BODY_NONE; /* nothing is left of it */
	}
}

void http1_begin_response(struct http1 *s)
{
	struct exchange *x = &s->exchange;
	struct response *r = &x->response;

	if (!r->is_duplex)
		forgo_body(s);
	pace_stop(&s->pace);
	enum http1_length length = choose_length(s);

	size_t before = buf_length(&s->conn->socket.out);

	http1_put_head(&s->conn->socket.out, x, connection_field(s), length);
	r->head_size = buf_length(&s->conn->socket.out) - before;
	s->chunked = length == HTTP1_LENGTH_CHUNKED;
	s->content_ended = false;
	r->body.left = r->body.length;
	if (x->request.method == METHOD_HEAD || http1_has_no_content(r->status))
		r->body.kind = BODY_NONE;
	if (r->body.kind == BODY_BYTES)
		put_bytes(s);
	http1_set_state(s, r->is_tunnel ? HTTP1_TUNNEL : HTTP1_SEND);
}

/* Content, by its kind. What these return: STEP_MORE when all is sent. */

/* The file was truncated meanwhile: the response cannot be completed. */
static enum step after_file(struct conn *c, struct http1 *s, enum io io,
			    uint64_t left)
{
	if (io == IO_EOF)
		failure_note(&s->exchange, FAILURE_CUT,
			     "the file was cut short while it was sent");
	if (io != IO_OK)
		return http1_not_sent(c, io);
	return left > 0 ? STEP_LATER : STEP_MORE;
}

static enum step send_file(struct conn *c, struct http1 *s, int file, off_t *offset,
			   uint64_t *left)
{
	uint64_t before = *left;
	enum io io = socket_send_file(&c->socket, file, offset, left);

	s->exchange.content_sent += before - *left;
	return after_file(c, s, io, *left);
}

static enum step send_bytes(struct conn *c, struct http1 *s)
{
	struct str *left = &s->exchange.response.body.bytes;
	size_t before = left->n;
	enum io io = socket_flush_with(&c->socket, left);

	s->exchange.content_sent += before - left->n;
	return io == IO_OK ? STEP_MORE : http1_not_sent(c, io);
}

static enum step send_whole_file(struct conn *c, struct http1 *s)
{
	struct body *body = &s->exchange.response.body;
	enum io io = socket_flush(&c->socket, body->left > 0);

	if (io != IO_OK)
		return http1_not_sent(c, io);
	return send_file(c, s, body->file, &body->offset, &body->left);
}

static enum step send_parts(struct conn *c, struct http1 *s)
{
	struct body *body = &s->exchange.response.body;

	while (body->n_parts > 0) {
		struct body_part *part = body->parts;
		bool is_bytes = part->file == -1;

		if (!is_bytes || buf_length(&c->socket.out) > HTTP1_PARTS_GATHER) {
			enum io io = socket_flush(&c->socket, true);

			if (io != IO_OK)
				return http1_not_sent(c, io);
		}
		if (is_bytes) {
			buf_put(&c->socket.out, part->bytes);
			s->exchange.content_sent += part->bytes.n;
		} else {
			enum step step = send_file(c, s, part->file, &part->offset,
						   &part->length);

			if (step != STEP_MORE)
				return step;
		}
		body->parts++;
		body->n_parts--;
	}
	enum io io = socket_flush(&c->socket, false);

	return io == IO_OK ? STEP_MORE : http1_not_sent(c, io);
}

/* Writes the size of the chunk whose data begins `at` bytes into `out`, or
 * takes its head away when there is no data: that would be the end. */
static void end_chunk(struct buf *out, size_t at)
{
	size_t n = buf_length(out) - at;
	char head[HTTP1_CHUNK_HEAD + 1];

	if (n == 0) {
		out->end -= HTTP1_CHUNK_HEAD;
		return;
	}
	snprintf(head, sizeof(head), "%04x\r\n", (unsigned)n & 0xffff);
	memcpy(out->storage + out->start + at - HTTP1_CHUNK_HEAD, head,
	       HTTP1_CHUNK_HEAD);
	buf_put(out, STR("\r\n"));
}

/* RFC 9112 section 7.1.2 */
static void put_last_chunk(struct http1 *s)
{
	const struct fields *trailers = &s->exchange.response.trailers;
	struct buf *out = &s->conn->socket.out;

	buf_put(out, STR("0\r\n"));
	if (trailers->n > 0)
		buf_put(out, fields_str(trailers));
	buf_put(out, STR("\r\n"));
}

/* Reads a piece of the stream into conn->socket.out. */
enum body_read http1_read_stream(struct http1 *s)
{
	struct body *body = &s->exchange.response.body;
	struct buf *out = &s->conn->socket.out;
	size_t max = HTTP1_STREAM_PIECE;

	if (s->chunked)
		buf_put(out, STR("0000\r\n"));
	else if (body->left < max)
		max = (size_t)body->left;
	size_t at = buf_length(out);
	enum body_read read = body->read(body->owner, out, max);
	size_t n = buf_length(out) - at;

	ASSERT(n <= max);
	s->exchange.content_sent += n;
	if (s->chunked)
		end_chunk(out, at);
	if (body->left != BODY_LENGTH_UNKNOWN) {
		body->left -= n;
		if (body->left == 0 && read != BODY_READ_FAILED)
			read = BODY_READ_END;
		else if (read == BODY_READ_END)
			read = BODY_READ_FAILED; /* it said there was more */
	}
	s->content_ended = read == BODY_READ_END;
	if (s->content_ended && s->chunked)
		put_last_chunk(s);
	return read;
}

/* Large content need not pass through our memory. */
static bool may_splice(const struct http1 *s)
{
	const struct body *body = &s->exchange.response.body;

	return body->splice != NULL && body->left != BODY_LENGTH_UNKNOWN &&
	       body->left >= HTTP1_SPLICE_MIN &&
	       buf_length(&s->conn->socket.out) == 0;
}

static enum body_read splice_stream(struct http1 *s)
{
	struct body *body = &s->exchange.response.body;
	size_t n, max = HTTP1_SPLICE_PIECE;

	if (body->left < max)
		max = (size_t)body->left;
	enum body_read read = body->splice(body->owner, &s->conn->socket, max, &n);

	ASSERT(n <= max);
	s->exchange.content_sent += n;
	body->left -= n;
	s->content_ended = body->left == 0 && read != BODY_READ_FAILED;
	return read == BODY_READ_END && !s->content_ended ? BODY_READ_FAILED : read;
}

static enum step send_stream(struct conn *c, struct http1 *s)
{
	if (s->exchange.response.body.left == 0)
		s->content_ended = true;
	for (int i = 0; i < HTTP1_STREAM_SHARE; i++) {
		enum body_read read = BODY_READ_SOME;

		if (!s->content_ended && may_splice(s))
			read = splice_stream(s);
		else if (!s->content_ended &&
			 buf_length(&c->socket.out) < HTTP1_STREAM_PIECE)
			read = http1_read_stream(s);
		if (read == BODY_READ_FAILED) {
			failure_note(&s->exchange, FAILURE_CUT,
				     "the content broke off");
			return STEP_FAIL;
		}
		/* It is unknown when more of it will come: no MSG_MORE. */
		enum io io = socket_flush(&c->socket, false);

		if (io != IO_OK)
			return http1_not_sent(c, io);
		if (s->content_ended)
			return STEP_MORE;
		if (read == BODY_READ_WAIT) {
			pace_stop(&s->pace); /* it is not the peer that waits */
			return http1_wait_holder(c, s);
		}
	}
	return STEP_LATER;
}

static enum step send_content(struct conn *c, struct http1 *s)
{
	switch (s->exchange.response.body.kind) {
	case BODY_FILE:
		return send_whole_file(c, s);
	case BODY_PARTS:
		return send_parts(c, s);
	case BODY_STREAM:
		return send_stream(c, s);
	default:
		return send_bytes(c, s);
	}
}

/* Whether all there is of it is, or was, in conn->socket.out. */
static bool is_in_out(const struct http1 *s)
{
	return s->exchange.response.body.kind == BODY_NONE;
}

/* True when the response may wait in conn->socket.out for those after it. */
static bool may_gather(const struct conn *c, const struct http1 *s)
{
	return s->keep_alive && s->rest.framing == HTTP1_BODY_NONE &&
	       is_in_out(s) && buf_length(&c->socket.in) > 0 &&
	       buf_free(&c->socket.out) >= HTTP1_OUT_ROOM;
}

/* True when nothing says that it will not go: it is sent along with those of
 * other connections. */
static bool may_send_along(const struct conn *c, const struct http1 *s)
{
	return is_in_out(s) && c->socket.writable && buf_length(&c->socket.out) > 0;
}

static bool was_sent_along(const struct conn *c, const struct http1 *s)
{
	return is_in_out(s) && buf_length(&c->socket.out) == 0;
}

bool http1_is_answered(const struct conn *c, const struct http1 *s)
{
	return s->state == HTTP1_SEND && s->keep_alive &&
	       s->rest.framing == HTTP1_BODY_NONE && was_sent_along(c, s);
}

/* All of the response has gone, or is in conn->socket.out for good. */
static enum step finish(struct conn *c, struct http1 *s)
{
	if (s->exchange.response.is_duplex)
		forgo_body(s);
	bool unread = s->rest.framing != HTTP1_BODY_NONE;

	exchange_finish(&s->exchange);
	s->connection.accepted_at = 0; /* the next has not waited since then */
	s->exchange.times.first_byte =
		c->socket.net->loop->latest; /* of the next */
	if (s->keep_alive && !unread && buf_length(&c->socket.in) == 0) {
		http1_session_end(c); /* it is idle again */
	} else if (s->keep_alive) {
		http1_set_state(s, unread ? HTTP1_SKIP : HTTP1_HEAD);
	} else {
		/* What came meanwhile must not make the close a reset. */
		s->linger |= unread || c->socket.readable ||
			     buf_length(&c->socket.in) > 0 || conn_has_to_close(c);
		http1_set_state(s, HTTP1_LAST);
	}
	return STEP_MORE;
}

/*
 * True when the close may follow so soon that the kernel need not send before
 * it. With bytes that nobody reads, closing would throw the response away; so
 * it has to be certain that none come: the client has said that it sends no
 * more (RFC 9112 section 9.6), and all that it has sent was read.
 */
static bool is_last(const struct conn *c, const struct http1 *s)
{
	return s->client_closes && !s->keep_alive && !s->linger &&
	       !c->socket.readable && buf_length(&c->socket.in) == 0 &&
	       !conn_has_to_close(c);
}

enum step http1_step_send(struct conn *c, struct http1 *s)
{
	if (was_sent_along(c, s) || may_gather(c, s)) {
		/* It was now, or will be with those after it: there is no need
		 * to ask for the time again. */
		s->exchange.times.last_byte = c->socket.net->loop->latest;
	} else if (may_send_along(c, s)) {
		c->socket.ends = is_last(c, s);
		return STEP_WRITE;
	} else {
		enum step body = STEP_WAIT;

		if (s->exchange.response.is_duplex)
			body = http1_pass_body(c, s);
		if (body == STEP_FAIL)
			return STEP_FAIL;
		enum step step = send_content(c, s);

		if (step != STEP_MORE)
			return step == STEP_WAIT ? body : step;
	}
	return finish(c, s);
}

enum step http1_step_last(struct conn *c, struct http1 *s)
{
	enum io io = socket_flush(&c->socket, false);

	if (io != IO_OK)
		return http1_not_sent(c, io);
	return s->linger ? STEP_LINGER : STEP_DONE;
}
