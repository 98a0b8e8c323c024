/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An upstream of a worker: its servers, and which of them a request goes to.
 * Servers come and go while it serves. Owned by struct upstreams. Worker.
 */
#ifndef WORKER_UPSTREAM_UPSTREAM_H
#define WORKER_UPSTREAM_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/shared/scoreboard.h"
#include "conf/conf.h"
#include "worker/upstream/balancer.h"

struct server;
struct upstreams;

enum { UPSTREAM_TRIES_MAX = 101 }; /* retries and the first */

struct upstream {
	const struct conf_upstream *conf;
	struct upstreams *all;
	const struct balancer *balancer;
	struct server **servers;
	size_t n_servers;
	struct server **candidates; /* room for all of them */
	/* Servers that are not in it any more, and have something under way. */
	struct list removed;
	struct timer bury;
	/* Requests that wait, in the order in which they came: see waiter.h. */
	struct list waiting;
	uint32_t n_waiting;
	struct task look; /* see upstream_look() */
	/* For others: in the worker's slot of the scoreboard, or nowhere. */
	struct upstream_queue *shown;
	struct upstream_queue unshown;
};

void upstream_init(struct upstream *upstream, struct upstreams *all,
		   const struct conf_upstream *conf,
		   const struct balancer *balancer);
/* Closes idle connections; nothing may be under way. */
void upstream_fini(struct upstream *upstream);

/* The one of that name (conf_server.text), or NULL. */
struct server *upstream_find(const struct upstream *upstream, struct str server);

/* Takes the server in, as the last one. */
void upstream_add(struct upstream *upstream, struct server *server);

/* Takes the server out. It is freed when it has nothing under way any more, in a
 * later tick. */
void upstream_remove(struct upstream *upstream, struct server *server);

/* Something that was waited for may have come: a server has a connection to
 * spare, or one that was removed has nothing under way. Acts in the next tick. */
void upstream_look(struct upstream *upstream);

/* Whether upstream_pick() would find a server for a request that comes now. */
bool upstream_has_room(const struct upstream *upstream);

/* The queue has changed. */
static inline void upstream_show(struct upstream *upstream)
{
	upstream->shown->waiting = upstream->n_waiting;
}

enum upstream_lack {
	UPSTREAM_UNRESOLVED, /* no server has an address */
	UPSTREAM_FULL,       /* all are at their max_connections */
	UPSTREAM_CLOSED,     /* all are drained or disabled */
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
