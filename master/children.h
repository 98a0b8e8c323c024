/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The child table: a slot for each worker process, with its place in the
 * scoreboard. Spawns, talks to, and reaps them; what their coming and going
 * means is for the owner, who gets the callbacks. Master.
 */
#ifndef MASTER_CHILDREN_H
#define MASTER_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/loop.h"
#include "base/shared/quota.h"
#include "base/shared/scoreboard.h"
#include "worker/worker.h"

struct generation;
struct children;
struct keeper_link;

enum child_state {
	CHILD_FREE,     /* the slot has no process */
	CHILD_STARTING, /* spawned */
	CHILD_READY,    /* said so; waits for START */
	CHILD_SERVING,
	CHILD_DRAINING, /* was told to finish */
	CHILD_DYING,    /* was told to stop, or killed */
};

const char *child_state_name(enum child_state state);

/* Requests a second; see rates.h. */
struct rate {
	uint64_t per_s;
	uint64_t requests; /* when it was taken */
	uint64_t taken_at; /* CLOCK_MONOTONIC ns; 0: never */
};

struct child {
	enum child_state state; /* set by set_state() in children.c only */
	struct children *children;
	struct generation *generation;
	pid_t pid;
	unsigned number;     /* of the slot */
	uint64_t started_at; /* CLOCK_MONOTONIC ns */
	struct watch channel;
	bool has_keeper;    /* it has TLS */
	bool accepts;       /* it was told to, and has not said that it stopped */
	bool is_done;       /* it has drained, and only has to exit */
	bool is_moving;     /* its connections go to others */
	uint64_t changed;   /* the last change of a server that it has heeded */
	uint64_t told_at;   /* CLOCK_MONOTONIC ns, when it was told something */
	uint64_t suspected; /* see watchdog.c; 0: it is fine */
	struct timer kill_timer; /* armed when it should be gone by then */
	struct slot *slot;
	struct rate rate;
	char failure[sizeof(((struct message *)0)->text)]; /* why not ready */
};

struct children {
	struct loop *loop;
	pid_t master;        /* this process */
	struct child *table; /* SCOREBOARD_SLOTS of them */
	struct scoreboard *board;
	struct quota *quota; /* of all workers */
	int board_fd;
	int handoff[2];                /* shared by all workers; see
					* worker/move/handoff.h */
	struct frozen_table readers;   /* what all workers at it understand */
	struct keeper_link *keeper;    /* of private keys */
	struct ticket_keys tickets;    /* keeper_link.c's */
	struct counters retired;       /* of processes that are gone, and ours */
	struct server_changes changes; /* what new workers are told */
	uint64_t last_change;          /* a number for each */

	/* The owner's. */
	/* One may be at work now: it was spawned, was told something, or has
	 * said something. */
	void (*on_awake)(struct children *children);
	void (*on_ready)(struct children *children, struct child *child);
	/* A worker paused accepting. */
	void (*on_paused)(struct children *children, struct child *child);
	/* A worker has heeded child->changed. */
	void (*on_changed)(struct children *children, struct child *child);
	/* A worker sees that connections are not evenly shared. */
	void (*on_uneven)(struct children *children, struct child *child);
	/* A worker got a signal to exit. */
	void (*on_signalled)(struct children *children, struct child *child);
	/* A worker that drains has stopped accepting. */
	void (*on_not_accepting)(struct children *children);
	/* Reaped: `status` is from waitpid(2), `gone` what the slot was: it
	 * is free already. */
	void (*on_gone)(struct children *children, const struct child *gone,
			int status);
};

/* 0, or -1 with errno. */
int children_init(struct children *children, struct loop *loop)
	__attribute__((warn_unused_result));
void children_fini(struct children *children);

/* Uses the handoff of the master before us. Takes the descriptors over. */
void children_use_handoff(struct children *children, const int handoff[2]);

/* Others, who understand what `theirs` says, take connections from the handoff
 * too from now on; or none but ours, who understand frozen_ours. All workers
 * are told, and new ones know. */
void children_set_readers(struct children *children,
			  const struct frozen_table *theirs);

/* A server was changed: tells all workers. `text` is of
 * server_change_format(). New workers learn it from children->changes. */
void children_change(struct children *children, const char *text);

/* What the new process is given; see struct worker_env. */
struct child_spec {
	struct generation *generation;
	const struct conf *conf;
	unsigned generation_number;
	const int *listeners;
	const struct identity *identity;
	int error_log; /* -1: as the master's */
	const int *access_logs;
	int keeper;    /* -1: it has no TLS */
	bool is_first; /* of the generation */
};

/* NULL with errno: EAGAIN when no slot is free or fork(2) refused. */
struct child *children_spawn(struct children *children,
			     const struct child_spec *spec)
	__attribute__((warn_unused_result));

/* Reaps all that are dead: for SIGCHLD. */
void children_reap(struct children *children);

/* The first child of a generation (any for NULL) after `previous`. */
struct child *children_next(struct children *children,
			    const struct generation *generation,
			    const struct child *previous);
/* What was counted by all workers that there were and are. */
struct counters children_total(struct children *children);
/* The same, by name. */
void children_named(struct children *children, struct named sum_out[NAMED_ROOM]);
/* Has workers see children->retired as it is now. */
void children_publish(struct children *children);

unsigned children_count(struct children *children,
			const struct generation *generation);
/* Without those that were told to go. */
unsigned children_count_staying(struct children *children,
				const struct generation *generation);

/* Each is a message; a child that cannot even take it is killed. */
void child_start(struct child *child);
void child_look(struct child *child);
void child_balance(struct child *child);
void child_unready(struct child *child);
void child_keep_open(struct child *child, size_t listener);
void child_serve_out(struct child *child, size_t listener);
/* `patience_ms`: it is killed when it is not gone by then. */
/* `to_successor`: the workers that take over are a new master's. */
void child_move(struct child *child, uint64_t patience_ms, bool to_successor);
void child_drain(struct child *child, uint64_t idle_grace_ms, uint64_t patience_ms);
void child_stop(struct child *child, uint64_t patience_ms);
/* A new channel to the keeper; and new keys of tickets. */
void child_keeper(struct child *child, int keeper);
void child_tickets(struct child *child, const struct ticket_keys *tickets);
/* `which`: REOPEN_ERROR_LOG, or REOPEN_ACCESS_LOG and more. */
void child_reopen(struct child *child, uint64_t which, int log);
/* True while a worker that was told to finish may still accept. */
bool children_still_accept(struct children *children);

/* Asks for its stack, and kills it a second later if that is not its end. */
void child_abort(struct child *child);
void child_kill(struct child *child);

#endif
