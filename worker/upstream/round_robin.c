/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each server in turn, by its weight, and smoothly: with weights 5, 1, 1 the
 * turns are a a b a c a a, not a a a a a b c. Each pick gives every candidate
 * its weight, and takes the sum of them from the richest, which it is.
 */
#include "worker/upstream/balancer.h"
#include "worker/upstream/server.h"

static struct server *pick(const struct candidates *candidates)
{
	struct server *best = candidates->items[0];
	int64_t sum = 0;

	for (size_t i = 0; i < candidates->n; i++) {
		struct server *s = candidates->items[i];
		int64_t weight = (int64_t)server_weight(s);

		s->round_robin += weight;
		sum += weight;
		if (s->round_robin > best->round_robin)
			best = s;
	}
	best->round_robin -= sum;
	return best;
}

const struct balancer round_robin_balancer = {
	.name = "round_robin",
	.pick = pick,
};
