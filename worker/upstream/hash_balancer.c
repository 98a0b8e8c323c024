/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server that a hash of the request gives, by rendezvous hashing (Thaler
 * and Ravishankar, 1998): each server has a number made of the request's hash
 * and its own, and the highest wins. When a server goes, only its requests go
 * to others; the same on every worker. Weights by -weight / ln(x) with x in
 * (0, 1].
 */
#include <math.h>

#include "base/str.h"
#include "worker/upstream/balancer.h"
#include "worker/upstream/server.h"

/* The finaliser of MurmurHash3: every bit of the result depends on all. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

static double score(const struct server *server, uint64_t hash)
{
	uint64_t own = str_hash(str_of(server->conf->text));
	double x = ((double)(mix(hash ^ mix(own)) >> 11) + 1) / 0x1p53;

	return -(double)server->weight / log(x);
}

static struct server *pick(const struct candidates *candidates)
{
	struct server *best = candidates->items[0];
	double highest = score(best, candidates->hash);

	for (size_t i = 1; i < candidates->n; i++) {
		double s = score(candidates->items[i], candidates->hash);

		if (s > highest) {
			highest = s;
			best = candidates->items[i];
		}
	}
	return best;
}

const struct balancer hash_balancer = {
	.name = "hash",
	.pick = pick,
};
