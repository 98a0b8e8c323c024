/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the connections of this worker share: the loop, the configuration,
 * the scoreboard slot, the list of open connections, and whether the worker
 * takes new ones. One per worker.
 */
#ifndef WORKER_NET_NET_H
#define WORKER_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/shared/scoreboard.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/net/batch.h"
#include "worker/net/room.h"

struct listener;
struct conn;
struct transport;
struct protocol;
struct protocol_env;
struct tls;

enum net_state {
	NET_IDLE,     /* not accepting yet */
	NET_SERVING,  /* accepting */
	NET_FULL,     /* limits.connections reached: not accepting */
	NET_SHORT,    /* out of descriptors or memory: not accepting */
	NET_GATED,    /* clearly more connections than the other workers: new
		       * ones are left to them */
	NET_DRAINING, /* finishing what is open */
};

/* Files that are sent in a tick. A few connections get large pieces; many get
 * small ones, so that a tick stays short for those that send no files. */
struct net_files {
	uint32_t n;     /* connections that sent some in this tick */
	uint32_t left;  /* bytes that may be sent in it in large pieces */
	uint32_t share; /* of each connection, by the last tick */
};

/* A protocol that this worker speaks, and its object there. */
struct net_protocol {
	const struct protocol *protocol;
	void *object;
};

struct net {
	enum net_state state;
	struct loop *loop;
	const struct conf *conf;
	struct slot *slot; /* this worker's, in the scoreboard */
	const struct transport *const *transports; /* NULL ends them */
	struct tls *tls; /* what connections of that transport share; the
			  * worker's */
	struct listener *listeners;
	size_t n_listeners;
	struct net_protocol *protocols; /* NULL ends them */
	struct listener *gone;          /* see net_find_listener(); for each of
					 * them, one */
	struct list conns;              /* every open connection, by conn.link */
	struct list closed;   /* sockets to be freed at the end of the tick */
	struct batch batch;   /* sockets that have something to do */
	struct conn *running; /* whose protocol takes a step; or NULL */
	struct net_files files;
	struct conn *spare;        /* freed, kept for the next accept */
	struct conn_block *blocks; /* the memory of all conns */
	uint32_t n_blocks;
	uint64_t last_id;
	uint64_t idle_grace_ms; /* while draining: see protocol.h */
	/* While draining: offers a connection that waits, or whose turn is
	 * over, to the other workers. Until they have it, or conn_stay() is
	 * called, it rests; false: it is not offered. NULL when there are none
	 * to take it. */
	bool (*on_idle)(struct net *net, struct conn *c);
	/* Not 0: connections that serve something are given this number, and
	 * counted, so that they are known from those that do not. */
	uint16_t activity_round;
	uint32_t n_active;
	struct timer retry;   /* while NET_SHORT, or NET_FULL of idle ones */
	uint64_t short_since; /* when accepting was last stopped */
	struct room room;
	/* The worker's: a peer should look at the listeners in our stead. */
	void (*on_pause)(struct net *net);
};

/* What the worker's owner still sets afterwards: on_pause. All is borrowed. */
void net_init(struct net *net, struct loop *loop, const struct conf *conf,
	      struct slot *slot, const struct transport *const *transports);
void net_fini(struct net *net);

/* Makes the objects of all that it speaks; NULL ends them. They go in
 * net_fini(). */
void net_open_protocols(struct net *net, const struct protocol *const *protocols,
			const struct protocol_env *env);

/* What its create() has made for this worker. */
static inline void *net_object(const struct net *net,
			       const struct protocol *protocol)
{
	const struct net_protocol *p = net->protocols;

	while (p->protocol != protocol) {
		p++;
		ASSERT(p->protocol != NULL);
	}
	return p->object;
}

/* Starts, pauses and resumes accepting on all listeners. */
void net_start(struct net *net);
void net_pause(struct net *net, enum net_state why);
void net_resume(struct net *net);

/* Stops accepting for good and asks every connection to finish. */
void net_drain(struct net *net, uint64_t idle_grace_ms);

/* Stops accepting for good, except where it is_kept_open, and offers every
 * connection to the other workers by `on_idle`: now, whenever its protocol
 * waits, and between two of its turns. */
void net_move(struct net *net, bool (*on_idle)(struct net *net, struct conn *c));

/* Offers all that rest once more: what they wait for has changed. */
void net_offer(struct net *net);

/* Our listener with that key and protocol, or one on the address to which the
 * socket `fd` (-1: unknown) is connected; else one
 * that only carries what was established before it went: its connections
 * finish as if the worker drained. NULL for a protocol that we do not know. */
struct listener *net_find_listener(struct net *net, const char *key,
				   const char *protocol, int fd);

/* NULL for one that we do not know. */
const struct transport *net_find_transport(const struct net *net, struct str name);

/* True while a listener is kept open that the next generation has not. */
bool net_keeps_open(const struct net *net);

/* True while established connections of others can be taken. */
bool net_may_take(const struct net *net);

/* Closes every connection at once, those that cannot move however long they
 * take only with `kept_too`, and logs each that was in the middle of something.
 * Returns how many were being served. */
uint64_t net_cut(struct net *net, bool kept_too);

/* How many connections stay that should move, and why, for the log: "3 over
 * limits.move_file, or temp is full". */
void net_describe_staying(const struct net *net, struct buf *text);

/* Frees what was closed in this tick: for the end of it. */
void net_free_closed(struct net *net);

/* For the end of a tick, too: starts the count of files for the next tick. */
void net_recount_files(struct net *net);

/* How many bytes of a file one connection may send now. */
size_t net_file_share(struct net *net);

/* Whether connections of one address are limited: see room.h. */
static inline bool room_counts(const struct net *net)
{
	return net->conf->limits.connections_per_address > 0;
}

static inline bool net_is_draining(const struct net *net)
{
	return net->state == NET_DRAINING;
}

#endif
