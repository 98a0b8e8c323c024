/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginning and the end of the master process. What happens between the
 * two is the loop's: every callback ends in an event of lifecycle.h.
 */
#include "master/master.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/title.h"
#include "master/ending.h"
#include "master/handover.h"
#include "master/load.h"
#include "master/reload.h"
#include "master/supervise.h"
#include "master/workforce.h"

enum { BIND_MS = 2000 }; /* for the addresses to be free at the start */

void master_describe(const struct master *m, char text_out[WHY_SIZE])
{
	snprintf(text_out, WHY_SIZE, "generation %u serves: %u worker%s",
		 m->serving->number, m->serving->wanted,
		 m->serving->wanted == 1 ? "" : "s");
}

static void open_verdicts(struct master *m)
{
	verdict_init(&m->next_reload, "reload", &m->notify);
	verdict_init(&m->reload, "reload", &m->notify);
	verdict_init(&m->upgrading, "upgrade", &m->notify);
	verdict_init(&m->answering, "reload", &m->notify);
	verdict_init(&m->reopening, "reopen", &m->notify);
	verdict_init(&m->resizing, "change of the number of workers", &m->notify);
	verdict_init(&m->ending, "quit", &m->notify);
	/* A client that waits for the end waits for that of the process. */
	m->ending.holds = true;
}

static void close_verdicts(struct master *m)
{
	verdict_fini(&m->next_reload);
	verdict_fini(&m->reload);
	verdict_fini(&m->upgrading);
	verdict_fini(&m->answering);
	verdict_fini(&m->reopening);
	verdict_fini(&m->resizing);
	verdict_fini(&m->ending);
}

static int open_master(struct master *m, const char *file)
{
	*m = (struct master){.file = file};
	if (loop_init(&m->loop) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot start: no event loop");
		return -1;
	}
	if (children_init(&m->children, &m->loop) == -1) {
		log_errno(LOG_LEVEL_ERROR,
			  "cannot start: no memory to share with workers");
		return -1;
	}
	keeper_link_init(&m->keeper, &m->children);
	m->started_at = m->loop.now;
	listeners_init(&m->listeners);
	control_init(&m->control, &m->loop);
	notify_init(&m->notify, &m->loop);
	watchdog_init(&m->watchdog, &m->children);
	rates_init(&m->rates, &m->children);
	servers_init(m);
	reload_init(m);
	handover_init(m);
	ending_init(m);
	workforce_init(m);
	open_verdicts(m);
	return 0;
}

static void close_master(struct master *m)
{
	generation_destroy(&m->serving);
	generation_destroy(&m->next);
	LIST_EACH_SAFE (link, &m->old) {
		struct generation *g = CONTAINER_OF(link, struct generation, link);

		generation_destroy(&g);
	}
	servers_fini(m);
	lookup_cancel(&m->lookup);
	conf_destroy(&m->candidate);
	pid_file_remove(&m->pid_file);
	close_verdicts(m);
	notify_fini(&m->notify);
	watchdog_stop(&m->watchdog);
	rates_stop(&m->rates);
	upgrade_close(&m->upgrade);
	control_fini(&m->control);
	listeners_fini(&m->listeners);
	keeper_link_fini(&m->keeper);
	children_fini(&m->children);
	loop_fini(&m->loop);
	buf_free_all();
}

static int take_over(struct master *m, char why_out[WHY_SIZE])
{
	int handoff[2];

	if (!upgrade_is_wanted())
		return 0;
	if (upgrade_receive(&m->upgrade, &m->listeners, handoff, &m->last_number,
			    why_out) == -1)
		return -1;
	m->children.tickets = m->upgrade.tickets;
	/* Nothing is taken from workers that write another format: they keep
	 * their handoff for themselves. */
	if (frozen_version(&m->upgrade.theirs, FROZEN_CONNECTION) == 0) {
		fd_close(&handoff[0]);
		fd_close(&handoff[1]);
		log_warn("the old master's workers keep their connections: the "
			 "format in which they move is another one here");
		return 0;
	}
	children_use_handoff(&m->children, handoff);
	children_set_readers(&m->children, &m->upgrade.theirs);
	return 0;
}

/* The first generation. Takes `*conf`. */
static void start(struct master *m, struct conf **conf)
{
	uint64_t fds = fd_raise_limit();

	log_set_format((enum log_format)(*conf)->log.error_format);
	if (fds > 0 && fds < (*conf)->limits.connections)
		log_warn("limits.connections is %ju, but a process may have "
			 "only %ju descriptors",
			 (uintmax_t)(*conf)->limits.connections, (uintmax_t)fds);
	if (!m->upgrade.is_new) {
		listeners_inherit(&m->listeners);
		m->listeners.patient_until = m->loop.now + BIND_MS * NS_PER_MS;
	}
	reload_make(m, conf);
}

/* Up to the first generation being made; false when it cannot be. */
static bool begin(struct master *m, struct supervision *supervision)
{
	struct conf *conf = NULL;
	struct buf said = {0};
	char why[WHY_SIZE];

	if (supervise_open(supervision, m) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot start: no signals (signalfd)");
		return false;
	}
	if (take_over(m, why) == -1) {
		log_error("cannot start: %s", why);
		return false;
	}
	conf = load_aloud(m->file, &said);
	if (conf == NULL)
		upgrade_say_failed(&m->upgrade, buf_str(&said));
	else
		start(m, &conf);
	buf_release(&said);
	return m->state != LIFE_GONE && (m->next != NULL || m->candidate != NULL);
}

int master_run(struct master *m, const char *file)
{
	struct supervision supervision;
	int status = 1;

	if (open_master(m, file) == -1)
		return 1;
	title_set("holdfast: master %s", file);
	/* Also loads what workers need for theirs, once for all of them. */
	crash_install("master");
	if (begin(m, &supervision)) {
		loop_run(&m->loop);
		status = m->exit_status;
	}
	control_finish(&m->control, false);
	supervise_close(&supervision);
	close_master(m);
	return status;
}
