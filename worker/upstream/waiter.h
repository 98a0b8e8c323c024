/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that waits in the queue of an upstream until a server has a
 * connection to spare. The queue is in the order in which the requests came, also
 * those that other workers have given us. Embedded in its owner. Worker.
 */
#ifndef WORKER_UPSTREAM_WAITER_H
#define WORKER_UPSTREAM_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timer.h"

struct upstream;

struct waiter {
	/* It waits no longer. `is_late`: its time is over; else a server can be
	 * asked now. */
	void (*on_turn)(struct waiter *waiter, bool is_late);
	struct upstream *upstream; /* NULL: it does not wait */
	struct list link;          /* in upstream->waiting */
	struct timer timer;
	uint64_t came;  /* CLOCK_MONOTONIC ns: its place in the queue */
	uint64_t since; /* the same, when it began to wait */
};

void waiter_init(struct waiter *waiter,
		 void (*on_turn)(struct waiter *waiter, bool is_late));

/* Whether the queue has room for one more. */
bool waiter_may_join(const struct upstream *upstream);

/* Begins to wait, as one that came at `came`, until `until` (CLOCK_MONOTONIC ns)
 * at most. */
void waiter_join(struct waiter *waiter, struct upstream *upstream, uint64_t came,
		 uint64_t until);

/* Leaves the queue, if it is there. */
void waiter_leave(struct waiter *waiter);

/* Calls those whose turn it is. Of upstream.c. */
void waiters_look(struct upstream *upstream);

#endif
