/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scoreboard: shared memory in which each worker publishes its state and
 * counters for the master. A slot has one writer, its worker; the master writes
 * to it only while no worker has it. The master trusts nothing in it: it shows
 * the numbers, and never uses them as sizes or indexes.
 *
 * It is a memfd, so that it outlives the program that made it.
 */
#ifndef BASE_SHARED_SCOREBOARD_H
#define BASE_SHARED_SCOREBOARD_H

#include <stdalign.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/loop.h"
#include "base/shared/counters.h"
#include "base/shared/named.h"
#include "base/str.h"

enum {
	SCOREBOARD_SLOTS = 1024,
	SCOREBOARD_SERVERS = 256, /* of upstreams */
	SCOREBOARD_SERVER_TEXT = 96,
	SCOREBOARD_ADDRESSES = 4,  /* of a server */
	SCOREBOARD_UPSTREAMS = 64, /* with a queue */
};

/* An address of IPv4 or IPv6, for others to read. */
struct shown_address {
	uint8_t family; /* 4 or 6; 0: none */
	uint16_t port;
	uint8_t ip[16];
};

/* Nothing for an address of another family. */
void shown_address_set(struct shown_address *shown, const struct addr *addr);
/* False for none; what others have written may be anything, but is an address. */
bool shown_address_get(const struct shown_address *shown, struct addr *addr_out);

/* What a worker knows of a server of an upstream. */
struct server_health {
	uint64_t key;        /* of its names; 0: none */
	uint32_t is_down;    /* checks have failed: see worker/upstream/health.h */
	uint32_t has_failed; /* requests have: see worker/upstream/server.c */
	uint32_t active;     /* connections of this worker */
	uint32_t idle;
	uint64_t requests; /* times that it was asked */
	uint64_t failures;
	/* As in struct server, CLOCK_MONOTONIC ns: for workers that start. */
	uint64_t down_until;
	uint64_t recovered_at;
	uint32_t n_downs;
	/* Its name, weight and place, where that is not in the configuration: it
	 * was found by an SRV record. A text without a NUL is cut short. */
	uint32_t weight;
	uint32_t is_backup;
	char text[SCOREBOARD_SERVER_TEXT];
	/* Those that its name has now. */
	struct shown_address addresses[SCOREBOARD_ADDRESSES];
};

/* The queue of an upstream in a worker. */
struct upstream_queue {
	uint64_t key;     /* str_hash() of its name; 0: none */
	uint64_t waiting; /* requests, now */
	uint64_t queued;  /* that have waited */
	uint64_t ms;      /* for which they did, in all */
};

/* By which workers and the master know a server. */
uint64_t server_health_key(struct str upstream, struct str server);

/* The one of SCOREBOARD_SERVERS cells with that key; NULL when there is none.
 * Cells of one configuration are in the same places everywhere: the search
 * begins at *hint, which is where it was found afterwards. */
const struct server_health *server_health_find(const struct server_health *cells,
					       uint64_t key, size_t *hint);

struct slot {
	alignas(64) struct pulse pulse; /* does it wait? */
	uint64_t connections;           /* open now */
	uint64_t certificates_until;    /* time(2): when the first of its
					 * certificates expires; 0: it has none */
	uint64_t generation;            /* while it serves; 0 before and after */
	uint64_t load;  /* of a thousand: for how much of the last turns of
			 * its balance it had something to do */
	uint64_t takes; /* 1 while it takes connections of others, else 0 */
	uint64_t temp;  /* bytes of its files in the directory `temp` */
	uint64_t pid;
	struct counters counters;
	struct server_health servers[SCOREBOARD_SERVERS];
	struct upstream_queue queues[SCOREBOARD_UPSTREAMS];
	struct named named[NAMED_ROOM];
};

/* What the master alone knows, for workers to tell. */
struct board_master {
	/* Odd while numbers go from a slot to those below: who reads both reads
	 * again when it has changed. */
	uint32_t sequence;
	struct counters retired; /* of workers that are gone, and the master's */
	struct named named[NAMED_ROOM]; /* likewise */
	/* CLOCK_MONOTONIC ns: until then numbers of the master before this one
	 * may be missing. */
	uint64_t counting_until;
	uint64_t pid;
	uint64_t generation;
	uint64_t started_at;     /* seconds since 1970 */
	uint64_t last_reload_at; /* the same; 0: there was none */
	uint64_t last_reload_ok; /* 1 or 0 */
};

struct scoreboard {
	uint32_t version;
	uint32_t slot_size;
	uint32_t n_used; /* slots that were ever used; the master's */
	/* What workers that are gone knew, for those that start; the master's. */
	struct server_health known[SCOREBOARD_SERVERS];
	struct board_master master;
	struct slot slots[SCOREBOARD_SLOTS];
};

/*
 * Makes an empty one. Returns NULL with errno. *fd_out is its memfd, the
 * caller's to close after scoreboard_destroy().
 */
struct scoreboard *scoreboard_create(int *fd_out)
	__attribute__((warn_unused_result));
void scoreboard_destroy(struct scoreboard **board);

/* For the master, around moving numbers: see struct board_master. */
void scoreboard_begin(struct scoreboard *board);
void scoreboard_end(struct scoreboard *board);

#endif
