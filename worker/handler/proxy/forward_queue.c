/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that is not with a server: choosing one, or waiting in the queue of
 * the upstream. First why none is asked, then waiting, then the choice; at last
 * how a request that waits moves to another worker: with its head as it will be
 * sent, and its place in the queue.
 *
 * The struct and values of the last part are of the format, not of the program:
 * see base/shared/frozen.h.
 */
#include "worker/handler/proxy/forward_queue.h"

#include "base/clock.h"
#include "worker/handler/proxy/forward.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/forward_sticky.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/router.h"

enum {
	/* Of a request that waits, in one message with what the client sent. */
	FORWARD_QUEUE_MOVES_MAX = 40 * 1024,
	FORWARD_QUEUE_WHOLE = 16 * 1024, /* of a body that was collected */
};

static void refuse_for_lack(struct forward *f, enum upstream_lack lack)
{
	if (lack == UPSTREAM_FULL && f->upstream->conf->queue > 0) {
		f->x->http->counters->upstream_queue_full++;
		forward_refuse(
			f, 503, "queue",
			"every server is at its max_connections, and the queue is "
			"full");
	} else if (lack == UPSTREAM_FULL) {
		forward_refuse(f, 503, "choice",
			       "every server is at its max_connections");
	} else if (lack == UPSTREAM_CLOSED) {
		forward_refuse(f, 503, "choice",
			       "every server is drained or disabled");
	} else {
		forward_refuse(f, 502, "choice", "no server's name is resolved");
	}
}

/* Of the time that it has waited. */
static void end_wait(struct forward *f)
{
	uint64_t ns = forward_now(f) - f->waiter.since;

	f->x->upstream->queued += ns;
	f->upstream->shown->ms += ns / NS_PER_MS;
}

static void on_turn(struct waiter *waiter, bool is_late)
{
	struct forward *f = CONTAINER_OF(waiter, struct forward, waiter);

	end_wait(f);
	if (f->is_forsaken) {
		forward_refuse(f, 503, "queue",
			       "the upstream is not in the configuration any "
			       "more");
		return;
	}
	if (!is_late) {
		f->is_its_turn = true;
		forward_try(f);
		return;
	}
	f->x->http->counters->upstream_queue_timeouts++;
	if (f->total_until != 0 && forward_now(f) >= f->total_until)
		forward_refuse(f, 504, "queue", "timed out");
	else
		forward_refuse(f, 503, "queue",
			       "no server had a connection to spare within "
			       "queue_timeout");
}

static void start_waiting(struct forward *f, uint64_t until)
{
	if (f->total_until != 0 && f->total_until < until)
		until = f->total_until;
	forward_set_state(f, FORWARD_WAITING);
	waiter_init(&f->waiter, on_turn);
	waiter_join(&f->waiter, f->upstream, f->x->upstream->begun, until);
}

/* The head as it will be sent, but for a Host of the server's own; and a body
 * that was collected, if it is small. False when the exchange was answered. */
static bool make_movable(struct forward *f)
{
	if (!forward_put_head(f))
		return false;
	if (f->whole.n > 0 && f->whole.n <= FORWARD_QUEUE_WHOLE) {
		buf_put(&f->out, f->whole);
		f->whole = STR("");
	}
	return true;
}

/* One whose turn it was, and that cannot use what there is, has no more time for
 * that. */
static void join_queue(struct forward *f)
{
	if (!make_movable(f))
		return;
	if (f->queue_until == 0) {
		f->queue_until = forward_now(f) +
				 f->upstream->conf->queue_timeout * NS_PER_MS;
		f->x->http->counters->upstream_queued++;
		f->upstream->shown->queued++;
	}
	start_waiting(f, f->queue_until);
}

/* A request that comes later goes behind those that wait. */
static bool is_behind_others(struct forward *f)
{
	bool is_its_turn = f->is_its_turn;

	f->is_its_turn = false;
	return f->upstream->n_waiting > 0 && !is_its_turn &&
	       f->x->upstream->tries == 0;
}

/* NULL: it waits, or was refused. */
struct server *forward_choose(struct forward *f)
{
	struct upstream *u = f->upstream;
	enum upstream_lack lack = UPSTREAM_FULL;
	struct server *server = NULL;
	bool is_behind = is_behind_others(f);

	if (!is_behind) {
		server = forward_sticky_server(f);
		if (server == NULL)
			server = upstream_pick(u, f->hash, f->tried, f->n_tried,
					       &lack);
	}
	if (server != NULL) {
		f->queue_until = 0;
		return server;
	}
	f->server = NULL;
	if (lack == UPSTREAM_FULL && waiter_may_join(u))
		join_queue(f);
	else
		refuse_for_lack(f, lack);
	/* Those before it may wait for another server than it needs. */
	if (is_behind)
		upstream_look(u);
	return NULL;
}

/* Moving. */

struct frozen_waiting {
	struct str upstream;
	bool has_own_errors, has_server_host;
	uint64_t hash;
	struct str rules;            /* see proxy_rewrite.h */
	uint64_t total_until, until; /* CLOCK_MONOTONIC ns */
	struct str output;           /* the head, and the body so far */
	uint64_t head_size;
	bool is_chunked, has_ended, is_waited_for, may_upgrade;
};

static const struct frozen_field waiting_fields[] = {
	FROZEN_FIELD(frozen_waiting, upstream),
	FROZEN_FIELD(frozen_waiting, has_own_errors),
	FROZEN_FIELD(frozen_waiting, has_server_host),
	FROZEN_FIELD(frozen_waiting, hash),
	FROZEN_FIELD(frozen_waiting, rules),
	FROZEN_FIELD(frozen_waiting, total_until),
	FROZEN_FIELD(frozen_waiting, until),
	FROZEN_FIELD(frozen_waiting, output),
	FROZEN_FIELD(frozen_waiting, head_size),
	FROZEN_FIELD(frozen_waiting, is_chunked),
	FROZEN_FIELD(frozen_waiting, has_ended),
	FROZEN_FIELD(frozen_waiting, is_waited_for),
	FROZEN_FIELD(frozen_waiting, may_upgrade),
};
static const struct frozen_layout waiting_layout =
	FROZEN_LAYOUT(FROZEN_FORWARD_WAITING, waiting_fields);

bool forward_queue_may_move(const struct forward *f)
{
	return f->whole.n == 0 && buf_length(&f->out) <= FORWARD_QUEUE_MOVES_MAX;
}

void forward_queue_freeze(const struct forward *f, struct frozen_writer *message)
{
	const struct conf_proxy *conf = f->proxy->conf;
	struct frozen_waiting frozen = {
		.upstream = str_of(f->upstream->conf->name),
		.has_own_errors = conf->errors == CONF_PROXY_ERRORS_OWN,
		.has_server_host = conf->host == CONF_PROXY_HOST_SERVER,
		.hash = f->hash,
		.rules = f->rules,
		.total_until = f->total_until,
		.until = f->waiter.timer.deadline,
		.output = buf_str(&f->out),
		.head_size = f->head_size,
		.is_chunked = f->body.framing == PROXY_CHUNKED,
		.has_ended = f->has_ended,
		.is_waited_for = f->is_waited_for,
		.may_upgrade = f->may_upgrade,
	};

	frozen_put(message, &waiting_layout, &frozen);
}

/* What of the route's configuration may still be asked for. */
static const struct proxy *make_proxy(struct exchange *x,
				      const struct frozen_waiting *frozen)
{
	struct proxy *proxy = arena_zalloc(&x->arena, 1, sizeof(*proxy));
	struct conf_proxy *conf = arena_zalloc(&x->arena, 1, sizeof(*conf));

	conf->errors = frozen->has_own_errors ? CONF_PROXY_ERRORS_OWN
					      : CONF_PROXY_ERRORS_PASS;
	conf->host = frozen->has_server_host ? CONF_PROXY_HOST_SERVER
					     : CONF_PROXY_HOST_CLIENT;
	proxy->route = x->route->conf;
	proxy->conf = conf;
	return proxy;
}

/* One that our configuration does not have has no server to be asked. */
static void find_upstream(struct forward *f, struct str name)
{
	static const struct conf_upstream_timeouts none;
	struct upstreams *all = f->x->http->upstreams;
	struct server *server;

	f->upstream = upstreams_named(all, name);
	f->is_forsaken = f->upstream == NULL;
	if (f->is_forsaken)
		f->upstream = upstreams_find(all, name, STR("-"), &none, &server);
	f->tried = arena_zalloc(&f->x->arena, f->upstream->conf->retries + 2,
				sizeof(struct server *));
}

bool forward_queue_thaw(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_waiting frozen;
	struct forward *f = arena_zalloc(&x->arena, 1, sizeof(*f));

	if (frozen_get(message, &waiting_layout, &frozen) != FROZEN_OK ||
	    x->state != EXCHANGE_HANDLED || x->upstream == NULL ||
	    frozen.head_size > frozen.output.n)
		return false;
	f->x = x;
	f->is_thawed = true;
	f->is_replayable = true;
	f->proxy = make_proxy(x, &frozen);
	find_upstream(f, frozen.upstream);
	f->hash = frozen.hash;
	f->rules = arena_copy(&x->arena, frozen.rules);
	f->total_until = frozen.total_until;
	f->body.framing = frozen.is_chunked ? PROXY_CHUNKED : PROXY_NO_BODY;
	buf_put(&f->out, frozen.output);
	f->head_size = frozen.head_size;
	f->has_ended = frozen.has_ended;
	f->is_waited_for = frozen.is_waited_for;
	f->may_upgrade = frozen.may_upgrade;
	f->queue_until = frozen.until;
	x->upstream->queued = forward_now(f) - x->upstream->begun;
	x->body.is_paused = f->is_waited_for;
	exchange_hold(x, forward_cancel, f);
	x->ends_with_peer = true;
	start_waiting(f, f->is_forsaken ? forward_now(f) : frozen.until);
	upstream_look(f->upstream); /* there may be room here */
	return true;
}
