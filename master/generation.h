/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A generation: one loaded configuration with the listeners and log files it
 * needs, and its workers. Owned by the master, which has one that serves, at
 * most one that is being made, and some that drain. Master.
 */
#ifndef MASTER_GENERATION_H
#define MASTER_GENERATION_H

#include <stdbool.h>

#include "base/list.h"
#include "conf/conf.h"
#include "master/children.h"
#include "master/listeners.h"
#include "master/lookup.h"

/* Beyond timeouts.drain, before a worker that drains is killed. */
enum { GENERATION_PATIENCE_MS = 5000 };

struct generation {
	struct list link;
	unsigned number;
	struct conf *conf;
	struct names *names;       /* of conf */
	struct bound **bound;      /* one for each of conf->listeners */
	int *fds;                  /* theirs, for the workers */
	int error_log;             /* -1: stderr */
	int *access_logs;          /* one for each of conf->log_targets */
	unsigned wanted;           /* workers */
	struct children *children; /* with let_in */
	struct timer let_in;    /* armed: listeners that are gone are closed then */
	bool failed;            /* a worker did not get ready */
	char failure[WHY_SIZE]; /* why: the first reason there was */
};

/*
 * Takes `conf` and its names over and opens what it needs. NULL with why_out
 * when that fails; nothing is left open then, and both are destroyed.
 */
struct generation *generation_create(struct conf **conf, struct names *names,
				     unsigned number, struct listeners *listeners,
				     char why_out[WHY_SIZE])
	__attribute__((warn_unused_result));

/* Releases the listeners, closes the logs, destroys the configuration. */
void generation_destroy(struct generation **generation);

/* One more worker. 0, or -1 with errno. */
int generation_spawn(struct generation *generation, struct children *children)
	__attribute__((warn_unused_result));

/* Notes the first reason why it cannot be. */
void generation_fail(struct generation *generation, const char *why);

/* True when all the workers it wants have said READY. */
bool generation_is_ready(const struct generation *generation,
			 struct children *children);

/* Releases its listeners; the new master goes on with them. One that it does not
 * want stays open as in generation_retire_listeners(). */
void generation_release_listeners(struct generation *generation,
				  struct children *children);

/* Releases its listeners; it never served. */
void generation_abandon_listeners(struct generation *generation);

/*
 * Releases the listeners that `next` (NULL: none) does not have, closes the
 * master's descriptors of them, and has the workers accept their queues. With a
 * `next`, one whose clients the kernel may still hold back stays open for
 * DEFER_ACCEPT_LET_IN_MS, in the workers, too, when they are told to move.
 */
void generation_retire_listeners(struct generation *generation,
				 const struct generation *next,
				 struct children *children);

/* Holds back no client any more. True when one may be on its way in, for
 * DEFER_ACCEPT_LET_IN_MS: listeners that are closed now would reset it. */
bool generation_let_in(struct generation *generation);

/* Its workers give their connections to the generation that serves, or
 * (`to_successor`) to the workers of a new master, and end. */
void generation_move(const struct generation *generation, struct children *children,
		     bool to_successor);

/* Its workers finish what is begun, within timeouts.drain, and end; an idle
 * client has `idle_grace_ms` for one more request. */
void generation_drain(const struct generation *generation,
		      struct children *children, uint64_t idle_grace_ms);

/* True while a worker of it has something to finish. */
bool generation_is_busy(const struct generation *generation,
			struct children *children);

/* Opens its log files again and hands them to its workers. 0, or -1 with
 * why_out: then the old ones stay in use. */
int generation_reopen(struct generation *generation, struct children *children,
		      char why_out[WHY_SIZE]) __attribute__((warn_unused_result));

#endif
