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

struct generation {
	struct list link;
	unsigned number;
	struct conf *conf;
	struct bound **bound;   /* one for each of conf->listeners */
	int *fds;               /* theirs, for the workers */
	int error_log;          /* -1: stderr */
	int access_log;         /* -1: none */
	unsigned wanted;        /* workers */
	bool failed;            /* a worker did not get ready */
	char failure[WHY_SIZE]; /* why: the first reason there was */
};

/*
 * Takes `conf` over and opens what it needs. NULL with why_out when that
 * fails; nothing is left open then, and `*conf` is destroyed.
 */
struct generation *generation_create(struct conf **conf, unsigned number,
				     struct listeners *listeners,
				     char why_out[WHY_SIZE])
	__attribute__((warn_unused_result));

/* Leaves the listeners, closes the logs, destroys the configuration. */
void generation_destroy(struct generation **generation);

/* One more worker. 0, or -1 with errno. */
int generation_spawn(struct generation *generation, struct children *children)
	__attribute__((warn_unused_result));

/* Notes the first reason why it cannot be. */
void generation_fail(struct generation *generation, const char *why);

/* True when all the workers it wants have said READY. */
bool generation_is_ready(const struct generation *generation,
			 struct children *children);

/* Lets go of its listeners; others go on with them. */
void generation_release_listeners(struct generation *generation);

/* Lets go of its listeners; it never served. */
void generation_abandon_listeners(struct generation *generation);

/* Lets go of the listeners that `next` (NULL: none) has not, closes the
 * master's descriptors of them, and has the workers accept their queues. */
void generation_leave_listeners(struct generation *generation,
				const struct generation *next,
				struct children *children);

/* Opens its log files anew and hands them to its workers. 0, or -1 with
 * why_out: then the old ones stay in use. */
int generation_reopen(struct generation *generation, struct children *children,
		      char why_out[WHY_SIZE]) __attribute__((warn_unused_result));

#endif
