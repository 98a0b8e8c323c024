/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection: a client's socket, the listener that it came in by, and the
 * protocol that is spoken on it. It is counted, drained and given to other
 * workers; and only conn.c loops over the steps of protocols.
 *
 * Owned by its net. An idle connection owns no buffers and no session: keep
 * the struct small, there are very many. Worker.
 */
#ifndef WORKER_NET_CONN_H
#define WORKER_NET_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "worker/net/listener.h"
#include "worker/net/net.h"
#include "worker/net/protocol.h"
#include "worker/net/socket.h"

enum conn_state {
	CONN_INTRODUCED, /* by a proxy, in plain, before the handshake of its
			  * transport */
	CONN_OPENING,    /* that handshake */
	CONN_OPEN,
	CONN_FINISHING, /* its transport says that we are done */
	CONN_LINGERING, /* we are done; what still comes is discarded */
	CONN_CLOSED,    /* freed at the end of the tick */
	CONN_MOVED,     /* the same; it goes on in another process */
};

enum { CONN_CRASHES_MAX = 15 }; /* that are counted */

/* Why a connection that should move does not, and takes the time that it takes:
 * timeouts.drain is not for it. */
enum conn_stays {
	CONN_MOVES,            /* or ends within timeouts.drain */
	CONN_STAYS_FOR_SIZE,   /* over limits.move_file, or temp is full */
	CONN_STAYS_FOR_SOURCE, /* what comes from elsewhere is changed here */
	CONN_STAYS_FOR_FORMAT, /* its receivers do not understand its state */
	CONN_STAYS_COUNT
};

/* What a proxy in front has said of a connection: see proxy_header.h. */
struct conn_via {
	struct endpoint proxy; /* which has really connected */
	struct endpoint local; /* where the client has connected to */
};

struct conn {
	struct socket socket;
	struct listener *listener;
	const struct protocol *protocol;
	void *session;         /* the protocol's; NULL when it remembers nothing */
	struct list link;      /* in net->conns */
	uint64_t id : 54;      /* unique among the workers; moves along */
	uint64_t state : 3;    /* enum conn_state, by set_state() in conn.c only */
	uint64_t stays : 2;    /* enum conn_stays, of the last try to move it */
	uint64_t crashes : 4;  /* of workers, since it was idle last */
	uint64_t has_more : 1; /* offered to others in the middle of its work */
	union {
		uint64_t accepted_at;  /* CLOCK_MONOTONIC ns */
		uint64_t linger_until; /* from CONN_FINISHING on */
	};
	struct endpoint peer;
	uint32_t requests;    /* begun on this connection */
	struct conn_via *via; /* owned; NULL: nothing was said */
};

/*
 * Takes over the accepted `fd`. On failure (no memory in the kernel) the fd
 * is closed and nothing else happens.
 */
void conn_open(struct listener *listener, int fd, const struct addr *peer);

/* What a connection that was handed over has behind it. */
struct conn_origin {
	const struct transport *transport;
	uint64_t id;
	uint64_t accepted_at;
	struct endpoint peer;
	uint32_t requests;
	uint8_t crashes;    /* of workers that it has lived through */
	bool awaits_header; /* see proxy_header.h */
	bool has_via;
	struct conn_via via;
	struct str in, out; /* unconsumed, unsent */
};

/* Takes over the established `fd` of a connection from elsewhere, as
 * conn_open(). The records of its transport and of its protocol come next in
 * `message`. False when
 * those are damaged: it was closed. */
bool conn_adopt(struct listener *listener, int fd, const struct conn_origin *origin,
		struct frozen_reader *message);

/* It has gone elsewhere: closes our descriptor of it, and nothing more. */
void conn_moved(struct conn *c);

/* Whether it should end at the next good moment: the worker drains and no other
 * can take it, or its listener is gone. */
static inline bool conn_has_to_close(const struct conn *c)
{
	if (net_is_draining(c->socket.net))
		return c->socket.net->on_idle == NULL;
	return c->listener->state == LISTENER_CLOSED;
}

/* What it waited for has come from elsewhere than its socket: the protocol
 * takes its next step after those that are being served (batch_wake()), or in
 * the next tick. */
void conn_wake(struct conn *c);

/* It was offered to others and stays here: goes on with what it did. */
void conn_stay(struct conn *c);

/* True while a step of its protocol is being taken: what comes now need not
 * wake it. */
static inline bool conn_is_running(const struct conn *c)
{
	return c->socket.net->running == c;
}

/* True when it may be closed or given away now, without anybody waiting for
 * anything. */
bool conn_is_idle(const struct conn *c);

/* True when it may be given away now: neither it nor its peer can tell. */
bool conn_may_be_given(const struct conn *c);

/*
 * Another protocol takes over, as after ALPN, Upgrade, or bytes by which its
 * client is known: from a step of the old one, which returns STEP_MORE. What
 * was read and not consumed, and written and not sent, stays.
 */
void conn_become(struct conn *c, const struct protocol *protocol);

/* A proxy has said that. */
void conn_set_via(struct conn *c, const struct conn_via *via);

/* For proxy_header.c: the client is known, and speaks next. True when it begins
 * with a handshake: that comes with the next turn. */
bool conn_secure(struct conn *c);

/* The address that its client has connected to, on our side or a proxy's. */
struct endpoint conn_local(const struct conn *c);

/* Closes it now, whatever it was doing. */
void conn_cut(struct conn *c);

/* True for one that has nothing but its descriptor: what it may have brought
 * with it is done. */
static inline bool conn_is_empty(const struct conn *c)
{
	return c->session == NULL && buf_length(&c->socket.in) == 0 &&
	       buf_length(&c->socket.out) == 0;
}

/* Calls `visit` with each that is open, until it returns false. For the handler
 * of a crash: memory may be damaged, and is only read. */
void conns_visit(const struct net *net, bool (*visit)(struct conn *c));

/* Frees the memory of all connections, which are closed. */
void conns_fini(struct net *net);

#endif
