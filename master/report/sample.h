/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process costs and how fast it works: requests a second, taken once a
 * second from the scoreboard while there are any, and from proc(5) CPU time and
 * memory. Master.
 */
#ifndef MASTER_REPORT_SAMPLE_H
#define MASTER_REPORT_SAMPLE_H

#include "base/timer.h"
#include "master/children.h"

struct sampler {
	struct timer timer; /* armed while requests come */
	struct children *children;
};

void sampler_init(struct sampler *sampler, struct children *children);
void sampler_stop(struct sampler *sampler);

/* Requests may come from now on. */
void sampler_wake(struct sampler *sampler);

struct usage {
	uint64_t cpu_ms;  /* user and system, since it started */
	uint64_t rss_kib; /* resident memory */
};

/* All zero for a process that is gone. */
struct usage usage_of(pid_t pid);

#endif
