/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted for each of a configuration's listeners, sites and routes:
 * numbers by name, so that they go on whatever place the name has in the
 * next configuration. Cells lie in shared memory: a worker counts in those of its
 * own slot, and the master keeps those of workers that are gone. Any process.
 */
#ifndef BASE_SHARED_NAMED_H
#define BASE_SHARED_NAMED_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum named_kind {
	NAMED_LISTENER,
	NAMED_ROUTE, /* of a site; without a name, what no route has answered */
};

/* Which number is what. */
enum {
	NAMED_ACCEPTED = 0,  /* of a listener */
	NAMED_RESPONSES = 0, /* of a route: six, by the first digit */
	NAMED_BYTES = 6,     /* of content that was sent */
	NAMED_NS = 7,        /* from the first bytes of requests to the last of the
			      * responses */
	NAMED_NUMBERS = 8
};

/* Of a table by hash. What finds no room is not counted. */
enum { NAMED_ROOM = 1024 };

struct named {
	uint64_t key; /* 0: none */
	uint64_t n[NAMED_NUMBERS];
};

/* Never 0. */
uint64_t named_key(enum named_kind kind, struct str name, struct str inner);

/* The cell with that key, a new one if there is none; NULL without room. */
struct named *named_take(struct named cells[NAMED_ROOM], uint64_t key);

/* NULL when there is none. */
const struct named *named_find(const struct named cells[NAMED_ROOM], uint64_t key);

/* Adds the numbers of the cell with that key, if there is one. What another process
 * has written may be anything. */
void named_sum(const struct named cells[NAMED_ROOM], uint64_t key,
	       uint64_t n[NAMED_NUMBERS]);

/* All of them, cell by cell. */
void named_merge(struct named into[NAMED_ROOM],
		 const struct named from[NAMED_ROOM]);

/* Forgets what is_kept() does not want. */
void named_keep(struct named cells[NAMED_ROOM],
		bool (*is_kept)(uint64_t key, void *context), void *context);

#endif
