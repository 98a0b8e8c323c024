/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the half that runs in the thread, then the half that runs in the loop:
 * starting the thread, submitting jobs, taking finished ones back, waiting and
 * ending. Jobs cross between the two under one mutex. Worker.
 */
#include "base/offload.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

/* Under the lock: the loop is to be told. */
static void finish(struct offload *o, struct job *job)
{
	const uint64_t one = 1;
	bool is_first = list_is_empty(&o->finished);

	list_append(&o->finished, &job->link);
	/* It cannot fail: the counter of the eventfd never gets near its
	 * maximum. */
	if (is_first && write(o->wake.fd, &one, sizeof(one)) == -1)
		return;
}

/* The thread. */

static void run_one(struct offload *o)
{
	struct job *job = CONTAINER_OF(o->queued.next, struct job, link);

	list_remove(&job->link);
	job->is_queued = false;
	o->turn = job->turn;
	pthread_mutex_unlock(&o->lock);
	job->work(job);
	pthread_mutex_lock(&o->lock);
	finish(o, job);
	pthread_cond_signal(&o->moved);
}

static void *run_jobs(void *context)
{
	struct offload *o = context;

	pthread_mutex_lock(&o->lock);
	for (;;) {
		while (!list_is_empty(&o->queued))
			run_one(o);
		if (o->is_ending)
			break;
		pthread_cond_wait(&o->more, &o->lock);
	}
	o->is_over = true;
	pthread_cond_signal(&o->moved);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* The loop. */

static void tell(struct offload *o)
{
	struct list finished;

	list_init(&finished);
	pthread_mutex_lock(&o->lock);
	list_move_all(&finished, &o->finished);
	pthread_mutex_unlock(&o->lock);
	while (!list_is_empty(&finished)) {
		struct job *job = CONTAINER_OF(finished.next, struct job, link);

		list_remove(&job->link);
		o->held--;
		if (job->dropped && o->n_pushed > 0)
			o->n_pushed--;
		job->done(job);
	}
}

static void on_wake(struct watch *watch, uint32_t events)
{
	struct offload *o = CONTAINER_OF(watch, struct offload, wake);
	uint64_t n;

	(void)events;
	/* Read the eventfd before taking the jobs: a job that is finished later
	 * writes to it again. */
	if (read(watch->fd, &n, sizeof(n)) == -1)
		return;
	tell(o);
}

void offload_init(struct offload *o, struct loop *loop, const char *name,
		  unsigned max)
{
	pthread_condattr_t monotonic;

	*o = (struct offload){.loop = loop,
			      .name = name,
			      .max = max,
			      .wake = {.on_event = on_wake, .fd = -1}};
	list_init(&o->queued);
	list_init(&o->finished);
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->more, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&o->moved, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

/* If SIGSEGV were blocked, a crash would leave no stack in the log. */
static void block_signals(sigset_t *before_out)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(&set, own[i]);
	pthread_sigmask(SIG_SETMASK, &set, before_out);
}

/* 0, or an errno. */
static int start_thread(struct offload *o)
{
	sigset_t before;

	block_signals(&before); /* inherited */
	int error = pthread_create(&o->thread, NULL, run_jobs, o);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		pthread_setname_np(o->thread, o->name);
	return error;
}

static int start(struct offload *o)
{
	if (o->wake.fd == -1) {
		o->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (o->wake.fd == -1)
			return -1;
		if (loop_add(o->loop, &o->wake, EPOLLIN) == -1) {
			fd_close(&o->wake.fd);
			return -1;
		}
	}
	errno = start_thread(o);
	o->has_thread = errno == 0;
	return o->has_thread ? 0 : -1;
}

/* The turn of the next job of a client: behind its others, or next. */
static uint64_t turn_of(const struct offload *o, uint64_t client)
{
	uint64_t turn = o->turn;

	LIST_EACH (l, &o->queued) {
		const struct job *job = CONTAINER_OF(l, struct job, link);

		if ((client == 0 || job->client == client) && job->turn > turn)
			turn = job->turn;
	}
	return client == 0 ? turn : turn + 1;
}

/* Behind all whose turn is not later. */
static void enqueue(struct offload *o, struct job *job)
{
	struct list *before = &o->queued;

	job->turn = turn_of(o, job->client);
	while (before->prev != &o->queued &&
	       CONTAINER_OF(before->prev, struct job, link)->turn > job->turn)
		before = before->prev;
	list_append(before, &job->link);
	job->is_queued = true;
}

bool offload_cancel(struct offload *o, struct job *job)
{
	pthread_mutex_lock(&o->lock);
	bool was_queued = job->is_queued;

	if (was_queued)
		list_remove(&job->link);
	job->is_queued = false;
	pthread_mutex_unlock(&o->lock);
	if (was_queued)
		o->held--;
	return was_queued;
}

/* Under the lock: as offload_push_out(). */
static bool push_out(struct offload *o, uint64_t client)
{
	if (client == 0 || list_is_empty(&o->queued))
		return false;
	struct job *last = CONTAINER_OF(o->queued.prev, struct job, link);

	if (last->client == 0 || last->turn <= turn_of(o, client))
		return false;
	list_remove(&last->link);
	last->is_queued = false;
	last->dropped = true;
	finish(o, last);
	return true;
}

bool offload_push_out(struct offload *o, uint64_t client)
{
	pthread_mutex_lock(&o->lock);
	bool is_out = push_out(o, client);

	pthread_mutex_unlock(&o->lock);
	o->n_pushed += is_out;
	return is_out;
}

bool offload_submit(struct offload *o, struct job *job)
{
	if (o->held - o->n_pushed >= o->max && !offload_push_out(o, job->client))
		return false;
	if (!o->has_thread && start(o) == -1) {
		log_errno(LOG_LEVEL_WARN, "cannot start a thread (%s)", o->name);
		return false;
	}
	o->held++;
	job->dropped = false;
	pthread_mutex_lock(&o->lock);
	enqueue(o, job);
	pthread_cond_signal(&o->more);
	pthread_mutex_unlock(&o->lock);
	return true;
}

static struct timespec later(uint64_t ms)
{
	uint64_t now = clock_read(), max = NS_PER_S * 1000000000;
	uint64_t then = ms > max / NS_PER_MS ? max : now + ms * NS_PER_MS;

	return (struct timespec){.tv_sec = (time_t)(then / NS_PER_S),
				 .tv_nsec = (long)(then % NS_PER_S)};
}

/* Waits for something in `finished`; false when there is nothing then. */
static bool wait_finished(struct offload *o, const struct timespec *then)
{
	while (list_is_empty(&o->finished))
		if (pthread_cond_timedwait(&o->moved, &o->lock, then) == ETIMEDOUT)
			return !list_is_empty(&o->finished);
	return true;
}

bool offload_wait(struct offload *o, uint64_t ms)
{
	struct timespec then = later(ms);
	bool in_time = true;

	while (o->held > 0 && in_time) {
		pthread_mutex_lock(&o->lock);
		in_time = wait_finished(o, &then);
		pthread_mutex_unlock(&o->lock);
		tell(o);
	}
	return in_time;
}

/* False when the thread is still busy then. */
static bool end_thread(struct offload *o, enum offload_end end, uint64_t ms)
{
	struct timespec then = later(ms);
	bool is_over;

	pthread_mutex_lock(&o->lock);
	o->is_ending = true;
	if (end == OFFLOAD_DROP) {
		LIST_EACH (l, &o->queued) {
			struct job *job = CONTAINER_OF(l, struct job, link);

			job->dropped = true;
			job->is_queued = false;
		}
		list_move_all(&o->finished, &o->queued);
	}
	pthread_cond_signal(&o->more);
	while (!o->is_over &&
	       pthread_cond_timedwait(&o->moved, &o->lock, &then) != ETIMEDOUT)
		;
	is_over = o->is_over;
	pthread_mutex_unlock(&o->lock);
	if (is_over)
		pthread_join(o->thread, NULL);
	else
		pthread_detach(o->thread);
	return is_over;
}

bool offload_fini(struct offload *o, enum offload_end end, uint64_t ms)
{
	if (o->has_thread && !end_thread(o, end, ms))
		return false;
	o->max = 0; /* nothing more, whatever a done() may ask for */
	tell(o);
	loop_close(o->loop, &o->wake);
	pthread_cond_destroy(&o->moved);
	pthread_cond_destroy(&o->more);
	pthread_mutex_destroy(&o->lock);
	return true;
}
