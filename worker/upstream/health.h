/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active checks of the servers of an upstream, at an interval. Of the workers
 * that serve a generation the one with the lowest slot makes them, and
 * publishes which servers are down in its slot of the scoreboard; the others
 * look there at the same interval. When that worker goes, the next takes over
 * with what was known. A new generation begins with what the old one knew, by
 * the names of upstream and server. Worker.
 */
#ifndef WORKER_UPSTREAM_HEALTH_H
#define WORKER_UPSTREAM_HEALTH_H

#include "base/shared/scoreboard.h"
#include "worker/upstream/upstream.h"

struct health;

/* For all servers of upstreams that have checks; NULL when none has. Borrows
 * all that it is given. */
struct health *health_create(struct net *net, struct upstreams *upstreams,
			     const struct scoreboard *board);
/* Clears the caller's pointer; takes a pointer to NULL too. */
void health_destroy(struct health **health);

#endif
