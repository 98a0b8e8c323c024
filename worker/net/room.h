/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many connections there may be. Of one client's address at most
 * limits.connections_per_address; in all at most limits.connections, and when
 * those are open, the ones that have been idle longest make room for new ones.
 * Counted in this worker's own memory. Owned by its net. Worker.
 */
#ifndef WORKER_NET_ROOM_H
#define WORKER_NET_ROOM_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/map.h"

struct conn;
struct net;

struct room {
	struct map addresses; /* that have connections, if they are limited */
	uint64_t said_at;     /* CLOCK_MONOTONIC ns: that idle ones are closed */
};

/* Where connections of one address are limited, see room_counts() of net.h. A
 * client has connected: counts it. False, and it is not counted, when its
 * address has as many as it may have. */
bool room_add(struct net *net, const struct endpoint *peer)
	__attribute__((warn_unused_result));

/* It was refused for that: counts it, and logs it. */
void room_refuse(struct net *net, const struct endpoint *peer);

/* One that was established elsewhere, and stays whatever the limit. */
void room_add_moved(struct net *net, const struct endpoint *peer);
void room_remove(struct net *net, const struct endpoint *peer);

/* limits.connections are open: closes those that have been idle longest, some
 * at once, because it takes a look at all to find them. False when there is
 * none that may be closed now. */
bool room_make(struct net *net) __attribute__((warn_unused_result));

/* A connection becomes idle while the worker is full: there will be room. */
void room_expect(struct net *net);

void room_fini(struct net *net);

#endif
