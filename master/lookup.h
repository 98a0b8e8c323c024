/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The users and groups that a configuration names, as numbers. A name service
 * may hang, so they are looked up once for a generation, by a child process
 * that has LOOKUP_MS, and every worker is given the numbers. Master.
 */
#ifndef MASTER_LOOKUP_H
#define MASTER_LOOKUP_H

#include <stdbool.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "master/socket_file.h"
#include "master/why.h"
#include "worker/worker.h"

enum { LOOKUP_MS = 5000 };

struct names {
	bool has_user;        /* workers become `user`: we are root */
	struct identity user; /* of conf->user */
	struct socket_access control;
	size_t n_listeners;
	struct socket_access listeners[]; /* one for each of conf->listeners */
};

/* A lookup under way. */
struct lookup {
	struct loop *loop;
	struct watch end; /* closed when the child is done; -1: none */
	struct timer timer;
	pid_t pid;
	const struct conf *conf;
	struct answers *answers; /* shared with the child */
	/* The owner's. `names` is its to free(3), or NULL with `why`. */
	void (*on_done)(struct lookup *lookup, struct names *names,
			const char *why);
};

void lookup_init(struct lookup *lookup, struct loop *loop);

/* Looks up what `conf`, which stays the caller's, names; on_done() is called
 * from the loop, or before this returns when there is nothing to wait for. */
void lookup_begin(struct lookup *lookup, const struct conf *conf);

/* Forgets it. */
void lookup_cancel(struct lookup *lookup);

/* The same for a program without a loop: waits. NULL with why_out. */
struct names *names_find(const struct conf *conf, char why_out[WHY_SIZE])
	__attribute__((warn_unused_result));

#endif
