/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the order in which a reload goes: making the next generation (load, open,
 * spawn), then commit or roll back. At the end what both need: retiring old
 * generations, and opening logs again.
 */
#include "master/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tunable.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/workforce.h"
#include "master/publish.h"

enum {
	MAKE_MS = 30000,  /* for a generation to be ready */
	ANSWER_MS = 1000, /* for old workers to stop accepting */
	GENERATIONS = 4,  /* at once, the one that serves included */
	CUT_MS = 1000,    /* for a worker that is cut, before it is killed */
};

/* Answering. */

/*
 * A reload is answered when no worker of the old generation accepts any more,
 * so that the client's next connection is served by the new one. A worker that
 * is stuck is not waited for.
 */
void reload_answer_now(struct master *m)
{
	timer_disarm(&m->answer_timer);
	verdict_answer(&m->answering);
}

void reload_answer(struct master *m)
{
	if (!children_still_accept(&m->children))
		reload_answer_now(m);
	else if (!timer_is_armed(&m->answer_timer))
		loop_timer(&m->loop, &m->answer_timer, ANSWER_MS);
}

static void on_answer_time(struct timer *timer)
{
	reload_answer_now(CONTAINER_OF(timer, struct master, answer_timer));
}

static void on_not_accepting(struct children *children)
{
	reload_answer(CONTAINER_OF(children, struct master, children));
}

/* Making a generation. */

/* Every error of the file, for the clients and in the log. */
static void blame_errors(struct master *m, const struct conf_errors *errors)
{
	struct buf text = {0};
	struct str all;

	conf_errors_print(errors, &text);
	all = buf_str(&text);
	while (all.n > 0) {
		struct str line = str_cut(&all, '\n');

		log_error("%" STR_FMT, STR_ARG(line));
		verdict_blame(&m->reload, "%" STR_FMT, STR_ARG(line));
	}
	buf_release(&text);
}

static void spawn_next(struct master *m)
{
	loop_timer(&m->loop, &m->make_timer, tunable("MAKE_MS", MAKE_MS));
	workforce_spawn(m, m->next, UINT32_MAX);
	if (m->next->failed)
		lifecycle_event(m, EVENT_FAILED);
}

/* Everything with a name in the file system, and the listeners. False when that
 * fails; why_out says why. */
static bool open_next(struct master *m, struct conf **conf, struct names *names,
		      char why_out[WHY_SIZE])
{
	bool is_successor = m->serving == NULL && m->upgrade.is_new;

	if (control_prepare(&m->control, (*conf)->control.path, &names->control,
			    is_successor, why_out) == -1 ||
	    pid_file_prepare(&m->pid_file, (*conf)->pid_file, is_successor,
			     why_out) == -1 ||
	    keeper_link_load(&m->keeper, *conf,
			     names->has_user ? &names->user : NULL,
			     why_out) == -1) {
		free(names);
		conf_destroy(conf);
		return false;
	}
	if (is_successor)
		handover_say_made(m);
	m->next = generation_create(conf, names, ++m->last_number, &m->listeners,
				    why_out);
	return m->next != NULL;
}

/* The names of users and groups are known: the next step. */
static void on_names(struct lookup *lookup, struct names *names, const char *why)
{
	struct master *m = CONTAINER_OF(lookup, struct master, lookup);
	struct conf *conf = m->candidate;
	char text[WHY_SIZE];

	m->candidate = NULL;
	if (names != NULL && open_next(m, &conf, names, text)) {
		spawn_next(m);
		return;
	}
	verdict_blame(&m->reload, "%s", names != NULL ? text : why);
	conf_destroy(&conf);
	lifecycle_event(m, EVENT_FAILED);
}

void reload_make(struct master *m, struct conf **conf)
{
	m->candidate = *conf;
	*conf = NULL;
	if (m->serving == NULL)
		log_set_level((enum log_level)m->candidate->log.level);
	lookup_begin(&m->lookup, m->candidate);
}

/* Loads the file. False when that fails; m->reload has the reasons. */
static bool load_next(struct master *m, struct conf **conf_out)
{
	struct conf_errors errors = {0};

	*conf_out = conf_load(m->file, &errors);
	if (*conf_out == NULL)
		blame_errors(m, &errors);
	conf_errors_fini(&errors);
	return *conf_out != NULL;
}

static void on_make_time(struct timer *timer)
{
	struct master *m = CONTAINER_OF(timer, struct master, make_timer);

	generation_fail(m->next, "its workers were not ready within 30 s");
	lifecycle_event(m, EVENT_FAILED);
}

void reload_begin(struct master *m)
{
	struct conf *conf;

	verdict_move(&m->reload, &m->next_reload);
	log_info("reloading %s", m->file);
	notify_reloading(&m->notify, "reloading");
	if (load_next(m, &conf))
		reload_make(m, &conf);
	else
		lifecycle_event(m, EVENT_FAILED);
}

/* Its verdict waits: see reload_begin_queued(). */
void reload_queue(struct master *m)
{
	log_debug("a reload of %s will follow", m->file);
}

void reload_begin_queued(struct master *m)
{
	if (verdict_is_asked(&m->next_reload))
		lifecycle_event(m, EVENT_RELOAD);
}

/* The end of it. */

/* The master's own part of the configuration changes with its generation. */
static void apply_settings(const struct generation *g)
{
	int fd = g->error_log;

	if (fd > STDERR_FILENO)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	log_set_fd(fd == -1 ? STDERR_FILENO : fd);
	log_set_level((enum log_level)g->conf->log.level);
	log_set_format((enum log_format)g->conf->log.error_format);
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

/* With many reloads in a row old workers pile up: the oldest must end. */
static void bound_generations(struct master *m)
{
	struct generation *oldest = NULL;
	unsigned n = 0;

	LIST_EACH (link, &m->old) {
		struct generation *g = CONTAINER_OF(link, struct generation, link);

		if (!generation_is_busy(g, &m->children))
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
		child_stop(c, CUT_MS);
}

static void start_workers(struct master *m)
{
	const struct generation *g = m->serving;

	for (size_t i = 0; i < g->conf->n_listeners; i++)
		listeners_commit(g->bound[i], &g->conf->listeners[i],
				 &g->names->listeners[i]);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		if (c->state == CHILD_READY)
			child_start(c);
}

static void replace(struct master *m, struct generation *old)
{
	generation_retire_listeners(old, m->serving, &m->children);
	generation_move(old, &m->children, false);
	reload_retire(m, old);
	bound_generations(m);
	m->last_reload = (struct outcome){.at = time(NULL), .ok = true};
	publish_reload(m);
}

void reload_commit(struct master *m)
{
	struct generation *old = m->serving;
	char text[WHY_SIZE];

	m->serving = m->next;
	m->next = NULL;
	timer_disarm(&m->make_timer);
	control_finish(&m->control, true);
	pid_file_finish(&m->pid_file, true);
	apply_settings(m->serving);
	publish_generation(m);
	start_workers(m);
	log_listeners(m->serving, old);
	if (old != NULL)
		replace(m, old);
	servers_prune(m);
	master_describe(m, text);
	notify_success(&m->notify);
	notify_ready(&m->notify, text);
	if (old == NULL) {
		log_info("%s", text);
		handover_say_unwanted(m);
		listeners_drop_unused(&m->listeners);
		handover_wait(m);
		upgrade_say_ready(&m->upgrade);
	} else {
		verdict_pass(&m->reload, "%s", text);
		verdict_move(&m->answering, &m->reload);
	}
	reload_answer(m);
	reload_begin_queued(m);
}

void reload_abandon(struct master *m)
{
	struct generation *g = m->next;

	m->next = NULL;
	timer_disarm(&m->make_timer);
	lookup_cancel(&m->lookup);
	conf_destroy(&m->candidate);
	control_finish(&m->control, false);
	pid_file_finish(&m->pid_file, false);
	if (g == NULL)
		return;
	for (struct child *c = NULL;
	     (c = children_next(&m->children, g, c)) != NULL;)
		child_kill(c);
	generation_abandon_listeners(g);
	reload_retire(m, g);
}

void reload_roll_back(struct master *m)
{
	struct outcome *last = &m->last_reload;
	char text[WHY_SIZE], rest[64];

	if (m->next != NULL)
		verdict_blame(&m->reload, "%s", m->next->failure);
	reload_abandon(m);
	*last = (struct outcome){.at = time(NULL)};
	publish_reload(m);
	verdict_summary(&m->reload, last->reason, sizeof(last->reason));
	snprintf(rest, sizeof(rest), "; generation %u goes on", m->serving->number);
	verdict_fail(&m->reload, rest);
	master_describe(m, text);
	notify_ready(&m->notify, text);
	reload_begin_queued(m);
}

/* Old generations. */

void reload_retire(struct master *m, struct generation *g)
{
	list_append(&m->old, &g->link);
	if (children_count(&m->children, g) == 0)
		generation_destroy(&g);
}

void reload_destroy_retired(struct master *m, struct generation *g)
{
	if (g == m->serving || g == m->next || children_count(&m->children, g) > 0)
		return;
	log_info("generation %u is gone", g->number);
	generation_destroy(&g);
}

/* Log files. */

static bool reopen_for(struct master *m, struct generation *g)
{
	char why[WHY_SIZE];

	if (g == NULL || generation_reopen(g, &m->children, why) == 0)
		return true;
	verdict_blame(&m->reopening, "%s", why);
	return false;
}

void reload_reopen(struct master *m)
{
	bool fine = reopen_for(m, m->serving);

	fine &= reopen_for(m, m->next);
	LIST_EACH (link, &m->old)
		fine &= reopen_for(m, CONTAINER_OF(link, struct generation, link));
	if (!fine) {
		verdict_fail(&m->reopening, "; the old files stay in use");
		return;
	}
	if (m->serving != NULL)
		apply_settings(m->serving);
	verdict_pass(&m->reopening, "log files were reopened");
	verdict_answer(&m->reopening);
}

void reload_init(struct master *m)
{
	list_init(&m->old);
	timer_init(&m->make_timer, on_make_time);
	timer_init(&m->answer_timer, on_answer_time);
	lookup_init(&m->lookup, &m->loop);
	m->lookup.on_done = on_names;
	pid_file_init(&m->pid_file);
	m->children.on_not_accepting = on_not_accepting;
}
