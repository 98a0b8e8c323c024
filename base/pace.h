/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The minimum rate of a peer: it has to move a number of bytes a second on
 * average over each window of time. A byte now and then does not hold a
 * connection for ever, and a pause within a window is no fault. Plain data.
 * Worker.
 */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Embedded; all zero: not waiting. */
struct pace {
	uint64_t since; /* CLOCK_MONOTONIC ns: when the window began */
	uint64_t moved; /* bytes by then, of a count that goes on */
};

static inline void pace_start(struct pace *p, uint64_t now, uint64_t moved)
{
	*p = (struct pace){.since = now, .moved = moved};
}

static inline void pace_stop(struct pace *p)
{
	p->since = 0;
}

/* CLOCK_MONOTONIC ns; in the past if no window was started. */
static inline uint64_t pace_end(const struct pace *p, uint64_t window_ms)
{
	return p->since == 0 ? 0 : p->since + window_ms * NS_PER_MS;
}

/*
 * At the end of a window: true when enough was moved in it, which is one byte
 * at least and `rate` a second on average; the next window begins. The first
 * one begins when there was none. `moved` may wrap around.
 */
static inline bool pace_keeps_up(struct pace *p, uint64_t now, uint64_t moved,
				 uint64_t rate)
{
	struct pace last = *p;
	uint64_t got = moved - last.moved;

	pace_start(p, now, moved);
	return last.since == 0 ||
	       (got > 0 && got >= (now - last.since) / NS_PER_MS * rate / 1000);
}

#endif
