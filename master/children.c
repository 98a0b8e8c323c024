/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table is an array of SCOREBOARD_SLOTS children: spawning fills a slot,
 * reaping frees it. Then what children say (understand()), how they are found
 * and counted, and what they are told (the child_...() functions), one message
 * each.
 */
#include "master/children.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shared/channel.h"
#include "base/title.h"
#include "master/known_servers.h"

enum { CHILD_ABORT_MS = 1000 }; /* for a worker to write its stack */

static const char *const state_names[] = {
	[CHILD_FREE] = "free",         [CHILD_STARTING] = "starting",
	[CHILD_READY] = "ready",       [CHILD_SERVING] = "serving",
	[CHILD_DRAINING] = "draining", [CHILD_DYING] = "dying",
};

const char *child_state_name(enum child_state state)
{
	return state_names[state];
}

static void set_state(struct child *child, enum child_state state)
{
	log_debug("worker %u: %s -> %s", child->number, state_names[child->state],
		  state_names[state]);
	child->state = state;
}

static void on_kill_time(struct timer *timer)
{
	struct child *child = CONTAINER_OF(timer, struct child, kill_timer);

	log_warn("worker %u (pid %d) has not exited in time; killing it",
		 child->number, (int)child->pid);
	child_kill(child);
}

static void on_channel(struct watch *watch, uint32_t events);

int children_init(struct children *children, struct loop *loop)
{
	*children = (struct children){.loop = loop,
				      .master = getpid(),
				      .handoff = {-1, -1},
				      .readers = frozen_ours};
	children->board = scoreboard_create(&children->board_fd);
	children->quota = quota_create();
	if (children->board == NULL || children->quota == NULL ||
	    channel_open(children->handoff) == -1)
		return -1;
	channel_grow(children->handoff[0]);
	children->table = mem_zalloc(SCOREBOARD_SLOTS, sizeof(struct child));
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		struct child *child = &children->table[i];

		child->children = children;
		child->number = i;
		child->slot = &children->board->slots[i];
		child->channel = (struct watch){on_channel, -1};
		timer_init(&child->kill_timer, on_kill_time);
	}
	return 0;
}

void children_publish(struct children *children)
{
	scoreboard_begin(children->board);
	children->board->master.retired = children->retired;
	scoreboard_end(children->board);
}

void children_named(struct children *children, struct named sum_out[NAMED_ROOM])
{
	memcpy(sum_out, children->board->master.named,
	       sizeof(children->board->master.named));
	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		named_merge(sum_out, c->slot->named);
}

struct counters children_total(struct children *children)
{
	struct counters total = children->retired;

	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		counters_add(&total, &c->slot->counters);
	return total;
}

void children_fini(struct children *children)
{
	free(children->table);
	server_changes_fini(&children->changes);
	children->table = NULL;
	scoreboard_destroy(&children->board);
	quota_destroy(&children->quota);
	fd_close(&children->board_fd);
	fd_close(&children->handoff[0]);
	fd_close(&children->handoff[1]);
}

void children_use_handoff(struct children *children, const int handoff[2])
{
	for (int i = 0; i < 2; i++) {
		fd_close(&children->handoff[i]);
		children->handoff[i] = handoff[i];
	}
}

static struct child *free_slot(struct children *children)
{
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
		if (children->table[i].state == CHILD_FREE)
			return &children->table[i];
	errno = EAGAIN;
	return NULL;
}

/* In the new process: never returns. */
static void become_worker(const struct child *child, const struct child_spec *spec,
			  int channel)
{
	struct worker_env env = {
		.conf = spec->conf,
		.number = child->number,
		.generation = spec->generation_number,
		.listeners = spec->listeners,
		.identity = spec->identity,
		.channel = channel,
		.master = child->children->master,
		.access_logs = spec->access_logs,
		.handoff = {child->children->handoff[0],
			    child->children->handoff[1]},
		.readers = &child->children->readers,
		.keeper = spec->keeper,
		.is_first = spec->is_first,
		.tickets = &child->children->tickets,
		.board = child->children->board,
		.slot = child->slot,
		.quota = child->children->quota,
		.changes = &child->children->changes,
	};

	if (spec->error_log != -1)
		log_set_fd(spec->error_log);
	log_set_level((enum log_level)spec->conf->log.level);
	log_set_format((enum log_format)spec->conf->log.error_format);
	exit(worker_run(&env));
}

struct child *children_spawn(struct children *children,
			     const struct child_spec *spec)
{
	struct child *child = free_slot(children);
	int ends[2];

	if (child == NULL || channel_open(ends) == -1)
		return NULL;
	memset(child->slot, 0, sizeof(*child->slot));
	quota_clear(children->quota, child->number);
	if (child->number >= children->board->n_used)
		children->board->n_used = child->number + 1;
	pid_t pid = fork();

	if (pid == 0)
		become_worker(child, spec, ends[1]);
	fd_close(&ends[1]);
	if (pid == -1) {
		fd_close(&ends[0]);
		return NULL;
	}
	child->pid = pid;
	child->generation = spec->generation;
	child->started_at = clock_read();
	child->failure[0] = '\0';
	child->told_at = 0;
	child->suspected = 0;
	child->has_keeper = spec->keeper != -1;
	child->accepts = false;
	child->is_done = false;
	child->changed = children->last_change;
	child->rate = (struct rate){0};
	child->channel.fd = ends[0];
	set_state(child, CHILD_STARTING);
	if (loop_add(children->loop, &child->channel, EPOLLIN) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot watch worker %u", child->number);
		fd_close(&child->channel.fd);
		child_kill(child);
	}
	log_debug("worker %u (pid %d) started", child->number, (int)pid);
	children->on_awake(children);
	return child;
}

/* A worker whose connections move may take longer for those that cannot: they
 * are over limits.move_file, or the others do not understand them. */
static void keep_on(struct child *child, uint64_t n)
{
	if (child->state != CHILD_DRAINING || !child->is_moving)
		return;
	log_info("worker %u (pid %d) goes on with %ju connections", child->number,
		 (int)child->pid, (uintmax_t)n);
	timer_disarm(&child->kill_timer);
}

static void understand(struct child *child, struct message *message)
{
	struct children *children = child->children;

	switch (message->type) {
	case MESSAGE_READY:
		if (child->state != CHILD_STARTING)
			return; /* was told to go meanwhile */
		set_state(child, CHILD_READY);
		children->on_ready(children, child);
		return;
	case MESSAGE_FAILED:
		message->text[sizeof(message->text) - 1] = '\0';
		memcpy(child->failure, message->text, sizeof(child->failure));
		return;
	case MESSAGE_AWAKE:
		return; /* that was all */
	case MESSAGE_PAUSED:
		children->on_paused(children, child);
		return;
	case MESSAGE_UNEVEN:
		children->on_uneven(children, child);
		return;
	case MESSAGE_NOT_ACCEPTING:
		child->accepts = false;
		children->on_not_accepting(children);
		return;
	case MESSAGE_SIGNALLED:
		if (child->state == CHILD_SERVING)
			children->on_signalled(children, child);
		return;
	case MESSAGE_DRAINED:
		children->retired.connections_cut += message->number;
		children_publish(children);
		child->is_done = true;
		return;
	case MESSAGE_KEEPING:
		keep_on(child, message->number);
		return;
	case MESSAGE_CHANGED:
		/* What it was not told it cannot have done. */
		if (message->number > children->last_change)
			break;
		child->changed = message->number;
		children->on_changed(children, child);
		return;
	default:
		break;
	}
	log_error("worker %u sent message %u: killing it", child->number,
		  message->type);
	child_kill(child);
}

static void close_channel(struct child *child)
{
	if (child->channel.fd == -1)
		return;
	loop_remove(child->children->loop, &child->channel);
	fd_close(&child->channel.fd);
}

/* All that it has said; true while it may say more. */
static bool listen_to(struct child *child)
{
	struct message message;
	int fds[CHANNEL_FDS];
	size_t n, n_fds;

	switch (channel_receive(child->channel.fd, &message, sizeof(message), &n,
				fds, &n_fds)) {
	case CHANNEL_OK:
		while (n_fds > 0) /* no worker's message carries any */
			close(fds[--n_fds]);
		child->children->on_awake(child->children);
		if (n == sizeof(message))
			understand(child, &message);
		return child->channel.fd != -1;
	case CHANNEL_AGAIN:
		return false;
	default:
		close_channel(child); /* SIGCHLD says the rest */
		return false;
	}
}

static void on_channel(struct watch *watch, uint32_t events)
{
	struct child *child = CONTAINER_OF(watch, struct child, channel);

	(void)events;
	while (child->channel.fd != -1 && listen_to(child))
		;
}

static struct child *find_pid(struct children *children, pid_t pid)
{
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
		if (children->table[i].state != CHILD_FREE &&
		    children->table[i].pid == pid)
			return &children->table[i];
	return NULL;
}

static void forget(struct children *children, struct child *child, int status)
{
	/* What it said last may still be there to be read. */
	on_channel(&child->channel, EPOLLIN);
	close_channel(child);
	timer_detach(&children->loop->timers, &child->kill_timer);
	scoreboard_begin(children->board);
	counters_add(&children->retired, &child->slot->counters);
	named_merge(children->board->master.named, child->slot->named);
	known_servers_keep(children->board, child->slot->servers);
	memset(child->slot, 0, sizeof(*child->slot));
	children->board->master.retired = children->retired;
	scoreboard_end(children->board);
	quota_clear(children->quota, child->number);

	/* The slot is free before the owner hears of it, and may spawn. */
	struct child gone = *child;

	set_state(child, CHILD_FREE);
	child->generation = NULL;
	children->on_gone(children, &gone, status);
}

void children_reap(struct children *children)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find_pid(children, pid);

		if (child != NULL)
			forget(children, child, status);
	}
}

struct child *children_next(struct children *children,
			    const struct generation *generation,
			    const struct child *previous)
{
	unsigned i = previous != NULL ? previous->number + 1 : 0;

	for (; i < SCOREBOARD_SLOTS; i++) {
		struct child *child = &children->table[i];

		if (child->state != CHILD_FREE &&
		    (generation == NULL || child->generation == generation))
			return child;
	}
	return NULL;
}

unsigned children_count(struct children *children,
			const struct generation *generation)
{
	unsigned n = 0;

	for (struct child *c = NULL;
	     (c = children_next(children, generation, c)) != NULL;)
		n++;
	return n;
}

unsigned children_count_staying(struct children *children,
				const struct generation *generation)
{
	unsigned n = 0;

	for (struct child *c = NULL;
	     (c = children_next(children, generation, c)) != NULL;)
		n += c->state != CHILD_DRAINING && c->state != CHILD_DYING;
	return n;
}

static void tell(struct child *child, struct message message, const int *fds,
		 size_t n_fds)
{
	if (child->channel.fd == -1)
		return;
	child->told_at = clock_read();
	child->children->on_awake(child->children);
	if (channel_send(child->channel.fd, &message, sizeof(message), fds,
			 n_fds) != CHANNEL_AGAIN)
		return; /* CHANNEL_CLOSED: it is dead, and will be reaped */
	if (message.type == MESSAGE_LOOK || message.type == MESSAGE_BALANCE)
		return; /* others are on their way, and one is enough */
	log_error("worker %u (pid %d) does not read its messages; "
		  "killing it",
		  child->number, (int)child->pid);
	child_kill(child);
}

void children_set_readers(struct children *children,
			  const struct frozen_table *theirs)
{
	struct message message = {.type = MESSAGE_READERS};

	frozen_table_common(&children->readers, theirs, &frozen_ours);
	frozen_table_format(&children->readers, message.text);
	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		tell(c, message, NULL, 0);
}

void children_change(struct children *children, const char *text)
{
	struct message message = {.type = MESSAGE_CHANGE,
				  .number = ++children->last_change};

	snprintf(message.text, sizeof(message.text), "%s", text);
	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		tell(c, message, NULL, 0);
}

void child_start(struct child *child)
{
	set_state(child, CHILD_SERVING);
	child->accepts = true;
	tell(child, (struct message){.type = MESSAGE_START}, NULL, 0);
}

void child_look(struct child *child)
{
	tell(child, (struct message){.type = MESSAGE_LOOK}, NULL, 0);
}

void child_balance(struct child *child)
{
	tell(child, (struct message){.type = MESSAGE_BALANCE}, NULL, 0);
}

void child_unready(struct child *child)
{
	tell(child, (struct message){.type = MESSAGE_UNREADY}, NULL, 0);
}

void child_keep_open(struct child *child, size_t listener)
{
	tell(child, (struct message){.type = MESSAGE_KEEP_OPEN, .number = listener},
	     NULL, 0);
}

void child_serve_out(struct child *child, size_t listener)
{
	tell(child, (struct message){.type = MESSAGE_SERVE_OUT, .number = listener},
	     NULL, 0);
}

void child_move(struct child *child, uint64_t patience_ms, bool to_successor)
{
	if (child->state == CHILD_DYING || child->state == CHILD_FREE)
		return;
	set_state(child, CHILD_DRAINING);
	child->is_moving = true;
	loop_timer(child->children->loop, &child->kill_timer, patience_ms);
	tell(child, (struct message){.type = MESSAGE_MOVE, .number = to_successor},
	     NULL, 0);
}

void child_drain(struct child *child, uint64_t idle_grace_ms, uint64_t patience_ms)
{
	if (child->state == CHILD_DYING || child->state == CHILD_FREE)
		return;
	set_state(child, CHILD_DRAINING);
	child->is_moving = false;
	loop_timer(child->children->loop, &child->kill_timer, patience_ms);
	tell(child,
	     (struct message){.type = MESSAGE_DRAIN, .number = idle_grace_ms}, NULL,
	     0);
}

void child_stop(struct child *child, uint64_t patience_ms)
{
	if (child->state == CHILD_DYING || child->state == CHILD_FREE)
		return;
	set_state(child, CHILD_DYING);
	loop_timer(child->children->loop, &child->kill_timer, patience_ms);
	tell(child, (struct message){.type = MESSAGE_STOP}, NULL, 0);
}

void child_keeper(struct child *child, int keeper)
{
	tell(child, (struct message){.type = MESSAGE_KEEPER}, &keeper, 1);
}

void child_tickets(struct child *child, const struct ticket_keys *tickets)
{
	struct message message = {.type = MESSAGE_TICKETS};

	ticket_keys_format(tickets, message.text);
	tell(child, message, NULL, 0);
}

void child_reopen(struct child *child, uint64_t which, int log)
{
	tell(child, (struct message){.type = MESSAGE_REOPEN, .number = which}, &log,
	     1);
}

bool children_still_accept(struct children *children)
{
	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		if (c->accepts && c->state != CHILD_SERVING)
			return true;
	return false;
}

void child_abort(struct child *child)
{
	if (child->state == CHILD_DYING || child->state == CHILD_FREE)
		return;
	set_state(child, CHILD_DYING);
	loop_timer(child->children->loop, &child->kill_timer, CHILD_ABORT_MS);
	kill(child->pid, SIGABRT);
}

void child_kill(struct child *child)
{
	if (child->state == CHILD_FREE)
		return;
	set_state(child, CHILD_DYING);
	timer_disarm(&child->kill_timer);
	kill(child->pid, SIGKILL);
}
