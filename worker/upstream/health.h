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

struct health;
struct server;
struct upstreams;

/* Begins to check all servers of upstreams that have checks. Sets
 * upstreams->health; NULL when none has. */
void health_create(struct upstreams *upstreams);
/* Clears the caller's pointer; takes a pointer to NULL too. */
void health_destroy(struct health **health);

/* Begins to check one that came later, if its upstream has checks. */
void health_take(struct health *health, struct server *server);
/* Ends that; nothing if it is not checked. */
void health_leave(struct server *server);

/* server->mode has changed: one that is disabled is not checked. */
void health_heed_mode(struct server *server);

#endif
