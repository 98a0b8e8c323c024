/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel that waits for both of its sides has no session: c->session is the
 * exchange as exchange_compact() makes it. Whatever happens to the connection
 * brings the session back first; who only looks, as a worker that crashes, gets
 * one in static memory. Worker.
 */
#include <stdlib.h>

#include "base/log.h"
#include "worker/http/exchange_compact.h"
#include "worker/proto/http1/http1.h"
#include "worker/proto/http1/http1_session.h"

enum { MARK_HAS_ENDED = 1 };

static struct exchange_compact *compact_of(const struct conn *c)
{
	struct exchange_compact *compact = c->session;

	return compact != NULL && compact->magic == EXCHANGE_COMPACT_MAGIC ? compact
									   : NULL;
}

bool http1_is_compact(const struct conn *c)
{
	return compact_of(c) != NULL;
}

void http1_compact(struct conn *c, struct http1 *s)
{
	struct exchange_compact *compact = exchange_compact(
		&s->exchange, c, s->has_ended ? MARK_HAS_ENDED : 0);

	if (compact == NULL)
		return;
	http1_session_put_back(s);
	c->session = compact;
}

/* What a session has in a tunnel. */
static void fill(struct http1 *s, const struct conn *c,
		 const struct exchange_compact *compact, bool is_view)
{
	s->state = HTTP1_TUNNEL;
	s->minor = 1;
	s->keep_alive = false;
	s->has_ended = compact->mark & MARK_HAS_ENDED;
	s->expects_continue = false;
	s->chunked = false;
	s->content_ended = false;
	s->raw_head = STR("");
	exchange_expand(&s->exchange, compact, is_view);
	s->connection.accepted_at =
		s->exchange.connection_requests == 1 ? c->accepted_at : 0;
}

struct http1 *http1_expand_compact(struct conn *c)
{
	struct exchange_compact *compact = compact_of(c);

	if (compact == NULL)
		return http1_session(c);
	c->session = NULL;
	struct http1 *s = http1_session_start(c);

	fill(s, c, compact, false);
	free(compact);
	return s;
}

const struct http1 *http1_view(const struct conn *c)
{
	static struct http1 view;
	static _Alignas(max_align_t) char room[EXCHANGE_COMPACT_ROOM];
	const struct exchange_compact *compact = compact_of(c);

	if (compact == NULL)
		return http1_session(c);
	http1_session_init(&view, net_object(c->socket.net, &http1_protocol));
	http1_session_begin(&view, (struct conn *)(size_t)c);
	view.exchange.arena =
		(struct arena){.next = room, .end = room + sizeof(room)};
	fill(&view, c, compact, true);
	return &view;
}

struct exchange *http1_on_wake(void *owner)
{
	return &http1_expand(owner)->exchange;
}
