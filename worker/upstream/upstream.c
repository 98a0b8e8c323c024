/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/upstream/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/upstream/resolver.h"

static const char *const balance_names[] = {
	[CONF_BALANCE_ROUND_ROBIN] = "round_robin",
	[CONF_BALANCE_LEAST_CONN] = "least_conn",
	[CONF_BALANCE_RANDOM] = "random",
	[CONF_BALANCE_HASH] = "hash",
};

static const struct balancer *find_balancer(const struct balancer *const *balancers,
					    int balance)
{
	while (strcmp((*balancers)->name, balance_names[balance]) != 0)
		ASSERT(*++balancers != NULL);
	return *balancers;
}

struct upstreams *upstreams_create(struct net *net, const struct conf *conf,
				   const struct balancer *const *balancers)
{
	if (conf->n_upstreams == 0)
		return NULL;
	struct upstreams *all = mem_zalloc(1, sizeof(*all));

	all->resolver = resolver_create(net->loop);
	all->n = conf->n_upstreams;
	all->items = mem_zalloc(all->n, sizeof(*all->items));
	for (size_t i = 0; i < all->n; i++) {
		struct upstream *u = &all->items[i];

		u->conf = &conf->upstreams[i];
		u->balancer = find_balancer(balancers, u->conf->balance);
		u->servers = mem_zalloc(u->conf->n_servers, sizeof(*u->servers));
		u->candidates =
			mem_zalloc(u->conf->n_servers, sizeof(struct server *));
		for (size_t k = 0; k < u->conf->n_servers; k++)
			server_init(&u->servers[k], net, all->resolver, u->conf,
				    &u->conf->servers[k]);
	}
	return all;
}

void upstreams_destroy(struct upstreams **upstreams)
{
	struct upstreams *all = *upstreams;

	*upstreams = NULL;
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++) {
		struct upstream *u = &all->items[i];

		for (size_t k = 0; k < u->conf->n_servers; k++)
			server_fini(&u->servers[k]);
		free(u->servers);
		free(u->candidates);
	}
	resolver_destroy(&all->resolver);
	free(all->items);
	free(all);
}

static bool is_among(struct server *const *servers, size_t n,
		     const struct server *server)
{
	for (size_t i = 0; i < n; i++)
		if (servers[i] == server)
			return true;
	return false;
}

/* What is asked of a candidate, from the best kind on. */
struct kind {
	bool backup;
	bool heed_health;
	bool is_new; /* it was not tried */
};

static size_t find_candidates(struct upstream *u, struct kind kind,
			      struct server *const *tried, size_t n_tried)
{
	size_t n = 0;

	for (size_t i = 0; i < u->conf->n_servers; i++) {
		struct server *s = &u->servers[i];

		if (s->conf->backup == kind.backup &&
		    server_is_available(s, kind.heed_health) &&
		    (!kind.is_new || !is_among(tried, n_tried, s)))
			u->candidates[n++] = s;
	}
	return n;
}

/* When all are down that counts for nothing (panic mode): to ask one that may
 * be back is better than to ask none. */
struct server *upstream_pick(struct upstream *upstream, uint64_t hash,
			     struct server *const *tried, size_t n_tried,
			     enum upstream_lack *lack_out)
{
	static const struct kind kinds[] = {
		{.heed_health = true, .is_new = true},
		{.heed_health = true, .is_new = true, .backup = true},
		{.is_new = true},
		{.is_new = true, .backup = true},
		{.heed_health = false},
		{.backup = true},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n = find_candidates(upstream, kinds[i], tried, n_tried);
		struct candidates candidates = {
			.items = upstream->candidates, .n = n, .hash = hash};

		if (n == 1)
			return upstream->candidates[0];
		if (n > 1)
			return upstream->balancer->pick(&candidates);
	}
	*lack_out = UPSTREAM_UNRESOLVED;
	for (size_t i = 0; i < upstream->conf->n_servers; i++) {
		const struct server *s = &upstream->servers[i];

		if (s->name == NULL || resolver_count(s->name) > 0)
			*lack_out = UPSTREAM_FULL;
	}
	return NULL;
}
