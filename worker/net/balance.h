/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the workers of a generation evenly loaded. Every worker looks at the
 * scoreboard ten times a second. One with more open connections than the mean
 * gives idle ones away, half of what it has too many each time, so that the
 * counts come together and do not swing; one with clearly more also closes
 * its gate: it leaves new connections to its peers for a while.
 *
 * Equal counts are no help to a worker that happens to have the busy ones.
 * While one has something to do for half of the time or more and another has
 * much less, it is the load that is evened: the busy worker finds out which
 * connections are active, and gives away as many of them as it has too much
 * load by the mean. Worker.
 */
#ifndef WORKER_NET_BALANCE_H
#define WORKER_NET_BALANCE_H

#include "base/loop.h"
#include "base/scoreboard.h"
#include "worker/net/handoff.h"
#include "worker/net/net.h"

struct balance {
	struct net *net;
	struct handoff *handoff;
	const struct scoreboard *board;
	struct timer timer;
	uint64_t since, waited; /* the loop's now and waited, at the last turn */
	uint8_t samples;        /* were begun */
	bool rests;             /* it has given, and waits for what comes of it */
};

void balance_init(struct balance *balance, struct net *net, struct handoff *handoff,
		  const struct scoreboard *board);

/* From when the worker serves until it drains. */
void balance_start(struct balance *balance, uint64_t generation);
void balance_stop(struct balance *balance);

#endif
