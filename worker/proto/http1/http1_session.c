/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/proto/http1/http1_session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/http/http.h"
#include "worker/proto/http1/http1.h"

enum {
	HTTP1_SPARES = 256, /* sessions kept for reuse */
};

static const char *const state_names[] = {
	[HTTP1_HEAD] = "head", [HTTP1_WAIT] = "wait",     [HTTP1_BODY] = "body",
	[HTTP1_SEND] = "send", [HTTP1_TUNNEL] = "tunnel", [HTTP1_SKIP] = "skip",
	[HTTP1_LAST] = "last",
};

/* Of one worker. */
struct http1_worker {
	struct http *http;
	struct http1 *spares; /* sessions, by their `next` */
	size_t n_spares;
};

struct http1 *http1_session(const struct conn *c)
{
	struct http1 *s = c->session;

	ASSERT(s == NULL || s->magic == HTTP1_MAGIC);
	return s;
}

void http1_set_state(struct http1 *s, enum http1_state state)
{
	log_debug("connection %ju: http1 %s -> %s", (uintmax_t)s->conn->id,
		  state_names[s->state], state_names[state]);
	s->state = state;
}

void http1_session_init(struct http1 *s, struct http1_worker *w)
{
	*s = (struct http1){.magic = HTTP1_MAGIC, .worker = w};
	exchange_init(&s->exchange, w->http, &http1_exchange_protocol,
		      &s->connection);
}

void http1_session_begin(struct http1 *s, struct conn *c)
{
	s->conn = c;
	s->state = HTTP1_HEAD;
	s->scanned = 0;
	s->linger = false;
	s->client_closes = false;
	s->has_ended = false;
	s->rest.framing = HTTP1_BODY_NONE;
	pace_stop(&s->pace); /* of the connection that it was of before */
	s->connection.id = c->id;
	s->connection.accepted_at = c->requests == 0 ? c->accepted_at : 0;
	s->connection.peer = s->exchange.peer = c->peer;
	s->connection.proxy = c->via != NULL ? &c->via->proxy : NULL;
	s->connection.is_secured = c->socket.transport->is_secure;
	s->connection.tls = c->socket.transport->facts != NULL
				    ? c->socket.transport->facts(&c->socket)
				    : NULL;
	s->exchange.times.first_byte = c->socket.net->loop->now;
}

struct http1 *http1_session_start(struct conn *c)
{
	struct http1_worker *w = net_object(c->socket.net, &http1_protocol);
	struct http1 *s = w->spares;

	if (s != NULL) {
		w->spares = s->next;
		w->n_spares--;
	} else {
		s = mem_alloc(sizeof(*s));
		http1_session_init(s, w);
	}
	http1_session_begin(s, c);
	c->session = s;
	return s;
}

static void session_free(struct http1 *s)
{
	exchange_fini(&s->exchange);
	free(s);
}

/* Content that ends with the connection would seem to be whole. */
static void break_off(struct http1 *s)
{
	if (s->state == HTTP1_SEND &&
	    s->exchange.response.body.kind == BODY_STREAM &&
	    s->exchange.response.body.length == BODY_LENGTH_UNKNOWN && !s->chunked)
		socket_reset(&s->conn->socket);
	exchange_break_off(&s->exchange);
}

void http1_session_put_back(struct http1 *s)
{
	struct http1_worker *w = s->worker;

	if (w->n_spares == HTTP1_SPARES) {
		session_free(s);
		return;
	}
	s->next = w->spares;
	w->spares = s;
	w->n_spares++;
}

void http1_session_end(struct conn *c)
{
	struct http1 *s = http1_expand(c);

	if (s == NULL)
		return;
	c->session = NULL;
	if (c->state == CONN_MOVED)
		exchange_forget(&s->exchange);
	else if (s->exchange.state != EXCHANGE_IDLE)
		break_off(s);
	else
		body_release(&s->exchange.body);
	http1_session_put_back(s);
}

void *http1_worker_create(const struct protocol_env *env)
{
	struct http1_worker *w = mem_zalloc(1, sizeof(*w));

	w->http = env->http;
	return w;
}

void http1_worker_destroy(void *object)
{
	struct http1_worker *w = object;

	while (w->spares != NULL) {
		struct http1 *s = w->spares;

		w->spares = s->next;
		session_free(s);
	}
	free(w);
}
