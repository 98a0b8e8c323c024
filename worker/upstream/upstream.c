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

/* An upstream of one server that the configuration does not have. */
struct gone {
	struct list link;
	struct upstream upstream;
	struct conf_upstream conf;
	struct conf_server conf_server;
	struct server server;
	struct server *candidate;
	char *name;
	char *text;
};

static bool has_names(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_upstreams; i++)
		for (size_t k = 0; k < conf->upstreams[i].n_servers; k++)
			if (conf->upstreams[i].servers[k].addr.length == 0)
				return true;
	return false;
}

static void show_upstream(struct upstream *u, struct server_health *cells,
			  size_t *n)
{
	for (size_t k = 0; k < u->conf->n_servers && *n < SCOREBOARD_SERVERS; k++) {
		struct server *s = &u->servers[k];

		s->shown = &cells[(*n)++];
		s->shown->key = server_health_key(str_of(u->conf->name),
						  str_of(s->conf->text));
	}
}

/* Those that are checked come first: theirs are not for show only. */
static void show_servers(struct upstreams *all)
{
	struct server_health *cells = all->net->slot->servers;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].conf->health != NULL)
			show_upstream(&all->items[i], cells, &n);
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].conf->health == NULL)
			show_upstream(&all->items[i], cells, &n);
}

struct upstreams *upstreams_create(struct net *net, const struct conf *conf,
				   const struct balancer *const *balancers)
{
	struct upstreams *all = mem_zalloc(1, sizeof(*all));

	all->net = net;
	list_init(&all->gone);
	if (has_names(conf))
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
	show_servers(all);
	return all;
}

static void free_gone(struct gone *gone)
{
	server_fini(&gone->server);
	free(gone->name);
	free(gone->text);
	free(gone);
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
	LIST_EACH_SAFE (link, &all->gone)
		free_gone(CONTAINER_OF(link, struct gone, link));
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

static char *copy(struct str s)
{
	char *text = mem_alloc(s.n + 1);

	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

/* Nothing is kept alive there: no request of ours will come. */
static struct gone *make_gone(struct upstreams *all, struct str name,
			      struct str text,
			      const struct conf_upstream_timeouts *timeouts)
{
	static const struct addr nowhere = {.any.sa_family = AF_UNIX,
					    .length = sizeof(sa_family_t)};
	struct gone *gone = mem_zalloc(1, sizeof(*gone));

	gone->name = copy(name);
	gone->text = copy(text);
	gone->conf_server = (struct conf_server){
		.text = gone->text, .addr = nowhere, .weight = 1};
	gone->conf = (struct conf_upstream){.name = gone->name,
					    .timeouts = *timeouts,
					    .servers = &gone->conf_server,
					    .n_servers = 1};
	gone->candidate = &gone->server;
	gone->upstream = (struct upstream){.conf = &gone->conf,
					   .balancer = &round_robin_balancer,
					   .servers = &gone->server,
					   .candidates = &gone->candidate};
	server_init(&gone->server, all->net, NULL, &gone->conf, &gone->conf_server);
	list_append(&all->gone, &gone->link);
	return gone;
}

static struct upstream *find_gone(struct upstreams *all, struct str name,
				  struct str text,
				  const struct conf_upstream_timeouts *timeouts,
				  struct server **server_out)
{
	struct gone *found = NULL;

	LIST_EACH (link, &all->gone) {
		struct gone *gone = CONTAINER_OF(link, struct gone, link);

		if (str_equal(str_of(gone->name), name) &&
		    str_equal(str_of(gone->text), text))
			found = gone;
	}
	if (found == NULL)
		found = make_gone(all, name, text, timeouts);
	*server_out = &found->server;
	return &found->upstream;
}

struct upstream *upstreams_find(struct upstreams *upstreams, struct str name,
				struct str server_text,
				const struct conf_upstream_timeouts *timeouts,
				struct server **server_out)
{
	for (size_t i = 0; i < upstreams->n; i++) {
		struct upstream *u = &upstreams->items[i];

		for (size_t k = 0; k < u->conf->n_servers; k++) {
			*server_out = &u->servers[k];
			if (str_equal(str_of(u->conf->name), name) &&
			    str_equal(str_of(u->conf->servers[k].text),
				      server_text))
				return u;
		}
	}
	return find_gone(upstreams, name, server_text, timeouts, server_out);
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
