/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rate and the cost of a process: requests a second, measured once a second
 * from the scoreboard while there are any; CPU time and memory from proc(5).
 * Master.
 */
#ifndef MASTER_REPORT_RATES_H
#define MASTER_REPORT_RATES_H

#include "base/timer.h"
#include "master/children.h"

struct rates {
	struct timer timer; /* armed while requests come */
	struct children *children;
};

void rates_init(struct rates *rates, struct children *children);
void rates_stop(struct rates *rates);

/* Requests may come from now on: measures until a second passes without any. */
void rates_wake(struct rates *rates);

struct usage {
	uint64_t cpu_ms;  /* user and system, since it started */
	uint64_t rss_kib; /* resident memory */
};

/* All zero for a process that is gone. */
struct usage usage_of(pid_t pid);

#endif
