/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a connection asks of the protocol spoken on it. Only conn.c calls
 * these, and only conn.c loops over them: a protocol takes one step at a time
 * and says how it went. It reads from conn->socket.in, writes to conn->socket.out,
 * and keeps what it must remember in conn->session, which is NULL while
 * there is nothing to remember.
 */
#ifndef WORKER_NET_PROTOCOL_H
#define WORKER_NET_PROTOCOL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/shared/frozen.h"

struct conn;
struct http;
struct net;

enum step {
	STEP_MORE,   /* call again: there may be more to do */
	STEP_LATER,  /* as MORE, but it is the others' turn first */
	STEP_WRITE,  /* send conn->socket.out; call again when that was done as
		      * far as possible without waiting */
	STEP_WAIT,   /* for the peer, or for a time-out that is armed */
	STEP_DONE,   /* close: everything is said */
	STEP_LINGER, /* as DONE, but the peer may still be sending: discard
		      * that for a while, so that no reset overtakes what we
		      * sent (RFC 9112 section 9.6) */
	STEP_FAIL,   /* close at once */
};

/* Whether a connection can move in the middle of what it does. */
enum movable {
	MOVABLE_NOW,
	MOVABLE_SOON,  /* it is being made ready: conn_wake() is called then */
	MOVABLE_LATER, /* what it does ends here, within timeouts.drain */
	MOVABLE_NOT,   /* what it does is too large, and ends here whenever it
			* ends */
	MOVABLE_TIED,  /* the same for what is changed here on its way from
			* elsewhere */
};

/* What a protocol may stand on, in this worker. */
struct protocol_env {
	struct net *net;
	struct http *http; /* for those whose requests are HTTP's */
};

struct protocol {
	const char *name; /* as in the configuration */

	/* A server of it says nothing before its client has. */
	bool client_speaks_first;

	/* Its connections may be given to other workers whenever they wait, to
	 * even the load: see worker/move/balance.c. */
	bool moves_any_time;

	/* Or both NULL: makes and frees what this worker's connections have in
	 * common; see net_object(). All of them are closed by then. */
	void *(*create)(const struct protocol_env *env);
	void (*destroy)(void *object);

	/* As far as it goes without waiting, or one piece of it. Called, too,
	 * when the worker begins to drain: then finish what is begun and begin
	 * nothing new; conn->socket.net->idle_grace_ms is how long an idle peer
	 * is still given. */
	enum step (*step)(struct conn *c);

	/* The time set by socket_set_timeout() has passed. */
	enum step (*timeout)(struct conn *c);

	/* Whether nothing has begun, on our side or, as far as we know, on the
	 * peer's: closing or moving the connection disturbs nothing. */
	bool (*is_idle)(const struct conn *c);

	/* Or NULL. The connection is closed, or another protocol's from now on:
	 * let go of conn->session. In CONN_MOVED it goes on elsewhere, and
	 * nothing of it has ended. */
	void (*close)(struct conn *c);

	/*
	 * Prepares a move to another worker, as far as freeze() cannot. NULL:
	 * nothing to prepare.
	 */
	enum movable (*prepare)(struct conn *c);

	/*
	 * The connection is to move to another worker, with conn->socket.in and
	 * conn->socket.out as they are. Puts what else the protocol must remember,
	 * and the descriptors that go along, into the message; or returns
	 * false when it cannot move in the middle of what it is doing: it is
	 * asked again when that is done. Changes nothing. NULL: it never
	 * moves.
	 */
	bool (*freeze)(const struct conn *c, struct frozen_writer *message);

	/* True while the connection rests: nothing is on it but bytes in
	 * conn->socket.in, and no request is served, or a silent tunnel only. When
	 * this worker crashes, this and then freeze() are called in a signal
	 * handler: for a connection that rests both only read memory, and write the
	 * message. NULL: it never rests. */
	bool (*rests)(const struct conn *c);

	/* Or NULL. Puts what the connection waits for into `text`, for the log
	 * that says why it was cut. */
	void (*describe)(const struct conn *c, struct buf *text);

	/* The other side of freeze(): makes conn->session from the records of the
	 * protocol, which come next in the message. False when those are
	 * damaged. Then steps are taken as always. */
	bool (*thaw)(struct conn *c, struct frozen_reader *message);
};

#endif
