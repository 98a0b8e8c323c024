/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that we have made to a server of an upstream: a socket with
 * whom it serves now. It is never counted, drained or given away as a
 * client's. Between two uses it waits, idle, with its server, and closes by
 * itself when the server closes it or says something unasked. Worker.
 */
#ifndef WORKER_UPSTREAM_PEER_H
#define WORKER_UPSTREAM_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "worker/net/socket.h"

struct peer;
struct server;

enum peer_state {
	PEER_CONNECTING,
	PEER_BUSY,   /* it has a user */
	PEER_IDLE,   /* in server->idle */
	PEER_CLOSED, /* freed at the end of the tick */
};

/* What a peer tells whoever uses it. Each may close or keep the peer. */
struct peer_user {
	/* connect(2) is done: `error` is 0 or an errno. After an error the
	 * peer has been closed. */
	void (*on_connected)(struct peer *peer, int error);
	/* Something can be read or written, or it is the user's turn. */
	void (*on_ready)(struct peer *peer);
	/* The time set by socket_set_timeout() has passed. While connecting it
	 * is for the user to set, too. */
	void (*on_timeout)(struct peer *peer);
};

struct peer {
	struct socket socket;
	enum peer_state state; /* by set_state() in peer.c only */
	bool is_uncounted;     /* see peer_uncount() */
	bool is_reused;        /* it has served a request before */
	bool is_probe;         /* see server->is_probing */
	struct server *server;
	const struct peer_user *user; /* NULL while idle */
	void *context;                /* the user's */
	struct list link;             /* in server->idle */
	uint64_t idle_since;          /* CLOCK_MONOTONIC ns */
	uint64_t client; /* the connection that it is for alone, by its id; 0:
			  * for any */
};

/*
 * Begins to connect to `addr`, a server's: on_connected() tells the outcome
 * in a later tick. NULL with errno when there is no socket for it, or the
 * address is refused at once.
 */
struct peer *peer_connect(struct net *net, struct server *server,
			  const struct addr *addr, const struct peer_user *user,
			  void *context);

/* What a peer that another process had has behind it. */
struct peer_origin {
	int fd;
	bool is_connecting; /* or else it is busy */
	bool is_reused;
	struct str in, out; /* read and not consumed, written and not sent */
};

/* Takes origin->fd over; NULL with errno, and it is closed, when it cannot be
 * watched. */
struct peer *peer_adopt(struct net *net, struct server *server,
			const struct peer_origin *origin,
			const struct peer_user *user, void *context);

/*
 * Where the server is told who its clients are: the connection, which is new,
 * begins with a header of the PROXY protocol, for one from `source` to
 * `destination`, or for one of our own. It lies in socket.out, and goes with what
 * is sent first.
 */
void peer_put_header(struct peer *peer, const struct endpoint *source,
		     const struct endpoint *destination);
void peer_put_own_header(struct peer *peer);

/* It is not of a request: it does not count among the server's connections,
 * nor against its max_connections. Right after peer_connect(). */
void peer_uncount(struct peer *peer);

/* Takes one that is idle. */
void peer_use(struct peer *peer, const struct peer_user *user, void *context);

/* Its user is done, and nothing of what it sent or got is left: puts it with
 * the idle ones of its server, or closes it if those are enough. */
void peer_keep(struct peer *peer);

/* Closes it, and clears the caller's pointer; takes a pointer to NULL too. */
void peer_close(struct peer **peer);

/* It goes on in the next tick. */
void peer_wake(struct peer *peer);

#endif
