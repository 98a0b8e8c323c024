/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of servers of upstreams beyond the life of the workers that found
 * it out: their health, their addresses, and how often they were asked. It is in
 * board->known, where workers that start look for it, and goes to the new master of
 * an upgrade. All of it was written by workers: it is copied, added up and shown,
 * and never used otherwise. Master.
 */
#ifndef MASTER_KNOWN_SERVERS_H
#define MASTER_KNOWN_SERVERS_H

#include "base/buf.h"
#include "base/shared/scoreboard.h"

struct children;
struct generation;

/* A worker is gone: keeps what its cells say. */
void known_servers_keep(struct scoreboard *board,
			const struct server_health cells[SCOREBOARD_SERVERS]);

/* Forgets the servers that no worker of the generation has. */
void known_servers_prune(struct children *children,
			 const struct generation *generation);

/* What was counted by workers that are gone; NULL: nothing. */
const struct server_health *known_servers_find(const struct scoreboard *board,
					       uint64_t key);

/* What another master was told already, by key. */
struct known_told {
	struct {
		uint64_t key, requests, failures;
	} items[SCOREBOARD_SERVERS];
	size_t n;
};

/* Calls put() with a line for each server, with what has been counted since it
 * was told the last time. */
void known_servers_tell(struct children *children,
			const struct generation *generation,
			struct known_told *told,
			void (*put)(void *context, const char *line),
			void *context);

/* The other side of it. What another release has more to say is passed over. */
void known_servers_hear(struct scoreboard *board, const char *line);

#endif
