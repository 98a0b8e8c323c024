/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/timer.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* `at` is the time that the heap orders by: never after the timer's own
 * deadline while that is armed. */
struct timer_entry {
	uint64_t at;
	struct timer *timer;
};

void timer_init(struct timer *timer, void (*on_expire)(struct timer *timer))
{
	*timer = (struct timer){.on_expire = on_expire};
}

static void put(struct timers *t, uint32_t place, struct timer_entry entry)
{
	t->heap[place] = entry;
	entry.timer->place = place;
}

static void sift_up(struct timers *t, uint32_t place)
{
	struct timer_entry entry = t->heap[place];

	while (place > 1 && t->heap[place / 2].at > entry.at) {
		put(t, place, t->heap[place / 2]);
		place /= 2;
	}
	put(t, place, entry);
}

static void sift_down(struct timers *t, uint32_t place)
{
	struct timer_entry entry = t->heap[place];

	for (uint32_t child; (child = place * 2) <= t->n; place = child) {
		if (child < t->n && t->heap[child + 1].at < t->heap[child].at)
			child++;
		if (t->heap[child].at >= entry.at)
			break;
		put(t, place, t->heap[child]);
	}
	put(t, place, entry);
}

static void insert(struct timers *t, struct timer *timer, uint64_t at)
{
	if (t->n + 1 >= t->room) {
		t->room = t->room ? t->room + t->room / 2 : 64;
		t->heap = mem_resize(t->heap, t->room * sizeof(*t->heap));
	}
	t->n++;
	put(t, t->n, (struct timer_entry){at, timer});
	sift_up(t, t->n);
}

void timer_arm(struct timers *t, struct timer *timer, uint64_t deadline)
{
	ASSERT(deadline != 0);
	timer->deadline = deadline;
	if (timer->place == 0) {
		insert(t, timer, deadline);
	} else if (t->heap[timer->place].at > deadline) {
		t->heap[timer->place].at = deadline;
		sift_up(t, timer->place);
	}
}

void timer_detach(struct timers *t, struct timer *timer)
{
	uint32_t place = timer->place;

	timer->deadline = 0;
	if (place == 0)
		return;
	timer->place = 0;
	struct timer_entry last = t->heap[t->n--];

	if (last.timer == timer)
		return;
	put(t, place, last);
	sift_up(t, place);
	sift_down(t, last.timer->place);
}

/* Puts the first timer where it belongs if it was moved or disarmed. */
static void fix_first(struct timers *t)
{
	struct timer *timer = t->heap[1].timer;

	if (timer->deadline == 0) {
		timer_detach(t, timer);
		return;
	}
	t->heap[1].at = timer->deadline;
	sift_down(t, 1);
}

void timers_run(struct timers *t, uint64_t now)
{
	while (t->n > 0 && t->heap[1].at <= now) {
		struct timer *timer = t->heap[1].timer;

		if (timer->deadline == 0 || timer->deadline > now) {
			fix_first(t);
			continue;
		}
		timer_detach(t, timer);
		timer->on_expire(timer);
	}
}

bool timers_are_stale(const struct timers *t)
{
	return t->n > 0 && t->heap[1].at != t->heap[1].timer->deadline;
}

void timers_sort(struct timers *t)
{
	while (timers_are_stale(t))
		fix_first(t);
}

uint64_t timers_next(const struct timers *t)
{
	return t->n > 0 ? t->heap[1].at : UINT64_MAX;
}

void timers_fini(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){0};
}
