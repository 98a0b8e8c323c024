/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/title.h"
#include "master/load.h"
#include "master/pid_file.h"
#include "master/supervise.h"
#include "master/workforce.h"

enum {
	MAKE_MS = 30000,     /* as long as a generation may be made */
	BIND_MS = 2000,      /* for the addresses to be free at the start */
	SETTLE_MS = 1000,    /* for old workers to stop accepting */
	GENERATIONS = 4,     /* with the one that serves */
	STOP_MS = 1000,      /* a stop that takes longer is a kill */
	QUIT_GRACE_MS = 500, /* for idle keep-alive clients */
};

static const char *const state_names[LIFE_COUNT] = {
	[LIFE_STARTING] = "starting",   [LIFE_SERVING] = "serving",
	[LIFE_RELOADING] = "reloading", [LIFE_UPGRADING] = "upgrading",
	[LIFE_LEAVING] = "leaving",     [LIFE_LINGERING] = "lingering",
	[LIFE_QUITTING] = "quitting",   [LIFE_STOPPING] = "stopping",
	[LIFE_GONE] = "gone",
};

static const char *const event_names[EVENT_COUNT] = {
	[EVENT_READY] = "ready",   [EVENT_FAILED] = "failed",
	[EVENT_RELOAD] = "reload", [EVENT_UPGRADE] = "upgrade",
	[EVENT_QUIT] = "quit",     [EVENT_LINGERED] = "lingered",
	[EVENT_STOP] = "stop",     [EVENT_REOPEN] = "reopen",
	[EVENT_MORE] = "more",     [EVENT_FEWER] = "fewer",
	[EVENT_EMPTY] = "empty",
};

const char *life_name(enum life state)
{
	return state_names[state];
}

/* Telling people. */

static void answer_all(struct list *waiting, bool ok, struct str text)
{
	LIST_EACH_SAFE (link, waiting)
		control_answer(CONTAINER_OF(link, struct control_client, waiting),
			       ok, text);
}

/*
 * Who asked for a reload is told that it is done when it is: when no worker of
 * the old generation can accept any more, so that the next connection is
 * served by the new one. One that is stuck is not waited for.
 */
static void settle_now(struct master *m)
{
	timer_disarm(&m->settle_timer);
	answer_all(&m->settling, true, str_of(m->settled));
}

static void settle(struct master *m)
{
	if (!children_are_leaving(&m->children))
		settle_now(m);
	else if (!timer_is_armed(&m->settle_timer))
		loop_timer(&m->loop, &m->settle_timer, SETTLE_MS);
}

static void on_settle_time(struct timer *timer)
{
	settle_now(CONTAINER_OF(timer, struct master, settle_timer));
}

static void on_left(struct children *children)
{
	settle(CONTAINER_OF(children, struct master, children));
}

static void describe(const struct master *m, char *text_out, size_t size)
{
	const struct outcome *last = &m->last_reload;
	int n = snprintf(text_out, size, "generation %u serves: %u worker%s",
			 m->serving->number, m->serving->wanted,
			 m->serving->wanted == 1 ? "" : "s");

	if (last->at != 0 && !last->ok)
		snprintf(text_out + n, size - (size_t)n, "; last reload failed: %s",
			 last->reason);
}

static void announce(const struct master *m)
{
	char text[WHY_SIZE + 100];

	describe(m, text, sizeof(text));
	notify_ready(text);
}

/* Making a generation. */

/* Lists every error for those who wait, and in the log. */
static void note_errors(struct master *m, const struct conf_errors *errors)
{
	struct str all;

	conf_errors_print(errors, &m->errors);
	all = buf_str(&m->errors);
	while (all.n > 0) {
		struct str line = str_cut(&all, '\n');

		log_error("%" STR_FMT, STR_ARG(line));
	}
}

static void note_reason(struct master *m, const char *why)
{
	buf_printf(&m->errors, "%s\n", why);
}

/* Loads the file and makes the next generation of it, up to spawning its
 * workers. False when that fails; m->errors says why. */
static bool make_next(struct master *m)
{
	struct conf_errors errors = {0};
	struct conf *conf = conf_load(m->file, &errors);
	char why[WHY_SIZE];

	if (conf == NULL)
		note_errors(m, &errors);
	conf_errors_fini(&errors);
	if (conf == NULL)
		return false;
	if (control_prepare_move(&m->control, conf->control, why) == -1) {
		note_reason(m, why);
		conf_destroy(&conf);
		return false;
	}
	m->next = generation_create(&conf, ++m->last_number, &m->listeners, why);
	if (m->next == NULL) {
		note_reason(m, why);
		return false;
	}
	return true;
}

static void spawn_next(struct master *m)
{
	loop_timer(&m->loop, &m->make_timer, MAKE_MS);
	workforce_spawn(m, m->next, UINT32_MAX);
	if (m->next->failed)
		lifecycle_event(m, EVENT_FAILED);
}

static void on_make_time(struct timer *timer)
{
	struct master *m = CONTAINER_OF(timer, struct master, make_timer);

	if (m->next != NULL)
		generation_fail(m->next, "its workers were not ready within 30 s");
	else
		note_reason(m, "the new master was not ready within 30 s");
	lifecycle_event(m, EVENT_FAILED);
}

/* Ending a generation. */

static void retire(struct master *m, struct generation *g)
{
	list_append(&m->old, &g->link);
	if (children_count(&m->children, g) == 0)
		generation_destroy(&g);
}

/* Its connections go to whoever serves now. */
static void move_generation(struct master *m, struct generation *g,
			    bool to_successor)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		child_move(c, g->conf->timeouts.drain + LIFE_PATIENCE_MS,
			   to_successor);
}

static void drain_generation(struct master *m, struct generation *g,
			     uint64_t idle_grace_ms)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		child_drain(c, idle_grace_ms,
			    g->conf->timeouts.drain + LIFE_PATIENCE_MS);
}

/* The next generation is not to be: as if it had never been. */
static void give_up_next(struct master *m)
{
	struct generation *g = m->next;

	m->next = NULL;
	timer_disarm(&m->make_timer);
	control_finish_move(&m->control, false);
	if (g == NULL)
		return;
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		child_kill(c);
	generation_abandon_listeners(g);
	retire(m, g);
}

/* The actions. */

/* The master's own part in the configuration changes with its generation. */
static void take_settings(struct master *m, const struct generation *g)
{
	int fd = g->error_log;

	if (fd > STDERR_FILENO)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	log_set_fd(fd == -1 ? STDERR_FILENO : fd);
	log_set_level((enum log_level)g->conf->log.level);
	log_set_format((enum log_format)g->conf->log.error_format);
	pid_file_move(&m->pid_file, g->conf->pid_file);
}

static void log_listeners(const struct generation *g, const struct generation *old)
{
	for (size_t i = 0; i < g->conf->n_listeners; i++) {
		char text[ADDR_TEXT];
		bool is_new = true;

		for (size_t k = 0; old != NULL && k < old->conf->n_listeners; k++)
			is_new &= old->bound[k] != g->bound[i];
		if (is_new)
			log_info("listening on %s (%s)",
				 addr_format(&g->bound[i]->addr, text),
				 g->conf->listeners[i].protocol);
	}
}

/* True while a worker of it has something to finish. */
static bool is_busy(struct master *m, const struct generation *g)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		if (!c->is_done && c->state != CHILD_DYING)
			return true;
	return false;
}

/* So many reloads in a row that old workers pile up: the oldest must end. */
static void bound_generations(struct master *m)
{
	struct generation *oldest = NULL;
	unsigned n = 0;

	LIST_EACH (link, &m->old) {
		struct generation *g = CONTAINER_OF(link, struct generation, link);

		if (!is_busy(m, g))
			continue;
		oldest = oldest != NULL ? oldest : g;
		n++;
	}
	if (n < GENERATIONS)
		return;
	log_warn("%d generations at once: cutting generation %u", GENERATIONS,
		 oldest->number);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, oldest, c)) != NULL;)
		child_stop(c, STOP_MS);
}

static void commit(struct master *m)
{
	struct generation *old = m->serving;
	bool first = old == NULL;
	char text[WHY_SIZE + 100];

	m->serving = m->next;
	m->next = NULL;
	timer_disarm(&m->make_timer);
	control_finish_move(&m->control, true);
	take_settings(m, m->serving);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		if (c->state == CHILD_READY)
			child_start(c);
	for (size_t i = 0; i < m->serving->conf->n_listeners; i++)
		listeners_settle(m->serving->bound[i],
				 &m->serving->conf->listeners[i]);
	log_listeners(m->serving, old);
	if (!first) {
		generation_leave_listeners(old, m->serving, &m->children);
		move_generation(m, old, false);
		retire(m, old);
		bound_generations(m);
		m->last_reload = (struct outcome){.at = time(NULL), .ok = true};
	}
	describe(m, text, sizeof(text));
	log_info("%s", text);
	notify_ready(text);
	if (first && m->upgrade.is_new)
		upgrade_say_ready(&m->upgrade);
	snprintf(m->settled, sizeof(m->settled), "%s\n", text);
	list_take_all(&m->settling, &m->reloading);
	settle(m);
	if (m->reload_queued)
		lifecycle_event(m, EVENT_RELOAD);
}

/* One line for the log and for systemctl: the first reason, and how many. */
static void summarise(struct master *m, char *why_out, size_t size)
{
	struct str all = buf_str(&m->errors), first = str_cut(&all, '\n');
	unsigned more = 0;

	while (all.n > 0) {
		str_cut(&all, '\n');
		more++;
	}
	snprintf(why_out, size, "%" STR_FMT, STR_ARG(first));
	if (more > 0)
		snprintf(why_out, size, "%.*s (and %u more)",
			 (int)(size - 32) < (int)first.n ? (int)(size - 32)
							 : (int)first.n,
			 first.p, more);
}

static void roll_back(struct master *m)
{
	struct outcome *last = &m->last_reload;

	if (m->next != NULL)
		note_reason(m, m->next->failure);
	give_up_next(m);
	*last = (struct outcome){.at = time(NULL)};
	summarise(m, last->reason, sizeof(last->reason));
	log_error("reload failed: %s; generation %u goes on", last->reason,
		  m->serving->number);
	announce(m);
	answer_all(&m->reloading, false, buf_str(&m->errors));
	buf_release(&m->errors);
	if (m->reload_queued)
		lifecycle_event(m, EVENT_RELOAD);
}

static void begin_reload(struct master *m)
{
	m->reload_queued = false;
	list_take_all(&m->reloading, &m->queued);
	log_info("reloading %s", m->file);
	notify_reloading("reloading");
	if (make_next(m))
		spawn_next(m);
	else
		lifecycle_event(m, EVENT_FAILED);
}

static void queue_reload(struct master *m)
{
	m->reload_queued = true;
}

static void refuse_reload(struct master *m)
{
	answer_all(&m->queued, false, STR("the server is ending\n"));
}

static void check_empty(struct master *m)
{
	if (children_count(&m->children, NULL) == 0)
		lifecycle_event(m, EVENT_EMPTY);
}

static void finish(struct master *m)
{
	char text[64] = "";

	if (m->children.cut > 0)
		snprintf(text, sizeof(text), "%ju connections were cut\n",
			 (uintmax_t)m->children.cut);
	log_info("ended; %ju connections were cut", (uintmax_t)m->children.cut);
	answer_all(&m->quitting, true, str_of(text));
	loop_stop(&m->loop);
}

/* The upgrade: see upgrade.h. */

static void on_new_ready(struct upgrade *upgrade)
{
	lifecycle_event(CONTAINER_OF(upgrade, struct master, upgrade), EVENT_READY);
}

static void on_new_failed(struct upgrade *upgrade, const char *why)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	if (m->state != LIFE_UPGRADING) {
		upgrade_close(upgrade);
		return;
	}
	note_reason(m, why);
	lifecycle_event(m, EVENT_FAILED);
}

/* Workers of the old master that have ended since it told us last. */
static void on_counters(struct upgrade *upgrade, const struct counters *counters)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	counters_add(&m->children.retired, counters);
}

/* Only now systemd listens to us as the main process. */
static void on_alone(struct upgrade *upgrade)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	if (m->state == LIFE_SERVING)
		announce(m);
}

static void begin_upgrade(struct master *m)
{
	char why[WHY_SIZE];

	log_info("upgrading: starting the binary on disk");
	loop_timer(&m->loop, &m->make_timer, MAKE_MS);
	if (upgrade_begin(&m->upgrade, m->file, m->last_number, &m->listeners,
			  m->children.handoff, why) == 0)
		return;
	note_reason(m, why);
	lifecycle_event(m, EVENT_FAILED);
}

static void upgrade_failed(struct master *m)
{
	char why[WHY_SIZE];

	timer_disarm(&m->make_timer);
	upgrade_abandon(&m->upgrade);
	summarise(m, why, sizeof(why));
	log_error("upgrade failed: %s; generation %u goes on", why,
		  m->serving->number);
	answer_all(&m->upgrading, false, buf_str(&m->errors));
	buf_release(&m->errors);
	if (m->reload_queued)
		lifecycle_event(m, EVENT_RELOAD);
}

/* All that has a name in the file system is the new master's from now on. */
static void leave_names(struct master *m)
{
	control_leave(&m->control);
	pid_file_leave(&m->pid_file);
	LIST_EACH (link, &m->listeners.all)
		CONTAINER_OF(link, struct bound, link)->leave_name = true;
}

static void hand_over(struct master *m)
{
	char text[96];

	snprintf(text, sizeof(text), "master %d serves now\n", (int)m->upgrade.pid);
	log_info("upgraded: master %d serves; moving connections to it",
		 (int)m->upgrade.pid);
	notify_main_pid((int)m->upgrade.pid, text);
	/* It may have read the file before it was changed. */
	if (m->reload_queued)
		kill(m->upgrade.pid, SIGHUP);
	m->reload_queued = false;
	m->upgrade.pid = 0;
	timer_disarm(&m->make_timer);
	timer_disarm(&m->respawn_timer);
	leave_names(m);
	m->told = m->children.retired;
	upgrade_send_counters(&m->upgrade, &m->told);
	snprintf(m->settled, sizeof(m->settled), "%s", text);
	list_take_all(&m->settling, &m->upgrading);
	answer_all(&m->queued, false, STR("the server was upgraded meanwhile\n"));
	generation_release_listeners(m->serving);
	move_generation(m, m->serving, true);
	LIST_EACH (link, &m->old)
		move_generation(m, CONTAINER_OF(link, struct generation, link),
				true);
	settle(m);
	check_empty(m);
}

static void leave(struct master *m)
{
	struct counters rest = m->children.retired;

	counters_subtract(&rest, &m->told);
	upgrade_send_counters(&m->upgrade, &rest);
	upgrade_close(&m->upgrade);
	finish(m);
}

void lifecycle_answer_idle_upgrade(struct master *m)
{
	if (m->state == LIFE_UPGRADING)
		return;
	answer_all(&m->upgrading, false,
		   STR("not now: the server starts, reloads or ends\n"));
}

/* Drops what a reload or an upgrade had begun. */
static void abandon_reload(struct master *m)
{
	struct str why = STR("the server is ending\n");

	settle_now(m);
	give_up_next(m);
	if (m->upgrade.pid > 0)
		upgrade_abandon(&m->upgrade);
	answer_all(&m->upgrading, false, why);
	answer_all(&m->reloading, false, why);
	answer_all(&m->queued, false, why);
	m->reload_queued = false;
}

static void begin_quit(struct master *m)
{
	log_info("quitting: at most %ju ms for what is begun",
		 (uintmax_t)m->serving->conf->timeouts.drain);
	notify_stopping("quitting",
			m->serving->conf->timeouts.drain + 2 * LIFE_PATIENCE_MS);
	timer_disarm(&m->respawn_timer);
	generation_leave_listeners(m->serving, NULL, &m->children);
	drain_generation(m, m->serving, QUIT_GRACE_MS);
	LIST_EACH (link, &m->old)
		drain_generation(m, CONTAINER_OF(link, struct generation, link),
				 QUIT_GRACE_MS);
	check_empty(m);
}

static void on_linger_time(struct timer *timer)
{
	lifecycle_event(CONTAINER_OF(timer, struct master, linger_timer),
			EVENT_LINGERED);
}

/* Health checks fail first, and only then are listeners closed. */
static void begin_linger(struct master *m)
{
	uint64_t linger = m->serving->conf->timeouts.linger;

	abandon_reload(m);
	if (linger == 0) {
		lifecycle_event(m, EVENT_LINGERED);
		return;
	}
	log_info("quitting in %ju ms; health checks answer 503", (uintmax_t)linger);
	notify_stopping("lingering", linger + LIFE_PATIENCE_MS);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		child_unready(c);
	loop_timer(&m->loop, &m->linger_timer, linger);
}

static void begin_stop(struct master *m)
{
	log_info("stopping");
	timer_disarm(&m->linger_timer);
	notify_stopping("stopping", LIFE_PATIENCE_MS);
	abandon_reload(m);
	timer_disarm(&m->respawn_timer);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;)
		child_stop(c, STOP_MS);
	check_empty(m);
}

/* The first generation cannot be: there is nothing to go back to. */
static void fail_to_start(struct master *m)
{
	m->exit_status = 1;
	if (m->next != NULL) {
		log_error("cannot start: %s", m->next->failure);
		upgrade_say_failed(&m->upgrade, str_of(m->next->failure));
	}
	begin_stop(m);
}

/* False, with the reason noted, when its old log files stay in use. */
static bool reopen_for(struct master *m, struct generation *g)
{
	char why[WHY_SIZE];

	if (g == NULL || generation_reopen(g, &m->children, why) == 0)
		return true;
	note_reason(m, why);
	log_error("%s; the old one stays in use", why);
	return false;
}

static void reopen(struct master *m)
{
	bool fine = reopen_for(m, m->serving);

	fine &= reopen_for(m, m->next);
	LIST_EACH (link, &m->old)
		fine &= reopen_for(m, CONTAINER_OF(link, struct generation, link));
	if (fine && m->serving != NULL)
		take_settings(m, m->serving);
	if (fine)
		log_info("log files are open anew");
}

/* The table. An event that has no action in a state means nothing there. */

static const struct {
	void (*act)(struct master *m);
	enum life next;
} table[LIFE_COUNT][EVENT_COUNT] = {
	[LIFE_STARTING] =
		{
			[EVENT_READY] = {commit, LIFE_SERVING},
			[EVENT_FAILED] = {fail_to_start, LIFE_STOPPING},
			[EVENT_RELOAD] = {queue_reload, LIFE_STARTING},
			[EVENT_REOPEN] = {reopen, LIFE_STARTING},
			[EVENT_QUIT] = {begin_stop, LIFE_STOPPING},
			[EVENT_STOP] = {begin_stop, LIFE_STOPPING},
		},
	[LIFE_SERVING] =
		{
			[EVENT_RELOAD] = {begin_reload, LIFE_RELOADING},
			[EVENT_UPGRADE] = {begin_upgrade, LIFE_UPGRADING},
			[EVENT_QUIT] = {begin_linger, LIFE_LINGERING},
			[EVENT_STOP] = {begin_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reopen, LIFE_SERVING},
			[EVENT_MORE] = {workforce_more, LIFE_SERVING},
			[EVENT_FEWER] = {workforce_fewer, LIFE_SERVING},
		},
	[LIFE_RELOADING] =
		{
			[EVENT_READY] = {commit, LIFE_SERVING},
			[EVENT_FAILED] = {roll_back, LIFE_SERVING},
			[EVENT_RELOAD] = {queue_reload, LIFE_RELOADING},
			[EVENT_QUIT] = {begin_linger, LIFE_LINGERING},
			[EVENT_STOP] = {begin_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reopen, LIFE_RELOADING},
			[EVENT_MORE] = {workforce_more, LIFE_RELOADING},
			[EVENT_FEWER] = {workforce_fewer, LIFE_RELOADING},
		},
	[LIFE_UPGRADING] =
		{
			[EVENT_READY] = {hand_over, LIFE_LEAVING},
			[EVENT_FAILED] = {upgrade_failed, LIFE_SERVING},
			[EVENT_RELOAD] = {queue_reload, LIFE_UPGRADING},
			[EVENT_QUIT] = {begin_linger, LIFE_LINGERING},
			[EVENT_STOP] = {begin_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reopen, LIFE_UPGRADING},
			[EVENT_MORE] = {workforce_more, LIFE_UPGRADING},
			[EVENT_FEWER] = {workforce_fewer, LIFE_UPGRADING},
		},
	[LIFE_LEAVING] =
		{
			[EVENT_RELOAD] = {refuse_reload, LIFE_LEAVING},
			[EVENT_EMPTY] = {leave, LIFE_GONE},
		},
	[LIFE_LINGERING] =
		{
			[EVENT_LINGERED] = {begin_quit, LIFE_QUITTING},
			[EVENT_RELOAD] = {refuse_reload, LIFE_LINGERING},
			[EVENT_QUIT] = {begin_stop, LIFE_STOPPING},
			[EVENT_STOP] = {begin_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reopen, LIFE_LINGERING},
		},
	[LIFE_QUITTING] =
		{
			[EVENT_RELOAD] = {refuse_reload, LIFE_QUITTING},
			[EVENT_QUIT] = {begin_stop, LIFE_STOPPING},
			[EVENT_STOP] = {begin_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reopen, LIFE_QUITTING},
			[EVENT_EMPTY] = {finish, LIFE_GONE},
		},
	[LIFE_STOPPING] =
		{
			[EVENT_RELOAD] = {refuse_reload, LIFE_STOPPING},
			[EVENT_EMPTY] = {finish, LIFE_GONE},
		},
};

void lifecycle_event(struct master *m, enum event event)
{
	void (*act)(struct master *) = table[m->state][event].act;
	enum life next = table[m->state][event].next;

	log_debug("%s: %s%s", state_names[m->state], event_names[event],
		  act == NULL ? ", which means nothing now" : "");
	if (act == NULL)
		return;
	if (next != m->state)
		log_debug("%s -> %s", state_names[m->state], state_names[next]);
	m->state = next;
	act(m);
}

/* What the children do. */

static void on_ready(struct children *children, struct child *child)
{
	struct master *m = CONTAINER_OF(children, struct master, children);

	if (child->generation == m->serving) { /* a replacement */
		child_start(child);
		if (m->state == LIFE_LINGERING)
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

static void bury_generation(struct master *m, struct generation *g)
{
	if (g == m->serving || g == m->next || children_count(&m->children, g) > 0)
		return;
	log_info("generation %u is gone", g->number);
	generation_destroy(&g);
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
		   (m->state == LIFE_SERVING || m->state == LIFE_RELOADING ||
		    m->state == LIFE_UPGRADING || m->state == LIFE_LINGERING)) {
		workforce_replace(m, gone, what);
	} else {
		if (gone->state == CHILD_DRAINING && status != 0)
			log_warn("%s while it drained", what);
		else
			log_debug("%s", what);
		bury_generation(m, g);
	}
	settle(m);
	check_empty(m);
}

/* The beginning and the end. */

static int open_master(struct master *m, const char *file)
{
	*m = (struct master){.file = file};
	if (loop_init(&m->loop) == -1 ||
	    children_init(&m->children, &m->loop) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot start");
		return -1;
	}
	m->started_at = m->loop.now;
	m->children.on_ready = on_ready;
	m->children.on_gone = on_gone;
	listeners_init(&m->listeners);
	control_init(&m->control, &m->loop);
	notify_init(&m->notify, &m->loop);
	watchdog_start(&m->watchdog, &m->children);
	sampler_start(&m->sampler, &m->children);
	timer_init(&m->make_timer, on_make_time);
	workforce_init(m);
	timer_init(&m->linger_timer, on_linger_time);
	timer_init(&m->settle_timer, on_settle_time);
	list_init(&m->settling);
	m->children.on_left = on_left;
	list_init(&m->old);
	list_init(&m->reloading);
	list_init(&m->queued);
	list_init(&m->upgrading);
	list_init(&m->quitting);
	upgrade_init(&m->upgrade, &m->loop);
	m->upgrade.on_ready = on_new_ready;
	m->upgrade.on_failed = on_new_failed;
	m->upgrade.on_counters = on_counters;
	m->upgrade.on_alone = on_alone;
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
	pid_file_move(&m->pid_file, "");
	notify_fini(&m->notify);
	watchdog_stop(&m->watchdog);
	sampler_stop(&m->sampler);
	upgrade_close(&m->upgrade);
	control_fini(&m->control);
	listeners_fini(&m->listeners);
	children_fini(&m->children);
	buf_release(&m->errors);
	loop_fini(&m->loop);
	buf_free_all();
}

/* Where to listen and answer: from the master before us, from systemd, or by
 * ourselves. 0, or -1 with why_out. */
static int take_place(struct master *m, const struct conf *conf,
		      char why_out[WHY_SIZE])
{
	if (m->upgrade.is_new)
		return control_prepare_takeover(&m->control, conf->control,
						why_out);
	listeners_inherit(&m->listeners);
	m->listeners.patient_until = m->loop.now + BIND_MS * NS_PER_MS;
	return control_open(&m->control, conf->control, why_out);
}

static int take_over(struct master *m, char why_out[WHY_SIZE])
{
	int handoff[2];

	if (!upgrade_is_wanted())
		return 0;
	if (upgrade_receive(&m->upgrade, &m->listeners, handoff, &m->last_number,
			    why_out) == -1)
		return -1;
	children_use_handoff(&m->children, handoff);
	return 0;
}

/* The first generation. Takes `*conf`. 0, or -1 with why_out. */
static int start(struct master *m, struct conf **conf, char why_out[WHY_SIZE])
{
	uint64_t fds = fd_raise_limit();

	log_set_format((enum log_format)(*conf)->log.error_format);
	if (fds > 0 && fds < (*conf)->limits.connections)
		log_warn("limits.connections is %ju, but a process may have "
			 "only %ju descriptors",
			 (uintmax_t)(*conf)->limits.connections, (uintmax_t)fds);
	if (take_place(m, *conf, why_out) == -1)
		return -1;
	m->next = generation_create(conf, ++m->last_number, &m->listeners, why_out);
	listeners_drop_unused(&m->listeners);
	m->listeners.patient_until = 0;
	if (m->next == NULL)
		return -1;
	log_set_level((enum log_level)m->next->conf->log.level);
	spawn_next(m);
	return 0;
}

/* Up to the first generation being made; false when it cannot be. */
static bool begin(struct master *m, struct supervision *supervision)
{
	struct conf *conf = NULL;
	struct buf said = {0};
	char why[WHY_SIZE];
	bool begun = false;

	if (supervise_open(supervision, m) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot start");
		return false;
	}
	if (take_over(m, why) == -1) {
		log_error("cannot start: %s", why);
		return false;
	}
	conf = load_aloud(m->file, &said);
	if (conf == NULL) {
		upgrade_say_failed(&m->upgrade, buf_str(&said));
	} else if (start(m, &conf, why) == -1) {
		log_error("cannot start: %s", why);
		upgrade_say_failed(&m->upgrade, str_of(why));
	} else {
		begun = true;
	}
	buf_release(&said);
	conf_destroy(&conf);
	return begun;
}

int lifecycle_run(struct master *m, const char *file)
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
	control_finish_move(&m->control, false);
	supervise_close(&supervision);
	close_master(m);
	return status;
}
