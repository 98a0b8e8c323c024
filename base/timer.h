/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-shot timers in a binary heap. Moving a deadline later, which a busy
 * connection does all the time, costs one store: the timer stays where it is in
 * the heap and is put right when its old deadline comes. Owned by the object
 * that embeds it; disarm before freeing. Any process.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t deadline; /* CLOCK_MONOTONIC ns; 0 when not armed */
	void (*on_expire)(struct timer *timer);
	uint32_t place; /* in the heap, from 1; 0 when not in it */
};

struct timers {
	struct timer_entry *heap; /* from 1 */
	uint32_t n, room;
};

void timer_init(struct timer *timer, void (*on_expire)(struct timer *timer));

static inline bool timer_is_armed(const struct timer *timer)
{
	return timer->deadline != 0;
}

/* Fires once at `deadline` or soon after; replaces an earlier arming. */
void timer_arm(struct timers *timers, struct timer *timer, uint64_t deadline);

/* Does not fire any more. Cheap, but leaves it in the heap. */
static inline void timer_disarm(struct timer *timer)
{
	timer->deadline = 0;
}

/* Takes it out of the heap: the memory may go. */
void timer_detach(struct timers *timers, struct timer *timer);

/* Calls on_expire of every timer that is due at `now`. A timer that its
 * callback arms again must be armed for a later time. */
void timers_run(struct timers *timers, uint64_t now);

/* The time of the next timers_run(), or UINT64_MAX if no timer is armed. It may
 * be too early: of a timer that was moved or disarmed since. */
uint64_t timers_next(const struct timers *timers);
bool timers_are_stale(const struct timers *timers);

/* Puts them in order, so that the next time is that of a timer that is due
 * then. Not in each tick: busy timers are moved all the time. */
void timers_sort(struct timers *timers);

/* Frees the heap; armed timers never fire. */
void timers_fini(struct timers *timers);

#endif
