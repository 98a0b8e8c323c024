/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request on its way to a server: its tries, and the head of the response.
 * The bodies, both ways, are forward_body.c's, and waiting is forward_queue.c's.
 *
 *   choose    forward_start() > forward_try(): a server is chosen, or the request
 *             waits for one: forward_queue.c
 *   connect   a connection that is idle, or a new one
 *             (on_connected())
 *   send      forward_push(): head and body, as far as it has come
 *   head      read_head(): the head of the response answers the exchange
 *   content   forward_read(), for the protocol that sends it, or both ways at
 *             once in a tunnel
 *
 * A try that fails before the head is there may be made again on another
 * server: forward_retry.c has the rules.
 */
#include "worker/handler/proxy/forward.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec/response_head.h"
#include "base/log.h"
#include "worker/handler/proxy/forward_queue.h"
#include "worker/handler/proxy/forward_retry.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/forward_sticky.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/handler/proxy/proxy_request.h"
#include "worker/handler/proxy/proxy_response.h"
#include "worker/handler/proxy/proxy_rewrite.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstream.h"

enum {
	FORWARD_HEAD = 64 * 1024,    /* bytes of the head of a response */
	FORWARD_FRESH_MS = 1000,     /* see use_idle() */
	FORWARD_AT_HAND = 16 * 1024, /* see is_at_hand() */
	FORWARD_INTERIM_MAX = 32,    /* 1xx responses before the final one */
};

static const char *const state_names[] = {
	[FORWARD_WAITING] = "waiting", [FORWARD_CONNECTING] = "connecting",
	[FORWARD_SENDING] = "sending", [FORWARD_CONTENT] = "content",
	[FORWARD_TUNNEL] = "tunnel",   [FORWARD_OVER] = "over",
};

void forward_set_state(struct forward *f, enum forward_state state)
{
	log_debug("forward: %s -> %s", state_names[f->state], state_names[state]);
	f->state = state;
}

void forward_wait_until(struct forward *f, uint64_t until)
{
	if (f->total_until != 0 && f->total_until < until)
		until = f->total_until;
	socket_set_timeout_at(&f->peer->socket, until);
}

void forward_wait_for_peer(struct forward *f, uint64_t ms)
{
	forward_wait_until(f, forward_now(f) + ms * NS_PER_MS);
}

/* The end of a try, or of all of it. */

static void let_go_of_peer(struct forward *f)
{
	if (f->peer == NULL)
		return;
	bool is_clean = f->is_complete && f->keep_alive && f->has_ended &&
			forward_unsent(f) == 0;

	buf_consume(&f->peer->socket.in, f->at_hand);
	f->at_hand = 0;
	if (is_clean)
		peer_keep(f->peer);
	else
		peer_close(&f->peer);
	f->peer = NULL;
}

void forward_note_end(struct forward *f)
{
	struct exchange_upstream *u = f->x->upstream;

	if (u->ended == 0)
		u->ended = forward_now(f);
}

void forward_complete(struct forward *f)
{
	f->is_complete = true;
	forward_note_end(f);
}

static void finish(struct forward *f)
{
	forward_set_state(f, FORWARD_OVER);
	forward_note_end(f);
	if (f->waiter.upstream != NULL)
		waiter_leave(&f->waiter);
	let_go_of_peer(f);
	buf_release(&f->out);
}

void forward_cancel(struct exchange *x)
{
	finish(x->holder);
}

void forward_release(void *owner)
{
	finish(owner);
}

void forward_refuse(struct forward *f, unsigned status, const char *phase,
		    const char *why)
{
	failure_set(f->x, FAILURE_UPSTREAM, "upstream %s%s%s: %s: %s",
		    f->upstream->conf->name, f->server != NULL ? ", server " : "",
		    f->server != NULL ? f->server->conf->text : "", phase, why);
	finish(f);
	exchange_answer_error(f->x, status);
}

static void try_again(struct forward *f)
{
	f->sent = 0;
	f->whole_sent = 0;
	f->scanned = 0;
	f->n_interim = 0;
	f->is_received = false;
	f->head_until = 0;
	f->x->http->counters->upstream_retries++;
	forward_try(f);
}

void forward_count_failure(struct forward *f, const char *why)
{
	f->x->http->counters->upstream_failures++;
	server_failed(f->server, why);
}

/* This try has failed. One that met a connection which the server had closed
 * meanwhile is no fault of the server's, and does not count. */
static void fail(struct forward *f, unsigned status, enum conf_retry cause,
		 const char *phase, const char *why)
{
	bool was_stale = f->peer != NULL && f->peer->is_reused && !f->is_received &&
			 status == 502;
	bool may = was_stale ? forward_is_repeatable(f)
			     : forward_may_try_again(f, cause);

	peer_close(&f->peer);
	if (!was_stale) {
		forward_count_failure(f, why);
		if (f->n_tried > f->upstream->conf->retries)
			may = false;
	} else if (f->n_tried > 0) {
		f->n_tried--;
	}
	if (may && !forward_is_too_late(f))
		try_again(f);
	else
		forward_refuse(f, status, phase, why);
}

/* The response. */

/* All of a small content is there already: it is sent along with the head,
 * from where it lies. */
static bool is_at_hand(const struct forward *f)
{
	return f->framing == RESPONSE_LENGTH && f->left <= FORWARD_AT_HAND &&
	       f->left <= buf_length(&f->peer->socket.in);
}

static void set_content(struct forward *f, const struct response_head *head)
{
	struct exchange *x = f->x;
	struct body *body = &x->response.body;
	bool is_head = x->request.method == METHOD_HEAD;

	*body = (struct body){
		.kind = BODY_STREAM,
		.length = BODY_LENGTH_UNKNOWN,
		.read = forward_read,
		.owner = f,
		.release = forward_release,
		.moves = true,
	};
	if (f->framing == RESPONSE_NO_CONTENT) {
		body->kind = BODY_NONE;
		body->length = 0;
		if (is_head)
			body->length = head->has_length ? head->content_length
							: BODY_LENGTH_UNKNOWN;
		forward_complete(f);
	} else if (is_at_hand(f)) {
		body->kind = BODY_BYTES;
		body->bytes = (struct str){buf_str(&f->peer->socket.in).p, f->left};
		body->length = f->left;
		f->at_hand = f->left;
		forward_complete(f);
	} else if (f->framing == RESPONSE_LENGTH) {
		body->length = f->left;
		body->splice = forward_splice;
	}
}

static void answer(struct forward *f, const struct response_head *head)
{
	struct exchange *x = f->x;

	x->upstream->status = head->status;
	if (head->status >= 400 && forward_asks_another(f, head->status)) {
		server_succeeded(f->server);
		peer_close(&f->peer);
		try_again(f);
		return;
	}
	f->framing = head->framing;
	f->left = head->content_length;
	f->keep_alive = head->keep_alive;
	f->is_replayable = false;
	f->total_until = 0; /* it is for what has come until here */
	socket_clear_timeout(&f->peer->socket);
	/* Whatever its status: an application that fails for one request is no
	 * reason to take its server from all others. */
	server_succeeded(f->server);
	if (head->status >= 400 &&
	    f->proxy->conf->errors == CONF_PROXY_ERRORS_OWN) {
		failure_set(x, FAILURE_CONFIGURED,
			    "upstream %s, server %s: it answered so, and errors = "
			    "\"own\"",
			    f->upstream->conf->name, f->server->conf->text);
		finish(f);
		exchange_answer_error(x, head->status);
		return;
	}
	proxy_response_fill(x, head, f->rules);
	forward_sticky_set(f);
	buf_consume(&f->peer->socket.in, head->size);
	x->response.is_tunnel = f->framing == RESPONSE_TUNNEL;
	set_content(f, head);
	x->response.is_duplex = !f->has_ended && !f->is_complete &&
				f->body.framing != PROXY_NO_BODY &&
				!x->response.is_tunnel;
	forward_set_state(f,
			  x->response.is_tunnel ? FORWARD_TUNNEL : FORWARD_CONTENT);
	if (x->response.is_tunnel) {
		x->ends_with_peer = false;
		f->has_ended = false; /* what follows has its own end */
		f->body.framing = PROXY_NO_BODY;
	}
	exchange_answer(x);
}

/* RFC 9110 section 15.2: any number of them may come before the response, and
 * 100 is for us alone. False when the try has failed. */
static bool take_interim(struct forward *f, const struct response_head *head)
{
	if (++f->n_interim > FORWARD_INTERIM_MAX) {
		fail(f, 502, CONF_RETRY_INVALID, "response",
		     "too many responses of 1xx");
		return false;
	}
	if (head->status != 100)
		proxy_response_pass_interim(f->x, head);
	buf_consume(&f->peer->socket.in, head->size);
	f->head_until = 0; /* it goes on: the server is at it */
	return true;
}

static void note_received(struct forward *f)
{
	if (!f->is_received)
		f->x->upstream->first_byte = forward_now(f);
	f->is_received = true;
}

/* A step on the way to the head of the response; false when there is none
 * before the next event. */
static bool step_head(struct forward *f)
{
	static struct response_head head; /* large; of no use afterwards */
	static const struct response_limits limits = {.bytes = FORWARD_HEAD,
						      .fields = HTTP1_FIELDS_MAX};
	struct socket *s = &f->peer->socket;
	struct str in = buf_str(&s->in);
	const char *why;

	if (in.n > 0) {
		note_received(f);
		switch (response_head_parse(in, f->x->request.method == METHOD_HEAD,
					    &limits, &f->scanned, &head, &why)) {
		case HTTP1_COMPLETE:
			if (head.framing == RESPONSE_TUNNEL && !f->may_upgrade) {
				fail(f, 502, CONF_RETRY_INVALID, "response",
				     "101 was not asked for");
				return false;
			}
			if (head.status < 200 && head.framing != RESPONSE_TUNNEL)
				return take_interim(f, &head);
			answer(f, &head);
			return false;
		case HTTP1_BAD:
			fail(f, 502, CONF_RETRY_INVALID, "response", why);
			return false;
		case HTTP1_PARTIAL:
			break;
		}
	}
	switch (socket_read(s)) {
	case IO_OK:
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
		if (in.n > 0)
			fail(f, 502, CONF_RETRY_INVALID, "response",
			     "the connection was closed in its head");
		else
			fail(f, 502, CONF_RETRY_CLOSED, "response",
			     "the connection was closed before it");
		return false;
	default:
		fail(f, 502, in.n > 0 ? CONF_RETRY_INVALID : CONF_RETRY_CLOSED,
		     "response", strerror(errno));
		return false;
	}
}

static void read_head(struct forward *f)
{
	while (step_head(f))
		;
}

/* What the peer tells. */

static void on_connected(struct peer *peer, int error)
{
	struct forward *f = peer->context;

	if (error != 0) {
		f->peer = NULL;
		fail(f, 502, CONF_RETRY_CONNECT, "connect", strerror(error));
		return;
	}
	f->x->upstream->connected = forward_now(f);
	forward_set_state(f, FORWARD_SENDING);
	forward_push(f);
	forward_want_more(f);
	read_head(f);
}

static void on_ready(struct peer *peer)
{
	struct forward *f = peer->context;

	forward_push(f);
	forward_want_more(f);
	if (f->state == FORWARD_SENDING)
		read_head(f);
	else
		exchange_resume(f->x);
}

static void on_timeout(struct peer *peer)
{
	struct forward *f = peer->context;

	switch (f->state) {
	case FORWARD_CONNECTING:
		fail(f, 504, CONF_RETRY_CONNECT, "connect", "timed out");
		break;
	case FORWARD_SENDING:
		if (forward_unsent(f) > 0)
			fail(f, 504, CONF_RETRY_TIMEOUT, "send", "timed out");
		else
			fail(f, 504, CONF_RETRY_TIMEOUT, "response", "timed out");
		break;
	default:
		f->has_timed_out = true;
		exchange_resume(f->x);
	}
}

const struct peer_user forward_user = {
	.on_connected = on_connected,
	.on_ready = on_ready,
	.on_timeout = on_timeout,
};

/* The beginning, and each new try. */

/* The head was made by another worker, of whose route we know only that. */
static void replace_host(struct forward *f, const char *address)
{
	static const struct str name = STR_INIT("\r\nHost: ");
	struct str all = buf_str(&f->out), rest = {all.p, f->head_size};
	const char *at = memmem(rest.p, rest.n, name.p, name.n);
	struct buf out = {0};

	if (at == NULL)
		return;
	rest = str_tail(all, (size_t)(at - all.p) + name.n);
	buf_put(&out, (struct str){all.p, all.n - rest.n});
	buf_put(&out, proxy_request_host(address));
	(void)str_cut(&rest, '\r');
	f->head_size = f->head_size + buf_length(&out) + 1 + rest.n - all.n;
	buf_put(&out, STR("\r"));
	buf_put(&out, rest);
	buf_release(&f->out);
	f->out = out;
}

bool forward_put_head(struct forward *f)
{
	struct buf head = {0};
	struct str body = str_tail(buf_str(&f->out), f->head_size);
	const char *address = f->server != NULL ? f->server->conf->text : "";

	if (f->is_thawed) {
		if (f->proxy->conf->host == CONF_PROXY_HOST_SERVER)
			replace_host(f, address);
		return true;
	}
	if (f->head_size > 0 && f->proxy->conf->host != CONF_PROXY_HOST_SERVER)
		return true; /* it is the same for every server */
	if (!proxy_request_put_head(&head, f->x, f->proxy, f->body, address)) {
		buf_release(&head);
		finish(f);
		failure_set(f->x, FAILURE_TOO_LARGE,
			    "the head is too large for upstream %s with the values "
			    "of its fields",
			    f->upstream->conf->name);
		exchange_answer_error(f->x, 413);
		return false;
	}
	f->head_size = buf_length(&head);
	buf_put(&head, body);
	buf_release(&f->out);
	f->out = head;
	return true;
}

/* Whether it can be sent again after all of it was: see drop_sent(). */
static bool stays_replayable(const struct forward *f)
{
	if (!forward_is_idempotent(f) || !f->is_replayable)
		return false;
	return f->has_ended || f->body.framing == PROXY_NO_BODY ||
	       (f->body.framing == PROXY_LENGTH &&
		f->head_size + f->body.length <= FORWARD_REPLAY);
}

/*
 * An idle connection may be closed by the server in the moment in which it is
 * used. A request that can be sent again is, then; any other only takes one
 * that was used just now, which no server's keep-alive time-out will end.
 */
static bool use_idle(struct forward *f)
{
	uint64_t max_ms = stays_replayable(f) ? f->upstream->conf->keepalive_time
					      : FORWARD_FRESH_MS;

	f->peer = server_idle_peer(f->server, forward_client(f), max_ms);
	if (f->peer == NULL)
		return false;
	f->server->requests++;
	peer_use(f->peer, &forward_user, f);
	forward_set_state(f, FORWARD_SENDING);
	forward_push(f);
	forward_want_more(f); /* of a body that an earlier try could not send */
	read_head(f);
	return true;
}

/* For the log, which tells of the last try. */
static void note_try(struct forward *f)
{
	struct exchange_upstream *u = f->x->upstream;

	u->server = str_of(f->server->conf->text);
	if (f->server->conf == &f->server->own) /* it may be gone before */
		u->server = arena_copy(&f->x->arena, u->server);
	u->tries++;
	u->asked = forward_now(f);
	u->connected = 0;
	u->first_byte = 0;
}

/* Tells the server who the client is; from now on the connection is for that
 * client alone. */
static void introduce(struct forward *f)
{
	struct endpoint ours = f->x->protocol->local(f->x);

	f->peer->client = forward_client(f);
	peer_put_header(f->peer, &f->x->connection->peer, &ours);
}

void forward_try(struct forward *f)
{
	struct server *server = forward_choose(f);

	if (server == NULL)
		return;
	f->server = server;
	f->tried[f->n_tried++] = f->server;
	if (!forward_put_head(f))
		return;
	note_try(f);
	if (use_idle(f))
		return;
	forward_set_state(f, FORWARD_CONNECTING);
	f->peer = server_connect(f->server, &forward_user, f);
	if (f->peer == NULL) {
		fail(f, 502, CONF_RETRY_CONNECT, "connect", strerror(errno));
		return;
	}
	if (f->server->proxy_protocol != CONF_PROXY_PROTOCOL_OFF)
		introduce(f);
	forward_wait_for_peer(f, forward_timeouts(f)->connect);
}

static uint64_t hash_of(const struct forward *f)
{
	struct str text;

	if (f->upstream->conf->balance != CONF_BALANCE_HASH ||
	    !template_evaluate(&f->upstream->conf->hash, f->x, ESCAPE_NONE, &text))
		return 0;
	return str_hash(text);
}

void forward_start(struct exchange *x, const struct proxy *proxy)
{
	struct forward *f = arena_zalloc(&x->arena, 1, sizeof(*f));
	bool is_whole = proxy->conf->request_buffer;

	f->x = x;
	f->proxy = proxy;
	f->upstream = &x->http->upstreams->items[proxy->upstream];
	f->tried = arena_zalloc(&x->arena, f->upstream->conf->retries + 1,
				sizeof(struct server *));
	f->body = proxy_request_body(x, is_whole);
	f->whole = is_whole ? x->request.body : STR("");
	f->has_ended = is_whole;
	f->is_replayable = true;
	f->may_upgrade = proxy_request_upgrades(x, proxy);
	f->hash = hash_of(f);
	if (forward_timeouts(f)->total != 0)
		f->total_until =
			forward_now(f) + forward_timeouts(f)->total * NS_PER_MS;
	x->upstream = arena_zalloc(&x->arena, 1, sizeof(*x->upstream));
	x->upstream->name = str_of(f->upstream->conf->name);
	x->upstream->begun = forward_now(f);
	x->http->counters->upstream_requests++;
	if (!proxy_rewrite_rules(x, proxy, f->body.framing == PROXY_CHUNKED,
				 &f->rules)) {
		failure_set(
			x, FAILURE_TOO_LARGE,
			"the rules for upstream %s are too long with their values",
			f->upstream->conf->name);
		exchange_answer_error(x, 413);
		return;
	}
	exchange_hold(x, forward_cancel, f);
	x->ends_with_peer = true; /* what nobody waits for is not asked for */
	forward_try(f);
}
