/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scoreboard: shared memory in which each worker writes what it does and
 * the master reads it. A slot has one writer, its worker; the master writes
 * to it only while no worker has it. The master believes nothing in it: what
 * is read are numbers that are shown, never sizes or indexes that are used.
 *
 * It is a memfd, so that it can outlive the program that made it.
 */
#ifndef BASE_SHARED_SCOREBOARD_H
#define BASE_SHARED_SCOREBOARD_H

#include <stdalign.h>
#include <stdint.h>

#include "base/histogram.h"

enum { SCOREBOARD_SLOTS = 1024 };

/* What is counted from when a worker starts; also the sum over workers that
 * are gone, so only numbers that can be added. */
struct counters {
	uint64_t accepted;
	uint64_t closed;
	uint64_t requests;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t handed_in;         /* connections taken from other workers */
	uint64_t handed_out;        /* and given to them */
	uint64_t accept_pauses;     /* descriptors ran out */
	uint64_t limited;           /* requests that a limit refused */
	uint64_t temp_bodies;       /* of requests, too large for memory */
	uint64_t responses[6];      /* by the first digit of the status; [0]
				     * for connections refused unanswered */
	struct histogram to_head;   /* first byte of a request to its head
				     * being whole */
	struct histogram to_answer; /* head whole to the handler's answer */
	struct histogram to_end;    /* answer to its last byte being sent */
	struct histogram total;     /* first byte to last byte */
	uint64_t log_lost;          /* lines of the access log */
	uint64_t kept_for_format;   /* connections that should move, but stay:
				     * their takers are of another release */
	uint64_t handoff_damaged;   /* messages that nobody could read */
};

struct slot {
	alignas(64) uint64_t beat; /* CLOCK_MONOTONIC ns of the last tick */
	uint64_t connections;      /* open now */
	uint64_t generation;       /* while it serves; 0 before and after */
	uint64_t load;  /* of a thousand: for how much of the last turns of
			 * its balance it had something to do */
	uint64_t takes; /* 1 while it takes connections of others, else 0 */
	struct counters counters;
};

struct scoreboard {
	uint32_t version;
	uint32_t slot_size;
	uint32_t n_used; /* slots that were ever used; the master's */
	struct slot slots[SCOREBOARD_SLOTS];
};

/*
 * Makes an empty one. Returns NULL with errno. *fd_out is its memfd, the
 * caller's to close after scoreboard_destroy().
 */
struct scoreboard *scoreboard_create(int *fd_out)
	__attribute__((warn_unused_result));
void scoreboard_destroy(struct scoreboard **board);

/* What came after `before`: but for the largest values, which stay. */
void counters_subtract(struct counters *from, const struct counters *before);
void counters_add(struct counters *into, const struct counters *from);

#endif
