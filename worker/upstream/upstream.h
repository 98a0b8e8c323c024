/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The upstreams of a worker: servers, and which of them a request goes to.
 * Owned by the worker. Worker.
 */
#ifndef WORKER_UPSTREAM_UPSTREAM_H
#define WORKER_UPSTREAM_UPSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "worker/upstream/balancer.h"
#include "worker/upstream/server.h"

struct resolver;

enum { UPSTREAM_TRIES_MAX = 101 }; /* retries and the first */

struct upstream {
	const struct conf_upstream *conf;
	const struct balancer *balancer;
	struct server *servers; /* conf->n_servers */
	struct server **candidates;
};

struct upstreams {
	struct net *net;
	struct resolver *resolver; /* NULL: no server has a name */
	struct upstream *items;    /* as conf->upstreams */
	size_t n;
	struct list gone; /* of struct gone, by link: see upstreams_find() */
};

/* The balancers end in NULL. */
struct upstreams *upstreams_create(struct net *net, const struct conf *conf,
				   const struct balancer *const *balancers);
/* Closes idle connections; nothing may be under way. Clears the caller's
 * pointer. */
void upstreams_destroy(struct upstreams **upstreams);

/*
 * The upstream and the server of a connection from elsewhere, by their names.
 * If our configuration does not have them (any more), they are made for it
 * with these time-outs, and serve only what comes so.
 */
struct upstream *upstreams_find(struct upstreams *upstreams, struct str name,
				struct str server_text,
				const struct conf_upstream_timeouts *timeouts,
				struct server **server_out);

enum upstream_lack {
	UPSTREAM_UNRESOLVED, /* no server has an address */
	UPSTREAM_FULL,       /* all are at their max_connections */
};

/*
 * The server for a request with that hash; but not one of the `n_tried` that
 * it has failed at, while there is another. Servers that count as down are
 * asked when there is none else. NULL with *lack_out when none can be asked.
 */
struct server *upstream_pick(struct upstream *upstream, uint64_t hash,
			     struct server *const *tried, size_t n_tried,
			     enum upstream_lack *lack_out);

#endif
