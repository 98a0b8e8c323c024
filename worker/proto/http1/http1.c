/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request on an HTTP/1 connection, as one column:
 *
 *   idle     step_idle()      a connection without a session; the first byte
 *                             of a request makes one
 *   head     step_head()      HTTP1_HEAD, until the head is whole
 *   route    begin_request()  which route it is for, by exchange_begin(),
 *   admit                     and whether it is let in; which may have to be
 *                             waited for (HTTP1_WAIT, on_admitted())
 *   body     begin_body()    HTTP1_BODY, when the handler wants it whole
 *   handle   http1_handle()   the handler answers, or holds the exchange
 *                             (HTTP1_WAIT) and answers later: on_answer()
 *   send     http1_send.c     HTTP1_SEND
 *   tunnel   http1_tunnel.c    HTTP1_TUNNEL, in its place after a 101
 *   finish   http1_send.c     counted and logged; then round again by
 *                             HTTP1_SKIP (what is left of the body), HTTP1_HEAD
 *                             or idle, or HTTP1_LAST and the end
 *
 * Responses gather in conn->socket.out and leave with one write when no further
 * request is at hand: a request costs one read and one write, and a pipeline
 * of sixteen costs the same. Requests are taken off conn->socket.in one at a time;
 * the bytes of a head are copied into the exchange's arena, so that conn->socket.in
 * is free to bring the body and to move.
 */
#include "worker/proto/http1/http1.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec/chunked.h"
#include "base/codec/http1_head.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/net/conn.h"
#include "worker/proto/http1/http1_handoff.h"
#include "worker/proto/http1/http1_response.h"
#include "worker/proto/http1/http1_session.h"

/* Waiting, each with its time-out. */

static enum step wait_idle(struct conn *c)
{
	const struct conf_timeouts *t = &c->socket.net->conf->timeouts;

	if (net_is_draining(c->socket.net) && conn_has_to_close(c))
		socket_set_timeout(&c->socket, c->socket.net->idle_grace_ms);
	else
		socket_set_timeout(&c->socket,
				   c->requests == 0 ? t->header : t->keepalive);
	return STEP_WAIT;
}

/* The whole head has timeouts.header from its first byte on. */
static enum step wait_head(struct conn *c, const struct http1 *s)
{
	socket_set_timeout_at(&c->socket,
			      s->exchange.times.first_byte +
				      c->socket.net->conf->timeouts.header *
					      NS_PER_MS);
	return STEP_WAIT;
}

/* Nothing that comes after this can be understood. */
static void forsake(struct http1 *s)
{
	s->keep_alive = false;
	s->linger = true;
	s->rest.framing = HTTP1_BODY_NONE;
}

/* Not a request, or not in time. */
static enum step refuse(struct http1 *s, unsigned status, const char *why,
			struct str method)
{
	forsake(s);
	failure_set_sent(&s->exchange, failure_kind_of(status),
			 buf_str(&s->conn->socket.in), why);
	exchange_refuse(&s->exchange, status, method);
	return STEP_MORE;
}

static enum step give_up(struct http1 *s, unsigned status, const char *why)
{
	failure_set(&s->exchange, failure_kind_of(status), "%s", why);
	return http1_give_up(s, status);
}

enum step http1_give_up(struct http1 *s, unsigned status)
{
	exchange_cancel(&s->exchange);
	/* Its room in temp is for others, while the connection lingers. */
	s->exchange.request.body = STR("");
	body_release(&s->exchange.body);
	forsake(s);
	exchange_answer_error(&s->exchange, status);
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
	r->is_https = head->is_https;
	r->fields = fields;
	r->n_fields = head->n_fields;
	r->known = head->known;
	r->version = head->minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

static void set_framing(struct http1 *s, const struct http1_head *head)
{
	s->minor = head->minor;
	s->keep_alive = head->keep_alive;
	s->client_closes = !head->keep_alive && head->body == HTTP1_BODY_NONE;
	s->rest.framing = head->body;
	s->rest.left = head->content_length;
	s->rest.chunked = (struct chunked){0};
	s->expects_continue = head->expects_continue;
}

/* The request goes to its handler. */

static void answer_error(struct http1 *s, unsigned status)
{
	if (status == 400) /* a path that must not be resolved */
		s->keep_alive = false;
	exchange_answer_error(&s->exchange, status);
}

static uint64_t length_of(const struct http1_rest *rest)
{
	switch (rest->framing) {
	case HTTP1_BODY_LENGTH:
		return rest->left;
	case HTTP1_BODY_CHUNKED:
		return BODY_LENGTH_UNKNOWN;
	default:
		return 0;
	}
}

void http1_handle(struct http1 *s)
{
	exchange_handle(&s->exchange);
	if (s->exchange.state == EXCHANGE_HANDLED)
		http1_set_state(s, HTTP1_WAIT);
}

/* The body is going to be read, from now on. */
static enum step await_body(struct http1 *s)
{
	struct conn *c = s->conn;

	if (s->expects_continue && buf_length(&c->socket.in) == 0)
		buf_put(&c->socket.out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	s->expects_continue = false;
	http1_set_state(s, HTTP1_BODY);
	return STEP_MORE;
}

/* The handler has the head first. */
static enum step handle_in_pieces(struct http1 *s)
{
	bool has_body = s->rest.framing != HTTP1_BODY_NONE;

	http1_handle(s);
	if (s->exchange.state != EXCHANGE_HANDLED)
		return STEP_MORE;
	if (has_body) {
		(void)await_body(s);
		return http1_begin_pieces(s);
	}
	exchange_end_body(&s->exchange);
	return STEP_MORE;
}

/* What exchange_begin() or exchange_admitted() said: the body, if it is
 * wanted first; or the handler. */
static enum step begin_body(struct http1 *s, unsigned status)
{
	struct request_body *body = &s->exchange.body;

	if (status != 0) {
		answer_error(s, status);
		return STEP_MORE;
	}
	if (!body_begin(&s->exchange, length_of(&s->rest)))
		return http1_give_up(s, body->status);
	if (body->want == BODY_WANT_PIECES)
		return handle_in_pieces(s);
	if (body->want == BODY_WANT_WHOLE && s->rest.framing != HTTP1_BODY_NONE)
		return await_body(s);
	/* RFC 9112 section 7.1: to answer it with success would be to say that
	 * it was understood. */
	if (body->want == BODY_WANT_NOT && s->rest.framing == HTTP1_BODY_CHUNKED &&
	    http1_body_is_malformed(s))
		return give_up(s, 400, "the body is not in chunked coding");
	http1_handle(s);
	return STEP_MORE;
}

/* The request that `head` says, parsed from `raw`. As exchange_begin(). */
static unsigned route_and_admit(struct conn *c, struct http1 *s,
				struct http1_head *head, struct str raw)
{
	struct exchange *x = &s->exchange;
	uint64_t now = c->socket.net->loop->now;

	/* One that was behind another in conn->socket.in began when that had ended.
	 */
	x->times.head = now > x->times.first_byte ? now : x->times.first_byte;
	x->connection_requests = c->requests;
	fill_request(s, head, raw);
	set_framing(s, head);
	s->scanned = 0;
	return exchange_begin(x, head->host);
}

static enum step begin_request(struct conn *c, struct http1 *s,
			       struct http1_head *head)
{
	c->requests++;

	unsigned status = route_and_admit(c, s, head, buf_str(&c->socket.in));

	buf_consume(&c->socket.in, head->size);
	if (status != EXCHANGE_LATER)
		return begin_body(s, status);
	http1_set_state(s, HTTP1_WAIT);
	return STEP_MORE;
}

bool http1_resume_body(struct http1 *s, const struct http1_rest *rest,
		       struct str raw, uint64_t received, struct pace pace)
{
	struct http1_limits limits = {
		.line = raw.n + 1, .bytes = raw.n + 1, .fields = HTTP1_FIELDS_MAX};
	struct http1_head *head = mem_alloc(sizeof(*head));
	size_t scanned = 0;
	bool expects_continue = s->expects_continue;
	bool understood = http1_head_parse(raw, &limits, &scanned, head).result ==
			  HTTP1_COMPLETE;

	if (understood) {
		s->exchange.was_admitted = true;
		unsigned status = route_and_admit(s->conn, s, head, raw);

		s->exchange.body.received = received;
		s->exchange.body.pace = pace;
		s->rest = *rest;
		/* All of it came, before it was handled again. */
		if (rest->framing == HTTP1_BODY_NONE &&
		    !spool_is_empty(&s->exchange.body.spool))
			s->rest = (struct http1_rest){.framing = HTTP1_BODY_LENGTH};
		s->expects_continue = expects_continue;
		if (status == EXCHANGE_LATER)
			http1_set_state(s, HTTP1_WAIT);
		else
			(void)begin_body(s, status);
	}
	free(head);
	return understood;
}

/* Callbacks of the exchange. */

static struct http1 *session_of(struct exchange *x)
{
	return CONTAINER_OF(x, struct http1, exchange);
}

static void on_answer(struct exchange *x)
{
	struct http1 *s = session_of(x);

	http1_begin_response(s);
	if (!conn_is_running(s->conn))
		conn_wake(s->conn);
}

static void on_admitted(struct exchange *x, unsigned status)
{
	struct http1 *s = session_of(x);

	(void)begin_body(s, status);
	conn_wake(s->conn);
}

static void on_resume(struct exchange *x)
{
	conn_wake(session_of(x)->conn);
}

static void on_want_body(struct exchange *x)
{
	conn_wake(session_of(x)->conn);
}

/* RFC 9110 section 15.2: HTTP/1.0 knows none. */
static void on_interim(struct exchange *x, unsigned status,
		       const struct fields *fields)
{
	struct http1 *s = session_of(x);

	if (s->minor == 0)
		return;
	http1_put_interim(&s->conn->socket.out, status, fields);
	conn_wake(s->conn);
}

static struct endpoint local(const struct exchange *x)
{
	return conn_local(CONTAINER_OF(x, struct http1, exchange)->conn);
}

const struct exchange_protocol http1_exchange_protocol = {
	.on_answer = on_answer,
	.on_admitted = on_admitted,
	.on_resume = on_resume,
	.on_want_body = on_want_body,
	.on_interim = on_interim,
	.on_wake = http1_on_wake,
	.local = local,
};

/* RFC 9112 section 2.2: an empty line that old clients send after a body is
 * no request yet. It stays in conn->socket.in, so that a second one is seen as such
 * and does not pass for one more sign of life. */
static bool is_nothing(struct str in)
{
	return in.n == 0 || str_starts_with(STR("\r\n"), in);
}

/* No whole head is in conn->socket.in: a good moment to send what has gathered. */
static enum step read_more_head(struct conn *c, struct http1 *s)
{
	enum io io = socket_flush(&c->socket, false);

	if (io != IO_OK)
		return http1_not_sent(c, io);
	if (is_nothing(buf_str(&c->socket.in))) {
		http1_session_end(c);
		return STEP_MORE;
	}
	switch (socket_read(&c->socket)) {
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
	const struct conf_limits *conf = &c->socket.net->conf->limits;
	struct http1_limits limits = {
		.line = conf->line, .bytes = conf->header, .fields = conf->headers};
	struct str in = buf_str(&c->socket.in);

	if (in.n == 0)
		return read_more_head(c, s);
	struct http1_verdict v = http1_head_parse(in, &limits, &s->scanned, &head);

	switch (v.result) {
	case HTTP1_COMPLETE:
		return begin_request(c, s, &head);
	case HTTP1_PARTIAL:
		return read_more_head(c, s);
	case HTTP1_BAD:
		break;
	}
	c->requests++;
	return refuse(s, v.status, v.why, head.method);
}

static enum step step_idle(struct conn *c)
{
	if (!is_nothing(buf_str(&c->socket.in))) {
		http1_session_start(c);
		return STEP_MORE;
	}
	switch (socket_read(&c->socket)) {
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
	struct http1 *s = http1_expand(c);

	if (s == NULL)
		return step_idle(c);
	switch (s->state) {
	case HTTP1_HEAD:
		return step_head(c, s);
	case HTTP1_WAIT:
		return http1_wait_holder(c, s);
	case HTTP1_BODY:
		return http1_step_body(c, s);
	case HTTP1_SEND:
		return http1_step_send(c, s);
	case HTTP1_TUNNEL:
		return http1_step_tunnel(c, s);
	case HTTP1_SKIP:
		return http1_step_skip(c, s);
	case HTTP1_LAST:
		return http1_step_last(c, s);
	}
	log_fatal("http1 state %d", (int)s->state);
}

static enum step http1_timeout(struct conn *c)
{
	struct http1 *s = http1_expand(c);

	if (s == NULL)
		return STEP_DONE; /* idle for too long: nothing to say */
	if (buf_length(&c->socket.out) > 0 || s->state == HTTP1_SEND ||
	    s->state == HTTP1_LAST)
		return http1_not_sent(c, IO_AGAIN);
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

static bool http1_is_idle(const struct conn *c)
{
	return c->session == NULL && buf_length(&c->socket.in) == 0 &&
	       buf_length(&c->socket.out) == 0;
}

const struct protocol http1_protocol = {
	.name = "http",
	.client_speaks_first = true,
	.create = http1_worker_create,
	.destroy = http1_worker_destroy,
	.step = http1_step,
	.timeout = http1_timeout,
	.is_idle = http1_is_idle,
	.close = http1_session_end,
	.prepare = http1_prepare,
	.describe = http1_describe,
	.freeze = http1_freeze,
	.rests = http1_rests,
	.thaw = http1_thaw,
};
