/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening socket as a worker has it: inherited from the master, shared
 * with the other workers, watched with EPOLLEXCLUSIVE | EPOLLET and accepted
 * from in batches until EAGAIN. Owned by its net. Worker.
 */
#ifndef WORKER_NET_LISTENER_H
#define WORKER_NET_LISTENER_H

#include "base/loop.h"
#include "worker/net/net.h"
#include "worker/net/protocol.h"
#include "worker/net/transport.h"

enum listener_state {
	LISTENER_IDLE,      /* not watched: not started, or paused */
	LISTENER_ACCEPTING, /* watched */
	LISTENER_CLOSED,
};

struct named;

struct listener {
	bool is_kept_open;         /* while the others are closed: see net_move() */
	enum listener_state state; /* by set_state() in listener.c only */
	struct net *net;
	const struct conf_listener *conf;
	const struct transport *transport;
	const void *policy;              /* of its transport, for open() */
	const struct protocol *protocol; /* spoken on what it accepts */
	struct watch watch;
	struct task more;      /* the batch was used up: go on next tick */
	uint64_t checked_at;   /* CLOCK_MONOTONIC ns: that it does not block */
	unsigned n_lost;       /* connections in a row that could not be had */
	struct named *counted; /* in shared memory; or NULL */
};

/* Takes over `fd`. */
void listener_init(struct listener *l, struct net *net,
		   const struct conf_listener *conf, int fd,
		   const struct transport *transport,
		   const struct protocol *protocol);

/* One that has no socket: for connections of a listener that is gone. */
void listener_init_gone(struct listener *l, struct net *net,
			const struct protocol *protocol);

/* Watches it; what is in its queue already is an event at once. */
void listener_start(struct listener *l);

/* Stops watching it; its queue waits, for us or for another worker. */
void listener_pause(struct listener *l);

/* Looks at the queue now, without an event: another worker may have been
 * woken for what is in it, and be gone. */
void listener_look(struct listener *l);

/* Before it is closed for all: see defer_accept_let_in(). */
bool listener_let_in(struct listener *l);

/* Accepts the connections in its queue, then closes it: no other process
 * listens. */
void listener_finish(struct listener *l);

/* Closes our descriptor of it; others go on listening. */
void listener_close(struct listener *l);

#endif
