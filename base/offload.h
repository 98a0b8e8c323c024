/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread beside a loop, for work that may block: a write to a disk that is
 * stuck, a slow hash. Jobs run in the order in which they are submitted; when
 * one is done, its owner is called back in the loop. Worker.
 *
 * The thread is started by the first job, so never before a process forks. All
 * signals but those of its own faults go to the thread of the loop. A job must
 * not log, touch the loop, or share memory with anything but itself.
 */
#ifndef BASE_OFFLOAD_H
#define BASE_OFFLOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"

/* Embedded in its owner's object, which must not touch it from offload_submit()
 * until `done` is called. */
struct job {
	struct list link;
	uint64_t client; /* for whom it is, see offload_submit(); 0: nobody */
	uint64_t turn;   /* when it is run, among those that are queued */
	bool is_queued;
	bool dropped;                  /* for done(): work() was never called */
	void (*work)(struct job *job); /* in the thread */
	void (*done)(struct job *job); /* in the loop; may free or submit it */
};

enum offload_end {
	OFFLOAD_RUN,  /* queued jobs are run first */
	OFFLOAD_DROP, /* queued jobs are cancelled; only the running one is
		       * waited for */
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
	struct list queued;   /* by turn */
	struct list finished;
	uint64_t turn;     /* of the job that was run last */
	unsigned n_pushed; /* held, but pushed out for others */
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
 * Queues a job, with `work` and `done` set. Clients take turns: one that has
 * many jobs queued waits for them itself, and others do not; jobs of nobody are
 * run in the order in which they come. When too many are held, a client that has
 * more of them queued than this one loses its last (offload_push_out()). False,
 * and the job stays the caller's, when there is none such, or no thread can be
 * had (logged).
 */
bool offload_submit(struct offload *o, struct job *job)
	__attribute__((warn_unused_result));

/*
 * Takes back a job that is not wanted any more: its done() will not be called.
 * False when it is too late, because it is running or has run.
 */
bool offload_cancel(struct offload *o, struct job *job)
	__attribute__((warn_unused_result));

/*
 * Makes room for a job of `client`: the last job of the client that would wait
 * longest is dropped, which its done() hears later. False when none would wait
 * longer than the new one.
 */
bool offload_push_out(struct offload *o, uint64_t client)
	__attribute__((warn_unused_result));

/*
 * Waits until done() has been called for every submitted job, also for those
 * submitted meanwhile; the calls are made from here. False if that took longer
 * than `ms` milliseconds (UINT64_MAX: no limit).
 */
bool offload_wait(struct offload *o, uint64_t ms)
	__attribute__((warn_unused_result));

/*
 * Ends the thread and calls done() for every queued job, from here. False if
 * the thread was still busy after `ms` milliseconds (as above): it then still
 * uses `o` and the jobs, whose done() is not called, and the process has to
 * exit without freeing them.
 */
bool offload_fini(struct offload *o, enum offload_end end, uint64_t ms)
	__attribute__((warn_unused_result));

#endif
