/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers of an upstream that an SRV record names: they come and go as the name
 * service says. Those that go stay until one that came in their place can be
 * asked, and finish what they have. Owned by struct upstreams. Worker.
 */
#ifndef WORKER_UPSTREAM_SRV_H
#define WORKER_UPSTREAM_SRV_H

#include "base/list.h"
#include "conf/conf.h"

struct server;
struct upstream;

struct srv {
	struct list link;               /* in upstreams->srvs */
	const struct conf_server *conf; /* which names the record */
	struct upstream *upstream;
};

/* Begins to ask for the record. `conf` is borrowed. */
struct srv *srv_create(struct upstream *upstream, const struct conf_server *conf);
/* Before the resolver goes. Clears the caller's pointer. */
void srv_destroy(struct srv **srv);

/* Something is known of the names of its servers. */
void srv_settle(struct srv *srv);

#endif
