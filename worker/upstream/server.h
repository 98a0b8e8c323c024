/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server of an upstream, as one worker knows it: where it is, which
 * connections it has from here, and whether it is to be asked. Owned by its
 * upstream. Worker.
 */
#ifndef WORKER_UPSTREAM_SERVER_H
#define WORKER_UPSTREAM_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/shared/scoreboard.h"
#include "base/shared/server_change.h"
#include "conf/conf.h"
#include "worker/net/net.h"
#include "worker/upstream/sticky.h"
#include "worker/upstream/upstream.h"

struct health_check;
struct peer;
struct peer_user;
struct resolver_name;
struct srv;

struct server {
	const struct conf_server *conf; /* the configuration's, or `own` */
	struct conf_server own;         /* of one that it does not have */
	struct upstream *upstream;
	const struct srv *srv; /* of whose record it is; NULL: of none */
	bool is_superseded;    /* the record does not name it any more */
	struct net *net;
	/* Its addresses: its own, or those that its name has now. */
	struct resolver_name *name; /* NULL for an address */
	uint32_t next_address;
	/* What an operator may change. */
	enum server_mode mode;
	bool is_removed;      /* from the upstream: what it has under way ends */
	uint64_t weight;      /* its share; see server_weight() */
	struct list link;     /* in upstream->removed */
	uint64_t quiet_since; /* there, CLOCK_MONOTONIC ns: nothing is under way */
	char sticky[STICKY_VALUE]; /* in the cookie; or empty */
	/* Connections from this worker. */
	struct list idle; /* of peers, by peer.link; used from the end */
	uint32_t n_idle;
	uint32_t n_active;
	uint32_t keepalive; /* idle ones at a time */
	uint64_t keepalive_ms;
	int proxy_protocol; /* enum conf_proxy_protocol: of new connections */
	/* What its answers say of it; times are CLOCK_MONOTONIC ns. */
	uint32_t failures;       /* since failures_since */
	uint64_t failures_since; /* 0: there were none */
	uint64_t down_until;     /* 0: it is up */
	uint32_t n_downs;        /* one after the other */
	uint64_t recovered_at;   /* its share grows from then on; 0: it is whole */
	bool is_probing;         /* a request finds out whether it is back */
	/* Of active checks. */
	bool is_unhealthy;
	struct health_check *check; /* NULL: it has none */
	/* The same for others: in the worker's slot of the scoreboard, or, if
	 * that has no room, nowhere. */
	struct server_health *shown;
	struct server_health unshown;
	/* Of the balancers. */
	int64_t round_robin; /* see round_robin.c */
	uint64_t requests;
};

/* `conf` is borrowed. A name begins to be resolved. */
struct server *server_create(struct upstream *upstream,
			     const struct conf_server *conf);
/* The same of a server that the configuration does not have: copies `conf`. */
struct server *server_create_own(struct upstream *upstream,
				 const struct conf_server *conf);
/* Closes its idle connections; it may have no others. Clears the caller's
 * pointer. */
void server_destroy(struct server **server);

/* Others see it in that cell from now on. What other workers know of it, or the
 * master before this one, it knows too. */
void server_show_at(struct server *server, struct server_health *cell,
		    const struct scoreboard *board);

/* What its SRV record says has changed. */
void server_show_record(struct server *server);

/* So have the addresses of its name. */
void server_show_addresses(struct server *server);

/* Drained and disabled servers lose their idle connections. One that was
 * disabled begins as one that is up, with a share that grows. */
void server_set_mode(struct server *server, enum server_mode mode);

/* It is not in the upstream any more: nothing is kept alive. */
void server_retire(struct server *server);

/* Whether it is enabled, has an address and counts as up. */
bool server_is_up(const struct server *server);

/* Whether it may be asked now: it is enabled, has an address, a connection to
 * spare and, if `heed_health`, counts as up. */
bool server_is_available(const struct server *server, bool heed_health);

/* The same for a client that is bound to it, which may use it while it is
 * drained. */
bool server_takes_bound(const struct server *server);

/* Its share of the requests as it is now, in thousandths of a weight of 1. */
uint64_t server_weight(const struct server *server);

/* A request was answered, or failed in a way that is the server's fault. */
void server_succeeded(struct server *server);
void server_failed(struct server *server, const char *why);

/* Something of the server has changed. */
static inline void server_show(struct server *server)
{
	struct server_health *shown = server->shown;

	shown->is_down = server->is_unhealthy;
	shown->has_failed = server->down_until != 0;
	shown->active = server->n_active;
	shown->idle = server->n_idle;
	shown->requests = server->requests;
}

/* A connection of it has ended, or is idle. */
static inline void server_released(struct server *server)
{
	server->n_active--;
	if (server->is_removed || server->upstream->n_waiting > 0)
		upstream_look(server->upstream);
}

/* One that is idle, or NULL: none has been idle for less than `max_idle_ms`. Where
 * connections are of one client each, `client` says whose: see peer->client. */
struct peer *server_idle_peer(struct server *server, uint64_t client,
			      uint64_t max_idle_ms);

/* A connection to the next of its addresses; as peer_connect(). */
struct peer *server_connect(struct server *server, const struct peer_user *user,
			    void *context);

#endif
