/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection without a session is idle. The first byte of a request makes a
 * session, which goes round HEAD -> (BODY) -> SEND -> (SKIP) -> HEAD until
 * nothing more is there, and is given back; or it ends in LAST, and the
 * connection with it.
 *
 * Responses gather in conn->out and leave with one write when no further
 * request is at hand: a request costs one read and one write, and a pipeline
 * of sixteen costs the same. Requests are taken off conn->in one at a time;
 * the bytes of a head are copied into the exchange's arena, so that conn->in
 * is free to bring the body and to move.
 */
#include "worker/proto/http1.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/codec/chunked.h"
#include "worker/codec/http1_head.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/net/conn.h"
#include "worker/proto/http1_handoff.h"
#include "worker/proto/http1_response.h"
#include "worker/proto/http1_session.h"

enum {
	HTTP1_OUT_ROOM = 8192, /* left in conn->out for one more response */
};

/* Waiting, each with its time-out. */

static enum step wait_idle(struct conn *c)
{
	const struct conf_timeouts *t = &c->net->conf->timeouts;

	if (net_is_draining(c->net) && conn_is_leaving(c))
		conn_set_timeout(c, c->net->idle_grace_ms);
	else
		conn_set_timeout(c, c->requests == 0 ? t->header : t->keepalive);
	return STEP_WAIT;
}

/* The whole head has timeouts.header from its first byte on. */
static enum step wait_head(struct conn *c, const struct http1 *s)
{
	conn_set_timeout_at(c, s->exchange.times.first_byte +
				       c->net->conf->timeouts.header * NS_PER_MS);
	return STEP_WAIT;
}

static enum step wait_body(struct conn *c)
{
	conn_set_timeout(c, c->net->conf->timeouts.body);
	return STEP_WAIT;
}

static enum step wait_send(struct conn *c)
{
	conn_expect_progress(c, c->net->conf->timeouts.send);
	return STEP_WAIT;
}

/* What to do when sending did not return IO_OK. */
static enum step not_sent(struct conn *c, enum io io)
{
	return io == IO_AGAIN ? wait_send(c) : STEP_FAIL;
}

/* The answer. */

static enum http1_connection connection_field(struct http1 *s)
{
	if (s->exchange.response.close || conn_is_leaving(s->conn))
		s->keep_alive = false;
	if (!s->keep_alive)
		return HTTP1_CONNECTION_CLOSE;
	return s->minor == 0 ? HTTP1_CONNECTION_KEEP : HTTP1_CONNECTION_SILENT;
}

/* Content that fits goes along with the head: one copy of a few KiB costs
 * less than a second piece for the kernel to gather. */
static void put_content(struct http1 *s, struct buf *out)
{
	struct response *r = &s->exchange.response;

	if (s->exchange.request.method == METHOD_HEAD ||
	    http1_has_no_content(r->status))
		r->body.kind = BODY_NONE;
	if (r->body.kind != BODY_BYTES)
		return;
	if (r->body.length <= buf_free(out)) {
		buf_put(out, r->body.bytes);
		s->exchange.content_sent = r->body.length;
	} else {
		s->tail = r->body.bytes;
	}
}

void http1_on_answer(struct exchange *x)
{
	struct http1 *s = CONTAINER_OF(x, struct http1, exchange);
	struct buf *out = &s->conn->out;

	s->tail = STR("");
	http1_put_head(out, x, connection_field(s));
	put_content(s, out);
	http1_set_state(s, HTTP1_SEND);
}

/* Nothing that comes after this can be understood. */
static void forsake(struct http1 *s, unsigned status, const char *why)
{
	char ip[ADDR_TEXT];

	log_info("%s: refused with %u: %s", endpoint_ip(&s->conn->peer, ip), status,
		 why);
	s->keep_alive = false;
	s->linger = true;
	s->rest.framing = HTTP1_BODY_NONE;
}

/* Not a request, or not in time. */
static enum step refuse(struct http1 *s, unsigned status, const char *why,
			struct str method)
{
	forsake(s, status, why);
	exchange_refuse(&s->exchange, status, method);
	return STEP_MORE;
}

/* An exchange whose head was fine, but its body will not be read. */
static enum step give_up(struct http1 *s, unsigned status, const char *why)
{
	forsake(s, status, why);
	exchange_answer_error(&s->exchange, status);
	return STEP_MORE;
}

/* The request's body. */

/*
 * Takes what has come of the body off conn->in, into s->body if `collect`.
 * True when it is complete; false when more must be read, or, with *bad_out
 * set, when it is not framed as it should be.
 */
static bool take_body(struct http1 *s, bool collect, bool *bad_out)
{
	struct str in = buf_str(&s->conn->in), all = in, piece;
	enum chunked_result result = CHUNKED_MORE;

	*bad_out = false;
	if (s->rest.framing == HTTP1_BODY_LENGTH) {
		piece = (struct str){in.p,
				     in.n < s->rest.left ? in.n : s->rest.left};
		s->rest.left -= piece.n;
		s->rest.body_read += piece.n;
		if (collect)
			buf_put(&s->body, piece);
		buf_consume(&s->conn->in, piece.n);
		return s->rest.left == 0;
	}
	while (in.n > 0 && (result = chunked_decode(&s->rest.chunked, &in,
						    &piece)) == CHUNKED_PIECE) {
		s->rest.body_read += piece.n;
		if (collect && s->rest.body_read <= s->conn->net->conf->limits.body)
			buf_put(&s->body, piece);
	}
	buf_consume(&s->conn->in, all.n - in.n);
	*bad_out = result == CHUNKED_BAD;
	return result == CHUNKED_DONE;
}

static enum step read_more_body(struct conn *c)
{
	switch (conn_read(c)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return wait_body(c);
	default: /* in the middle of a request */
		return STEP_FAIL;
	}
}

static enum step step_body(struct conn *c, struct http1 *s)
{
	bool bad, whole = take_body(s, true, &bad);

	if (bad)
		return give_up(s, 400, "the body is not in chunked coding");
	if (s->rest.body_read > c->net->conf->limits.body)
		return give_up(s, 413, "the body is over limits.body");
	if (whole) {
		s->rest.framing = HTTP1_BODY_NONE;
		s->exchange.request.body = buf_str(&s->body);
		exchange_handle(&s->exchange);
		return STEP_MORE;
	}
	enum io io = conn_flush(c, false); /* 100, and what came before */

	return io == IO_OK ? read_more_body(c) : not_sent(c, io);
}

/* Reads and drops a body that nobody wanted, so that the next request can be
 * found behind it; more than limits.body is not worth it. */
static enum step step_skip(struct conn *c, struct http1 *s)
{
	bool bad, whole = take_body(s, false, &bad);

	if (bad || s->rest.body_read > c->net->conf->limits.body) {
		s->linger = true;
		http1_set_state(s, HTTP1_LAST);
		return STEP_MORE;
	}
	if (!whole)
		return read_more_body(c);
	s->rest.framing = HTTP1_BODY_NONE;
	s->exchange.times.first_byte = c->net->loop->now; /* of the next */
	http1_set_state(s, HTTP1_HEAD);
	return STEP_MORE;
}

/* The request's head. */

/* `raw`: the bytes that `head` was parsed from. */
static void fill_request(struct http1 *s, struct http1_head *head, struct str raw)
{
	struct exchange *x = &s->exchange;
	struct request *r = &x->request;
	char *copy = arena_bytes(&x->arena, head->size);
	size_t fields_size = head->n_fields * sizeof(struct field);
	struct field *fields = arena_alloc(&x->arena, fields_size);

	memcpy(copy, raw.p, head->size);
	http1_head_rebase(head, raw.p, copy);
	s->raw_head = (struct str){copy, head->size};
	memcpy(fields, head->fields, fields_size);
	r->method_text = head->method;
	r->target = head->target;
	r->raw_path = head->path;
	r->query = head->query;
	r->fields = fields;
	r->n_fields = head->n_fields;
	r->version = head->minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

static void set_framing(struct http1 *s, const struct http1_head *head)
{
	s->minor = head->minor;
	s->keep_alive = head->keep_alive;
	s->rest.framing = head->body;
	s->rest.left = head->content_length;
	s->rest.chunked = (struct chunked){0};
	s->rest.body_read = 0;
	buf_release(&s->body);
}

/* A client that waits for 100 (Continue) before it sends a body which we do
 * not read may send it or not: no request can be told from it afterwards
 * (RFC 9110 section 10.1.1). */
static void forgo_body(struct http1 *s, const struct http1_head *head)
{
	if (s->rest.framing != HTTP1_BODY_NONE &&
	    (head->expects_continue ||
	     s->rest.left > s->conn->net->conf->limits.body)) {
		s->keep_alive = false;
		s->linger = true;
		s->rest.framing = HTTP1_BODY_NONE;
	}
}

static enum step want_body(struct conn *c, struct http1 *s,
			   const struct http1_head *head)
{
	if (head->expects_continue && buf_length(&c->in) == 0)
		buf_put(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	http1_set_state(s, HTTP1_BODY);
	return STEP_MORE;
}

static void answer(struct http1 *s, unsigned status)
{
	if (status == 400) /* a path that must not be resolved */
		s->exchange.response.close = true;
	if (status != 0)
		exchange_answer_error(&s->exchange, status);
	else
		exchange_handle(&s->exchange);
}

/* The request that `head` says, parsed from `raw`. As exchange_begin(). */
static unsigned admit(struct conn *c, struct http1 *s, struct http1_head *head,
		      struct str raw)
{
	s->exchange.times.head = c->net->loop->now;
	fill_request(s, head, raw);
	set_framing(s, head);
	s->scanned = 0;
	return exchange_begin(&s->exchange, head->host);
}

static enum step begin(struct conn *c, struct http1 *s, struct http1_head *head)
{
	unsigned status = admit(c, s, head, buf_str(&c->in));

	c->requests++;
	buf_consume(&c->in, head->size);
	if (status == 0 && s->rest.framing == HTTP1_BODY_LENGTH &&
	    s->rest.left > c->net->conf->limits.body)
		return give_up(s, 413, "Content-Length is over limits.body");
	if (status == 0 && s->rest.framing != HTTP1_BODY_NONE &&
	    exchange_wants_body(&s->exchange))
		return want_body(c, s, head);
	forgo_body(s, head);
	answer(s, status);
	return STEP_MORE;
}

bool http1_resume_body(struct conn *c, const struct http1_rest *rest,
		       struct str raw, struct str body)
{
	struct http1_limits limits = {.bytes = raw.n + 1,
				      .fields = HTTP1_FIELDS_MAX};
	struct http1 *s = http1_session(c);
	struct http1_head *head = mem_alloc(sizeof(*head));
	size_t scanned = 0;
	bool understood = http1_head_parse(raw, &limits, &scanned, head).result ==
			  HTTP1_COMPLETE;

	if (understood) {
		unsigned status = admit(c, s, head, raw);

		s->rest = *rest;
		buf_put(&s->body, body);
		if (status == 0 && exchange_wants_body(&s->exchange))
			http1_set_state(s, HTTP1_BODY);
		else
			answer(s, status);
	}
	free(head);
	return understood;
}

/* No whole head is in conn->in: a good moment to send what has gathered. */
static enum step read_more_head(struct conn *c, struct http1 *s)
{
	enum io io = conn_flush(c, false);

	if (io != IO_OK)
		return not_sent(c, io);
	if (buf_length(&c->in) == 0) {
		http1_session_end(c);
		return STEP_MORE;
	}
	switch (conn_read(c)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return wait_head(c, s);
	case IO_EOF:
		return STEP_DONE;
	default:
		return STEP_FAIL;
	}
}

static enum step step_head(struct conn *c, struct http1 *s)
{
	static struct http1_head head; /* large; of no use afterwards */
	const struct conf_limits *conf = &c->net->conf->limits;
	struct http1_limits limits = {.bytes = conf->header,
				      .fields = conf->headers};
	struct str in = buf_str(&c->in);

	if (in.n == 0)
		return read_more_head(c, s);
	struct http1_verdict v = http1_head_parse(in, &limits, &s->scanned, &head);

	switch (v.result) {
	case HTTP1_COMPLETE:
		return begin(c, s, &head);
	case HTTP1_PARTIAL:
		return read_more_head(c, s);
	case HTTP1_BAD:
		break;
	}
	c->requests++;
	return refuse(s, v.status, v.why, head.method);
}

/* The response. */

/* What of the content is not in conn->out. IO_OK: it is sent. */
static enum io send_content(struct conn *c, struct http1 *s)
{
	struct exchange *x = &s->exchange;
	struct body *body = &x->response.body;
	enum io io;

	if (body->kind != BODY_FILE) {
		size_t before = s->tail.n;

		io = conn_flush_with(c, &s->tail);
		x->content_sent += before - s->tail.n;
		return io;
	}
	io = conn_flush(c, body->length > 0);
	if (io != IO_OK)
		return io;
	uint64_t before = body->length;

	io = conn_send_file(c, body->file, &body->offset, &body->length);
	x->content_sent += before - body->length;
	if (io == IO_EOF)
		log_info("%" STR_FMT " was cut short while it was sent",
			 STR_ARG(x->request.path));
	return io;
}

/* True when the response may wait in conn->out for those after it. */
static bool may_gather(const struct conn *c, const struct http1 *s)
{
	return s->keep_alive && s->rest.framing == HTTP1_BODY_NONE &&
	       s->tail.n == 0 && s->exchange.response.body.kind != BODY_FILE &&
	       buf_length(&c->in) > 0 && buf_free(&c->out) >= HTTP1_OUT_ROOM;
}

static enum step step_send(struct conn *c, struct http1 *s)
{
	if (!may_gather(c, s)) {
		enum io io = send_content(c, s);

		if (io != IO_OK)
			return not_sent(c, io);
		if (s->exchange.response.body.kind == BODY_FILE &&
		    s->exchange.response.body.length > 0)
			return STEP_LATER;
	}
	exchange_finish(&s->exchange);
	s->exchange.times.accepted = c->accepted_at;
	s->exchange.times.first_byte = c->net->loop->now;
	bool unread = s->rest.framing != HTTP1_BODY_NONE;

	if (s->keep_alive) {
		http1_set_state(s, unread ? HTTP1_SKIP : HTTP1_HEAD);
	} else {
		/* What came meanwhile must not make the close a reset. */
		s->linger |= unread || c->readable || buf_length(&c->in) > 0 ||
			     conn_is_leaving(c);
		http1_set_state(s, HTTP1_LAST);
	}
	return STEP_MORE;
}

static enum step step_last(struct conn *c, struct http1 *s)
{
	enum io io = conn_flush(c, false);

	if (io != IO_OK)
		return not_sent(c, io);
	return s->linger ? STEP_LINGER : STEP_DONE;
}

/* RFC 9112 section 2.2: an empty line that old clients send after a body is
 * no request yet. */
static bool is_empty_line(const struct conn *c)
{
	return str_equal(buf_str(&c->in), STR("\r\n"));
}

static enum step step_idle(struct conn *c)
{
	if (is_empty_line(c))
		buf_consume(&c->in, 2);
	if (buf_length(&c->in) > 0) {
		http1_session_start(c);
		return STEP_MORE;
	}
	switch (conn_read(c)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return wait_idle(c);
	case IO_EOF:
		return STEP_DONE;
	default:
		return STEP_FAIL;
	}
}

static enum step http1_step(struct conn *c)
{
	struct http1 *s = http1_session(c);

	if (s == NULL)
		return step_idle(c);
	switch (s->state) {
	case HTTP1_HEAD:
		return step_head(c, s);
	case HTTP1_BODY:
		return step_body(c, s);
	case HTTP1_SEND:
		return step_send(c, s);
	case HTTP1_SKIP:
		return step_skip(c, s);
	case HTTP1_LAST:
		return step_last(c, s);
	}
	log_fatal("http1 state %d", (int)s->state);
}

static enum step http1_timeout(struct conn *c)
{
	struct http1 *s = http1_session(c);

	if (s == NULL)
		return STEP_DONE; /* idle for too long: nothing to say */
	if (buf_length(&c->out) > 0 || s->state == HTTP1_SEND ||
	    s->state == HTTP1_LAST)
		return conn_has_progress(c) ? wait_send(c) : STEP_FAIL;
	switch (s->state) {
	case HTTP1_HEAD:
		return refuse(s, 408, "the head took over timeouts.header",
			      STR(""));
	case HTTP1_BODY:
		return give_up(s, 408, "the body took over timeouts.body");
	default:
		return STEP_DONE;
	}
}

static enum step http1_drain(struct conn *c)
{
	/* What is begun ends with "Connection: close". */
	return c->session == NULL ? wait_idle(c) : STEP_WAIT;
}

const struct protocol http1_protocol = {
	.name = "http",
	.step = http1_step,
	.timeout = http1_timeout,
	.drain = http1_drain,
	.close = http1_session_end,
	.freeze = http1_freeze,
	.thaw = http1_thaw,
};
