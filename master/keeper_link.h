/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's side of the keeper (keeper/keeper.h): it starts the process when
 * a configuration has TLS, and again when it has died; opens the files of keys
 * for it, and never reads them; and connects workers with it. It makes the keys
 * of session tickets, too. Master.
 */
#ifndef MASTER_KEEPER_LINK_H
#define MASTER_KEEPER_LINK_H

#include "base/list.h"
#include "base/loop.h"
#include "base/privileges.h"
#include "conf/conf.h"
#include "master/why.h"

struct children;

struct keeper_link {
	struct loop *loop;
	struct children *children;
	struct watch channel; /* to the keeper; -1: there is none */
	struct list waiting;  /* orders for which it has no room yet */
	uint64_t started_at;  /* CLOCK_MONOTONIC ns */
	struct timer respawn;
	bool has_identity; /* the keeper becomes it */
	struct identity identity;
	int memory;          /* the keys, sealed; not mapped here; -1 */
	struct timer rotate; /* the keys of tickets: children->tickets */
};

void keeper_link_init(struct keeper_link *link, struct children *children);

/* The keeper ends when its last worker has. */
void keeper_link_fini(struct keeper_link *link);

/* Whether a listener has TLS. */
bool keeper_link_is_needed(const struct conf *conf);

/*
 * Gives the keeper, which is started if there is none, the keys of the
 * configuration. NULL as the identity: it stays the master's user. 0, or -1
 * with why_out. What the keeper thinks of a key, workers find out.
 */
int keeper_link_load(struct keeper_link *link, const struct conf *conf,
		     const struct identity *identity, char why_out[WHY_SIZE])
	__attribute__((warn_unused_result));

/* A worker's end of a channel to the keeper: its descriptor, or -1 with
 * errno. */
int keeper_link_connect(struct keeper_link *link);

#endif
