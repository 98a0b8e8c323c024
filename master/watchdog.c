/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/watchdog.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/generation.h"

enum {
	WATCHDOG_MS = 500,
	/* For a worker to get ready; that of a new generation is the same. */
	WATCHDOG_START_MS = 30000,
	/* A worker that wakes after half of this says so. */
	WATCHDOG_REST_MS = 2 * LOOP_REST_MS,
};

/* Since when it has been doing one thing; UINT64_MAX while it waits. */
static uint64_t busy_since(const struct child *child, uint64_t *woke_out)
{
	bool waits = pulse_waits(&child->slot->pulse, woke_out);

	if (*woke_out == 0) /* its loop does not run yet */
		return child->started_at;
	if (!waits)
		return *woke_out;
	return child->told_at > *woke_out ? child->told_at : UINT64_MAX;
}

static uint64_t limit_of(const struct child *child, uint64_t woke)
{
	uint64_t ms = child->generation->conf->timeouts.watchdog;

	if (woke == 0 && ms < WATCHDOG_START_MS)
		ms = WATCHDOG_START_MS;
	return ms * NS_PER_MS;
}

/* False when there is no need to look again before it says that it woke. */
static bool look_at(struct child *child, uint64_t now)
{
	uint64_t woke, since = busy_since(child, &woke);

	if (child->state == CHILD_DYING)
		return false;
	if (since >= now) {
		child->suspected = 0;
		return woke < now && now - woke < WATCHDOG_REST_MS * NS_PER_MS;
	}
	if (now - since < limit_of(child, woke)) {
		child->suspected = 0;
		return true;
	}
	if (child->suspected != since) {
		child->suspected = since; /* the first time */
		return true;
	}
	log_error("worker %u (pid %d) is stuck: no sign of life for %ju ms; its "
		  "stack follows, then it is replaced",
		  child->number, (int)child->pid,
		  (uintmax_t)((now - since) / NS_PER_MS));
	child_abort(child);
	return false;
}

static void on_timer(struct timer *timer)
{
	struct watchdog *watchdog = CONTAINER_OF(timer, struct watchdog, timer);
	struct children *children = watchdog->children;
	uint64_t now = clock_read();
	bool again = false;

	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		again |= look_at(c, now);
	if (again)
		children->on_awake(children);
}

void watchdog_init(struct watchdog *watchdog, struct children *children)
{
	watchdog->children = children;
	timer_init(&watchdog->timer, on_timer);
}

void watchdog_stop(struct watchdog *watchdog)
{
	timer_detach(&watchdog->children->loop->timers, &watchdog->timer);
}

void watchdog_wake(struct watchdog *watchdog)
{
	if (!timer_is_armed(&watchdog->timer))
		loop_timer(watchdog->children->loop, &watchdog->timer, WATCHDOG_MS);
}
