/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream, for the files that serve it: see stream.h. Worker. */
#ifndef WORKER_PROTO_STREAM_STREAM_STATE_H
#define WORKER_PROTO_STREAM_STREAM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "worker/http/exchange.h"
#include "worker/net/conn.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstream.h"

struct stream_names;

enum stream_state {
	STREAM_HELLO, /* the ClientHello is awaited, which names the upstream */
	STREAM_CONNECTING,
	STREAM_PASSING,
	STREAM_OVER, /* stream->last is the last step */
};

/* Why a stream has ended, for the log. */
enum stream_end {
	STREAM_CUT, /* by us: the time to drain is over, or the worker ends */
	STREAM_CLIENT_CLOSED, /* both have, and the client was the first */
	STREAM_SERVER_CLOSED,
	STREAM_CLIENT_RESET,
	STREAM_SERVER_RESET,
	STREAM_IDLE,    /* idle_timeout */
	STREAM_REFUSED, /* no server was reached */
	STREAM_ENDS
};

/* One direction. What was read of one socket, and not sent, is in that socket's
 * `in`, or in the other's `out`. */
struct stream_flow {
	uint64_t bytes;    /* that have left the socket and its `in` */
	bool is_bulk;      /* there is so much of it that it is spliced */
	bool has_ended;    /* there is no more to read, */
	bool was_finished; /* and who it goes to knows */
	bool is_broken;    /* who it goes to takes no more */
};

struct stream {
	enum stream_state state; /* by stream_set_state() only */
	enum stream_end end;
	enum step last;
	unsigned status; /* as of a response: for the log */
	struct conn *conn;
	struct stream_worker *worker;
	struct upstream *upstream; /* NULL until it is chosen */
	struct server *server;     /* NULL until one was asked */
	struct peer *peer;         /* NULL without a connection to it */
	/* Servers that were asked: until one is connected. */
	struct server **tried;
	size_t n_tried;
	uint32_t tries;
	uint64_t hash;
	char *name;       /* that a TLS client asks for; owned; or NULL */
	uint64_t idle_ms; /* 0: any time */
	struct stream_flow up, down; /* from the client, and to it */
	/* CLOCK_MONOTONIC ns; 0 for what was not. */
	uint64_t begun, asked, connected, first_byte;
	uint64_t active_at; /* something was passed on */
};

/* Of one worker. */
struct stream_worker {
	struct http *http; /* for its upstreams, templates and log */
	const struct conf *conf;
	struct stream_names **names; /* for each listener; NULL: it has none */
	/* A stream as an exchange, for templates; used for one at a time. */
	struct exchange_connection connection;
	struct exchange_upstream asked;
	struct exchange_stream passed;
	struct exchange exchange;
};

/* c->session; NULL when nothing has begun. */
static inline struct stream *stream_of(const struct conn *c)
{
	return c->session;
}

static inline uint64_t stream_now(const struct stream *s)
{
	return s->conn->socket.net->loop->now;
}

/* stream.c */

/* Makes c->session, in that state. */
struct stream *stream_create(struct conn *c, enum stream_state state);

void stream_set_state(struct stream *s, enum stream_state state);

/* It ends, with `last` as soon as the connection has its turn. */
void stream_over(struct stream *s, enum stream_end end, enum step last);

/* What a peer tells. */
extern const struct peer_user stream_user;

/* stream_pass.c */

/* Passes on what there is, both ways. STEP_WAIT: for an event of either. */
enum step stream_pass(struct stream *s);

/* Bytes that were read and not sent, both ways. */
size_t stream_held(const struct stream *s);

/* stream_log.c */

/* The stream as an exchange that has been answered. */
struct exchange *stream_exchange(struct stream *s);
void stream_log(struct stream *s);

/* stream_frozen.c: see struct protocol. */
bool stream_freeze(const struct conn *c, struct frozen_writer *message);
bool stream_thaw(struct conn *c, struct frozen_reader *message);

#endif
