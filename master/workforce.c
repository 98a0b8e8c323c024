/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First how many workers there are to be, then replacing those that die, at
 * last what a worker's messages and its end mean for the server.
 */
#include "master/workforce.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "master/ending.h"
#include "master/master.h"
#include "master/reload.h"

enum {
	RETRY_MS = 1000,   /* after a spawn that failed */
	MAX_WORKERS = 256, /* as the schema says */
};

void workforce_spawn(struct master *m, struct generation *g, unsigned max)
{
	unsigned have = children_count_staying(&m->children, g);

	for (; have < g->wanted && max > 0; have++, max--) {
		if (generation_spawn(g, &m->children) == 0)
			continue;
		char why[WHY_SIZE];

		snprintf(why, sizeof(why), "cannot spawn a worker: %s",
			 strerror(errno));
		log_error("%s", why);
		generation_fail(g, why);
		return;
	}
}

/* What could not be spawned is tried again. */
static void try_again(struct master *m)
{
	uint64_t wait = m->respawn.delay_ms > 0 ? m->respawn.delay_ms : RETRY_MS;

	m->serving->failed = false;
	if (children_count_staying(&m->children, m->serving) < m->serving->wanted)
		loop_timer(&m->loop, &m->respawn_timer, wait);
}

void workforce_more(struct master *m)
{
	if (m->serving->wanted >= MAX_WORKERS) {
		verdict_refuse(&m->resizing, "256 workers is the maximum");
		return;
	}
	m->serving->wanted++;
	verdict_pass(&m->resizing, "one more worker: %u", m->serving->wanted);
	verdict_answer(&m->resizing);
	workforce_spawn(m, m->serving, 1);
	try_again(m);
}

void workforce_fewer(struct master *m)
{
	struct generation *g = m->serving;
	struct child *last = NULL;

	if (g->wanted <= 1) {
		verdict_refuse(&m->resizing, "1 worker is the minimum");
		return;
	}
	g->wanted--;
	verdict_pass(&m->resizing, "one worker fewer: %u", g->wanted);
	verdict_answer(&m->resizing);
	/* While one waits to be replaced there is one fewer already. */
	if (children_count_staying(&m->children, g) <= g->wanted)
		return;
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		if (c->state != CHILD_DRAINING && c->state != CHILD_DYING &&
		    (last == NULL || last->state == CHILD_SERVING))
			last = c;
	if (last != NULL)
		child_move(last, g->conf->timeouts.drain + GENERATION_PATIENCE_MS,
			   false);
}

/* The worker that was woken for a connection is gone or does not take it:
 * EPOLLEXCLUSIVE has woken no other, so the others are told. */
static void have_others_look(struct master *m, const struct child *but)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		if (c->number != but->number && c->state == CHILD_SERVING)
			child_look(c);
}

static void on_awake(struct children *children)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	watchdog_wake(&m->watchdog);
	rates_wake(&m->rates);
}

static void on_uneven(struct children *children, struct child *child)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	if (child->generation != m->serving)
		return;
	for (struct child *c = NULL;
	     (c = children_next(children, m->serving, c)) != NULL;)
		if (c != child && c->state == CHILD_SERVING)
			child_balance(c);
}

/* A worker got a signal to end: another is spawned, then it goes. */
static void on_signalled(struct children *children, struct child *child)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	if (child->generation != m->serving)
		return;
	log_info("worker %u (pid %d) exits: it got a signal", child->number,
		 (int)child->pid);
	child_move(child,
		   child->generation->conf->timeouts.drain + GENERATION_PATIENCE_MS,
		   false);
	loop_timer(&m->loop, &m->respawn_timer, 0);
}

static void on_paused(struct children *children, struct child *child)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	if (child->generation == m->serving)
		have_others_look(m, child);
}

static void on_respawn_time(struct timer *timer)
{
	struct master *m = CONTAINER_OF(timer, struct master, respawn_timer);
	struct generation *g = m->serving;
	unsigned before = children_count_staying(&m->children, g);

	/* While something is wrong, one at a time: see respawn.h. */
	respawn_calm_down(&m->respawn, m->loop.now);
	workforce_spawn(m, g, m->respawn.delay_ms > 0 ? 1 : UINT32_MAX);
	m->children.retired.respawns +=
		children_count_staying(&m->children, g) - before;
	children_publish(&m->children);
	try_again(m);
}

static void replace_worker(struct master *m, const struct child *gone,
			   const char *what)
{
	uint64_t wait = respawn_after_death(&m->respawn, m->loop.now,
					    m->loop.now - gone->started_at);

	if (gone->failure[0] != '\0')
		log_warn("%s: %s", what, gone->failure);
	else
		log_warn("%s", what);
	if (wait > 0)
		log_warn("workers are dying at startup; next respawn in %ju ms",
			 (uintmax_t)wait);
	have_others_look(m, gone);
	if (!timer_is_armed(&m->respawn_timer) || wait == 0)
		loop_timer(&m->loop, &m->respawn_timer, wait);
}

/* What the children do. */

static void on_ready(struct children *children, struct child *child)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	if (child->generation == m->serving) { /* a replacement */
		child_start(child);
		if (life_is_unready(m->state))
			child_unready(child);
	} else if (child->generation == m->next &&
		   generation_is_ready(m->next, children))
		lifecycle_event(m, EVENT_READY);
}

static void describe_end(const struct child *gone, int status, char *out,
			 size_t size)
{
	int n = snprintf(out, size, "worker %u (pid %d) ", gone->number,
			 (int)gone->pid);

	if (WIFSIGNALED(status))
		snprintf(out + n, size - (size_t)n,
			 "died: killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(out + n, size - (size_t)n, "%s: exited with status %d",
			 WEXITSTATUS(status) == 0 ? "ended" : "died",
			 WEXITSTATUS(status));
}

static void on_gone(struct children *children, const struct child *gone, int status)
{
	struct master *m = CONTAINER_OF(children, struct master, children);
	struct generation *g = gone->generation;
	char what[160];

	describe_end(gone, status, what, sizeof(what));
	if (g == m->next) {
		generation_fail(g, gone->failure[0] != '\0' ? gone->failure : what);
		lifecycle_event(m, EVENT_FAILED);
	} else if (g == m->serving && gone->state != CHILD_DRAINING &&
		   life_replaces(m->state)) {
		replace_worker(m, gone, what);
	} else {
		if (gone->state == CHILD_DRAINING && status != 0)
			log_warn("%s while it drained", what);
		else
			log_debug("%s", what);
		reload_destroy_retired(m, g);
	}
	reload_answer(m);
	servers_check(m);
	ending_check(m);
}

void workforce_init(struct master *m)
{
	m->children.on_awake = on_awake;
	m->children.on_ready = on_ready;
	m->children.on_gone = on_gone;
	m->children.on_paused = on_paused;
	m->children.on_uneven = on_uneven;
	m->children.on_signalled = on_signalled;
	timer_init(&m->respawn_timer, on_respawn_time);
}
