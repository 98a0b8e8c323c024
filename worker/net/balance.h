/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the workers of a generation evenly loaded. Every worker looks at the
 * scoreboard ten times a second. One with more open connections than the mean
 * gives idle ones away, half of what it has too many each time, so that the
 * counts come together and do not swing; one with clearly more also closes
 * its gate: it leaves new connections to its peers for a while. Worker.
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
};

void balance_init(struct balance *balance, struct net *net, struct handoff *handoff,
		  const struct scoreboard *board);

/* From when the worker serves until it drains. */
void balance_start(struct balance *balance, uint64_t generation);
void balance_stop(struct balance *balance);

#endif
