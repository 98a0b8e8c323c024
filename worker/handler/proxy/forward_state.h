/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request on its way, for the files that serve it: forward.c (its tries),
 * forward_retry.c (whether there is another), forward_body.c (what is passed on),
 * forward_compact.c (silent tunnels), and forward_frozen.c, which moves it to
 * another process. Worker.
 */
#ifndef WORKER_HANDLER_PROXY_FORWARD_STATE_H
#define WORKER_HANDLER_PROXY_FORWARD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/codec/chunked.h"
#include "base/codec/response_head.h"
#include "worker/handler/proxy/proxy_request.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstream.h"
#include "worker/upstream/upstreams.h"
#include "worker/upstream/waiter.h"

struct proxy;

enum {
	FORWARD_REPLAY = BUF_CHUNK, /* bytes of a request, kept to be sent again */
};

enum forward_state {
	FORWARD_WAITING, /* for a server to have a connection to spare */
	FORWARD_CONNECTING,
	FORWARD_SENDING, /* the request; and the response is awaited */
	FORWARD_CONTENT, /* the exchange is answered */
	FORWARD_TUNNEL,
	FORWARD_OVER,
};

struct forward {
	struct exchange *x;
	const struct proxy *proxy;
	struct upstream *upstream;
	enum forward_state state;
	struct server *server;
	struct peer *peer;
	struct waiter waiter;
	/* Servers that were asked. */
	struct server **tried;
	size_t n_tried;
	bool is_its_turn;     /* it has waited */
	uint64_t queue_until; /* CLOCK_MONOTONIC ns; 0: it does not wait */
	bool is_thawed;       /* while it waited: another worker made the head */
	bool is_forsaken;     /* and ours does not have its upstream */
	uint64_t hash;
	uint64_t total_until; /* CLOCK_MONOTONIC ns, or 0 */
	uint64_t head_until;  /* for the response's head; 0: it is not waited
			       * for yet */
	struct str rules;     /* see proxy_rewrite.h */
	/* The request. */
	struct proxy_body body;
	struct buf out;
	size_t head_size; /* bytes of its head, at the front of `out` */
	size_t sent;      /* bytes of `out` that were */
	struct str whole; /* a body that was collected: comes after `out` */
	size_t whole_sent;
	bool is_replayable; /* `out` has all of it from the beginning */
	bool has_ended;     /* all of it is, or was, in `out` */
	bool is_waited_for; /* the client was told to wait */
	bool may_upgrade;
	bool was_finished; /* in a tunnel: the server knows of the end */
	/* The response. */
	size_t scanned;
	unsigned n_interim;
	bool is_received; /* something of it */
	bool keep_alive;
	bool is_complete;
	bool has_timed_out;
	enum response_framing framing;
	uint64_t left;
	size_t at_hand; /* bytes of it that the response has from peer->socket.in */
	struct chunked chunked;
	struct fields trailers; /* as they came, in the exchange's arena */
};

/* The one that holds the exchange, or that its content is of. */
struct forward *forward_of(const struct exchange *x);

static inline uint64_t forward_now(const struct forward *f)
{
	return f->x->http->loop->now;
}

static inline const struct conf_upstream_timeouts *forward_timeouts(
	const struct forward *f)
{
	return &f->upstream->conf->timeouts;
}

/* Whose connections to the server it may use: see peer->client. */
static inline uint64_t forward_client(const struct forward *f)
{
	return f->server->proxy_protocol == CONF_PROXY_PROTOCOL_OFF
		       ? 0
		       : f->x->connection->id;
}

/* Whether there is a connection to the server, and it is established. */
static inline bool forward_is_connected(const struct forward *f)
{
	return f->state > FORWARD_CONNECTING;
}

/* Of forward.c. */

void forward_set_state(struct forward *f, enum forward_state state);

/* The peer gets `ms`, but not more than is left of the time for all tries. */
void forward_wait_for_peer(struct forward *f, uint64_t ms);
void forward_wait_until(struct forward *f, uint64_t until);

/* The response is there to its end; or, of forward_note_end(), nothing more of
 * it will come, which the log tells the time of. */
void forward_complete(struct forward *f);
void forward_note_end(struct forward *f);

/* A failure of the server's. */
void forward_count_failure(struct forward *f, const char *why);

/* For exchange_hold(), and for the body of the response. */
void forward_cancel(struct exchange *x);
void forward_release(void *owner);

/* Asks a server, the first or another one. */
void forward_try(struct forward *f);

/* Puts the head in front of what has come of the body. Without a server yet, it
 * is made anew for it if it depends on that. False when the exchange was
 * answered. */
bool forward_put_head(struct forward *f);

/* Answers in place of a server; `why` is for the log. */
void forward_refuse(struct forward *f, unsigned status, const char *phase,
		    const char *why);

/* What a peer tells. */
extern const struct peer_user forward_user;

/* Of forward_frozen.c: the exchange has it from here on, and ends it. */
void forward_hand_over(struct forward *f);

/* Of forward_body.c. */

/* Sends what there is. A server that takes no more may have answered before it
 * closed: reading tells. */
void forward_push(struct forward *f);

/* Lets the client send more of the body, if it was told to wait. */
void forward_want_more(struct forward *f);

/* Bytes of the request that are here, and have to be sent. */
size_t forward_unsent(const struct forward *f);

/* For the body of the response. */
enum body_read forward_read(void *owner, struct buf *out, size_t max);
enum body_read forward_splice(void *owner, struct socket *to, size_t max,
			      size_t *n_out);

#endif
