/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server with the fewest requests under way for its weight; of equals the
 * one that was asked least, so that an idle upstream is used evenly.
 */
#include "worker/upstream/balancer.h"
#include "worker/upstream/server.h"

static bool is_less(const struct server *a, const struct server *b)
{
	uint64_t x = (a->n_active + 1) * server_weight(b);
	uint64_t y = (b->n_active + 1) * server_weight(a);

	if (x != y)
		return x < y;
	return a->requests * b->weight < b->requests * a->weight;
}

static struct server *pick(const struct candidates *candidates)
{
	struct server *best = candidates->items[0];

	for (size_t i = 1; i < candidates->n; i++)
		if (is_less(candidates->items[i], best))
			best = candidates->items[i];
	return best;
}

const struct balancer least_conn_balancer = {
	.name = "least_conn",
	.pick = pick,
};
