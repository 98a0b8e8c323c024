/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request moves once it has a connection to its server: with that, what was
 * read from it and not passed on, and what of the request was not sent yet.
 * The worker that takes over finds upstream and server by their names, or goes
 * on without them. A connection that is being made is waited for.
 *
 * The struct and values here are of the format, not of the program: see
 * base/shared/frozen.h.
 */
#include "worker/handler/proxy/forward_frozen.h"

#include "base/fd.h"
#include "worker/handler/proxy/forward_compact.h"
#include "worker/handler/proxy/forward_queue.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/http.h"
#include "worker/http/router.h"

struct frozen_forward {
	struct str upstream, server;
	uint8_t peer; /* its number among the descriptors */
	uint8_t state;
	/* Of the configuration, where it is not ours any more. */
	bool has_own_errors;
	uint64_t connect, send, first_byte, read, total; /* ms */
	uint64_t total_until, head_until;                /* CLOCK_MONOTONIC ns */
	struct str rules;                                /* see proxy_rewrite.h */
	struct str trailers; /* of the response, as far as they have come */
	/* The request. */
	struct str output; /* from its head on, or from what was not sent on */
	uint64_t head_size, sent;
	bool is_chunked;
	bool is_replayable, has_ended, is_waited_for, may_upgrade, was_finished;
	/* The response. */
	struct str input;
	bool is_reused, is_received, keep_alive, is_complete;
	uint8_t n_interim;
	uint8_t framing;
	uint64_t left;
	uint8_t chunk_state, chunk_digits;
	uint64_t chunk_left;
	uint32_t chunk_overhead;
};

enum {
	FROZEN_SENDING = 1,
	FROZEN_CONTENT_COMING = 2,
	FROZEN_TUNNEL = 3,
};

enum {
	FROZEN_NO_CONTENT = 0,
	FROZEN_LENGTH = 1,
	FROZEN_CHUNKED = 2,
	FROZEN_UNTIL_CLOSE = 3,
};

static const struct frozen_field forward_fields[] = {
	FROZEN_FIELD(frozen_forward, upstream),
	FROZEN_FIELD(frozen_forward, server),
	FROZEN_FIELD(frozen_forward, peer),
	FROZEN_FIELD(frozen_forward, state),
	FROZEN_FIELD(frozen_forward, has_own_errors),
	FROZEN_FIELD(frozen_forward, connect),
	FROZEN_FIELD(frozen_forward, send),
	FROZEN_FIELD(frozen_forward, first_byte),
	FROZEN_FIELD(frozen_forward, read),
	FROZEN_FIELD(frozen_forward, total),
	FROZEN_FIELD(frozen_forward, total_until),
	FROZEN_FIELD(frozen_forward, output),
	FROZEN_FIELD(frozen_forward, head_size),
	FROZEN_FIELD(frozen_forward, sent),
	FROZEN_FIELD(frozen_forward, is_chunked),
	FROZEN_FIELD(frozen_forward, is_replayable),
	FROZEN_FIELD(frozen_forward, has_ended),
	FROZEN_FIELD(frozen_forward, is_waited_for),
	FROZEN_FIELD(frozen_forward, may_upgrade),
	FROZEN_FIELD(frozen_forward, was_finished),
	FROZEN_FIELD(frozen_forward, input),
	FROZEN_FIELD(frozen_forward, is_reused),
	FROZEN_FIELD(frozen_forward, is_received),
	FROZEN_FIELD(frozen_forward, keep_alive),
	FROZEN_FIELD(frozen_forward, is_complete),
	FROZEN_FIELD(frozen_forward, n_interim),
	FROZEN_FIELD(frozen_forward, framing),
	FROZEN_FIELD(frozen_forward, left),
	FROZEN_FIELD(frozen_forward, chunk_state),
	FROZEN_FIELD(frozen_forward, chunk_digits),
	FROZEN_FIELD(frozen_forward, chunk_left),
	FROZEN_FIELD(frozen_forward, chunk_overhead),
	FROZEN_FIELD_OF(frozen_forward, head_until, 2, 0),
	FROZEN_FIELD_OF(frozen_forward, rules, 2, 0),
	FROZEN_FIELD_OF(frozen_forward, trailers, 3, 0),
};
static const struct frozen_layout forward_layout =
	FROZEN_LAYOUT(FROZEN_FORWARD, forward_fields);

/* Giving. */

bool forward_may_move(const struct exchange *x)
{
	const struct forward *f = forward_of(x);

	if (f != NULL && f->state == FORWARD_WAITING)
		return forward_queue_may_move(f);
	if (f == NULL || f->peer == NULL || f->has_timed_out ||
	    f->state == FORWARD_CONNECTING || f->state == FORWARD_OVER)
		return false;
	/* A body that was collected is in a file of ours; what the server gets
	 * before the request, in the socket's buffer, is not in the message. */
	return f->whole_sent == f->whole.n && buf_length(&f->peer->socket.out) == 0;
}

/* A tunnel that is silent both ways, and that is not being served now: its
 * peer is a socket in the batch as any, and is the current one in its turn. */
bool forward_rests(const struct exchange *x)
{
	const struct forward *f = forward_of(x);

	if (!forward_may_move(x) || f->state != FORWARD_TUNNEL)
		return false;
	const struct socket *s = &f->peer->socket;

	return f->peer->state == PEER_BUSY && forward_is_of(f, f->peer) &&
	       s != s->net->batch.current && !s->broken &&
	       buf_length(&f->out) == 0 && buf_length(&s->in) == 0;
}

static uint8_t state_of(const struct forward *f)
{
	switch (f->state) {
	case FORWARD_TUNNEL:
		return FROZEN_TUNNEL;
	case FORWARD_CONTENT:
		return FROZEN_CONTENT_COMING;
	default:
		return FROZEN_SENDING;
	}
}

static uint8_t framing_of(const struct forward *f)
{
	switch (f->framing) {
	case RESPONSE_LENGTH:
		return FROZEN_LENGTH;
	case RESPONSE_CHUNKED:
		return FROZEN_CHUNKED;
	case RESPONSE_UNTIL_CLOSE:
	case RESPONSE_TUNNEL:
		return FROZEN_UNTIL_CLOSE;
	default:
		return FROZEN_NO_CONTENT;
	}
}

void forward_freeze(const struct exchange *x, struct frozen_writer *message)
{
	const struct forward *f = forward_of(x);

	if (f->state == FORWARD_WAITING) {
		forward_queue_freeze(f, message);
		return;
	}
	const struct conf_upstream *conf = f->upstream->conf;
	struct frozen_forward frozen = {
		.upstream = str_of(conf->name),
		.server = str_of(f->server->conf->text),
		.peer = frozen_put_fd(message, f->peer->socket.watch.fd),
		.state = state_of(f),
		.has_own_errors = f->proxy->conf->errors == CONF_PROXY_ERRORS_OWN,
		.connect = conf->timeouts.connect,
		.send = conf->timeouts.send,
		.first_byte = conf->timeouts.first_byte,
		.read = conf->timeouts.read,
		.total = conf->timeouts.total,
		.total_until = f->total_until,
		.head_until = f->head_until,
		.rules = f->rules,
		.trailers = fields_str(&f->trailers),
		.output = buf_str(&f->out),
		.head_size = f->head_size,
		.sent = f->sent,
		.is_chunked = f->body.framing == PROXY_CHUNKED,
		.is_replayable = f->is_replayable && f->whole.n == 0,
		.has_ended = f->has_ended,
		.is_waited_for = f->is_waited_for,
		.may_upgrade = f->may_upgrade,
		.was_finished = f->was_finished,
		.input = buf_str(&f->peer->socket.in),
		.is_reused = f->peer->is_reused,
		.is_received = f->is_received,
		.keep_alive = f->keep_alive,
		.is_complete = f->is_complete,
		.n_interim = (uint8_t)f->n_interim,
		.framing = framing_of(f),
		.left = f->left,
		.chunk_state = (uint8_t)f->chunked.state,
		.chunk_digits = (uint8_t)f->chunked.digits,
		.chunk_left = f->chunked.left,
		.chunk_overhead = f->chunked.overhead,
	};

	frozen_put(message, &forward_layout, &frozen);
}

/* Taking. */

/* What of the route's configuration may still be asked for. */
static const struct proxy *make_proxy(struct exchange *x,
				      const struct frozen_forward *frozen)
{
	struct proxy *proxy = arena_zalloc(&x->arena, 1, sizeof(*proxy));
	struct conf_proxy *conf = arena_zalloc(&x->arena, 1, sizeof(*conf));

	conf->errors = frozen->has_own_errors ? CONF_PROXY_ERRORS_OWN
					      : CONF_PROXY_ERRORS_PASS;
	proxy->route = x->route->conf;
	proxy->conf = conf;
	return proxy;
}

static void find_server(struct forward *f, const struct frozen_forward *frozen)
{
	struct upstreams *upstreams = f->x->http->upstreams;
	struct conf_upstream_timeouts timeouts = {
		.connect = frozen->connect,
		.send = frozen->send,
		.first_byte = frozen->first_byte,
		.read = frozen->read,
		.total = frozen->total,
	};

	f->upstream = upstreams_find(upstreams, frozen->upstream, frozen->server,
				     &timeouts, &f->server);
	f->tried = arena_zalloc(&f->x->arena, f->upstream->conf->retries + 2,
				sizeof(struct server *));
	f->tried[f->n_tried++] = f->server;
}

static bool get_states(struct forward *f, const struct frozen_forward *frozen)
{
	static const enum forward_state states[] = {
		[FROZEN_SENDING] = FORWARD_SENDING,
		[FROZEN_CONTENT_COMING] = FORWARD_CONTENT,
		[FROZEN_TUNNEL] = FORWARD_TUNNEL,
	};
	static const enum response_framing framings[] = {
		[FROZEN_NO_CONTENT] = RESPONSE_NO_CONTENT,
		[FROZEN_LENGTH] = RESPONSE_LENGTH,
		[FROZEN_CHUNKED] = RESPONSE_CHUNKED,
		[FROZEN_UNTIL_CLOSE] = RESPONSE_UNTIL_CLOSE,
	};

	if (frozen->state < FROZEN_SENDING || frozen->state > FROZEN_TUNNEL ||
	    frozen->framing > FROZEN_UNTIL_CLOSE ||
	    frozen->chunk_state >= CHUNKED_STATES ||
	    frozen->sent > frozen->output.n ||
	    (frozen->is_replayable && frozen->head_size > frozen->output.n))
		return false;
	f->state = states[frozen->state];
	f->framing = framings[frozen->framing];
	f->left = frozen->left;
	f->chunked = (struct chunked){
		.state = (enum chunked_state)frozen->chunk_state,
		.digits = frozen->chunk_digits,
		.left = frozen->chunk_left,
		.overhead = frozen->chunk_overhead,
	};
	return true;
}

static void get_rest(struct forward *f, const struct frozen_forward *frozen)
{
	f->total_until = frozen->total_until;
	f->head_until = frozen->head_until;
	f->rules = arena_copy(&f->x->arena, frozen->rules);
	if (frozen->trailers.n > 0)
		fields_add_lines(&f->trailers, &f->x->arena, frozen->trailers);
	f->body.framing = frozen->is_chunked ? PROXY_CHUNKED : PROXY_NO_BODY;
	buf_put(&f->out, frozen->output);
	f->head_size = frozen->head_size;
	f->sent = frozen->sent;
	f->is_replayable = frozen->is_replayable;
	f->has_ended = frozen->has_ended;
	f->is_waited_for = frozen->is_waited_for;
	f->may_upgrade = frozen->may_upgrade;
	f->was_finished = frozen->was_finished;
	f->is_received = frozen->is_received;
	f->keep_alive = frozen->keep_alive;
	f->is_complete = frozen->is_complete;
	f->n_interim = frozen->n_interim;
}

void forward_hand_over(struct forward *f)
{
	struct exchange *x = f->x;

	x->body.is_paused = f->is_waited_for;
	if (f->state == FORWARD_SENDING) {
		exchange_hold(x, forward_cancel, f);
		x->ends_with_peer = true;
		return;
	}
	x->response.is_duplex = f->state == FORWARD_CONTENT && !f->has_ended;
	x->body.want = BODY_WANT_PIECES;
	x->response.body.kind = BODY_STREAM;
	x->response.body.read = forward_read;
	if (f->framing == RESPONSE_LENGTH)
		x->response.body.splice = forward_splice;
	x->response.body.owner = f;
	x->response.body.release = forward_release;
	x->response.body.moves = true;
}

bool forward_thaw(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_forward frozen = {.peer = FROZEN_NO_FD};

	if (frozen_next(message) == FROZEN_FORWARD_WAITING)
		return forward_queue_thaw(x, message);
	struct forward *f = arena_zalloc(&x->arena, 1, sizeof(*f));

	if (frozen_get(message, &forward_layout, &frozen) != FROZEN_OK)
		return false;
	int fd = frozen_get_fd(message, frozen.peer);

	f->x = x;
	if (fd == -1 || !get_states(f, &frozen) ||
	    (f->state == FORWARD_SENDING) != (x->state == EXCHANGE_HANDLED)) {
		fd_close(&fd);
		return false;
	}
	if (x->upstream == NULL) /* of a release that does not tell */
		x->upstream = arena_zalloc(&x->arena, 1, sizeof(*x->upstream));
	f->proxy = make_proxy(x, &frozen);
	find_server(f, &frozen);
	f->peer = peer_adopt(x->http->upstreams->net, f->server,
			     &(struct peer_origin){.fd = fd,
						   .in = frozen.input,
						   .is_reused = frozen.is_reused},
			     &forward_user, f);
	if (f->peer == NULL)
		return false;
	f->peer->client = forward_client(f);
	get_rest(f, &frozen);
	forward_hand_over(f);
	peer_wake(f->peer); /* arms what has to be waited for */
	return true;
}
