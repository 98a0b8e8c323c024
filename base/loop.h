/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: epoll, timers, a queue of those who have more to do without
 * an event, and the end of the tick. One per process, master and worker.
 *
 * A tick: wait; read the clock once; call back for each event; run what those
 * have put off; run due timers; run what was queued before this tick; then the
 * end-of-tick work, where objects that died during the tick are freed. Nothing
 * is freed inside a callback of its own: later events of the same tick may
 * still name it.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/timer.h"

enum {
	/* No tick for so long is a rest: see loop->on_wake. */
	LOOP_REST_MS = 600,
};

/*
 * Whether the loop waits, for others to read: it may be in memory that is
 * shared with another process. Two plain stores around epoll_wait(2).
 */
struct pulse {
	_Atomic uint64_t woke;  /* CLOCK_MONOTONIC ns: when the last tick began;
				 * 0 before the first */
	_Atomic uint64_t waits; /* 1 while it waits */
};

/* Of two readings of a reader: waits first, so that a loop that does not wait
 * is never seen with the beginning of an earlier tick. */
static inline bool pulse_waits(const struct pulse *pulse, uint64_t *woke_out)
{
	bool waits = atomic_load_explicit(&pulse->waits, memory_order_acquire) != 0;

	*woke_out = atomic_load_explicit(&pulse->woke, memory_order_acquire);
	return waits;
}

/* A descriptor that is watched; embedded in its owner. */
struct watch {
	/* `events` as from epoll_wait(2). */
	void (*on_event)(struct watch *watch, uint32_t events);
	int fd;
};

/* A thing to do later; embedded, and queued at most once. */
struct task {
	void (*run)(struct task *task);
	struct list link;
};

struct loop {
	int epoll_fd;
	bool stopped;
	uint64_t now;    /* CLOCK_MONOTONIC ns: the beginning of this tick;
			  * written by the loop alone */
	uint64_t latest; /* the same, when it was last read: see
			  * loop_read_clock() */
	uint64_t waited; /* ns, in all, with nothing to do */
	uint64_t woke;   /* when the last tick began that was not for EINTR */
	struct timers timers;
	struct list put_off; /* until the events of the tick are handled */
	struct list ready;   /* for the next tick */
	/* Where the loop publishes whether it waits; may be NULL. */
	struct pulse *pulse;
	/* If set, called first in a tick that ends a rest: the first one, and
	 * each that begins LOOP_REST_MS or more after the one before. */
	void (*on_wake)(struct loop *loop);
	/* Called at the end of every tick, if set. */
	void (*on_tick_end)(struct loop *loop);
	void *context; /* the owner's, for on_tick_end */
};

/* 0, or -1 with errno. */
int loop_init(struct loop *loop) __attribute__((warn_unused_result));
void loop_fini(struct loop *loop);

/*
 * Watches watch->fd for `events` (EPOLLIN | EPOLLET ...) until it is closed
 * or removed. 0, or -1 with errno.
 */
int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
	__attribute__((warn_unused_result));
/* Changes the events of a watched fd; not for EPOLLEXCLUSIVE ones. */
void loop_modify(struct loop *loop, struct watch *watch, uint32_t events);
void loop_remove(struct loop *loop, struct watch *watch);

/*
 * Stops watching it, if it was watched, and closes watch->fd. To be used in a
 * process that forks: a child may still hold the same open file, and then
 * closing alone does not end the watching.
 */
void loop_close(struct loop *loop, struct watch *watch);

void task_init(struct task *task, void (*run)(struct task *task));
/* Runs it in the next tick; nothing when it is queued already. */
static inline void loop_queue(struct loop *loop, struct task *task)
{
	if (list_is_empty(&task->link))
		list_append(&loop->ready, &task->link);
}
/* The same, but called for an event, it runs after the last one of this tick. */
static inline void loop_put_off(struct loop *loop, struct task *task)
{
	if (list_is_empty(&task->link))
		list_append(&loop->put_off, &task->link);
}
static inline void task_cancel(struct task *task)
{
	list_remove(&task->link);
}

/* Arms a timer `ms` from the loop's now. */
static inline void loop_timer(struct loop *loop, struct timer *timer, uint64_t ms)
{
	timer_arm(&loop->timers, timer, loop->now + ms * 1000000u);
}

/*
 * Reads the clock in the middle of a tick, and keeps the result in `latest` for
 * callers that need it no more precisely. `now` and the timers are unaffected.
 */
static inline uint64_t loop_read_clock(struct loop *loop)
{
	return loop->latest = clock_read();
}

/* Ticks until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
