/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/ending.h"

#include <inttypes.h>

#include "base/defer_accept.h"
#include "base/log.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/reload.h"

enum {
	STOP_MS = 1000,      /* a stop that takes longer is a kill */
	QUIT_GRACE_MS = 500, /* for idle keep-alive clients */
};

static const char ends[] = "the server is shutting down";

void ending_check(struct master *m)
{
	if (children_count(&m->children, NULL) == 0)
		lifecycle_event(m, EVENT_EMPTY);
}

void ending_join(struct master *m)
{
	log_debug("%u workers are left", children_count(&m->children, NULL));
}

/* Drops what a reload or an upgrade had begun. */
static void abandon_work(struct master *m)
{
	reload_answer_now(m);
	reload_abandon(m);
	if (verdict_is_asked(&m->reload)) {
		verdict_blame(&m->reload, "%s", ends);
		verdict_fail(&m->reload, "");
	}
	if (verdict_is_asked(&m->next_reload))
		verdict_refuse(&m->next_reload, ends);
	handover_abandon(m, ends);
}

void ending_drain(struct master *m)
{
	generation_drain(m->serving, &m->children, QUIT_GRACE_MS);
	LIST_EACH (link, &m->old)
		generation_drain(CONTAINER_OF(link, struct generation, link),
				 &m->children, QUIT_GRACE_MS);
	ending_check(m);
}

void ending_quit(struct master *m)
{
	uint64_t drain = m->serving->conf->timeouts.drain;

	log_info("quitting; draining for at most %ju ms", (uintmax_t)drain);
	notify_stopping(&m->notify, "quitting", drain + 2 * GENERATION_PATIENCE_MS);
	timer_disarm(&m->respawn_timer);
	generation_retire_listeners(m->serving, NULL, &m->children);
	ending_drain(m);
}

static void on_linger_time(struct timer *timer)
{
	lifecycle_event(CONTAINER_OF(timer, struct master, linger_timer),
			EVENT_LINGERED);
}

/* True when clients that the kernel has held back may be on their way in. */
static bool let_in(struct master *m)
{
	bool comes = generation_let_in(m->serving);

	LIST_EACH (link, &m->old)
		comes |= generation_let_in(
			CONTAINER_OF(link, struct generation, link));
	return comes;
}

void ending_linger(struct master *m)
{
	uint64_t linger = m->serving->conf->timeouts.linger;

	abandon_work(m);
	if (let_in(m) && linger < DEFER_ACCEPT_LET_IN_MS)
		linger = DEFER_ACCEPT_LET_IN_MS;
	if (linger == 0) {
		lifecycle_event(m, EVENT_LINGERED);
		return;
	}
	log_info("quitting in %ju ms; health checks answer 503", (uintmax_t)linger);
	notify_stopping(&m->notify, "lingering", linger + GENERATION_PATIENCE_MS);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		child_unready(c);
	loop_timer(&m->loop, &m->linger_timer, linger);
}

void ending_stop(struct master *m)
{
	log_info("stopping");
	timer_disarm(&m->linger_timer);
	notify_stopping(&m->notify, "stopping", GENERATION_PATIENCE_MS);
	abandon_work(m);
	timer_disarm(&m->respawn_timer);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;)
		child_stop(c, STOP_MS);
	ending_check(m);
}

void ending_fail_to_start(struct master *m)
{
	char why[WHY_SIZE];

	m->exit_status = 1;
	if (m->next != NULL)
		verdict_blame(&m->reload, "%s", m->next->failure);
	verdict_summary(&m->reload, why, sizeof(why));
	log_error("cannot start: %s", why);
	upgrade_say_failed(&m->upgrade, str_of(why));
	ending_stop(m);
}

void ending_finish(struct master *m)
{
	uint64_t cut = m->children.retired.connections_cut;

	handover_close(m);
	if (cut > 0)
		verdict_pass(&m->ending, "ended; %ju connections were cut",
			     (uintmax_t)cut);
	else
		verdict_pass(&m->ending, "ended; no connection was cut");
	verdict_answer(&m->ending);
	loop_stop(&m->loop);
}

void ending_init(struct master *m)
{
	timer_init(&m->linger_timer, on_linger_time);
}
