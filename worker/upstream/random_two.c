/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two servers at random, by weight, and of these the one with fewer requests:
 * nearly as even as least_conn, and workers that know nothing of each other do
 * not all run to the same server (Mitzenmacher, "The Power of Two Choices",
 * 2001).
 */
#include <stdlib.h>

#include "worker/upstream/balancer.h"
#include "worker/upstream/server.h"

static struct server *pick_by_weight(const struct candidates *candidates)
{
	uint64_t sum = server_weight(candidates->items[0]);

	for (size_t i = 1; i < candidates->n; i++)
		sum += server_weight(candidates->items[i]);
	/* Nothing is at stake: random(3) will do. */
	uint64_t at = (uint64_t)random() % sum;

	for (size_t i = 0; i < candidates->n; i++) {
		uint64_t weight = server_weight(candidates->items[i]);

		if (at < weight)
			return candidates->items[i];
		at -= weight;
	}
	return candidates->items[0];
}

static struct server *pick(const struct candidates *candidates)
{
	struct server *a = pick_by_weight(candidates);
	struct server *b = pick_by_weight(candidates);

	return (a->n_active + 1) * server_weight(b) <=
			       (b->n_active + 1) * server_weight(a)
		       ? a
		       : b;
}

const struct balancer random_balancer = {
	.name = "random",
	.pick = pick,
};
