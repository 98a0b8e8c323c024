/* SPDX-License-Identifier: BSD-2-Clause */
/* All upstreams of a worker. Owned by the worker. Worker. */
#ifndef WORKER_UPSTREAM_UPSTREAMS_H
#define WORKER_UPSTREAM_UPSTREAMS_H

#include "base/shared/scoreboard.h"
#include "base/shared/server_change.h"
#include "conf/conf.h"
#include "worker/net/net.h"
#include "worker/upstream/upstream.h"

struct health;
struct resolver;

struct upstreams {
	struct net *net;
	const struct scoreboard *board;
	struct resolver *resolver; /* NULL: no server has had a name */
	struct health *health;     /* of servers; NULL: none is checked */
	struct upstream *items;    /* as conf->upstreams */
	size_t n;
	struct server_changes changes; /* what differs from the configuration */
	struct list srvs;              /* of struct srv, by link */
	struct list gone; /* of struct gone, by link: see upstreams_find() */
};

/* The balancers end in NULL. `changes` is copied. */
struct upstreams *upstreams_create(struct net *net, const struct conf *conf,
				   const struct balancer *const *balancers,
				   const struct scoreboard *board,
				   const struct server_changes *changes);
/* Closes idle connections; nothing may be under way. Clears the caller's
 * pointer. */
void upstreams_destroy(struct upstreams **upstreams);

/* An operator has changed a server. One that we do not have is nothing to us. */
void upstreams_change(struct upstreams *upstreams,
		      const struct server_change *change);

/* The one of that name, or NULL. */
struct upstream *upstreams_named(struct upstreams *upstreams, struct str name);

/*
 * The upstream and the server of a connection from elsewhere, by their names.
 * If our configuration does not have them (any more), they are made for it
 * with these time-outs, and serve only what comes so.
 */
struct upstream *upstreams_find(struct upstreams *upstreams, struct str name,
				struct str server_text,
				const struct conf_upstream_timeouts *timeouts,
				struct server **server_out);

/* Of the resolver, which is made when it is needed first. */
struct resolver *upstreams_resolver(struct upstreams *upstreams);

/* Takes a new server into its upstream: it is shown to others and checked, and
 * is as an operator has changed it. */
void upstreams_take(struct upstreams *upstreams, struct server *server);

/* One that goes is not shown to others any more. */
void upstreams_hide(struct server *server);

#endif
