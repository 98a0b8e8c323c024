/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/watchdog.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/generation.h"

enum { WATCHDOG_MS = 1000 };

static void look_at(struct child *child, uint64_t now)
{
	uint64_t beat = child->slot->beat;
	uint64_t limit = child->generation->conf->timeouts.watchdog * NS_PER_MS;

	if (child->state == CHILD_DYING || beat > now || now - beat < limit) {
		child->suspect_beat = 0;
		return;
	}
	if (child->suspect_beat != beat) {
		child->suspect_beat = beat; /* the first time */
		return;
	}
	log_error("worker %u (pid %d) is stuck: no beat for %ju ms; its stack "
		  "follows, then it is replaced",
		  child->number, (int)child->pid,
		  (uintmax_t)((now - beat) / NS_PER_MS));
	child_abort(child);
}

static void on_timer(struct timer *timer)
{
	struct watchdog *watchdog = CONTAINER_OF(timer, struct watchdog, timer);
	struct children *children = watchdog->children;
	uint64_t now = clock_read();

	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		look_at(c, now);
	loop_timer(children->loop, timer, WATCHDOG_MS);
}

void watchdog_start(struct watchdog *watchdog, struct children *children)
{
	watchdog->children = children;
	timer_init(&watchdog->timer, on_timer);
	loop_timer(children->loop, &watchdog->timer, WATCHDOG_MS);
}

void watchdog_stop(struct watchdog *watchdog)
{
	timer_detach(&watchdog->children->loop->timers, &watchdog->timer);
}
