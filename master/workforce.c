/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/workforce.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "master/lifecycle.h"

enum {
	RETRY_MS = 1000, /* after a spawn that failed */
	MOST_WORKERS = 256,
};

void workforce_spawn(struct master *m, struct generation *g, unsigned most)
{
	unsigned have = children_count_staying(&m->children, g);

	for (; have < g->wanted && most > 0; have++, most--) {
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
	if (m->serving->wanted >= MOST_WORKERS) {
		log_warn("%d workers are the most there can be", MOST_WORKERS);
		return;
	}
	m->serving->wanted++;
	log_info("one more worker: %u", m->serving->wanted);
	workforce_spawn(m, m->serving, 1);
	try_again(m);
}

void workforce_fewer(struct master *m)
{
	struct generation *g = m->serving;
	struct child *last = NULL;

	if (g->wanted <= 1) {
		log_warn("one worker is the least there can be");
		return;
	}
	g->wanted--;
	log_info("one worker less: %u", g->wanted);
	/* While one waits to be replaced there is one less already. */
	if (children_count_staying(&m->children, g) <= g->wanted)
		return;
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		if (c->state != CHILD_DRAINING && c->state != CHILD_DYING &&
		    (last == NULL || last->state == CHILD_SERVING))
			last = c;
	if (last != NULL)
		child_move(last, g->conf->timeouts.drain + LIFE_PATIENCE_MS, false);
}

/* Who was woken for a connection is gone or does not take it: EPOLLEXCLUSIVE
 * has woken nobody else, so the others are told. */
static void have_others_look(struct master *m, const struct child *but)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		if (c->number != but->number && c->state == CHILD_SERVING)
			child_look(c);
}

/* Somebody has sent a worker a signal: another comes, then it goes. */
static void on_leaving(struct children *children, struct child *child)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	if (child->generation != m->serving)
		return;
	log_info("worker %u (pid %d) leaves, on a signal", child->number,
		 (int)child->pid);
	child_move(child,
		   child->generation->conf->timeouts.drain + LIFE_PATIENCE_MS,
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
	m->respawns += children_count_staying(&m->children, g) - before;
	try_again(m);
}

void workforce_replace(struct master *m, const struct child *gone, const char *what)
{
	uint64_t wait = respawn_after_death(&m->respawn, m->loop.now,
					    m->loop.now - gone->started_at);

	if (gone->failure[0] != '\0')
		log_warn("%s: %s", what, gone->failure);
	else
		log_warn("%s", what);
	if (wait > 0)
		log_warn("workers die young: the next is spawned in %ju ms",
			 (uintmax_t)wait);
	have_others_look(m, gone);
	if (!timer_is_armed(&m->respawn_timer) || wait == 0)
		loop_timer(&m->loop, &m->respawn_timer, wait);
}

void workforce_init(struct master *m)
{
	m->children.on_paused = on_paused;
	m->children.on_leaving = on_leaving;
	timer_init(&m->respawn_timer, on_respawn_time);
}
