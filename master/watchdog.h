/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds workers that are stuck. A worker notes in its slot of the scoreboard
 * whether it waits in epoll_wait(2), or else when its tick began. It is stuck
 * when a tick lasts for timeouts.watchdog, or when it has not woken for so long
 * after the master told it something. It is looked at once more, because the
 * whole machine or the master may have been stopped; then it is asked for its
 * stack by SIGABRT, killed a second later, and replaced like any that died,
 * each on its own time however many are stuck.
 *
 * A worker at rest costs nothing: the watchdog looks only while a worker is at
 * work, or may be. Workers tell the master when they wake after a rest
 * (MESSAGE_AWAKE), before they do anything else; the master forgets them when
 * they have been waiting for twice as long as what they call a rest, so none
 * of them is at work without one of the two knowing. A timer that a worker sets
 * for itself would do without the message, but its signal does not reach one
 * that is stopped, or that blocks signals. Master.
 */
#ifndef MASTER_WATCHDOG_H
#define MASTER_WATCHDOG_H

#include "base/timer.h"
#include "master/children.h"

struct watchdog {
	struct timer timer; /* armed while a worker is at work, or may be */
	struct children *children;
};

void watchdog_init(struct watchdog *watchdog, struct children *children);
void watchdog_stop(struct watchdog *watchdog);

/* A worker may be at work from now on. */
void watchdog_wake(struct watchdog *watchdog);

#endif
