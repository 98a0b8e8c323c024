/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the channel says becomes events; then the old master's actions, before
 * and after the new one serves.
 */
#include "master/handover.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tunable.h"
#include "master/ending.h"
#include "master/master.h"
#include "master/reload.h"

enum {
	UPGRADE_MS = 30000, /* for a new master to be ready */
	COUNTED_MS = 1000,  /* for the counters of the old one */
};

/* What the channel to the other master says. */

static void on_new_ready(struct upgrade *upgrade)
{
	lifecycle_event(CONTAINER_OF(upgrade, struct master, upgrade), EVENT_READY);
}

/* Our workers write in a format that the new ones read, from now on. */
static void on_new_formats(struct upgrade *upgrade)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	children_set_readers(&m->children, &upgrade->theirs);
}

static void on_new_unwanted(struct upgrade *upgrade, const char *key)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	LIST_EACH (link, &m->listeners.all) {
		struct bound *bound = CONTAINER_OF(link, struct bound, link);

		bound->is_unwanted |= strcmp(bound->key, key) == 0;
	}
}

static void on_new_failed(struct upgrade *upgrade, const char *why)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	snprintf(upgrade->failure, sizeof(upgrade->failure), "%s", why);
	lifecycle_event(m, EVENT_FAILED);
}

static void on_upgrade_time(struct timer *timer)
{
	struct master *m = CONTAINER_OF(timer, struct master, upgrade_timer);

	on_new_failed(&m->upgrade, "the new master was not ready within 30 s");
}

static void on_counters(struct upgrade *upgrade, const struct counters *counters)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	counters_add(&m->children.retired, counters);
	children_publish(&m->children);
}

static void on_named(struct upgrade *upgrade, const struct named *cell)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);
	struct scoreboard *board = m->children.board;
	struct named *own;

	if (cell->key == 0)
		return;
	scoreboard_begin(board);
	own = named_take(board->master.named, cell->key);
	for (size_t i = 0; own != NULL && i < NAMED_NUMBERS; i++)
		own->n[i] += cell->n[i];
	scoreboard_end(board);
}

static void on_alone(struct upgrade *upgrade)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	children_set_readers(&m->children, &frozen_ours);
	m->children.board->master.counting_until = 0;
	control_resume(&m->control);
	lifecycle_event(m, EVENT_ALONE);
}

static void on_counted(struct upgrade *upgrade)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	m->children.board->master.counting_until = 0;
	control_resume(&m->control);
}

static void on_change(struct upgrade *upgrade, const struct server_change *change)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	server_changes_put(&m->children.changes, change);
}

static void on_server(struct upgrade *upgrade, const char *line)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	known_servers_hear(m->children.board, line);
}

void handover_say_made(struct master *m)
{
	char path[PATH_MAX + NAME_MAX];

	if (m->control.next_name != NULL && m->control.next_fd != -1)
		upgrade_say_made(&m->upgrade, m->control.next_name);
	if (pid_file_temporary(&m->pid_file, path, sizeof(path)))
		upgrade_say_made(&m->upgrade, path);
}

void handover_say_unwanted(struct master *m)
{
	LIST_EACH (link, &m->listeners.inherited) {
		const struct bound *bound = CONTAINER_OF(link, struct bound, link);

		if (bound->key != NULL)
			upgrade_say_unwanted(&m->upgrade, bound->key);
	}
}

/* Until the counters of the old master's last moments are here, which takes
 * less than a millisecond, nobody is told lower ones. */
void handover_wait(struct master *m)
{
	if (!m->upgrade.is_new || m->upgrade.channel.fd == -1)
		return;
	control_pause(&m->control, COUNTED_MS);
	m->children.board->master.counting_until =
		clock_read() + COUNTED_MS * NS_PER_MS;
}

void handover_announce(struct master *m)
{
	char text[WHY_SIZE];

	master_describe(m, text);
	notify_ready(&m->notify, text);
}

/* The old master, until the new one is ready. */

static void put_server(void *context, const char *line)
{
	(void)upgrade_send_server(context, line);
}

static void send_servers(struct upgrade *upgrade)
{
	struct master *m = CONTAINER_OF(upgrade, struct master, upgrade);

	known_servers_tell(&m->children, m->serving, &m->told_servers, put_server,
			   upgrade);
}

/* Whether our end is that of the container, whose first process we are. */
static bool is_init(void)
{
	return getpid() == 1;
}

void handover_begin(struct master *m)
{
	const struct upgrade_gifts gifts = {
		.generation = m->last_number,
		.listeners = &m->listeners,
		.handoff = m->children.handoff,
		.formats = &m->children.readers,
		.counters = &m->told,
		.changes = &m->children.changes,
		.send_servers = send_servers,
		.tickets = &m->children.tickets,
	};

	if (is_init()) {
		snprintf(m->upgrade.failure, sizeof(m->upgrade.failure),
			 "this master is process 1, and its container would end "
			 "with it; start a new container instead");
		lifecycle_event(m, EVENT_FAILED);
		return;
	}
	log_info("upgrading: starting the binary on disk");
	LIST_EACH (link, &m->listeners.all)
		CONTAINER_OF(link, struct bound, link)->is_unwanted = false;
	loop_timer(&m->loop, &m->upgrade_timer, tunable("UPGRADE_MS", UPGRADE_MS));
	m->told = children_total(&m->children);
	m->told_servers.n = 0;
	if (upgrade_begin(&m->upgrade, m->file, &gifts, m->upgrade.failure) == -1)
		lifecycle_event(m, EVENT_FAILED);
}

/* A further request waits for the outcome of the upgrade that is under way. */
void handover_join(struct master *m)
{
	log_debug("an upgrade is under way: process %d", (int)m->upgrade.pid);
}

void handover_fail(struct master *m)
{
	char rest[64];

	timer_disarm(&m->upgrade_timer);
	upgrade_abandon(&m->upgrade);
	listeners_stop_sharing(&m->listeners);
	children_set_readers(&m->children, &frozen_ours);
	verdict_blame(&m->upgrading, "%s", m->upgrade.failure);
	snprintf(rest, sizeof(rest), "; generation %u goes on", m->serving->number);
	verdict_fail(&m->upgrading, rest);
	reload_begin_queued(m);
}

void handover_abandon(struct master *m, const char *why)
{
	timer_disarm(&m->upgrade_timer);
	if (!verdict_is_asked(&m->upgrading))
		return;
	upgrade_abandon(&m->upgrade);
	verdict_blame(&m->upgrading, "%s", why);
	verdict_fail(&m->upgrading, "");
}

/* The old master, afterwards. */

/* All that has a name in the file system is the new master's from now on. */
static void hand_over_names(struct master *m)
{
	control_hand_over(&m->control);
	pid_file_remove(&m->pid_file);
	LIST_EACH (link, &m->listeners.all)
		CONTAINER_OF(link, struct bound, link)->file_handed_over = true;
}

/* The new master may have read the file before it was changed. */
static void pass_reload_on(struct master *m)
{
	if (!verdict_is_asked(&m->next_reload))
		return;
	upgrade_signal(&m->upgrade, SIGHUP);
	verdict_blame(&m->next_reload, "the server was upgraded meanwhile");
	verdict_fail(&m->next_reload, "; the new master reloads");
}

/* What the new master does not know. */
static void send_named(struct master *m)
{
	struct named *now = mem_zalloc(NAMED_ROOM, sizeof(*now));
	struct named *rest = mem_zalloc(NAMED_ROOM, sizeof(*rest));

	children_named(&m->children, now);
	memcpy(rest, now, NAMED_ROOM * sizeof(*now));
	for (size_t i = 0; i < NAMED_ROOM; i++) {
		const struct named *told = named_find(m->told_named, rest[i].key);

		for (size_t k = 0; told != NULL && k < NAMED_NUMBERS; k++)
			rest[i].n[k] -= told->n[k] < rest[i].n[k] ? told->n[k]
								  : rest[i].n[k];
	}
	if (upgrade_send_named(&m->upgrade, rest) == -1)
		log_warn("the new master does not take the counters of routes");
	memcpy(m->told_named, now, sizeof(m->told_named));
	free(now);
	free(rest);
}

static void send_counters(struct master *m)
{
	struct counters total = children_total(&m->children), rest = total;

	if (m->upgrade.channel.fd != -1)
		send_named(m);
	counters_subtract(&rest, &m->told);
	if (m->upgrade.channel.fd != -1)
		send_servers(&m->upgrade);
	if (m->upgrade.channel.fd != -1 &&
	    upgrade_send_counters(&m->upgrade, &rest) == -1)
		log_warn("the new master does not take the counters");
	m->told = total;
}

void handover_commit(struct master *m)
{
	char text[64];

	timer_disarm(&m->upgrade_timer);
	timer_disarm(&m->respawn_timer);
	verdict_pass(&m->upgrading, "master %d serves now", (int)m->upgrade.pid);
	verdict_move(&m->answering, &m->upgrading);
	snprintf(text, sizeof(text), "master %d serves now", (int)m->upgrade.pid);
	notify_success(&m->notify);
	notify_main_pid(&m->notify, (int)m->upgrade.pid, text);
	pass_reload_on(m);
	m->upgrade.pid = 0;
	buf_release(&m->upgrade.made);
	hand_over_names(m);
	send_counters(m);
	generation_release_listeners(m->serving, &m->children);
	/* A new master that said nothing understands nothing. */
	children_set_readers(&m->children, &m->upgrade.theirs);
	generation_move(m->serving, &m->children, true);
	LIST_EACH (link, &m->old)
		generation_move(CONTAINER_OF(link, struct generation, link),
				&m->children, true);
	reload_answer(m);
	ending_check(m);
}

void handover_lose(struct master *m)
{
	log_warn("the new master has closed its channel");
	upgrade_close(&m->upgrade);
}

void handover_quit(struct master *m)
{
	reload_answer_now(m);
	log_info("the new master serves; draining for at most %ju ms",
		 (uintmax_t)m->serving->conf->timeouts.drain);
	ending_drain(m);
}

void handover_close(struct master *m)
{
	if (!m->upgrade.is_new)
		send_counters(m);
	upgrade_close(&m->upgrade);
}

void handover_init(struct master *m)
{
	timer_init(&m->upgrade_timer, on_upgrade_time);
	upgrade_init(&m->upgrade, &m->loop);
	m->upgrade.on_formats = on_new_formats;
	m->upgrade.on_unwanted = on_new_unwanted;
	m->upgrade.on_ready = on_new_ready;
	m->upgrade.on_failed = on_new_failed;
	m->upgrade.on_counters = on_counters;
	m->upgrade.on_named = on_named;
	m->upgrade.on_counted = on_counted;
	m->upgrade.on_change = on_change;
	m->upgrade.on_server = on_server;
	m->upgrade.on_alone = on_alone;
}
