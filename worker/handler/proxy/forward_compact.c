/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel without an exchange is its connection to the server, whose user is
 * here as long as it is silent, and a few bytes: see
 * worker/http/exchange_compact.h. Worker.
 */
#include "worker/handler/proxy/forward_compact.h"

#include "base/varint.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/exchange.h"
#include "worker/http/exchange_compact.h"

enum {
	FLAG_HAS_ENDED = 1,
	FLAG_WAS_FINISHED = 2,
};

static void put_upstream(const struct exchange *x, struct buf *out)
{
	const struct exchange_upstream *u = x->upstream;
	uint64_t begun = x->times.first_byte;

	varint_put(out, u->tries);
	varint_put(out, u->status);
	varint_put(out, u->queued);
	varint_put_near(out, u->begun, begun);
	varint_put_near(out, u->asked, begun);
	varint_put_near(out, u->connected, begun);
	varint_put_near(out, u->first_byte, begun);
	varint_put_near(out, u->ended, begun);
}

static void get_upstream(struct exchange *x, const struct forward *f,
			 struct str *from)
{
	struct exchange_upstream *u = arena_zalloc(&x->arena, 1, sizeof(*u));
	uint64_t begun = x->times.first_byte;

	u->name = str_of(f->upstream->conf->name);
	u->server = str_of(f->server->conf->text);
	u->tries = (uint32_t)varint_get(from);
	u->status = (unsigned)varint_get(from);
	u->queued = varint_get(from);
	u->begun = varint_get_near(from, begun);
	u->asked = varint_get_near(from, begun);
	u->connected = varint_get_near(from, begun);
	u->first_byte = varint_get_near(from, begun);
	u->ended = varint_get_near(from, begun);
	x->upstream = u;
}

/* Whether nothing is under way. */
static bool is_silent(const struct forward *f)
{
	return f->state == FORWARD_TUNNEL && f->peer != NULL &&
	       f->peer->state == PEER_BUSY && !f->has_timed_out &&
	       !f->is_complete && !f->is_waited_for && forward_unsent(f) == 0 &&
	       buf_length(&f->peer->socket.in) == 0;
}

static bool put(const struct exchange *x, struct buf *out)
{
	const struct forward *f = forward_of(x);

	if (!is_silent(f))
		return false;
	varint_put_pointer(out, f->peer);
	varint_put_pointer(out, f->upstream);
	varint_put(out, (f->has_ended ? FLAG_HAS_ENDED : 0) |
				(f->was_finished ? FLAG_WAS_FINISHED : 0));
	put_upstream(x, out);
	return true;
}

static void get(struct exchange *x, struct str *from)
{
	/* Nothing of its route is asked for any more. */
	static const struct conf_proxy settings;
	static const struct proxy proxy = {.conf = &settings};
	struct forward *f = arena_zalloc(&x->arena, 1, sizeof(*f));

	f->x = x;
	f->proxy = &proxy;
	f->state = FORWARD_TUNNEL;
	f->framing = RESPONSE_TUNNEL;
	f->is_received = true;
	f->peer = varint_get_pointer(from);
	f->server = f->peer->server;
	f->upstream = varint_get_pointer(from);
	uint64_t flags = varint_get(from);

	f->has_ended = flags & FLAG_HAS_ENDED;
	f->was_finished = flags & FLAG_WAS_FINISHED;
	get_upstream(x, f, from);
	forward_hand_over(f);
}

/* What the peer tells is for the exchange, which has to be there first. */

static void on_ready(struct peer *peer)
{
	(void)exchange_wake(peer->context);
	peer->user->on_ready(peer);
}

static void on_timeout(struct peer *peer)
{
	(void)exchange_wake(peer->context);
	peer->user->on_timeout(peer);
}

static const struct peer_user compact_user = {
	.on_ready = on_ready,
	.on_timeout = on_timeout,
};

static void link(struct exchange *x, struct exchange_compact *compact)
{
	struct forward *f = forward_of(x);
	struct peer *peer = f->peer;

	if (compact == NULL) {
		peer->user = &forward_user;
		peer->context = f;
		return;
	}
	buf_release(&f->out);
	buf_release(&peer->socket.in);
	buf_release(&peer->socket.out);
	peer->user = &compact_user;
	peer->context = compact;
}

bool forward_is_of(const struct forward *f, const struct peer *peer)
{
	return peer->context == f || peer->user == &compact_user;
}

const struct handler_compact forward_compact = {
	.put = put,
	.get = get,
	.link = link,
};
