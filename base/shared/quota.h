/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits for each of many keys, in memory that all workers share, without
 * locks: no worker waits for another, and a worker that is killed leaves
 * nothing locked. A key is the keyed hash of the text that it stands for.
 *
 * Rates are by the generic cell rate algorithm: a key has one number, its
 * theoretical arrival time. When that is past, the key is as good as new, and
 * its place is free. If there is no free place, the one that would be free
 * soonest is reused: with too many keys some get more than they should, and
 * none less.
 *
 * Requests at a time are counted by each worker in its own table, and summed
 * up: the master clears the table of a worker that died.
 */
#ifndef BASE_SHARED_QUOTA_H
#define BASE_SHARED_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { QUOTA_CONCURRENT_MAX = 65535 };

struct quota;

/* Made by the master before it forks. Returns NULL with errno. */
struct quota *quota_create(void) __attribute__((warn_unused_result));
void quota_destroy(struct quota **quota);

/* For the master: nothing is counted for the worker in that slot. */
void quota_clear(struct quota *quota, unsigned slot);

/* The key of a text; never 0. */
uint64_t quota_key(const struct quota *quota, struct str text);

/*
 * Uses one of the rate of `key` at the time `now` (CLOCK_MONOTONIC ns): one
 * each `interval` ns, and `burst` more at once. Returns 0, or the ns until one
 * is available.
 */
uint64_t quota_use(struct quota *quota, uint64_t key, uint64_t now,
		   uint64_t interval, uint64_t burst)
	__attribute__((warn_unused_result));

enum quota_enter {
	QUOTA_ENTERED,   /* until quota_exit() */
	QUOTA_FULL,      /* there are `max` of them already */
	QUOTA_UNCOUNTED, /* there is no room to count it: it may pass */
};

/* One more of `key`, by the worker in `slot`; at most `max` of all workers. */
enum quota_enter quota_enter(struct quota *quota, unsigned slot, uint64_t key,
			     unsigned max) __attribute__((warn_unused_result));
void quota_exit(struct quota *quota, unsigned slot, uint64_t key);

#endif
