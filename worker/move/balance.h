/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the workers of a generation evenly loaded. Every worker looks at the
 * scoreboard ten times a second. One with more open connections than the mean
 * gives idle ones away, half of what it has too many each time, so that the
 * counts come together and do not swing; one with clearly more also closes
 * its gate: it leaves new connections to its peers for a while.
 *
 * Equal counts are no help to a worker that happens to have the busy ones:
 * what it cannot serve waits, and waits longer with each moment. So a worker
 * looks at itself every 10 ms while it has something to do. Once that was three
 * quarters of the time or more for 30 ms, and another has much less to do, it
 * is the load that is evened: of the connections that were active in the
 * meantime the busy worker gives away as many as it has too much load by the
 * mean. Below that a request hardly waits, and moving gains nothing. Worker.
 */
#ifndef WORKER_MOVE_BALANCE_H
#define WORKER_MOVE_BALANCE_H

#include "base/loop.h"
#include "base/shared/scoreboard.h"
#include "worker/move/handoff.h"
#include "worker/net/net.h"

struct balance {
	struct net *net;
	struct handoff *handoff;
	const struct scoreboard *board;
	struct timer timer;
	uint64_t since, waited; /* the loop's now and waited, at the last look */
	uint64_t given_at;      /* when load was evened last */
	uint32_t busy_looks;    /* in succession, from the one that began the
				 * sample on */
	uint16_t samples;       /* were begun */
};

void balance_init(struct balance *balance, struct net *net, struct handoff *handoff,
		  const struct scoreboard *board);

/* From when the worker serves until it drains. */
void balance_start(struct balance *balance, uint64_t generation);
void balance_stop(struct balance *balance);

/* For the end of each tick. */
void balance_look(struct balance *balance);

#endif
