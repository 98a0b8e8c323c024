/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread beside a loop, for work that may block: a write to a disk that
 * is stuck, a hash that takes a while. Jobs are run in the order in which they
 * came; when one is done, its owner hears of it in the loop. Worker.
 *
 * The thread is started by the first job, so never before a process forks.
 * All signals but those of its own faults stay with the thread of the loop.
 * What runs in it must not log, touch the loop, or share memory with anything
 * but its job.
 */
#ifndef BASE_OFFLOAD_H
#define BASE_OFFLOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"

/* Embedded in what it works on; its owner's again when `done` is called. */
struct job {
	struct list link;
	bool dropped;                  /* for done(): work() was never called */
	void (*work)(struct job *job); /* in the thread */
	void (*done)(struct job *job); /* in the loop; may free or submit it */
};

enum offload_end {
	OFFLOAD_RUN,  /* what is queued is run first */
	OFFLOAD_DROP, /* only the running job is waited for */
};

struct offload {
	struct loop *loop;
	const char *name; /* of the thread, for ps -L; at most 15 bytes */
	unsigned max;     /* jobs that are not done yet */
	unsigned held;
	struct watch wake; /* an eventfd: something is in `finished` */
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;  /* something is in `queued`, or it is the end */
	pthread_cond_t moved; /* a job is run, or the thread is over */
	struct list queued;
	struct list finished;
	bool is_ending;
	bool is_over;
};

/*
 * `name` is not copied. At most `max` jobs are held at a time: queued,
 * running, or run and not yet told to their owner.
 */
void offload_init(struct offload *o, struct loop *loop, const char *name,
		  unsigned max);

/*
 * Queues a job, with `work` and `done` set. False, and the job stays the
 * caller's, when too many are held or no thread can be had (logged).
 */
bool offload_submit(struct offload *o, struct job *job)
	__attribute__((warn_unused_result));

/*
 * Waits until every job that was submitted has had its done() called, in here;
 * also those that are submitted there. False when that was not so after `ms`
 * milliseconds (UINT64_MAX: it takes as long as it takes).
 */
bool offload_wait(struct offload *o, uint64_t ms)
	__attribute__((warn_unused_result));

/*
 * Ends the thread; every job that was queued has its done() called, in here.
 * False when the thread was still busy after `ms` milliseconds (as above):
 * then it still uses `o` and the jobs, and the
 * process has to end without freeing them. Those are not told.
 */
bool offload_fini(struct offload *o, enum offload_end end, uint64_t ms)
	__attribute__((warn_unused_result));

#endif
