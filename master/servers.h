/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verb `upstream`: shows the servers of upstreams, and changes them at run
 * time. A change is kept in children->changes, from where every worker that is
 * spawned has it, told to those that there are, and answered when each of them
 * has confirmed it. It is for the generation that serves, and lasts as long as
 * the configuration names its upstream and server. Master.
 */
#ifndef MASTER_SERVERS_H
#define MASTER_SERVERS_H

#include "base/list.h"
#include "master/control.h"

struct master;

struct servers {
	struct list waiting; /* for workers: of struct change_wait in servers.c */
};

void servers_init(struct master *m);
/* Clients that still wait are left to control_fini(). */
void servers_fini(struct master *m);

/* `words` is what follows "upstream". */
void servers_show(struct master *m, struct control_client *client,
		  const char *words);
void servers_change(struct master *m, struct control_client *client,
		    const char *words);
/* Whether the words ask for a change. */
bool servers_are_changed_by(const char *words);

/* The workers that have to confirm may be others now, or have confirmed. */
void servers_check(struct master *m);

/* Another configuration serves: forgets what it does not name. */
void servers_prune(struct master *m);

#endif
