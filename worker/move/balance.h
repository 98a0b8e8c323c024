/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the workers of a generation evenly loaded. A worker that is awake looks
 * at the scoreboard at most ten times a second: at the end of a tick, and once
 * more when its connections have changed since. One with more open connections
 * than the mean gives idle ones away, half of what it has too many each time,
 * so that the counts come together and do not swing; one with clearly more also
 * closes its gate: it leaves new connections to its peers for a while.
 *
 * A worker that rests does not look. Another that sees that it should give some
 * away, or that it should take some, says so to the master (MESSAGE_UNEVEN),
 * which tells the others. Once nothing changes any more, all rest.
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
	/* The worker's: the master is to have the others look. */
	void (*on_uneven)(struct balance *balance);
	struct timer timer;     /* armed while there is something to even */
	uint64_t since, waited; /* the loop's now and waited, when the load was
				 * looked at last */
	uint64_t looked_at;     /* the scoreboard, last; and then: */
	uint64_t mine, all;     /* connections */
	uint64_t said_at, said_mine, said_all; /* to the master, last */
	uint64_t asked_at;    /* when the others were to wake: the last time,
			       * or the first without an answer of all */
	uint64_t given_at;    /* some idle ones, last */
	uint64_t evened_at;   /* when load was evened last */
	uint32_t busy_looks;  /* in succession, from the one that began the
			       * sample on */
	uint32_t quiet_looks; /* see BALANCE_QUIET */
	uint16_t samples;     /* were begun */
	bool gave;            /* in this look */
	bool was_told;        /* to look at the end of this tick */
};

void balance_init(struct balance *balance, struct net *net, struct handoff *handoff,
		  const struct scoreboard *board);

/* From when the worker serves until it drains. */
void balance_start(struct balance *balance, uint64_t generation);
void balance_stop(struct balance *balance);

/* For the end of each tick. */
void balance_look(struct balance *balance);

/* Another has seen that it is not even. */
void balance_told(struct balance *balance);

#endif
