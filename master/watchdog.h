/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds workers that are stuck. Each beats in the scoreboard at least once a
 * second, busy or idle. One that has not beaten for timeouts.watchdog is
 * looked at once more a second later, because the whole machine or the master
 * may have been stopped; if it still has not, it is asked for its stack by
 * SIGABRT, killed, and replaced like any that died. Master.
 */
#ifndef MASTER_WATCHDOG_H
#define MASTER_WATCHDOG_H

#include "base/timer.h"
#include "master/children.h"

struct watchdog {
	struct timer timer;
	struct children *children;
};

void watchdog_start(struct watchdog *watchdog, struct children *children);
void watchdog_stop(struct watchdog *watchdog);

#endif
