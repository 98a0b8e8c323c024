/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream from its beginning to its end, in this order: states and the end;
 * servers, which are tried one after the other until one can be connected to;
 * the ClientHello, where that decides about the upstream; the steps of the
 * connection.
 *
 *   step       none > HELLO (by_name) > CONNECTING > PASSING > OVER
 *   refuse()   before anything was passed on: the client gets a reset, and the
 *              log says which server failed in which phase
 *
 * Nothing that the client sends is read before the server is there, but for a
 * ClientHello: its own window holds it. Both sockets have events; whichever
 * comes, both directions are looked at. A stream is owned by its connection,
 * and owns the peer. Worker.
 */
#include "worker/proto/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/codec/client_hello.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/http/http.h"
#include "worker/http/variables.h"
#include "worker/proto/stream/stream_names.h"
#include "worker/proto/stream/stream_state.h"
#include "worker/upstream/upstreams.h"

static const char *const state_names[] = {
	[STREAM_HELLO] = "hello",
	[STREAM_CONNECTING] = "connecting",
	[STREAM_PASSING] = "passing",
	[STREAM_OVER] = "over",
};

void stream_set_state(struct stream *s, enum stream_state state)
{
	log_debug("connection %ju: stream %s -> %s", (uintmax_t)s->conn->id,
		  state_names[s->state], state_names[state]);
	s->state = state;
}

struct stream *stream_create(struct conn *c, enum stream_state state)
{
	struct stream *s = mem_zalloc(1, sizeof(*s));

	s->conn = c;
	s->worker = net_object(c->socket.net, &stream_protocol);
	s->state = state;
	s->idle_ms = c->listener->conf->idle_timeout;
	c->session = s;
	s->begun = s->active_at = stream_now(s);
	return s;
}

void stream_over(struct stream *s, enum stream_end end, enum step last)
{
	if (s->state == STREAM_OVER)
		return;
	stream_set_state(s, STREAM_OVER);
	s->end = end;
	s->last = last;
	if (end == STREAM_SERVER_RESET || end == STREAM_REFUSED)
		socket_reset(&s->conn->socket);
	if (end == STREAM_CLIENT_RESET && s->peer != NULL)
		socket_reset(&s->peer->socket);
	if (!conn_is_running(s->conn))
		conn_wake(s->conn);
}

static struct counters *counters(const struct stream *s)
{
	return &s->conn->socket.net->slot->counters;
}

/* No server is reached: `status` is as an HTTP proxy would answer. */
static void refuse(struct stream *s, unsigned status, const char *phase,
		   const char *why)
{
	const struct conn *c = s->conn;
	char ip[ADDR_TEXT];

	log_client(LOG_LEVEL_WARN, "%s:%u: stream on %s closed: %s%s%s%s%s%s: %s",
		   endpoint_ip(&c->peer, ip), c->peer.port, c->listener->conf->text,
		   s->upstream != NULL ? "upstream " : "",
		   s->upstream != NULL ? s->upstream->conf->name : "",
		   s->server != NULL ? ", server " : "",
		   s->server != NULL ? s->server->conf->text : "",
		   s->upstream != NULL ? ": " : "", phase, why);
	s->status = status;
	counters(s)->streams_refused++;
	peer_close(&s->peer);
	stream_over(s, STREAM_REFUSED, STEP_FAIL);
}

/* Servers. */

static void try_server(struct stream *s);

/* This try has failed. As nothing was passed on, any other server will do. */
static void fail(struct stream *s, unsigned status, const char *why)
{
	peer_close(&s->peer);
	counters(s)->upstream_failures++;
	server_failed(s->server, why);
	if (s->tries > s->upstream->conf->retries) {
		refuse(s, status, "connect", why);
		return;
	}
	counters(s)->upstream_retries++;
	try_server(s);
}

static void refuse_choice(struct stream *s, enum upstream_lack lack)
{
	if (lack == UPSTREAM_FULL)
		refuse(s, 503, "choice", "every server is at its max_connections");
	else if (lack == UPSTREAM_CLOSED)
		refuse(s, 503, "choice", "every server is drained or disabled");
	else
		refuse(s, 502, "choice", "no server's name is resolved");
}

/* Where it has to know: who the client is. */
static void introduce(struct stream *s)
{
	struct endpoint local;

	if (s->server->proxy_protocol == CONF_PROXY_PROTOCOL_OFF)
		return;
	local = conn_local(s->conn);
	peer_put_header(s->peer, &s->conn->peer, &local);
}

static void try_server(struct stream *s)
{
	enum upstream_lack lack;
	struct server *server =
		upstream_pick(s->upstream, s->hash, s->tried, s->n_tried, &lack);

	if (server == NULL) {
		refuse_choice(s, lack);
		return;
	}
	s->server = server;
	s->tried[s->n_tried++] = server;
	s->tries++;
	s->asked = stream_now(s);
	stream_set_state(s, STREAM_CONNECTING);
	s->peer = server_connect(server, &stream_user, s);
	if (s->peer == NULL) {
		fail(s, 502, strerror(errno));
		return;
	}
	introduce(s);
	socket_set_timeout(&s->peer->socket, s->upstream->conf->timeouts.connect);
}

static uint64_t hash_of(struct stream *s)
{
	const struct conf_upstream *conf = s->upstream->conf;
	struct exchange *x;
	struct str text;
	uint64_t hash = 0;

	if (conf->balance != CONF_BALANCE_HASH)
		return 0;
	x = stream_exchange(s);
	if (template_evaluate(&conf->hash, x, ESCAPE_NONE, &text))
		hash = str_hash(text);
	exchange_forget(x);
	return hash;
}

static void begin(struct stream *s, size_t upstream)
{
	s->upstream = &s->worker->http->upstreams->items[upstream];
	s->tried =
		mem_zalloc(s->upstream->conf->retries + 1, sizeof(struct server *));
	s->hash = hash_of(s);
	socket_clear_timeout(&s->conn->socket);
	try_server(s);
}

/* A server that is gone without our asking is found by TCP itself. */
static void keep_alive(const struct peer *peer)
{
	static const int on = 1;

	(void)setsockopt(peer->socket.watch.fd, SOL_SOCKET, SO_KEEPALIVE, &on,
			 sizeof(on));
}

/* The outcome of passing on in an event of the server's. */
static void pass(struct stream *s)
{
	enum step step = stream_pass(s);

	if (step == STEP_LATER)
		peer_wake(s->peer);
}

static void on_connected(struct peer *peer, int error)
{
	struct stream *s = peer->context;

	if (error != 0) {
		s->peer = NULL;
		fail(s, 502, strerror(error));
		return;
	}
	server_succeeded(s->server);
	counters(s)->streams++;
	s->connected = s->active_at = stream_now(s);
	s->status = 200;
	free(s->tried);
	s->tried = NULL;
	keep_alive(peer);
	stream_set_state(s, STREAM_PASSING);
	pass(s);
	/* Until now it could not be offered to others as what it is. */
	conn_wake(s->conn);
}

static void on_ready(struct peer *peer)
{
	struct stream *s = peer->context;

	if (s->state == STREAM_PASSING)
		pass(s);
}

static void on_timeout(struct peer *peer)
{
	struct stream *s = peer->context;

	if (s->state == STREAM_CONNECTING)
		fail(s, 504, "timed out");
}

const struct peer_user stream_user = {
	.on_connected = on_connected,
	.on_ready = on_ready,
	.on_timeout = on_timeout,
};

/* The upstream. */

static void choose_by_name(struct stream *s, const struct client_hello *hello)
{
	const struct stream_names *names =
		stream_names_of(s->worker, s->conn->listener->conf);
	size_t upstream;

	s->name = mem_strdup(hello->name);
	if (names != NULL &&
	    stream_names_find(names, (struct str){hello->name, hello->n},
			      &upstream)) {
		begin(s, upstream);
	} else {
		char why[CLIENT_HELLO_NAME + 64];

		snprintf(why, sizeof(why),
			 "no upstream is for the server name \"%s\"", hello->name);
		refuse(s, 421, "choice", why);
	}
}

/* Nothing is taken from what was read: the server gets all of it. */
static enum step step_hello(struct conn *c, struct stream *s)
{
	uint64_t ms = c->socket.net->conf->timeouts.header;
	struct client_hello hello;
	const char *why;

	switch (client_hello_parse(buf_str(&c->socket.in), &hello, &why)) {
	case CLIENT_HELLO_WHOLE:
		choose_by_name(s, &hello);
		return STEP_MORE;
	case CLIENT_HELLO_BAD:
		refuse(s, 400, "hello", why);
		return STEP_MORE;
	case CLIENT_HELLO_MORE:
		break;
	}
	switch (socket_read(&c->socket)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		socket_set_timeout_at(&c->socket, c->accepted_at + ms * NS_PER_MS);
		return STEP_WAIT;
	case IO_EOF:
		if (buf_length(&c->socket.in) == 0) { /* it only looked */
			stream_over(s, STREAM_CLIENT_CLOSED, STEP_DONE);
			return STEP_MORE;
		}
		refuse(s, 400, "hello", "the client closed in its ClientHello");
		return STEP_MORE;
	default:
		stream_over(s, STREAM_CLIENT_RESET, STEP_FAIL);
		return STEP_MORE;
	}
}

/* The protocol. */

static enum step start(struct conn *c)
{
	const struct conf_listener *conf = c->listener->conf;
	struct stream *s;

	if (conf->n_by_name > 0) {
		stream_create(c, STREAM_HELLO);
		return STEP_MORE;
	}
	s = stream_create(c, STREAM_CONNECTING);
	if (conf->upstream == NULL)
		refuse(s, 502, "choice", "its listener is gone");
	else
		begin(s, conf->upstream_place);
	return STEP_MORE;
}

static enum step step_connecting(struct conn *c, struct stream *s)
{
	if (!c->socket.hung_up)
		return STEP_WAIT;
	stream_over(s, STREAM_CLIENT_RESET, STEP_FAIL);
	return STEP_MORE;
}

static enum step stream_step(struct conn *c)
{
	struct stream *s = stream_of(c);

	if (s == NULL)
		return start(c);
	switch (s->state) {
	case STREAM_HELLO:
		return step_hello(c, s);
	case STREAM_CONNECTING:
		return step_connecting(c, s);
	case STREAM_PASSING:
		return stream_pass(s);
	case STREAM_OVER:
		break;
	}
	return s->last;
}

static enum step stream_timeout(struct conn *c)
{
	struct stream *s = stream_of(c);

	if (s == NULL)
		return STEP_MORE;
	if (s->state == STREAM_HELLO) {
		refuse(s, 408, "hello", "it has not come within timeouts.header");
		return STEP_MORE;
	}
	if (s->state == STREAM_PASSING)
		stream_over(s, STREAM_IDLE, STEP_DONE);
	return STEP_MORE;
}

static bool stream_is_idle(const struct conn *c)
{
	return c->session == NULL && buf_length(&c->socket.in) == 0;
}

/* Nothing is under way in it now. */
static bool stream_rests(const struct conn *c)
{
	const struct stream *s = c->session;

	return s != NULL && s->state == STREAM_PASSING && s->conn == c &&
	       &s->peer->socket != c->socket.net->batch.current &&
	       !s->up.has_ended && !s->down.has_ended && stream_held(s) == 0;
}

static void stream_describe(const struct conn *c, struct buf *text)
{
	const struct stream *s = c->session;

	if (s == NULL || s->server == NULL)
		buf_put_cstr(text, "a stream, before a server was asked");
	else
		buf_printf(text, "a stream to upstream %s, server %s",
			   s->upstream->conf->name, s->server->conf->text);
}

static void stream_close(struct conn *c)
{
	struct stream *s = stream_of(c);

	if (s == NULL)
		return;
	c->session = NULL;
	if (c->state != CONN_MOVED)
		stream_log(s);
	peer_close(&s->peer);
	free(s->tried);
	free(s->name);
	free(s);
}

static void stream_answer(struct exchange *x)
{
	(void)x;
}

static void *stream_worker_create(const struct protocol_env *env)
{
	static const struct exchange_protocol none = {.on_answer = stream_answer};
	struct stream_worker *w = mem_zalloc(1, sizeof(*w));

	w->http = env->http;
	w->conf = env->net->conf;
	w->names = stream_names_create_all(w->conf);
	exchange_init(&w->exchange, w->http, &none, &w->connection);
	return w;
}

static void stream_worker_destroy(void *object)
{
	struct stream_worker *w = object;

	stream_names_destroy_all(w->names, w->conf);
	exchange_fini(&w->exchange);
	free(w);
}

const struct protocol stream_protocol = {
	.name = "stream",
	.moves_any_time = true,
	.create = stream_worker_create,
	.destroy = stream_worker_destroy,
	.step = stream_step,
	.timeout = stream_timeout,
	.is_idle = stream_is_idle,
	.close = stream_close,
	.freeze = stream_freeze,
	.rests = stream_rests,
	.thaw = stream_thaw,
	.describe = stream_describe,
};
