/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream moves at any point: while its ClientHello is awaited, while the
 * connection to a server is being made, and while bytes are passed on, with both
 * sockets and what was read and not sent. The worker that takes over finds
 * upstream and server by their names, or goes on without them.
 *
 * The struct and values here are of the format, not of the program: see
 * base/shared/frozen.h.
 */
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "worker/http/http.h"
#include "worker/proto/stream/stream_state.h"
#include "worker/upstream/upstreams.h"

struct frozen_stream {
	uint8_t state;
	struct str upstream, server; /* empty while the ClientHello is awaited */
	uint8_t peer;                /* its number among the descriptors */
	struct str name;             /* that the client asked for */
	uint64_t connect;            /* ms: the upstream's time-out */
	uint64_t idle;               /* ms */
	struct str input, output;    /* the peer's */
	uint64_t up, down;           /* bytes, but for those in `in` */
	bool up_ended, up_finished, up_broken;
	bool down_ended, down_finished, down_broken;
	uint8_t first_end; /* who ended first: FROZEN_END_* */
	uint32_t tries;
	/* CLOCK_MONOTONIC ns */
	uint64_t begun, asked, connected, first_byte, active_at;
};

enum {
	FROZEN_STREAM_HELLO = 1,
	FROZEN_STREAM_CONNECTING = 2,
	FROZEN_STREAM_PASSING = 3,
};

enum {
	FROZEN_END_NONE = 0,
	FROZEN_END_CLIENT = 1,
	FROZEN_END_SERVER = 2,
};

static const struct frozen_field stream_fields[] = {
	FROZEN_FIELD(frozen_stream, state),
	FROZEN_FIELD(frozen_stream, upstream),
	FROZEN_FIELD(frozen_stream, server),
	FROZEN_FIELD(frozen_stream, peer),
	FROZEN_FIELD(frozen_stream, name),
	FROZEN_FIELD(frozen_stream, connect),
	FROZEN_FIELD(frozen_stream, idle),
	FROZEN_FIELD(frozen_stream, input),
	FROZEN_FIELD(frozen_stream, output),
	FROZEN_FIELD(frozen_stream, up),
	FROZEN_FIELD(frozen_stream, down),
	FROZEN_FIELD(frozen_stream, up_ended),
	FROZEN_FIELD(frozen_stream, up_finished),
	FROZEN_FIELD(frozen_stream, up_broken),
	FROZEN_FIELD(frozen_stream, down_ended),
	FROZEN_FIELD(frozen_stream, down_finished),
	FROZEN_FIELD(frozen_stream, down_broken),
	FROZEN_FIELD(frozen_stream, first_end),
	FROZEN_FIELD(frozen_stream, tries),
	FROZEN_FIELD(frozen_stream, begun),
	FROZEN_FIELD(frozen_stream, asked),
	FROZEN_FIELD(frozen_stream, connected),
	FROZEN_FIELD(frozen_stream, first_byte),
	FROZEN_FIELD(frozen_stream, active_at),
};
static const struct frozen_layout stream_layout =
	FROZEN_LAYOUT(FROZEN_STREAM, stream_fields);

/* Giving. */

static uint8_t state_of(const struct stream *s)
{
	switch (s->state) {
	case STREAM_HELLO:
		return FROZEN_STREAM_HELLO;
	case STREAM_CONNECTING:
		return FROZEN_STREAM_CONNECTING;
	default:
		return FROZEN_STREAM_PASSING;
	}
}

static uint8_t end_of(const struct stream *s)
{
	return s->end == STREAM_CLIENT_CLOSED   ? FROZEN_END_CLIENT
	       : s->end == STREAM_SERVER_CLOSED ? FROZEN_END_SERVER
						: FROZEN_END_NONE;
}

static void put_peer(const struct stream *s, struct frozen_stream *frozen,
		     struct frozen_writer *message)
{
	frozen->upstream = str_of(s->upstream->conf->name);
	frozen->server = str_of(s->server->conf->text);
	frozen->connect = s->upstream->conf->timeouts.connect;
	frozen->peer = frozen_put_fd(message, s->peer->socket.watch.fd);
	frozen->input = buf_str(&s->peer->socket.in);
	frozen->output = buf_str(&s->peer->socket.out);
}

bool stream_freeze(const struct conn *c, struct frozen_writer *message)
{
	const struct stream *s = c->session;

	if (s == NULL)
		return true;
	if (s->state == STREAM_OVER ||
	    (s->state != STREAM_HELLO && s->peer == NULL))
		return false;
	struct frozen_stream frozen = {
		.state = state_of(s),
		.peer = FROZEN_NO_FD,
		.upstream = STR(""),
		.server = STR(""),
		.input = STR(""),
		.output = STR(""),
		.name = str_of(s->name != NULL ? s->name : ""),
		.idle = s->idle_ms,
		.up = s->up.bytes,
		.down = s->down.bytes,
		.up_ended = s->up.has_ended,
		.up_finished = s->up.was_finished,
		.up_broken = s->up.is_broken,
		.down_ended = s->down.has_ended,
		.down_finished = s->down.was_finished,
		.down_broken = s->down.is_broken,
		.first_end = end_of(s),
		.tries = s->tries,
		.begun = s->begun,
		.asked = s->asked,
		.connected = s->connected,
		.first_byte = s->first_byte,
		.active_at = s->active_at,
	};

	if (s->peer != NULL)
		put_peer(s, &frozen, message);
	frozen_put(message, &stream_layout, &frozen);
	return true;
}

/* Taking. */

static char *copy(struct str text)
{
	char *cstr = mem_alloc(text.n + 1);

	memcpy(cstr, text.p, text.n);
	cstr[text.n] = '\0';
	return cstr;
}

static void get_rest(struct stream *s, const struct frozen_stream *frozen)
{
	static const enum stream_end ends[] = {
		[FROZEN_END_NONE] = STREAM_CUT,
		[FROZEN_END_CLIENT] = STREAM_CLIENT_CLOSED,
		[FROZEN_END_SERVER] = STREAM_SERVER_CLOSED,
	};

	s->idle_ms = frozen->idle;
	s->up = (struct stream_flow){
		.bytes = frozen->up,
		.has_ended = frozen->up_ended,
		.was_finished = frozen->up_finished,
		.is_broken = frozen->up_broken,
	};
	s->down = (struct stream_flow){
		.bytes = frozen->down,
		.has_ended = frozen->down_ended,
		.was_finished = frozen->down_finished,
		.is_broken = frozen->down_broken,
	};
	s->end = ends[frozen->first_end];
	s->tries = frozen->tries;
	s->begun = frozen->begun;
	s->asked = frozen->asked;
	s->connected = frozen->connected;
	s->first_byte = frozen->first_byte;
	s->active_at = frozen->active_at;
	if (frozen->name.n > 0)
		s->name = copy(frozen->name);
}

/* The configuration of today's upstream counts, for further tries, too. */
static void find_server(struct stream *s, const struct frozen_stream *frozen)
{
	struct conf_upstream_timeouts timeouts = {.connect = frozen->connect};

	s->upstream = upstreams_find(s->worker->http->upstreams, frozen->upstream,
				     frozen->server, &timeouts, &s->server);
	if (s->state != STREAM_CONNECTING)
		return;
	s->tried =
		mem_zalloc(s->upstream->conf->retries + 2, sizeof(struct server *));
	s->tried[s->n_tried++] = s->server;
}

static bool get_peer(struct stream *s, const struct frozen_stream *frozen, int fd)
{
	struct peer_origin origin = {
		.fd = fd,
		.is_connecting = s->state == STREAM_CONNECTING,
		.in = frozen->input,
		.out = frozen->output,
	};

	s->peer = peer_adopt(s->conn->socket.net, s->server, &origin, &stream_user,
			     s);
	if (s->peer == NULL)
		return false;
	if (s->state == STREAM_CONNECTING) {
		socket_set_timeout_at(&s->peer->socket,
				      s->asked + frozen->connect * NS_PER_MS);
	} else {
		s->status = 200;
		peer_wake(s->peer);
	}
	return true;
}

bool stream_thaw(struct conn *c, struct frozen_reader *message)
{
	static const enum stream_state states[] = {
		[FROZEN_STREAM_HELLO] = STREAM_HELLO,
		[FROZEN_STREAM_CONNECTING] = STREAM_CONNECTING,
		[FROZEN_STREAM_PASSING] = STREAM_PASSING,
	};
	struct frozen_stream frozen = {.peer = FROZEN_NO_FD};
	struct stream *s;

	if (frozen_next(message) == 0)
		return true; /* nothing has begun */
	if (frozen_get(message, &stream_layout, &frozen) != FROZEN_OK ||
	    frozen.state < FROZEN_STREAM_HELLO ||
	    frozen.state > FROZEN_STREAM_PASSING ||
	    frozen.first_end > FROZEN_END_SERVER)
		return false;
	s = stream_create(c, states[frozen.state]);
	get_rest(s, &frozen);
	if (s->state == STREAM_HELLO)
		return true;
	int fd = frozen_get_fd(message, frozen.peer);

	if (fd == -1)
		return false;
	find_server(s, &frozen);
	return get_peer(s, &frozen, fd);
}
