/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/quota.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/shared/scoreboard.h"
#include "base/siphash.h"

enum {
	RATE_WAYS = 4,             /* places that a key can be in: a cache line */
	RATE_SETS = 1 << 15,       /* 2 MiB in all */
	CONCURRENT_WAYS = 8,       /* the same */
	CONCURRENT_SETS = 1 << 10, /* 64 KiB for each worker */
	COUNT_BITS = 16,
	COUNT_MASK = (1 << COUNT_BITS) - 1,
};

struct rate_place {
	_Atomic uint64_t key; /* 0: never used */
	_Atomic uint64_t tat; /* the theoretical arrival time */
};

/* Only its worker writes it. Key and number share one word, so that a reader
 * never sees one without the other. */
struct concurrent_table {
	_Atomic uint64_t counts[CONCURRENT_SETS][CONCURRENT_WAYS];
};

/* Pages that are never touched take no memory. */
struct quota {
	struct siphash_key secret;
	_Atomic unsigned n_slots; /* that were ever used */
	alignas(64) struct rate_place rates[RATE_SETS][RATE_WAYS];
	alignas(4096) struct concurrent_table concurrent[SCOREBOARD_SLOTS];
};

struct quota *quota_create(void)
{
	struct quota *quota =
		mmap(NULL, sizeof(*quota), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (quota == MAP_FAILED)
		return NULL;
	quota->secret = siphash_random_key();
	return quota;
}

void quota_destroy(struct quota **quota)
{
	if (*quota != NULL)
		munmap(*quota, sizeof(**quota));
	*quota = NULL;
}

void quota_clear(struct quota *quota, unsigned slot)
{
	struct concurrent_table *table = &quota->concurrent[slot];

	/* Frees the pages; they read as zeros afterwards. */
	if (madvise(table, sizeof(*table), MADV_REMOVE) == -1)
		memset(table, 0, sizeof(*table));
	if (slot >= quota->n_slots)
		quota->n_slots = slot + 1;
}

uint64_t quota_key(const struct quota *quota, struct str text)
{
	uint64_t key = siphash(&quota->secret, text);

	return key != 0 ? key : 1;
}

/*
 * The place of `key`, which may have to be made. Two workers that make one at
 * the same moment make the same, unless another place becomes free between
 * them: the key has two then until one is past, and once one more passes.
 */
static struct rate_place *find_place(struct quota *quota, uint64_t key,
				     uint64_t now)
{
	struct rate_place *set = quota->rates[key % RATE_SETS], *oldest;

	for (int tries = 0;; tries++) {
		oldest = &set[0];
		for (int i = 0; i < RATE_WAYS; i++) {
			if (set[i].key == key)
				return &set[i];
			if (set[i].tat < oldest->tat)
				oldest = &set[i];
		}
		uint64_t other = oldest->key, tat = oldest->tat;

		if (tries == RATE_WAYS) /* contended; losing one update is
					 * harmless */
			return oldest;
		if (!atomic_compare_exchange_strong(&oldest->key, &other, key))
			continue;
		if (tat > now) /* it was not free */
			atomic_compare_exchange_strong(&oldest->tat, &tat, now);
		return oldest;
	}
}

uint64_t quota_use(struct quota *quota, uint64_t key, uint64_t now,
		   uint64_t interval, uint64_t burst)
{
	struct rate_place *place = find_place(quota, key, now);
	uint64_t ahead = interval * burst; /* how far the moment may be off */
	uint64_t tat = place->tat, base;

	do {
		base = tat > now ? tat : now;
		/* The limit may have been another when it was set. */
		if (base > now + ahead + interval)
			base = now + ahead + interval;
		if (base > now + ahead)
			return base - now - ahead;
	} while (!atomic_compare_exchange_weak(&place->tat, &tat, base + interval));
	return 0;
}

static uint64_t tag_of(uint64_t key)
{
	return key & ~(uint64_t)COUNT_MASK;
}

static _Atomic uint64_t *set_of(struct quota *quota, unsigned slot, uint64_t key)
{
	return quota->concurrent[slot].counts[key % CONCURRENT_SETS];
}

/* How many of `key` the set has; *way_out is where, or a free place, or -1. */
static unsigned count_in(_Atomic uint64_t *set, uint64_t key, int *way_out)
{
	*way_out = -1;
	for (int i = 0; i < CONCURRENT_WAYS; i++) {
		uint64_t word = set[i];

		if ((word & COUNT_MASK) == 0) {
			*way_out = i;
		} else if (tag_of(word) == tag_of(key)) {
			*way_out = i;
			return word & COUNT_MASK;
		}
	}
	return 0;
}

enum quota_enter quota_enter(struct quota *quota, unsigned slot, uint64_t key,
			     unsigned max)
{
	_Atomic uint64_t *own = set_of(quota, slot, key);
	unsigned sum = 0, n_slots = quota->n_slots;
	int way, unused;
	unsigned n = count_in(own, key, &way);

	if (way == -1 || n == COUNT_MASK)
		return QUOTA_UNCOUNTED;
	/* First in, then a look around: of two that come at once, both may be
	 * turned away, but never are both let in as the last. */
	own[way] = tag_of(key) | (n + 1);
	for (unsigned i = 0; i < n_slots; i++)
		sum += count_in(set_of(quota, i, key), key, &unused);
	if (sum <= max)
		return QUOTA_ENTERED;
	own[way] = tag_of(key) | n;
	return QUOTA_FULL;
}

void quota_exit(struct quota *quota, unsigned slot, uint64_t key)
{
	_Atomic uint64_t *own = set_of(quota, slot, key);
	int way;
	unsigned n = count_in(own, key, &way);

	ASSERT(n > 0);
	own[way] = tag_of(key) | (n - 1);
}
