/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of something each key has had: in memory that all workers share,
 * without locks, so that no worker waits for another and none that is killed
 * leaves anything locked. A key is the hash of what it stands for, with a key
 * of its own that nobody knows.
 *
 * Rates are by the generic cell rate algorithm: for each key one moment, its
 * theoretical arrival time. Once that is past the key is as good as new, and
 * its place is free. When there is no free place, the one that would be free
 * soonest is taken: with too many keys some get more than they should, and
 * nobody less.
 *
 * Crowds are counted by each worker for itself, and summed up: what a killed
 * worker had counted goes when the master clears its part.
 */
#ifndef BASE_SHARED_QUOTA_H
#define BASE_SHARED_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { QUOTA_CROWD_MAX = 65535 };

struct quota;

/* Made by the master before it forks. Returns NULL with errno. */
struct quota *quota_create(void) __attribute__((warn_unused_result));
void quota_destroy(struct quota **quota);

/* For the master: nothing is counted for the worker in that slot. */
void quota_clear(struct quota *quota, unsigned slot);

/* The key of a text; never 0. */
uint64_t quota_key(const struct quota *quota, struct str text);

/*
 * Takes one for `key` at the time `now` (CLOCK_MONOTONIC ns), when one is had
 * each `interval` ns and `burst` more at once. Returns 0, or how many ns it
 * will be until one could be taken.
 */
uint64_t quota_take(struct quota *quota, uint64_t key, uint64_t now,
		    uint64_t interval, uint64_t burst)
	__attribute__((warn_unused_result));

enum quota_enter {
	QUOTA_ENTERED,   /* until quota_leave() */
	QUOTA_FULL,      /* there are `max` of them already */
	QUOTA_UNCOUNTED, /* there is no room to count it: it may pass */
};

/* One more of `key`, by the worker in `slot`; at most `max` of all workers. */
enum quota_enter quota_enter(struct quota *quota, unsigned slot, uint64_t key,
			     unsigned max) __attribute__((warn_unused_result));
void quota_leave(struct quota *quota, unsigned slot, uint64_t key);

#endif
