/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

enum {
	LOOP_EVENTS = 256,
	/* When the next timer has been moved or disarmed since it was put where
	 * it is, timers are put in order after so much time without events: a
	 * loop at rest then sleeps until one is due. */
	LOOP_SETTLE_MS = 250,
};

int loop_init(struct loop *loop)
{
	*loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	list_init(&loop->put_off);
	list_init(&loop->ready);
	loop->now = loop_read_clock(loop);
	return loop->epoll_fd == -1 ? -1 : 0;
}

void loop_fini(struct loop *loop)
{
	fd_close(&loop->epoll_fd);
	timers_fini(&loop->timers);
}

int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

void loop_modify(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == -1)
		log_fatal("epoll_ctl(MOD, %d): errno %d", watch->fd, errno);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
	struct epoll_event unused = {0};

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, &unused) == -1)
		log_fatal("epoll_ctl(DEL, %d): errno %d", watch->fd, errno);
}

void loop_close(struct loop *loop, struct watch *watch)
{
	struct epoll_event unused = {0};

	if (watch->fd == -1)
		return;
	/* ENOENT: it was never watched. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, &unused);
	fd_close(&watch->fd);
}

void task_init(struct task *task, void (*run)(struct task *task))
{
	task->run = run;
	list_init(&task->link);
}

/* Milliseconds for epoll_wait(2), rounded up so that it does not spin. */
static int wait_ms(const struct loop *loop, uint64_t next)
{
	if (!list_is_empty(&loop->put_off) || !list_is_empty(&loop->ready) ||
	    next <= loop->now)
		return 0;
	if (next == UINT64_MAX)
		return -1;
	uint64_t ms = (next - loop->now + NS_PER_MS - 1) / NS_PER_MS;

	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* When to look at the timers next, UINT64_MAX for never. */
static uint64_t next_look(const struct loop *loop)
{
	uint64_t next = timers_next(&loop->timers);
	uint64_t settle = loop->now + LOOP_SETTLE_MS * NS_PER_MS;

	return settle < next && timers_are_stale(&loop->timers) ? settle : next;
}

static void note_waiting(struct loop *loop)
{
	if (loop->pulse != NULL)
		atomic_store_explicit(&loop->pulse->waits, 1, memory_order_release);
}

static void note_waking(struct loop *loop)
{
	bool rested = loop->woke == 0 ||
		      loop->now - loop->woke >= LOOP_REST_MS * NS_PER_MS;

	loop->woke = loop->now;
	if (loop->pulse != NULL) {
		atomic_store_explicit(&loop->pulse->woke, loop->now,
				      memory_order_relaxed);
		atomic_store_explicit(&loop->pulse->waits, 0, memory_order_release);
	}
	if (rested && loop->on_wake != NULL)
		loop->on_wake(loop);
}

/* Returns how many events there are. */
static int wait(struct loop *loop, struct epoll_event *events, uint64_t next)
{
	uint64_t from = clock_read();
	int ms = wait_ms(loop, next);

	note_waiting(loop);
	int n = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, ms);

	loop->now = loop_read_clock(loop);
	loop->waited += loop->now - from;
	if (n == -1 && errno != EINTR)
		log_fatal("epoll_wait: errno %d", errno);
	/* EINTR: it was stopped and goes on, or is traced. Nothing has come. */
	if (n != -1 || timers_next(&loop->timers) <= loop->now)
		note_waking(loop);
	if (n == 0 && ms != 0)
		timers_sort(&loop->timers);
	return n;
}

static void run_all(struct list *tasks)
{
	while (!list_is_empty(tasks)) {
		struct task *task = CONTAINER_OF(tasks->next, struct task, link);

		list_remove(&task->link);
		task->run(task);
	}
}

/* Tasks deferred from here run in the next tick. */
static void run_put_off(struct loop *loop)
{
	struct list tasks;

	list_init(&tasks);
	list_move_all(&tasks, &loop->put_off);
	run_all(&tasks);
}

void loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_EVENTS];
	uint64_t next = 0; /* the first tick looks at the timers at once */
	struct list due;

	list_init(&due);

	while (!loop->stopped) {
		int n = wait(loop, events, next);

		/* Tasks that the events queue run in the next tick: each task
		 * has one turn a tick. */
		list_move_all(&due, &loop->ready);
		for (int i = 0; i < n; i++) {
			struct watch *watch = events[i].data.ptr;

			watch->on_event(watch, events[i].events);
		}
		run_put_off(loop);
		timers_run(&loop->timers, loop->now);
		run_all(&due);
		if (loop->on_tick_end != NULL)
			loop->on_tick_end(loop);
		next = next_look(loop);
	}
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
